"""A batch that the database refuses is halved until what it refuses stands alone and is buried.

Only what the database says of the content counts (a value, a constraint). A full disk, a lost
connection, a deadlock or a server that only reads is waited for; tables that are not the ones this
version expects stop the worker. Each part advances the offsets as a batch of its own, by
compare-and-set, so that nothing is written twice and a worker that dies between two parts is
followed by one that goes on there. One message to bury costs at most two parts for each halving.

Where nothing is taken any more, and always for the same reason, the fault is ours: then the worker
stops before it buries the stream.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ingest.errors import EverythingRefusedError
from ingest.record import Reason
from schemas.wire import decode
from storage.errors import BatchRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.assemble import Assembled, Assembler
    from ingest.record import Record
    from schemas.catalogue import Catalogue
    from storage.batch import OffsetAdvance

REFUSED_VEHICLES = 20
"""So many vehicles refused in a row for one reason, and nothing taken between: a fault of ours."""

REFUSED_MESSAGES = 1000
"""Likewise so many messages, of however few vehicles."""

logger = logging.getLogger(__name__)


class WritePart(Protocol):
    """Writes a part of a batch, however long database and broker are away."""

    def __call__(self, part: Assembled, *, buried: bool) -> None:
        """Write it; `buried` says that its letters are safe already.

        Raises:
            BatchRefusedError: the database refuses what is in it.
        """


class Isolation:
    """Finds the messages that the database refuses, and knows how many it has refused lately.

    Args:
        assembler: one of its own, for what the worker gathers meanwhile stands in the other.
        catalogue: names the signals of JSON.
    """

    def __init__(self, assembler: Assembler, catalogue: Catalogue) -> None:
        self._assembler, self._catalogue = assembler, catalogue
        self._kind = ""
        self._vehicles: set[str] = set()
        self._messages = 0

    def note_written(self, assembled: Assembled) -> None:
        """The database has taken this: what it refuses is not all there is."""
        batch = assembled.batch
        if batch.groups or batch.triggers or batch.driver_changes or batch.trouble_codes:
            self._vehicles.clear()
            self._messages = 0

    def write(self, refused: Assembled, refusal: BatchRefusedError, write: WritePart) -> None:
        """Write all of a refused batch that can be written and bury the rest.

        Raises:
            EverythingRefusedError: too many messages in a row are refused for one reason.
        """
        logger.warning("%s It is written in parts, to find the message.", refusal)
        stands = {advance.partition: advance for advance in refused.batch.offsets}
        # What stands alone was refused alone: it need not be tried again.
        parts: deque[tuple[Sequence[Record], BatchRefusedError | None]] = deque()
        _push(parts, refused.records, refusal)
        self._assembler.clear()
        while parts:
            records, why = parts.popleft()
            offsets = _advances(records, stands)
            try:
                if why is None:
                    write(self._assemble(records, refused, offsets), buried=True)
                else:
                    write(self._bury(records[0], why, refused, offsets), buried=False)
            except BatchRefusedError as error:
                if why is not None:  # not even the counts and the offset are taken
                    raise
                _push(parts, records, error)
                continue
            for advance in offsets:
                stands[advance.partition] = replace(advance, expected=advance.next_offset)

    def _assemble(
        self, records: Sequence[Record], refused: Assembled, offsets: Sequence[OffsetAdvance]
    ) -> Assembled:
        for record in records:
            self._assembler.add(record)
        # By the clock of the first try: what is too old now has no letter that says so.
        return self._assembler.build(refused.now, offsets)

    def _bury(
        self,
        record: Record,
        refusal: BatchRefusedError,
        refused: Assembled,
        offsets: Sequence[OffsetAdvance],
    ) -> Assembled:
        # It was read once: nothing that cannot be read has anything that the database refuses.
        vin = decode(record.content_type, record.value or b"", self._catalogue).vin
        self._note_refused(record, vin, refusal)
        self._assembler.refuse(record, Reason.DATABASE_REFUSED, str(refusal), vin)
        return self._assembler.build(refused.now, offsets)

    def _note_refused(self, record: Record, vin: str, refusal: BatchRefusedError) -> None:
        if refusal.kind != self._kind:
            self._kind, self._messages = refusal.kind, 0
            self._vehicles.clear()
        self._vehicles.add(vin)
        self._messages += 1
        if len(self._vehicles) >= REFUSED_VEHICLES or self._messages >= REFUSED_MESSAGES:
            raise EverythingRefusedError(
                f"The database has refused {self._messages} messages of {len(self._vehicles)} "
                f"vehicles in a row ({refusal.kind}) and taken none: that is no fault of theirs. "
                f"{record.topic}[{record.partition}] stands before offset {record.offset}. Look at "
                f"the tables ({refusal}), then start the worker again and send the messages again: "
                f"telemetry dead-letters replay --reason {Reason.DATABASE_REFUSED}."
            ) from refusal


def _push(
    parts: deque[tuple[Sequence[Record], BatchRefusedError | None]],
    records: Sequence[Record],
    refusal: BatchRefusedError,
) -> None:
    """Put the halves of what was refused before all that comes after it."""
    if len(records) == 1:
        parts.appendleft((records, refusal))
        return
    middle = len(records) // 2
    parts.appendleft((records[middle:], None))
    parts.appendleft((records[:middle], None))


def _advances(
    records: Sequence[Record], stands: dict[int, OffsetAdvance]
) -> tuple[OffsetAdvance, ...]:
    """How far the partitions are read with these records, from where they stand."""
    last = {record.partition: record.offset for record in records}
    return tuple(
        replace(stands[partition], next_offset=offset + 1)
        for partition, offset in sorted(last.items())
    )
