"""Fuel by cause, in vehicle-days a second on one core, reading aside.

A vehicle-day is eight hours at 1 Hz (28,800 rows) of a simulated truck at work, with sensor noise.

- attribution: rows made ready, calibrated sums at hand, every cause driven again and its litres
  shared out to the parts of trips;
- sums: what calibration and reference are learnt from.

Three rounds; medians.
"""

from __future__ import annotations

import statistics
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import pandas as pd
from threadpoolctl import threadpool_limits

from analytics.fuel.calibration import calibrate, day_statistics
from analytics.fuel.causes import attribute
from analytics.fuel.reference import learn_reference
from analytics.fuel.signals import FUEL_SIGNALS, fuel_samples
from benchmarks.vehicle_days import ROWS, working_days

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3


def run() -> dict[str, float]:
    """Measure; vehicle-days a second of one core."""
    with threadpool_limits(1):
        return _run()


def _run() -> dict[str, float]:
    days = working_days(FUEL_SIGNALS)
    stats = [day_statistics(fuel_samples(day)) for day in days]
    reference = learn_reference(
        pd.DataFrame(
            {
                "vehicle": range(len(stats)),
                "vehicle_class": "heavy_truck",
                "group": None,
                "stats": stats,
            }
        )
    )
    peers = reference.of(None, "heavy_truck")
    calibrations = [calibrate(each) for each in stats]

    def attributed() -> None:
        for day, calibration in zip(days, calibrations, strict=True):
            attribute(fuel_samples(day), calibration, peers, _parts(day))

    def summed() -> None:
        for day in days:
            day_statistics(fuel_samples(day))

    return {
        "rows_a_vehicle_day": ROWS,
        "signals_read": len(FUEL_SIGNALS),
        "attribution_vehicle_days_per_s": _rate(attributed, len(days)),
        "sums_vehicle_days_per_s": _rate(summed, len(days)),
    }


def _parts(day: pd.DataFrame) -> pd.DataFrame:
    """Eight parts of an hour."""
    starts = day.index[:: ROWS // 8][:8]
    ends = [*starts[1:], day.index[-1]]
    return pd.DataFrame({"part_start": starts, "end_time": ends})


def _rate(work: Callable[[], None], days: int) -> float:
    """Vehicle-days a second of processor time: a shared machine's clock would count its guests."""
    rates = []
    for _ in range(ROUNDS):
        began, clock = process_time(), perf_counter()
        work()
        rates.append(days / (process_time() - began))
        print(f"{days / (perf_counter() - clock):.1f}/s by the clock", flush=True)
    return statistics.median(rates)
