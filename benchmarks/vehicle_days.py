"""Days of simulated trucks at work, as analysis reads them: what its benchmarks are measured on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator import SimulationConfig, simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = 28_800
"""Eight hours at 1 Hz."""

VEHICLES = 12
SEED = 1
DAYS_BACK = 2


def working_days(names: Sequence[str]) -> list[pd.DataFrame]:
    """Days cut to ROWS rows each, from six in the morning in China, with sensor noise.

    Args:
        names: the signals that are read; all are columns, NaN where a vehicle does not have them.
    """
    start = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    config = SimulationConfig(
        vehicles=VEHICLES * 2, days=14 / 24, seed=SEED, start=start - timedelta(days=DAYS_BACK)
    )
    parts: dict[int, list[pd.DataFrame]] = {}
    for chunk in simulate(config):
        columns: dict[int, list[pd.DataFrame]] = {}
        for table in chunk.tables:
            chosen = [n for n, signal in enumerate(table.signals) if signal.name in names]
            for vehicle in np.unique(table.vehicles).tolist() if chosen else ():
                rows = table.vehicles == vehicle
                index = pd.to_datetime(table.times_us[rows], unit="us", utc=True)
                frame = pd.DataFrame(
                    table.values[rows][:, chosen],
                    index=index,
                    columns=[table.signals[n].name for n in chosen],
                )
                columns.setdefault(vehicle, []).append(frame)
        for vehicle, frames in columns.items():
            parts.setdefault(vehicle, []).append(pd.concat(frames, axis=1))
    days = [pd.concat(found).reindex(columns=list(names)) for found in parts.values()]
    return [day.iloc[:ROWS].rename_axis("time") for day in days if len(day) >= ROWS][:VEHICLES]
