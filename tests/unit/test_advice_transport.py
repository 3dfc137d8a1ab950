from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.advice import advise
from tests.samples.advice_weeks import MONDAY, parts, week


def advised(cause: str, rows: pd.DataFrame, **fields: Any) -> dict[str, Any] | None:
    """What is advised on a cause, as a row."""
    found = advise(week({}, parts=rows, **fields))
    rows_of = found[found["cause"] == cause].to_dict("records")
    return {str(name): value for name, value in rows_of[0].items()} if rows_of else None


class TestEmptyRunning:
    def test_half_of_the_way_empty_is_told_in_kilometres_not_litres(self) -> None:
        found = advised("empty_running", parts(empty_km=[400.0, 0.0] * 5))
        assert found is not None
        # 2000 of 4000 km, where 800 are usual.
        assert found["facts"]["value"] == 1200.0
        assert (found["facts"]["empty_km"], found["facts"]["empty_percent"]) == (2000.0, 50.0)
        assert np.isnan(found["saving_l"])
        assert pd.isna(found["driver_id"])
        assert found["evidence"]["chart"]["unit"] == "km"
        assert found["evidence"]["parts"][0]["km"] == 400.0

    def test_the_fuel_of_wholly_empty_parts_is_named(self) -> None:
        fuel = [90.0, 150.0] * 5
        found = advised("empty_running", parts(empty_km=[400.0, 0.0] * 5, fuel_l=fuel))
        assert found is not None
        assert found["facts"]["empty_fuel_l"] == 450.0
        mixed = advised("empty_running", parts(empty_km=200.0))
        assert mixed is not None
        assert mixed["facts"]["empty_fuel_l"] is None

    @pytest.mark.parametrize(
        ("columns", "why"),
        [
            ({"empty_km": 100.0}, "a quarter is near what is usual"),
            ({"empty_km": 200.0, "load_known_km": 250.0}, "most of the way's load is not known"),
            (
                {"empty_km": 14.0, "load_known_km": 40.0, "distance_km": 40.0},
                "60 km beyond the usual are not worth a planner's call",
            ),
        ],
    )
    def test_what_is_usual_unknown_or_little_is_not_told(
        self, columns: dict[str, Any], why: str
    ) -> None:
        assert advised("empty_running", parts(**columns)) is None, why


class TestLoadFactor:
    def test_half_loads_are_told_in_kilometres(self) -> None:
        # 12 t on average, 32 t once.
        loads = [400.0 * 8] * 9 + [400.0 * 32]
        found = advised("load_factor", parts(payload_t_km=loads))
        assert found is not None
        facts = found["facts"]
        assert (facts["payload_t"], facts["full_t"]) == (10.4, 32.0)
        # Three quarters of 32 t are 24: 41600 t·km fit in 1733 km.
        assert facts["value"] == pytest.approx(4000 - 41600 / 24, abs=0.01)
        assert np.isnan(found["saving_l"])

    def test_the_largest_load_may_have_been_seen_before(self) -> None:
        past = parts(payload_t_km=400.0 * 25, monday=MONDAY - pd.Timedelta(weeks=1))
        assert advised("load_factor", parts(), past=past) is not None

    def test_a_vehicle_that_is_always_as_full_is_left_alone(self) -> None:
        assert advised("load_factor", parts()) is None


class TestIdleDays:
    def test_days_without_a_trip_are_counted(self) -> None:
        found = advised("idle_days", parts(6))
        assert found is not None
        assert found["facts"]["value"] == 4.0
        assert found["evidence"]["parts"] == []
        assert found["evidence"]["chart"]["values"] == [11.0, 11.0, 11.0, 0, 0, 0, 0]

    def test_a_weekend_is_none(self) -> None:
        assert advised("idle_days", parts(10)) is None

    def test_a_trip_over_midnight_is_on_both_days(self) -> None:
        # Thursday's second trip goes on until Friday.
        rows = parts(8)
        rows["end_time"] = rows["end_time"] + pd.Timedelta(hours=4)
        assert advised("idle_days", rows) is None

    def test_a_week_that_is_not_over_is_not_judged(self) -> None:
        assert advised("idle_days", parts(6), days=5) is None

    def test_a_vehicle_in_use_that_stood_all_week_is_told(self) -> None:
        past = parts(monday=MONDAY - pd.Timedelta(weeks=1))
        found = advised("idle_days", parts(0), past=past)
        assert found is not None
        assert found["facts"]["value"] == 7.0
        assert advised("idle_days", parts(0)) is None


def commuting(
    early: float, late: float, rng: np.random.Generator, column: str, **fields: Any
) -> dict[str, Any]:
    """Four weeks and this one on a corridor, half of the runs at 8, half at 15 o'clock."""

    def of_week(weeks_ago: int) -> pd.DataFrame:
        usual = [early, late] * 5
        return parts(
            monday=MONDAY - pd.Timedelta(weeks=weeks_ago),
            corridor="u1-u2",
            **({column: [value * rng.uniform(0.9, 1.1) for value in usual]} | fields),
        )

    rows = of_week(0)
    return {"rows": rows, "past": pd.concat([of_week(n) for n in range(1, 5)])}


class TestAnotherDeparture:
    def test_stops_that_another_departure_spares_are_told_in_litres(self) -> None:
        rng = np.random.default_rng(3)
        found = advised("stops", **commuting(100, 20, rng, "stops", distance_km=100.0))
        assert found is not None
        facts = found["facts"]
        assert facts["window_h"] == [10, 16]
        # Five runs in the morning, 80 stops less each.
        assert facts["runs"] == 5
        assert facts["stops"] == pytest.approx(400, rel=0.1)
        # 96 t·km/km at 18 km/h: 0.5 * 96,000 kg * 5.05² / (0.40 * 35.8e6) = 0.086 L each.
        assert found["saving_l"] == pytest.approx(facts["stops"] * 0.0855, rel=0.02)
        assert 0 < found["low_l"] < found["saving_l"] < found["high_l"]

    def test_hours_are_told_in_hours(self) -> None:
        rng = np.random.default_rng(4)
        found = advised("hours", **commuting(6 * 3600, 5 * 3600, rng, "driving_s"))
        assert found is not None
        assert found["facts"]["value"] == pytest.approx(5, rel=0.2)
        assert found["facts"]["low"] > 0
        assert np.isnan(found["saving_l"])
        assert found["evidence"]["parts"][0]["hours"] == pytest.approx(1, rel=0.3)

    def test_where_departures_do_not_differ_nothing_is_told(self) -> None:
        rng = np.random.default_rng(5)
        told = 0
        for _ in range(40):
            fields = commuting(5 * 3600, 5 * 3600, rng, "driving_s")
            told += advised("hours", **fields) is not None
        # 2 of 40 by a 90 % interval's one side; here it is widened.
        assert told <= 2

    def test_a_departure_at_night_is_never_proposed(self) -> None:
        rng = np.random.default_rng(6)
        # 17 and 24 o'clock: the night is twice as fast.
        fields = commuting(6 * 3600, 3 * 3600, rng, "driving_s", hour=17)
        assert advised("hours", **fields) is None

    def test_without_a_past_or_corridors_nothing_is_compared(self) -> None:
        rng = np.random.default_rng(7)
        fields = commuting(6 * 3600, 3 * 3600, rng, "driving_s")
        assert advised("hours", fields["rows"]) is None
        nowhere = {name: frame.assign(corridor=None) for name, frame in fields.items()}
        assert advised("hours", **nowhere) is None
