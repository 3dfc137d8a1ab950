from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.advice import (
    AdviceError,
    FollowUp,
    before_and_after,
    follow_up,
    litres_saved,
    weekly,
)
from analytics.advice.student import t_95
from tests.samples.advice_weeks import MONDAY, causes, parts, whole_weeks


def compared(
    before: list[float], after: list[float], seed: int = 1, spread: float = 0.0
) -> FollowUp | None:
    """A follow-up of weeks with these rates of excess to expected litres."""
    weeks = whole_weeks(before + after, np.random.default_rng(seed), spread)
    return follow_up(weeks.head(len(before)), weeks.tail(len(after)))


def sure(found: FollowUp | None) -> FollowUp:
    assert found is not None
    return found


class TestFollowUp:
    def test_what_is_saved_is_the_change_of_the_rate_over_what_was_driven_since(self) -> None:
        weeks = whole_weeks([0.06] * 4 + [0.02] * 3, np.random.default_rng(2), 0.0)
        found = sure(follow_up(weeks.head(4), weeks.tail(3)))
        since = weeks.tail(3)
        assert found.saved_l == pytest.approx(0.04 * since["expected_l"].sum())
        # 0.3 expected L/km: 0.04 of 30 L/100 km.
        assert found.saved_l_per_100km == pytest.approx(1.2)
        assert (found.weeks_before, found.weeks_after) == (4, 3)
        assert found.verdict == "helped"

    def test_longer_weeks_and_heavier_loads_are_no_change(self) -> None:
        before = whole_weeks([0.05] * 4, np.random.default_rng(3), 0.0)
        after = before.assign(
            excess_l=before["excess_l"] * 3,
            expected_l=before["expected_l"] * 3,
            distance_km=before["distance_km"] * 2,
        )
        assert sure(follow_up(before, after)).saved_l == pytest.approx(0, abs=1e-9)

    def test_what_became_more_is_said(self) -> None:
        found = sure(compared([0.02] * 4, [0.06] * 4, spread=0.004))
        assert found.verdict == "worse"
        assert found.high < 0
        assert found.high_l < 0

    def test_drivers_who_never_change_rarely_seem_to(self) -> None:
        found = [sure(compared([0.05] * 4, [0.05] * 4, seed, 0.02)) for seed in range(1000)]
        changed = np.mean([one.verdict != "no clear change" for one in found])
        # A tenth by the interval's meaning, and three deviations of 1000 draws.
        assert changed <= 0.1 + 0.028
        assert changed >= 0.1 - 0.028

    @pytest.mark.parametrize(("before", "after"), [(3, 2), (4, 2), (8, 8)])
    def test_intervals_hold_what_was_really_saved_nine_times_of_ten(
        self, before: int, after: int
    ) -> None:
        held = []
        for seed in range(600):
            weeks = whole_weeks([0.06] * before + [0.03] * after, np.random.default_rng(seed), 0.02)
            found = sure(follow_up(weeks.head(before), weeks.tail(after)))
            truth = 0.03 * weeks.tail(after)["expected_l"].sum()
            held.append(found.low_l <= truth <= found.high_l)
        assert 0.86 <= np.mean(held) <= 0.94

    def test_advice_that_chance_called_for_rarely_seems_to_have_helped(self) -> None:
        # Advice is given in the first week with more than usual, and nothing changes at all:
        # weeks fall back to the mean by themselves.
        helped = worse = given = 0
        saved = []
        for seed in range(800):
            weeks = whole_weeks([0.03] * 28, np.random.default_rng(seed), 0.015)
            rates = weeks["excess_l"] / weeks["expected_l"]
            late = np.flatnonzero(rates[:20] > 0.045)
            if not len(late):
                continue
            found = follow_up(*before_and_after(weeks, weeks["week"].iloc[late[0]]))
            if found is None:
                continue
            given += 1
            saved.append(found.saved_l_per_100km)
            helped += found.verdict == "helped"
            worse += found.verdict == "worse"
        assert given > 400
        # A twentieth each by the interval's meaning, and three deviations of 500 draws.
        assert helped / given <= 0.05 + 0.03
        assert worse / given <= 0.05 + 0.03
        # 0.3 L/km expected: a hundredth of the consumption is 0.3 L/100 km.
        assert abs(np.mean(saved)) <= 0.1

    @pytest.mark.parametrize(("before", "after"), [(4, 1), (0, 4), (2, 8), (0, 0)])
    def test_too_few_weeks_say_nothing(self, before: int, after: int) -> None:
        assert compared([0.05] * before, [0.01] * after) is None

    def test_a_column_that_is_missing_is_named(self) -> None:
        weeks = whole_weeks([0.1] * 8, np.random.default_rng(1), 0.0)
        with pytest.raises(AdviceError, match="The frame after lacks excess_l"):
            follow_up(weeks, weeks.drop(columns="excess_l"))


class TestWeeks:
    def test_a_weeks_parts_are_added_up(self) -> None:
        rows = pd.concat([parts(4), parts(6, monday=MONDAY + pd.Timedelta(weeks=1))])
        found = weekly(rows, causes(rows, {"speed": (20, 1), "idling": (5, 1)}), "speed")
        assert found["excess_l"].to_list() == pytest.approx([8, 12])
        assert found["expected_l"].to_list() == pytest.approx([440, 660])
        assert found["distance_km"].to_list() == pytest.approx([1600, 2400])

    def test_where_the_model_says_nothing_the_reference_does(self) -> None:
        rows = parts(expected_l=np.nan)
        found = weekly(rows, causes(rows, {"speed": (20, 1), "rest": (5, 1)}), "speed")
        assert found["expected_l"].to_list() == pytest.approx([1200 - 25])

    def test_parts_without_fuel_or_causes_are_left_out(self) -> None:
        rows = parts(fuel_l=[np.nan] * 5 + [120.0] * 5)
        found = weekly(rows, causes(rows.tail(3), {"speed": (12, 1)}), "speed")
        assert found["excess_l"].to_list() == pytest.approx([12])
        assert found["expected_l"].to_list() == pytest.approx([330])

    def test_what_is_no_cause_of_fuel_is_not_followed_up_in_litres(self) -> None:
        rows = parts()
        weeks = weekly(rows, causes(rows, {"speed": (20, 1)}), "empty_running")
        assert follow_up(*before_and_after(weeks, MONDAY)) is None

    def test_the_week_of_the_advice_is_the_last_of_those_before(self) -> None:
        weeks = whole_weeks([0.0] * 20, np.random.default_rng(1), 0.0)
        before, after = before_and_after(weeks, weeks["week"].iloc[8])
        assert before.index.to_list() == list(range(1, 9))
        assert after.index.to_list() == list(range(9, 17))


class TestStudent:
    def test_the_table_goes_on_smoothly(self) -> None:
        # NIST: 1.725 for 20, 1.721 for 21, 1.697 for 30, 1.676 for 50.
        assert t_95(20) == 1.725
        assert t_95(21) == pytest.approx(1.721, abs=0.001)
        assert t_95(30) == pytest.approx(1.697, abs=0.001)
        assert t_95(50) == pytest.approx(1.676, abs=0.001)
        with pytest.raises(ValueError, match="0 degrees of freedom"):
            t_95(0)


def results(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Results: vehicle, driver, weeks since MONDAY, saved, and half its interval."""
    return pd.DataFrame(
        [
            {
                "vehicle_id": vehicle,
                "driver_id": driver,
                "cause": "speed",
                "week": (pd.Timestamp(MONDAY) + pd.Timedelta(weeks=week)).date(),
                "saved_l": saved,
                "low_l": saved - half,
                "high_l": saved + half,
                "verdict": "helped" if saved > half else "no clear change",
            }
            for vehicle, driver, week, saved, half in rows
        ]
    )


class TestFleet:
    def test_vehicles_add_up_and_their_errors_partly_cancel(self) -> None:
        found = litres_saved(results((1, 7, 0, 100, 30), (2, 8, 0, 50, 40)))
        assert (found.litres, found.low_l, found.high_l) == (150, 100, 200)
        assert (found.results, found.helped, found.unclear) == (2, 2, 0)

    def test_one_vehicles_errors_do_not_cancel(self) -> None:
        found = litres_saved(results((1, 7, 0, 100, 30), (1, 8, 0, 50, 40)))
        assert (found.low_l, found.high_l) == (80, 220)

    def test_what_was_said_again_meanwhile_counts_once(self) -> None:
        again = results((1, 7, 0, 100, 30), (1, 7, 1, 90, 30), (1, 7, 8, 20, 10))
        found = litres_saved(again)
        assert (found.litres, found.results) == (120, 2)
        assert litres_saved(again.iloc[::-1]) == found

    def test_the_vehicles_own_advice_has_no_driver(self) -> None:
        assert litres_saved(results((1, None, 0, 10, 3), (1, None, 2, 10, 3))).results == 1

    def test_what_came_out_worse_counts_too(self) -> None:
        found = litres_saved(results((1, 7, 0, 100, 30), (2, 8, 0, -40, 40)))
        assert found.litres == 60

    def test_nothing_followed_up_is_nothing_saved(self) -> None:
        found = litres_saved(results((1, 7, 0, 1, 1)).head(0))
        assert (found.litres, found.low_l, found.high_l, found.results) == (0, 0, 0, 0)
