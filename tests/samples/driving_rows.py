"""Hand-made rows of one vehicle: stretches in which the signals stay as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from analytics.samples import Samples, prepare
from analytics.thresholds import Thresholds

START = pd.Timestamp("2026-11-02T06:00:00Z")

Stretch = tuple[int, dict[str, float]]
"""How many rows, and what they say beside what all rows say."""

Detector = Callable[[Samples, Thresholds], pd.DataFrame]
"""Finds the events of one kind."""


def rows(*stretches: Stretch, step_s: float = 1.0, **always: float) -> pd.DataFrame:
    """Rows by time, `step_s` apart, one stretch after the other.

    Args:
        stretches: what the rows say in turn; signals not named are absent.
        step_s: seconds between rows.
        always: what all rows say.
    """
    parts = [
        pd.DataFrame({**always, **signals}, index=range(count), dtype=float)
        for count, signals in stretches
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame.index = START + pd.to_timedelta(np.arange(len(frame)) * step_s, unit="s")
    return frame


def samples(*stretches: Stretch, step_s: float = 1.0, **always: float) -> Samples:
    """As `rows`, made ready."""
    return prepare(rows(*stretches, step_s=step_s, **always))


def delayed(frame: pd.DataFrame, *, row: int, by_s: float) -> pd.DataFrame:
    """The same rows, those from `row` on so much later: a gap in the data, or jitter."""
    late_s = np.where(np.arange(len(frame)) < row, 0.0, by_s)
    return frame.set_axis(pd.DatetimeIndex(frame.index) + pd.to_timedelta(late_s, unit="s"))


def after(seconds: float) -> pd.Timestamp:
    """So many seconds after the first row."""
    return START + pd.Timedelta(seconds=seconds)
