"""How the API reads: as role telemetry_api through the functions of schema `served`, nothing else.

Every read names its principal, a party's number; what that party may not see is not there. The
connections cannot see a table (storage/migrations/0005_served.sql; 0014_own_only.sql on drivers who
sign in) and are read-only, but for a statement that is sent to change something. What is asked
within `Reader.together` is one transaction.
"""

from __future__ import annotations

import select
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from storage.answers import Greeting
from storage.binary_arrays import arrays_as_numpy
from storage.connection import API_ROLE, describe, options
from storage.errors import DatabaseUnreachableError, SchemaError
from storage.queries import query
from storage.refusals import WriteUnderWayError, refusal
from storage.served_errors import (
    UNKNOWN,
    DatabaseBusyError,
    DatasetWithheldError,
    QueryTimeoutError,
    UnaskableError,
    UnknownVehicleError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic import SecretStr

AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]

R = TypeVar("R")

WAITING_PER_CONNECTION = 8
"""Requests that may wait for a connection, for each there is; more are turned away at once."""

DIAGNOSIS_TIMEOUT_S = 2
"""How long `Reader.diagnose` tries to connect [s]."""


class Reader:
    """The API's way to the database: a pool of connections, and the ways to ask over them.

    Args:
        dsn: the database.
        connections: how many connections at most.
        wait_s: how long a question waits for one of them [s].
        statement_timeout_s: how long its statement may take [s].
    """

    def __init__(
        self, dsn: SecretStr, *, connections: int, wait_s: float, statement_timeout_s: float
    ) -> None:
        self._dsn = dsn
        self._connections = connections
        self._in_use = 0
        # Of the task that asks: what it asks together, it asks over this connection.
        self._present: ContextVar[AsyncConnection | None] = ContextVar("together", default=None)
        parameters: dict[str, Any] = {**options(API_ROLE), "autocommit": True}
        parameters["options"] += (
            " -c default_transaction_read_only=on"
            f" -c statement_timeout={round(statement_timeout_s * 1000)}"
        )
        self._pool = AsyncConnectionPool(
            dsn.get_secret_value(),
            kwargs=parameters,
            min_size=1,
            max_size=connections,
            max_waiting=WAITING_PER_CONNECTION * connections,
            timeout=wait_s,
            configure=arrays_as_numpy,
            check=_check,
            open=False,
        )

    async def open(self) -> None:
        """Begin to connect; returns at once, so that the API is up while the database is away."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        """A pooled connection, whose failures are errors of ours."""
        try:
            present = self._present.get()
            if present is not None:
                # A savepoint: a statement that fails takes nothing with it but itself.
                async with present.transaction():
                    yield present
                return
            async with self._pool.connection() as connection:
                self._in_use += 1
                try:
                    yield connection
                finally:
                    self._in_use -= 1
        except errors.NoDataFound as error:
            kind = UNKNOWN.get(error.diag.table_name, UnknownVehicleError)
            raise kind("What was asked for is not there.") from error
        except errors.CardinalityViolation as error:
            if error.diag.table_name != "dataset":
                raise
            raise DatasetWithheldError("The dataset has too few vehicles to be told.") from error
        except errors.QueryCanceled as error:
            raise QueryTimeoutError(
                f"The {describe(self._dsn)} took too long: {str(error).strip()}. Ask for less."
            ) from error
        except (TooManyRequests, PoolTimeout, PoolClosed) as error:
            if isinstance(error, TooManyRequests) or self._in_use >= self._connections:
                raise DatabaseBusyError(
                    f"All {self._connections} connections to the {describe(self._dsn)} are in use."
                ) from error
            raise DatabaseUnreachableError(
                f"No connection to the {describe(self._dsn)}: is it running?"
            ) from error
        except (errors.UndefinedFunction, errors.InvalidSchemaName) as error:
            raise SchemaError(
                f"The {describe(self._dsn)} does not serve what this code asks "
                f"({str(error).splitlines()[0]}): run `telemetry migrate`."
            ) from error
        except errors.ReadOnlySqlTransaction as error:
            raise DatabaseUnreachableError(
                f"The {describe(self._dsn)} takes no changes: it stands by for another one."
            ) from error
        except errors.LockNotAvailable as error:
            raise WriteUnderWayError("The same is being written at this moment.") from error
        except psycopg.OperationalError as error:
            raise DatabaseUnreachableError(
                f"The {describe(self._dsn)} went away: {str(error).strip()}"
            ) from error
        except psycopg.DatabaseError as error:
            if isinstance(error, psycopg.DataError) and error.sqlstate is None:
                # It was never sent: every question's texts are looked at here, whoever asks it.
                raise UnaskableError("A text holds a character that no text has.") from error
            refused = refusal(error)
            if refused is None:
                raise
            raise refused from error

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Let all that this task asks and changes within be one transaction, over one connection.

        What raises is undone; within another one it is undone alone.
        """
        async with self._connection() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION READ WRITE")
            token = self._present.set(connection)
            try:
                yield
            finally:
                self._present.reset(token)

    async def records(self, record: type[R], name: str, **parameters: object) -> list[R]:
        """The rows of a named statement, each as a record whose fields are its columns."""
        async with (
            self._connection() as connection,
            connection.cursor(row_factory=class_row(record)) as cursor,
        ):
            await cursor.execute(query(name), parameters)
            return await cursor.fetchall()

    async def change(self, record: type[R], name: str, **parameters: object) -> list[R]:
        """Run a named statement that changes something; returns its rows as records."""
        async with (
            self._connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=class_row(record)) as cursor,
        ):
            await cursor.execute("SET TRANSACTION READ WRITE")
            await cursor.execute(query(name), parameters)
            return await cursor.fetchall()

    async def arrays(self, name: str, **parameters: object) -> tuple[Any, ...]:
        """The one row of a named statement, with its arrays as numpy's."""
        async with self._connection() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query(name), parameters)
            (row,) = await cursor.fetchall()
        return row

    async def diagnose(self) -> str:
        """Say in a sentence why no connection can be had; connects anew, past the pool."""
        parameters: dict[str, Any] = {
            **options(API_ROLE),
            "connect_timeout": str(DIAGNOSIS_TIMEOUT_S),
        }
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._dsn.get_secret_value(), **parameters
            )
        except psycopg.OperationalError as error:
            if f'role "{API_ROLE}" does not exist' in str(error):
                return f"The {describe(self._dsn)} has no role {API_ROLE}: run `telemetry migrate`."
            return f"The {describe(self._dsn)} does not answer: is it running?"
        await connection.close()
        return f"The {describe(self._dsn)} answers again: ask once more."

    async def greeting(self, party_name: str) -> Greeting:
        """How new the database is, and the number of a party.

        Raises:
            SchemaError: it was never migrated.
        """
        (greeting,) = await self.records(Greeting, "served_greeting", party_name=party_name)
        return greeting


async def _check(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
    """Find out whether a connection is still good before it is used.

    A server that went away has closed its end: there is something to be read, if only the end.
    Asking the server each time would be a second question beside every question.
    """
    readable, _, _ = select.select([connection.fileno()], [], [], 0)
    if readable:
        await AsyncConnectionPool.check_connection(connection)
