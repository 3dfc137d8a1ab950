"""What the API reads: as role telemetry_api through the functions of schema `served`, nothing else.

Every read names its principal, a party's number; what that party may not see is not there. The
connections cannot see a table (storage/migrations/0005_served.sql; 0014_own_only.sql on drivers who
sign in) and are read-only, but for a statement that is sent to change something. What is asked
within `Reader.together` is one transaction.
"""

from __future__ import annotations

import select
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import psycopg
from psycopg import errors
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from storage.answers import (
    Greeting,
    GroupNow,
    Latest,
    SignalRows,
    Trip,
    TroubleCode,
    Vehicle,
    VehicleNow,
)
from storage.binary_copy import POSTGRES_EPOCH_US
from storage.connection import API_ROLE, describe, options
from storage.errors import DatabaseUnreachableError, SchemaError
from storage.queries import query
from storage.refusals import WriteUnderWayError, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from numpy.typing import NDArray
    from psycopg.abc import Buffer
    from pydantic import SecretStr
from storage.served_errors import (
    UNKNOWN,
    DatabaseBusyError,
    DatasetWithheldError,
    QueryTimeoutError,
    UnaskableError,
    UnknownVehicleError,
)

AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]


R = TypeVar("R")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MAX_TROUBLE_CODES = 200
"""Active trouble codes of a vehicle that are read, the newest; a truck has a dozen on a bad day."""

WAITING_PER_CONNECTION = 8
"""Requests that may wait for a connection, for each there is; more are turned away at once."""

DIAGNOSIS_TIMEOUT_S = 2
"""How long `Reader.diagnose` tries to connect [s]."""


class Reader:
    """The API's way to the database: a pool of connections and a method for each question.

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
            configure=_configure,
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

    async def vehicle(self, principal: int, vin: str) -> Vehicle:
        """The register's row of a vehicle.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        (vehicle,) = await self.records(Vehicle, "served_vehicle", principal=principal, vin=vin)
        return vehicle

    async def now(self, principal: int, vin: str) -> VehicleNow:
        """All that is known of a vehicle now, with at most MAX_TROUBLE_CODES trouble codes.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        async with self._connection() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(
                query("served_vehicle_now"),
                {"principal": principal, "vin": vin, "max_rows": MAX_TROUBLE_CODES},
            )
            (row,) = await cursor.fetchall()
        model, last_seen, codes, groups, sizes, values, times_us = row
        ends = list(accumulate(sizes, initial=0))
        return VehicleNow(
            model=model,
            last_seen=last_seen,
            trouble_codes=[
                TroubleCode(
                    spn=spn,
                    fmi=fmi,
                    source_address=address,
                    lamp=lamp,
                    count=count,
                    since=_EPOCH + timedelta(microseconds=since_us),
                )
                for spn, fmi, address, lamp, count, since_us in codes or ()
            ],
            groups={
                group: GroupNow(values=values[start:end], times_us=times_us[start:end])
                for group, start, end in zip(groups, ends, ends[1:], strict=False)
            },
        )

    async def state(self, principal: int, vin: str) -> list[Latest]:
        """The latest value of every signal of a vehicle, in the order of their ids.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        return await self.records(Latest, "served_vehicle_state", principal=principal, vin=vin)

    async def active_trouble_codes(self, principal: int, vin: str) -> list[TroubleCode]:
        """The newest active trouble codes of a vehicle, at most MAX_TROUBLE_CODES.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        return await self.records(
            TroubleCode,
            "served_active_trouble_codes",
            principal=principal,
            vin=vin,
            max_rows=MAX_TROUBLE_CODES,
        )

    async def trips(
        self,
        principal: int,
        vin: str,
        *,
        start: datetime,
        stop: datetime,
        newest_first: bool,
        limit: int,
    ) -> list[Trip]:
        """Trips that start at `start` or later and before `stop`, by their start.

        Raises:
            UnknownVehicleError: there is no vehicle of that VIN that the principal may see.
        """
        return await self.records(
            Trip,
            "served_trips",
            principal=principal,
            vin=vin,
            start=start,
            stop=stop,
            newest_first=newest_first,
            max_rows=limit,
        )

    async def signals(
        self,
        principal: int,
        vin: str,
        names: Sequence[str],
        *,
        start: datetime,
        stop: datetime,
        step_s: int | None,
        limit: int,
        zone: str = "UTC",
    ) -> SignalRows:
        """Signals with start <= time < stop, at most `limit` times.

        With a step (seconds, a divisor of a day) a time is the beginning of a bucket, and a value
        sums it up: a sample by its mean, a boolean by the share of rows in which it was on, another
        state by its last value, a counter by its highest. Buckets are counted from midnight in
        `zone`, an IANA time zone, at whole buckets of which start and stop lie.

        Raises:
            UnknownVehicleError: there is no vehicle of that VIN that the principal may see.
        """
        return await self.matrices(
            "served_signals",
            len(names),
            principal=principal,
            vin=vin,
            names=list(names),
            start=start,
            stop=stop,
            step_s=step_s,
            max_rows=limit,
            zone=zone,
        )

    async def matrices(self, name: str, width: int, **parameters: object) -> SignalRows:
        """The one row of a named statement that has times, values, minima and maxima as arrays.

        Args:
            name: the statement's.
            width: how many signals it tells.
            parameters: the statement's; `step_s` None: it has no minima and maxima.
        """
        async with (
            self._connection() as connection,
            connection.cursor(binary=True) as cursor,
        ):
            await cursor.execute(query(name), parameters)
            (row,) = await cursor.fetchall()
        times_us, values, minima, maxima = row
        if times_us is None:
            nothing = np.empty((0, width))
            times_us, values = np.empty(0, dtype=np.int64), nothing
            minima = maxima = None if parameters["step_s"] is None else nothing
        return SignalRows(times_us=times_us, values=values, minima=minima, maxima=maxima)


async def _configure(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
    """Let arrays that come in binary be numpy's; only who asks for such answers gets them."""
    types = connection.adapters.types
    connection.adapters.register_loader(types["float8"].array_oid, _DoublesLoader)
    connection.adapters.register_loader(types["timestamptz"].array_oid, _TimesLoader)


async def _check(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
    """Find out whether a connection is still good before it is used.

    A server that went away has closed its end: there is something to be read, if only the end.
    Asking the server each time would be a second question beside every question.
    """
    readable, _, _ = select.select([connection.fileno()], [], [], 0)
    if readable:
        await AsyncConnectionPool.check_connection(connection)


def _array(data: Buffer, element: str) -> NDArray[Any]:
    """Read a binary array without NULLs into one of `element` (numpy's name) of its shape.

    [PostgreSQL source, array_send: dimensions, flags, element type, then length and lower bound of
    each dimension, then each element's length and bytes]
    """
    dimensions = int(np.frombuffer(data, dtype=">i4", count=1)[0])
    if dimensions == 0:
        return np.empty(0, dtype=element)
    shape = np.frombuffer(data, dtype=">i4", count=2 * dimensions, offset=12)[::2]
    cells = np.frombuffer(
        data, dtype=[("length", ">i4"), ("value", element)], offset=12 + 8 * dimensions
    )
    return cells["value"].reshape(shape)


class _DoublesLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float64]:
        return _array(data, ">f8").astype(np.float64)


class _TimesLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.int64]:
        return _array(data, ">i8").astype(np.int64) + POSTGRES_EPOCH_US
