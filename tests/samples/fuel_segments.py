"""Segments of vehicles whose litres follow a law that a test knows."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from analytics.fuel.segment_physics import CLASS_NUMBERS, ROAD, SegmentPhysics
from analytics.fuel.segments import SEGMENT_COLUMNS

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def segments(
    vehicles: int = 8,
    each: int = 100,
    *,
    seed: int = 1,
    spread: float = 0.03,
    vehicle_class: str = "heavy_truck",
) -> pd.DataFrame:
    """Motorway and hills: litres are published physics, 15 % more in the cold, and 2 % of noise.

    Args:
        vehicles: how many, each with a factor of its own of about `spread`.
        each: segments a vehicle, twenty a trip.
        seed: fixes them.
        spread: standard deviation of the vehicles' factors.
        vehicle_class: of all of them.
    """
    rng = np.random.default_rng(seed)
    n = vehicles * each
    vehicle = np.repeat(np.arange(vehicles), each)
    speed, ascent = rng.uniform(10, 24, n), np.abs(rng.normal(0, 12, n))
    columns = dict.fromkeys(SEGMENT_COLUMNS, np.zeros(n)) | {
        "distance_km": np.full(n, 3.0),
        "moving_s": 3000 / speed,
        "duration_s": 3000 / speed,
        "mass_t": rng.uniform(15, 45, n),
        "reference_nm": np.full(n, 2400.0),
        "ambient_c": rng.uniform(-10, 30, n),
        "coolant_c": np.full(n, 85.0),
        "air_kg_m3": np.full(n, 1.2),
        "limit_km_h": np.full(n, 90.0),
        "ascent_m": ascent,
        "descent_m": np.abs(rng.normal(0, 12, n)),
        "stops": rng.integers(0, 3, n).astype(float),
        "standing_s": rng.uniform(0, 60, n),
        "powered_m": np.full(n, 2900.0),
        "powered_drag_j_m2": 0.6 * speed**2 * 2900,
        "gained_j_kg": np.abs(rng.normal(0, 50, n)),
        "lost_j_kg": np.abs(rng.normal(0, 50, n)),
    }
    columns["steady_j_kg"] = 185 + 9.81 * ascent + 3e-4 * columns["powered_drag_j_m2"]
    columns["steady_w_j_kg2"] = columns["steady_j_kg"] ** 2 / columns["moving_s"]
    physics = SegmentPhysics.published(ROAD, CLASS_NUMBERS[vehicle_class])
    litres = physics.litres(columns) * (1 + 0.15 * (columns["ambient_c"] < 5))
    litres *= rng.normal(1, spread, vehicles)[vehicle] * rng.normal(1, 0.02, n)
    frame = pd.DataFrame(columns | {"fuel_l": litres})
    place = np.tile(np.arange(each), vehicles)
    begins = place * 310 + place // 20 * 3600
    frame["start_time"] = pd.DatetimeIndex(MONDAY + pd.to_timedelta(begins, unit="s"))
    frame["vehicle"] = [f"V{seed}-{number}" for number in vehicle]
    frame["vehicle_class"] = vehicle_class
    return frame
