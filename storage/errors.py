"""What can go wrong between us and the database, and what to do about each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterator


class StorageError(TelemetryError):
    """The database refused, or is not in the state the platform needs."""


class DatabaseUnreachableError(StorageError):
    """No connection could be had; the message names host, port and database, never the password."""


class NotKnownError(StorageError):
    """Nobody, and nothing, is known by the name that was given: it may be mistyped."""


class BatchRefusedError(StorageError):
    """The database refuses a value or a row of a batch: some message of it holds it.

    Attributes:
        kind: the same for all that is refused for the same reason: PostgreSQL's condition, and the
            constraint where one is broken.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class SchemaError(StorageError):
    """The database's tables do not fit this code: run `telemetry migrate`, or upgrade the code."""


class OffsetConflictError(StorageError):
    """Another worker moved a partition's offset: this one no longer owns it.

    Attributes:
        topic: the Kafka topic.
        partition: its partition.
        expected: the offset this worker had read up to; None: it was the first, it thought.
    """

    def __init__(self, topic: str, partition: int, expected: int | None) -> None:
        self.topic = topic
        self.partition = partition
        self.expected = expected
        surprise = (
            "has an offset in the database already, where none was expected"
            if expected is None
            else f"does not stand at offset {expected} in the database"
        )
        super().__init__(
            f"{topic}[{partition}] {surprise}: another worker has taken the partition over. The "
            "batch was rolled back; nothing is lost, the new owner reads it again."
        )


PASSING = (
    psycopg.OperationalError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
)
"""What says nothing against the work itself: a lost connection, a deadlock, a time-out, no space;
a server that only reads for now (a standby before it takes over) or ends slow work."""


def lies_in_content(error: Exception) -> bool:
    """Whether an error speaks of what was being worked at, so that something else may well go.

    The others speak of the database: it is not there, or not as it must be.
    """
    if isinstance(error, StorageError):
        return isinstance(error, BatchRefusedError)
    return not isinstance(error, (psycopg.Error, OSError))


def _said(error: psycopg.Error) -> str:
    """The error in a line, without the statements that it came up in and the row it was of.

    A row may hold what nobody is to read: a password's hash, a name.
    """
    text = str(error).partition("\nCONTEXT:")[0].partition("\nDETAIL:  Failing row")[0]
    return "; ".join(text.strip().splitlines())


@contextmanager
def refusal_of(what: str) -> Iterator[None]:
    """Turn the database's refusal of `what` into a StorageError that says so.

    What is `PASSING` stays the error it is, and the same may be tried again.

    Raises:
        BatchRefusedError: for what is in it; trying again would be refused again.
        StorageError: for what the database is; likewise.
    """
    try:
        yield
    except PASSING:
        raise
    except _CONTENT as error:
        kind = " ".join(filter(None, (type(error).__name__, error.diag.constraint_name)))
        raise BatchRefusedError(
            kind,
            f"The database refused {what} ({kind}): {_said(error)}.",
        ) from error
    except psycopg.Error as error:
        raise StorageError(
            f"The database refused {what} ({type(error).__name__}): "
            f"{_said(error)}. Nothing of it was stored, and trying "
            "again without a change will not help: are the tables of this version (`telemetry "
            "migrate`), and may this role write them?"
        ) from error


_CONTENT = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.RaiseException)
"""SQLSTATE classes 22 and 23, and what a trigger raises: these speak of values and rows."""
