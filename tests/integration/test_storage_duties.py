"""Hours at the wheel wait to be counted, over all vehicles of a driver; fatigue is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from storage.duties import ChangedDuty, changed_duties, drive_spans, replace_fatigue
from storage.registers import register_vehicle
from tests.samples.behaviour_samples import (
    DAY,
    HOUR,
    MONDAY,
    NOON,
    driver_id,
    harsh_brakings,
    rows,
    starts,
    store,
)

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated


def test_a_driver_s_hours_wait_and_are_read_over_all_vehicles(
    small: Migrated, nothing_waits: Connection, number: int, vehicle: int, card: str
) -> None:
    other = register_vehicle(small.connection, f"LTESTX{vehicle:011d}").vehicle_id
    span = (MONDAY, MONDAY + DAY)
    store(nothing_waits, number, span, (NOON, 60, card), (NOON + 3 * HOUR, 60, None))
    store(nothing_waits, other, span, (NOON + 2 * HOUR, 60, card))
    of_driver, of_vehicle = changed_duties(nothing_waits)
    drove = driver_id(small, card)
    assert (of_driver.driver_id, of_driver.vehicle_id) == (drove, None)
    assert (of_driver.start, of_driver.stop) == (NOON, NOON + 3 * HOUR)
    assert (of_vehicle.driver_id, of_vehicle.vehicle_id) == (None, number)
    assert (str(of_driver), str(of_vehicle)) == (
        f"driver {drove}",
        f"vehicle {number} (no driver known)",
    )

    def found(duty: ChangedDuty, start: datetime, stop: datetime) -> list[tuple[Any, ...]]:
        return list(drive_spans(nothing_waits, duty, start, stop).itertuples(index=False))

    mine = [
        (number, NOON, NOON + HOUR, 3600.0),
        (other, NOON + 2 * HOUR, NOON + 3 * HOUR, 3600.0),
    ]
    assert found(of_driver, *span) == mine
    assert found(of_driver, NOON + HOUR / 2, NOON + 2 * HOUR) == mine[:1]  # overlaps it
    assert found(of_driver, NOON + HOUR, NOON + 2 * HOUR) == []
    assert found(of_vehicle, *span) == [
        (number, NOON + 3 * HOUR, NOON + 4 * HOUR, 3600.0),
    ]


def tired(number: int, *starts: datetime) -> pd.DataFrame:
    found = harsh_brakings(
        *((start, None) for start in starts or [NOON]), kind="fatigue_china_4h", vehicle_id=number
    )
    return found.drop(columns=["driver", "trip_start"]).iloc[: len(starts)]


def test_fatigue_is_replaced_and_the_duty_taken_off_the_list(
    small: Migrated, nothing_waits: Connection, number: int, card: str
) -> None:
    span = (MONDAY, MONDAY + DAY)
    store(nothing_waits, number, span, (NOON, 300, card), braked=[(NOON, card)])
    (duty,) = changed_duties(nothing_waits)
    outside = MONDAY - HOUR
    replace_fatigue(nothing_waits, duty, (outside, MONDAY + DAY), tired(number, outside, NOON), 5)
    assert changed_duties(nothing_waits) == []
    for _ in range(2):
        replace_fatigue(nothing_waits, duty, span, tired(number, NOON + HOUR), 5)
    found = rows(
        small,
        "SELECT kind, start_time, driver_id, method_version FROM driving_event"
        " WHERE vehicle_id = %s ORDER BY start_time",
        number,
    )
    drove = driver_id(small, card)
    assert found == [
        ("fatigue_china_4h", outside, drove, 5),
        ("harsh_braking", NOON, drove, 3),
        ("fatigue_china_4h", NOON + HOUR, drove, 5),
    ]
    # The analysis of the vehicle's days leaves fatigue alone, and gives a reason to look again.
    store(nothing_waits, number, span, (NOON, 300, card))
    assert starts(small, "driving_event", number) == [outside, NOON + HOUR]
    assert [again.driver_id for again in changed_duties(nothing_waits)] == [drove]


def test_a_duty_that_changes_meanwhile_stays_on_the_list(
    nothing_waits: Connection, number: int, card: str
) -> None:
    span = (MONDAY, MONDAY + DAY)
    store(nothing_waits, number, span, (NOON, 60, card))
    (seen,) = changed_duties(nothing_waits)
    store(nothing_waits, number, (MONDAY + DAY, MONDAY + 2 * DAY), (NOON + DAY, 60, card))
    replace_fatigue(nothing_waits, seen, span, tired(number), 1)
    (again,) = changed_duties(nothing_waits)
    assert (again.start, again.stop) == (NOON, NOON + DAY + HOUR)
    assert again.touched != seen.touched


def test_a_driver_who_is_known_late_takes_over_the_vehicle_s_fatigue(
    small: Migrated, nothing_waits: Connection, number: int, card: str
) -> None:
    span = (MONDAY, MONDAY + DAY)
    store(nothing_waits, number, span, (NOON, 300, None))
    (duty,) = changed_duties(nothing_waits)
    replace_fatigue(nothing_waits, duty, span, tired(number, NOON), 1)
    store(nothing_waits, number, span, (NOON, 300, card))
    of_driver, of_vehicle = changed_duties(nothing_waits)
    replace_fatigue(nothing_waits, of_driver, span, tired(number, NOON), 1)
    replace_fatigue(nothing_waits, of_vehicle, span, tired(number), 1)
    assert rows(
        small, "SELECT start_time, driver_id FROM driving_event WHERE vehicle_id = %s", number
    ) == [(NOON, driver_id(small, card))]
    assert changed_duties(nothing_waits) == []


def test_only_fatigue_is_stored_as_fatigue(nothing_waits: Connection, number: int) -> None:
    store(nothing_waits, number, (MONDAY, MONDAY + DAY), (NOON, 60, None))
    (duty,) = changed_duties(nothing_waits)
    with pytest.raises(ValueError, match="harsh_braking"):
        replace_fatigue(
            nothing_waits,
            duty,
            (MONDAY, MONDAY + DAY),
            harsh_brakings((NOON, None), vehicle_id=number),
            1,
        )
