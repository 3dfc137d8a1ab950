"""A driver and a vehicle's whereabouts are found everywhere, erased, and do not come back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from psycopg import errors

from analytics.runner.run import analyse
from storage import erasure, personal_search
from storage.batch import Batch, DriverChangeRow, ReportRow, TriggerRow
from storage.connection import connect
from storage.errors import StorageError
from storage.history_writer import HistoryRows, HistoryWriter
from storage.personal import LAST, PLACES, PUBLIC_PLACES, RULES
from storage.queries import query
from storage.registers import employ_driver
from storage.settings import StorageSettings
from tests.asking.api_fixture import groups_of
from tests.asking.command_line import ROOT
from tests.samples.storage_samples import compress
from tests.servers.database_fixture import open_writer
from tests.worlds.personal_world import ACCOUNT, END, NAME, START, Personal, derive, fill, signals

if TYPE_CHECKING:
    from tests.servers.database_fixture import Migrated

NOW = datetime(2026, 11, 20, tzinfo=UTC)

REFERENCES = {("driver", "driver_id"), ("driver", "name")}
"""Columns that tell of a driver and go with the row of another rule."""

SAMPLED = re.compile(r"(signal_|steps_|rollup$|vehicle_state$)")
"""Tables of signals: what of them tells a position is known by the signal, see storage.personal."""


@pytest.fixture(scope="module")
def gone(migrated: Migrated) -> Personal:
    """A driver who was in every table and was erased, with the places he drove at."""
    one = fill(migrated, "LSGAA11112A000001", "CHN01", "CHN02")
    person = erasure.find_person(migrated.connection, "CHN01")
    before = erasure.count_person(migrated.connection, person)
    assert before.keys() == {rule.name for rule in (*RULES, *LAST)}, "a rule is not put to the test"
    assert len(_found(migrated, one, "CHN01")) >= len({rule.table for rule in RULES}) - 2
    counts = erasure.erase_person(
        migrated.connection, migrated.catalogue, person, asked_by="officer", with_positions=True
    )
    assert all(counts[name] >= rows for name, rows in before.items())
    return one


def _found(database: Migrated, one: Personal, card: str) -> set[str]:
    searched = personal_search.search_person(
        database.connection,
        texts=[card, f"{ACCOUNT}.{one.driver_id}"],
        numbers=[one.driver_id],
    )
    return {found.where for found in searched.found}


def _positions(database: Migrated, one: Personal, before: datetime = NOW) -> set[str]:
    searched = personal_search.search_positions(database.connection, one.vehicle_id, before)
    return {found.where for found in searched.found}


def test_every_column_that_names_a_driver_or_a_place_has_a_rule(migrated: Migrated) -> None:
    people = {(rule.table, rule.column) for rule in (*RULES, *LAST)} | REFERENCES
    places = {(place.table, column) for place in PLACES for column in place.columns}
    places |= {("driver_change", "card_id")} | PUBLIC_PLACES
    unknown = [
        f"{column.table}.{column.name}"
        for column in personal_search.columns(migrated.connection)
        if column.schema == "telemetry"
        and not SAMPLED.match(column.table)
        and column.category != "B"  # yes or no names nobody
        and (
            (
                (column.names_driver or re.search("driver(?!.*state)|card|person_id", column.name))
                and (column.table, column.name) not in people
            )
            or (
                personal_search.PLACE.search(column.name)
                and (column.table, column.name) not in places
            )
        )
    ]
    assert not unknown, f"say in storage/personal.py how these are erased: {unknown}"


def test_nothing_that_is_held_of_a_driver_can_be_written_again_unseen(migrated: Migrated) -> None:
    guarded = {
        table
        for (table,) in migrated.connection.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE starts_with(tgname, 'erased_')"
        )
    }
    by_reference = {"account", "sign_in", "refresh_token", "provider_session"}
    # These are written beside a row of a guarded table, in its transaction, or not at all.
    beside = {"webhook_delivery", "kept_answer"}
    assert guarded >= {rule.table for rule in (*RULES, *LAST)} - by_reference - beside
    assert guarded >= {place.table for place in PLACES} - {"refused_value"}


def test_a_number_that_counts_or_measures_is_not_taken_for_a_driver_s(migrated: Migrated) -> None:
    """A rollup counts a signal's rows: 25 of them are not driver 25."""
    connection, number = migrated.connection, 987_654
    connection.execute(
        "CREATE TABLE telemetry.as_rollups_are (driver1_present_n bigint,"
        " seat_belt_driver_n bigint, driver_distraction integer, driver_of_it bigint)"
    )
    try:
        connection.execute(
            "INSERT INTO telemetry.as_rollups_are VALUES (%(n)s, %(n)s, %(n)s, NULL)", {"n": number}
        )
        assert personal_search.search_person(connection, numbers=[number]).found == ()
        connection.execute("UPDATE telemetry.as_rollups_are SET driver_of_it = %s", (number,))
        (found,) = personal_search.search_person(connection, numbers=[number]).found
        assert found.where == "telemetry.as_rollups_are.driver_of_it"
    finally:
        connection.execute("DROP TABLE telemetry.as_rollups_are")


@pytest.mark.parametrize(
    ("text", "is_of_driver"),
    [
        ("/v1/drivers/987654/hours", True),
        ("?driver=987654&week=1", True),
        ("?drivers=12,987654", True),
        ('{"driver": 987654}', True),
        ('{"drivers": [3, 987654]}', True),
        ('{"co_driver_id": 987654}', True),
        ('{"driver_ids": [3, 987654]}', True),
        ('{"driver_number": 987654}', True),
        ('{"seat_belt_driver": 987654}', False),
        ('{"driver1_present": 987654}', False),
        ('{"drivers": 987654}', False),
        ("/v1/drivers/9876543", False),
    ],
)
def test_what_is_written_of_a_driver_is_told_from_counts_and_signals(
    migrated: Migrated, text: str, is_of_driver: bool
) -> None:
    connection = migrated.connection
    connection.execute("CREATE TABLE telemetry.as_written (words text)")
    try:
        connection.execute("INSERT INTO telemetry.as_written VALUES (%s)", (text,))
        found = personal_search.search_person(connection, numbers=[987_654]).found
        assert [one.where for one in found] == ["telemetry.as_written.words"] * is_of_driver
    finally:
        connection.execute("DROP TABLE telemetry.as_written")


def test_an_erased_driver_is_in_no_table_and_no_column(migrated: Migrated, gone: Personal) -> None:
    assert _found(migrated, gone, "CHN01") == set()
    names = migrated.connection.execute("SELECT card_id FROM driver WHERE name = %s", (NAME,))
    assert ("CHN01",) not in names.fetchall()


def test_what_is_a_vehicles_stays_and_other_people_do(migrated: Migrated, gone: Personal) -> None:
    rows = migrated.connection.execute(
        "SELECT driver_id, distance_km FROM trip_part WHERE vehicle_id = %s ORDER BY part_start",
        (gone.vehicle_id,),
    ).fetchall()
    assert rows == [(None, 30.0), (gone.other_id, 30.0)]
    changes = migrated.connection.execute(
        "SELECT slot, card_id FROM driver_change WHERE vehicle_id = %s ORDER BY time, slot",
        (gone.vehicle_id,),
    ).fetchall()
    assert changes == [(1, None), (2, "CHN02"), (1, "CHN02"), (2, None)]
    fatigue = migrated.connection.execute(
        "SELECT driver_id FROM driving_event WHERE vehicle_id = %s AND kind ^@ 'fatigue_'",
        (gone.vehicle_id,),
    ).fetchall()
    assert fatigue == [(gone.other_id,)]
    (ids,) = migrated.connection.execute(
        "SELECT driver_ids FROM access_log WHERE driver_ids @> '{999999}' ORDER BY entry_id LIMIT 1"
    ).fetchone() or ([],)
    assert ids == [999999], "that somebody has read stays in the log"


def test_hours_of_an_erased_driver_are_counted_again_as_the_vehicles(
    migrated: Migrated, gone: Personal
) -> None:
    waits = migrated.connection.execute(
        "SELECT start_time FROM touched_duty WHERE vehicle_id = %s", (gone.vehicle_id,)
    ).fetchall()
    assert waits == [(START,)]


def test_where_the_erased_driver_drove_is_gone_and_where_the_next_one_did_is_there(
    migrated: Migrated, gone: Personal
) -> None:
    first, last = migrated.connection.execute(
        "SELECT min(time), max(time) FROM signal_location"
        " WHERE vehicle_id = %s AND latitude IS NOT NULL",
        (gone.vehicle_id,),
    ).fetchone() or (None, None)
    assert (first, last) == (START + timedelta(minutes=30, seconds=10), END)
    assert _positions(migrated, gone, START + timedelta(minutes=30)) == set()


def test_the_record_of_an_erasure_says_who_and_how_much_and_not_of_whom(
    migrated: Migrated, gone: Personal
) -> None:
    done = erasure.erasures(migrated.connection)[-1]
    assert (done.kind, done.asked_by) == ("driver", "officer")
    assert done.ended_at is not None
    assert done.counts["trip_part"] == 1
    assert done.counts["driver (rows)"] == 1
    assert _found(migrated, gone, "CHN01") == set()


def test_a_card_that_comes_late_is_not_registered_anew_and_is_counted(
    migrated: Migrated, gone: Personal
) -> None:
    late = START + timedelta(days=1)
    writer = open_writer(migrated)
    try:
        writer.write(
            Batch(
                driver_changes=(
                    DriverChangeRow(vehicle_id=gone.vehicle_id, time=late, slot=1, card_id="CHN01"),
                    DriverChangeRow(vehicle_id=gone.vehicle_id, time=late, slot=2, card_id="CHN03"),
                ),
                triggers=(
                    TriggerRow(
                        vehicle_id=gone.vehicle_id,
                        time=late,
                        trigger_type="DRIVER_LOGIN",
                        detail="CHN01",
                    ),
                ),
                reports=(
                    ReportRow(
                        vehicle_id=gone.vehicle_id,
                        created_time=late,
                        trigger_type="DRIVER_LOGIN",
                        detail="CHN01",
                        values={"driver1_working_state": 3.0},
                    ),
                ),
            )
        )
    finally:
        writer.close()
    assert _found(migrated, gone, "CHN01") == set()
    cards = migrated.connection.execute(
        "SELECT card_id FROM driver_change WHERE time = %s ORDER BY slot", (late,)
    ).fetchall()
    assert cards == [(None,), ("CHN03",)]
    counted = migrated.connection.execute(
        "SELECT sum(count) FROM ingest_count WHERE measure = 'erased' AND key = 'driver'"
    ).fetchone()
    assert counted == (1,)


def test_what_analysis_had_read_before_and_stores_after_names_nobody(
    migrated: Migrated, gone: Personal
) -> None:
    derive(migrated.connection, gone.vehicle_id, gone.driver_id, START + timedelta(days=2))
    assert _found(migrated, gone, "CHN01") == set()
    kept = migrated.connection.execute(
        "SELECT driver_id FROM trip WHERE vehicle_id = %s AND start_time = %s",
        (gone.vehicle_id, START + timedelta(days=2)),
    ).fetchall()
    assert kept == [(None,)]


def test_analysis_that_runs_again_does_not_bring_the_driver_back(
    migrated: Migrated, gone: Personal
) -> None:
    migrated.connection.execute("UPDATE touched_day SET touched = touched + 1")
    outcome = analyse(
        migrated.connection,
        migrated.server,
        migrated.catalogue,
        StorageSettings(),
        vin=gone.vin,
    )
    assert outcome.vehicle_days > 0
    assert outcome.failed == 0
    assert _found(migrated, gone, "CHN01") == set()
    assert _positions(migrated, gone, START + timedelta(minutes=30)) == set()


def test_positions_that_come_late_are_not_stored_where_they_were_erased(
    migrated: Migrated, gone: Personal
) -> None:
    whole = groups_of(gone.vehicle_id, signals())
    moved = tuple(replace(group, times_us=group.times_us + 1_000_000) for group in whole)
    writer = open_writer(migrated)
    try:
        writer.write(Batch(groups=whole))  # again, and
        writer.write(Batch(groups=moved))  # as rows of their own
    finally:
        writer.close()
    assert _positions(migrated, gone, START + timedelta(minutes=30)) == set()
    told = migrated.connection.execute(
        "SELECT count(latitude), count(gnss_speed) FROM signal_location"
        " WHERE vehicle_id = %s AND time < %s",
        (gone.vehicle_id, START + timedelta(minutes=30)),
    ).fetchone()
    assert told == (0, 360), "what is no position is kept of late rows"
    counted = migrated.connection.execute(
        "SELECT sum(count) FROM ingest_count WHERE measure = 'erased' AND key = 'positions'"
    ).fetchone()
    assert counted == (361,)


def test_history_that_is_loaded_again_does_not_bring_positions_back(
    migrated: Migrated, gone: Personal
) -> None:
    (rows,) = (
        group for group in groups_of(gone.vehicle_id, signals()) if group.group == "location"
    )
    writer = HistoryWriter(
        connect(migrated.dsn), migrated.server, migrated.catalogue, StorageSettings()
    )
    try:
        written = writer.write_history(HistoryRows(rows=replace(rows, fills_gaps=True)))
    finally:
        writer.close()
    assert written.filled == 0
    assert _positions(migrated, gone, START + timedelta(minutes=30)) == set()


def test_an_erasure_waits_for_whoever_writes_of_people(migrated: Migrated) -> None:
    with (
        connect(migrated.dsn) as writing,
        connect(migrated.dsn) as erasing,
        writing.transaction(force_rollback=True),
    ):
        writing.execute("INSERT INTO driver_change VALUES (1, now(), 1, 'CHN88')")
        erasing.execute("SET lock_timeout = '10ms'")
        with pytest.raises(errors.LockNotAvailable):
            erasing.execute(query("erase_alone"))


def test_an_erased_card_is_registered_again_only_when_it_is_readmitted(
    migrated: Migrated, gone: Personal
) -> None:
    with pytest.raises(StorageError, match="readmit"):
        employ_driver(migrated.connection, card_id="CHN01", party_id=None, name="Somebody")
    with migrated.connection.transaction(force_rollback=True):
        assert erasure.readmit(migrated.connection, "CHN01")
        assert not erasure.readmit(migrated.connection, "CHN01")
        number = employ_driver(migrated.connection, card_id="CHN01", party_id=None)
        assert number != gone.driver_id


def test_where_a_vehicle_was_before_a_day_is_erased_everywhere_and_later_stays(
    migrated: Migrated,
) -> None:
    one = fill(migrated, "LSGAA11112A000002", "CHN11", "CHN12")
    if migrated.server.timescaledb is not None:
        compress(migrated.connection, "location")
    middle = START + timedelta(minutes=30)
    connection, catalogue = migrated.connection, migrated.catalogue
    counts = erasure.count_positions(connection, catalogue, one.vehicle_id, middle)
    assert {place.table for place in PLACES} <= {name.split()[0] for name in counts}
    assert _positions(migrated, one, middle)
    done = erasure.erase_positions(
        connection, catalogue, one.vehicle_id, before=middle, asked_by="officer"
    )
    assert done == counts
    assert _positions(migrated, one, middle) == set()
    left = connection.execute(
        "SELECT min(time), count(*), count(latitude) FROM signal_location WHERE vehicle_id = %s",
        (one.vehicle_id,),
    ).fetchone()
    assert left is not None
    assert left[1:] == (361, 181), "rows stay, and what is younger with its position"
    assert erasure.count_positions(connection, catalogue, one.vehicle_id, middle) == {}
    latest = connection.execute(
        "SELECT count(*) FROM vehicle_state, unnest(times) AS at"
        " WHERE vehicle_id = %s AND signal_group = 'location' AND at > '-infinity'",
        (one.vehicle_id,),
    ).fetchone()
    assert latest == (5,), "the newest position is younger and stays"
    erasure.erase_positions(connection, catalogue, one.vehicle_id, before=None, asked_by="officer")
    assert _positions(migrated, one) == set()
    values = connection.execute(
        "SELECT values FROM vehicle_state WHERE vehicle_id = %s AND signal_group = 'location'",
        (one.vehicle_id,),
    ).fetchone()
    assert values is not None
    assert np.isfinite(values[0]).sum() == 1, "the speed is no position"


def test_an_erasure_that_was_killed_goes_on_under_the_same_record(migrated: Migrated) -> None:
    one = fill(migrated, "LSGAA11112A000003", "CHN21", "CHN22")
    command = [sys.executable, "-m", "cli", "privacy", "erase", "--driver", "CHN21", "--yes"]
    environment = {**os.environ, "TELEMETRY_DATABASE_DSN": migrated.dsn.get_secret_value()}
    environment.pop("TELEMETRY_TEST_DSN", None)
    with connect(migrated.dsn) as holder:
        with holder.transaction():
            holder.execute("LOCK TABLE drive_span IN EXCLUSIVE MODE")
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
            )
            waits = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'drive_span'::regclass"
            while not migrated.connection.execute(waits).fetchall():
                assert process.poll() is None, "it ended before it could be killed"
            process.send_signal(signal.SIGKILL)
            process.wait()
        broken_off = erasure.erasures(migrated.connection)[0]
        assert broken_off.ended_at is None
        assert broken_off.counts["trip_part"] == 1
        assert _found(migrated, one, "CHN21")
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing found" in done.stdout
    ended = erasure.erasures(migrated.connection)[0]
    assert ended.erasure_id == broken_off.erasure_id
    assert ended.ended_at is not None
    assert ended.counts["trip_part"] == 1
    assert _found(migrated, one, "CHN21") == set()


def test_a_table_nobody_has_named_is_searched_too(migrated: Migrated) -> None:
    connection = migrated.connection
    with connection.transaction(force_rollback=True):
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute(
            "CREATE TABLE elsewhere.note (id int, body jsonb, words text[], raw bytea,"
            " driver_id bigint, thing_kind text, thing_id bigint)"
        )
        connection.execute(
            "INSERT INTO elsewhere.note VALUES (1, %s, NULL, NULL, NULL, NULL, NULL),"
            " (2, NULL, ARRAY['the card CHN77!'], 'xCHN77x', NULL, NULL, NULL),"
            " (3, '{\"driver_ids\": [3, 4711]}', NULL, NULL, 4711, 'driver', 4711),"
            " (4, NULL, NULL, NULL, 4712, 'vehicle', 4711)",
            ('{"who": ' + _json(NAME) + "}",),
        )
        searched = personal_search.search_person(connection, texts=["CHN77", NAME], numbers=[4711])
        found = {each.where: each.rows for each in searched.found if "elsewhere" in each.where}
    assert found == {
        "elsewhere.note.body": 2,
        "elsewhere.note.words": 1,
        "elsewhere.note.raw": 1,
        "elsewhere.note.driver_id": 1,
        "elsewhere.note.thing_id": 1,
    }


def _json(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def test_who_is_meant_is_asked_where_a_card_is_anothers_number(migrated: Migrated) -> None:
    connection = migrated.connection
    with connection.transaction(force_rollback=True):
        first = employ_driver(connection, card_id="CHN31", party_id=None)
        second = employ_driver(connection, card_id=str(first), party_id=None)
        with pytest.raises(StorageError, match=f"card:{first} or number:{first}"):
            erasure.find_person(connection, str(first))
        assert erasure.find_person(connection, f"card:{first}").driver_id == second
        assert erasure.find_person(connection, f"number:{first}").card == "CHN31"
        assert erasure.find_person(connection, "CHN-unknown").driver_id is None
        with pytest.raises(StorageError, match="No driver has the number"):
            erasure.find_person(connection, "number:999999999")
