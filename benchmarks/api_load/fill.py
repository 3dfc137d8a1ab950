"""A fleet's fortnight in a database that is kept: built once, and gone on with if broken off.

Fast groups (a row a second on the road) lie at one row a minute of the eight hours a day in which
an engine runs, the others at one every ten minutes. Every fortieth truck has its last day as trucks
send it, fast groups at 1 Hz and the others every ten seconds: that is the day of signals that is
asked for. Rows come hour by hour, as they would have been written.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg import conninfo, sql
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from benchmarks.api_load import statements
from benchmarks.copying import encoded
from benchmarks.frames import SEED, WMI, full_messages
from schemas import catalogue
from simulator.vin import make_vin
from storage import binary_copy
from storage.connection import connect, server
from storage.migrate import migrate
from storage.partitions import ensure_days
from storage.settings import StorageSettings
from storage.signal_tables import stored_table
from storage.steps import read_steps, steps_column

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.catalogue import Group
    from storage.connection import Connection

OWNERS = 20

TEMPLATE_MESSAGES = 200
"""Minutes of simulated trucks that are dealt out: 12,000 rows a group."""

FAST_STEP_S, SLOW_STEP_S = 60, 600
FAST_DENSE_S, SLOW_DENSE_S = 1, 10
"""Seconds between rows, usually and on the days as trucks send them."""

FACTS = {"idle_h": 5.2, "idle_fuel_l": 31.0, "share_percent": 2.6, "overspeed_percent": 6.0}
EVIDENCE = {
    "parts": [
        {
            "trip_start": "2026-10-25T18:00:00Z",
            "part_start": "2026-10-25T18:00:00Z",
            "distance_km": 60.0,
            "litres": 1.5,
        }
    ],
    "chart": {
        "unit": "L",
        "days": [f"2026-10-{day}" for day in range(20, 27)],
        "values": [1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    },
}


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What the database holds."""

    dsn: SecretStr
    vehicles: int
    days: int
    first: date

    @property
    def last(self) -> date:
        """The newest whole day."""
        return self.first + timedelta(days=self.days - 1)


def ensure(known: SecretStr, vehicles: int, days: int, *, told: Callable[[str], None]) -> Fleet:
    """The database of so many vehicles and days, made as far as it is not there.

    Args:
        known: a database on the server that gets or has it.
        vehicles: how many.
        days: whole days before the one on which it was begun.
        told: hears how far it is.
    """
    dsn = _database(known, f"api_load_{vehicles}_{days}")
    with connect(dsn) as connection:
        migrate(connection, catalogue.default(), StorageSettings(retention_days=3650))
        connection.execute(statements.SCHEMA)
        _once(connection, "first day", _write_first_day, days)
        first = _first_day(connection)
        _fill(connection, Fleet(dsn=dsn, vehicles=vehicles, days=days, first=first), told)
    return Fleet(dsn=dsn, vehicles=vehicles, days=days, first=first)


def _database(known: SecretStr, name: str) -> SecretStr:
    with connect(known) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).rowcount == 0:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return SecretStr(conninfo.make_conninfo(known.get_secret_value(), dbname=name))


def _once(connection: Connection, step: str, work: Callable[..., None], *args: Any) -> bool:
    """Do a step and note it, both or neither; whether it was still to be done."""
    with connection.transaction():
        done = connection.execute("SELECT FROM load.filled WHERE step = %s", (step,)).rowcount
        if not done:
            work(connection, *args)
            connection.execute("INSERT INTO load.filled VALUES (%s)", (step,))
    return not done


def _write_first_day(connection: Connection, days: int) -> None:
    first = datetime.now(tz=UTC).date() - timedelta(days=days)
    connection.execute("CREATE TABLE load.span (first date NOT NULL)")
    connection.execute("INSERT INTO load.span VALUES (%s)", (first,))


def _first_day(connection: Connection) -> date:
    (first,) = connection.execute("SELECT first FROM load.span").fetchone() or (None,)
    assert isinstance(first, date)
    return first


def _fill(connection: Connection, fleet: Fleet, told: Callable[[str], None]) -> None:
    began = time.monotonic()
    _once(connection, "parties", _parties, fleet)
    _once(connection, "template", _template)
    days = [fleet.first + timedelta(days=number) for number in range(fleet.days)]
    if server(connection).timescaledb is None:
        ensure_days(connection, catalogue.default().groups, days)
    for number, day in enumerate(days, start=1):
        if _once(connection, f"day {day}", _day, day, day == fleet.last):
            told(f"day {number} of {len(days)} is there after {time.monotonic() - began:,.0f} s")
    weeks = sorted({day - timedelta(days=day.weekday()) for day in days})
    if _once(connection, "weeks", _weeks, weeks, fleet.first):
        connection.execute("VACUUM ANALYZE")
        told(f"all is there after {time.monotonic() - began:,.0f} s")


def _parties(connection: Connection, fleet: Fleet) -> None:
    vins = [make_vin(WMI, seed=SEED, index=number) for number in range(fleet.vehicles)]
    parameters = {"vins": vins, "owners": OWNERS, "first": fleet.first}
    for statement in statements.PARTIES.split(";\n"):
        if statement.strip():
            connection.execute(statement.encode(), parameters)


def _template(connection: Connection) -> None:
    sent = full_messages(vehicles=TEMPLATE_MESSAGES, messages=TEMPLATE_MESSAGES)
    for batch in encoded(sent, read_steps(connection)):
        for stored, rows in batch.parts:
            table = sql.Identifier("load", f"template_{stored}")
            connection.execute(
                sql.SQL(
                    "CREATE TABLE IF NOT EXISTS {} (LIKE {}, place integer GENERATED ALWAYS AS"
                    " IDENTITY (MINVALUE 0 START WITH 0))"
                ).format(table, sql.Identifier(stored))
            )
            _copy(connection, table, rows)


def _copy(connection: Connection, table: sql.Identifier, rows: binary_copy.Encoded) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(binary_copy.HEADER)
        copy.write(rows.data.tobytes())
        copy.write(binary_copy.TRAILER)


def _day(connection: Connection, day: date, is_last: bool) -> None:
    running_s = statements.RUNNING_MINUTES * 60
    steps = read_steps(connection)
    for group in catalogue.default().groups.values():
        table = stored_table(group.name, steps)
        places = _count(connection, f"load.template_{table}")
        for hour in range(0, running_s, 3600):
            connection.execute(
                _rows_of(group, table, steps.get(group.name, {})).encode(),
                {
                    "day": day,
                    "is_last": is_last,
                    "places": places,
                    "from_s": hour,
                    "to_s": hour + 3599,
                },
            )
    connection.execute(statements.TOUCHED, {"day": day})
    for statement in statements.DERIVED:
        connection.execute(statement.encode(), {"day": day, "running": statements.RUNNING_MINUTES})


def _rows_of(group: Group, table: str, steps: Mapping[str, float]) -> str:
    names = [*(signal.name for signal in group.signals), *map(steps_column, steps)]
    fast = any(signal.period_s <= 1 for signal in group.signals)
    return statements.FAST_ROWS.format(
        table=table,
        columns=", ".join(f'"{name}"' for name in names),
        running_s=statements.RUNNING_MINUTES * 60,
        step_s=FAST_STEP_S if fast else SLOW_STEP_S,
        dense_s=FAST_DENSE_S if fast else SLOW_DENSE_S,
    )


def _weeks(connection: Connection, weeks: list[date], first: date) -> None:
    parameters = {
        "weeks": weeks,
        "first": first,
        "metrics": list(statements.SCORE_PARTS),
        "facts": Jsonb(FACTS),
        "evidence": Jsonb(EVIDENCE),
    }
    for statement in statements.WEEKLY:
        connection.execute(statement.encode(), parameters)


def _count(connection: Connection, table: str) -> int:
    (count,) = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() or (0,)
    return int(count)
