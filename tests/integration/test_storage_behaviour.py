"""What analysis finds of driving is replaced as a whole, never half, and what follows is marked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from schemas.time_zones import TimeZoneError
from storage import analysis, behaviour
from storage.batch import Batch, DriverChangeRow
from storage.connection import connect
from storage.errors import StorageError
from storage.migrate import migrate
from storage.registers import (
    add_to_fleet,
    employ_driver,
    ensure_fleet,
    ensure_party,
    register_vehicle,
    set_vehicle_class,
)
from storage.score_tables import week_parts
from storage.settings import StorageSettings
from tests.samples.behaviour_samples import (
    DAY,
    HOUR,
    MONDAY,
    NOON,
    WEEK,
    counted,
    driver_id,
    harsh_brakings,
    parts,
    rows,
    spans,
    starts,
    store,
    trips,
)
from tests.samples.storage_samples import SMALL, TODAY_US, group_rows, moment
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from pydantic import SecretStr

    from tests.servers.database_fixture import Migrated


def everything(database: Migrated, number: int) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: rows(database, f"SELECT * FROM {table} WHERE vehicle_id = %s ORDER BY 2, 3", number)
        for table in ("trip", "trip_part", "driving_event", "drive_span", "accumulated_day")
    }


def week_touches(database: Migrated, number: int) -> list[tuple[date, int, int]]:
    return rows(
        database,
        "SELECT week, touched, scored FROM touched_week WHERE vehicle_id = %s ORDER BY week",
        number,
    )


# What is stored of a span


def test_what_was_found_is_stored_with_who_drove_and_the_method(
    small: Migrated, number: int, card: str
) -> None:
    braked = [(NOON + HOUR / 2, card)]
    store(small.connection, number, (MONDAY, MONDAY + DAY), (NOON, 60, card), braked=braked)
    drove = driver_id(small, card)
    assert rows(
        small,
        "SELECT start_time, kind, driving_s, stop_count, driver_id, l_per_100km, method_version"
        " FROM trip WHERE vehicle_id = %s",
        number,
    ) == [(NOON, "drive", 3540.0, 2, drove, None, 3)]
    assert rows(
        small,
        "SELECT trip_start, part_start, end_time, driver_id, week, time_zone, distance_km,"
        " brakings, method_version FROM trip_part WHERE vehicle_id = %s",
        number,
    ) == [(NOON, NOON, NOON + HOUR, drove, WEEK, "Asia/Shanghai", 60.0, 0.0, 3)]
    assert rows(
        small,
        "SELECT kind, start_time, driver_id, trip_start, peak, limit_value, severity, fuel_l,"
        " window_end FROM driving_event WHERE vehicle_id = %s",
        number,
    ) == [
        (
            "harsh_braking",
            NOON + HOUR / 2,
            drove,
            NOON + HOUR / 2,
            4.1,
            3.0,
            2,
            None,
            NOON + HOUR / 2 + timedelta(seconds=13),
        )
    ]
    assert rows(
        small,
        "SELECT start_time, end_time, driving_s, driver_id FROM drive_span WHERE vehicle_id = %s",
        number,
    ) == [(NOON, NOON + HOUR, 3600.0, drove)]


def test_nobody_known_is_nobody(small: Migrated, number: int) -> None:
    store(small.connection, number, (MONDAY, MONDAY + DAY), (NOON, 60, None))
    for table in ("trip", "trip_part", "drive_span"):
        assert starts(small, table, number, "driver_id") == [None]


def test_a_frame_may_lack_drivers_and_have_columns_that_no_table_has(
    small: Migrated, number: int
) -> None:
    span = (MONDAY, MONDAY + DAY)
    drive = (NOON, 60, None)
    behaviour.store_behaviour(
        small.connection,
        number,
        span,
        trips=trips(drive, colour="blue").drop(columns="driver"),
        parts=parts(drive, first_row=3).drop(columns="driver"),
        events=harsh_brakings((NOON, None)).drop(columns=["driver", "trip_start"]),
        spans=spans(drive).drop(columns="driver"),
        time_zone="UTC",
        days=[],
        layout_version=1,
        method_version=1,
        seen=[],
    )
    assert starts(small, "trip", number) == [NOON]
    assert starts(small, "driving_event", number, "trip_start") == [None]


def test_a_vehicle_s_number_and_a_time_are_stored_to_the_last_digit(
    fresh_database: SecretStr,
) -> None:
    with connect(fresh_database) as connection:
        migrate(connection, SMALL, StorageSettings(cell=2**22 - 1))
        # Beyond 2^53, where a float64 no longer tells numbers apart.
        number = register_vehicle(connection, "LTEST000000000001").vehicle_id
        assert number > 2**53
        start = NOON + timedelta(microseconds=123_457)
        store(connection, number, (MONDAY, MONDAY + DAY), (start, 60, None))
        found = week_parts(connection, WEEK)
        assert found["vehicle_id"].tolist() == [number]
        assert found["part_start"].tolist() == [start]


def test_what_starts_in_the_span_is_replaced_and_nothing_else(
    small: Migrated, number: int, vehicle: int, card: str
) -> None:
    other = register_vehicle(small.connection, f"LTESTX{vehicle:011d}").vehicle_id
    before, inside, at_end = MONDAY - HOUR, MONDAY, MONDAY + DAY
    around = (before, at_end + DAY)
    tables = ("trip", "trip_part", "driving_event", "drive_span")
    for one in (number, other):
        drives = [(start, 30, card) for start in (before, inside, at_end)]
        braked = [(start, card) for start in (before, inside, at_end)]
        store(small.connection, one, around, *drives, braked=braked)
    kept = everything(small, other)
    for _ in range(2):  # killed and repeated it ends with the same rows
        store(
            small.connection,
            number,
            (MONDAY, MONDAY + DAY),
            (NOON, 10, card),
            braked=[(NOON, card)],
        )
    for table in tables:
        column = "part_start" if table == "trip_part" else "start_time"
        assert starts(small, table, number, column) == [before, NOON, at_end]
    assert everything(small, other) == kept


@pytest.mark.parametrize("start", [MONDAY - timedelta(microseconds=1), MONDAY + DAY])
def test_a_row_that_starts_outside_of_the_span_is_refused(
    small: Migrated, number: int, start: datetime
) -> None:
    with pytest.raises(ValueError, match="does not start within"):
        store(small.connection, number, (MONDAY, MONDAY + DAY), (start, 10, None))


def test_what_cannot_be_stored_leaves_all_as_it_was(
    small: Migrated, number: int, vehicle: int, card: str
) -> None:
    touched = touch(small, number, vehicle)
    span = (MONDAY, MONDAY + DAY)
    day = (WEEK, [1.0, 2.0, 3.0], True)
    store(small.connection, number, span, (NOON, 60, card), braked=[(NOON, card)], days=[day])
    before = everything(small, number)
    weeks, counters = week_touches(small, number), counted(small, number)
    with pytest.raises(StorageError, match=rf"the driving of vehicle {number} from 2026-10-26"):
        store(
            small.connection,
            number,
            span,
            (NOON, 60, card),
            braked=[(NOON, card)],
            days=[(WEEK, [5.0, np.nan, 5.0], True)],  # refused after all the rest was written
            seen=touched,
        )
    assert everything(small, number) == before
    assert (week_touches(small, number), counted(small, number)) == (weeks, counters)
    assert waiting(small, vehicle) == touched


def test_a_trip_that_ends_before_it_begins_is_refused(small: Migrated, number: int) -> None:
    with pytest.raises(StorageError, match="trip"):
        store(small.connection, number, (MONDAY, MONDAY + DAY), (NOON, -1, None))
    assert starts(small, "trip", number) == []


def test_a_time_without_its_zone_is_refused(small: Migrated, number: int) -> None:
    span = (MONDAY, MONDAY + DAY)
    drive = (NOON, 60, None)
    naive = spans(drive)
    naive["end_time"] = naive["end_time"].dt.tz_localize(None)
    with pytest.raises(ValueError, match="the times of end_time lack their time zone"):
        behaviour.store_behaviour(
            small.connection,
            number,
            span,
            trips=trips(drive),
            parts=parts(drive),
            events=harsh_brakings((NOON, None)),
            spans=naive,
            time_zone="UTC",
            days=[],
            layout_version=1,
            method_version=1,
            seen=[],
        )
    assert starts(small, "trip", number) == []


# Which days are done


def touch(database: Migrated, number: int, vehicle: int) -> list[analysis.ChangedDay]:
    writer = open_writer(database)
    writer.write(Batch(groups=(group_rows("motion", [(number, TODAY_US, {"speed": 1.0})]),)))
    writer.close()
    return waiting(database, vehicle)


def waiting(database: Migrated, vehicle: int) -> list[analysis.ChangedDay]:
    return analysis.changed_days(database.connection, vin=f"LTEST{vehicle:012d}")


def test_days_are_done_as_far_as_they_were_seen(small: Migrated, number: int, vehicle: int) -> None:
    seen = touch(small, number, vehicle)
    changed = touch(small, number, vehicle)
    assert store(small.connection, number, (MONDAY, MONDAY + DAY), seen=seen)
    assert waiting(small, vehicle) == changed
    assert store(small.connection, number, (MONDAY, MONDAY + DAY), seen=changed)
    assert waiting(small, vehicle) == []


def test_results_of_older_changes_do_not_replace_those_of_newer_ones(
    small: Migrated, number: int, vehicle: int
) -> None:
    span = (MONDAY, MONDAY + DAY)
    old = touch(small, number, vehicle)
    new = touch(small, number, vehicle)
    assert store(small.connection, number, span, (NOON, 60, None), seen=new)
    assert not store(small.connection, number, span, (NOON + HOUR, 60, None), seen=old)
    assert starts(small, "trip", number) == [NOON]


def test_two_that_store_the_same_days_at_once_leave_one_s_rows(
    small: Migrated, number: int, card: str
) -> None:
    drives = [(NOON + n * timedelta(minutes=2), 1, card) for n in range(300)]

    def run(_: int) -> bool:
        with connect(small.dsn) as connection:
            return all(store(connection, number, (MONDAY, MONDAY + DAY), *drives) for _ in range(4))

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert all(pool.map(run, range(4)))
    for table in ("trip", "drive_span"):
        assert starts(small, table, number) == [start for start, _, _ in drives]


def test_days_of_an_older_method_wait_again_from_a_day_on(
    small: Migrated, number: int, vehicle: int
) -> None:
    seen = touch(small, number, vehicle)
    store(small.connection, number, (MONDAY, MONDAY + DAY), seen=seen, method_version=3)
    today = moment(TODAY_US).date()
    behaviour.redo_older(small.connection, 3, today)
    behaviour.redo_older(small.connection, 4, today + DAY)  # its rows may be gone
    assert waiting(small, vehicle) == []
    assert behaviour.redo_older(small.connection, 4, today) >= 1
    assert waiting(small, vehicle) == seen


def test_a_vehicle_of_another_class_is_judged_anew(
    small: Migrated, number: int, vehicle: int
) -> None:
    seen = touch(small, number, vehicle)
    store(small.connection, number, (MONDAY, MONDAY + DAY), seen=seen, method_version=3)
    vin = f"LTEST{vehicle:012d}"
    assert behaviour.judged_as(small.connection, number).vehicle_class == "heavy_truck"
    set_vehicle_class(small.connection, vin, "heavy_truck")
    behaviour.redo_older(small.connection, 3, seen[0].day)
    assert waiting(small, vehicle) == []
    set_vehicle_class(small.connection, vin, "bus")
    assert behaviour.judged_as(small.connection, number).vehicle_class == "bus"
    behaviour.redo_older(small.connection, 3, seen[0].day)
    assert waiting(small, vehicle) == seen


# Who drove


def test_cards_in_the_driver_s_slot_come_by_time_from_the_one_before_the_span_on(
    small: Migrated, number: int
) -> None:
    changes = [
        (MONDAY - 2 * HOUR, 1, "EARLIER"),
        (MONDAY - HOUR, 1, "BEFORE"),
        (MONDAY + HOUR, 2, "CODRIVER"),
        (MONDAY + 2 * HOUR, 1, None),
        (MONDAY + 3 * HOUR, 1, "WITHIN"),
        (MONDAY + DAY, 1, "AFTER"),
    ]
    writer = open_writer(small)
    writer.write(
        Batch(
            driver_changes=tuple(
                DriverChangeRow(vehicle_id=number, time=time, slot=slot, card_id=card)
                for time, slot, card in changes
            )
        )
    )
    writer.close()

    def found(start: datetime, stop: datetime) -> list[tuple[datetime, str | None]]:
        return behaviour.driver_changes(small.connection, number, start, stop)

    assert found(MONDAY, MONDAY + DAY) == [
        (MONDAY - HOUR, "BEFORE"),
        (MONDAY + 2 * HOUR, None),
        (MONDAY + 3 * HOUR, "WITHIN"),
    ]
    assert found(MONDAY - HOUR, MONDAY) == [(MONDAY - HOUR, "BEFORE")]
    assert found(MONDAY - DAY, MONDAY - HOUR) == [(MONDAY - 2 * HOUR, "EARLIER")]
    assert found(MONDAY - DAY, MONDAY - 2 * HOUR) == []


def test_a_card_that_ingest_has_seen_keeps_its_number(
    small: Migrated, number: int, card: str
) -> None:
    known = employ_driver(small.connection, card_id=card, party_id=None, name="Wang Wei")
    store(small.connection, number, (MONDAY, MONDAY + DAY), (NOON, 60, card))
    assert driver_id(small, card) == known
    assert starts(small, "trip", number, "driver_id") == [known]


def test_a_vehicle_s_weeks_are_those_of_its_fleet(
    small: Migrated, number: int, vehicle: int
) -> None:
    assert behaviour.judged_as(small.connection, number).time_zone == "Asia/Shanghai"
    owner = ensure_party(small.connection, f"owner {vehicle}", "owner")
    fleet = ensure_fleet(
        small.connection, party_id=owner, name="north", time_zone="Europe/Stockholm"
    )
    add_to_fleet(small.connection, fleet_id=fleet, vin=f"LTEST{vehicle:012d}")
    assert behaviour.judged_as(small.connection, number).time_zone == "Europe/Stockholm"


def test_a_vehicle_that_is_not_registered_is_judged_by_nothing(small: Migrated) -> None:
    with pytest.raises(StorageError, match="no vehicle 999999"):
        behaviour.judged_as(small.connection, 999_999)


# Registers


def test_a_fleet_a_class_or_an_employment_that_makes_no_sense_is_refused(
    small: Migrated, number: int, vehicle: int
) -> None:
    assert number
    vin = f"LTEST{vehicle:012d}"
    owner = ensure_party(small.connection, f"owner {vehicle}", "owner")
    fleet = ensure_fleet(small.connection, party_id=owner, name="all")
    assert ensure_fleet(small.connection, party_id=owner, name="all") == fleet
    for zone in ("Mars/North", "GMT+8"):
        with pytest.raises(TimeZoneError, match="give an IANA name"):
            ensure_fleet(small.connection, party_id=owner, name="x", time_zone=zone)
    for wrong in (
        lambda: ensure_fleet(small.connection, party_id=10**9, name="x"),
        lambda: add_to_fleet(small.connection, fleet_id=10**9, vin=vin),
        lambda: add_to_fleet(small.connection, fleet_id=fleet, vin="LTESTNOWHERE00000"),
        lambda: add_to_fleet(
            small.connection, fleet_id=fleet, vin=vin, member=(MONDAY, MONDAY - DAY)
        ),
        lambda: set_vehicle_class(small.connection, vin, "bicycle"),
        lambda: set_vehicle_class(small.connection, "LTESTNOWHERE00000", "bus"),
        lambda: employ_driver(small.connection, card_id="C", party_id=10**9),
        lambda: employ_driver(
            small.connection, card_id="C", party_id=owner, employed=(MONDAY, MONDAY - DAY)
        ),
    ):
        with pytest.raises(StorageError):
            wrong()


# From the release before


def test_a_full_database_of_the_release_before_is_brought_up(fresh_database: SecretStr) -> None:
    with connect(fresh_database) as connection:
        migrate(connection, SMALL, StorageSettings(), up_to=6)
        connection.execute(
            "INSERT INTO vehicle (vin, check_digit_ok, registered_by)"
            " VALUES ('LTEST000000000001', true, 'ingest')"
        )
        connection.execute("INSERT INTO driver (card_id) VALUES ('CARD')")
        connection.execute("INSERT INTO party (kind, name) VALUES ('owner', 'Haulage')")
        connection.execute("INSERT INTO fleet (party_id, name) SELECT party_id, 'a' FROM party")
        connection.execute("INSERT INTO touched_day VALUES (1, '2026-10-26', 2, 2, 2)")
        connection.execute(
            "INSERT INTO trip (vehicle_id, start_time, end_time, distance_km, duration_s, idle_s,"
            " distance_source, method_version)"
            " VALUES (1, '2026-10-26 12:00Z', '2026-10-26 13:00Z', 60, 3600, 0, 'odometer', 1)"
        )
        migrate(connection, SMALL, StorageSettings())
        assert connection.execute(
            "SELECT kind, driving_s, stop_count, driver_id, distance_km FROM trip"
        ).fetchall() == [("drive", None, None, None, 60.0)]
        assert behaviour.judged_as(connection, 1).vehicle_class == "heavy_truck"
        assert connection.execute("SELECT isempty(employed) FROM driver").fetchall() == [(False,)]
        # What the release before analysed has no behaviour yet: it waits where its rows are kept.
        assert analysis.changed_days(connection) == []
        assert behaviour.redo_older(connection, 1, date(2026, 10, 27)) == 0
        assert behaviour.redo_older(connection, 1, date(2026, 10, 26)) == 1
        assert [day.day for day in analysis.changed_days(connection)] == [date(2026, 10, 26)]
