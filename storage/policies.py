"""How long the database keeps what: retention and compression, as settings say, set by migrate.

TimescaleDB runs the policies itself. On plain PostgreSQL `expire` drops what is too old; on both it
forgets the days of which nothing is left, and old reports. `telemetry analyse` calls it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from psycopg import sql

from storage import partitions
from storage.brief_locks import briefly
from storage.queries import query
from storage.rollups import rollups
from storage.signal_tables import stored_table
from storage.steps import read_steps

if TYPE_CHECKING:
    from datetime import date

    from schemas.catalogue import Catalogue
    from storage.connection import Connection, Server
    from storage.settings import StorageSettings

COMPRESSION, RETENTION = "compression", "retention"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What TimescaleDB does to a relation by itself, and what settings want it to do."""

    relation: str
    kind: str
    """compression or retention."""
    found_days: float | None
    """As the database has it [days]; None: it has none."""
    wanted_days: int
    """As settings say [days]."""

    @property
    def applied(self) -> bool:
        """Whether the database does what settings say; if not, `telemetry migrate` sees to it."""
        return self.found_days == self.wanted_days


def read(
    connection: Connection, server: Server, catalogue: Catalogue, settings: StorageSettings
) -> list[Policy]:
    """Every policy that settings want; none on plain PostgreSQL, where `expire` drops."""
    if server.timescaledb is None:
        return []
    found = {
        (kind, relation): span / timedelta(days=1)
        for kind, relation, span in connection.execute(query("policies"))
    }
    steps = read_steps(connection)
    tables = [stored_table(group, steps) for group in catalogue.groups]
    wanted = [
        *((table, COMPRESSION, settings.compress_after_days) for table in tables),
        *((table, RETENTION, settings.retention_days) for table in tables),
        *(
            (rollup.relation, RETENTION, settings.rollup_retention_days)
            for rollup in rollups(catalogue)
        ),
    ]
    return [
        Policy(
            relation=relation,
            kind=kind,
            found_days=found.get((kind, relation)),
            wanted_days=days,
        )
        for relation, kind, days in wanted
    ]


def synchronise(
    connection: Connection, server: Server, catalogue: Catalogue, settings: StorageSettings
) -> list[str]:
    """Set TimescaleDB's policies to what the settings say; plain PostgreSQL has none.

    Returns what was done, a line for each kind and span.
    """
    changed = [
        policy for policy in read(connection, server, catalogue, settings) if not policy.applied
    ]
    for policy in changed:
        briefly(
            connection,
            f"set the {policy.kind} policy of {policy.relation}",
            partial(_set, connection, policy),
        )
    spans = Counter((policy.kind, policy.wanted_days) for policy in changed)
    return [
        f"{kind} after {days} days on {count} relations" for (kind, days), count in spans.items()
    ]


def _set(connection: Connection, policy: Policy) -> None:
    span = timedelta(days=policy.wanted_days)
    for statement in _STATEMENTS[policy.kind]:
        connection.execute(statement, {"relation": policy.relation, "span": span})


_STATEMENTS = {
    COMPRESSION: (
        "CALL remove_columnstore_policy(%(relation)s::regclass, if_exists => true)",
        "CALL add_columnstore_policy(%(relation)s::regclass, after => %(span)s::interval)",
    ),
    RETENTION: (
        "SELECT remove_retention_policy(%(relation)s::regclass, if_exists => true)",
        "SELECT add_retention_policy(%(relation)s::regclass, drop_after => %(span)s::interval)",
    ),
}


def oldest_day(settings: StorageSettings) -> date:
    """The first day of which all rows are still kept."""
    return (datetime.now(tz=UTC) - timedelta(days=settings.retention_days)).date()


def expire(
    connection: Connection, server: Server, catalogue: Catalogue, settings: StorageSettings
) -> list[str]:
    """Drop what is past its retention where no policy does; returns what was dropped."""
    now = datetime.now(tz=UTC)
    oldest_row = now - timedelta(days=settings.retention_days)
    oldest_rollup = now - timedelta(days=settings.rollup_retention_days)
    connection.execute(query("forget_days"), {"oldest": min(oldest_row, oldest_rollup)})
    connection.execute(
        query("forget_reports"),
        {"oldest": now - timedelta(days=settings.report_retention_days)},
    )
    if server.timescaledb is not None:
        return []
    dropped = partitions.drop_expired(connection, catalogue.groups, oldest_row.date())
    for rollup in rollups(catalogue):
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE bucket < %s").format(sql.Identifier(rollup.relation)),
            (oldest_rollup,),
        )
    return dropped
