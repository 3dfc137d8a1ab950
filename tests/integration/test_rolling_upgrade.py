"""Workers of two releases over one database: upgraded without a stop, and nothing is lost.

The newer release is this code with a catalogue that has one signal more; both are run as operators
run them, by the command line in processes of their own.
"""

from __future__ import annotations

import os
import signal as signals
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from schemas import catalogue as catalogues
from storage import rollups
from storage.connection import connect, server
from storage.errors import SchemaError, StorageError
from storage.migrate import migrate, migrations, require_compatible, require_current
from storage.settings import StorageSettings
from tests.asking.patience import PATIENCE_S, wait_until
from tests.samples.storage_samples import SMALL, grown, rows_table, signal
from tests.servers.database_fixture import migrated_to, new_database
from tests.servers.ingest_fixture import (
    SECOND_US,
    Ledger,
    ago_us,
    new_bench,
    new_vins,
    source,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from tests.servers.ingest_fixture import Bench
    from tests.servers.servers_fixture import Addresses

ROOT = Path(__file__).parents[2]

RELEASE = """
import sys
from pathlib import Path
from schemas import catalogue
release = catalogue.load(Path(sys.argv.pop(1)))
catalogue.default = lambda: release
from cli.app import main
main()
"""
"""The command line of a release that has another catalogue."""

OLD = catalogues.default()
ADDED = (
    "900,cargo_heat,Vehicle.Cargo.Heat,overlay,motion,sample,real,°C,-100,300,1,1,,,"
    f"{OLD.version + 1},Heat of the cargo,货物温度"
)

WRITES = " frames in "
"""In what a worker says after each batch."""

VEHICLES = 4
FRAMES = 10


@dataclass(frozen=True, kw_only=True)
class Release:
    """The command line of one release, on a bench."""

    catalogue: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", RELEASE, str(self.catalogue), *arguments]

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def worker(self, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """`telemetry ingest`, killed at the end if it was not stopped before."""
        with log.open("ab") as said:
            process = subprocess.Popen(
                self.command("ingest"), cwd=ROOT, env=self.environment, stdout=said, stderr=said
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def release(bench: Bench, catalogue: Path) -> Release:
    own = {name: text for name, text in os.environ.items() if not name.startswith("TELEMETRY_")}
    return Release(
        catalogue=catalogue,
        environment=own
        | {
            "PYTHONPATH": str(ROOT),
            "TELEMETRY_KAFKA_BOOTSTRAP": bench.bootstrap,
            "TELEMETRY_DATABASE_DSN": bench.dsn.get_secret_value(),
            "TELEMETRY_TOPIC": bench.settings.topic,
            "TELEMETRY_GROUP": bench.settings.group,
            "TELEMETRY_BATCH_SECONDS": "0.1",
            "TELEMETRY_SESSION_TIMEOUT_S": "6",
        },
    )


class Load:
    """Vehicles that send for as long as the block lasts, old and new gateways in turn."""

    def __init__(self, bench: Bench, newer: Catalogue) -> None:
        self.ledger = Ledger(bench.catalogue)
        self.newer_from: int | None = None
        self.with_new_signal: set[tuple[int, int]] = set()
        self.sent = 0
        self._bench, self._newer = bench, newer
        self._vins = new_vins(VEHICLES)
        self._rng = np.random.default_rng(11)
        self._next_us = ago_us(7200)
        self._stop = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    def begin_new_signal(self) -> None:
        """From now on every other vehicle's gateway sends it."""
        self.newer_from = self.sent

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._round()
                self._stop.wait(0.3)
        except BaseException as error:  # noqa: BLE001 - raised where the block ends
            self._failed = error

    def _round(self) -> None:
        for place, vin in enumerate(self._vins):
            newer = self.newer_from is not None and place % 2 == 0
            if not newer:
                message = self.ledger.message(vin, self._next_us, FRAMES, self._rng)
                self._bench.send(message)
            else:
                bench = replace(self._bench, catalogue=self._newer)
                rows = {
                    self._next_us + n * SECOND_US: {
                        "wheel_speed": float(n),
                        "cargo_heat": float(self._rng.integers(0, 200)),
                    }
                    for n in range(FRAMES)
                }
                self.with_new_signal |= set(bench.send(bench.message(vin, rows)))
                self.ledger.note(vin, rows.keys(), rows.values())
            self.sent += 1
        self._next_us += FRAMES * SECOND_US


@pytest.fixture
def newer_file(tmp_path: Path) -> Path:
    path = tmp_path / "newer.csv"
    packaged = (ROOT / "schemas" / "catalogue.csv").read_text(encoding="utf-8")
    path.write_text(f"{packaged.rstrip()}\n{ADDED}\n", encoding="utf-8")
    return path


def taken(bench: Bench) -> int:
    return sum(bench.offsets().values())


def stop(worker: subprocess.Popen[bytes]) -> None:
    """As an orchestrator stops one."""
    worker.send_signal(signals.SIGTERM)
    assert worker.wait(timeout=PATIENCE_S) == 0


def test_workers_are_upgraded_one_by_one_under_load_and_nothing_is_lost(
    servers: Addresses, database_server: str, newer_file: Path, tmp_path: Path
) -> None:
    newer = catalogues.load(newer_file)
    log, third_log = tmp_path / "workers.log", tmp_path / "third.log"
    with new_database(database_server) as dsn, migrated_to(dsn, OLD) as database:
        bench = new_bench(servers.kafka_bootstrap, dsn, OLD, partitions=4)
        old = release(bench, ROOT / "schemas" / "catalogue.csv")
        new = release(bench, newer_file)

        def goes_on(load: Load, what: str) -> None:
            already = load.sent
            wait_until(lambda: taken(bench) > already, f"{what}\n{log.read_text()}")

        with old.worker(log) as first, old.worker(log) as second, Load(bench, newer) as load:
            goes_on(load, "ingest by the old release")
            assert "column signal_motion.cargo_heat" in new.run("migrate")
            goes_on(load, "ingest by the old release on the new database")
            load.begin_new_signal()
            goes_on(load, "ingest of both catalogues by the old release")
            wait_until(lambda: len(bench.letters()) > 0, "letters of the new signal")
            # One of the old release dies before its turn, and is started again as it was.
            second.kill()
            with old.worker(log) as again:
                goes_on(load, "ingest with an old worker that was started again")
                wait_until(lambda: "It works on" in log.read_text(), "its warning")
                stop(again)
                with new.worker(third_log) as third:
                    wait_until(lambda: WRITES in third_log.read_text(), "its first batch")
                    goes_on(load, "ingest by both releases")
                    stop(first)
                    with new.worker(log) as fourth:
                        goes_on(load, "ingest by the new release")
                        load.__exit__()
                        wait_until(lambda: taken(bench) == load.sent, "the end of the topic")
                        refused = {source(letter) for letter in bench.letters()}
                        assert refused
                        assert refused <= load.with_new_signal
                        said = new.run("dead-letters", "replay", "--reason", "unknown_signal")
                        assert f"Messages sent to {bench.settings.topic}: {len(refused)}" in said
                        everything = load.sent + len(refused)
                        wait_until(lambda: taken(bench) == everything, "the replayed")
                        stop(third)
                        stop(fourth)
        upgraded = replace(bench, catalogue=newer)
        vins = sorted({vin for vin, _ in load.ledger.values})
        assert upgraded.rows(*vins) == load.ledger.values
        assert latest(upgraded, vins) == newest(load.ledger)
        rollups.refresh(database.connection, database.server, newer)
        assert rolled_up(database.connection) == sum(
            "cargo_heat" in row for row in load.ledger.values.values()
        )
        bench.close()


def newest(ledger: Ledger) -> dict[tuple[str, str], tuple[int, float]]:
    """By VIN and signal: time and value of the newest one."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for (vin, time_us), row in sorted(ledger.values.items()):
        found |= {(vin, name): (time_us, value) for name, value in row.items()}
    return found


def latest(bench: Bench, vins: list[str]) -> dict[tuple[str, str], tuple[int, float]]:
    """The same as vehicle_state has it."""
    rows = bench.execute(
        "SELECT vin, name, (extract(epoch FROM times[position]) * 1000000)::bigint,"
        ' "values"[position] FROM vehicle_state JOIN vehicle USING (vehicle_id)'
        " JOIN signal USING (signal_group)"
        " WHERE vin = ANY (%s) AND times[position] > '-infinity'",
        vins,
    )
    return {(vin, name): (time_us, value) for vin, name, time_us, value in rows}


def rolled_up(connection: Connection) -> int:
    row = connection.execute(
        f"SELECT sum(cargo_heat_n) FROM signal_motion_1m_v{OLD.version + 1}"
    ).fetchone()
    assert row is not None
    return int(row[0])


GROWN = grown(signal(20, "dust", "motion"))


def test_migrate_gives_way_while_a_table_is_read_and_ends_when_it_is_free(
    fresh_database: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        migrated_to(fresh_database, SMALL) as database,
        connect(fresh_database) as reader,
        connect(fresh_database) as writer,
    ):
        # A dump: it has read-locked every table, for as long as it takes.
        rows = rows_table(reader, "motion")
        with reader.transaction():
            reader.execute(f"LOCK TABLE {rows} IN ACCESS SHARE MODE".encode())
            monkeypatch.setattr("storage.brief_locks.PATIENCE_S", 60)
            failed: list[BaseException] = []

            def run() -> None:
                try:
                    with connect(fresh_database) as connection:
                        migrate(connection, GROWN, StorageSettings())
                except BaseException as error:  # noqa: BLE001 - looked at below
                    failed.append(error)

            migrating = threading.Thread(target=run)
            migrating.start()
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
            wait_until(
                lambda: writer.execute(waiting, (rows,)).fetchone() == (1,), "the wait for a lock"
            )
            # A writer comes behind migrate, which lets it pass.
            with writer.transaction():
                writer.execute("SET LOCAL lock_timeout = '20s'")
                writer.execute(f"LOCK TABLE {rows} IN ROW EXCLUSIVE MODE".encode())
            assert migrating.is_alive()
        migrating.join(timeout=PATIENCE_S)
        assert not migrating.is_alive()
        assert failed == []
        require_current(database.connection, GROWN)


def test_migrate_that_never_gets_its_lock_says_so_and_goes_on_the_next_time(
    fresh_database: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    with migrated_to(fresh_database, SMALL) as database, connect(fresh_database) as reader:
        monkeypatch.setattr("storage.brief_locks.PATIENCE_S", 0)
        with reader.transaction():
            reader.execute("LOCK TABLE signal_motion IN ACCESS SHARE MODE")
            with pytest.raises(SchemaError, match=r"No lock .* signal_motion.*pg_stat_activity"):
                migrate(database.connection, GROWN, StorageSettings())
        with pytest.raises(SchemaError, match="run `telemetry migrate`"):
            require_current(database.connection, GROWN)
        migrate(database.connection, GROWN, StorageSettings())
        require_current(database.connection, GROWN)


def test_migrate_that_was_broken_off_is_finished_by_the_next(
    fresh_database: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    with migrated_to(fresh_database, SMALL) as database:
        connection = database.connection
        connection.execute(
            "INSERT INTO touched_day (vehicle_id, day, touched, rolled_up)"
            " SELECT number, current_date, 3, 3 FROM generate_series(1, 25) AS number"
        )
        with monkeypatch.context() as broken:
            broken.setattr("storage.rollups.MARKED_AT_ONCE", 10)
            broken.setattr("storage.migrate._announce", _fail)
            with pytest.raises(StorageError, match="broken off"):
                migrate(connection, GROWN, StorageSettings())
        # A refresh of the old release comes in between: it knows of nothing new, and may.
        assert rollups.refresh(connection, database.server, SMALL) == 25
        assert migrate(connection, GROWN, StorageSettings()).done != ()
        require_current(connection, GROWN)
        with pytest.raises(SchemaError, match="Go on with the new release"):
            rollups.refresh(connection, database.server, SMALL)
        assert rollups.refresh(connection, server(connection), GROWN) == 25


def _fail(*_: object) -> None:
    raise StorageError("broken off")


@pytest.mark.parametrize(("says", "taken_in"), [("-1", True), ("0", False), (None, False)])
def test_a_newer_migration_says_which_workers_go_on(
    fresh_database: SecretStr, says: str | None, taken_in: bool
) -> None:
    newest = migrations()[-1].version
    with migrated_to(fresh_database, SMALL) as database:
        assert require_compatible(database.connection, SMALL) is None
        works_with = None if says is None else newest + 1 + int(says)
        database.connection.execute(
            "INSERT INTO schema_version (version, name, works_with) VALUES (%s, 'later', %s)",
            (newest + 1, works_with),
        )
        if taken_in:
            said = require_compatible(database.connection, SMALL)
            assert said is not None
            assert f"migration {newest + 1}" in said
        else:
            with pytest.raises(SchemaError, match="upgrade the code"):
                require_compatible(database.connection, SMALL)
        with pytest.raises(SchemaError, match="upgrade the code"):
            require_current(database.connection, SMALL)
