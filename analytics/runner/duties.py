"""Hours at the wheel: drivers whose spans changed are judged anew, as far as a change reaches."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from analytics.behaviour import METHOD_VERSION
from analytics.fatigue import PASSENGER_KINDS, fatigue_events
from storage.behaviour import judged_as
from storage.connection import locked
from storage.duties import changed_duties, drive_spans, replace_fatigue

if TYPE_CHECKING:
    from analytics.runner.failures import Failures
    from analytics.runner.settings import AnalysisSettings
    from storage.connection import Connection
    from storage.duties import ChangedDuty

LOCK = "telemetry.duties"
"""Whoever judges hours holds this advisory lock; another one waits, and finds less to do."""

REACH = timedelta(days=15)
"""How far back and on a change of hours reaches, for events that begin then: the EU counts two
weeks, from a Monday."""

PAST = timedelta(days=22)
"""How far back from there hours are read, so that the earliest that is judged has its two weeks."""

FUTURE = timedelta(days=15)
"""How far on, so that the latest that is judged ends where it ends."""


def judge_hours(connection: Connection, settings: AnalysisSettings, failures: Failures) -> int:
    """Judge the hours of every driver whose spans changed; how many there were."""
    judged = 0
    with locked(connection, LOCK):
        for duty in changed_duties(connection):
            if duty in failures:
                continue
            with failures.left_out([duty], partial(_concerns, duty)):
                _judge(connection, settings, duty)
                judged += 1
    return judged


def _concerns(duty: ChangedDuty) -> dict[str, str]:
    return {"duty": str(duty)}


def _judge(connection: Connection, settings: AnalysisSettings, duty: ChangedDuty) -> None:
    start, stop = duty.start - REACH, duty.stop + REACH
    spans = drive_spans(connection, duty, start - PAST, stop + FUTURE)
    spans = spans.rename(columns={"vehicle_id": "vehicle"})
    buses: dict[str, list[int]] = {}
    for vehicle in spans["vehicle"].unique().tolist():
        by = judged_as(connection, vehicle)
        if by.vehicle_class == "bus":
            buses.setdefault(by.time_zone, []).append(vehicle)
    found = [fatigue_events(spans, settings.fatigue_rules)]
    for time_zone, vehicles in buses.items():
        # Passenger transport is what is driven in a bus, whatever else its driver drives.
        events = fatigue_events(spans, settings.fatigue_rules, passenger=True, time_zone=time_zone)
        found.append(
            events[events["kind"].isin(PASSENGER_KINDS) & events["vehicle"].isin(vehicles)]
        )
    events = pd.concat([some for some in found if len(some)] or found[:1])
    events = events.rename(columns={"vehicle": "vehicle_id"})
    within = (events["start_time"] >= start) & (events["start_time"] < stop)
    replace_fatigue(connection, duty, (start, stop), events[within], METHOD_VERSION)
