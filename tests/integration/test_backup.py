"""The database is lost and restored while vehicles go on sending: the log brings back the rest.

The commands are those of docs/operations.md. A backup holds rows and offsets of one moment, so that
ingest reads again from there whatever the backup is too old to hold.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import kafka
import numpy as np
import psycopg
import pytest
from kafka.admin import KafkaAdminClient
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from ingest.errors import OffsetOutOfRangeError
from schemas import catalogue as catalogues
from servers import launcher, postgres_binaries
from storage import rollups
from tests.asking.patience import PATIENCE_S, wait_until
from tests.servers.database_fixture import migrated_to, new_database
from tests.servers.ingest_fixture import (
    SECOND_US,
    Ledger,
    ago_us,
    new_bench,
    new_vins,
    running,
)
from tests.servers.servers_fixture import settings

if TYPE_CHECKING:
    from tests.servers.ingest_fixture import Bench, Values
    from tests.servers.servers_fixture import Addresses

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

PROGRAMS = postgres_binaries.choose(
    Path(os.environ["TELEMETRY_PG_BIN"]) if os.environ.get("TELEMETRY_PG_BIN") else None, None
).folder
"""Where pg_dump and pg_basebackup are, of the version of the embedded server."""


def documented(name: str, **environment: str) -> None:
    """Run the commands under a heading comment of the document: `# name`, up to the next fence."""
    script = DOCUMENT.split(f"\n# {name}\n", maxsplit=1)[1].split("\n```", maxsplit=1)[0]
    done = subprocess.run(
        ["/bin/bash", "-euc", script],
        env={**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Trucks:
    """Vehicles that send, some new every time; all is in a ledger."""

    def __init__(self, bench: Bench) -> None:
        self.ledger = Ledger(bench.catalogue)
        self.sent = 0
        self._bench, self._rng = bench, np.random.default_rng(3)
        self._vins = new_vins(2)
        self._next_us = ago_us(7200)

    @property
    def vins(self) -> list[str]:
        return self._vins

    def send(self, rounds: int) -> None:
        """Let every vehicle send so many messages, and one more vehicle begin."""
        self._vins += new_vins(1)
        for _ in range(rounds):
            messages = [
                self.ledger.message(vin, self._next_us, 20, self._rng) for vin in self._vins
            ]
            self._bench.send(*messages)
            self.sent += len(messages)
            self._next_us += 20 * SECOND_US

    def taken(self) -> bool:
        return sum(self._bench.offsets().values()) == self.sent

    def check(self) -> None:
        """The tables hold what was sent, once, and each interval one report."""
        bench = self._bench
        assert bench.rows(*self.vins) == self.ledger.values
        assert {vin for (vin,) in bench.execute("SELECT vin FROM vehicle")} == set(self.vins)
        intervals = {(vin, time_us // (60 * SECOND_US)) for vin, time_us in self.ledger.values}
        reported = bench.execute(
            "SELECT vin, (extract(epoch FROM created_time) / 60)::bigint FROM vehicle_report"
            " JOIN vehicle USING (vehicle_id) WHERE trigger_type = 'TIMER'"
        )
        assert len(reported) == len(intervals)
        assert sum(bench.counts("messages").values()) == self.sent
        assert bench.counts("repeated") == {}


def test_base_backup_taken_under_ingest_brings_a_lost_server_back(
    servers: Addresses, servers_home: Path
) -> None:
    home, backup = servers_home / "lost", servers_home / "backup"
    wanted = settings(home, kafka_bootstrap=servers.kafka_bootstrap)
    dsn = SecretStr(launcher.up(wanted).database_dsn)
    names = {
        "TELEMETRY_HOME": str(home),
        "TELEMETRY_DATABASE_DSN": dsn.get_secret_value(),
        "BACKUP": str(backup),
    }
    try:
        with migrated_to(dsn, catalogues.default()):
            pass
        bench = new_bench(servers.kafka_bootstrap, dsn, catalogues.default())
        trucks = Trucks(bench)
        with running(bench.worker()) as first:
            trucks.send(3)
            wait_until(lambda: first.done.batches > 0, "the first batch")
            trucks.send(3)
            documented("base backup", **names)
            stood = sum(bench.offsets().values())
            trucks.send(4)  # with a vehicle that no backup knows
            wait_until(trucks.taken, "what the backup is too old for")
        data = home / "postgres" / "data"
        os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGQUIT)
        wait_until(lambda: not (data / "postmaster.pid").exists(), "the server's end")
        shutil.rmtree(data)
        (home / "postgres" / "password").unlink()
        trucks.send(2)  # the trucks know nothing of it
        documented("restore a base backup", **names)
        launcher.up(wanted)
        assert 0 < sum(bench.offsets().values()) <= stood < trucks.sent
        with running(bench.worker()):
            wait_until(trucks.taken, "the log's end")
        trucks.check()
        bench.close()
    finally:
        launcher.down(wanted)


def test_dump_taken_under_ingest_brings_a_lost_database_back(
    servers: Addresses, database_server: str, tmp_path: Path
) -> None:
    dump = tmp_path / "telemetry.dump"
    with new_database(database_server) as dsn:
        names = {
            "TELEMETRY_DATABASE_DSN": dsn.get_secret_value(),
            "BACKUP": str(dump),
        }
        with migrated_to(dsn, catalogues.default()) as database:
            timescaledb = database.server.timescaledb is not None
            bench = new_bench(servers.kafka_bootstrap, dsn, catalogues.default())
            trucks = Trucks(bench)
            with running(bench.worker()) as worker:
                trucks.send(3)
                wait_until(lambda: worker.done.batches > 0, "the first batch")
                trucks.send(3)
                documented("dump", **names)
                trucks.send(3)
                wait_until(trucks.taken, "what the dump is too old for")
        lose(database_server, dsn)
        documented("restore a dump with TimescaleDB" if timescaledb else "restore a dump", **names)
        assert not trucks.taken()
        with running(bench.worker()):
            wait_until(trucks.taken, "the log's end")
        trucks.check()
        # Policies, partitions and rollups came back as well: the next migration has nothing to do.
        with migrated_to(dsn, catalogues.default()) as database:
            assert rollups.refresh(database.connection, database.server, database.catalogue)
        bench.close()


def lose(database_server: str, dsn: SecretStr) -> None:
    """Drop the database and make an empty one, as a new server has it."""
    name = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(dsn.get_secret_value())["dbname"]))
    with psycopg.connect(
        make_conninfo(database_server, dbname="postgres"), autocommit=True
    ) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))


def test_log_that_no_longer_reaches_back_is_gone_on_with_by_a_person(bench: Bench) -> None:
    (vin,) = new_vins(1)
    times = [ago_us(900) + n * SECOND_US for n in range(6)]
    rows: list[Values] = [{"wheel_speed": float(n)} for n in range(6)]
    places = [bench.send(bench.message(vin, {times[n]: rows[n]}))[0] for n in range(2)]
    with running(bench.worker()):
        wait_until(lambda: sum(bench.offsets().values()) == 2, "the first two")
    places += [bench.send(bench.message(vin, {times[n]: rows[n]}))[0] for n in range(2, 6)]
    partition = kafka.TopicPartition(bench.settings.topic, places[0][0])
    admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
    admin.delete_records({partition: 4})  # Kafka's retention was shorter than the outage
    admin.close()
    with pytest.raises(OffsetOutOfRangeError, match="is wanted from offset 2 but holds 4 to 6"):
        bench.drain()
    documented(
        "accept the loss",
        TELEMETRY_DATABASE_DSN=bench.dsn.get_secret_value(),
        TOPIC=bench.settings.topic,
        PARTITION=str(partition.partition),
    )
    bench.drain()
    assert bench.rows(vin) == {(vin, times[n]): rows[n] for n in (0, 1, 4, 5)}
