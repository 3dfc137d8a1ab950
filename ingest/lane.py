"""A lane: some of a worker's partitions, one batch being gathered and one being written.

PostgreSQL takes a connection's rows on one core, so a worker with two lanes writes over two. Lanes
share nothing but the poll: each advances the offsets of its own partitions in its own transactions,
as two workers would.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from storage.batch import OffsetAdvance
from storage.prepared import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from ingest.assemble import Assembled, Assembler
    from ingest.metrics import Stages
    from ingest.record import DeadLetter, Record
    from ingest.writing import Flight, WritingThread
    from schemas.catalogue import Catalogue
    from storage.prepared import Prepared

Ready = tuple["Assembled", "Prepared", dict[int, int]]
"""A batch made ready for the writing thread, and by partition the offset it reads up to."""

LETTERS_LOGGED = 10
"""Letters of one batch that are logged one by one; all are in the dead-letter topic."""

logger = logging.getLogger(__name__)


class Lane:
    """Gathers one batch while another one is written.

    Args:
        assembler: this lane's own.
        writing: the thread that writes its batches.
        catalogue: the signal catalogue.
        stages: told what the worker's thread does.

    Attributes:
        flight: the batch that is being written, None where there is none.
    """

    def __init__(
        self, assembler: Assembler, writing: WritingThread, catalogue: Catalogue, stages: Stages
    ) -> None:
        self._stages = stages
        self.writing = writing
        self.flight: Flight | None = None
        self._assembler, self._catalogue = assembler, catalogue
        self._positions: dict[int, int | None] = {}
        """By partition: where the database stands once the batch in flight is written."""
        self._read: dict[int, int] = {}
        """By partition: the offset after the last record gathered."""
        self._first_gathered = monotonic()

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions that are this lane's."""
        return frozenset(self._positions)

    @property
    def empty(self) -> bool:
        """Whether nothing is gathered."""
        return self._assembler.empty

    @property
    def frames(self) -> int:
        """Frames that are gathered and not yet handed over."""
        return self._assembler.frames

    def begin(self, positions: Mapping[int, int | None]) -> None:
        """Drop what was gathered; these are the partitions now, and where the database stands."""
        self._assembler.clear()
        self._read.clear()
        self._positions = dict(positions)

    def gather(self, record: Record, patiently: Callable[[Callable[[], None]], None]) -> None:
        """Take up a record; `patiently` runs what may need the database, again and again."""
        if self._assembler.empty:
            self._first_gathered = monotonic()
        patiently(lambda: self._assembler.add(record))
        self._read[record.partition] = record.offset + 1

    def due(self, *, frames: int, seconds: float) -> bool:
        """Whether what was gathered is that much work, or has waited that long [s]."""
        if self._assembler.empty:
            return False
        waited = monotonic() - self._first_gathered
        return self._assembler.weight >= frames or waited >= seconds

    def lay_out(self, *, cluster_id: str, topic_id: UUID, topic: str) -> Ready:
        """Make what was gathered ready to be written, and begin anew."""
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
        self._stages.mark("build")
        assembled = self._assembler.build(datetime.now(tz=UTC), offsets)
        log_letters(assembled.dead)
        read = dict(self._read)
        self._positions |= read
        self._read.clear()
        self._stages.mark("prepare")
        return assembled, prepare(assembled.batch, self._catalogue), read


def log_letters(letters: tuple[DeadLetter, ...]) -> None:
    """Say of a batch's letters why they were refused."""
    for letter in letters[:LETTERS_LOGGED]:
        record = letter.record
        logger.warning(
            "refused %s[%d] offset %d (%s): %s",
            record.topic,
            record.partition,
            record.offset,
            letter.reason,
            letter.detail,
            extra={
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "vin": letter.vin,
                "reason": str(letter.reason),
            },
        )
    if len(letters) > LETTERS_LOGGED:
        logger.warning("refused %d messages more", len(letters) - LETTERS_LOGGED)
