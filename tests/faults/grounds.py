"""The proving ground: a Kafka and a PostgreSQL of our own, each behind a proxy, free to be killed.

Workers go through the proxies; the fleet and the judge talk to the servers directly. Where root
runs this, PostgreSQL's files lie on a small tmpfs, so that its disk can really be full.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from schemas import catalogue as catalogues
from servers import ports
from servers.home import Home
from servers.kafka_server import KafkaServer
from servers.launcher import silent
from servers.postgres_server import PostgresServer
from servers.state import StateFile
from storage.connection import connect
from storage.connection import server as kind_of
from storage.migrate import migrate
from storage.settings import StorageSettings
from tests.faults.proxy import Proxy
from tests.servers.servers_fixture import settings as launcher_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.embedded import EmbeddedServer
    from storage.connection import Connection, Server

DISK_BYTES = 2_500_000_000
"""Size of the disk that PostgreSQL gets [bytes]; what it holds at the end is below 1 GB."""

WORKERS_LISTENER = "WORKERS"
"""Kafka's second listener, which it tells its clients to reach by the proxy."""

JUDGE = {"user": "judge", "password": "judge"}
"""The role of whoever looks at the database, or sets a fault; it lives as long as the run."""

UNMOVED = {
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "0",
    "statement_timeout": "0",
    "transaction_timeout": "0",
}
"""Settings of that role, which go before those of the server."""

AUDIT = """
CREATE TABLE telemetry.offset_move (
    move_id bigint GENERATED ALWAYS AS IDENTITY, topic text, topic_id uuid, partition integer,
    came_from bigint, went_to bigint);
CREATE FUNCTION telemetry.note_offset_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO telemetry.offset_move (topic, topic_id, partition, came_from, went_to)
    VALUES (NEW.topic, NEW.topic_id, NEW.partition,
            CASE WHEN TG_OP = 'UPDATE' THEN OLD.next_offset END, NEW.next_offset);
    RETURN NEW;
END $$;
CREATE TRIGGER note_offset_move AFTER INSERT OR UPDATE ON telemetry.ingest_offset
FOR EACH ROW EXECUTE FUNCTION telemetry.note_offset_move();
"""
"""Every move of an offset is written down in the transaction that makes it."""


class ProxiedKafka(KafkaServer):
    """Kafka with one more listener, whose advertised address is a proxy's."""

    workers_port = 0
    advertised_port = 0

    def _configure(self, port: int) -> Path:
        path = super()._configure(port)
        text = path.read_text(encoding="ascii")
        lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        own = f"{WORKERS_LISTENER}://{ports.LOOPBACK}"
        path.write_text(
            f"{text}\n"
            f"listeners={lines['listeners']},{own}:{self.workers_port}\n"
            f"advertised.listeners=PLAINTEXT://{ports.LOOPBACK}:{port},"
            f"{own}:{self.advertised_port}\n"
            "listener.security.protocol.map="
            f"{lines['listener.security.protocol.map']},{WORKERS_LISTENER}:PLAINTEXT\n",
            encoding="ascii",
        )
        return path


class Grounds:
    """Both servers and the ways to them."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="telemetry-faults-"))
        self.home.chmod(0o755)  # PostgreSQL's own user passes through
        self.catalogue = catalogues.default()
        with ExitStack() as opened:
            opened.callback(shutil.rmtree, self.home, ignore_errors=True)
            home = Home(self.home)
            home.prepare()
            self.why_no_disk = _mount(home.postgres)
            if not self.why_no_disk:
                opened.callback(_unmount, home.postgres)
            settings = launcher_settings(self.home)
            state = StateFile(home.state_file)
            self.kafka = ProxiedKafka(settings, home, state)
            self.postgres = PostgresServer(settings, home, state)
            self.kafka.workers_port = ports.free(1)[0]
            self.kafka_way = Proxy(self.kafka.workers_port)
            opened.callback(self.kafka_way.close)
            self.kafka.advertised_port = self.kafka_way.port
            for server in (self.kafka, self.postgres):
                opened.callback(self._stop_for_good, server)
            starting = threading.Thread(target=self.start, args=(self.kafka,))
            starting.start()
            self.start(self.postgres)
            starting.join()
            self.bootstrap = self.kafka.url()
            """Directly to Kafka."""
            owner = SecretStr(self.postgres.url())
            self.database: Server = self._prepare(owner)
            self.dsn = SecretStr(make_conninfo(owner.get_secret_value(), **JUDGE))
            """Directly to the database, as a role that no setting of a fault holds for."""
            entry = self.postgres.state.read("postgres")
            assert entry is not None
            self.postgres_way = Proxy(entry.port)
            opened.callback(self.postgres_way.close)
            self.workers_bootstrap = f"{ports.LOOPBACK}:{self.kafka_way.port}"
            self.workers_dsn = SecretStr(
                make_conninfo(owner.get_secret_value(), port=str(self.postgres_way.port))
            )
            self._opened = opened.pop_all()

    def _prepare(self, owner: SecretStr) -> Server:
        with connect(owner) as connection:
            # A tenth of what a server gets by default, to fit the small disk.
            for name in ("max_wal_size", "min_wal_size"):
                connection.execute(f"ALTER SYSTEM SET {name} = '384MB'")
            connection.execute("SELECT pg_reload_conf()")
            migrate(connection, self.catalogue, StorageSettings())
            connection.execute(AUDIT)
            connection.execute("CREATE ROLE judge SUPERUSER LOGIN PASSWORD 'judge'")
            for name, value in UNMOVED.items():
                connection.execute(f"ALTER ROLE judge SET {name} = '{value}'")
            return kind_of(connection)

    def close(self) -> None:
        """Stop and remove all of it."""
        self._opened.close()

    def keep_logs(self, folder: Path) -> None:
        """Copy what both servers said."""
        for log in (self.postgres.log, self.kafka.log, self.kafka.console):
            with suppress(FileNotFoundError):
                shutil.copy(log, folder / log.name)

    def start(self, server: EmbeddedServer) -> None:
        """Start a server that was stopped or killed, and wait until it answers."""
        server.start(silent, threading.Event())

    def stop(self, server: EmbeddedServer) -> None:
        """Stop a server as `telemetry down` does: Kafka cleanly, PostgreSQL fast."""
        server.stop(silent)

    def kill(self, server: EmbeddedServer) -> None:
        """End a server and all its processes at once, as a power cut does."""
        entry = server.state.read(server.name)
        assert entry is not None
        try:
            process = psutil.Process(entry.process.pid)
            family = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            family = []
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(family, timeout=10)
        server.stop(silent)

    def is_up(self, server: EmbeddedServer) -> bool:
        """Whether a server runs and answers."""
        return server.status(ask=True).state == "running"

    @contextmanager
    def direct(self) -> Iterator[Connection]:
        """A connection to the database that no fault of the network touches."""
        with connect(self.dsn) as connection:
            yield connection

    def ask(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement, past every fault."""
        with self.direct() as connection:
            return connection.execute(statement, parameters).fetchall()

    def set_for_all(self, setting: str, value: str | None) -> None:
        """Set something for every session of the server, those there are too; None: as before."""
        name = psycopg.sql.SQL(setting)
        with self.direct() as connection:
            if value is None:
                connection.execute(psycopg.sql.SQL("ALTER SYSTEM RESET {}").format(name))
            else:
                connection.execute(
                    psycopg.sql.SQL("ALTER SYSTEM SET {} = {}").format(
                        name, psycopg.sql.Literal(value)
                    )
                )
            connection.execute("SELECT pg_reload_conf()")

    @property
    def disk(self) -> Path:
        """The folder that the small disk is mounted on."""
        return Home(self.home).postgres

    def _stop_for_good(self, server: EmbeddedServer) -> None:
        with suppress(Exception):
            server.stop(silent)
        self.kill_if_left(server)

    def kill_if_left(self, server: EmbeddedServer) -> None:
        """See that no process of ours outlives the run."""
        entry = server.state.read(server.name)
        if entry is not None and not entry.stopped:
            self.kill(server)


def _mount(folder: Path) -> str:
    """Put a small disk there; returns why that cannot be, "" where it could."""
    if os.geteuid() != 0:
        return "only root may mount a small disk"
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "tmpfs", str(folder)],  # noqa: S607 - where it is depends on the machine
        capture_output=True,
        text=True,
        check=False,
    )
    if mounting.returncode:
        return f"a small disk cannot be mounted: {mounting.stderr.strip()}"
    return ""


def _unmount(folder: Path) -> None:
    # Lazily: a process that is just ending may still have a file open.
    subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S607 - as above
