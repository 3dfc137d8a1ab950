"""`telemetry status` against real servers: it says what is there, and what is away."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.conninfo import make_conninfo

from storage import overview, policies
from storage.migrate import migrate
from storage.settings import StorageSettings
from tests.samples.storage_samples import SMALL, rows_table
from tests.servers.database_fixture import migrated_to
from tests.servers.ingest_fixture import SECOND_US, Bench, ago_us, new_vins

if TYPE_CHECKING:
    from pydantic import SecretStr

    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated


@pytest.fixture
def told(bench: Bench, command_line: CommandLine) -> CommandLine:
    """The command line on the bench's topic and group."""
    return replace(
        command_line,
        environment=command_line.environment
        | {"TELEMETRY_TOPIC": bench.settings.topic, "TELEMETRY_GROUP": bench.settings.group},
    )


def asked(told: CommandLine, *options: str, fails: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        told.run("status", "--format", "json", *options, fails=fails).stdout
    )
    assert found["well"] is not fails
    return found


def away(told: CommandLine, **changes: str) -> CommandLine:
    return replace(told, environment=told.environment | changes)


def send(bench: Bench, vin: str, first_us: int, count: int, **values: float) -> None:
    rows = {first_us + second * SECOND_US: values for second in range(count)}
    bench.send(bench.message(vin, rows))


@pytest.fixture
def filled(bench: Bench) -> Bench:
    """A bench that has taken in two messages and one it refused, and three that wait."""
    (vin,) = new_vins(1)
    send(bench, vin, ago_us(900), 20, wheel_speed=50.0, odometer=7.0)
    send(bench, vin, ago_us(800), 10, wheel_speed=50.0)
    bench.send_raw((b"k", b"\xff", []))
    bench.drain()
    for number in range(3):
        send(bench, vin, ago_us(700 - 20 * number), 10, wheel_speed=50.0)
    return bench


def test_status_says_how_far_ingest_is_and_what_there_is(filled: Bench, told: CommandLine) -> None:
    found = asked(told)
    ingest = found["ingest"]
    assert ingest["lag_messages"] == 3
    assert sum(each["lag"] for each in ingest["partitions"]) == 3
    assert {each["partition"]: each["written"] for each in ingest["partitions"]} == {
        number: filled.offsets().get(number) for number in range(3)
    }
    assert ingest["dead_letters"] == 1
    assert ingest["workers"] == []
    assert ingest["rates"]["frames"] == 0 == ingest["arriving_messages_per_s"]
    assert ingest["drain_s"] is None
    counts = ingest["counts"]
    assert counts["refused"]["unknown_content_type"] >= 1
    assert counts["values"][""] >= 50
    newest = datetime.fromisoformat(ingest["newest_frame"]["motion"])
    assert newest > datetime.now(tz=UTC) - timedelta(minutes=20)
    storage = found["storage"]
    tables = {each["table"]: each for each in storage["tables"]}
    assert len(tables) == len(filled.catalogue.groups)
    assert tables["signal_motion"]["parts"] in (1, 2)  # two where midnight was minutes ago
    assert tables["signal_motion"]["bytes"] > 0
    assert storage["database_bytes"] > tables["signal_motion"]["bytes"]
    assert storage["rollup_bytes"].keys() >= {"signal_motion_1m", "signal_motion_1h"}
    assert storage["disk_free_bytes"] is None  # the servers are not ones that this home has started
    text = told.run("status", "--sample", "0").stdout
    assert "3 messages" in text
    assert "refused unknown content type" not in text  # a reason is written as it is named
    assert "unknown_content_type" in text
    assert f"1 in {filled.settings.dead_topic}" in text
    filled.drain()
    assert asked(told, "--sample", "0")["ingest"]["lag_messages"] == 0


def test_status_before_the_first_worker_says_that_there_is_no_topic(told: CommandLine) -> None:
    found = asked(away(told, TELEMETRY_TOPIC="nobody.made.this"), "--sample", "0")
    assert "no topic nobody.made.this" in found["notes"][0]
    assert found["data"]["vehicles"] is not None


def test_status_shows_the_database_while_kafka_is_away(filled: Bench, told: CommandLine) -> None:
    nowhere = away(told, TELEMETRY_KAFKA_BOOTSTRAP="127.0.0.1:1")
    found = asked(nowhere, "--sample", "0", fails=True)
    assert found["faults"] == ["kafka is unreachable"]
    assert found["ingest"]["lag_messages"] is None
    assert found["ingest"]["counts"]["frames"][""] >= 30
    assert any(each["bytes"] for each in found["storage"]["tables"])
    assert filled.offsets()


def test_status_shows_kafka_while_the_database_is_away(filled: Bench, told: CommandLine) -> None:
    dsn = make_conninfo(filled.dsn.get_secret_value(), host="127.0.0.1", port=1)
    nowhere = away(told, TELEMETRY_DATABASE_DSN=dsn)
    done = nowhere.run("status", fails=True)
    assert "postgres is unreachable" in done.stdout
    assert f"1 in {filled.settings.dead_topic}" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_database_that_is_behind_is_a_fault(told: CommandLine, fresh_database: SecretStr) -> None:
    empty = away(told, TELEMETRY_DATABASE_DSN=fresh_database.get_secret_value())
    found = asked(empty, "--sample", "0", fails=True)
    assert "telemetry migrate" in found["faults"][0]


def test_rows_and_days_are_those_that_are_there(bench: Bench, migrated: Migrated) -> None:
    (vin,) = new_vins(1)
    two_days_ago_us = ago_us(2 * 86_400)
    for first_us in (two_days_ago_us, ago_us(600)):
        send(bench, vin, first_us, 300, wheel_speed=50.0)
    bench.drain()
    migrated.connection.execute("ANALYZE")
    sizes = overview.sizes(migrated.connection, migrated.server, migrated.catalogue)
    motion = next(each for each in sizes.tables if each.table == "signal_motion")
    stored = migrated.connection.execute(
        "SELECT count(*), min(time)::date, max(time)::date FROM signal_motion"
    ).fetchone()
    assert stored == (motion.rows, motion.oldest_day, motion.newest_day)
    assert motion.parts >= 2
    assert motion.compressed_parts == 0
    newest = overview.newest_frames(migrated.connection, migrated.server, migrated.catalogue)
    (latest,) = migrated.connection.execute("SELECT max(time) FROM signal_motion").fetchone() or ()
    assert newest["motion"] == latest


@pytest.mark.timescale
def test_compressed_days_are_shown_with_what_they_saved(
    bench: Bench, migrated: Migrated, told: CommandLine
) -> None:
    (vin,) = new_vins(1)
    for start in range(0, 3000, 300):
        send(bench, vin, ago_us(3 * 86_400) + start * SECOND_US, 300, wheel_speed=50.0)
    bench.drain()
    chunk = migrated.connection.execute(
        "SELECT show_chunks(%s::regclass, older_than => interval '2 days')",
        (rows_table(migrated.connection, "motion"),),
    ).fetchone()
    migrated.connection.execute("CALL convert_to_columnstore(%s)", chunk)
    tables = asked(told, "--sample", "0")["storage"]["tables"]
    motion = next(each for each in tables if each["table"] == "signal_motion")
    assert motion["compressed_parts"] == 1
    assert motion["bytes_before"] > motion["bytes_after"] > 0
    assert "1 of " in told.run("status", "--sample", "0").stdout


@pytest.mark.timescale
def test_policies_that_differ_from_the_settings_wait_for_migrate(
    told: CommandLine, migrated: Migrated
) -> None:
    told.run("migrate")
    assert "run `telemetry migrate`" not in told.run("status", "--sample", "0").stdout
    shorter = away(told, TELEMETRY_RETENTION_DAYS="30")
    text = shorter.run("status", "--sample", "0").stdout
    assert "90 days: run `telemetry migrate`" in text
    found = asked(shorter, "--sample", "0")["storage"]["policies"]
    assert {each["wanted_days"] for each in found if each["found_days"] == 90} == {30}
    groups = len(migrated.catalogue.groups)
    assert f"+ retention after 30 days on {groups} relations" in shorter.run("migrate").stdout
    assert "run `telemetry migrate`" not in shorter.run("status", "--sample", "0").stdout


def test_migrate_leaves_policies_alone_that_are_as_settings_say(fresh_database: SecretStr) -> None:
    with migrated_to(fresh_database, SMALL) as database:
        first = policies.read(database.connection, database.server, SMALL, StorageSettings())
        assert all(policy.applied for policy in first)
        assert bool(first) == (database.server.timescaledb is not None)
        changed = StorageSettings(compress_after_days=3)
        done = migrate(database.connection, SMALL, changed).done
        plain = database.server.timescaledb is None
        assert done == (() if plain else ("compression after 3 days on 2 relations",))
        assert migrate(database.connection, SMALL, changed).done == ()
