"""Signals of an export's vehicles as Arrow tables, as they are or summed up in steps.

Signals of several groups meet on their time; steps are summed up and values coarsened by the same
functions that answer over HTTP. Where each step has one row, which is its own mean, last and
highest value, rows are read as they are, in half the time; whether that is so they tell themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from psycopg import sql

from schemas.signal import Kind, ValueType
from storage.export_rows import TIME, VEHICLE, signals_schema
from storage.signal_tables import table_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from schemas.catalogue import Catalogue
    from schemas.signal import Signal
    from storage.arrow_reads import ArrowReader
    from storage.export_members import Member, Members

    Span = tuple[datetime, datetime]

FINE_S = 10
"""Steps up to this [s] may have one row each: most vehicles tell their values every second."""


class SignalReader:
    """Reads the same signals of one vehicle after another.

    Args:
        reader: the connection.
        catalogue: of the signals.
        members: how all of them are told, and in what steps.
        names: the signals.
    """

    def __init__(
        self, reader: ArrowReader, catalogue: Catalogue, members: Members, names: Sequence[str]
    ) -> None:
        self.schema = signals_schema(catalogue, names, members.resolution_s)
        self._reader = reader
        self._signals = [catalogue.by_name[name] for name in names]
        self._members = members
        self._groups: dict[str, list[str]] = {}
        for name in names:
            self._groups.setdefault(catalogue.by_name[name].group, []).append(name)
        # Until one is found that has several: the next ones will, too.
        self._one_row_a_step = 0 < members.resolution_s <= FINE_S

    def read(self, member: Member, span: Span) -> pa.Table:
        """A vehicle's signals in a span, by time; where none of them was told there is no row.

        Raises:
            StorageError: the database refused, or was lost on the way.
        """
        tables = []
        for piece in member.pieces(*span, self._members.resolution_s):
            found = self._piece(member, piece)
            vehicle = pa.repeat(pa.scalar(member.label), len(found))
            tables.append(found.add_column(0, VEHICLE, vehicle).cast(self.schema))
        return pa.concat_tables(tables) if tables else self.schema.empty_table()

    def _piece(self, member: Member, piece: Span) -> pa.Table:
        if self._one_row_a_step:
            found = self._as_they_are(member, piece)
            if found is not None:
                return found
            self._one_row_a_step = False
        return self._reader.table(self._statement(member, piece, self._members.resolution_s))

    def _as_they_are(self, member: Member, piece: Span) -> pa.Table | None:
        """Rows, each at the beginning of its step; None: a step has several."""
        step_s = self._members.resolution_s
        steps = int((piece[1] - piece[0]).total_seconds()) // step_s
        # Of more rows than there are steps, some share one.
        found = self._reader.table(
            self._statement(member, piece, 0) + sql.SQL(" LIMIT {}").format(steps + 1)
        )
        times = found["time"].cast(pa.int64()).to_numpy()
        begins = times - times % (step_s * 1_000_000)
        if (np.diff(begins) == 0).any():
            return None
        return found.set_column(0, TIME, pa.array(begins).cast(TIME.type))

    def _statement(self, member: Member, piece: Span, step_s: int) -> sql.Composed:
        """Steps, or rows as they are (0), told by their rules, by time."""
        joined, *others = (
            self._group(member, group, names, piece, step_s)
            for group, names in self._groups.items()
        )
        for other in others:
            joined += sql.SQL(" FULL JOIN {} USING (time)").format(other)
        told = sql.SQL(", ").join(self._told(member, one, step_s) for one in self._signals)
        return sql.SQL("SELECT time, {} FROM {} ORDER BY time").format(told, joined)

    def _group(
        self, member: Member, group: str, names: Sequence[str], piece: Span, step_s: int
    ) -> sql.Composed:
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        time: sql.Composable = sql.Identifier("time")
        values: sql.Composable = columns
        grouped: sql.Composable = sql.SQL("")
        if step_s:
            step = sql.Literal(f"{step_s} seconds")
            time = sql.SQL("date_bin({}, time, timestamptz 'epoch') AS time").format(step)
            values = sql.SQL(", ").join(
                # The expression is the database's own (bucket_expressions), of a catalogue's name.
                sql.SQL("{} AS {}").format(
                    sql.SQL(self._members.signals[name].step), sql.Identifier(name)
                )
                for name in names
            )
            grouped = sql.SQL(" GROUP BY 1")
        return sql.SQL(
            "(SELECT {}, {} FROM {} WHERE vehicle_id = {} AND time >= {} AND time < {}"
            " AND num_nonnulls({}) > 0{}) AS {}"
        ).format(
            time,
            values,
            sql.Identifier(table_name(group)),
            sql.Literal(member.vehicle_id),
            sql.Literal(piece[0]),
            sql.Literal(piece[1]),
            columns,
            grouped,
            sql.Identifier(group),
        )

    def _told(self, member: Member, signal: Signal, step_s: int) -> sql.Composed:
        """A value as its rule lets it be told, under its name."""
        column = sql.Identifier(signal.name)
        told: sql.Composable = column
        if self._members.resolution_s and not step_s:
            told = _of_one_row(signal, column)
        match self._members.signals[signal.name].rule:
            case "grid":
                told = sql.SQL("cell_middle({}, {}::double precision)").format(
                    told, sql.Literal(self._members.grid_deg)
                )
            case "tens":
                told = sql.SQL("round({} / 10) * 10").format(told)
            case "shifted":
                told = sql.SQL("{}::double precision + {}::double precision").format(
                    told, sql.Literal(member.shifts[signal.name])
                )
        if self._members.resolution_s and self.schema.field(signal.name).type == pa.float32():
            told = sql.SQL("({})::real").format(told)  # half as much to send
        return sql.SQL("{} AS {}").format(told, column)


def _of_one_row(signal: Signal, column: sql.Composable) -> sql.Composable:
    """What summing a step up gives that has this row alone, to the bit (a sum of -0.0 is 0.0)."""
    if signal.type is ValueType.BOOLEAN:
        return sql.SQL("{}::integer::numeric").format(column)
    if signal.kind is not Kind.SAMPLE:
        return column
    if signal.type in (ValueType.REAL, ValueType.DOUBLE):
        return sql.SQL("({}::double precision + 0)").format(column)
    return sql.SQL("{}::numeric").format(column)
