from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.metrics import SUMS
from analytics.scores import (
    METRICS,
    ScoreError,
    Scores,
    ScoreSettings,
    assumed,
    learn,
    packaged,
    peer_reference,
    published,
    safety_score,
    score_table,
    totals,
)
from analytics.scores.difficulty import difficulty
from analytics.scores.settings import read
from tests.worlds import scored_fleet

SETTINGS = packaged()
PUBLISHED = published(SETTINGS)
ASSUMED = assumed(SETTINGS)


def part(**sums: Any) -> pd.DataFrame:
    """One trip of 100 km in 90 min of which nothing else is known than what is given."""
    known = {"driving_s": 5400.0, "distance_km": 100.0, "subject": "A", "period": "w"}
    return pd.DataFrame(
        [{**dict.fromkeys(SUMS, 0.0), "vehicle_class": "heavy_truck", **known, **sums}]
    )


def full(**sums: Any) -> pd.DataFrame:
    """As `part`, with every metric known and ordinary."""
    ordinary: dict[str, float] = {"engine_s": 6000.0, "idle_s": 600.0, "harsh_known_km": 100.0}
    ordinary |= {"brakings": 50.0, "late_brakings": 5.0, "harsh_brakings": 1.0}
    ordinary |= {"retarder_s": 200.0, "service_brake_s": 200.0}
    for name, share in (
        ("cruise", 0.3),
        ("coasting", 0.15),
        ("green_band", 0.8),
        ("high_torque", 0.08),
        ("overspeed", 0.03),
    ):
        ordinary |= {f"{name}_known_s": 5000.0, f"{name}_s": 5000.0 * share}
    return part(**{**ordinary, **sums})


def scored(parts: pd.DataFrame, settings: ScoreSettings = SETTINGS, **given: Any) -> Scores:
    return score_table(totals(parts), published(settings), assumed(settings), settings, **given)


def metric_scores(parts: pd.DataFrame) -> dict[str, float]:
    found = scored(parts, replace(SETTINGS, least_weight_share=0.0)).contributions
    return dict(zip(found["metric"], found["metric_score"], strict=True))


class TestMapping:
    @pytest.mark.parametrize(
        ("sums", "metric", "expected"),
        [
            # The examples that Samsara publishes with its default limits.
            ({"cruise_s": 550.0, "cruise_known_s": 1000.0}, "cruise", 90),
            ({"cruise_s": 50.0, "cruise_known_s": 1000.0}, "cruise", 7),
            ({"late_brakings": 24.0, "brakings": 100.0}, "anticipation", 11),
            ({"late_brakings": 10.0, "brakings": 100.0}, "anticipation", 84),
        ],
    )
    def test_published_examples_come_out(
        self, sums: dict[str, float], metric: str, expected: int
    ) -> None:
        assert round(metric_scores(part(**sums))[metric]) == expected

    def test_beyond_the_limits_it_is_nought_or_a_hundred(self) -> None:
        found = metric_scores(
            part(
                cruise_s=900.0,
                cruise_known_s=1000.0,
                late_brakings=50.0,
                brakings=100.0,
                overspeed_known_s=5000.0,
            )
        )
        assert found == {"cruise": 100.0, "anticipation": 0.0, "overspeed": 100.0}

    def test_harsh_events_of_all_kinds_count_per_thousand_kilometres(self) -> None:
        found = scored(
            full(
                harsh_brakings=1.0,
                harsh_accelerations=1.0,
                harsh_cornerings=2.0,
                harsh_known_km=200.0,
            )
        ).contributions.set_index("metric")
        assert found.loc["harsh", "value"] == pytest.approx(20.0)

    def test_a_value_between_the_limits_is_linear(self) -> None:
        # 31 % lies half way from 1 % to 61 %.
        assert metric_scores(part(cruise_s=310.0, cruise_known_s=1000.0))["cruise"] == (
            pytest.approx(50.0)
        )


class TestContributions:
    def test_weights_are_of_what_is_there(self) -> None:
        found = scored(full(retarder_s=0.0, service_brake_s=0.0))
        assert found.table["missing"].tolist() == ["retarder"]
        weights = found.contributions.set_index("metric")["weight"]
        assert "retarder" not in weights.index
        assert weights.sum() == 1.0
        # Weights 8 and 4 of 51 that are left of 55.
        assert weights["idling"] == pytest.approx(8 / 51, abs=1e-5)
        assert weights["cruise"] == pytest.approx(4 / 51, abs=1e-5)

    def test_a_missing_metric_is_not_a_bad_one(self) -> None:
        every = scored(full()).contributions
        without = scored(full(cruise_s=0.0, cruise_known_s=0.0)).contributions
        kept = every[every["metric"] != "cruise"]
        assert without["metric_score"].tolist() == kept["metric_score"].tolist()

    @settings(max_examples=25, deadline=None)
    @given(
        seed=st.integers(0, 10_000),
        weights=st.lists(st.integers(0, 10), min_size=9, max_size=9).filter(any),
    )
    def test_points_add_up_to_the_score_to_the_last_bit_in_any_order(
        self, seed: int, weights: list[int]
    ) -> None:
        rng = np.random.default_rng(seed)
        parts = scored_fleet.trips(scored_fleet.ways(4, rng), np.full(4, 3), rng)
        weighed = SETTINGS.with_weights(dict(zip(METRICS, weights, strict=True)))
        found = scored(parts, replace(weighed, least_weight_share=0.0), least_km=0.0)
        shuffled = found.contributions.sample(frac=1.0, random_state=seed).groupby("subject")
        score = found.table["score"].droplevel("period").dropna()
        assert shuffled["points"].sum().tolist() == score.tolist()
        assert shuffled["points_lost"].sum().tolist() == (100.0 - score).tolist()
        assert shuffled["weight"].sum().tolist() == pytest.approx([1.0] * len(score))
        assert (found.contributions[["points", "points_lost"]] >= 0).all(axis=None)

    def test_points_are_weight_times_score(self) -> None:
        found = scored(full()).contributions
        assert found["points"].tolist() == pytest.approx(
            (found["weight"] * found["metric_score"]).tolist(), abs=1e-6
        )

    def test_weight_nought_leaves_a_metric_out_without_calling_it_missing(self) -> None:
        found = scored(full(), SETTINGS.with_weights({"cruise": 0}))
        assert "cruise" not in found.contributions["metric"].tolist()
        assert found.table["missing"].tolist() == [""]


class TestWhetherThereIsAScore:
    def test_below_the_least_distance_there_is_none_and_it_says_why(self) -> None:
        found = scored(full(distance_km=49.0))
        assert found.table[["score", "low", "high"]].isna().all(axis=None)
        assert found.table["grade"].tolist() == [None]
        assert found.table["reason"].tolist() == ["distance"]
        assert found.contributions.empty

    def test_a_single_trip_may_be_shorter(self) -> None:
        parts = full(distance_km=20.0)
        assert scored(parts, least_km=SETTINGS.least_trip_km).table["score"].notna().all()

    def test_a_score_of_one_metric_is_none(self) -> None:
        # Harsh events alone are 8 of 55 weights, less than a quarter.
        found = scored(part(harsh_known_km=100.0))
        assert found.table["reason"].tolist() == ["metrics"]
        assert found.table["missing"].iloc[0].startswith("anticipation, coasting")

    def test_a_metric_with_next_to_no_exposure_is_missing(self) -> None:
        found = scored(full(brakings=9.0, late_brakings=9.0))
        # Nine brakings say nothing of foresight; ten are asked for.
        assert found.table["missing"].tolist() == ["anticipation"]

    def test_grades_are_fifths(self) -> None:
        letters = [SETTINGS.grade(score) for score in (100.0, 80.0, 79.9, 60.0, 40.0, 20.0, 19.9)]
        assert letters == ["A", "A", "B", "B", "C", "D", "E"]

    def test_nobody_to_score_is_no_error(self) -> None:
        found = scored(part().iloc[:0])
        assert found.table.empty
        assert found.contributions.empty


def fleet(drivers: int, seed: int = 1, number: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return scored_fleet.trips(scored_fleet.ways(drivers, rng), np.full(drivers, number), rng)


class TestPeers:
    def test_the_outer_tenths_of_the_peers_score_nought_and_a_hundred(self) -> None:
        added = totals(fleet(40))
        reference = peer_reference(added, SETTINGS)
        found = score_table(added, reference, ASSUMED, SETTINGS)
        assert found.table["reference"].unique().tolist() == ["peers"]
        for name, metric in METRICS.items():
            of_metric = found.contributions[found.contributions["metric"] == name]
            # Four of forty lie in each outer tenth.
            assert (of_metric["metric_score"] == 0.0).sum() == 4
            assert (of_metric["metric_score"] == 100.0).sum() == 4
            best = of_metric.sort_values("value").iloc[-1 if metric.more_is_better else 0]
            assert best["metric_score"] == 100.0

    def test_too_few_peers_leave_the_published_figures(self) -> None:
        added = totals(fleet(19))
        found = score_table(added, peer_reference(added, SETTINGS), ASSUMED, SETTINGS)
        assert found.table["reference"].unique().tolist() == ["published"]
        assert found.contributions["peers"].unique().tolist() == [0]

    def test_those_who_drove_too_little_are_no_peers(self) -> None:
        parts = fleet(25)
        far = totals(parts)
        parts.loc[parts["subject"] < 6, "distance_km"] = 1.0
        near = totals(parts)
        assert ("heavy_truck", "class") in peer_reference(far, SETTINGS).limits
        limits = peer_reference(near, SETTINGS).of("heavy_truck", "class")
        assert set(limits.source) == {"published"}

    def test_peers_are_of_the_same_class(self) -> None:
        parts = fleet(40)
        parts.loc[parts["subject"] % 2 == 0, "vehicle_class"] = "bus"
        parts.loc[parts["subject"] % 2 == 0, "idle_s"] *= 0.2
        added = totals(parts)
        reference = peer_reference(added, SETTINGS)
        bus, truck = (reference.of(name, "class") for name in ("bus", "heavy_truck"))
        idling = list(METRICS).index("idling")
        assert bus.worst[idling] < 0.3 * truck.worst[idling]
        car = totals(parts.assign(vehicle_class="car"))
        found = score_table(car, reference, ASSUMED, SETTINGS)
        assert set(found.table["reference"]) == {"published"}

    def test_peers_who_all_drive_alike_are_not_told_apart_by_chance(self) -> None:
        parts = fleet(40)
        parts["retarder_s"], parts["service_brake_s"] = 100.0, 1.0
        added = totals(parts)
        found = score_table(added, peer_reference(added, SETTINGS), ASSUMED, SETTINGS)
        retarder = found.contributions[found.contributions["metric"] == "retarder"]
        assert set(retarder["reference"]) == {"published"}
        assert set(retarder["metric_score"]) == {100.0}
        assert set(found.table["reference"]) == {"mixed"}

    def test_enough_peers_are_compared_with_those_of_like_difficulty(self) -> None:
        parts = fleet(60)
        tonnes = 15.0 + parts["subject"] / 2
        parts["mass_t_km"] = tonnes * parts["distance_km"]
        parts["mass_known_km"] = parts["distance_km"]
        parts["idle_s"] = parts["engine_s"] * (0.01 + 0.004 * parts["subject"])
        added = totals(parts)
        reference = peer_reference(added, SETTINGS)
        found = score_table(added, reference, ASSUMED, SETTINGS)
        assert found.table["band"].value_counts().to_dict() == {
            "easy": 20,
            "middle": 20,
            "hard": 20,
        }
        idling = found.contributions[found.contributions["metric"] == "idling"]
        assert set(idling["reference"]) == {"band"}
        # Each third has its own best and worst, though idling rises with the load throughout.
        best = idling.groupby(found.table["band"].to_numpy())["metric_score"].max()
        assert best.tolist() == [100.0, 100.0, 100.0]

    def test_a_class_too_small_for_thirds_is_one_and_says_so(self) -> None:
        added = totals(fleet(59))
        found = score_table(added, peer_reference(added, SETTINGS), ASSUMED, SETTINGS)
        assert set(found.table["band"]) == {"class"}
        assert set(found.contributions["reference"]) == {"class"}

    def test_the_reference_can_be_kept_as_a_table(self) -> None:
        reference = peer_reference(totals(fleet(40)), SETTINGS)
        table = reference.table()
        assert table["metric"].tolist() == list(METRICS)
        assert set(table["source"]) == {"class"}
        assert set(table["peers"]) == {40}
        assert PUBLISHED.table().empty


class TestDifficulty:
    def test_it_runs_from_the_easiest_to_the_hardest_work_of_the_class(self) -> None:
        easy = {"mass_t_km": 1500.0, "mass_known_km": 100.0, "ascent_known_km": 100.0}
        hard = {"mass_t_km": 4500.0, "ascent_m": 2000.0, "stops": 150.0, "night_s": 4000.0}
        figures = [
            difficulty(totals(part(**{**easy, **more})), SETTINGS)["difficulty"].iloc[0]
            for more in ({}, hard)
        ]
        assert figures == [0.0, 100.0]

    def test_it_depends_on_the_class(self) -> None:
        ten_tonnes = {"mass_t_km": 1000.0, "mass_known_km": 100.0}
        heavy, medium = (
            difficulty(totals(part(vehicle_class=name, **ten_tonnes)), SETTINGS)
            for name in ("heavy_truck", "medium_truck")
        )
        assert heavy["load"].tolist() == medium["load"].tolist() == [10.0]
        assert heavy["difficulty"].iloc[0] < medium["difficulty"].iloc[0]

    def test_parts_that_are_not_known_are_named_and_left_out(self) -> None:
        found = difficulty(totals(part(stops=51.0)), SETTINGS)
        assert found["difficulty_missing"].tolist() == ["load, ascent"]
        assert np.isnan(found["load"].iloc[0])
        # 0.51 stops a km are half way (weight 3); no night (weight 1): 150 / 4.
        assert found["difficulty"].iloc[0] == pytest.approx(37.5)


def _places(names: pd.Series[str]) -> list[int]:
    """Where in the order of METRICS these are."""
    order = {name: place for place, name in enumerate(METRICS)}
    return [order[name] for name in names]


class TestUncertainty:
    def test_the_interval_holds_the_truth_nine_times_of_ten(self) -> None:
        rng = np.random.default_rng(5)
        peers = scored_fleet.trips(scored_fleet.ways(60, rng), rng.integers(2, 25, 60), rng)
        variability = learn(peers, SETTINGS)
        reference = peer_reference(totals(peers), SETTINGS)
        rates = scored_fleet.ways(400, rng)
        truth = scored_fleet.true_values(rates)
        parts = scored_fleet.trips(rates, rng.integers(2, 12, 400), rng)
        found = score_table(totals(parts), reference, variability, SETTINGS, least_km=0.0)
        drawn = found.contributions
        true_value = truth[drawn["subject"], _places(drawn["metric"])]
        held = (drawn["value_low"] <= true_value) & (true_value <= drawn["value_high"])
        # What 400 draws of a 90 % interval hold varies by 1.5 %: within three times that.
        covered = held.groupby(drawn["metric"]).mean()
        assert covered.between(0.85, 0.95).all(), covered.to_dict()

        true_score = reference.of("heavy_truck", "class").score(truth)
        true_points = drawn["weight"] * true_score[drawn["subject"], _places(drawn["metric"])]
        of_subject = true_points.groupby(drawn["subject"]).sum().to_numpy()
        table = found.table.dropna(subset="score")
        held_scores = (table["low"] <= of_subject) & (of_subject <= table["high"])
        assert len(table) > 390
        assert 0.85 <= held_scores.mean() <= 0.95

    def test_what_trips_teach_is_what_they_were_made_from(self) -> None:
        found = learn(fleet(60, number=20), SETTINGS)
        constants = dict(zip(METRICS, found.trip, strict=True))
        # A Beta variable that varies as one of k draws has a correlation of 1 / (k + 1).
        assert constants["coasting"] == pytest.approx(1 / 41, rel=0.2)
        assert constants["cruise"] == pytest.approx(1 / 3, rel=0.2)
        assert found.learnt.all()

    def test_a_driver_of_eighty_kilometres_gets_a_wide_interval(self) -> None:
        rng = np.random.default_rng(8)
        rates = scored_fleet.ways(50, rng)
        peers = scored_fleet.trips(rates, np.full(50, 20), rng)
        variability, reference = learn(peers, SETTINGS), peer_reference(totals(peers), SETTINGS)
        first = peers[peers["subject"] == 0].index[0]
        short = peers.loc[[first]].copy()
        short[list(SUMS)] *= 80.0 / short["distance_km"].iloc[0]
        added = totals(pd.concat([peers.drop(first), short.assign(subject=99)]))
        found = score_table(added, reference, variability, SETTINGS).table
        width = (found["high"] - found["low"]).droplevel("period")
        # Twenty trips of 80 km are twenty times as much: √20 is 4.5.
        assert width[99] > 2.5 * width[0]
        assert width[99] > 20.0

    def test_an_interval_never_leaves_its_score_out(self) -> None:
        found = scored(fleet(30))
        table, made = found.table, found.contributions
        assert ((table["low"] <= table["score"]) & (table["score"] <= table["high"])).all()
        assert (table["low"] >= 0).all()
        assert (table["high"] <= 100).all()
        assert (made["value_low"] <= made["value"]).all()
        assert (made["value"] <= made["value_high"]).all()

    def test_no_event_yet_is_no_proof_that_there_will_be_none(self) -> None:
        def harsh(km: float) -> tuple[float, float]:
            parts = full(distance_km=km, harsh_known_km=km, harsh_brakings=0.0)
            made = scored(parts).contributions.set_index("metric")
            low, high = made[["value_low", "value_high"]].to_numpy()[made.index == "harsh"][0]
            return float(low), float(high)

        (low, high), (_, later) = harsh(100.0), harsh(1000.0)
        assert low == 0.0
        # Exactly (Jeffreys) half the 95 % point of chi-squared with one degree, 1.92 an
        # observation; each is 1.2 + 0.002 x 100 events' worth, so 1.92 x 1.4 per 100 km.
        assert high == pytest.approx(26.9, rel=0.04)
        assert later < high / 3

    def test_too_few_trips_teach_nothing(self) -> None:
        found = learn(fleet(10, number=3), SETTINGS)
        # 10 x 2 trips beyond each one's first; 30 are asked for.
        assert not found.learnt.any()
        assert found.trip.tolist() == ASSUMED.trip.tolist()

    def test_metrics_nobody_can_tell_do_not_disturb_the_others(self) -> None:
        parts = fleet(40)
        parts[["retarder_s", "service_brake_s", "cruise_known_s", "cruise_s"]] = 0.0
        found = learn(parts, SETTINGS)
        assert np.isfinite(found.correlation).all()
        assert found.learnt.sum() == len(METRICS) - 2


class TestTotals:
    def test_a_period_is_the_sum_of_its_trips_in_any_order(self) -> None:
        parts = fleet(5)
        added = totals(parts)
        again = totals(parts.sample(frac=1.0, random_state=3))
        pd.testing.assert_frame_equal(added, again)
        assert added["n_trips"].tolist() == [8.0] * 5
        km = parts[parts["subject"] == 2]["distance_km"].sum()
        assert added.loc[(2, "week"), "distance_km"] == pytest.approx(km)

    def test_trips_are_scored_as_weeks_are(self) -> None:
        parts = fleet(3).assign(period=lambda rows: range(len(rows)))
        found = scored(parts, least_km=SETTINGS.least_trip_km)
        assert len(found.table) == len(parts)
        assert found.table["n_trips"].unique().tolist() == [1.0]

    def test_a_driver_of_two_classes_is_of_the_one_driven_further(self) -> None:
        both = pd.concat([full(distance_km=60.0), full(distance_km=90.0, vehicle_class="bus")])
        assert totals(both)["vehicle_class"].tolist() == ["bus"]

    def test_a_missing_column_is_named(self) -> None:
        with pytest.raises(ScoreError, match="the columns vehicle_class, stops"):
            totals(part().drop(columns=["stops", "vehicle_class"]))


class TestSafetyScore:
    def test_the_published_example_comes_out(self) -> None:
        found = safety_score(
            harsh_events=5, distance_km=247 * 1.609344, over_limit_s=69 * 60, driving_s=520 * 60
        )
        # 100 - 20 - 13; deductions of 20.2 and 13.3 that are not rounded would leave 66.5.
        assert found == 67.0

    def test_it_stays_between_nought_and_a_hundred(self) -> None:
        spotless = {"distance_km": 100.0, "over_limit_s": 0.0, "driving_s": 3600.0}
        assert safety_score(harsh_events=0, **spotless) == 100.0
        assert safety_score(harsh_events=50, **spotless) == 0.0

    def test_without_driving_there_is_none(self) -> None:
        assert np.isnan(
            safety_score(harsh_events=0, distance_km=0.0, over_limit_s=0.0, driving_s=0.0)
        )


class TestSettings:
    TEXT = files("analytics").joinpath("scores.toml").read_text(encoding="utf-8")

    def test_every_figure_has_a_source(self) -> None:
        assert all(metric.source for metric in SETTINGS.metrics.values())
        assert self.TEXT.count("source = ") == self.TEXT.count("\n[")

    def test_weights_can_be_set_and_wrong_ones_are_named(self) -> None:
        assert SETTINGS.with_weights({"idling": 10}).metrics["idling"].weight == 10
        for weights, words in (
            ({"idle": 3}, "'idle' to weigh: there are anticipation"),
            ({"idling": 11}, "Weight 11 of idling: give 0 to 10"),
            (dict.fromkeys(METRICS, 0), "Every metric has weight 0"),
        ):
            with pytest.raises(ScoreError, match=words):
                SETTINGS.with_weights(weights)

    @pytest.mark.parametrize(
        ("good", "bad", "words"),
        [
            ("best = 61.0", "best = 0.5", "cruise.*wrong way round"),
            ("best = 61.0", "", "cruise.*lacks.*best"),
            ("[grades]", "[marks]", "lack 'grades'"),
            ("weight = 7", 'weight = "much"', "cannot be read"),
            ("weight = 7", "weight = ", "no TOML"),
            ("least_peers = 20\n", "", "cannot be read.*least_peers"),
        ],
    )
    def test_settings_that_cannot_be_used_are_refused(
        self, good: str, bad: str, words: str
    ) -> None:
        with pytest.raises(ScoreError, match=words):
            read(self.TEXT.replace(good, bad, 1))
