"""How far chance may have moved a value: learnt from how peers' values vary from trip to trip.

A value from a few trips is only a sample of how somebody drives. The minutes of a trip are not
independent of each other, so a value is worth fewer observations than it has seconds or
kilometres. With exposure d_i in trip i, the deviation of what is counted from what the subject's
own long-run rate r makes one expect has variance

    v(r) · (observation · d_i + trip · d_i²),    v(r) = r (1 - r) for shares, r for events,

whose two constants are learnt from all peers together (`learn`), so that a driver with one trip
borrows them. The rate is then worth

    m = 1 / (observation / D + trip · Σd_i² / D²),    D = Σd_i

independent observations, and its interval is the usual one for so many: Wilson's for a share, the
Gamma (Poisson) interval for events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.scores.metric import METRICS, above, below
from analytics.scores.totals import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.scores.settings import ScoreSettings

CONFIDENCE = 0.90
Z = 1.6448536269514722
"""The normal distribution's 95 % point: intervals are two-sided and 90 %."""

_COUNTS = np.array([metric.counts for metric in METRICS.values()])
_BOUNDED = np.array([metric.bounded for metric in METRICS.values()])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Variability:
    """How values vary by chance within a subject.

    Attributes:
        observation: (metrics,) exposure that tells as much as one independent observation.
        trip: (metrics,) how alike the exposure of one trip is, 0 to 1.
        correlation: (metrics, metrics) between the values' errors.
        learnt: (metrics,) whether from peers; otherwise from the settings.
    """

    observation: NDArray[np.float64]
    trip: NDArray[np.float64]
    correlation: NDArray[np.float64]
    learnt: NDArray[np.bool_]

    def observations(
        self, exposure: NDArray[np.float64], squares: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(n, metrics) how many independent observations values are worth.

        Args:
            exposure: (n, metrics) their exposure, D.
            squares: (n, metrics) Σd_i² over their trips.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(
                1.0 / (self.observation / exposure + self.trip * squares / exposure**2)
            )


def assumed(settings: ScoreSettings) -> Variability:
    """The variability of the settings, for a fleet too small to learn it from."""
    chosen = [settings.metrics[name] for name in METRICS]
    correlation = np.full((len(chosen), len(chosen)), settings.correlation)
    np.fill_diagonal(correlation, 1.0)
    return Variability(
        observation=np.array([metric.observation for metric in chosen]),
        trip=np.array([metric.trip for metric in chosen]),
        correlation=correlation,
        learnt=np.zeros(len(chosen), dtype=np.bool_),
    )


def learn(parts: pd.DataFrame, settings: ScoreSettings) -> Variability:
    """Learn how values vary within subjects from the trips of peers.

    Args:
        parts: a row a trip and driver: subject and the columns SUMS; best of one vehicle class
            and the last weeks.
        settings: what holds for a metric with fewer than `learn_from` trips beyond each peer's
            first.

    Raises:
        ScoreError: a column is missing.
    """
    require(parts, ["subject"])
    fallback = assumed(settings)
    subjects = pd.factorize(parts["subject"])[0]
    exposure = below(parts)
    deviation = np.zeros_like(exposure)
    observation, trip = fallback.observation.copy(), fallback.trip.copy()
    learnt = fallback.learnt.copy()
    counted = above(parts)
    for k in range(len(METRICS)):
        found = _components(subjects, counted[:, k], exposure[:, k], k)
        deviation[:, k] = found.deviation
        if found.beyond_first >= settings.learn_from and found.constants is not None:
            observation[k], trip[k] = found.constants
            learnt[k] = True
    spread = np.sqrt(observation * exposure + trip * exposure**2)
    scaled = np.divide(deviation, spread, out=np.zeros_like(spread), where=spread > 0)
    correlation = _correlation(scaled, exposure > 0, learnt, fallback.correlation)
    return Variability(observation=observation, trip=trip, correlation=correlation, learnt=learnt)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Components:
    """One metric's deviations and what they teach."""

    deviation: NDArray[np.float64]
    beyond_first: int
    constants: tuple[float, float] | None


def _components(
    subjects: NDArray[np.intp],
    counted: NDArray[np.float64],
    exposure: NDArray[np.float64],
    metric: int,
) -> _Components:
    """The two constants by the method of moments: two quadratic forms and what they expect.

    With e_i = n_i - r d_i and r = N / D of the trips themselves, the expectations of Σ e_i² / d_i
    and of Σ e_i² are linear in the two constants; both are solved together, none below zero, and
    where events are counted one event is one observation at the most.
    """
    seen = exposure > 0
    who, n, d = subjects[seen], counted[seen], exposure[seen]

    def of_subjects(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(who, weights=values, minlength=1).astype(np.float64)

    trips, total, squares = of_subjects(np.ones(len(d))), of_subjects(d), of_subjects(d**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(total > 0, of_subjects(n) / total, 0.0)
        lopsided = np.where(total > 0, squares / total, 0.0)
        skew = np.where(total > 0, of_subjects(d**3) / total, 0.0)
    chance = rate * (1.0 - rate) if _BOUNDED[metric] else rate
    deviation = np.zeros(len(exposure))
    deviation[seen] = e = n - rate[who] * d
    by_exposure, plain = float(np.sum(e**2 / d)), float(np.sum(e**2))
    of_observation = float(chance @ np.maximum(trips - 1, 0))
    crossed = float(chance @ (total - lopsided))
    of_trip = float(chance @ (squares - 2 * skew + lopsided**2))
    beyond_first = int(np.maximum(trips - 1, 0).sum())
    if of_observation <= 0 or of_trip <= 0:
        return _Components(deviation=deviation, beyond_first=beyond_first, constants=None)
    least = 1.0 if _COUNTS[metric] else 0.0
    determinant = of_observation * of_trip - crossed**2
    trip = (of_observation * plain - crossed * by_exposure) / determinant if determinant > 0 else 0
    trip = min(max(trip, 0.0), 1.0)
    observation = (by_exposure - trip * crossed) / of_observation
    if observation < least:
        observation = least
        trip = min(max((plain - observation * crossed) / of_trip, 0.0), 1.0)
    return _Components(
        deviation=deviation, beyond_first=beyond_first, constants=(observation, trip)
    )


def _correlation(
    scaled: NDArray[np.float64],
    known: NDArray[np.bool_],
    learnt: NDArray[np.bool_],
    fallback: NDArray[np.float64],
) -> NDArray[np.float64]:
    """How metrics err together, over trips that know both."""
    both = known.astype(np.float64)
    size = np.sqrt((scaled**2).T @ both)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (scaled.T @ scaled) / (size * size.T)
    usable = np.isfinite(found) & learnt[:, None] & learnt[None, :]
    found = np.where(usable, np.clip(found, -1.0, 1.0), fallback)
    np.fill_diagonal(found, 1.0)
    return found


def interval(
    rate: NDArray[np.float64], observations: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """90 % interval of rates: Wilson's for shares, the Gamma interval for events.

    Args:
        rate: (n, metrics) shares (0 to 1), or events by unit of exposure.
        observations: (n, metrics) what they are worth, from Variability.observations.

    Returns:
        Lower and upper ends, which never exclude the rate itself.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = _wilson(rate, observations)
        events = _gamma(rate, observations)
    low = np.where(_BOUNDED, share[0], events[0])
    high = np.where(_BOUNDED, share[1], events[1])
    return np.minimum(low, rate), np.maximum(high, rate)


def _wilson(
    p: NDArray[np.float64], m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209."""
    middle = (p + Z**2 / (2 * m)) / (1 + Z**2 / m)
    half = Z / (1 + Z**2 / m) * np.sqrt(np.maximum(p * (1 - p), 0) / m + Z**2 / (4 * m**2))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _gamma(
    rate: NDArray[np.float64], m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gamma quantiles (Jeffreys' prior) by Wilson and Hilferty's cube, within 3 % of exact."""
    shape = rate * m + 0.5
    low = shape * np.maximum(1 - 1 / (9 * shape) - Z / (3 * np.sqrt(shape)), 0.0) ** 3
    high = shape * (1 - 1 / (9 * shape) + Z / (3 * np.sqrt(shape))) ** 3
    return np.where(rate > 0, low, 0.0) / m, high / m
