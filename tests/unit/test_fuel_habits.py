"""Habits that are chosen a drive at a time: what few drives tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import binom

from analytics.fuel.habits import drives, least_rate, rate, without_chance
from analytics.fuel.style import SUMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def style(*ways_m: tuple[float, bool]) -> Floats:
    """Sums of drives of these steady ways, each by foot or not."""
    sums = dict.fromkeys(SUMS, 0.0)
    sums["steady_tkm"] = sum(way for way, _ in ways_m)
    sums["by_foot_tkm"] = sum(way for way, foot in ways_m if foot)
    sums["steady_tkm2"] = sum(way**2 for way, _ in ways_m)
    return np.array([sums[name] for name in SUMS])


def test_drives_of_equal_way_count_in_full_and_short_ones_hardly() -> None:
    assert drives(style(*[(5e4, True)] * 7)) == pytest.approx(7.0)
    assert 1.0 < drives(style((1e5, True), (1e3, True), (1e3, False))) < 1.1
    assert drives(style()) == 0.0


@pytest.mark.parametrize(("by_foot", "count"), [(1, 1), (3, 3), (5, 7), (7, 7), (20, 40)])
def test_a_habit_is_at_least_what_chance_makes_look_so_bad_once_in_twenty(
    by_foot: int, count: int
) -> None:
    least = least_rate(style(*[(5e4, drive < by_foot) for drive in range(count)]))
    assert binom.sf(by_foot - 1, count, least) == pytest.approx(0.05)


def test_who_never_drove_by_foot_or_never_steadily_may_have_no_habit() -> None:
    assert least_rate(style((5e4, False), (5e4, False))) == 0.0
    assert least_rate(style()) == 0.0


def test_habits_are_spread_as_habits_are_and_not_as_their_chances() -> None:
    rng = np.random.default_rng(3)
    habit = np.where(rng.random(2_000) < 0.6, 0.25, rng.uniform(0.25, 1.0, 2_000))
    counts = rng.integers(5, 11, 2_000).astype(np.float64)
    seen = rng.binomial(counts.astype(int), habit) / counts
    seen[:5] = np.nan
    found = without_chance(seen, counts)
    assert np.isnan(found[:5]).all()
    found, seen, habit = found[5:], seen[5:], habit[5:]
    assert seen.std() > 1.15 * habit.std()
    assert found.std() == pytest.approx(habit.std(), rel=0.05)
    good = np.quantile(habit, 0.25)
    assert abs(np.quantile(found, 0.25) - good) < 0.6 * abs(np.quantile(seen, 0.25) - good)


def test_rates_that_chance_alone_spreads_are_one_habit() -> None:
    seen = np.array([0.0, 0.25, 0.5, 0.25])
    assert without_chance(seen, np.full(4, 4.0)) == pytest.approx(np.full(4, 0.25))
    # One alone has no spread, and none no rate.
    assert without_chance(np.array([0.1]), np.array([3.0])).tolist() == [0.1]
    assert np.isnan(rate(style(), "cruise"))
