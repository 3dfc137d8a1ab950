from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from analytics.advice import (
    ADVICE_COLUMNS,
    KINDS,
    AdviceError,
    AdviceSettings,
    advise,
)
from analytics.advice.kinds import NOBODYS, OF_FUEL
from analytics.advice.piece import Piece, above_noise
from analytics.fuel.causes import CAUSES
from tests.samples import advice_weeks
from tests.samples.advice_weeks import MONDAY, advice_of, causes, given, no_causes, parts, week


def told(advice: pd.DataFrame) -> list[str]:
    return advice["cause"].to_list()


class TestWhatIsTold:
    def test_every_cause_of_fuel_has_advice_but_the_rest(self) -> None:
        assert (*OF_FUEL, NOBODYS) == CAUSES
        assert set(OF_FUEL) <= set(KINDS)
        assert told(advice_of({NOBODYS: (100, 1)})) == []

    def test_that_which_saves_most_comes_first(self) -> None:
        found = advice_of({"idling": (20, 2), "speed": (60, 5), "gears": (40, 5)})
        assert told(found) == ["speed", "gears", "idling"]
        assert found["saving_l"].to_list() == pytest.approx([60, 40, 20])
        assert found["low_l"].to_list() == pytest.approx([55, 35, 18])
        assert found["high_l"].to_list() == pytest.approx([65, 45, 22])

    def test_it_has_the_columns_of_the_table_also_where_there_is_none(self) -> None:
        for found in (advice_of({"idling": (20, 2)}), advice_of({})):
            assert tuple(found.columns) == ADVICE_COLUMNS
            assert found["driver_id"].dtype == "Int64"
            assert found["saving_l"].dtype == "float64"
        assert len(advice_of({})) == 0

    def test_no_more_than_a_person_changes_at_a_time(self) -> None:
        six = {cause: (30.0 + n, 2.0) for n, cause in enumerate(OF_FUEL[:6])}
        assert told(advice_of(six)) == ["cruise", "coasting", "gears"]
        assert len(advice_of(six, settings=AdviceSettings(most=6))) == 6

    def test_driving_is_told_each_driver_and_the_vehicle_once(self) -> None:
        both = parts(driver_id=pd.array([7] * 5 + [9] * 5, dtype="Int64"))
        found = advice_of({"idling": (60, 6), "tyres": (40, 4)}, parts=both)
        assert found["driver_id"].to_list() == [7, 9, pd.NA]
        assert told(found) == ["idling", "idling", "tyres"]
        assert found["saving_l"].to_list() == pytest.approx([30, 30, 40])
        assert found["fuel_l"].to_list() == pytest.approx([600, 600, 1200])

    @pytest.mark.parametrize("nobody", [0, None, float("nan")])
    def test_where_nobody_is_known_it_is_the_vehicles(self, nobody: float | None) -> None:
        found = advice_of({"idling": (60, 6)}, parts=parts(driver_id=[nobody] * 10))
        assert found["driver_id"].isna().all()

    def test_confidence_is_how_wide_the_interval_is(self) -> None:
        found = advice_of({"idling": (50, 5), "speed": (49, 15), "gears": (48, 25)})
        assert found["confidence"].to_list() == ["high", "medium", "low"]

    def test_without_load_or_slope_nothing_is_claimed_with_high_confidence(self) -> None:
        blind = parts(missing=[["load"]] * 6 + [["gradient"]] * 4)
        found = advice_of({"idling": (50, 5)}, parts=blind)
        assert found["confidence"].to_list() == ["medium"]
        # On 40 % of the fuel the slope is missing: that is not most of it.
        assert found["facts"].iloc[0]["missing"] == ["load"]

    def test_facts_and_evidence_are_json(self) -> None:
        found = advice_of(dict.fromkeys(OF_FUEL, (40, 4)), settings=AdviceSettings(most=9))
        for row in found.to_dict("records"):
            for name in ("facts", "evidence"):
                assert json.loads(json.dumps(row[name], allow_nan=False)) == row[name]


class TestNoise:
    @pytest.mark.parametrize(
        ("litres", "half", "why"),
        [
            (40, 41, "the interval reaches below zero"),
            (40, 30, "nine causes are looked at: one of them may well be this far off"),
            (11, 1, "less than one in a hundred litres"),
            (-30, 2, "nothing was lost"),
        ],
    )
    def test_what_may_be_chance_or_is_little_is_not_told(
        self, litres: float, half: float, why: str
    ) -> None:
        assert told(advice_of({"speed": (litres, half)})) == [], why

    def test_what_is_less_than_the_setting_is_not_told(self) -> None:
        short = parts(6, fuel_l=10.0)
        assert told(advice_of({"speed": (1.9, 0.1)}, parts=short, days=3)) == []
        assert told(advice_of({"speed": (2.1, 0.1)}, parts=short, days=3)) == ["speed"]

    def test_where_no_fuel_is_known_no_litres_are_claimed(self) -> None:
        assert told(advice_of({"speed": (40, 2)}, parts=parts(fuel_l=np.nan))) == []

    def test_a_perfect_driver_is_told_nothing_in_98_of_100_weeks(self) -> None:
        rng = np.random.default_rng(8)
        rows, weeks = parts(1), 4000
        # Every cause of 1200 L is known to 20 L (90 %): 1 % alone would be passed by chance.
        half = 20.0
        wrong = half / 1.645 * rng.standard_normal((weeks, len(OF_FUEL)))
        told_anything = [
            any(
                above_noise(
                    Piece(
                        driver_id=7,
                        cause=cause,
                        value=litres,
                        low=litres - half,
                        high=litres + half,
                        distance_km=4000.0,
                        fuel_l=1200.0,
                        facts={},
                        parts=rows,
                        by_part=np.array([litres]),
                    ),
                    AdviceSettings(),
                )
                for cause, litres in zip(OF_FUEL, of_week, strict=True)
            )
            for of_week in wrong
        ]
        # 2 %, and three deviations of what so many draws vary by.
        assert np.mean(told_anything) <= 0.02 + 3 * 0.0022
        # A 90 % interval alone would let a third of the weeks pass.
        assert (wrong > half).any(axis=1).mean() > 0.3

    def test_never_more_than_was_burnt(self) -> None:
        found = advice_of({"idling": (1500, 10)})
        assert found[["saving_l", "high_l"]].to_numpy().max() == pytest.approx(1200)


class TestWhatTheTextsName:
    def facts(self, cause: str, litres: float, **fields: object) -> dict[str, object]:
        found = advice_of({cause: (litres, litres / 10)}, **fields)
        return dict(found["facts"].iloc[0])

    def test_tyres_name_how_soft_they_must_be_for_these_litres(self) -> None:
        # 96,000 t·km roll for 96e9 kg·m * 9.81 * 0.00676 / (0.40 * 35.8e6) = 444.6 L.
        # 24 L are 5.4 % more: pressure 1.054^-2.5 = 0.877 of the usual.
        facts = self.facts("tyres", 24)
        assert facts["soft_percent"] == pytest.approx(12.3, abs=0.1)
        assert facts["missing"] == ["softness"]
        assert self.facts("tyres", 300)["soft_percent"] == 40.0

    def test_where_the_mass_is_unknown_rolling_is_a_share_of_the_fuel(self) -> None:
        # 24 L of 0.4 * 1176 are 5.1 %.
        facts = self.facts("tyres", 24, parts=parts(mass_t_km=np.nan))
        assert facts["soft_percent"] == pytest.approx(11.7, abs=0.1)

    def test_auxiliaries_name_the_power_that_the_litres_were(self) -> None:
        # 63 engine hours; 1 kW is 3.6 / (35.8 * 0.40) = 0.2514 L/h: 31.68 L are 2.0 kW.
        assert self.facts("auxiliary", 31.68)["kw"] == pytest.approx(2.0, abs=0.01)

    def test_a_fault_names_by_how_much_consumption_rose(self) -> None:
        # 1200 L, of which 1140 would have done: 5.3 % more.
        assert self.facts("fault", 60)["rise_percent"] == pytest.approx(5.26)

    def test_idling_names_its_hours(self) -> None:
        facts = self.facts("idling", 24)
        assert (facts["idle_h"], facts["idle_fuel_l"]) == (6.0, 30.0)

    def test_behaviour_adds_shares_and_counts(self) -> None:
        rows = parts()
        behaviour = pd.DataFrame(
            {"part_start": rows["part_start"], "harsh_brakings": 2, "harsh_accelerations": 1}
            | {f"{name}_s": 900.0 for name in ("cruise", "coasting", "green_band", "overspeed")}
            | {
                f"{name}_known_s": 3600.0
                for name in ("cruise", "coasting", "green_band", "overspeed")
            }
        )
        assert self.facts("cruise", 24, behaviour=behaviour)["cruise_percent"] == 25.0
        assert self.facts("harsh", 24, behaviour=behaviour)["harsh_count"] == 30


class TestEvidence:
    def test_it_names_the_three_parts_that_cost_most(self) -> None:
        rows = parts()
        litres = [1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 1.0, 1.0, 1.0, 1.0]
        table = causes(rows, {"speed": (10, 1)}).assign(litres=litres, low_l=litres, high_l=litres)
        evidence = advice_of({}, parts=rows, causes=table)["evidence"].iloc[0]
        assert [part["litres"] for part in evidence["parts"]] == [9.0, 8.0, 7.0]
        assert evidence["parts"][0] == {
            # Monday 15:00 in Shanghai.
            "trip_start": "2026-03-02T07:00:00Z",
            "part_start": "2026-03-02T07:00:00Z",
            "distance_km": 400.0,
            "litres": 9.0,
        }

    def test_its_chart_has_the_weeks_days_by_the_fleets_clock(self) -> None:
        # From 06:00 in Shanghai the day before is still on in UTC.
        chart = advice_of({"speed": (50, 5)}, parts=parts(hour=6))["evidence"].iloc[0]["chart"]
        assert chart["unit"] == "L"
        assert (chart["days"][0], chart["days"][-1]) == ("2026-03-02", "2026-03-08")
        assert chart["values"] == pytest.approx([10, 10, 10, 10, 10, 0, 0])


class TestNovelty:
    def again(self, before: pd.DataFrame, litres: float = 40.0, **fields: object) -> pd.DataFrame:
        return advice_of({"speed": (litres, 4)}, given=before, **fields)

    def test_the_same_is_said_in_other_words_every_week(self) -> None:
        said: list[pd.DataFrame] = []
        variants: list[int] = []
        for weeks_ago in (4, 3, 2, 1):
            before = pd.concat(said) if said else None
            found = advice_of({"speed": (40, 4)}, given=before)
            variants.append(int(found["variant"].iloc[0]))
            said.append(given(found, weeks_ago=weeks_ago))
        assert len(set(variants[:3])) == 3
        assert variants[3] == variants[0]

    def test_the_week_itself_and_later_ones_are_not_before(self) -> None:
        first = advice_of({"speed": (40, 4)})
        for weeks_ago in (0, -1):
            again = self.again(given(first, weeks_ago=weeks_ago, status="dismissed"))
            assert again["variant"].to_list() == first["variant"].to_list()

    @pytest.mark.parametrize(
        ("status", "weeks_ago", "is_told"),
        [
            ("given", 1, True),
            ("seen", 1, True),
            # Decided in the week after the one advised on.
            ("accepted", 4, False),
            ("accepted", 5, True),
            ("dismissed", 5, False),
            ("dismissed", 8, False),
            ("dismissed", 9, True),
        ],
    )
    def test_what_was_decided_on_rests(self, status: str, weeks_ago: int, is_told: bool) -> None:
        before = given(advice_of({"speed": (40, 4)}), weeks_ago=weeks_ago, status=status)
        assert (told(self.again(before)) == ["speed"]) == is_told

    def test_it_returns_earlier_when_the_saving_grew_a_lot(self) -> None:
        before = given(advice_of({"speed": (40, 4)}), weeks_ago=2, status="dismissed")
        assert told(self.again(before, 55.0)) == []
        assert told(self.again(before, 61.0)) == ["speed"]

    def test_a_longer_week_is_no_growth(self) -> None:
        short = advice_of({"speed": (20, 2)}, parts=parts(5))
        before = given(short, weeks_ago=2, status="accepted")
        assert told(self.again(before, 40.0)) == []

    def test_what_is_decided_after_a_week_does_not_change_that_weeks_advice(self) -> None:
        before = given(advice_of({"speed": (40, 4)}), weeks_ago=1, status="dismissed")
        # Two days after its week ended is within this one.
        assert told(self.again(before)) == []
        later = before.assign(status_at=before["status_at"] + pd.Timedelta(weeks=1))
        assert told(self.again(later)) == ["speed"]

    def test_another_driver_has_dismissed_nothing(self) -> None:
        before = given(advice_of({"speed": (40, 4)}), weeks_ago=1, status="dismissed")
        other = parts(driver_id=pd.array([8] * 10, dtype="Int64"))
        assert told(self.again(before, parts=other)) == ["speed"]

    def test_what_rests_leaves_its_place_to_the_next(self) -> None:
        litres = {cause: (60.0 - n, 4.0) for n, cause in enumerate(OF_FUEL[:4])}
        first = advice_of(litres)
        before = given(first.head(1), weeks_ago=1, status="accepted")
        assert told(first) == ["idling", "speed", "harsh"]
        assert told(advice_of(litres, given=before)) == ["speed", "harsh", "gears"]


class TestRefusals:
    def test_a_frame_without_a_column_is_named(self) -> None:
        with pytest.raises(AdviceError, match=r"The frame parts lacks idle_s\."):
            advise(week({}, parts=parts().drop(columns="idle_s"), causes=no_causes()))

    def test_a_cause_nobody_knows_is_named(self) -> None:
        with pytest.raises(AdviceError, match="cause 'weather': add it to KINDS"):
            advice_of({"weather": (3, 1)})

    def test_causes_of_other_parts_are_refused(self) -> None:
        other = causes(parts(monday=advice_weeks.MONDAY + pd.Timedelta(weeks=1)), {"speed": (9, 1)})
        with pytest.raises(AdviceError, match=f"Vehicle 3, week {MONDAY}: there are causes of"):
            advice_of({}, causes=other)

    def test_litres_that_are_no_number_are_refused(self) -> None:
        with pytest.raises(AdviceError, match="the litres of a cause are no number"):
            advice_of({"speed": (float("nan"), 1)})
