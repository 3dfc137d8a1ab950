"""How good expected litres are: errors a trip and a segment, of vehicles a model has not seen."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.fuel.model_level import LEAST_S, target_l
from analytics.fuel.segment_rows import IDENTITY, require, trips_of_rows
from analytics.fuel.spread import Spread

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.fuel.model import SegmentModel

    Floats = NDArray[np.float64]

LEAST_TRIP_KM = 2.0  # km; of a shorter trip no error is reported
LEAST_LITRES = 0.05  # L; nor of one that burnt less
KNOWN_L = 20.0  # L; a vehicle is known once it has burnt so much, which also says as much as it


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
        litres), segment_mape, physics_trip_mape: %; known_trip_mape: likewise where the vehicle's
        own earlier trips have told by what factor it differs; by_model: share of the litres that
        the booster had its say in. Errors are None where there are no trips.
    """
    metrics: dict[str, Any] = {
        "segments": len(held),
        "vehicles": len(np.unique(held.vehicle)),
        "trips": 0,
    }
    names = (
        "trip_mape",
        "trip_bias",
        "segment_mape",
        "physics_trip_mape",
        "known_trip_mape",
        "by_model",
    )
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
    metrics["known_trip_mape"] = _known_mape(held, actual, expected, counts)
    metrics["by_model"] = float(held.expected_l[held.by_model].sum() / held.expected_l.sum())
    return metrics


def evaluate(model: SegmentModel, segments: pd.DataFrame) -> dict[str, Any]:
    """Errors of a model on vehicles it was not trained on.

    Args:
        model: what expects.
        segments: vehicle, vehicle_class, start_time and SEGMENT_COLUMNS of other vehicles.

    Returns:
        As `metrics_of`, and coverage: share of the trips within their interval of 90 %. Here
        physics_trip_mape is None: it is that of training.

    Raises:
        SegmentError: columns are missing, or a class is none.
    """
    require(segments, IDENTITY)
    told = model.tell(segments)
    actual = target_l(segments)
    counts = np.isfinite(actual) & np.isfinite(told.litres) & (segments["moving_s"] >= LEAST_S)
    some, at = segments[counts], np.flatnonzero(counts)
    vehicle = some["vehicle"].astype("category").cat.codes.to_numpy().astype(np.int32)
    start_s = some["start_time"].to_numpy("datetime64[us]").astype(np.int64) / 1e6
    held = Held(
        vehicle=vehicle,
        trip=trips_of_rows(vehicle, start_s, some["duration_s"].to_numpy(np.float32)),
        km=some["distance_km"].to_numpy(np.float64),
        actual_l=actual[at],
        expected_l=told.litres[at],
        physics_l=told.litres[at],
        by_model=told.by_model[at],
    )
    km, burnt, expected = (held.trips(v) for v in (held.km, held.actual_l, held.expected_l))
    low, high = np.zeros(len(km)), np.zeros(len(km))
    for place, level in enumerate(model.levels):
        for by_model in (True, False):
            chosen = (told.level[at] == place) & (told.by_model[at] == by_model)
            of_these = held.trips(np.where(chosen, held.expected_l, 0.0))
            spread = level.spread if by_model else level.physics_spread
            factors = spread.of_trips(km)
            low += of_these * factors[0]
            high += of_these * factors[1]
    long = (km >= LEAST_TRIP_KM) & (burnt >= LEAST_LITRES) & (expected > 0)
    within = (burnt >= low) & (burnt <= high)
    coverage = float(within[long].mean()) if long.any() else None
    return metrics_of(held) | {"coverage": coverage, "physics_trip_mape": None}


def mape(actual: Floats, expected: Floats) -> float:
    """Mean absolute error, % of what was burnt."""
    return 100.0 * float(np.mean(np.abs(expected / actual - 1)))


def _known_mape(
    held: Held, actual: Floats, expected: Floats, counts: NDArray[np.bool_]
) -> float | None:
    """Error a trip of vehicles whose earlier trips are known; trips are numbered by time."""
    whose = np.zeros(len(actual), dtype=np.int64)
    whose[held.trip] = held.vehicle
    after = np.full(len(actual), np.nan)
    for vehicle in np.unique(whose):
        own = np.flatnonzero(whose == vehicle)
        burnt = np.cumsum(actual[own]) - actual[own]
        told = np.cumsum(expected[own]) - expected[own]
        factor = (burnt + KNOWN_L) / (told + KNOWN_L)
        after[own] = np.where(burnt >= KNOWN_L, expected[own] * factor, np.nan)
    known = counts & np.isfinite(after)
    return mape(actual[known], after[known]) if known.any() else None
