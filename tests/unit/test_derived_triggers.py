"""Triggers are seen in signals: once, at the moment they show, and across batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ingest.known_values import Memory
from ingest.reports import TRACKED, ReportTimer, reports
from schemas import catalogue as catalogues
from schemas.tell_tales import STANDARD, TELL_TALES
from storage.report_writer import REPORT_SIGNALS
from tests.unit.test_ingest_reports import rows

if TYPE_CHECKING:
    from collections.abc import Collection

    from storage.batch import GroupRows, ReportRow

CATALOGUE = catalogues.default()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
S = 1_000_000


def nothing(_vehicle_ids: Collection[int]) -> dict[int, dict[str, tuple[float, datetime]]]:
    return {}


def derived(groups: list[GroupRows], memory: Memory | None = None) -> list[ReportRow]:
    found = reports(groups, [], CATALOGUE, ReportTimer(60), memory or Memory(TRACKED, nothing))
    return [report for report in found if report.derived]


def brief(found: list[ReportRow]) -> list[tuple[int, str]]:
    return [((it.created_time - EPOCH) // timedelta(seconds=1), it.trigger_type) for it in found]


@pytest.mark.parametrize(
    ("group", "signal", "values", "expected"),
    [
        ("motion", "ignition_on", [0, 1, 1, 0], [(1, "IGNITION_ON"), (3, "IGNITION_OFF")]),
        ("motion", "engine_running", [1, 0], [(1, "ENGINE_OFF")]),
        ("motion", "pto_engaged", [0, 1, 0], [(1, "PTO_ENABLED"), (2, "PTO_DISABLED")]),
        ("motion", "driver1_present", [0, 1], [(1, "DRIVER_LOGIN")]),
        ("motion", "driver2_present", [1, 0], [(1, "DRIVER_LOGOUT")]),
        ("motion", "park_brake", [1, 0], [(1, "PARKING_BRAKE_SWITCH_CHANGE")]),
        ("motion", "driver1_working_state", [0, 3], [(1, "DRIVER_1_WORKING_STATE_CHANGED")]),
        ("motion", "driver2_working_state", [1, 2], [(1, "DRIVER_2_WORKING_STATE_CHANGED")]),
        ("motion", "tell_tale_red", [0, 1], [(1, "TELL_TALE")]),
        ("motion", "odometer", [49.5, 49.9, 50.0, 99.0], [(2, "DISTANCE_TRAVELLED")]),
        ("brakes_chassis", "trailer_connected", [0, 1], [(1, "TRAILER_CONNECTED")]),
        ("body_electrics", "light_high_beam", [0, 1, 0], []),
        ("fuel_aftertreatment", "dpf_lamp", [0, 1, 4, 0], [(1, "TELL_TALE"), (3, "TELL_TALE")]),
    ],
)
def test_a_change_of_the_signal_is_its_trigger(
    group: str, signal: str, values: list[float], expected: list[tuple[int, str]]
) -> None:
    found = rows(group, *((1, n * S, {signal: float(value)}) for n, value in enumerate(values)))
    assert brief(derived([found])) == expected


def test_rows_without_the_signal_and_other_vehicles_lie_between() -> None:
    found = rows(
        "motion",
        (1, 0, {"ignition_on": 0.0}),
        (2, 0, {"ignition_on": 1.0}),
        (1, S, {"wheel_speed": 1.0}),
        (2, 2 * S, {"ignition_on": 1.0}),
        (1, 3 * S, {"ignition_on": 1.0}),
    )
    (report,) = derived([found])
    assert (report.vehicle_id, report.trigger_type) == (1, "IGNITION_ON")
    # The vehicle's own word on it, sent since the row before, makes this one superfluous.
    assert report.only_one_in == (
        EPOCH + timedelta(microseconds=1),
        EPOCH + timedelta(seconds=4),
    )


def test_a_change_between_two_batches_is_seen_and_none_at_a_late_one() -> None:
    memory = Memory(TRACKED, nothing)
    batches = [
        (100, 0.0),
        (200, 1.0),  # on
        (50, 1.0),  # late: nothing is known of before
        (210, 0.0),  # off
    ]
    found = [
        brief(derived([rows("motion", (1, time * S, {"ignition_on": value}))], memory))
        for time, value in batches
    ]
    assert found == [[], [(200, "IGNITION_ON")], [], [(210, "IGNITION_OFF")]]


def test_a_worker_that_begins_learns_what_was_known() -> None:
    asked: list[int] = []

    def learn(vehicle_ids: Collection[int]) -> dict[int, dict[str, tuple[float, datetime]]]:
        asked.extend(vehicle_ids)
        known = {"ignition_on": (0.0, EPOCH + timedelta(seconds=5))}
        return dict.fromkeys(vehicle_ids, known)

    memory = Memory(TRACKED, learn)
    memory.meet([1])
    memory.meet([1, 2])
    assert asked == [1, 2]
    group = rows("motion", (1, 9 * S, {"ignition_on": 1.0}))
    assert brief(derived([group], memory)) == [(9, "IGNITION_ON")]
    memory.forget()
    assert derived([rows("motion", (1, 10 * S, {"ignition_on": 0.0}))], memory) == []


def test_the_same_batch_again_shows_the_same_and_no_more() -> None:
    memory = Memory(TRACKED, nothing)
    group = rows("motion", (1, 0, {"park_brake": 1.0}), (1, S, {"park_brake": 0.0}))
    first = brief(derived([group], memory))
    assert first == [(1, "PARKING_BRAKE_SWITCH_CHANGE")]
    assert brief(derived([group], memory)) == first  # which the database has already


def test_a_report_holds_the_newest_values_as_long_as_they_hold() -> None:
    memory = Memory(TRACKED, nothing)
    first = rows("location", (1, 0, {"latitude": 31.0, "longitude": 121.0, "heading": 90.0}))
    slow = rows("fuel_aftertreatment", (1, 50 * S, {"fuel_range": 400.0, "fuel_level_2": 50.0}))
    list(reports([first, slow], [], CATALOGUE, ReportTimer(60), memory))
    later = rows("motion", (1, 300 * S, {"wheel_speed": 7.0}))
    (report,) = reports([later], [], CATALOGUE, ReportTimer(60), memory)
    # A position stands until there is another, a range for ten minutes, a level for 100 seconds.
    assert report.values == {
        "wheel_speed": 7.0,
        "latitude": 31.0,
        "longitude": 121.0,
        "fuel_range": 400.0,
    }
    assert report.position_time == EPOCH
    assert report.values_from == EPOCH + timedelta(seconds=50)


def test_tell_tales_are_of_signals_that_reports_hold_and_names_that_rfms_has() -> None:
    assert len(STANDARD) == 69
    assert {it.signal for it in TELL_TALES} < set(REPORT_SIGNALS)
    assert {it.name for it in TELL_TALES} - STANDARD == {"PROTECT_LAMP"}
