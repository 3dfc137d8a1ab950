"""Rows to learn from and rows to be asked about: other vehicles, or a later time."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from research.errors import ExportError
from research.moments import KNOWN_AT

if TYPE_CHECKING:
    from datetime import datetime

Split = tuple[pd.DataFrame, pd.DataFrame]
"""To learn from, and to be asked about."""


def split_by_vehicle(frame: pd.DataFrame, *, test: float = 0.2, seed: str = "") -> Split:
    """Keep some vehicles back; each stays on its side, whichever others come or go.

    Args:
        frame: vehicle, and whatever else.
        test: the share of vehicles that is kept back, about.
        seed: another one draws others.

    Raises:
        ExportError: the share is none.
    """
    if not 0 < test < 1:
        raise ExportError(
            f"A share of {test} leaves nothing on one side: give one between 0 and 1."
        )
    vehicles = frame["vehicle"].unique()
    kept = [one for one in vehicles if _draw(f"{seed} {one}") < test]
    is_test = frame["vehicle"].isin(kept)
    return frame[~is_test], frame[is_test]


def split_by_time(
    frame: pd.DataFrame, at: datetime, *, time: str = "time", gap: timedelta = timedelta(0)
) -> Split:
    """Learn from what was known by a moment, be asked about what begins at it or later.

    What began before and was known only after it is on neither side.

    Args:
        frame: `time` and known_at (UTC).
        at: the moment.
        time: the column of beginnings.
        gap: what was known so shortly before is not learnt from either.
    """
    moment = pd.Timestamp(at)
    return frame[frame[KNOWN_AT] <= moment - gap], frame[frame[time] >= moment]


def _draw(text: str) -> float:
    """A number from 0 to below 1 that is the text's own."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7]) / 2**56
