"""Measurements as whole steps of their resolution, which a columnstore keeps in half the bytes.

A sensor tells multiples of its resolution: 27.35 °C is 547 steps of 0.05. Decimal fractions fill
all bits of a float, which then hardly compress; whole numbers that change by a few do. So a signal
of type real has two columns where a group is stored so: its steps, and the value itself where that
is not a whole number of steps. A view (`storage.signal_tables`) makes one value of both, to the bit
the one that was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from psycopg import sql

from schemas.catalogue import ValueType
from storage.batch import GroupRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.catalogue import Group, Signal
    from storage.connection import Connection

Steps = Mapping[str, Mapping[str, float]]
"""What a step is of signals that are kept in steps, by group and name, in the signal's unit."""

NO_STEPS: Steps = MappingProxyType({})
"""Of a database that keeps every value as it is."""

SUFFIX = "__steps"
"""Ends the name of the column that counts a signal's steps."""

MOST_STEPS = 1 << 24
"""More whole steps than this float32 does not tell apart."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a signal table."""

    name: str
    type: ValueType
    wide: bool
    """Whether its values come in `GroupRows.wide`."""

    @classmethod
    def of(cls, signal: Signal) -> Column:
        """The column that bears the signal's own name."""
        return cls(signal.name, signal.type, signal.wide)


def counts_steps(signal: Signal) -> bool:
    """Whether the signal is kept as steps in tables that have them."""
    return signal.type is ValueType.REAL


def steps_column(name: str) -> str:
    """The column of a signal's steps; the signal's own name is that of all other values."""
    return name + SUFFIX


def read_steps(connection: Connection) -> dict[str, dict[str, float]]:
    """What a step is of each signal that this database keeps in steps, by group."""
    found: dict[str, dict[str, float]] = {}
    for group, name, step in connection.execute(
        "SELECT signal_group, name, step FROM signal_step ORDER BY signal_group, name"
    ):
        found.setdefault(group, {})[name] = step
    return found


def value(name: str, step: float) -> sql.Composed:
    """The expression of a signal's value over its two columns."""
    return sql.SQL("coalesce(({} * {}::double precision)::real, {})").format(
        sql.Identifier(steps_column(name)), sql.Literal(repr(step)), sql.Identifier(name)
    )


def as_stored(
    rows: GroupRows, group: Group, steps: Mapping[str, float]
) -> tuple[GroupRows, tuple[Column, ...]]:
    """Rows as their table has them, and the table's columns that they fill.

    Args:
        rows: a group's rows, values in the catalogue's units.
        group: theirs.
        steps: what a step is of the signals that are kept in steps; none: rows stay as they are.

    Returns:
        Rows whose `narrow` holds steps (whole numbers) instead of values, and behind them, where
        there are any, the values that are no whole number of steps; absent in one column is what
        the other has.
    """
    columns = [Column.of(signal) for signal in group.signals]
    if not steps:
        return rows, tuple(columns)
    stepped = [number for number, column in enumerate(columns) if column.name in steps]
    own = [columns[number] for number in stepped]
    for number in stepped:
        name = steps_column(columns[number].name)
        columns[number] = Column(name, ValueType.INTEGER, wide=False)
    narrow = [number for number, column in enumerate(columns) if not column.wide]
    places = np.searchsorted(narrow, stepped)
    step = np.array([steps[column.name] for column in own])
    counted, between = _count(rows.narrow[:, places], step)
    matrix = rows.narrow.copy(order="K")
    matrix[:, places] = counted
    if between is not None:
        some = np.flatnonzero(~np.isnan(between).all(axis=0))
        matrix = np.concatenate((matrix, between[:, some]), axis=1)
        columns += [own[number] for number in some.tolist()]
    return (
        GroupRows(
            group=rows.group,
            vehicle_ids=rows.vehicle_ids,
            times_us=rows.times_us,
            narrow=matrix,
            wide=rows.wide,
            fills_gaps=rows.fills_gaps,
        ),
        tuple(columns),
    )


def _count(
    values: NDArray[np.float32], step: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """(n, k) steps and, where some values are no whole number of them, (n, k) these."""
    counted = np.rint(values / step)
    with np.errstate(over="ignore"):  # what is too much for float32 is no step, either
        # What the view will make of the steps, in the same arithmetic.
        between = (counted * step).astype(np.float32) != values
        steps = counted.astype(np.float32)
    between |= np.abs(counted) > MOST_STEPS
    between &= ~np.isnan(values)
    if not between.any():
        return steps, None
    steps[between] = np.nan
    return steps, np.where(between, values, np.float32(np.nan))
