"""A worker's partitions, one batch of them being gathered and one on its way."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from storage.batch import OffsetAdvance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from ingest.assemble import Assembler
    from ingest.record import Record
    from ingest.writing import Flight, WritingThread


WAITING_RECORDS = 100
"""So many messages wait before no more are fetched: about what a poll brings."""

WAITING_BYTES = 8 << 20
"""Likewise so many bytes of them."""


class Pipeline:
    """Gathers one batch while another one is laid out and written.

    Args:
        assembler: gathers and lays out.
        writing: the thread that lays batches out and writes them.

    Attributes:
        flight: the batch that is on its way, None where there is none.
    """

    def __init__(self, assembler: Assembler, writing: WritingThread) -> None:
        self.writing = writing
        self.flight: Flight | None = None
        self._waiting_bytes = 0
        self._waiting: deque[Record] = deque()
        self._assembler = assembler
        self._positions: dict[int, int | None] = {}
        """By partition: where the database stands once the batch in flight is written."""
        self._read: dict[int, int] = {}
        """By partition: the offset after the last record gathered."""
        self._first_gathered = monotonic()

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions that are read."""
        return frozenset(self._positions)

    @property
    def empty(self) -> bool:
        """Whether nothing is gathered."""
        return self._assembler.empty

    @property
    def frames(self) -> int:
        """Frames that are gathered and not yet handed over."""
        return self._assembler.frames

    @property
    def crowded(self) -> bool:
        """Whether so much waits that no more should be fetched."""
        return len(self._waiting) >= WAITING_RECORDS or self._waiting_bytes >= WAITING_BYTES

    @property
    def settled(self) -> bool:
        """Whether nothing waits, is gathered or is on its way."""
        return self.empty and not self._waiting and self.flight is None

    def begin(self, positions: Mapping[int, int | None]) -> None:
        """Drop what was gathered; these are the partitions now, and where the database stands."""
        self._waiting.clear()
        self._waiting_bytes = 0
        self._assembler.clear()
        self._read.clear()
        self._positions = dict(positions)

    def put(self, record: Record) -> None:
        """Have a record wait until there is room for it."""
        self._waiting.append(record)
        self._waiting_bytes += len(record.value or b"")

    def meet(self, numbers: Mapping[bytes, int]) -> None:
        """Learn at once of the vehicles whose messages wait; may need the database.

        Args:
            numbers: the vehicles' numbers, by the keys of messages.
        """
        keys = {record.key for record in self._waiting}
        self._assembler.meet([number for key, number in numbers.items() if key in keys])

    def gather(self, patiently: Callable[[Callable[[], None]], None]) -> bool:
        """Take up the next record that waits; False where none does.

        Args:
            patiently: runs what may need the database, again and again.
        """
        if not self._waiting:
            return False
        record = self._waiting.popleft()
        self._waiting_bytes -= len(record.value or b"")
        if self._assembler.empty:
            self._first_gathered = monotonic()
        patiently(lambda: self._assembler.add(record))
        self._read[record.partition] = record.offset + 1
        return True

    def due(self, *, frames: int, seconds: float) -> bool:
        """Whether what was gathered is that much work, or has waited that long [s]."""
        if self._assembler.empty:
            return False
        return self.full(frames) or monotonic() - self._first_gathered >= seconds

    def full(self, frames: int) -> bool:
        """Whether what was gathered is as much work as one batch may be."""
        return self._assembler.weight >= frames

    def send_off(self, *, cluster_id: str, topic_id: UUID, topic: str) -> None:
        """Hand what was gathered to the writing thread, and begin anew."""
        offsets = tuple(
            OffsetAdvance(
                cluster_id=cluster_id,
                topic_id=topic_id,
                topic=topic,
                partition=partition,
                expected=self._positions[partition],
                next_offset=next_offset,
            )
            for partition, next_offset in sorted(self._read.items())
        )
        read = dict(self._read)
        self._positions |= read
        self._read.clear()
        gathered, now = self._assembler.take(), datetime.now(tz=UTC)
        self.flight = self.writing.write(
            partial(self._assembler.lay_out, gathered, now, offsets), read
        )
