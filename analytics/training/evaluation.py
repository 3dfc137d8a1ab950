"""How good a model is on vehicles that were left out: by class and region, and with its intervals.

Errors are shares of what there was to predict, so that a long stretch counts as much as it burns:
the sum of all absolute errors over the sum of all actual values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.training.resampling import ratio_interval

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("vehicle", "vehicle_class", "region", "actual", "expected", "low", "high")
BINS = 10
UNKNOWN = "unknown"
"""The region of vehicles of which none is known."""


def evaluated(held: pd.DataFrame) -> dict[str, Any]:
    """Metrics of rows of vehicles that a model has not learnt from.

    Args:
        held: COLUMNS.

    Returns:
        all: figures of all rows; by_vehicle_class and by_region: of each group of vehicles;
        calibration: rows in BINS equal numbers by what was expected, with the means of expected
        and actual. Figures: vehicles, rows, error_percent with error_low and error_high (95 %
        interval; None: too few vehicles), bias_percent (expected less actual), rmse,
        coverage_percent of the interval of 90 %. In what JSON can keep.
    """
    regions = held["region"].fillna(UNKNOWN)
    return {
        "all": figures(held),
        "by_vehicle_class": {
            str(name): figures(rows) for name, rows in held.groupby("vehicle_class", sort=True)
        },
        "by_region": {str(name): figures(rows) for name, rows in held.groupby(regions, sort=True)},
        "calibration": _calibration(held),
    }


def figures(held: pd.DataFrame) -> dict[str, Any]:
    """Figures of some rows; errors are None where there is nothing to predict."""
    actual, off = held["actual"], held["expected"] - held["actual"]
    sums = held.assign(off=off.abs(), size=actual.abs()).groupby("vehicle", sort=True)
    off_of, size_of = sums["off"].sum().to_numpy(), sums["size"].sum().to_numpy()
    told: dict[str, Any] = {"vehicles": len(off_of), "rows": len(held)}
    names = ("error_percent", "error_low", "error_high", "bias_percent", "rmse", "coverage_percent")
    told |= dict.fromkeys(names)
    size = float(size_of.sum())
    if not size > 0:
        return told
    interval = ratio_interval(off_of, size_of)
    if interval is not None:
        told["error_low"], told["error_high"] = (100 * end for end in interval)
    covered = (held["actual"] >= held["low"]) & (held["actual"] <= held["high"])
    return told | {
        "error_percent": 100 * float(off_of.sum()) / size,
        "bias_percent": 100 * float(off.sum()) / size,
        "rmse": float(np.sqrt((off**2).mean())),
        "coverage_percent": 100 * float(covered.mean()),
    }


def _calibration(held: pd.DataFrame) -> list[dict[str, float]]:
    """Whether it is as much as is expected, from the least to the most."""
    ordered = held.sort_values("expected", kind="stable")
    parts = np.array_split(np.arange(len(ordered)), min(BINS, len(ordered)))
    return [
        {
            "expected": float(ordered["expected"].iloc[part].mean()),
            "actual": float(ordered["actual"].iloc[part].mean()),
            "rows": len(part),
        }
        for part in parts
        if len(part)
    ]
