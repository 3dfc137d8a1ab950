"""What a value is compared with: peers of one class and like difficulty, else published figures.

A value scores 0 where the bottom tenth of the peers begins and 100 where the top tenth does, linear
between, as Samsara's Eco score does [kb.samsara.com 360062066732]. Peers are vehicles or drivers of
the same class; where there are enough, of the same third by difficulty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.scores.difficulty import difficulty
from analytics.scores.metric import METRICS, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from analytics.scores.settings import ScoreSettings

BANDS = ("easy", "middle", "hard")
"""The thirds of a class by difficulty."""

WHOLE_CLASS = "class"
"""The band of a subject that is compared with all of its class."""

BAND, CLASS, PUBLISHED = "band", "class", "published"
"""Where a metric's reference comes from: peers of the band, of the class, or the settings."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Limits:
    """The values that score 0 and 100: arrays (metrics,), or (n, metrics) for n subjects.

    Attributes:
        worst, best: in each metric's unit.
        source: BAND, CLASS or PUBLISHED.
        peers: how many they come from, 0 if published.
    """

    worst: NDArray[np.float64]
    best: NDArray[np.float64]
    source: NDArray[np.object_]
    peers: NDArray[np.int64]

    def score(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values, (n, metrics), as scores from 0 to 100."""
        return np.clip(100.0 * (value - self.worst) / (self.best - self.worst), 0.0, 100.0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reference:
    """What every subject of a fleet is compared with.

    Attributes:
        published: the settings' limits, for classes without peers.
        limits: by (class, band).
        edges: by class, the difficulties between its bands; none where it is too small for bands.
    """

    published: Limits
    limits: Mapping[tuple[str, str], Limits]
    edges: Mapping[str, tuple[float, float]]

    def band(self, vehicle_class: str, difficulty: float) -> str:
        """The band a subject belongs to."""
        if vehicle_class not in self.edges or np.isnan(difficulty):
            return WHOLE_CLASS
        return BANDS[int(np.searchsorted(self.edges[vehicle_class], difficulty, side="right"))]

    def stacked(self, classes: Iterable[str], bands: Iterable[str]) -> Limits:
        """What n subjects of these classes and bands are compared with, arrays (n, metrics)."""
        limits = [self.of(*place) for place in zip(classes, bands, strict=True)]
        shape = (len(limits), len(METRICS))
        return Limits(
            worst=np.array([one.worst for one in limits]).reshape(shape),
            best=np.array([one.best for one in limits]).reshape(shape),
            source=np.array([one.source for one in limits], dtype=object).reshape(shape),
            peers=np.array([one.peers for one in limits], dtype=np.int64).reshape(shape),
        )

    def of(self, vehicle_class: str, band: str) -> Limits:
        """What a subject of that class and band is compared with."""
        return self.limits.get((vehicle_class, band), self.published)

    def table(self) -> pd.DataFrame:
        """The limits by vehicle_class, band, metric: worst, best, source, peers."""
        tables = [
            pd.DataFrame(
                {
                    "vehicle_class": name,
                    "band": band,
                    "metric": list(METRICS),
                    "worst": limits.worst,
                    "best": limits.best,
                    "source": limits.source,
                    "peers": limits.peers,
                }
            )
            for (name, band), limits in self.limits.items()
        ]
        columns = ["vehicle_class", "band", "metric", "worst", "best", "source", "peers"]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def published(settings: ScoreSettings) -> Reference:
    """The reference of a fleet without peers: the settings' figures for all."""
    chosen = [settings.metrics[name] for name in METRICS]
    limits = Limits(
        worst=np.array([metric.worst for metric in chosen]),
        best=np.array([metric.best for metric in chosen]),
        source=np.full(len(chosen), PUBLISHED, dtype=object),
        peers=np.zeros(len(chosen), dtype=np.int64),
    )
    return Reference(published=limits, limits={}, edges={})


def peer_reference(totals: pd.DataFrame, settings: ScoreSettings) -> Reference:
    """Learn from peers what is good and what is bad.

    Args:
        totals: a row a subject, over the same weeks for all (four, say), as from
            `analytics.scores.totals`. Those with less than the least distance are left out.
        settings: how many peers make a reference, and the figures for when they do not.
    """
    reference = published(settings)
    peers = totals[totals["distance_km"] >= settings.least_distance_km]
    value = values(peers, settings)
    hard = difficulty(peers, settings)["difficulty"].to_numpy(dtype=np.float64)
    classes = peers["vehicle_class"].to_numpy(dtype=object)
    edges: dict[str, tuple[float, float]] = {}
    limits: dict[tuple[str, str], Limits] = {}
    for name in sorted(set(classes)):
        mine = classes == name
        of_class = _limits(value[mine], reference.published, settings, CLASS)
        limits[name, WHOLE_CLASS] = of_class
        known = mine & ~np.isnan(hard)
        if known.sum() < len(BANDS) * settings.least_peers:
            continue
        low, high = np.percentile(hard[known], [100 / 3, 200 / 3])
        edges[name] = (float(low), float(high))
        place = np.searchsorted([low, high], hard, side="right")
        for number, band in enumerate(BANDS):
            limits[name, band] = _limits(value[known & (place == number)], of_class, settings, BAND)
    return Reference(published=reference.published, limits=limits, edges=edges)


def _limits(
    value: NDArray[np.float64], otherwise: Limits, settings: ScoreSettings, source: str
) -> Limits:
    """The percentiles of values (k, metrics), metric by metric where peers are enough."""
    found = Limits(
        worst=otherwise.worst.copy(),
        best=otherwise.best.copy(),
        source=otherwise.source.copy(),
        peers=otherwise.peers.copy(),
    )
    for k, metric in enumerate(METRICS.values()):
        known = value[~np.isnan(value[:, k]), k]
        if len(known) < settings.least_peers:
            continue
        low, high = np.percentile(known, settings.percentiles)
        given = settings.metrics[metric.name]
        # Peers who all drive alike differ by chance only.
        if high - low < settings.least_width * abs(given.best - given.worst):
            continue
        found.worst[k], found.best[k] = (low, high) if metric.more_is_better else (high, low)
        found.source[k], found.peers[k] = source, len(known)
    return found
