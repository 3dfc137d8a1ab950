"""What was known of a vehicle's signals at a moment: within a batch, and before it.

Signals come at paces of their own, so a row rarely has them all. What holds at a moment is each
signal's newest value up to then. A batch asks for thousands of moments: all are answered together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.clock import as_microseconds
from storage.latest_values import NEVER_US
from storage.row_merge import by_vehicle_and_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from schemas.catalogue import Catalogue
    from storage.batch import GroupRows

    Learn = Callable[[Collection[int]], Mapping[int, Mapping[str, tuple[float, datetime]]]]
    Level = Callable[[NDArray[np.float64]], NDArray[np.float64] | NDArray[np.bool_]]

Known = tuple[float, int]
"""A value and its time in microseconds since 1970."""

Values = tuple["NDArray[np.float64]", "NDArray[np.int64]"]
"""Values and their times [µs], NEVER_US where there is none; the last axis is that of signals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A signal that has another value than the time before."""

    vehicle_id: int
    before: Known
    now: Known


class Memory:
    """The newest value of each tracked signal of each vehicle, up to the batches seen so far.

    One thread may meet vehicles while another one reads and keeps those it has met.

    Args:
        names: the s signals to track.
        learn: gives what is known of vehicles by number, each asked for once until all is
            forgotten.
    """

    def __init__(self, names: Sequence[str], learn: Learn) -> None:
        self.names = tuple(names)
        self._places = {name: place for place, name in enumerate(self.names)}
        self._learn = learn
        self._known: dict[int, Values] = {}

    def meet(self, vehicle_ids: Collection[int]) -> None:
        """Learn what is known of vehicles that were not met; raises what `learn` does."""
        new = [vehicle_id for vehicle_id in vehicle_ids if vehicle_id not in self._known]
        if not new:
            return
        learnt = self._learn(new)
        for vehicle_id in new:
            values, times_us = self._nothing()
            for name, (value, time) in learnt.get(vehicle_id, {}).items():
                values[self._places[name]] = value
                times_us[self._places[name]] = as_microseconds(time)
            self._known[vehicle_id] = values, times_us

    def table(self, vehicle_ids: NDArray[np.int64]) -> Values:
        """(v, s) what is known of these v vehicles."""
        nothing = self._nothing()
        known = [self._known.get(vehicle_id, nothing) for vehicle_id in vehicle_ids.tolist()]
        shape = (len(known), len(self.names))
        return (
            np.array([values for values, _ in known], dtype=np.float64).reshape(shape),
            np.array([times_us for _, times_us in known], dtype=np.int64).reshape(shape),
        )

    def keep(self, vehicle_ids: NDArray[np.int64], table: Values) -> None:
        """Have this be what is known of these vehicles."""
        for vehicle_id, values, times_us in zip(vehicle_ids.tolist(), *table, strict=True):
            known = self._known.get(vehicle_id)
            if known is None:
                self._known[vehicle_id] = values.copy(), times_us.copy()
            else:
                known[0][:], known[1][:] = values, times_us

    def forget(self) -> None:
        """Begin anew: batches may have been rolled back."""
        self._known.clear()

    def _nothing(self) -> Values:
        count = len(self.names)
        return np.full(count, np.nan), np.full(count, NEVER_US, dtype=np.int64)


class _Rows:
    """A group's n rows by vehicle and time, of which c signals are tracked.

    Nothing of them is copied before it is asked for: a batch has millions of values, and hardly
    more moments than messages.

    Args:
        rows: in this order; of two of the same moment the later one counts.
        columns: (c,) places of the tracked signals among all that are tracked.
        sources: of each of these, whether it stands in `wide`, and which column it is there.
    """

    def __init__(
        self, rows: GroupRows, columns: NDArray[np.intp], sources: Sequence[tuple[bool, int]]
    ) -> None:
        self.columns = columns
        self.vehicle_ids, self.times_us = rows.vehicle_ids, rows.times_us
        self._values = [(rows.wide if wide else rows.narrow)[:, place] for wide, place in sources]
        begins = np.ones(len(rows), dtype=np.bool_)
        begins[1:] = self.vehicle_ids[1:] != self.vehicle_ids[:-1]
        self.firsts = np.flatnonzero(begins)
        """Each vehicle's first row."""

    def values(self, column: int) -> NDArray[np.floating] | None:
        """(n,) the values of a signal by its place among all tracked; None: another group's."""
        found = np.flatnonzero(self.columns == column)
        return self._values[int(found[0])] if len(found) else None

    def up_to(
        self, vehicle_ids: NDArray[np.int64], times_us: NDArray[np.int64]
    ) -> NDArray[np.intp]:
        """The last row of each vehicle up to that time; -1: none."""
        vehicles, moments = self.vehicle_ids[self.firsts], np.unique(self.times_us)
        # Vehicle and time as one number, by their places, which no span of time makes too large.
        keys = np.searchsorted(vehicles, self.vehicle_ids) * len(moments)
        keys += np.searchsorted(moments, self.times_us)
        place = np.minimum(np.searchsorted(vehicles, vehicle_ids), len(vehicles) - 1)
        asked = place * len(moments) + np.searchsorted(moments, times_us, side="right") - 1
        found = np.searchsorted(keys, asked, side="right") - 1
        there = (vehicles[place] == vehicle_ids) & (found >= self.firsts[place])
        return np.where(there, found, -1)

    def known_at(self, rows: NDArray[np.intp]) -> Values:
        """(m, c) what the vehicles of these rows had sent up to them."""
        shape = (len(rows), len(self.columns))
        known, since = np.empty(shape), np.empty(shape, dtype=np.int64)
        firsts = self.firsts[np.searchsorted(self.firsts, rows, side="right") - 1]
        times_us = self.times_us[rows]
        for number, values in enumerate(self._values):
            sent = values[rows]
            with np.errstate(invalid="ignore"):  # an absent value's bits are the sender's
                known[:, number], since[:, number] = sent, times_us
            absent = np.flatnonzero(np.isnan(sent))
            if not len(absent):
                continue
            # Only where a row lacks a signal is there a need to look further back.
            last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
            found = last[rows[absent]]
            there = found >= firsts[absent]
            with np.errstate(invalid="ignore"):
                known[absent, number] = np.where(there, values[found], np.nan)
            since[absent, number] = np.where(there, self.times_us[found], NEVER_US)
        return known, since


class KnownValues:
    """The values of a batch, to be asked for moments and for changes.

    Args:
        groups: the batch's rows.
        catalogue: their columns.
        memory: what was known before the batch, and which signals are tracked.
    """

    def __init__(self, groups: Sequence[GroupRows], catalogue: Catalogue, memory: Memory) -> None:
        self._memory = memory
        self._places = {name: place for place, name in enumerate(memory.names)}
        parts: defaultdict[str, list[GroupRows]] = defaultdict(list)
        # At the same moment the later row wins, and what only fills gaps never does.
        for rows in sorted(groups, key=lambda rows: not rows.fills_gaps):
            if len(rows):
                parts[rows.group].append(rows)
        self._groups = [
            found
            for group, members in parts.items()
            if (found := _rows(members, catalogue, group, self._places)) is not None
        ]
        firsts = [rows.vehicle_ids[rows.firsts] for rows in self._groups]
        self._vehicles = np.unique(np.concatenate(firsts)) if firsts else np.empty(0, np.int64)
        self._before = memory.table(self._vehicles)

    def at(self, vehicle_ids: NDArray[np.int64], times_us: NDArray[np.int64]) -> Values:
        """(m, s) by moment and signal: its newest value at that moment and the time of that.

        Args:
            vehicle_ids: (m,) whose moments these are.
            times_us: (m,)
        """
        vehicles, whose = np.unique(vehicle_ids, return_inverse=True)
        known = self._memory.table(vehicles)
        values, since = known[0][whose], known[1][whose]
        since[since > times_us[:, np.newaxis]] = NEVER_US
        for rows in self._groups:
            found = rows.up_to(vehicle_ids, times_us)
            there = np.flatnonzero(found >= 0)
            _lay_over((values, since), np.ix_(there, rows.columns), rows.known_at(found[there]))
        return values, since

    def changes(self, name: str, level: Level = lambda values: values) -> Iterator[Change]:
        """Where a signal has another level than the time before, by vehicle and time.

        A vehicle's first value of the batch is compared with what was known before; where that is
        newer (late frames) there is nothing to compare it with.

        Args:
            name: the signal.
            level: what of its values is compared.
        """
        column = self._places[name]
        for rows in self._groups:
            sent = rows.values(column)
            if sent is None:
                continue
            here = np.flatnonzero(~np.isnan(sent))
            vehicles, times = rows.vehicle_ids[here], rows.times_us[here]
            values = sent[here].astype(np.float64)
            kept = np.ones(len(here), dtype=np.bool_)
            kept[:-1] = (np.diff(vehicles) != 0) | (np.diff(times) != 0)
            vehicles, times, values = vehicles[kept], times[kept], values[kept]
            first = np.ones(len(values), dtype=np.bool_)
            first[1:] = np.diff(vehicles) != 0
            before, since = np.roll(values, 1), np.roll(times, 1)
            place = np.searchsorted(self._vehicles, vehicles[first])
            before[first], since[first] = (table[place, column] for table in self._before)
            changed = (level(values) != level(before)) & (since > NEVER_US) & (since < times)
            for row in np.flatnonzero(changed).tolist():
                yield Change(
                    vehicle_id=int(vehicles[row]),
                    before=(float(before[row]), int(since[row])),
                    now=(float(values[row]), int(times[row])),
                )

    def remember(self) -> None:
        """Note in the memory what the batch has brought."""
        for rows in self._groups:
            place = np.searchsorted(self._vehicles, rows.vehicle_ids[rows.firsts])
            ends = np.r_[rows.firsts[1:], len(rows.vehicle_ids)] - 1
            _lay_over(self._before, np.ix_(place, rows.columns), rows.known_at(ends))
        self._memory.keep(self._vehicles, self._before)


def _lay_over(table: Values, where: tuple[NDArray[np.intp], ...], newer: Values) -> None:
    """Put values into a table's cells, but for those that are older than what is there."""
    values, times_us = newer
    wins = (times_us > NEVER_US) & (times_us >= table[1][where])
    table[0][where] = np.where(wins, values, table[0][where])
    table[1][where] = np.where(wins, times_us, table[1][where])


def _rows(
    members: Sequence[GroupRows], catalogue: Catalogue, group: str, tracked: Mapping[str, int]
) -> _Rows | None:
    columns: list[int] = []
    sources: list[tuple[bool, int]] = []
    for wide in (False, True):
        names = [one.name for one in catalogue.groups[group].signals if one.wide is wide]
        for place, name in enumerate(names):
            if name in tracked:
                columns.append(tracked[name])
                sources.append((wide, place))
    if not columns:
        return None
    return _Rows(by_vehicle_and_time(members), np.array(columns, dtype=np.intp), sources)
