"""Hours at the wheel: drivers whose spans changed are judged anew, as far as a change reaches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from analytics.behaviour import METHOD_VERSION
from analytics.fatigue import fatigue_events
from storage.behaviour import judged_as
from storage.duties import changed_duties, drive_spans, replace_fatigue

if TYPE_CHECKING:
    from analytics.runner.settings import AnalysisSettings
    from storage.connection import Connection

REACH = timedelta(days=15)
"""How far on a change of hours reaches: the EU counts two weeks, from a Monday."""

PAST = timedelta(days=22)
"""How far back hours are read, so that the earliest that is judged has its two weeks."""

BEFORE = timedelta(days=1)
"""An event may begin before the span that causes it: a daily rest that came too late."""


def judge_hours(connection: Connection, settings: AnalysisSettings) -> int:
    """Judge the hours of every driver whose spans changed; how many there were."""
    duties = changed_duties(connection)
    for duty in duties:
        start, stop = duty.start - BEFORE, duty.stop + REACH
        spans = drive_spans(connection, duty, start - PAST, stop + BEFORE)
        vehicles = spans["vehicle_id"].unique().tolist()
        if duty.vehicle_id is not None and duty.vehicle_id not in vehicles:
            vehicles.append(duty.vehicle_id)
        judged = [judged_as(connection, vehicle) for vehicle in vehicles]
        events = fatigue_events(
            spans.rename(columns={"vehicle_id": "vehicle"}),
            settings.fatigue_rules,
            passenger=any(one.vehicle_class == "bus" for one in judged),
            time_zone=judged[-1].time_zone if judged else "UTC",
        ).rename(columns={"vehicle": "vehicle_id"})
        within = (events["start_time"] >= start) & (events["start_time"] < stop)
        replace_fatigue(connection, duty, (start, stop), events[within], METHOD_VERSION)
    return len(duties)
