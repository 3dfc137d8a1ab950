"""Rollups: each signal summed up by the minute and by the hour, by a rule that follows its kind.

    kind               columns of signal x
    sample             x_n, x_avg, x_min, x_max
    boolean state      x_n, x_avg (the share of rows in which it was on)
    other state        x_last
    counter            x_min, x_max

Groups that come every second have both widths, the hour on top of the minute; slower groups, of
which a minute holds few rows, only the hour. Signals of one catalogue version share a relation,
because a continuous aggregate cannot take a column more: a later version brings a relation of its
own. On TimescaleDB a relation is a continuous aggregate, on plain PostgreSQL a table; both are
brought up to date by `refresh`, which works off the days that ingest has touched.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from psycopg import sql

from schemas.catalogue import Kind, ValueType
from schemas.sql_types import sql_type
from storage.brief_locks import briefly
from storage.connection import has_relation, locked
from storage.errors import SchemaError
from storage.queries import query
from storage.signal_tables import stored_table, table_name
from storage.steps import NO_STEPS, read_steps, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from schemas.catalogue import Catalogue, Group, Signal
    from storage.connection import Connection, Server
    from storage.steps import Steps

LOCK = "telemetry.rollups"
"""Whoever sums up or adds to what is summed up holds this advisory lock."""

MARKED_AT_ONCE = 10_000
"""Vehicle-days that one transaction marks: ingest waits for them for a fraction of a second."""

MINUTE_S = 60
HOUR_S = 3600
FAST_GROUP_PERIOD_S = 1.0
"""A group whose rows come at least this often is summed up by the minute too [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollup:
    """One relation of rollups."""

    relation: str
    group: str
    source: str
    """The signal table, or the finer rollup, it is made from."""
    bucket_s: int
    on_rollup: bool
    signals: tuple[Signal, ...]


def rollups(catalogue: Catalogue) -> list[Rollup]:
    """Every rollup the catalogue implies, a finer one before the coarser one made from it."""
    found: list[Rollup] = []
    for group in catalogue.groups.values():
        by_version = sorted(group.signals, key=lambda signal: (signal.since, signal.id))
        for since, members in groupby(by_version, key=lambda signal: signal.since):
            found += _of_version(group, since, tuple(members))
    return found


def _of_version(group: Group, since: int, signals: tuple[Signal, ...]) -> list[Rollup]:
    suffix = "" if since == 1 else f"_v{since}"
    raw = table_name(group.name)
    minute, hour = f"{raw}_1m{suffix}", f"{raw}_1h{suffix}"
    of_hours = Rollup(
        relation=hour,
        group=group.name,
        source=raw,
        bucket_s=HOUR_S,
        on_rollup=False,
        signals=signals,
    )
    if group.period_s > FAST_GROUP_PERIOD_S:
        return [of_hours]
    of_minutes = replace(of_hours, relation=minute, bucket_s=MINUTE_S)
    return [of_minutes, replace(of_hours, source=minute, on_rollup=True)]


@contextmanager
def grown(connection: Connection, server: Server, catalogue: Catalogue) -> Iterator[list[str]]:
    """Create the relations that are missing; within the block nothing is being summed up.

    What is stored already is marked to be summed up into them. A refresh that runs is waited for:
    it does not know the new relations, and would call the days done. `announce` belongs into the
    block; where it was not reached, all is done again.

    Yields:
        What was done, a line each.
    """
    known = {name for (name,) in connection.execute(query("announced_rollups"))}
    missing = [rollup for rollup in rollups(catalogue) if rollup.relation not in known]
    if not missing:
        yield []
        return
    with locked(connection, LOCK):
        for rollup in missing:
            if not has_relation(connection, rollup.relation):
                create = partial(_create, connection, server, rollup)
                briefly(connection, f"make rollup {rollup.relation}", create)
        for (day,) in connection.execute(query("days_rolled_up")).fetchall():
            _roll_up_again(connection, day)
        yield [f"rollup {each.relation} of {len(each.signals)} signals" for each in missing]


def announce(connection: Connection, catalogue: Catalogue) -> None:
    """Say in `rollup` which relation holds which signal; runs inside the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.executemany(
            query("announce_rollup"),
            [
                {"name": signal.name, "bucket_s": rollup.bucket_s, "relation": rollup.relation}
                for rollup in rollups(catalogue)
                for signal in rollup.signals
            ],
        )


def _roll_up_again(connection: Connection, day: date) -> None:
    """Mark a day's vehicles, a few at a time: ingest marks the same rows."""
    mark = partial(
        connection.execute, query("roll_up_again"), {"day": day, "at_once": MARKED_AT_ONCE}
    )
    while briefly(connection, f"have {day} summed up again", mark).rowcount:
        pass


def _create(connection: Connection, server: Server, rollup: Rollup) -> None:
    if server.timescaledb is None:
        _create_table(connection, rollup)
    else:
        _create_continuous_aggregate(connection, rollup)


def _create_table(connection: Connection, rollup: Rollup) -> None:
    select = _select(rollup, sql.SQL("date_bin"))
    connection.execute(
        sql.SQL("CREATE TABLE {} AS {} WITH NO DATA").format(
            sql.Identifier(rollup.relation), select
        )
    )
    relation = sql.Identifier(rollup.relation)
    connection.execute(
        sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (vehicle_id, bucket)").format(relation)
    )
    # For retention: a day's rows lie together, and this index is a few pages.
    connection.execute(sql.SQL("CREATE INDEX ON {} USING brin (bucket)").format(relation))


def _create_continuous_aggregate(connection: Connection, rollup: Rollup) -> None:
    connection.execute(
        sql.SQL(
            "CREATE MATERIALIZED VIEW {} WITH (timescaledb.continuous,"
            " timescaledb.materialized_only = true) AS {} WITH NO DATA"
        ).format(
            sql.Identifier(rollup.relation),
            _select(rollup, sql.SQL("time_bucket"), steps=read_steps(connection)),
        )
    )


def _select(
    rollup: Rollup,
    bin_function: sql.SQL,
    where: sql.Composable | None = None,
    steps: Steps = NO_STEPS,
) -> sql.Composed:
    """The statement that sums up the source; `bin_function` takes a width and a time.

    A continuous aggregate is made of a hypertable and not of its view: `steps` say how to read it.
    """
    source = rollup.source if rollup.on_rollup else stored_table(rollup.group, steps)
    of_group = {} if rollup.on_rollup else steps.get(rollup.group, {})
    time = sql.SQL("bucket" if rollup.on_rollup else "time")
    width = sql.Literal(timedelta(seconds=rollup.bucket_s))
    # date_bin wants an origin, time_bucket has its own; both cut at whole hours of UTC.
    origin = (
        sql.SQL(", timestamptz '2000-01-01 00:00:00+00'")
        if bin_function == sql.SQL("date_bin")
        else sql.SQL("")
    )
    expressions = [
        sql.SQL("({})::{} AS {}").format(expression, sql.SQL(type_), sql.Identifier(column))
        for signal in rollup.signals
        for column, type_, expression in _columns(
            signal, on_rollup=rollup.on_rollup, step=of_group.get(signal.name)
        )
    ]
    return sql.SQL(
        "SELECT vehicle_id, {bin}({width}, {time}{origin}) AS bucket, {expressions}"
        " FROM {source} {where} GROUP BY 1, 2"
    ).format(
        bin=bin_function,
        width=width,
        time=time,
        origin=origin,
        expressions=sql.SQL(", ").join(expressions),
        source=sql.Identifier(source),
        where=where or sql.SQL(""),
    )


def _columns(
    signal: Signal, *, on_rollup: bool, step: float | None = None
) -> list[tuple[str, str, sql.Composed]]:
    """Column, type and expression of each figure kept of a signal, which may be in steps."""
    own = sql_type(signal)

    def figure(
        suffix: str, type_: str, of_rows: str, of_rollup: str
    ) -> tuple[str, str, sql.Composed]:
        names: dict[str, sql.Composable] = {
            f"x{end}": sql.Identifier(f"{signal.name}{end}") for end in ("", *_SUFFIXES)
        }
        if step is not None:
            names["x"] = value(signal.name, step)
        template = of_rollup if on_rollup else of_rows
        return f"{signal.name}{suffix}", type_, _TEMPLATES[template].format(**names)

    if signal.kind is Kind.COUNTER:
        return [figure("_min", own, "min", "min_min"), figure("_max", own, "max", "max_max")]
    count = figure("_n", "integer", "count", "sum_n")
    if signal.type is ValueType.BOOLEAN:
        return [count, figure("_avg", "real", "share", "mean")]
    if signal.kind is Kind.STATE:
        return [figure("_last", own, "last", "last_last")]
    return [
        count,
        figure("_avg", "double precision" if signal.wide else "real", "avg", "mean"),
        figure("_min", own, "min", "min_min"),
        figure("_max", own, "max", "max_max"),
    ]


_SUFFIXES = ("_n", "_avg", "_min", "_max", "_last")

_TEMPLATES = {
    "count": sql.SQL("count({x})"),
    "avg": sql.SQL("avg({x})"),
    "share": sql.SQL("avg({x}::integer)"),
    "min": sql.SQL("min({x})"),
    "max": sql.SQL("max({x})"),
    "last": sql.SQL("(array_agg({x} ORDER BY time DESC) FILTER (WHERE {x} IS NOT NULL))[1]"),
    "sum_n": sql.SQL("sum({x_n})"),
    "mean": sql.SQL("sum({x_avg}::double precision * {x_n}) / nullif(sum({x_n}), 0)"),
    "min_min": sql.SQL("min({x_min})"),
    "max_max": sql.SQL("max({x_max})"),
    "last_last": sql.SQL(
        "(array_agg({x_last} ORDER BY bucket DESC) FILTER (WHERE {x_last} IS NOT NULL))[1]"
    ),
}


def refresh(
    connection: Connection,
    server: Server,
    catalogue: Catalogue,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> int:
    """Sum up every touched vehicle-day again; returns how many there were.

    A day touched while it is being summed up stays marked and is done the next time. A day whose
    rows retention has dropped keeps the rollups it has. Safe to kill and repeat; where two run at
    once, the second waits for the first.

    Args:
        connection: an autocommit connection.
        server: what stands at its other end.
        catalogue: the catalogue the database was migrated to.
        progress: called with days done and all days.

    Raises:
        SchemaError: the database has rollups of a newer catalogue.
    """
    with locked(connection, LOCK):
        relations = rollups(catalogue)
        _refuse_newer(connection, relations)
        waiting = connection.execute(query("days_to_roll_up")).fetchall()
        days = [(day, list(rows)) for day, rows in groupby(waiting, key=lambda row: row[0])]
        for done, (day, rows) in enumerate(days, start=1):
            if server.timescaledb is None:
                _refresh_tables(connection, relations, day, [row[1] for row in rows])
            else:
                _refresh_continuous_aggregates(connection, relations, day)
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(
                    query("mark_rolled_up"),
                    [{"day": day, "vehicle_id": row[1], "seen": row[2]} for row in rows],
                )
            progress(done, len(days))
        return len(waiting)


def _refuse_newer(connection: Connection, relations: Iterable[Rollup]) -> None:
    known = {rollup.relation for rollup in relations}
    announced = {name for (name,) in connection.execute(query("announced_rollups"))}
    if newer := sorted(announced - known):
        raise SchemaError(
            f"The database sums up more than this code knows ({', '.join(newer)}), as it was "
            "migrated to a newer catalogue: days would be called done that are not. Go on with the "
            "new release."
        )


def _refresh_tables(
    connection: Connection, relations: Iterable[Rollup], day: date, vehicle_ids: list[int]
) -> None:
    """Replace what the day's rows sum up to; rows are never taken out, so no bucket ever goes."""
    start, stop = _span(day)
    for rollup in relations:
        time = sql.SQL("bucket" if rollup.on_rollup else "time")
        where = sql.SQL("WHERE vehicle_id = ANY({}) AND {} >= {} AND {} < {}").format(
            vehicle_ids, time, start, time, stop
        )
        figures = sql.SQL(", ").join(
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column))
            for signal in rollup.signals
            for column, _, _ in _columns(signal, on_rollup=rollup.on_rollup)
        )
        connection.execute(
            sql.SQL("INSERT INTO {} {} ON CONFLICT (vehicle_id, bucket) DO UPDATE SET {}").format(
                sql.Identifier(rollup.relation),
                _select(rollup, sql.SQL("date_bin"), where),
                figures,
            )
        )


def _refresh_continuous_aggregates(
    connection: Connection, relations: Iterable[Rollup], day: date
) -> None:
    """Refresh the day, except where its rows are gone: that would empty the aggregate too."""
    start, stop = _span(day)
    for rollup in relations:
        row = connection.execute(
            sql.SQL("SELECT 1 FROM {} WHERE time >= {} AND time < {} LIMIT 1").format(
                sql.Identifier(table_name(rollup.group)), start, stop
            )
        ).fetchone()
        if row is not None:
            connection.execute(
                sql.SQL("CALL refresh_continuous_aggregate({}, {}, {})").format(
                    rollup.relation, start, stop
                )
            )


def _span(day: date) -> tuple[datetime, datetime]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start, start + timedelta(days=1)
