"""Servers that settings name: looked at for `status`, never started, never stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import conninfo

from servers import ports
from servers.server import ServerStatus, State

if TYPE_CHECKING:
    from threading import Event

    from pydantic import SecretStr

    from servers.server import Progress

ANSWER_TAKES_S = 5
"""How long an external server may take to answer [s]."""

KAFKA_PORT = 9092
"""The port of an address that names none (Kafka's own default)."""

POSTGRES_PORT = "5432"
"""The port of a connection string that names none (libpq's default)."""


class ExternalKafka:
    """The cluster TELEMETRY_KAFKA_BOOTSTRAP names."""

    name = "kafka"

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def start(self, progress: Progress, cancelled: Event) -> bool:
        """Nothing is started."""
        del cancelled
        progress(self.name, f"{self.bootstrap}, named by TELEMETRY_KAFKA_BOOTSTRAP")
        return False

    def stop(self, progress: Progress) -> bool:
        """Nothing is stopped."""
        del progress
        return False

    def status(self, *, ask: bool) -> ServerStatus:
        """Whether one of the named addresses accepts connections.

        No more is asked, because what the cluster asks of its clients (encryption, a login) is the
        business of those who use it.
        """
        closed = [each for each in self.bootstrap.split(",") if ask and not _accepts(each.strip())]
        reachable = len(closed) < len(self.bootstrap.split(","))
        return ServerStatus(
            name=self.name,
            external=True,
            state=State.RUNNING if reachable else State.UNREACHABLE,
            address=self.bootstrap,
            detail=f"No answer from {', '.join(closed)} (TELEMETRY_KAFKA_BOOTSTRAP)."
            if closed
            else "",
        )

    def url(self) -> str:
        """The bootstrap list."""
        return self.bootstrap


class ExternalDatabase:
    """The database TELEMETRY_DATABASE_DSN names."""

    name = "postgres"

    def __init__(self, dsn: SecretStr) -> None:
        self._dsn = dsn

    def start(self, progress: Progress, cancelled: Event) -> bool:
        """Nothing is started."""
        del cancelled
        progress(self.name, f"{self._address()}, named by TELEMETRY_DATABASE_DSN")
        return False

    def stop(self, progress: Progress) -> bool:
        """Nothing is stopped."""
        del progress
        return False

    def status(self, *, ask: bool) -> ServerStatus:
        """Whether the database lets us in, and what it is."""
        state, version, detail = State.RUNNING, None, ""
        if ask:
            try:
                version = self._version()
            except psycopg.Error as error:
                state = State.UNREACHABLE
                detail = f"{str(error).strip()} (TELEMETRY_DATABASE_DSN)"
        return ServerStatus(
            name=self.name,
            external=True,
            state=state,
            address=self._address(),
            version=version,
            detail=detail,
        )

    def url(self) -> str:
        """The connection string."""
        return self._dsn.get_secret_value()

    def _address(self) -> str:
        try:
            parts = conninfo.conninfo_to_dict(self._dsn.get_secret_value())
        except psycopg.ProgrammingError:
            return "an unreadable connection string"
        return f"{parts.get('host', 'localhost')}:{parts.get('port', POSTGRES_PORT)}"

    def _version(self) -> str:
        with psycopg.connect(
            self._dsn.get_secret_value(), connect_timeout=ANSWER_TAKES_S
        ) as server:
            answer = server.execute(
                "SELECT current_setting('server_version'),"
                " (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')"
            ).fetchone()
        version, timescaledb = answer or ("unknown", None)
        return f"{version} with TimescaleDB {timescaledb}" if timescaledb else str(version)


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        host, port = address, str(KAFKA_PORT)
    return ports.answers(host.strip("[]"), int(port), ANSWER_TAKES_S)
