from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.local_time import local_days, local_hours, week_bounds
from analytics.metrics import SUMS
from analytics.ranking import rank, trend
from analytics.scores import Reference, Variability, learn, packaged, peer_reference, totals
from schemas.time_zones import TimeZoneError
from tests.worlds import scored_fleet

SETTINGS = packaged()
MONDAY = pd.Timestamp("2026-03-30")


def days_of(zone: str, *times: str) -> list[tuple[str, str]]:
    found = local_days(pd.Series(pd.to_datetime(list(times), utc=True)), zone)
    return [
        (f"{day:%Y-%m-%d}", f"{week:%Y-%m-%d}")
        for day, week in zip(found["day"], found["week"], strict=True)
    ]


class TestLocalDays:
    def test_a_trip_is_of_the_day_and_week_it_starts_in_by_the_fleets_clock(self) -> None:
        # Sunday 16:30 UTC is Monday 00:30 in Shanghai.
        assert days_of("Asia/Shanghai", "2026-03-01T15:30Z", "2026-03-01T16:30Z") == [
            ("2026-03-01", "2026-02-23"),
            ("2026-03-02", "2026-03-02"),
        ]
        assert days_of("UTC", "2026-03-01T16:30Z") == [("2026-03-01", "2026-02-23")]

    def test_when_clocks_go_forward_midnight_comes_an_hour_earlier(self) -> None:
        # Berlin is UTC+1 until Sunday 29 March 2026, 02:00, and UTC+2 from then on.
        found = days_of(
            "Europe/Berlin",
            "2026-03-28T22:59Z",
            "2026-03-28T23:00Z",
            "2026-03-29T21:59Z",
            "2026-03-29T22:00Z",
        )
        assert [day for day, _ in found] == ["2026-03-28", "2026-03-29", "2026-03-29", "2026-03-30"]
        assert [week for _, week in found] == ["2026-03-23"] * 3 + ["2026-03-30"]

    def test_the_week_of_a_change_of_clocks_is_an_hour_short_or_long(self) -> None:
        def hours(monday: date) -> float:
            begins, ends = week_bounds(monday, "Europe/Berlin")
            return (ends - begins).total_seconds() / 3600

        assert hours(date(2026, 3, 16)) == 168
        assert hours(date(2026, 3, 23)) == 167
        assert hours(date(2026, 10, 19)) == 169
        assert week_bounds(date(2026, 3, 23), "Europe/Berlin")[0] == datetime(
            2026, 3, 22, 23, tzinfo=UTC
        )

    def test_a_week_belongs_to_its_monday_also_over_new_year(self) -> None:
        assert days_of("UTC", "2027-01-01T12:00Z") == [("2027-01-01", "2026-12-28")]

    def test_hours_of_the_day_follow_the_clocks(self) -> None:
        times = pd.to_datetime(["2026-03-29T00:30Z", "2026-03-29T01:30Z"], utc=True)
        microseconds = times.to_numpy("datetime64[us]").astype(np.int64)
        # 01:30 and, an hour later, 03:30: there is no half past two that night.
        assert local_hours(microseconds, "Europe/Berlin").tolist() == [1.5, 3.5]
        # Nepal is a quarter of an hour off.
        assert local_hours(microseconds, "Asia/Kathmandu").tolist() == [6.25, 7.25]

    def test_a_zone_that_is_none_is_named(self) -> None:
        with pytest.raises(TimeZoneError, match="No time zone 'Europa/Berlin': give an IANA name"):
            days_of("Europa/Berlin", "2026-03-28T22:59Z")


def weeks_of_driving(
    drivers: int, seed: int, trips_a_week: int = 8, weeks: int = 5
) -> pd.DataFrame:
    """Five weeks of drivers who never change; the last begins on MONDAY."""
    rng = np.random.default_rng(seed)
    numbers = np.full(drivers, trips_a_week * weeks)
    parts = scored_fleet.trips(scored_fleet.ways(drivers, rng), numbers, rng)
    back = np.tile(np.repeat(np.arange(weeks), trips_a_week), drivers)
    return parts.assign(week=MONDAY - pd.to_timedelta(7 * back, unit="D"))


def learnt(parts: pd.DataFrame) -> tuple[Reference, Variability]:
    return peer_reference(totals(parts), SETTINGS), learn(parts, SETTINGS)


class TestTrend:
    def test_drivers_who_never_change_rarely_seem_to(self) -> None:
        parts = weeks_of_driving(200, seed=4)
        found = trend(parts, MONDAY.date(), *learnt(parts), SETTINGS).table
        assert len(found) == 200
        changed = found["word"] != "no clear change"
        # A tenth by the interval's meaning, plus what 200 draws vary by.
        assert changed.mean() <= 0.15
        held = (found["change_low"] <= 0) & (found["change_high"] >= 0)
        assert held.tolist() == (~changed).tolist()

    def test_a_driver_who_changed_is_told_better_or_worse(self) -> None:
        parts = weeks_of_driving(40, seed=6, trips_a_week=15)
        reference, variability = learnt(parts)
        now = parts["week"] == MONDAY
        lazy = parts.groupby("subject")["idle_s"].sum() / parts.groupby("subject")["engine_s"].sum()
        worst, best = int(lazy.to_numpy().argmax()), int(lazy.to_numpy().argmin())
        improved, fallen = (now & (parts["subject"] == driver) for driver in (worst, best))
        parts.loc[improved, ["idle_s", "harsh_brakings", "overspeed_s"]] = 0.0
        parts.loc[fallen, "idle_s"] = parts["engine_s"] * 0.4
        parts.loc[fallen, "overspeed_s"] = parts["overspeed_known_s"] * 0.2
        found = trend(parts, MONDAY.date(), reference, variability, SETTINGS)
        assert found.table["word"].loc[[worst, best]].tolist() == ["better", "worse"]
        moved = found.contributions[found.contributions["subject"] == best].set_index("metric")
        # Nobody idled less before: that is where most was lost.
        assert moved["change"].idxmin() == "idling"

    def test_the_changes_of_the_metrics_add_up_to_that_of_the_score(self) -> None:
        parts = weeks_of_driving(20, seed=7)
        gone = (parts["week"] < MONDAY) & (parts["subject"] == 4)
        parts.loc[gone, ["retarder_s", "service_brake_s"]] = 0.0
        found = trend(parts, MONDAY.date(), *learnt(parts), SETTINGS)
        added = found.contributions.groupby("subject")["change"].sum()
        assert added.to_numpy() == pytest.approx(found.table["change"].to_numpy(), abs=1e-9)
        made = found.contributions
        retarder = made[(made["subject"] == 4) & (made["metric"] == "retarder")]
        assert retarder["past_points"].tolist() == [0.0]

    def test_only_the_four_weeks_before_are_the_past(self) -> None:
        parts = weeks_of_driving(30, seed=9, weeks=7)
        reference, variability = learnt(parts)
        short = parts[parts["week"] >= MONDAY - pd.Timedelta(weeks=4)]
        one, other = (
            trend(rows, MONDAY.date(), reference, variability, SETTINGS).table
            for rows in (parts, short)
        )
        pd.testing.assert_frame_equal(one, other)
        assert set(one["past_weeks"]) == {4}

    def test_who_has_no_past_or_drove_too_little_has_no_trend(self) -> None:
        parts = weeks_of_driving(30, seed=10)
        reference, variability = learnt(parts)
        parts = parts[(parts["subject"] != 0) | (parts["week"] == MONDAY)]
        little = (parts["subject"] == 1) & (parts["week"] == MONDAY)
        parts.loc[little, "distance_km"] = 1.0
        found = trend(parts, MONDAY.date(), reference, variability, SETTINGS)
        assert sorted(found.table.index) == list(range(2, 30))
        assert set(found.contributions["subject"]) == set(range(2, 30))
        nobody = parts.iloc[:0]
        assert trend(nobody, MONDAY.date(), reference, variability, SETTINGS).table.empty


def table(*rows: tuple[float, float, float], **columns: Any) -> pd.DataFrame:
    """Scores with their intervals, of subjects a, b, c, …"""
    frame = pd.DataFrame(rows, columns=["score", "low", "high"], index=list("abcdef"[: len(rows)]))
    return frame.assign(**{"vehicle_class": "heavy_truck", **columns})


def places(ranking: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    """By subject: rank, rank_low, rank_high."""
    columns = (ranking[name].tolist() for name in ("rank", "rank_low", "rank_high"))
    return dict(zip(ranking.index, zip(*columns, strict=True), strict=True))


class TestRank:
    def test_clear_differences_give_sure_places(self) -> None:
        found = rank(table((50, 49, 51), (90, 89, 91), (70, 69, 71)))
        assert found.index.tolist() == ["b", "c", "a"]
        assert found["rank"].tolist() == [1, 2, 3]
        assert found["rank_low"].tolist() == found["rank_high"].tolist() == [1, 2, 3]
        assert found["share_below"].tolist() == [1.0, 0.5, 0.0]

    def test_those_who_cannot_be_told_apart_share_places(self) -> None:
        found = rank(table((90, 80, 95), (86, 76, 92), (30, 20, 40)))
        assert places(found) == {"a": (1, 1, 2), "b": (2, 1, 2), "c": (3, 3, 3)}

    def test_equal_scores_share_the_better_place(self) -> None:
        found = rank(table((80, 70, 90), (80, 75, 85), (60, 50, 70)))
        assert found["rank"].tolist() == [1, 1, 3]

    def test_a_driver_of_few_kilometres_may_stand_anywhere(self) -> None:
        sure = [(float(score), score - 1.0, score + 1.0) for score in (90, 80, 70, 60, 50)]
        found = rank(table(*sure, (72.0, 45.0, 95.0)))
        assert places(found)["f"] == (3, 1, 6)

    def test_the_place_among_the_median_is_a_probability_within_the_class(self) -> None:
        classes = ["bus", "bus", "bus", "car", "car", "car"]
        scores = [
            (90, 85, 95),
            (80, 75, 85),
            (70, 65, 75),
            (50, 45, 55),
            (40, 30, 50),
            (30, 25, 35),
        ]
        found = rank(table(*scores, vehicle_class=classes))["below_median"]
        assert found["b"] == found["e"] == 0.5
        # Ten points with an interval of five to the side are 10 / (5 / 1.645) = 3.3 deviations.
        assert found["c"] == pytest.approx(0.9995, abs=1e-4)
        assert found["a"] == pytest.approx(0.0005, abs=1e-4)

    def test_the_range_of_places_holds_the_true_one_at_least_nine_times_of_ten(self) -> None:
        rng = np.random.default_rng(11)
        truth = rng.uniform(20, 90, size=300)
        reach = rng.uniform(1, 15, size=300)
        score = truth + rng.normal(size=300) * reach / 1.645
        scores = pd.DataFrame(
            {
                "score": score,
                "low": score - reach,
                "high": score + reach,
                "vehicle_class": "heavy_truck",
            }
        )
        found = rank(scores).sort_index()
        true_rank = (-truth).argsort().argsort() + 1
        held = (found["rank_low"] <= true_rank) & (true_rank <= found["rank_high"])
        assert held.mean() >= 0.9
        # And it says something: the whole fleet would always hold it.
        assert (found["rank_high"] - found["rank_low"]).mean() < 120

    def test_who_has_no_score_has_no_place_and_one_alone_is_first(self) -> None:
        found = rank(table((90, 80, 95), (np.nan, np.nan, np.nan)))
        assert found.index.tolist() == ["a"]
        assert places(found) == {"a": (1, 1, 1)}
        assert found["ranked"].tolist() == [1]
        assert np.isnan(found["share_below"].iloc[0])
        assert rank(table((np.nan, np.nan, np.nan))).empty


def test_sums_are_what_a_week_of_them_adds_up_to() -> None:
    parts = weeks_of_driving(3, seed=12)
    added = totals(parts.assign(period=parts["week"]))
    assert added.index.get_level_values("period").nunique() == 5
    assert added[list(SUMS)].sum().to_numpy() == pytest.approx(parts[list(SUMS)].sum().to_numpy())
