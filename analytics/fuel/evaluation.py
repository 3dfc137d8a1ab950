"""How good expected litres are: errors a trip and a segment, of vehicles a model has not seen."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.fuel.spread import Spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_TRIP_KM = 2.0  # km; of a shorter trip no error is reported
LEAST_LITRES = 0.05  # L; nor of one that burnt less


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Held:
    """Segments of vehicles that were left out of training; arrays are (n,).

    Attributes:
        vehicle: number of the vehicle.
        trip: number of the trip.
        km: length.
        actual_l: litres burnt, long idling and power take-off left out.
        expected_l: litres expected.
        physics_l: by physics alone.
        by_model: whether the booster had its say.
    """

    vehicle: NDArray[np.int32]
    trip: NDArray[np.int64]
    km: Floats
    actual_l: Floats
    expected_l: Floats
    physics_l: Floats
    by_model: NDArray[np.bool_]

    @classmethod
    def of(cls, several: list[Held]) -> Held:
        """Several as one, trips kept apart."""
        if not several:
            nothing: dict[str, Any] = {field.name: np.empty(0) for field in fields(cls)}
            for name, kind in (("vehicle", np.int32), ("trip", np.int64), ("by_model", np.bool_)):
                nothing[name] = np.empty(0, dtype=kind)
            return cls(**nothing)
        parts: dict[str, Any] = {
            field.name: np.concatenate([getattr(held, field.name) for held in several])
            for field in fields(cls)
        }
        before = np.cumsum([0] + [int(held.trip.max()) + 1 for held in several[:-1]])
        parts["trip"] = np.concatenate(
            [held.trip + first for held, first in zip(several, before, strict=True)]
        )
        return cls(**parts)

    def __len__(self) -> int:
        return len(self.trip)

    def trips(self, values: Floats) -> Floats:
        """(trips,) sums of (n,) values."""
        return np.asarray(np.bincount(self.trip, weights=values), dtype=np.float64)

    def spreads(self) -> tuple[Spread, Spread]:
        """Intervals of what the model says and of what physics says."""
        if not len(self):
            return Spread(), Spread()
        km, actual = self.trips(self.km), self.trips(self.actual_l)
        found = []
        for told in (self.expected_l, self.physics_l):
            ratio = np.divide(self.actual_l, told, out=np.ones(len(told)), where=told > 0)
            trip = self.trips(told)
            counts = (trip > 0) & (actual >= LEAST_LITRES)
            found.append(Spread.of(ratio, actual[counts] / trip[counts], km[counts]))
        return found[0], found[1]


def metrics_of(held: Held) -> dict[str, Any]:
    """Errors of vehicles that were left out, in numbers that JSON can keep.

    Returns:
        trips, vehicles, segments: how many; trip_mape, trip_bias (expected less actual, of all
        litres), segment_mape, physics_trip_mape: %; by_model: share of the litres that the
        booster had its say in. Errors are None where there are no trips.
    """
    metrics: dict[str, Any] = {
        "segments": len(held),
        "vehicles": len(np.unique(held.vehicle)),
        "trips": 0,
    }
    names = ("trip_mape", "trip_bias", "segment_mape", "physics_trip_mape", "by_model")
    if not len(held):
        return metrics | dict.fromkeys(names)
    actual, expected = held.trips(held.actual_l), held.trips(held.expected_l)
    counts = (held.trips(held.km) >= LEAST_TRIP_KM) & (actual >= LEAST_LITRES)
    if not counts.any():
        return metrics | dict.fromkeys(names)
    burnt = held.actual_l >= LEAST_LITRES
    metrics["trips"] = int(counts.sum())
    metrics["trip_mape"] = mape(actual[counts], expected[counts])
    metrics["trip_bias"] = 100.0 * float(expected[counts].sum() / actual[counts].sum() - 1)
    metrics["segment_mape"] = mape(held.actual_l[burnt], held.expected_l[burnt])
    metrics["physics_trip_mape"] = mape(actual[counts], held.trips(held.physics_l)[counts])
    metrics["by_model"] = float(held.expected_l[held.by_model].sum() / held.expected_l.sum())
    return metrics


def mape(actual: Floats, expected: Floats) -> float:
    """Mean absolute error, % of what was burnt."""
    return 100.0 * float(np.mean(np.abs(expected / actual - 1)))
