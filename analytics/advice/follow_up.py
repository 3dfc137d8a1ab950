"""Did it help? The weeks after a piece of advice against those before, like with like.

Of each week the litres its cause took beyond a good reference are set against the litres that were
to be expected of it, so that neither a longer week nor a heavier load looks like a change. With
x_w = r·E_w + e_w and Var(e_w) = s²·E_w, the rate of a period is r = Σx / ΣE, and s² comes from how
far the weeks lie from the rate of their own period. What is saved over the weeks after is
(r_before - r_after)·ΣE_after; its interval is Student's, with as many degrees of freedom as there
are weeks less two. What is wrong with a calibration is wrong before and after, and cancels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from analytics.advice.kinds import OF_FUEL
from analytics.advice.student import t_95
from analytics.advice.week import require

if TYPE_CHECKING:
    from datetime import date

WEEKS_BEFORE = 8  # compared with, that of the advice the last (ours: see before_and_after)
WEEKS_AFTER = 8  # followed for: training decays from 25 % to 2-5 % in the long run (FIELD)
LEAST_WEEKS_BEFORE = 3  # whole weeks; with fewer the bad week weighs too much (ours, likewise)
LEAST_WEEKS_AFTER = 2  # whole weeks; before that nothing is said (ours)

Verdict = Literal["helped", "no clear change", "worse"]

WEEKLY_COLUMNS = ("week", "distance_km", "expected_l", "excess_l")


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """What came of a piece of advice; the columns of table `advice_result`.

    Attributes:
        weeks_before, weeks_after: how many weeks with driving were compared.
        saved_l_per_100km, low, high: L/100 km less than before, 90 % interval; below 0: more.
        saved_l, low_l, high_l: L over the weeks after.
        verdict: helped or worse only where the interval leaves zero out.
    """

    weeks_before: int
    weeks_after: int
    saved_l_per_100km: float
    low: float
    high: float
    saved_l: float
    low_l: float
    high_l: float
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """By column."""
        return asdict(self)


def weekly(parts: pd.DataFrame, causes: pd.DataFrame, cause: str) -> pd.DataFrame:
    """What a cause took in each week of a subject.

    Args:
        parts: rows of table `fuel_part` of one vehicle, or of one driver on it: week (date),
            part_start, distance_km (km), fuel_l and expected_l (L; NaN unknown).
        causes: rows of table `fuel_cause` of these parts: part_start, cause, litres (L).
        cause: that of the advice. What is no cause of fuel has no weeks: it is not followed up in
            litres.

    Returns:
        WEEKLY_COLUMNS by week: week (date), distance_km, expected_l (where the model says nothing:
        the fuel less all causes) and excess_l (both L). Parts whose fuel is unknown are left out.

    Raises:
        AdviceError: a column is missing.
    """
    require(parts, "parts", ("week", "part_start", "distance_km", "fuel_l", "expected_l"))
    require(causes, "causes", ("part_start", "cause", "litres"))
    if cause not in OF_FUEL:
        return pd.DataFrame(columns=list(WEEKLY_COLUMNS))
    litres = causes.groupby("part_start")["litres"].sum()
    of_cause = causes[causes["cause"] == cause].groupby("part_start")["litres"].sum()
    at = parts["part_start"]
    fuel = pd.to_numeric(parts["fuel_l"], errors="coerce")
    by_reference = fuel - at.map(litres)
    table = pd.DataFrame(
        {
            "week": parts["week"],
            "distance_km": pd.to_numeric(parts["distance_km"], errors="coerce").fillna(0.0),
            "expected_l": pd.to_numeric(parts["expected_l"], errors="coerce").fillna(by_reference),
            "excess_l": at.map(of_cause).fillna(0.0),
        }
    )
    known = fuel.notna() & at.isin(causes["part_start"]) & (table["expected_l"] > 0)
    return table[known].groupby("week", as_index=False).sum()


def before_and_after(weeks: pd.DataFrame, week: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The weeks to compare of a piece of advice: those `follow_up` takes.

    The week of the advice belongs to those before. It was a bad one, or there had been no advice,
    and what comes after is better by chance alone; the weeks before it were good ones, or there
    had been advice earlier. Over all weeks up to a bad one both cancel (Wald's identity), over the
    last eight of them nearly: of drivers who never change 2-8 % seem helped, where 5 % are meant.

    Args:
        weeks: of `weekly`, whole weeks only.
        week: the Monday of the advice's week.
    """
    mondays, monday = pd.to_datetime(weeks["week"]), pd.Timestamp(week)
    first = monday - pd.Timedelta(weeks=WEEKS_BEFORE - 1)
    last = monday + pd.Timedelta(weeks=WEEKS_AFTER)
    before = (mondays >= first) & (mondays <= monday)
    after = (mondays > monday) & (mondays <= last)
    return weeks[before], weeks[after]


def follow_up(before: pd.DataFrame, after: pd.DataFrame) -> FollowUp | None:
    """Compare the weeks after a piece of advice with those before.

    Args:
        before: a row a week, WEEKLY_COLUMNS: distance_km (km), expected_l (L, above 0), excess_l
            (L: of the advice's cause, or fuel less expected litres where causes are not known).
        after: likewise.

    Returns:
        None where nothing can be said: fewer than three weeks before or two after, or no distance.

    Raises:
        AdviceError: a column is missing.
    """
    require(before, "before", WEEKLY_COLUMNS)
    require(after, "after", WEEKLY_COLUMNS)
    freedom = len(before) + len(after) - 2
    if len(before) < LEAST_WEEKS_BEFORE or len(after) < LEAST_WEEKS_AFTER:
        return None
    (rate_before, sum_before, squares_before) = _rate(before)
    (rate_after, sum_after, squares_after) = _rate(after)
    km = float(after["distance_km"].sum())
    if not (sum_before > 0 and sum_after > 0 and km > 0):
        return None
    spread = (squares_before + squares_after) / freedom
    saved = (rate_before - rate_after) * sum_after
    reach = t_95(freedom) * float(np.sqrt(spread * (1 / sum_before + 1 / sum_after))) * sum_after
    low, high = saved - reach, saved + reach
    verdict: Verdict = "no clear change"
    if low > 0 or high < 0:
        verdict = "helped" if low > 0 else "worse"
    return FollowUp(
        weeks_before=len(before),
        weeks_after=len(after),
        saved_l_per_100km=100.0 * saved / km,
        low=100.0 * low / km,
        high=100.0 * high / km,
        saved_l=saved,
        low_l=low,
        high_l=high,
        verdict=verdict,
    )


def _rate(weeks: pd.DataFrame) -> tuple[float, float, float]:
    """The rate r = Σx / ΣE, the expected ΣE, and Σ(x - r·E)² / E."""
    excess = weeks["excess_l"].to_numpy(dtype=np.float64)
    expected = weeks["expected_l"].to_numpy(dtype=np.float64)
    known = (expected > 0) & np.isfinite(excess)
    excess, expected = excess[known], expected[known]
    total = float(expected.sum())
    if not total > 0:
        return float("nan"), 0.0, 0.0
    rate = float(excess.sum()) / total
    return rate, total, float(np.sum((excess - rate * expected) ** 2 / expected))
