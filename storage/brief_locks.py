"""Changes to tables that ingest writes to, without making it wait.

Whoever waits for a table's strongest lock makes all others wait behind: one long reader (a dump, a
query over a year) would stop ingest for as long as it reads. So a change is a transaction of its
own, waits for a lock for two seconds, gives up its place and tries again a little later.
"""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING, Final, LiteralString, TypeVar

from psycopg import errors

from storage.errors import SchemaError, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.connection import Connection

T = TypeVar("T")

LOCK_WAIT_S: Final = 2
"""How long a change waits for a lock, and so ingest behind it [s]. More than the second after which
PostgreSQL has autovacuum make room (deadlock_timeout)."""

PAUSE_S = 1.0
"""How long ingest has the tables to itself before the next try [s]."""

PATIENCE_S = 300.0
"""How long a change is tried again [s]."""

SET_LOCK_WAIT: LiteralString = "SET LOCAL lock_timeout = '2s'"
"""Within a transaction: no lock is waited for longer than LOCK_WAIT_S."""


def briefly(connection: Connection, what: str, change: Callable[[], T]) -> T:
    """Make a change in a transaction of its own; it is tried again where a lock is not to be had.

    Args:
        connection: an autocommit connection.
        what: the change, for the errors.
        change: executes it; all of it is undone before it is called again.

    Raises:
        SchemaError: the lock was not to be had in PATIENCE_S.
        StorageError: the database refuses the change.
    """
    until = monotonic() + PATIENCE_S
    while True:
        try:
            with refusal_of(what), connection.transaction():
                connection.execute(SET_LOCK_WAIT)
                return change()
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            if monotonic() > until:
                raise SchemaError(
                    f"No lock was to be had for {PATIENCE_S:.0f} s to {what}: somebody reads what "
                    f"this changes. (Ingest waited for {LOCK_WAIT_S} s at a time at the most.) "
                    "Wait for the dump or the query that takes so long, the first one of "
                    "pg_stat_activity by xact_start, then run it again: it goes on where it stands."
                ) from error
        sleep(PAUSE_S)
