"""Dead letters on a real broker: listed, shown, replayed without harm, dropped."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingest import dead_letters
from ingest.dead_letters import Wanted, letters
from ingest.errors import DeadLetterError
from ingest.kafka import Publisher, TopicLog
from ingest.settings import UnknownVin
from schemas.wire import Message, encode_protobuf, make_block
from storage.connection import connect
from storage.migrate import migrate
from storage.registers import register_vehicle
from storage.settings import StorageSettings
from tests.asking.command_line import CommandLine
from tests.asking.patience import wait_until
from tests.samples.storage_samples import SMALL, grown, signal
from tests.servers.database_fixture import migrated_to, new_database
from tests.servers.ingest_fixture import (
    SECOND_US,
    ago_us,
    header,
    new_bench,
    new_vins,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.progress import Progress
    from tests.servers.ingest_fixture import Bench
    from tests.servers.servers_fixture import Addresses

LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""After all that is in any log."""

PROTOBUF: list[tuple[str, bytes]] = [("content-type", b"application/x-protobuf")]


def drain(bench: Bench, **changes: object) -> Progress:
    """Run a worker until the database stands where the topic ends, however slow the machine is."""
    with TopicLog(bench.settings.topic, bench.settings, bench.bootstrap) as log:
        ends = {n: span.end for n, span in log.before(LATER).items() if span.end}
    with running(bench.worker(**changes)) as run:
        wait_until(lambda: bench.offsets() == ends, "the end of the topic")
    return run.done


def replay(bench: Bench, wanted: Wanted | None = None) -> int:
    publisher = Publisher(bench.settings, bench.bootstrap)
    try:
        with TopicLog(bench.settings.dead_topic, bench.settings, bench.bootstrap) as log:
            return dead_letters.replay(letters(log.entries(), wanted or Wanted()), publisher)
    finally:
        publisher.close()


def listed(bench: Bench) -> list[dead_letters.Letter]:
    with TopicLog(bench.settings.dead_topic, bench.settings, bench.bootstrap) as log:
        return list(letters(log.entries(), Wanted()))


def state(bench: Bench, vin: str) -> list[tuple[object, ...]]:
    return bench.execute(
        'SELECT signal_group, time, "values"::text, times::text FROM vehicle_state'
        " JOIN vehicle USING (vehicle_id) WHERE vin = %s ORDER BY 1",
        vin,
    )


def register(bench: Bench, vin: str) -> None:
    with connect(bench.dsn) as connection:
        register_vehicle(connection, vin)


def command_line(bench: Bench) -> CommandLine:
    """The command line on this bench's topics."""
    return CommandLine(
        environment={
            **{
                name: text for name, text in os.environ.items() if not name.startswith("TELEMETRY_")
            },
            "TELEMETRY_KAFKA_BOOTSTRAP": bench.bootstrap,
            "TELEMETRY_TOPIC": bench.settings.topic,
        }
    )


def test_refused_vehicles_messages_are_taken_in_once_when_it_is_registered(bench: Bench) -> None:
    (vin,) = new_vins(1)
    begin = ago_us(60)
    rows = {begin + n * SECOND_US: {"wheel_speed": float(n), "odometer": 5.0} for n in range(5)}
    bench.send(bench.message(vin, rows))
    bench.send(bench.message(vin, rows), json=True)
    assert drain(bench, unknown_vin=UnknownVin.REFUSE).refused == 2
    assert bench.rows(vin) == {}
    register(bench, vin)
    assert replay(bench, Wanted(reason="unknown_vehicle", vin=vin)) == 2
    assert drain(bench, unknown_vin=UnknownVin.REFUSE).refused == 0
    assert bench.rows(vin) == {(vin, time_us): row for time_us, row in rows.items()}
    before = bench.rows(vin), state(bench, vin)
    assert replay(bench) == 2
    drain(bench)
    assert (bench.rows(vin), state(bench, vin)) == before
    # Of the four messages that came, one was new: the rows of the three others said nothing new.
    group = bench.catalogue.resolve("wheel_speed").group
    assert bench.counts("repeated")[group] == 3 * len(rows)


def test_replayed_message_fills_what_is_absent_and_changes_nothing(bench: Bench) -> None:
    (vin,) = new_vins(1)
    first, second = ago_us(60), ago_us(59)
    old: Mapping[int, Mapping[str, float]] = {
        first: {"wheel_speed": 10.0, "engine_speed": 1000.0, "odometer": 1.0},
        second: {"wheel_speed": 11.0},
    }
    bench.send(bench.message(vin, old))
    drain(bench, unknown_vin=UnknownVin.REFUSE)
    register(bench, vin)
    bench.send(bench.message(vin, {first: {"wheel_speed": 20.0, "odometer": 2.0}}))
    drain(bench)
    assert replay(bench) == 1
    drain(bench)
    assert bench.rows(vin) == {
        (vin, first): {"wheel_speed": 20.0, "engine_speed": 1000.0, "odometer": 2.0},
        (vin, second): {"wheel_speed": 11.0},
    }
    # What comes as usual still wins over what filled a gap.
    bench.send(bench.message(vin, {first: {"engine_speed": 1100.0}}))
    drain(bench)
    assert bench.rows(vin)[vin, first]["engine_speed"] == 1100.0


def test_message_refused_again_is_a_letter_again_and_listed_as_the_one_it_was(
    bench: Bench,
) -> None:
    (vin,) = new_vins(1)
    sent = bench.message(vin, {ago_us(30): {"wheel_speed": 1.0}})
    ((partition, offset),) = bench.send(sent)
    for _ in range(3):
        drain(bench, unknown_vin=UnknownVin.REFUSE)
        assert replay(bench) == 1
    drain(bench, unknown_vin=UnknownVin.REFUSE)
    raw = bench.letters()
    assert len(raw) == 4  # the first, and one for each replay
    assert all(letter.value == encode_protobuf(sent) for letter in raw)
    origin = f"{bench.settings.topic}/{partition}/{offset}"
    assert [dict(letter.headers).get("replayed-from") for letter in raw] == [
        None,
        *[origin.encode()] * 3,
    ]
    assert len({header(letter, "offset") for letter in raw}) == 4
    (only,) = listed(bench)
    assert str(only.source) == str(only.origin) == origin


def test_unknown_signals_are_taken_in_once_the_catalogue_knows_them(
    servers: Addresses, database_server: str
) -> None:
    full = grown(signal(19, "boost", "motion"))
    (vin,) = new_vins(1)
    time_us = ago_us(30)
    names = ["speed", "boost"]
    sent = Message(
        vin=vin,
        catalogue_version=2,
        blocks=(
            make_block(
                full,
                [full.resolve(name).id for name in names],
                np.array([time_us]),
                np.array([[0.5, 0.25]]),
            ),
        ),
        events=(),
    )
    with new_database(database_server) as dsn, migrated_to(dsn, SMALL) as database:
        bench = new_bench(servers.kafka_bootstrap, dsn, SMALL)
        bench.send(sent)
        drain(bench)
        replay(bench)
        assert drain(bench).refused == 1
        assert bench.rows(vin) == {(vin, time_us): {"speed": 0.5}}
        migrate(database.connection, full, StorageSettings())
        bench = replace(bench, catalogue=full)
        assert replay(bench, Wanted(reason="unknown_signal")) == 1
        assert drain(bench).refused == 0
        assert bench.rows(vin) == {(vin, time_us): {"speed": 0.5, "boost": 0.25}}
        bench.close()


def test_list_show_and_replay_on_the_command_line(bench: Bench) -> None:
    (vin,) = new_vins(1)
    bench.send(bench.message(vin, {ago_us(30): {"wheel_speed": 41.5}}))
    bench.send_raw((b"\x1b[2Jkey", b"\xff\x00 no message", PROTOBUF))
    drain(bench, unknown_vin=UnknownVin.REFUSE)
    run = command_line(bench).run

    table = run("dead-letters", "list").stdout
    assert vin in table
    assert "2 letters" in table
    as_json = run("dead-letters", "list", "--format", "json", "--vin", vin)
    (known,) = json.loads(as_json.stdout)
    assert (known["reason"], known["vin"]) == ("unknown_vehicle", vin)
    assert "1 unknown_vehicle" in as_json.stderr
    assert json.loads(run("dead-letters", "list", "--format", "json", "--vin", "X").stdout) == []

    shown = run("dead-letters", "show", known["place"]).stdout
    assert "wheel_speed=41.5" in shown
    assert known["source"] in shown
    rubbish = json.loads(
        run("dead-letters", "list", "--format", "json", "--reason", "unreadable").stdout
    )
    dumped = run("dead-letters", "show", rubbish[0]["place"]).stdout
    assert "ff 00 20 6e 6f" in dumped
    assert "\x1b" not in dumped
    missing = run("dead-letters", "show", "0/99", fails=True)
    assert "does not hold offset 99" in missing.stderr

    tried = run("dead-letters", "replay", "--vin", vin, "--dry-run").stdout
    assert tried == f"Messages that would be sent to {bench.settings.topic}: 1\n"
    with TopicLog(bench.settings.topic, bench.settings, bench.bootstrap) as log:
        assert sum(span.end for span in log.before(LATER).values()) == 2  # what was sent above
    register(bench, vin)
    done = run("dead-letters", "replay", "--vin", vin).stdout
    assert done == f"Messages sent to {bench.settings.topic}: 1\n"
    drain(bench)
    assert len(bench.rows(vin)) == 1


def test_drop_deletes_what_was_buried_before_a_time_and_asks_first(bench: Bench) -> None:
    vins = new_vins(2)
    times = []
    for vin in vins:
        bench.send(bench.message(vin, {ago_us(30): {"wheel_speed": 1.0}}))
        drain(bench, unknown_vin=UnknownVin.REFUSE)
        time.sleep(0.01)  # Kafka's times are whole milliseconds
        times.append(datetime.now(tz=UTC).isoformat())
        time.sleep(0.01)
    run = command_line(bench).run
    nothing = run("dead-letters", "drop", "--before", "2020-01-01T00:00:00Z").stdout
    assert nothing.startswith("Nothing to delete")
    refused = run("dead-letters", "drop", "--before", times[0], fails=True)
    assert "Delete 1 records" in refused.stdout + refused.stderr
    assert [letter.vin for letter in listed(bench)] == vins
    assert "Deleted: 1 records" in run("dead-letters", "drop", "--before", times[0], "--yes").stdout
    assert [letter.vin for letter in listed(bench)] == vins[1:]
    with (
        TopicLog(bench.settings.dead_topic, bench.settings, bench.bootstrap) as log,
        pytest.raises(DeadLetterError, match="does not hold offset 0"),
    ):
        log.entry(0, 0)
    run("dead-letters", "drop", "--before", LATER.isoformat(), "--yes")
    assert listed(bench) == []
