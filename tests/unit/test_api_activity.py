"""What a vehicle is doing follows from its latest values and how old they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.vehicles.activity import Activity, activity
from storage.answers import Latest

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)


def doing(age: timedelta, **values: float) -> Activity:
    seen = NOW - age
    latest = {name: Latest(name=name, value=value, time=seen) for name, value in values.items()}
    return activity(latest, seen, NOW, is_current=True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"wheel_speed": 80, "engine_running": 1}, Activity.MOVING),
        ({"wheel_speed": 80}, Activity.MOVING),
        ({"gnss_speed": 30}, Activity.MOVING),
        ({"wheel_speed": 80, "engine_running": 0}, Activity.MOVING),  # rolling
        ({"wheel_speed": 0, "engine_running": 1}, Activity.IDLING),
        ({"wheel_speed": 0.5, "engine_speed": 600}, Activity.IDLING),  # sensors see 1 km/h
        ({"engine_speed": 250}, Activity.PARKED),  # the starter turns it
        ({"wheel_speed": 0, "engine_running": 0, "engine_speed": 600}, Activity.PARKED),
        ({"wheel_speed": 0}, Activity.PARKED),
        ({"wheel_speed": 0, "gnss_speed": 5}, Activity.PARKED),  # satellites drift, wheels do not
        ({}, Activity.PARKED),
    ],
)
def test_fresh_values_tell_it(values: dict[str, float], expected: Activity) -> None:
    assert doing(timedelta(seconds=10), **values) is expected


def test_a_running_vehicle_is_silent_sooner_than_a_parked_one() -> None:
    ten, more = timedelta(minutes=10), timedelta(minutes=10, seconds=1)
    assert doing(ten, wheel_speed=80) is Activity.MOVING
    assert doing(more, wheel_speed=80) is Activity.SILENT
    assert doing(more, engine_running=1) is Activity.SILENT
    assert doing(timedelta(days=3), engine_running=0) is Activity.PARKED
    assert doing(timedelta(days=3, seconds=1), engine_running=0) is Activity.SILENT


def test_a_vehicle_that_was_never_seen_is_silent() -> None:
    assert activity({}, None, NOW, is_current=True) is Activity.SILENT


def test_a_vehicle_whose_today_is_not_open_is_past_and_not_silent() -> None:
    assert activity({}, None, NOW, is_current=False) is Activity.PAST
    assert activity({}, NOW - timedelta(days=4), NOW, is_current=False) is Activity.PAST
    assert activity({}, NOW - timedelta(hours=1), NOW, is_current=False) is Activity.PARKED


def test_a_clock_that_runs_ahead_does_not_make_it_silent() -> None:
    assert doing(timedelta(minutes=-5), wheel_speed=80) is Activity.MOVING
