"""How far litres are from what was expected: intervals from vehicles the model had not seen.

Split conformal prediction [Vovk; Lei et al. 2018]: the quantiles of actual over expected, of
vehicles left out of training, are the interval of any other vehicle. A trip's errors do not
average out over its segments, for they are mostly its vehicle's own; so trips have an interval of
their own, by their length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.9  # of intervals
TRIP_KM = (5.0, 20.0, 60.0)  # km; edges of the lengths of trips
LEAST = 60  # trips of a length that tell its interval; fewer are joined with the longer ones
UNKNOWN = (0.7, 1.4)  # where nothing was measured: published physics, unknown vehicle


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Quantiles of actual over expected litres.

    Attributes:
        segment: low and high of a segment.
        trip: likewise by length of trip, an entry more than TRIP_KM.
        trips: how many trips told it.
    """

    segment: tuple[float, float] = UNKNOWN
    trip: tuple[tuple[float, float], ...] = (UNKNOWN,) * (len(TRIP_KM) + 1)
    trips: int = 0

    @classmethod
    def of(cls, segment_ratios: Floats, trip_ratios: Floats, trip_km: Floats) -> Spread:
        """Learn it from vehicles that were left out of training.

        Args:
            segment_ratios: actual over expected of segments.
            trip_ratios: likewise of trips.
            trip_km: their length.
        """
        length = np.digitize(trip_km, TRIP_KM)
        by_length: list[tuple[float, float]] = []
        for place in range(len(TRIP_KM) + 1):
            chosen = trip_ratios[length == place]
            if len(chosen) < LEAST:
                chosen = trip_ratios[length >= place]
            if len(chosen) < LEAST:
                chosen = trip_ratios
            by_length.append(_interval(chosen))
        return cls(segment=_interval(segment_ratios), trip=tuple(by_length), trips=len(trip_ratios))

    def of_trips(self, km: Floats) -> tuple[Floats, Floats]:
        """Factors to the expected litres of trips, low and high."""
        factors = np.array(self.trip)[np.digitize(km, TRIP_KM)]
        return factors[:, 0], factors[:, 1]

    def to_dict(self) -> dict[str, Any]:
        """As plain numbers."""
        return {"segment": list(self.segment), "trip": [list(t) for t in self.trip],
                "trips": self.trips}  # fmt: skip

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Spread:
        """What `to_dict` gave."""
        return cls(
            segment=(float(kept["segment"][0]), float(kept["segment"][1])),
            trip=tuple((float(low), float(high)) for low, high in kept["trip"]),
            trips=int(kept["trips"]),
        )


def _interval(ratios: Floats) -> tuple[float, float]:
    """Conformal: the k-th smallest of n with k = (n + 1)·quantile, rounded outwards."""
    n = len(ratios)
    if n < 1 / (1 - LEVEL):
        return UNKNOWN
    ordered = np.sort(ratios)
    tail = (1 - LEVEL) / 2
    low = max(int(np.floor((n + 1) * tail)), 1)
    high = min(int(np.ceil((n + 1) * (1 - tail))), n)
    return float(ordered[low - 1]), float(ordered[high - 1])
