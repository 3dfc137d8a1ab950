"""PostgreSQL and Kafka stopped, killed, full, closed, locked, impatient, or made anew."""

from __future__ import annotations

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from tests.asking.patience import PATIENCE_S
from tests.faults.fault import fault
from tests.faults.fleet import rest
from tests.faults.worker_faults import held, with_rival

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from tests.faults.arena import Arena
    from tests.faults.grounds import Grounds

NO_SPACE = "No space left on device"
"""What PostgreSQL tells workers where its disk is full; its own log has no room for it then."""

LOCKED = ("vehicle_state", "touched_day", "ingest_count", "ingest_offset", "signal_motion")
"""A view that is locked has its table locked, too."""


@fault("PostgreSQL stopped and started", "database")
def stop_database(arena: Arena, rng: np.random.Generator) -> str | None:
    grounds = arena.grounds
    grounds.stop(grounds.postgres)
    try:
        rest(rng.uniform(0.5, 4))
    finally:
        grounds.start(grounds.postgres)
    return None


@fault("PostgreSQL killed in mid-transaction", "database")
def kill_database(arena: Arena, rng: np.random.Generator) -> str | None:
    grounds = arena.grounds
    try:
        with held(arena, rng, "copied") as (_, remark):
            grounds.kill(grounds.postgres)
        rest(rng.uniform(0.5, 4))
    finally:
        grounds.start(grounds.postgres)
    return remark


@fault("one backend of PostgreSQL killed", "database")
def kill_backend(arena: Arena, rng: np.random.Generator) -> str | None:
    backends = arena.grounds.ask(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'telemetry'"
        " AND pid <> pg_backend_pid() ORDER BY pid"
    )
    if backends:
        # PostgreSQL then ends all the others and recovers, as after a crash of its own.
        with suppress(ProcessLookupError):
            os.kill(int(rng.choice([pid for (pid,) in backends])), signal.SIGKILL)
    rest(1)
    bring_back(arena.grounds)
    return None


@fault("every connection ended by the administrator", "database")
def terminate_backends(arena: Arena, rng: np.random.Generator) -> str | None:
    ended = 0
    for _ in range(int(rng.integers(1, 6))):
        ended += len(
            arena.grounds.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'telemetry' AND pid <> pg_backend_pid()"
            )
        )
        rest(rng.uniform(0, 0.5))
    return f"{ended} connections"


@fault("database closed to writers", "read-only")
def read_only(arena: Arena, rng: np.random.Generator) -> str | None:
    with setting(arena.grounds, "default_transaction_read_only", "on"):
        rest(rng.uniform(2, 5))
    return None


@fault("disk full", "disk", lambda arena: arena.grounds.why_no_disk)
def full_disk(arena: Arena, rng: np.random.Generator) -> str | None:
    disk = arena.grounds.disk
    filler, complaints = disk / "filler", arena.crew.heard(NO_SPACE)
    filled = 0
    try:
        with filler.open("wb") as file:
            for _ in range(int(rng.integers(20, 50))):
                free = shutil.disk_usage(disk).free
                if free:
                    with suppress(OSError):  # somebody else was quicker to take it
                        os.posix_fallocate(file.fileno(), filled, free)
                        filled += free
                # Days nobody has sent of yet: their chunks or partitions want room at once.
                arena.fleet.send_late(3, range(60, 86))
                rest(0.1)
    finally:
        filler.unlink()
    bring_back(arena.grounds)
    return (
        f"PostgreSQL had no space {arena.crew.heard(NO_SPACE) - complaints} times, as workers heard"
    )


@fault("tables locked by somebody else", "lock")
def lock_table(arena: Arena, rng: np.random.Generator) -> str | None:
    table = str(rng.choice(LOCKED))
    with locked(arena.grounds, table):
        rest(rng.uniform(2, 5))
    return table


@fault("locks not had in time", "lock")
def lock_timeout(arena: Arena, rng: np.random.Generator) -> str | None:
    table = str(rng.choice(LOCKED))
    with setting(arena.grounds, "lock_timeout", "200ms"), locked(arena.grounds, table):
        rest(rng.uniform(2, 4))
    return table


@fault("statements cut off", "timeout")
def statement_timeout(arena: Arena, rng: np.random.Generator) -> str | None:
    limit = f"{int(rng.integers(2, 12))}ms"
    with setting(arena.grounds, "statement_timeout", limit):
        rest(rng.uniform(2, 4))
    return limit


def _too_long(name: str, arena: Arena, rng: np.random.Generator, /) -> str | None:
    with setting(arena.grounds, name, "300ms"), held(arena, rng, "copied") as (_, remark):
        rest(1)
    return remark


fault("idle transaction ended by the server", "timeout")(
    partial(_too_long, "idle_in_transaction_session_timeout")
)
fault("long transaction ended by the server", "timeout")(partial(_too_long, "transaction_timeout"))


@fault("deadlock with somebody else", "lock")
def deadlock(arena: Arena, rng: np.random.Generator) -> str | None:
    """The worker holds its offsets and wants a table that their other waiter holds."""
    with arena.grounds.direct() as other, other.transaction():
        other.execute("SET LOCAL deadlock_timeout = '60s'")  # so that the worker is the victim

        def want_offsets() -> None:
            other.execute("LOCK TABLE telemetry.ingest_offset IN ACCESS EXCLUSIVE MODE")

        with ThreadPoolExecutor(max_workers=1) as pool:
            with held(arena, rng, "begun") as (_, remark):
                other.execute("LOCK TABLE telemetry.touched_day IN ACCESS EXCLUSIVE MODE")
                wanting = pool.submit(want_offsets)
                rest(0.5)
            wanting.result(timeout=PATIENCE_S)
    return remark


@fault("two groups in repeatable read", "fence")
def serialization(arena: Arena, rng: np.random.Generator) -> str | None:
    with setting(arena.grounds, "default_transaction_isolation", "repeatable read"):
        return with_rival(arena, rng.uniform(3, 5))


@fault("Kafka stopped and started", "broker")
def stop_kafka(arena: Arena, rng: np.random.Generator) -> str | None:
    grounds = arena.grounds
    grounds.stop(grounds.kafka)
    try:
        rest(rng.uniform(0, 3))
    finally:
        grounds.start(grounds.kafka)
    return None


@fault("Kafka killed", "broker")
def kill_kafka(arena: Arena, rng: np.random.Generator) -> str | None:
    grounds = arena.grounds
    arena.fleet.send_worthless(5)
    grounds.kill(grounds.kafka)
    try:
        rest(rng.uniform(0, 3))
    finally:
        grounds.start(grounds.kafka)
    return None


@fault("topic deleted and made again", "topic")
def topic_again(arena: Arena, rng: np.random.Generator) -> str | None:
    del rng
    arena.make_topic_again()
    return None


@contextmanager
def setting(grounds: Grounds, name: str, value: str) -> Iterator[None]:
    """A setting of the whole server while the block runs."""
    grounds.set_for_all(name, value)
    try:
        yield
    finally:
        grounds.set_for_all(name, None)


@contextmanager
def locked(grounds: Grounds, table: str) -> Iterator[None]:
    """Somebody holds a table for himself while the block runs."""
    with grounds.direct() as connection, connection.transaction():
        connection.execute(
            psycopg.sql.SQL("LOCK TABLE telemetry.{} IN ACCESS EXCLUSIVE MODE").format(
                psycopg.sql.Identifier(table)
            )
        )
        yield


def bring_back(grounds: Grounds) -> None:
    """See that PostgreSQL serves: by itself if it can, else started as an operator would."""
    for _ in range(50):
        with suppress(psycopg.Error):
            if grounds.is_up(grounds.postgres):
                return
        rest(0.2)
        status = grounds.postgres.status(ask=False)
        if status.state == "dead":
            break
    grounds.kill(grounds.postgres)
    grounds.start(grounds.postgres)
