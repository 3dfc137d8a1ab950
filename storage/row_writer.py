"""Rows of a group into its table: by COPY where they are new, merged where they may be there.

COPY is a third faster, and refuses a row that is there. So rows newer than everything known of
their vehicle go by COPY straight into the signal table. The others go through a staging table and
are merged value by value. COPY of a row that is there after all (another worker was quicker) fails,
is undone to a savepoint, and its rows take the second way too. Rows that fill gaps go both ways as
well, but merged the other way round: what is stored holds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from psycopg import errors, sql

from storage import binary_copy
from storage.signal_tables import stored_table
from storage.steps import steps_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from schemas.catalogue import Catalogue
    from storage.batch import GroupRows
    from storage.connection import Connection, Server
    from storage.steps import Steps

_Pair = tuple[str, ...]
"""The column that holds a signal's values, or the two that do where it is kept in steps."""

COPY_CHUNK_BYTES = 1 << 20
"""What is handed to libpq at a time [bytes]; larger pieces only grow its buffer."""


class RowWriter:
    """Writes rows within the caller's transaction.

    Args:
        connection: an autocommit connection; it gets a temporary table for each group.
        server: what stands at its other end.
        catalogue: the catalogue the database was migrated to.
        steps: what this database keeps in steps (see `storage.steps`).
    """

    def __init__(
        self, connection: Connection, server: Server, catalogue: Catalogue, steps: Steps
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._steps = steps
        for group in catalogue.groups:
            connection.execute(
                sql.SQL("CREATE TEMP TABLE {} (LIKE {}) ON COMMIT DELETE ROWS").format(
                    _stage(group), self._table(group)
                )
            )
        if server.timescaledb is not None:
            # A late row costs up to a thousand decompressed ones, and a batch holds many. The limit
            # of 100,000 protects from careless UPDATEs; a batch is bounded by its own size.
            connection.execute("SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0")

    def write(
        self, rows: GroupRows, fresh: NDArray[np.bool_], encoded: binary_copy.Encoded
    ) -> tuple[int, int]:
        """Store rows, each vehicle and time once.

        Args:
            rows: sorted by vehicle and time (see `storage.row_merge`).
            fresh: (n,) which of them are newer than all that is known to be stored.
            encoded: all the rows, ready to be copied.

        Returns:
            How many were there and said nothing new, and how many were there and changed.
        """
        if fresh.all():
            return self._copy_or_merge(rows, encoded)
        if not fresh.any():
            return self._merge(rows, encoded)
        repeated, changed = self._merge(rows, self.encode(rows.take(~fresh)))
        more_repeated, more_changed = self._copy_or_merge(rows, self.encode(rows.take(fresh)))
        return repeated + more_repeated, changed + more_changed

    def fill(self, rows: GroupRows, encoded: binary_copy.Encoded) -> tuple[int, int]:
        """Fill gaps of one day with rows of which most may be there.

        They are compared with what is stored before any is written: a columnstore batch into which
        nothing new comes is read, and stays as it is.

        Args:
            rows: of one UTC day, sorted by vehicle and time, with `fills_gaps`.
            encoded: all the rows, ready to be copied.

        Returns:
            How many were there and said nothing new, and how many were there and changed.
        """
        group, stage = rows.group, _stage(rows.group)
        self.copy(stage, encoded)
        self._connection.execute(sql.SQL("ANALYZE {} (vehicle_id, time)").format(stage))
        gaps = sql.SQL(" OR ").join(
            _gap("stage", pair) for pair in self._pairs(group, encoded.columns)
        )
        known = self._connection.execute(
            sql.SQL(
                "DELETE FROM {stage} AS stage USING {table} AS row"
                " WHERE row.vehicle_id = stage.vehicle_id AND row.time = stage.time"
                " AND row.vehicle_id = ANY ({vehicle_ids})"
                " AND row.time >= {first} AND row.time <= {last} AND NOT ({gaps})"
            ).format(
                stage=stage,
                table=self._table(group),
                vehicle_ids=sql.Literal(np.unique(rows.vehicle_ids).tolist()),
                first=_instant(int(rows.times_us.min())),
                last=_instant(int(rows.times_us.max())),
                gaps=gaps,
            )
        ).rowcount
        repeated, changed = self._merge_staged(
            group, encoded.columns, encoded.rows - known, fills_gaps=True
        )
        return known + repeated, changed

    def _table(self, group: str) -> sql.Identifier:
        return sql.Identifier(stored_table(group, self._steps))

    def _pairs(self, group: str, columns: Sequence[str]) -> list[_Pair]:
        """The columns of the signals that these columns of a COPY hold."""
        kept = {steps_column(name): name for name in self._steps.get(group, {})}
        pairs: dict[str, _Pair] = {name: (name, column) for column, name in kept.items()}
        signals = dict.fromkeys(kept.get(name, name) for name in columns[2:])
        return [pairs.get(name, (name,)) for name in signals]

    def encode(self, rows: GroupRows) -> binary_copy.Encoded:
        """Make rows ready for this database."""
        steps = self._steps.get(rows.group, {})
        return binary_copy.encode(rows, self._catalogue.groups[rows.group], steps)

    def _copy_or_merge(self, rows: GroupRows, encoded: binary_copy.Encoded) -> tuple[int, int]:
        """Store those of the rows that are encoded."""
        try:
            with self._connection.transaction():
                self.copy(self._table(rows.group), encoded)
        except errors.UniqueViolation:
            return self._merge(rows, encoded)
        return 0, 0

    def _merge(self, rows: GroupRows, encoded: binary_copy.Encoded) -> tuple[int, int]:
        """First the missing rows, then the others over what is there.

        So both are counted exactly, even where another writer stores the same rows meanwhile.
        """
        self.copy(_stage(rows.group), encoded)
        return self._merge_staged(
            rows.group, encoded.columns, encoded.rows, fills_gaps=rows.fills_gaps
        )

    def _merge_staged(
        self, group: str, columns: tuple[str, ...], staged: int, *, fills_gaps: bool
    ) -> tuple[int, int]:
        names = [sql.Identifier(name) for name in columns]
        insert = sql.SQL(
            "INSERT INTO {table} AS row ({names}) SELECT {names} FROM {stage}"
            " ORDER BY vehicle_id, time ON CONFLICT (vehicle_id, time) DO "
        ).format(table=self._table(group), names=sql.SQL(", ").join(names), stage=_stage(group))
        inserted = self._connection.execute(insert + sql.SQL("NOTHING")).rowcount
        changed = 0
        if inserted < staged:
            over, under = ("row", "excluded") if fills_gaps else ("excluded", "row")
            changes = partial(_gap, "excluded") if fills_gaps else _differs
            pairs = self._pairs(group, columns)
            update = sql.SQL("UPDATE SET {} WHERE {}").format(
                sql.SQL(", ").join(
                    _laid(name, pair, over=over, under=under) for pair in pairs for name in pair
                ),
                sql.SQL(" OR ").join(changes(pair) for pair in pairs),
            )
            changed = self._connection.execute(insert + update).rowcount
        self._connection.execute(sql.SQL("TRUNCATE {}").format(_stage(group)))
        return staged - inserted - changed, changed

    def copy(self, table: sql.Identifier, encoded: binary_copy.Encoded) -> None:
        """Copy rows into a table that has their columns."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
            table, sql.SQL(", ").join(map(sql.Identifier, encoded.columns))
        )
        data = encoded.data.data
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(binary_copy.HEADER)
            for start in range(0, len(data), COPY_CHUNK_BYTES):
                copy.write(data[start : start + COPY_CHUNK_BYTES])
            copy.write(binary_copy.TRAILER)


def _held(row: str, pair: _Pair) -> sql.Composed:
    """Whether a row holds a signal's value, in whichever column."""
    cells = [sql.SQL("{} IS NOT NULL").format(sql.Identifier(row, name)) for name in pair]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(cells))


def _gap(newer: str, pair: _Pair) -> sql.Composed:
    """Whether the newer row holds a value that the stored one lacks."""
    return sql.SQL("({} AND NOT {})").format(_held(newer, pair), _held("row", pair))


def _laid(name: str, pair: _Pair, *, over: str, under: str) -> sql.Composed:
    """How a cell is set where `over` wins: its value takes both columns, and absent takes none."""
    cells = {
        "cell": sql.Identifier(name),
        "over": sql.Identifier(over, name),
        "under": sql.Identifier(under, name),
    }
    if len(pair) == 1:
        return sql.SQL("{cell} = coalesce({over}, {under})").format(**cells)
    return sql.SQL("{cell} = CASE WHEN {held} THEN {over} ELSE {under} END").format(
        held=_held(over, pair), **cells
    )


def _differs(pair: _Pair) -> sql.Composed:
    """Whether a later value changes the stored one."""
    if len(pair) == 1:
        changed = sql.SQL("EXCLUDED.{0} <> row.{0}").format(sql.Identifier(*pair))
        return sql.SQL("({} OR {})").format(changed, _gap("excluded", pair))
    differ = sql.SQL(" OR ").join(
        sql.SQL("EXCLUDED.{0} IS DISTINCT FROM row.{0}").format(sql.Identifier(name))
        for name in pair
    )
    return sql.SQL("({} AND ({}))").format(_held("excluded", pair), differ)


def _stage(group: str) -> sql.Identifier:
    return sql.Identifier(f"stage_{group}")


def _instant(microseconds: int) -> sql.Literal:
    return sql.Literal(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds))
