"""Behaviour complete, in vehicle-days a second: from frames in memory and through the database.

A vehicle-day is eight hours at 1 Hz (28,800 rows) of a simulated truck at work, with sensor noise.

- memory: `analytics.behaviour` and the day's counters, one process, one thread;
- database: `telemetry analyse` over two connections as a process of its own: the next day is read
  while one is worked up, results are written; its processor time is one core's share at most, the
  server has the other.

Three rounds; medians. `growth` is the peak memory with all vehicles over that with a quarter.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from analytics.accumulated import increments
from analytics.behaviour import behaviour
from analytics.samples import SIGNALS
from analytics.thresholds import of_class
from benchmarks.databases import database, servers
from benchmarks.vehicle_days import ROWS, working_days
from schemas import catalogue
from storage import registers
from storage.batch import Batch, GroupRows
from storage.connection import connect, server
from storage.frame_writer import FrameWriter

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import SecretStr

ROUNDS = 3
VEHICLES = 24
"""Vehicle-days of a round through the database."""


def run() -> dict[str, float]:
    """Measure; vehicle-days a second unless the name says otherwise."""
    pool = working_days(SIGNALS)
    in_memory = [_in_memory(pool) for _ in range(ROUNDS)]
    print("in memory: " + ", ".join(f"{rate:.1f}/s" for rate in in_memory), flush=True)
    through, peaks, small_peaks = [], [], []
    with servers():
        for number in range(1, ROUNDS + 1):
            few = _through_database(pool, VEHICLES // 4)
            all_ = _through_database(pool, VEHICLES)
            through.append(VEHICLES / all_["seconds"])
            peaks.append(all_["peak_mb"])
            small_peaks.append(few["peak_mb"])
            print(f"round {number}: {through[-1]:.1f}/s through the database", flush=True)
    return {
        "rows_a_vehicle_day": ROWS,
        "signals_read": len(SIGNALS),
        "memory_vehicle_days_per_s": statistics.median(in_memory),
        "database_vehicle_days_per_s": statistics.median(through),
        "database_peak_memory_mb": statistics.median(peaks),
        "growth": statistics.median(a / b for a, b in zip(peaks, small_peaks, strict=True)),
    }


def _in_memory(pool: list[pd.DataFrame]) -> float:
    thresholds = of_class("heavy_truck")
    began = perf_counter()
    for signals in pool:
        found = behaviour(signals, thresholds, time_zone="Asia/Shanghai")
        first_us = int(found.samples.time_us[0]) // 86_400_000_000 * 86_400_000_000
        increments(found.samples, first_us, first_us + 86_400_000_000)
    return len(pool) / (perf_counter() - began)


def _through_database(pool: list[pd.DataFrame], vehicles: int) -> dict[str, float]:
    """A process analyses so many vehicle-days; what it measured."""
    with database() as dsn:
        _write(dsn, pool, vehicles)
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.behaviour_analysis"],
            input=dsn.get_secret_value(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            # One core for us, the other for the server.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
    measured: dict[str, float] = json.loads(answer.stdout)
    return measured


def _write(dsn: SecretStr, pool: list[pd.DataFrame], vehicles: int) -> None:
    signals = catalogue.default()
    with connect(dsn) as connection:
        for number in range(vehicles):
            day = pool[number % len(pool)]
            vehicle_id = registers.register_vehicle(
                connection, f"LVBV3ABB5PE{number:06d}"
            ).vehicle_id
            # A writer of its own each: it remembers rows, and this is no benchmark of ingest.
            writer = FrameWriter(connect(dsn), server(connection), signals, refused_values_kept=10)
            for first in range(0, len(day), 7200):
                part = day.iloc[first : first + 7200]
                times = part.index.to_numpy("datetime64[us]").astype(np.int64)
                groups = []
                for name in ("motion", "location"):
                    members = signals.groups[name].signals
                    narrow = [signal.name for signal in members if not signal.wide]
                    wide = [signal.name for signal in members if signal.wide]
                    groups.append(
                        GroupRows(
                            group=name,
                            vehicle_ids=np.full(len(part), vehicle_id, dtype=np.int64),
                            times_us=times,
                            narrow=part.reindex(columns=narrow).to_numpy(np.float32),
                            wide=part.reindex(columns=wide).to_numpy(np.float64),
                        )
                    )
                writer.write(Batch(groups=tuple(groups)))
            writer.close()
