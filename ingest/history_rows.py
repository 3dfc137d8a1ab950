"""A piece of a history file becomes rows of the signal tables, judged as ingest judges frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ingest.clock import as_time
from ingest.plan import Planner
from ingest.record import Reason
from schemas.vin import is_vin
from schemas.wire import Block
from schemas.wire.refusal import Refusal
from storage.batch import GroupRows, RefusedValue
from storage.prepared import DAY_US
from storage.row_merge import merge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ingest.parquet import Piece
    from ingest.plan import Side
    from schemas.catalogue import Catalogue, Group, Signal

REFUSED_VALUES_PER_PIECE = 1000
"""Values out of limits of a group that one piece keeps to look at; all of them are counted."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judged:
    """Which rows of a piece are taken, and why the others are not."""

    order: NDArray[np.intp]
    """(m,) places of the rows that are taken."""
    vehicle_ids: NDArray[np.int64]
    """(m,)"""
    times_us: NDArray[np.int64]
    """(m,)"""
    refused: Counter[str]
    """Rows by reason."""
    first_refused: dict[str, int]
    """By reason, the place of the first such row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayRows:
    """One group's rows of one UTC day, by vehicle and time, each pair once."""

    rows: GroupRows
    values: int
    """How many are present."""
    refused_values: tuple[RefusedValue, ...] = ()
    out_of_limits: dict[str, int] = field(default_factory=dict)
    """By signal."""
    repeated: int = 0
    """Rows of the piece that said nothing new beside another one."""
    merged: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    """A group's columns of one width, and their limits."""

    signals: tuple[Signal, ...]
    side: Side


class Layout:
    """Lays pieces out as a catalogue's tables want them."""

    def __init__(self, catalogue: Catalogue) -> None:
        planner = Planner(catalogue)
        self._groups = [
            (group, _columns(planner, group, wide=False), _columns(planner, group, wide=True))
            for group in catalogue.groups.values()
        ]

    def rows(self, piece: Piece, judged: Judged) -> Iterator[DayRows]:
        """The rows of each group, day by day; those in which all its signals are absent left out.

        A group takes its columns out of the piece, so that memory holds them once. Values out of
        limits are taken out, and told with the first day of their group; where that leaves no row,
        with none.
        """
        for group, narrow, wide in self._groups:
            if not any(signal.name in piece.columns for signal in group.signals):
                continue
            values: list[RefusedValue] = []
            counts: dict[str, int] = {}
            # A column after the other in memory, as they come from the file and are written.
            near = np.empty((len(narrow.signals), len(judged.order)), dtype=np.float32)
            far = np.empty((len(wide.signals), len(judged.order)), dtype=np.float64)
            for columns, table in ((narrow, near), (wide, far)):
                _fill(table, columns, piece, judged.order)
                _check_limits(columns, table, judged, values, counts)
            present = np.logical_not(np.isnan(near).all(axis=0) & np.isnan(far).all(axis=0))
            if not present.any() and not values:
                continue
            rows = GroupRows(
                group=group.name,
                vehicle_ids=judged.vehicle_ids,
                times_us=judged.times_us,
                narrow=near.T,
                wide=far.T,
                fills_gaps=True,
            )
            yield from _by_day(rows if present.all() else rows.take(present), tuple(values), counts)


def judge(
    piece: Piece,
    number: Callable[[str], int | None],
    *,
    earliest_us: int,
    latest_us: int,
) -> Judged:
    """Decide which rows are taken; a row with several faults is refused for the first of them.

    Args:
        piece: the rows.
        number: gives a VIN's vehicle number, None where the VIN is refused.
        earliest_us: what is older is refused [µs since 1970].
        latest_us: what is newer is refused.
    """
    ids = np.zeros(len(piece.vins) + 1, dtype=np.int64)
    strangers, broken = [], [-1]
    for place in np.unique(piece.vin_places[piece.vin_places >= 0]).tolist():
        vin = piece.vins[place]
        if not is_vin(vin):
            broken.append(place)
        elif (vehicle_id := number(vin)) is None:
            strangers.append(place)
        else:
            ids[place] = vehicle_id
    good = np.ones(len(piece), dtype=np.bool_)
    refused: Counter[str] = Counter()
    first: dict[str, int] = {}
    for reason, wrong in (
        (Refusal.BAD_VIN, np.isin(piece.vin_places, broken)),
        (Reason.UNKNOWN_VEHICLE, np.isin(piece.vin_places, strangers)),
        (Refusal.BAD_TIME, ~piece.timed),
        (Reason.TOO_FAR_AHEAD, piece.times_us > latest_us),
        (Reason.TOO_OLD, piece.times_us < earliest_us),
    ):
        these = good & wrong
        if these.any():
            refused[str(reason)] += int(these.sum())
            first[str(reason)] = int(np.argmax(these))
            good &= ~these
    order = np.flatnonzero(good)
    return Judged(
        order=order,
        vehicle_ids=ids[piece.vin_places[order]],
        times_us=piece.times_us[order],
        refused=refused,
        first_refused=first,
    )


def _columns(planner: Planner, group: Group, *, wide: bool) -> _Columns:
    """The columns in the order of GroupRows, with the limits that ingest has for them."""
    signals = tuple(signal for signal in group.signals if signal.wide is wide)
    ids = np.array([signal.id for signal in signals], dtype=np.int32)
    none = np.array([], dtype=np.int32)
    plan = planner.plan(
        Block(
            times_us=np.zeros(1, dtype=np.int64),
            signal_ids=none if wide else ids,
            values=np.zeros((1, 0 if wide else len(ids)), dtype=np.float32),
            wide_signal_ids=ids if wide else none,
            wide_values=np.zeros((1, len(ids) if wide else 0), dtype=np.float64),
        )
    )
    return _Columns(signals=signals, side=plan.wide if wide else plan.narrow)


def _fill(
    table: NDArray[np.floating], columns: _Columns, piece: Piece, order: NDArray[np.intp]
) -> None:
    """Move columns into the table, of the rows that are taken; a missing column is absent."""
    everything = len(order) == len(piece)
    for place, signal in enumerate(columns.signals):
        values = piece.columns.pop(signal.name, None)
        if values is None:
            table[place] = np.nan
        else:
            table[place] = values if everything else values[order]


def _check_limits(
    columns: _Columns,
    table: NDArray[np.floating],
    judged: Judged,
    refused: list[RefusedValue],
    counts: dict[str, int],
) -> None:
    """Make values out of limits absent, in place, and keep account of them."""
    wrong = table < columns.side.lowest[:, None]
    wrong |= table > columns.side.highest[:, None]
    if not wrong.any():
        return
    for place in np.flatnonzero(wrong.any(axis=1)):
        counts[columns.signals[place].name] = int(wrong[place].sum())
    for row, place in np.argwhere(wrong.T)[: REFUSED_VALUES_PER_PIECE - len(refused)]:
        refused.append(
            RefusedValue(
                vehicle_id=int(judged.vehicle_ids[row]),
                time=as_time(int(judged.times_us[row])),
                signal_id=columns.signals[place].id,
                value=float(table[place, row]),
            )
        )
    table[wrong] = np.nan


def _by_day(
    rows: GroupRows, refused_values: tuple[RefusedValue, ...], out_of_limits: dict[str, int]
) -> Iterator[DayRows]:
    if not len(rows):
        yield DayRows(
            rows=rows, values=0, refused_values=refused_values, out_of_limits=out_of_limits
        )
        return
    repeated = merged = 0
    if not _in_order(rows):
        result = merge(rows)
        rows, repeated, merged = result.rows, result.repeated, result.merged
    days = rows.times_us // DAY_US
    one_day = int(days.min()) == int(days.max())
    for day in days[:1] if one_day else np.unique(days):
        these = rows if one_day else rows.take(days == day)
        yield DayRows(
            rows=these,
            values=these.value_count,
            refused_values=refused_values,
            out_of_limits=out_of_limits,
            repeated=repeated,
            merged=merged,
        )
        refused_values, out_of_limits, repeated, merged = (), {}, 0, 0


def _in_order(rows: GroupRows) -> bool:
    """Whether rows stand by vehicle and time, each pair once."""
    vehicles, times = rows.vehicle_ids, rows.times_us
    later = (vehicles[1:] == vehicles[:-1]) & (times[1:] > times[:-1])
    return bool((later | (vehicles[1:] > vehicles[:-1])).all())
