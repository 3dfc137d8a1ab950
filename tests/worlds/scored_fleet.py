"""Made-up trips of drivers whose long-run ways are known, as sums: what scores are tested on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.metrics import SUMS
from analytics.scores import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WAYS = {
    "anticipation": (0.05, 0.30),
    "coasting": (0.05, 0.30),
    "cruise": (0.10, 0.70),
    "green_band": (0.70, 0.95),
    "high_torque": (0.02, 0.15),
    "idling": (0.05, 0.35),
    "overspeed": (0.00, 0.12),
    "harsh": (0.001, 0.03),
    "retarder": (0.30, 0.90),
}
"""From where to where drivers' long-run rates are spread: shares, and harsh events per km."""

ALIKE = dict.fromkeys(WAYS, 40.0) | {"cruise": 2.0, "idling": 20.0}
"""How alike a driver's trips are: a trip's share is a Beta variable that varies as one of so many
draws; cruise control is on nearly throughout a trip or hardly at all."""

KM_H = 60.0


def ways(drivers: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Each driver's long-run rate by metric, (drivers,)."""
    return {name: rng.uniform(low, high, size=drivers) for name, (low, high) in WAYS.items()}


def true_values(rates: Mapping[str, Floats]) -> Floats:
    """(drivers, metrics) what the metrics would be after endless driving, in their units."""
    return np.column_stack([rates[name] * metric.scale for name, metric in METRICS.items()])


def trips(
    rates: Mapping[str, Floats], numbers: NDArray[np.int64], rng: np.random.Generator
) -> pd.DataFrame:
    """So many trips of each driver as the parts that `totals` adds up; subject is a number."""
    who = np.repeat(np.arange(len(numbers)), numbers)
    count = len(who)

    def share(name: str) -> Floats:
        rate = rates[name][who]
        return rng.beta(np.maximum(rate * ALIKE[name], 1e-6), (1 - rate) * ALIKE[name])

    driving_s = rng.gamma(2.0, 2400.0, size=count) + 600.0
    km = driving_s / 3600 * KM_H
    table = pd.DataFrame(0.0, index=range(count), columns=list(SUMS))
    table["driving_s"], table["distance_km"], table["harsh_known_km"] = driving_s, km, km
    table["engine_s"] = driving_s * 1.2
    table["idle_s"] = table["engine_s"] * share("idling")
    for name in ("coasting", "cruise", "green_band", "high_torque", "overspeed"):
        table[f"{name}_known_s"] = known_s = driving_s * rng.uniform(0.6, 1.0, size=count)
        table[f"{name}_s"] = known_s * share(name)
    table["brakings"] = brakings = rng.poisson(km * 0.8) + 1
    table["late_brakings"] = rng.binomial(brakings, share("anticipation"))
    # Roads differ: on some trips twice as much happens as on others.
    table["harsh_brakings"] = rng.poisson(rates["harsh"][who] * km * rng.gamma(2.0, 0.5, count))
    table["retarder_s"] = driving_s * 0.05 * share("retarder")
    table["service_brake_s"] = driving_s * 0.05 - table["retarder_s"]
    return table.astype(float).assign(subject=who, period="week", vehicle_class="heavy_truck")
