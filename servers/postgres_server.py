"""PostgreSQL on loopback, with TimescaleDB where its binaries carry it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from servers import ports, postgres_binaries, processes, system_user
from servers.embedded import EmbeddedServer, NotAnsweringError
from servers.errors import HomeError, ServerError
from servers.postgres_binaries import Needs
from servers.state import Entry

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    from servers.postgres_binaries import Binaries
    from servers.server import Progress
    from servers.system_user import SystemUser

ROLE = "telemetry"
DATABASE = "telemetry"

CONFIGURATION = "telemetry.conf"
"""Our part of the configuration, in the data folder; `postgresql.conf` includes it."""

INITDB_TAKES_S = 120
"""How long a new database cluster may take [s]; it takes one or two."""

CONNECT_TIMEOUT_S = 5
"""How long one attempt to connect may take [s]."""

_TIMESCALEDB = """
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
"""


class PostgresServer(EmbeddedServer):
    """The postmaster, its folder and its configuration."""

    name = "postgres"
    title = "PostgreSQL"
    # Fast shutdown (clients are cut, a checkpoint is written), then immediate, then the end.
    stopping = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))

    @property
    def log(self) -> Path:
        """What the postmaster writes."""
        return self.home.postgres / "postgres.log"

    @property
    def data(self) -> Path:
        """The database cluster's files."""
        return self.home.postgres / "data"

    def url(self) -> str:
        """The connection string, with the password."""
        entry = self.state.read(self.name)
        if entry is None:
            raise ServerError("PostgreSQL was not started here yet. Run `telemetry up`.")
        return self._dsn(entry.port, DATABASE)

    def launch(self, remembered: Entry | None, progress: Progress, cancelled: Event) -> Entry:
        """Make the database cluster where there is none, then start the postmaster."""
        del cancelled  # pg_ctl waits by itself, and for seconds only
        port = ports.choose(
            setting="TELEMETRY_PG_PORT",
            wanted=self.settings.pg_port,
            remembered=remembered.port if remembered else None,
        )
        with self.home.explained():
            user = system_user.for_data(self.data)
            needs = self._needs()
            binaries = postgres_binaries.choose(self.settings.pg_bin, needs)
            if user is not None:
                system_user.require_passage(self.home.postgres, user)
            programs = postgres_binaries.runnable_by(binaries, user, self.home.postgres)
            if needs is None:
                progress(self.name, "making an empty database")
                self._initialise(programs, user, _configuration(port, binaries, needs))
            else:
                configuration = _configuration(port, binaries, needs)
                (self.data / CONFIGURATION).write_text(configuration, encoding="utf-8")
                self._remove_stale_lock()
            progress(self.name, f"starting {binaries}")
            process = self._start(programs, user)
        return Entry(port=port, version="", process=process)

    def check(self, entry: Entry) -> None:
        """See that the server lets us in."""
        try:
            self._connect(entry.port, "postgres").close()
        except psycopg.OperationalError as error:
            raise NotAnsweringError(str(error).strip()) from error

    def prepare(self, entry: Entry) -> str:
        """Make the database `telemetry`, with TimescaleDB in it where the server carries it."""
        try:
            with self._connect(entry.port, "postgres") as server:
                known = "SELECT count(*) FROM pg_database WHERE datname = %s"
                if not _value(server, known, DATABASE):
                    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
                version = str(_value(server, "SHOW server_version"))
                preloaded = "timescaledb" in str(_value(server, "SHOW shared_preload_libraries"))
            return (
                f"{version} with TimescaleDB {self._timescaledb(entry.port)}"
                if preloaded
                else version
            )
        except psycopg.Error as error:
            raise self.failed(f"its database could not be made ready: {error}") from error

    def explain(self, lines: str) -> str | None:
        """What is known of PostgreSQL's ways to fail."""
        if "Address already in use" in lines:
            return "its port was taken in this moment. Run `telemetry up` again."
        if "could not access file" in lines and "timescaledb" in lines:
            return (
                "its binaries carry another version of TimescaleDB than the database. Let "
                "TELEMETRY_PG_BIN name the binaries it was made with."
            )
        return super().explain(lines)

    @property
    def _password_file(self) -> Path:
        return self.home.postgres / "password"

    def _needs(self) -> Needs | None:
        """What the existing files demand; None where there are none yet.

        What preloads TimescaleDB is the configuration written at the first start: a database that
        was made plain stays plain when TimescaleDB is installed later, because its tables are.
        """
        if not self.data.exists():
            return None
        try:
            return Needs(
                major=int((self.data / "PG_VERSION").read_text(encoding="ascii")),
                timescaledb="timescaledb" in (self.data / CONFIGURATION).read_text("utf-8"),
            )
        except (FileNotFoundError, ValueError) as error:
            raise HomeError(
                f"{self.data} holds no whole database of ours ({error}). Bring it back from a "
                "backup, or delete the folder for a new one."
            ) from error

    def _initialise(self, programs: Path, user: SystemUser | None, configuration: str) -> None:
        """Make the cluster beside its place and move it there: half of one is never used."""
        password = secrets.token_urlsafe(24)
        fresh, for_initdb = self.home.postgres / "data.new", self.home.postgres / "password.new"
        _remove(fresh)
        fresh.mkdir(mode=0o700)
        _write_private(for_initdb, password)
        _write_private(self._password_file, password)
        if user is not None:
            os.chown(fresh, user.uid, user.gid)
            os.chown(for_initdb, user.uid, user.gid)
        command = [str(programs / "initdb"), "-D", str(fresh), "-U", ROLE]
        command += ["--auth=scram-sha-256", f"--pwfile={for_initdb}", "--encoding=UTF8"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        try:
            made = self._run(command, user, INITDB_TAKES_S)
        finally:
            for_initdb.unlink()
        if made.returncode != 0:
            _remove(fresh)
            raise ServerError(
                f"PostgreSQL could not make a database in {self.home.postgres}: "
                f"{self.explain(made.stdout) or made.stdout.strip()}"
            )
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as main:
            main.write(f"\ninclude = '{CONFIGURATION}'\n")
        (fresh / CONFIGURATION).write_text(configuration, encoding="utf-8")
        fresh.rename(self.data)

    def _remove_stale_lock(self) -> None:
        """After a crash of the machine, PostgreSQL's lock may name a process id reused since.

        PostgreSQL itself would refuse to start as long as that process lives.

        Raises:
            HomeError: the lock's holder is a PostgreSQL in this very folder.
        """
        pid = self._postmaster_pid()
        if pid is None or processes.identify(pid) is None:
            return
        if processes.works_in(pid, self.data):
            raise HomeError(
                f"A PostgreSQL that `telemetry up` does not know (process {pid}) uses {self.data}. "
                f"Stop it (`kill -INT {pid}`), then run `telemetry up` again."
            )
        (self.data / "postmaster.pid").unlink()

    def _start(self, programs: Path, user: SystemUser | None) -> processes.ProcessIdentity:
        self.log.touch(mode=0o600)
        if user is not None:
            os.chown(self.log, user.uid, user.gid)
        patience_s = int(self.settings.server_start_timeout_s) + 1
        command = [str(programs / "pg_ctl"), "start", "-D", str(self.data), "-l", str(self.log)]
        # pg_ctl ends by itself in time; the margin is for a machine that is slow to notice.
        done = self._run([*command, "-w", "-t", str(patience_s)], user, patience_s + 30)
        pid = self._postmaster_pid()
        process = processes.identify(pid) if pid is not None else None
        if process is None or (
            done.returncode != 0 and not processes.works_in(process.pid, self.data)
        ):
            raise self.failed("it ended while it was starting.")
        return process

    def _postmaster_pid(self) -> int | None:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _run(
        self, command: list[str], user: SystemUser | None, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs; what it prints is in `stdout`, in English."""
        environment = {key: each for key, each in os.environ.items() if not key.startswith("PG")}
        try:
            return subprocess.run(
                command,
                cwd=self.home.postgres,
                env=environment | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=timeout_s,
                **(user.run_as if user is not None else {}),
            )
        except subprocess.TimeoutExpired as error:
            raise self.failed(f"{command[0]} did not end within {timeout_s:.0f} s.") from error

    def _timescaledb(self, port: int) -> str:
        """The version of the extension in our database, made or brought up to date first."""
        with self._connect(port, DATABASE) as database:
            try:
                # Must be a session's first statement: any other loads the older version's library.
                database.execute("ALTER EXTENSION timescaledb UPDATE")
            except psycopg.errors.UndefinedObject:
                database.execute("CREATE EXTENSION timescaledb")
            asked = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
            return str(_value(database, asked))

    def _connect(self, port: int, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self._dsn(port, database), autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
        )

    def _dsn(self, port: int, database: str) -> str:
        with self.home.explained():
            try:
                password = self._password_file.read_text(encoding="ascii").strip()
            except FileNotFoundError as error:
                raise HomeError(
                    f"The database's password is gone: {self._password_file} is missing. Bring it "
                    "back from a backup, or let TELEMETRY_HOME name another folder for a new "
                    "database."
                ) from error
        return f"postgresql://{ROLE}:{password}@{ports.LOOPBACK}:{port}/{database}"


def _configuration(port: int, binaries: Binaries, needs: Needs | None) -> str:
    timescaledb = binaries.timescaledb if needs is None else needs.timescaledb
    template = resources.files("servers").joinpath("postgresql.conf").read_text("utf-8")
    return Template(template).substitute(
        port=port,
        wal_compression=binaries.wal_compression,
        timescaledb=_TIMESCALEDB if timescaledb else "",
    )


def _value(connection: psycopg.Connection[Any], query: Any, *arguments: object) -> object:
    row = connection.execute(query, arguments).fetchone()
    return row[0] if row else None


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
