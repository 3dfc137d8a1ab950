"""What was known of a vehicle's signals at a moment: within a batch, and before it.

Signals come at paces of their own, so a row rarely has them all. What holds at a moment is each
signal's newest value up to then.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.clock import as_microseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from schemas.catalogue import Catalogue
    from storage.batch import GroupRows

    Learn = Callable[[int], Mapping[str, tuple[float, datetime]]]

Known = tuple[float, int]
"""A value and its time in microseconds since 1970."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A signal that has another value than the time before."""

    vehicle_id: int
    before: Known
    now: Known


class Memory:
    """The newest value of each tracked signal of each vehicle, up to the batches seen so far.

    Args:
        learn: gives what is known of a vehicle by number, asked once until all is forgotten.
    """

    def __init__(self, learn: Learn) -> None:
        self._learn = learn
        self._known: dict[int, dict[str, Known]] = {}

    def meet(self, vehicle_id: int) -> None:
        """Learn what is known of a vehicle, unless that has been done; raises what `learn` does."""
        if vehicle_id not in self._known:
            self._known[vehicle_id] = {
                name: (value, as_microseconds(time))
                for name, (value, time) in self._learn(vehicle_id).items()
            }

    def before(self, vehicle_id: int, name: str, time_us: int) -> Known | None:
        """A signal's newest value, if it is older than this time."""
        known = self._known.get(vehicle_id, {}).get(name)
        return known if known is not None and known[1] < time_us else None

    def note(self, vehicle_id: int, name: str, known: Known) -> None:
        """A value that has come; an older one than the newest changes nothing."""
        values = self._known.setdefault(vehicle_id, {})
        if name not in values or values[name][1] <= known[1]:
            values[name] = known

    def forget(self) -> None:
        """Begin anew: batches may have been rolled back."""
        self._known.clear()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Rows:
    """The rows of a group by vehicle and time, with the tracked signals only."""

    names: Sequence[str]
    vehicle_ids: NDArray[np.int64]
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    """(n, names)"""
    last: NDArray[np.int64]
    """(n, names) the vehicle's last row, up to this one, that has the signal; -1: none."""


class KnownValues:
    """The values of a batch, to be asked for moments and for changes.

    Args:
        groups: the batch's rows.
        catalogue: their columns.
        names: the signals to track.
        memory: what was known before the batch.
    """

    def __init__(
        self,
        groups: Sequence[GroupRows],
        catalogue: Catalogue,
        names: Sequence[str],
        memory: Memory,
    ) -> None:
        self._memory = memory
        self._names = tuple(names)
        parts: defaultdict[str, list[GroupRows]] = defaultdict(list)
        # At the same moment the later row wins, and what only fills gaps never does.
        for rows in sorted(groups, key=lambda rows: not rows.fills_gaps):
            if len(rows):
                parts[rows.group].append(rows)
        self._groups = [
            found
            for group, members in parts.items()
            if (found := _rows(members, catalogue, group, frozenset(names))) is not None
        ]

    def at(self, vehicle_id: int, time_us: int) -> dict[str, Known]:
        """By signal: its newest value at that moment and the time of that."""
        found = {
            name: known
            for name in self._names
            if (known := self._memory.before(vehicle_id, name, time_us + 1)) is not None
        }
        for rows in self._groups:
            start, stop = np.searchsorted(rows.vehicle_ids, (vehicle_id, vehicle_id + 1)).tolist()
            row = start + int(np.searchsorted(rows.times_us[start:stop], time_us, side="right")) - 1
            if row < start:
                continue
            for place, last in enumerate(rows.last[row].tolist()):
                if last >= 0:
                    name, time = rows.names[place], int(rows.times_us[last])
                    if name not in found or found[name][1] <= time:
                        found[name] = (float(rows.values[last, place]), time)
        return found

    def changes(self, name: str) -> Iterator[Change]:
        """Where a signal has another value than the time before, by vehicle and time.

        A vehicle's first value of the batch is compared with what was known before; where that is
        newer (late frames) there is nothing to compare it with.
        """
        for rows in self._groups:
            if name not in rows.names:
                continue
            place = rows.names.index(name)
            here = np.flatnonzero(~np.isnan(rows.values[:, place]))
            vehicles, times = rows.vehicle_ids[here], rows.times_us[here]
            values = rows.values[here, place]
            kept = np.ones(len(here), dtype=np.bool_)
            kept[:-1] = (np.diff(vehicles) != 0) | (np.diff(times) != 0)
            vehicles, times, values = vehicles[kept], times[kept], values[kept]
            first = np.ones(len(values), dtype=np.bool_)
            first[1:] = np.diff(vehicles) != 0
            changed = first.copy()
            changed[1:] |= np.diff(values) != 0
            for row in np.flatnonzero(changed).tolist():
                now = (float(values[row]), int(times[row]))
                before = (
                    self._memory.before(int(vehicles[row]), name, now[1])
                    if first[row]
                    else (float(values[row - 1]), int(times[row - 1]))
                )
                if before is not None and before[0] != now[0]:
                    yield Change(vehicle_id=int(vehicles[row]), before=before, now=now)

    def remember(self) -> None:
        """Note in the memory what the batch has brought."""
        for rows in self._groups:
            ends = np.flatnonzero(np.diff(rows.vehicle_ids, append=rows.vehicle_ids[-1] + 1))
            for end in ends.tolist():
                vehicle_id = int(rows.vehicle_ids[end])
                for place, last in enumerate(rows.last[end].tolist()):
                    if last >= 0:
                        known = (float(rows.values[last, place]), int(rows.times_us[last]))
                        self._memory.note(vehicle_id, rows.names[place], known)


def _rows(
    members: Sequence[GroupRows], catalogue: Catalogue, group: str, tracked: frozenset[str]
) -> _Rows | None:
    columns: list[NDArray[np.float64]] = []
    names: list[str] = []
    signals = catalogue.groups[group].signals
    for wide in (False, True):
        for place, signal in enumerate(one for one in signals if one.wide is wide):
            if signal.name in tracked:
                names.append(signal.name)
                columns.append(
                    np.concatenate(
                        [(part.wide if wide else part.narrow)[:, place] for part in members]
                    ).astype(np.float64)
                )
    if not names:
        return None
    vehicle_ids = np.concatenate([part.vehicle_ids for part in members])
    times_us = np.concatenate([part.times_us for part in members])
    order = np.lexsort((times_us, vehicle_ids))  # stable
    vehicle_ids, times_us = vehicle_ids[order], times_us[order]
    values = np.stack(columns, axis=1)[order]
    rows = np.arange(len(order))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows[:, np.newaxis]), axis=0)
    begins = np.ones(len(rows), dtype=np.bool_)
    begins[1:] = np.diff(vehicle_ids) != 0
    first = np.maximum.accumulate(np.where(begins, rows, 0))
    last[last < first[:, np.newaxis]] = -1
    return _Rows(names=names, vehicle_ids=vehicle_ids, times_us=times_us, values=values, last=last)
