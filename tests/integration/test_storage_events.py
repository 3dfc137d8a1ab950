"""Typed events, reports and refused values: stored once each, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.batch import (
    Batch,
    DriverChangeRow,
    RefusedValue,
    ReportRow,
    TriggerRow,
    TroubleCodeRow,
)
from storage.report_writer import REPORT_SIGNALS
from tests.samples.storage_samples import TODAY_US, moment
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from storage.frame_writer import FrameWriter
    from tests.servers.database_fixture import Migrated

NOON = moment(TODAY_US) - timedelta(hours=12)


@pytest.fixture
def trigger(vehicle: int) -> TriggerRow:
    return TriggerRow(vehicle_id=vehicle, time=NOON, trigger_type="TELL_TALE", detail="OIL")


@pytest.fixture
def change(vehicle: int) -> DriverChangeRow:
    return DriverChangeRow(vehicle_id=vehicle, time=NOON, slot=1, card_id=f"card {vehicle}")


@pytest.fixture
def code(vehicle: int) -> TroubleCodeRow:
    return TroubleCodeRow(
        vehicle_id=vehicle,
        time=NOON,
        spn=2**19 - 1,  # the highest there is: 19 bits (SAE J1939-73)
        fmi=31,
        source_address=255,
        lamp="RED_STOP",
        count=126,
        active=True,
    )


@pytest.fixture
def report(vehicle: int) -> ReportRow:
    return ReportRow(
        vehicle_id=vehicle,
        created_time=NOON,
        trigger_type="TIMER",
        values={"latitude": 31.2304, "longitude": 121.4737, "odometer": 512_345.125},
    )


def test_the_same_events_twice_are_stored_once(
    small: Migrated,
    writer: FrameWriter,
    vehicle: int,
    trigger: TriggerRow,
    change: DriverChangeRow,
    code: TroubleCodeRow,
    report: ReportRow,
) -> None:
    batch = Batch(
        triggers=(trigger, trigger),
        driver_changes=(change, change),
        trouble_codes=(code, code),
        reports=(report, report),
    )
    writer.write(batch)
    writer.write(batch)
    assert small.connection.execute(
        "SELECT * FROM vehicle_event WHERE vehicle_id = %s", (vehicle,)
    ).fetchall() == [(vehicle, NOON, "TELL_TALE", "OIL")]
    assert small.connection.execute(
        "SELECT * FROM driver_change WHERE vehicle_id = %s", (vehicle,)
    ).fetchall() == [(vehicle, NOON, 1, f"card {vehicle}")]
    assert small.connection.execute(
        "SELECT * FROM trouble_code WHERE vehicle_id = %s", (vehicle,)
    ).fetchall() == [(vehicle, NOON, 2**19 - 1, 31, 255, "RED_STOP", 126, True)]
    reports = small.connection.execute(
        "SELECT created_time, latitude, longitude, odometer, altitude FROM vehicle_report"
        " WHERE vehicle_id = %s",
        (vehicle,),
    ).fetchall()
    assert reports == [(NOON, 31.2304, 121.4737, 512_345.125, None)]


def test_of_two_messages_about_the_same_moment_the_later_one_wins(
    small: Migrated,
    writer: FrameWriter,
    vehicle: int,
    change: DriverChangeRow,
    code: TroubleCodeRow,
) -> None:
    earlier = replace(change, time=NOON - timedelta(hours=1))
    writer.write(Batch(driver_changes=(change, replace(change, card_id=None), earlier)))
    writer.write(Batch(trouble_codes=(code,)))
    writer.write(Batch(trouble_codes=(replace(code, count=None, lamp="NONE", active=False),)))
    cards = small.connection.execute(
        "SELECT card_id FROM driver_change WHERE vehicle_id = %s ORDER BY time", (vehicle,)
    ).fetchall()
    assert cards == [(earlier.card_id,), (None,)]
    codes = small.connection.execute(
        "SELECT lamp, count, active FROM trouble_code WHERE vehicle_id = %s", (vehicle,)
    ).fetchall()
    assert codes == [("NONE", None, False)]


def test_a_driver_is_known_by_the_first_card_seen(
    small: Migrated, writer: FrameWriter, change: DriverChangeRow
) -> None:
    later = replace(change, time=NOON + timedelta(hours=1))
    writer.write(Batch(driver_changes=(later, change)))
    writer.write(Batch(driver_changes=(later,)))
    drivers = small.connection.execute(
        "SELECT first_seen FROM driver WHERE card_id = %s", (change.card_id,)
    ).fetchall()
    assert drivers == [(NOON,)]


def test_a_report_names_the_driver_whose_card_was_in_at_that_moment(
    small: Migrated,
    writer: FrameWriter,
    vehicle: int,
    change: DriverChangeRow,
    report: ReportRow,
) -> None:
    out = replace(change, time=NOON + timedelta(hours=2), card_id=None)
    other_slot = replace(change, time=NOON + timedelta(minutes=30), slot=2, card_id="another")
    times = [NOON + timedelta(hours=hours) for hours in (-1, 0, 1, 3)]
    reports = tuple(replace(report, created_time=time) for time in times)
    writer.write(Batch(driver_changes=(change, out, other_slot), reports=reports))
    cards = small.connection.execute(
        "SELECT driver1_card_id FROM vehicle_report WHERE vehicle_id = %s ORDER BY created_time",
        (vehicle,),
    ).fetchall()
    assert cards == [(None,), (change.card_id,), (change.card_id,), (None,)]


def test_a_report_may_carry_every_report_signal(
    small: Migrated, writer: FrameWriter, vehicle: int, report: ReportRow
) -> None:
    values = {name: place + 0.5 for place, name in enumerate(REPORT_SIGNALS)}
    writer.write(Batch(reports=(replace(report, values=values),)))
    row = small.connection.execute(
        f"SELECT {', '.join(REPORT_SIGNALS)} FROM vehicle_report WHERE vehicle_id = %s".encode(),
        (vehicle,),
    ).fetchone()
    assert row == tuple(values.values())


def test_the_oldest_refused_values_make_room(small: Migrated, vehicle: int) -> None:
    writer = open_writer(small, refused_values_kept=5)
    for first in range(0, 12, 3):
        refused = tuple(
            RefusedValue(vehicle_id=vehicle, time=NOON, signal_id=1, value=float(first + n))
            for n in range(3)
        )
        writer.write(Batch(refused_values=refused))
    writer.close()
    values = small.connection.execute(
        "SELECT value FROM refused_value WHERE vehicle_id = %s ORDER BY refused_id", (vehicle,)
    ).fetchall()
    assert [value for (value,) in values] == [7, 8, 9, 10, 11]  # 12 were refused, 5 are kept


def test_a_value_that_another_worker_removes_is_left_to_it(small: Migrated, vehicle: int) -> None:
    writer = open_writer(small, refused_values_kept=1)
    value = RefusedValue(vehicle_id=vehicle, time=NOON, signal_id=1, value=1e9)
    writer.write(Batch(refused_values=(value,)))
    with small.connection.transaction():
        small.connection.execute("DELETE FROM refused_value")
        # Were it to wait for that DELETE, it would wait for this very test.
        writer._connection.execute("SET statement_timeout = '5s'")
        writer.write(Batch(refused_values=(value, value)))
    writer.close()
    # Nobody waited: that worker removed the first, this one the second, and one is to be kept.
    kept = "SELECT count(*) FROM refused_value WHERE vehicle_id = %s"
    assert small.connection.execute(kept, (vehicle,)).fetchone() == (1,)


def test_replayed_events_leave_what_is_stored_about_the_same_moment(
    small: Migrated,
    writer: FrameWriter,
    vehicle: int,
    change: DriverChangeRow,
    code: TroubleCodeRow,
) -> None:
    writer.write(Batch(driver_changes=(change,), trouble_codes=(code,)))
    other_change = replace(change, card_id=None, fills_gaps=True)
    other_code = replace(code, active=False, fills_gaps=True)
    writer.write(
        Batch(
            driver_changes=(other_change, replace(other_change, slot=2)),
            trouble_codes=(other_code, replace(other_code, fmi=1)),
        )
    )
    changes = small.connection.execute(
        "SELECT slot, card_id FROM driver_change WHERE vehicle_id = %s ORDER BY slot", (vehicle,)
    ).fetchall()
    assert changes == [(1, change.card_id), (2, None)]
    codes = small.connection.execute(
        "SELECT fmi, active FROM trouble_code WHERE vehicle_id = %s ORDER BY fmi", (vehicle,)
    ).fetchall()
    assert codes == [(1, False), (31, True)]
