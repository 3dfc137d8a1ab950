"""From added-up trips to scores, with what moved each, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.scores.difficulty import difficulty
from analytics.scores.metric import METRICS, SCALE, below, values
from analytics.scores.reference import PUBLISHED
from analytics.scores.totals import SQUARES
from analytics.scores.uncertainty import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.scores.reference import Limits, Reference
    from analytics.scores.settings import ScoreSettings
    from analytics.scores.uncertainty import Variability

GRID = 2.0**20
"""Points are whole multiples of 1 / GRID, so that their sums are exact in any order."""

TOO_SHORT, TOO_LITTLE = "distance", "metrics"
"""Why there is no score: less than the least distance; too few metrics are known."""

_BETTER = np.array([1.0 if metric.more_is_better else -1.0 for metric in METRICS.values()])
_NAMES = np.array(list(METRICS))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scores:
    """Scores and what they are made of.

    Attributes:
        table: a row a subject and period (its index): vehicle_class; score, low and high (90 %
            interval), grade, NaN and None where there is no score and then reason says why
            ('distance', 'metrics'); difficulty, difficulty_missing; band; reference ('peers',
            'published', 'mixed'); missing (metrics without value, comma between); distance_km;
            n_trips.
        contributions: a row a scored subject, period and metric: subject, period, metric, value,
            value_low, value_high (in the metric's unit), worst, best (what scores 0 and 100),
            reference ('band', 'class', 'published'), peers, metric_score, weight (share of all
            that is there), points (weight times metric_score, which add up to the score),
            points_lost (which add up to what the score lacks of 100).
    """

    table: pd.DataFrame
    contributions: pd.DataFrame


def score_table(
    totals: pd.DataFrame,
    reference: Reference,
    variability: Variability,
    settings: ScoreSettings,
    *,
    least_km: float | None = None,
) -> Scores:
    """Score subjects over periods.

    Args:
        totals: a row a subject and period, as from `analytics.scores.totals`.
        reference: what they are compared with.
        variability: how far chance moves values.
        settings: weights and limits.
        least_km: no score for less; None: the settings' least_distance_km. For single trips give
            the settings' least_trip_km.
    """
    least_km = settings.least_distance_km if least_km is None else least_km
    hard = difficulty(totals, settings)
    bands = [
        reference.band(name, figure)
        for name, figure in zip(totals["vehicle_class"], hard["difficulty"], strict=True)
    ]
    value = values(totals, settings)
    low, high = _value_interval(totals, value, variability)
    compared = reference.stacked(totals["vehicle_class"], bands)
    weights = np.array([settings.metrics[name].weight for name in METRICS])
    known = ~np.isnan(value) & (weights > 0)
    parts = _Parts.of(compared, known, weights, value, low, high)
    score = parts.points.sum(axis=1)
    down, up = _score_interval(parts, variability)
    weighed = known @ weights
    too_little = (weighed == 0) | (weighed < settings.least_weight_share * weights.sum())
    reason = np.where(
        totals["distance_km"].to_numpy() < least_km,
        TOO_SHORT,
        np.where(too_little, TOO_LITTLE, ""),
    )
    scored = reason == ""
    table = pd.DataFrame(
        {
            "vehicle_class": totals["vehicle_class"],
            "score": np.where(scored, score, np.nan),
            "low": np.where(scored, np.maximum(score - down, 0.0), np.nan),
            "high": np.where(scored, np.minimum(score + up, 100.0), np.nan),
            "grade": [
                settings.grade(float(points)) if given else None
                for points, given in zip(score, scored, strict=True)
            ],
            "reason": [None if given else why for why, given in zip(reason, scored, strict=True)],
            "difficulty": hard["difficulty"],
            "difficulty_missing": hard["difficulty_missing"],
            "band": bands,
            "reference": _references(compared.source, known),
            "missing": [", ".join(_NAMES[row & (weights > 0)]) for row in np.isnan(value)],
            "distance_km": totals["distance_km"],
            "n_trips": totals["n_trips"],
        },
        index=totals.index,
    )
    return Scores(table=table, contributions=_contributions(totals.index, parts, compared, scored))


def _value_interval(
    totals: pd.DataFrame, value: NDArray[np.float64], variability: Variability
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """90 % interval of the values, in their units."""
    squares = totals[list(SQUARES)].to_numpy(dtype=np.float64)
    low, high = interval(value / SCALE, variability.observations(below(totals), squares))
    return low * SCALE, high * SCALE


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Parts:
    """What the scores are made of: all (n, metrics), 0 where a metric is not known."""

    known: NDArray[np.bool_]
    value: NDArray[np.float64]
    value_low: NDArray[np.float64]
    value_high: NDArray[np.float64]
    score: NDArray[np.float64]
    score_low: NDArray[np.float64]
    score_high: NDArray[np.float64]
    share: NDArray[np.float64]
    points: NDArray[np.float64]
    lost: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        compared: Limits,
        known: NDArray[np.bool_],
        weights: NDArray[np.float64],
        value: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
    ) -> _Parts:
        one, other = compared.score(low), compared.score(high)
        scores = (compared.score(value), np.minimum(one, other), np.maximum(one, other))
        score, score_low, score_high = (np.where(known, found, 0.0) for found in scores)
        weighed = known * weights
        most = _on_grid(100.0 * weighed / np.maximum(weighed.sum(axis=1, keepdims=True), 1e-9))
        # The heaviest metric takes what the grid left over, so that weights make 100 exactly.
        heaviest = (np.arange(len(weighed)), weighed.argmax(axis=1))
        most[heaviest] += np.where(known.any(axis=1), 100.0 - most.sum(axis=1), 0.0)
        points = _on_grid(most * score / 100.0)
        return cls(
            known=known,
            value=value,
            value_low=low,
            value_high=high,
            score=score,
            score_low=score_low,
            score_high=score_high,
            share=most / 100.0,
            points=points,
            lost=most - points,
        )


def _on_grid(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.rint(points * GRID) / GRID


def _score_interval(
    parts: _Parts, variability: Variability
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far below and above each score its 90 % interval reaches.

    Intervals of the metrics, added as Zou and Donner do (MOVER, Statist. Med. 27 (2008) 1693): each
    side is the root of the sum over pairs of metrics of their distances times their correlation.
    """
    correlation = variability.correlation * np.outer(_BETTER, _BETTER)
    down = parts.share * (parts.score - parts.score_low)
    up = parts.share * (parts.score_high - parts.score)
    return _length(down, correlation), _length(up, correlation)


def _length(
    distances: NDArray[np.float64], correlation: NDArray[np.float64]
) -> NDArray[np.float64]:
    squared = np.einsum("ni,ij,nj->n", distances, correlation, distances)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def _references(source: NDArray[np.object_], known: NDArray[np.bool_]) -> NDArray[np.str_]:
    given = (known & (source == PUBLISHED)).any(axis=1)
    peers = (known & (source != PUBLISHED)).any(axis=1)
    return np.where(given & peers, "mixed", np.where(peers, "peers", PUBLISHED))


def _contributions(
    index: pd.Index, parts: _Parts, compared: Limits, scored: NDArray[np.bool_]
) -> pd.DataFrame:
    row, metric = np.nonzero(parts.known & scored[:, None])
    at = (row, metric)
    return pd.DataFrame(
        {
            "subject": index.get_level_values("subject")[row],
            "period": index.get_level_values("period")[row],
            "metric": _NAMES[metric],
            "value": parts.value[at],
            "value_low": parts.value_low[at],
            "value_high": parts.value_high[at],
            "worst": compared.worst[at],
            "best": compared.best[at],
            "reference": compared.source[at],
            "peers": compared.peers[at],
            "metric_score": parts.score[at],
            "weight": parts.share[at],
            "points": parts.points[at],
            "points_lost": parts.lost[at],
        }
    )
