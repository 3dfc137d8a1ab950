"""Weeks of what models are fed with, drawn from vehicles that differ, to plant drift in."""

from __future__ import annotations

import numpy as np
import pandas as pd

FEATURES = ("mass_t", "ambient_c", "stops", "limit_km_h")


def week(seed: int, vehicles: int = 40, each: int = 60) -> pd.DataFrame:
    """A week of vehicles that each have loads, stops and a climate of their own."""
    rng = np.random.default_rng(seed)
    of_vehicle = np.repeat(np.arange(vehicles), each)
    load, town = rng.uniform(0.2, 0.8, (2, vehicles))[:, of_vehicle]
    climate = rng.normal(12, 5, vehicles)[of_vehicle]
    n = len(of_vehicle)
    return pd.DataFrame(
        {
            "vehicle": of_vehicle,
            "mass_t": np.where(rng.random(n) < load, 38.0, 16.0) + rng.normal(0, 2, n),
            "ambient_c": climate + rng.normal(0, 3, n),
            "stops": rng.poisson(3 * town),
            "limit_km_h": np.where(rng.random(n) < 0.1, np.nan, rng.choice([60.0, 80.0], n)),
        }
    )
