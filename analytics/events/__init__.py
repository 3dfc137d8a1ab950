"""Driving events: spans of one vehicle's rows that its driver, or its owner, should look at.

One module a family of kinds; each detector takes `Samples` and the class's `Thresholds` and gives
rows of the table in table.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.events import braking, coasting, engine, harsh, safety, speed
from analytics.events.table import empty
from analytics.samples import prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from analytics.samples import Samples
    from analytics.thresholds import Thresholds

    Detector = Callable[[Samples, Thresholds], pd.DataFrame]

DETECTORS: tuple[Detector, ...] = (
    coasting.coasting,
    engine.cold_load,
    harsh.harsh_acceleration,
    harsh.harsh_braking,
    harsh.harsh_cornering,
    engine.high_torque,
    engine.idling,
    engine.kick_down,
    braking.late_braking,
    coasting.neutral_coasting,
    engine.over_revving,
    speed.overspeed_road,
    speed.overspeed_vehicle,
    safety.red_tell_tale,
    safety.seat_belt,
    braking.service_braking,
)
"""One a kind, in the order of the kinds' names: events that start together are in this order."""


def find_events(signals: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Find the driving events in one vehicle's signals.

    Args:
        signals: rows by time (a sorted UTC DatetimeIndex), any of the columns
            analytics.samples.SIGNALS in the catalogue's units, NaN absent.
        thresholds: of the vehicle's class.

    Returns:
        A row an event, by start_time, then kind; columns as table.EVENT_COLUMNS.
    """
    return events_of(prepare(signals), thresholds)


def events_of(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """As find_events, of rows that are prepared already."""
    tables = [detect(samples, thresholds) for detect in DETECTORS]
    tables = [table for table in tables if len(table)]
    if not tables:
        return empty()
    found = pd.concat(tables, ignore_index=True)
    order = np.argsort(found["start_time"].to_numpy("datetime64[us]"), kind="stable")
    return found.take(order).reset_index(drop=True)
