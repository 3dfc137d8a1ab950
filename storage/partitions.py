"""Day partitions and retention: what TimescaleDB does by policy, plain PostgreSQL is told here."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from psycopg import errors, sql

from storage.brief_locks import SET_LOCK_WAIT
from storage.connection import has_relation
from storage.signal_tables import table_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.connection import Connection

logger = logging.getLogger(__name__)


def ensure_days(connection: Connection, groups: Iterable[str], days: Iterable[date]) -> None:
    """Make the day partitions of the groups' tables that are not there yet.

    A partition is made beside its parent and then attached: that takes a lock which readers and
    writers of the other days do not feel (CREATE TABLE ... PARTITION OF would stop them).
    """
    for day in sorted(set(days)):
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('telemetry.partitions'))")
            for group in groups:
                _ensure(connection, table_name(group), day)


def _ensure(connection: Connection, table: str, day: date) -> None:
    name = f"{table}_p{day:%Y%m%d}"
    if has_relation(connection, name):
        return
    parent, partition = sql.Identifier(table), sql.Identifier(name)
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(partition, parent))
    connection.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            parent,
            partition,
            sql.Literal(_midnight(day)),
            sql.Literal(_midnight(day + timedelta(days=1))),
        )
    )


def drop_expired(connection: Connection, groups: Iterable[str], oldest: date) -> list[str]:
    """Drop the day partitions that lie wholly before `oldest`; returns their names.

    Dropping one takes the whole table for a moment, which ingest waits for: where somebody reads it
    for long, what is left is dropped the next time. Partitions that somebody else attached under
    names of their own are left alone.
    """
    dropped: list[str] = []
    for group in groups:
        table = table_name(group)
        first_kept = f"{table}_p{oldest:%Y%m%d}"
        rows = connection.execute(
            "SELECT child.relname FROM pg_inherits"
            " JOIN pg_class AS child ON child.oid = inhrelid"
            " WHERE inhparent = %s::regclass AND starts_with(child.relname, %s)"
            ' AND child.relname COLLATE "C" < %s ORDER BY child.relname',
            (table, f"{table}_p", first_kept),
        ).fetchall()
        for (name,) in rows:
            try:
                with connection.transaction():
                    connection.execute(SET_LOCK_WAIT)
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
            except errors.LockNotAvailable:
                logger.info("%s is being read; it is dropped the next time", name)
                break
            dropped.append(name)
    return dropped


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
