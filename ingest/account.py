"""What a batch did not take: counts, refused values, and the letters of what was refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ingest.clock import as_time
from ingest.record import DeadLetter, Reason
from storage.batch import CountKey, RefusedValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.assemble import Taken
    from schemas.catalogue import Signal

REFUSED_VALUES_PER_BATCH = 1000
"""Values out of limits that one batch keeps to look at; all of them are counted."""

UNKNOWN_SIGNALS_PER_BATCH = 100
"""Unknown signals that one batch counts by their id or name; the rest are counted together."""

OTHER_SIGNALS = "(other)"
"""The key under which those are counted."""

NAME_LENGTH = 80
"""An unknown signal's name is cut here in the counts [characters]."""


@dataclass(slots=True)
class Account:
    """Kept while a batch is laid out; a message is named by its place in `taken`."""

    taken: Sequence[Taken]
    counts: Counter[CountKey]
    dead: list[DeadLetter]
    refused_values: list[RefusedValue] = field(default_factory=list)
    _refused_times: defaultdict[tuple[int, Reason], set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )
    """Times of refused frames [µs], by the message's place and the reason; empty: no whole one."""
    _unknown_signals: Counter[CountKey] = field(default_factory=Counter)

    def refuse_frame(self, place: int, reason: Reason, time_us: int) -> None:
        """A message's frame of that time is not stored."""
        self._refused_times[place, reason].add(time_us)

    def refuse_part(self, place: int, reason: Reason) -> None:
        """Something of a message is not stored that is no whole frame."""
        self._refused_times[place, reason] |= set()

    def note_unknown(self, place: int, names: Sequence[str]) -> None:
        """Count a message's unknown signals and see to it that a letter keeps them."""
        record = self.taken[place].record
        self.refuse_part(place, Reason.UNKNOWN_SIGNAL)
        named = [name[:NAME_LENGTH] for name in names[:UNKNOWN_SIGNALS_PER_BATCH]]
        others = {OTHER_SIGNALS: len(names) - len(named), **Counter(named)}
        for name, count in Counter(others).items():
            key = CountKey(record.topic, record.partition, "unknown_signal", name)
            self._unknown_signals[key] += count

    def note_out_of_limits(
        self,
        wrong: NDArray[np.bool_],
        values: NDArray[np.floating],
        *,
        signals: Sequence[Signal | None],
        times: NDArray[np.int64],
        owners: NDArray[np.intp],
    ) -> None:
        """Count values out of limits, and keep some to look at.

        Args:
            wrong: (n, m) which of the values.
            values: (n, m)
            signals: (m,) whose.
            times: (n,) when [µs].
            owners: (n,) the places of the messages they came with, ascending.
        """
        places, firsts = np.unique(owners, return_index=True)
        by_owner = np.add.reduceat(wrong, firsts, axis=0, dtype=np.int64)
        for owner, column in np.argwhere(by_owner):
            record, signal = self.taken[places[owner]].record, signals[column]
            if signal is not None:
                key = CountKey(record.topic, record.partition, "out_of_limits", signal.name)
                self.counts[key] += int(by_owner[owner, column])
        room = REFUSED_VALUES_PER_BATCH - len(self.refused_values)
        for row, column in np.argwhere(wrong)[:room]:
            signal = signals[column]
            if signal is not None:
                self.refused_values.append(
                    RefusedValue(
                        vehicle_id=self.taken[owners[row]].vehicle_id,
                        time=as_time(int(times[row])),
                        signal_id=signal.id,
                        value=float(values[row, column]),
                    )
                )

    def close(self) -> None:
        """Make letters of what was refused in messages that were taken, and count all that was."""
        for place, owner in enumerate(self.taken):
            if owner.message.unknown_signals:
                self.note_unknown(place, owner.message.unknown_signals)
        for rank, (key, count) in enumerate(self._unknown_signals.most_common()):
            name = key.key if rank < UNKNOWN_SIGNALS_PER_BATCH else OTHER_SIGNALS
            if count:
                self.counts[CountKey(key.topic, key.partition, key.measure, name)] += count
        for (place, reason), times in sorted(self._refused_times.items()):
            owner = self.taken[place]
            frames = np.flatnonzero(np.isin(owner.message.frame_times_us, list(times)))
            self.dead.append(
                DeadLetter(
                    record=owner.record,
                    reason=reason,
                    detail=_DETAILS[reason],
                    vin=owner.message.vin,
                    frames=tuple(frames.tolist()),
                )
            )
        for letter in self.dead:
            record = letter.record
            key = CountKey(record.topic, record.partition, "refused", str(letter.reason))
            self.counts[key] += len(letter.frames) or 1


_DETAILS = {
    Reason.TOO_FAR_AHEAD: "the vehicle's clock is ahead of ours: set it right",
    Reason.TOO_OLD: "older than the retention: load history in bulk instead",
    Reason.UNKNOWN_SIGNAL: "signals this catalogue does not know; the others were stored",
}
