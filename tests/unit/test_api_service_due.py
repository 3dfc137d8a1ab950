"""The next service: what a vehicle says of itself first, else its plan, and never a guess."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from api.vehicles.service_due import DueSource, next_service
from storage.answers import Latest
from storage.served_service import PlanAndLast

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PLAN: dict[str, Any] = {"every_km": 60_000.0, "every_h": 1500.0, "every_days": 365}
DONE: dict[str, Any] = {
    "done_at": datetime(2026, 1, 10, tzinfo=UTC),
    "odometer_km": 150_000.0,
    "engine_h": 7000.0,
}
NOTHING: dict[str, Any] = dict.fromkeys((*PLAN, *DONE), None)


def known(**fields: Any) -> PlanAndLast:
    return PlanAndLast(**NOTHING | {"of_model": False} | fields)


def values(age: timedelta = timedelta(), **named: float) -> dict[str, Latest]:
    return {name: Latest(name=name, value=value, time=NOW - age) for name, value in named.items()}


COUNTERS = values(odometer=203_118.4, engine_hours=8123.5)


def test_what_the_vehicle_counts_down_goes_before_its_plan() -> None:
    latest = COUNTERS | values(service_distance=8200.0, service_days=31.0)
    found = next_service(latest, known(**PLAN, **DONE), NOW)
    assert found.distance is not None
    assert (found.distance.left, found.distance.at) == (8200.0, 211_318.4)
    assert found.day is not None
    assert (found.day.left, found.day.on) == (31.0, date(2026, 12, 27))
    assert {found.distance.source, found.day.source} == {DueSource.VEHICLE}
    # No signal counts hours down.
    assert found.hours is not None
    assert (found.hours.left, found.hours.at, found.hours.source) == (376.5, 8500.0, DueSource.PLAN)


def test_a_plan_goes_on_from_the_last_service() -> None:
    found = next_service(COUNTERS, known(**PLAN, **DONE), NOW)
    assert found.distance is not None
    assert (found.distance.left, found.distance.at) == (6881.6, 210_000.0)
    assert found.day is not None
    assert (found.day.left, found.day.on) == (45.0, date(2027, 1, 10))
    assert {found.distance.source, found.day.source} == {DueSource.PLAN}


def test_what_is_overdue_is_below_zero() -> None:
    latest = values(odometer=215_000.0, service_days=-3.0)
    found = next_service(latest, known(**PLAN, **DONE), NOW)
    assert found.distance is not None
    assert found.distance.left == -5000.0
    assert found.day is not None
    assert found.day.left == -3.0


def test_days_that_a_vehicle_told_long_ago_have_passed_since() -> None:
    found = next_service(values(timedelta(days=10), service_days=31.0), known(), NOW)
    assert found.day is not None
    assert (found.day.left, found.day.on) == (21.0, date(2026, 12, 17))


@pytest.mark.parametrize(
    ("latest", "fields"),
    [
        ({}, {}),
        (COUNTERS, PLAN),  # it was never serviced, as far as is written down
        (COUNTERS, DONE),  # there is no plan
        ({}, PLAN | DONE | {"every_days": None}),  # nobody knows its counters
        (COUNTERS, PLAN | {"every_days": None} | DONE | {"odometer_km": None, "engine_h": None}),
    ],
)
def test_nothing_is_guessed(latest: dict[str, Latest], fields: dict[str, Any]) -> None:
    found = next_service(latest, known(**fields), NOW)
    assert (found.distance, found.hours, found.day) == (None, None, None)
    assert (found.plan is None) == ("every_km" not in fields)
    assert (found.last is None) == ("done_at" not in fields)
