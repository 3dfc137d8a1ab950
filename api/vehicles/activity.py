"""What a vehicle is doing, told from its latest values: moving, idling, parked, silent or past."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from analytics.trips import TripRules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from storage.answers import Latest

SIGNALS = ("wheel_speed", "gnss_speed", "engine_running", "engine_speed")
"""What `activity` reads; any may be absent."""

SILENT_WHILE_RUNNING = timedelta(minutes=10)
"""A running truck uploads every 10 s; after this long it is out of reach or its unit is broken."""

SILENT_WHILE_PARKED = timedelta(days=3)
"""A parked truck has nothing to say over a weekend; after this long someone should look."""

_RULES = TripRules()


RULES: Mapping[str, float] = {
    "moving_km_h": _RULES.moving_km_h,
    "running_rpm": _RULES.running_rpm,
    "silent_while_running_s": SILENT_WHILE_RUNNING.total_seconds(),
    "silent_while_parked_s": SILENT_WHILE_PARKED.total_seconds(),
}
"""What the database needs to tell the activity as `activity` does, to find vehicles by it."""


class Activity(StrEnum):
    """What a vehicle is doing."""

    MOVING = "moving"
    IDLING = "idling"
    PARKED = "parked"
    SILENT = "silent"
    PAST = "past"
    """Nothing is heard of it because today is not open to who asks: somebody else has it now."""


HEARD_OF = (Activity.MOVING, Activity.IDLING, Activity.PARKED, Activity.SILENT)
"""What a vehicle may be doing to somebody to whom today is open."""


def activity(
    latest: Mapping[str, Latest], last_seen: datetime | None, now: datetime, *, is_current: bool
) -> Activity:
    """Moving and running by the rules of trips; silent where it was not heard of for too long.

    Args:
        latest: its latest values by name, as far as they are open.
        last_seen: when it was heard last, as far as that is open.
        now: the moment of the answer.
        is_current: whether today is open to who asks.
    """
    doing = _heard(latest, last_seen, now)
    return Activity.PAST if doing is Activity.SILENT and not is_current else doing


def _heard(latest: Mapping[str, Latest], last_seen: datetime | None, now: datetime) -> Activity:
    if last_seen is None:
        return Activity.SILENT
    speed = latest.get("wheel_speed") or latest.get("gnss_speed")
    moving = speed is not None and speed.value >= _RULES.moving_km_h
    running = moving or _running(latest)
    if now - last_seen > (SILENT_WHILE_RUNNING if running else SILENT_WHILE_PARKED):
        return Activity.SILENT
    if moving:
        return Activity.MOVING
    return Activity.IDLING if running else Activity.PARKED


def _running(latest: Mapping[str, Latest]) -> bool:
    if "engine_running" in latest:
        return bool(latest["engine_running"].value)
    engine_speed = latest.get("engine_speed")
    return engine_speed is not None and engine_speed.value >= _RULES.running_rpm
