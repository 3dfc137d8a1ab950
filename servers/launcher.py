"""`up`, `down`, `status` and `running`: the two servers as one thing.

Both start at once. When one cannot be had, the other is stopped again if this call started it, so
that a failed `up` leaves nothing behind.
"""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

from servers.external import ExternalDatabase, ExternalKafka
from servers.home import Home
from servers.kafka_server import KafkaServer
from servers.postgres_server import PostgresServer
from servers.server import ServerStatus, State
from servers.state import StateFile

if TYPE_CHECKING:
    from pathlib import Path

    from servers.server import Progress, Server
    from servers.settings import ServersSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """Two servers to work with.

    Attributes:
        kafka_bootstrap: `host:port[,host:port]`.
        database_dsn: connection string with its password, which is why it is not printed.
        kafka: what is known of Kafka.
        postgres: what is known of the database.
        started: names of the servers that this call started; empty where all ran already.
    """

    kafka_bootstrap: str
    database_dsn: str = field(repr=False)
    kafka: ServerStatus
    postgres: ServerStatus
    started: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """Both servers as they are now.

    Attributes:
        home: folder with what the embedded ones own.
        kafka: how Kafka is.
        postgres: how the database is.
        kafka_bootstrap: the bootstrap list, where Kafka runs.
        database_dsn: the connection string, where the database runs; it has the password.
    """

    home: Path
    kafka: ServerStatus
    postgres: ServerStatus
    kafka_bootstrap: str | None = None
    database_dsn: str | None = field(default=None, repr=False)


def silent(server: str, doing: str, /) -> None:
    """A progress that tells nobody."""


def up(settings: ServersSettings, progress: Progress = silent) -> Running:
    """Start the servers that settings do not name and that do not run yet.

    They are daemons: they outlive this process, until `down`.

    Args:
        settings: where they live, and which ones are external.
        progress: told what happens, from the thread of each server.

    Raises:
        ServerError: one of them cannot be had; nothing that this call started is left running.
    """
    kafka, postgres = servers = _servers(settings)
    if all(server.status(ask=False).external for server in servers):
        for server in servers:
            server.start(progress, Event())
        return _running(kafka, postgres, ())
    home = Home(settings.home)
    home.prepare()
    with home.locked():
        started = _start_all(servers, progress)
        return _running(kafka, postgres, started)


def down(settings: ServersSettings, progress: Progress = silent) -> tuple[str, ...]:
    """Stop exactly what `up` started in this home.

    Returns:
        Names of the servers that ran and were stopped.

    Raises:
        ServerError: a server does not end, or another `up` is at work.
    """
    home = Home(settings.home)
    if not home.state_file.exists():
        return ()
    with home.locked():
        # Whatever settings say by now: what was started here stops.
        return tuple(server.name for server in _embedded(settings) if server.stop(progress))


def status(settings: ServersSettings) -> Status:
    """How both servers are; each is asked, which takes up to some seconds where one hangs."""
    kafka, postgres = _servers(settings)
    of_kafka, of_postgres = kafka.status(ask=True), postgres.status(ask=True)
    return Status(
        home=settings.home,
        kafka=of_kafka,
        postgres=of_postgres,
        kafka_bootstrap=kafka.url() if of_kafka.state is State.RUNNING else None,
        database_dsn=postgres.url() if of_postgres.state is State.RUNNING else None,
    )


def running(settings: ServersSettings) -> Running | None:
    """Both addresses, or None unless both servers are external or alive; nobody is asked."""
    kafka, postgres = _servers(settings)
    if any(server.status(ask=False).state is not State.RUNNING for server in (kafka, postgres)):
        return None
    return _running(kafka, postgres, ())


def dead(settings: ServersSettings) -> list[ServerStatus]:
    """Servers that were started here and have ended by themselves; nobody is asked."""
    found = [server.status(ask=False) for server in _servers(settings)]
    return [server for server in found if server.state is State.DEAD]


def _servers(settings: ServersSettings) -> tuple[Server, Server]:
    kafka, postgres = _embedded(settings)
    if settings.kafka_bootstrap is not None:
        kafka = ExternalKafka(settings.kafka_bootstrap)
    if settings.database_dsn is not None:
        postgres = ExternalDatabase(settings.database_dsn)
    return kafka, postgres


def _embedded(settings: ServersSettings) -> tuple[Server, Server]:
    home = Home(settings.home)
    state = StateFile(home.state_file)
    return KafkaServer(settings, home, state), PostgresServer(settings, home, state)


def _start_all(servers: tuple[Server, ...], progress: Progress) -> tuple[str, ...]:
    cancelled = Event()
    before = {server.name: server.status(ask=False).state for server in servers}
    with ThreadPoolExecutor(len(servers)) as pool:
        starting = [pool.submit(server.start, progress, cancelled) for server in servers]
        try:
            wait(starting, return_when=FIRST_EXCEPTION)
            failed = next((each for each in starting if _error(each)), None)
        except BaseException:
            # Ctrl-C above all: the threads end soon, and what they started goes with them.
            cancelled.set()
            wait(starting)
            _stop_new(servers, before, progress)
            raise
        if failed is not None:
            cancelled.set()
            wait(starting)
            _stop_new(servers, before, progress)
            failed.result()
    return tuple(
        server.name for server, each in zip(servers, starting, strict=True) if each.result()
    )


def _error(future: Future[bool]) -> BaseException | None:
    return future.exception() if future.done() else None


def _stop_new(servers: tuple[Server, ...], before: dict[str, State], progress: Progress) -> None:
    for server in servers:
        if before[server.name] is not State.RUNNING:
            server.stop(progress)


def _running(kafka: Server, postgres: Server, started: tuple[str, ...]) -> Running:
    return Running(
        kafka_bootstrap=kafka.url(),
        database_dsn=postgres.url(),
        kafka=kafka.status(ask=False),
        postgres=postgres.status(ask=False),
        started=started,
    )
