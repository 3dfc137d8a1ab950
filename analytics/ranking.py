"""Scores over time and among peers: a week against one's own past, and a place in the fleet.

Both are said with their uncertainty. A difference counts as one only where its 90 % interval leaves
zero out; what does not is "no clear change", and neighbours in a ranking share places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.scores.table import score_table
from analytics.scores.totals import require, totals
from analytics.scores.uncertainty import Z

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from analytics.scores.reference import Reference
    from analytics.scores.settings import ScoreSettings
    from analytics.scores.uncertainty import Variability

    Floats = NDArray[np.float64]

PAST_WEEKS = 4
"""A week is compared with so many before it, the span Motive scores drivers over."""

BETTER, WORSE, UNCLEAR = "better", "worse", "no clear change"

CHUNK = 256
"""Subjects compared with all others at a time: memory stays small in large fleets."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trend:
    """A week against the weeks before it.

    Attributes:
        table: a row a subject (its index) that has a score in both: score, past_score, change,
            change_low, change_high (90 % interval), word (BETTER, WORSE, UNCLEAR), past_weeks
            (how many of them had trips).
        contributions: a row a subject and metric: subject, metric, points, past_points, change;
            the changes of a subject add up to that of its score. A metric without value in one of
            the two has no points there.
    """

    table: pd.DataFrame
    contributions: pd.DataFrame


def trend(
    parts: pd.DataFrame,
    week: date,
    reference: Reference,
    variability: Variability,
    settings: ScoreSettings,
) -> Trend:
    """Compare a week with each subject's own weeks before it, both by the same reference.

    Args:
        parts: a row a trip and driver: subject, week (its Monday in the fleet's time zone, as
            from `analytics.local_time.local_days`), vehicle_class, and the columns SUMS; other
            weeks are left aside.
        week: the Monday of the week asked about.
        reference: what both are compared with.
        variability: how far chance moves values.
        settings: weights and limits.

    Raises:
        ScoreError: a column is missing.
    """
    require(parts, ["week"])
    begins = pd.to_datetime(parts["week"])
    monday = pd.Timestamp(week)
    past_from = monday - pd.Timedelta(weeks=PAST_WEEKS)
    earlier = parts[(begins >= past_from) & (begins < monday)]

    def scored(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        found = score_table(totals(rows.assign(period=week)), reference, variability, settings)
        points = found.contributions.set_index(["subject", "metric"])["points"]
        return found.table.droplevel("period").dropna(subset="score"), points.to_frame("points")

    (now, points), (past, past_points) = scored(parts[begins == monday]), scored(earlier)
    both = now.index.intersection(past.index)
    now, past = now.loc[both], past.loc[both]
    change = (now["score"] - past["score"]).to_numpy()
    reach_down, reach_up = _difference(now, past)
    table = pd.DataFrame(
        {
            "score": now["score"],
            "past_score": past["score"],
            "change": change,
            "change_low": change - reach_down,
            "change_high": change + reach_up,
            "word": np.select([change > reach_down, -change > reach_up], [BETTER, WORSE], UNCLEAR),
            "past_weeks": earlier.groupby("subject")["week"].nunique().reindex(both),
        },
        index=both,
    )
    moved = points.join(past_points.rename(columns={"points": "past_points"}), how="outer")
    moved = moved[moved.index.get_level_values("subject").isin(both)].fillna(0.0)
    moved["change"] = moved["points"] - moved["past_points"]
    return Trend(table=table, contributions=moved.reset_index())


def _difference(one: pd.DataFrame, other: pd.DataFrame) -> tuple[Floats, Floats]:
    """How far below and above a difference of independent scores its 90 % interval reaches.

    By the intervals of both (MOVER: Zou and Donner, Statist. Med. 27 (2008) 1693).
    """
    one_down, one_up = _reach(one)
    other_down, other_up = _reach(other)
    return np.hypot(one_down, other_up), np.hypot(one_up, other_down)


def _reach(scores: pd.DataFrame) -> tuple[Floats, Floats]:
    score = scores["score"].to_numpy(dtype=np.float64)
    low, high = scores["low"].to_numpy(dtype=np.float64), scores["high"].to_numpy(dtype=np.float64)
    return score - low, high - score


def rank(scores: pd.DataFrame) -> pd.DataFrame:
    """Each subject's place among all that have a score.

    Args:
        scores: a row a subject: score, low, high, vehicle_class, as from
            `analytics.scores.score_table` over one period.

    Returns:
        By subject, best first, those without score left out: rank (1 is the best; equal scores
        share the better place), rank_low and rank_high (90 %: everybody who is clearly better
        stands before, everybody who is clearly worse behind), ranked (how many there are),
        share_below (share of the others with a lower score), below_median (probability that the
        subject drives worse than the median of its class).
    """
    scores = scores.dropna(subset="score").sort_values("score", ascending=False, kind="stable")
    score, size = scores["score"].to_numpy(dtype=np.float64), len(scores)
    better, worse = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    down, up = _reach(scores)
    for first in range(0, size, CHUNK):
        rows = slice(first, first + CHUNK)
        ahead = score[None, :] - score[rows, None]
        better[rows] = (ahead > np.hypot(down[None, :], up[rows, None])).sum(axis=1)
        worse[rows] = (-ahead > np.hypot(down[rows, None], up[None, :])).sum(axis=1)
    ascending = score[::-1]
    below = np.searchsorted(ascending, score, side="left")
    above = size - np.searchsorted(ascending, score, side="right")
    median = scores.groupby("vehicle_class")["score"].transform("median").to_numpy()
    return pd.DataFrame(
        {
            "rank": above + 1,
            "rank_low": better + 1,
            "rank_high": size - worse,
            "ranked": size,
            "share_below": below / (size - 1) if size > 1 else np.nan,
            "below_median": [
                _probability_below(*figures)
                for figures in zip(score, down, up, median, strict=True)
            ],
        },
        index=scores.index,
    )


def _probability_below(score: float, down: float, up: float, limit: float) -> float:
    """That what a score estimates is below a limit, by the side of its interval that faces it."""
    reach = up if limit > score else down
    if limit == score:
        return 0.5
    if reach == 0:
        return 1.0 if score < limit else 0.0
    return 0.5 * (1.0 + math.erf((limit - score) / (reach / Z) / math.sqrt(2.0)))
