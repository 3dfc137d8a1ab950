"""Messages become one batch of rows: gathered, decoded, then laid out as the tables want them.

What cannot be stored becomes a dead letter: a whole message, or the frames of it that were refused
(the others are stored). Rows of a replayed message only fill gaps, so they go in groups of their
own. Rows are placed by `ingest.placing`; what was not taken is in `ingest.account`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from ingest.account import Account
from ingest.clock import as_microseconds
from ingest.events import event_rows
from ingest.known_values import Memory
from ingest.placing import Placing
from ingest.plan import Planner
from ingest.record import DeadLetter, Reason, Record
from ingest.reports import TRACKED, ReportTimer, reports
from schemas.wire import DecodeError, Message, Refusal, decode
from schemas.wire.json import MAX_JSON_BYTES
from storage.batch import Batch, CountKey, OffsetAdvance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime, timedelta

    from ingest.known_values import Learn
    from schemas.catalogue import Catalogue
    from schemas.wire import Event

FRAME_VALUES = 120
"""A message weighs a frame for each of these values at least, absent ones too: so a batch of full
frames is bounded in bytes, and one of frames that hold little is worth its transaction."""

FRAME_BYTES = 4 << 10
"""Likewise for each of these [bytes]: JSON's frames are the largest."""

LETTER_BYTES = 1 << 10
"""A refused message weighs a frame for each of these [bytes]: a batch of them is held in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A message that was read and whose vehicle is known."""

    record: Record
    message: Message
    vehicle_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What was added for one batch, before it is laid out."""

    records: tuple[Record, ...]
    """All that was read, in the order read."""
    taken: Sequence[Taken]
    """By vehicle, those of one in the order read."""
    dead: list[DeadLetter]
    counts: Counter[CountKey]
    frames: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembled:
    """A batch and the letters of what is not in it."""

    batch: Batch
    dead: tuple[DeadLetter, ...]
    frames: int
    records: tuple[Record, ...]
    """All that was read for it, in the order read."""
    now: datetime
    """Our clock, which frames were checked against."""


class Assembler:
    """Gathers messages until a batch is full, then lays it out.

    One thread may gather while another one lays out what was taken before.

    Args:
        catalogue: the signals that are known, and their limits.
        number: gives a VIN's vehicle number, None where the VIN is refused.
        retention: how far back a frame may lie.
        future_tolerance: how far ahead of our clock a frame may lie.
        report_interval_s: how often a vehicle's TIMER report is kept [s].
        last_known: what is known of vehicles by number: value and time by signal.
        elsewhere: gives the other cell that keeps a VIN that `number` refuses, None: none is known.
        message_bytes: a larger message is refused unread.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        number: Callable[[str], int | None],
        *,
        retention: timedelta,
        future_tolerance: timedelta,
        report_interval_s: int,
        last_known: Learn = lambda _vehicle_ids: {},
        elsewhere: Callable[[str], int | None] = lambda _vin: None,
        message_bytes: int = MAX_JSON_BYTES,
    ) -> None:
        self._catalogue = catalogue
        self._message_bytes = message_bytes
        self._number = number
        self._elsewhere = elsewhere
        self._retention = retention
        self._future_tolerance = future_tolerance
        self._timer = ReportTimer(report_interval_s)
        self._memory = Memory(TRACKED, last_known)
        self._planner = Planner(catalogue)
        self._known = np.array(sorted(catalogue.by_id), dtype=np.int32)
        self._begin()

    def _begin(self) -> None:
        self._records: list[Record] = []
        self._taken: list[Taken] = []
        self._dead: list[DeadLetter] = []
        self._counts: Counter[CountKey] = Counter()
        self.frames = 0
        """Frames of the messages that were taken."""
        self.weight = 0
        """The work gathered, in frames: a block, an event and a refused message cost one, too."""

    def meet(self, vehicle_ids: Collection[int]) -> None:
        """Learn at once what is known of vehicles whose messages are to be added.

        Whatever `last_known` raises passes through.
        """
        self._memory.meet(vehicle_ids)

    def add(self, record: Record) -> None:
        """Read one message; one that cannot be used becomes a dead letter and stops nothing.

        Whatever `number` or `last_known` raises passes through, and then nothing was added.
        """
        payload = record.value or b""
        if record.unread:
            self.refuse(record, Reason.UNREADABLE_BATCH, record.unread)
            return
        if len(payload) > self._message_bytes:
            detail = f"{len(payload)} bytes, at most {self._message_bytes} are read: send fewer"
            self.refuse(record, Refusal.TOO_LARGE, f"{detail} frames a message")
            return
        try:
            message = decode(record.content_type, payload, self._catalogue)
            vehicle_id = self._number(message.vin)
        except DecodeError as error:
            self.refuse(record, error.reason, str(error))
            return
        if vehicle_id is None and (cell := self._elsewhere(message.vin)) is not None:
            detail = f"is kept in cell {cell}: send its messages there"
            self.refuse(record, Reason.OTHER_CELL, f"{message.vin} {detail}", message.vin)
            return
        if vehicle_id is None:
            detail = "is not registered: register it (telemetry register) and send again"
            self.refuse(record, Reason.UNKNOWN_VEHICLE, f"{message.vin} {detail}", message.vin)
            return
        self._memory.meet((vehicle_id,))
        self._taken.append(Taken(record=record, message=message, vehicle_id=vehicle_id))
        frames, pieces = message.frame_count, len(message.blocks) + len(message.events)
        values = sum(block.values.size + block.wide_values.size for block in message.blocks)
        if frames:
            self._counts[CountKey(record.topic, record.partition, "frames")] += frames
        self.frames += frames
        self._note(
            record,
            max(1, frames, pieces, values // FRAME_VALUES, len(payload) // FRAME_BYTES),
        )

    def refuse(self, record: Record, reason: str, detail: str, vin: str | None = None) -> None:
        """Make a message a dead letter as it is."""
        self._dead.append(DeadLetter(record=record, reason=reason, detail=detail, vin=vin))
        size = len(record.value or b"") + len(record.key or b"")
        self._note(record, max(1, size // LETTER_BYTES))

    def _note(self, record: Record, weight: int) -> None:
        self._records.append(record)
        self._counts[CountKey(record.topic, record.partition, "messages")] += 1
        self.weight += weight

    @property
    def empty(self) -> bool:
        """Whether nothing has been added since the last batch."""
        return not self._taken and not self._dead

    def clear(self) -> None:
        """Forget what was added; of what was built before, it may be that nothing was written."""
        self._begin()
        self._timer.forget()
        self._memory.forget()

    def build(self, now: datetime, offsets: Sequence[OffsetAdvance]) -> Assembled:
        """Take what was added and lay it out."""
        return self.lay_out(self.take(), now, offsets)

    def take(self) -> Gathered:
        """Hand over what was added and begin anew."""
        gathered = Gathered(
            records=tuple(self._records),
            # By vehicle, each one's in the order read: then rows need hardly be sorted any more.
            taken=sorted(self._taken, key=attrgetter("vehicle_id")),
            dead=self._dead,
            counts=self._counts,
            frames=self.frames,
        )
        self._begin()
        return gathered

    def lay_out(
        self, gathered: Gathered, now: datetime, offsets: Sequence[OffsetAdvance]
    ) -> Assembled:
        """Make a batch of what was taken; once, and in the order in which it was taken.

        Args:
            gathered: what `take` gave.
            now: our clock, which frames are checked against.
            offsets: how far the partitions have been read with it.
        """
        account = Account(gathered.taken, gathered.counts, gathered.dead)
        earliest_us = as_microseconds(now - self._retention)
        latest_us = as_microseconds(now + self._future_tolerance)
        groups = Placing(
            self._planner, self._known, account, earliest_us=earliest_us, latest_us=latest_us
        ).groups()
        if offsets:
            # Under one partition of the batch, whichever: what people read is the sum of all.
            home = CountKey(offsets[0].topic, offsets[0].partition, "values")
            account.counts[home] = sum(rows.value_count for rows in groups)
        triggers, driver_changes, trouble_codes = event_rows(
            _events_in_time(account, earliest_us, latest_us)
        )
        account.close()
        return Assembled(
            batch=Batch(
                groups=groups,
                triggers=tuple(triggers),
                driver_changes=tuple(driver_changes),
                trouble_codes=tuple(trouble_codes),
                reports=tuple(
                    reports(groups, triggers, self._catalogue, self._timer, self._memory)
                ),
                refused_values=tuple(account.refused_values),
                counts=dict(account.counts),
                offsets=tuple(offsets),
            ),
            dead=tuple(account.dead),
            frames=gathered.frames,
            records=gathered.records,
            now=now,
        )


def _events_in_time(
    account: Account, earliest_us: int, latest_us: int
) -> Iterator[tuple[int, Event, bool]]:
    """Events that are neither too old nor ahead, as `event_rows` takes them; notes the others."""
    for place, owner in enumerate(account.taken):
        replayed, events = owner.record.replayed, owner.message.events
        # As with rows: the first one fills the gap, and it is to be the message's last.
        for event in reversed(events) if replayed else events:
            if event.time_us < earliest_us:
                account.refuse_part(place, Reason.TOO_OLD)
            elif event.time_us > latest_us:
                account.refuse_part(place, Reason.TOO_FAR_AHEAD)
            else:
                yield owner.vehicle_id, event, replayed
