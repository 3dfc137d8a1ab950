"""A message as it lies in Kafka, and the letter it becomes when it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTENT_TYPE_HEADER = "content-type"

LETTER_HEADER_PREFIX = "refused-"
"""Headers of this prefix are ours; all others of a letter are the message's own."""

LEFT_OUT = "left-out"
"""After the prefix: bytes of a message that the dead-letter topic does not take; it lies where it
was refused, as long as that topic keeps it."""

REPLAYED_FROM_HEADER = "replayed-from"
"""Where a message was refused that now comes again: topic/partition/offset."""

DETAIL_LENGTH = 1000
"""A letter's detail is cut here [characters]."""


class Reason(StrEnum):
    """Why frames were refused that could be read; `schemas.wire.Refusal` has the other reasons."""

    UNKNOWN_VEHICLE = "unknown_vehicle"
    """The VIN is in no register and the settings do not let ingest register it."""

    OTHER_CELL = "other_cell"
    """The vehicle is kept in another region's database: send it there."""

    TOO_FAR_AHEAD = "too_far_ahead"
    """The frame's or event's time lies further ahead of our clock than the tolerance."""

    TOO_OLD = "too_old"
    """Older than the retention: history enters by a bulk load."""

    UNKNOWN_SIGNAL = "unknown_signal"
    """The message holds signals this catalogue does not have; all others of it were stored."""

    UNREADABLE_BATCH = "unreadable_batch"
    """A record batch that inflates beyond the limit, or is no batch within: kept as it is."""

    DATABASE_REFUSED = "database_refused"
    """The database refuses what the message holds, and takes what came with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One message of a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    """None is a tombstone, which is no message of a vehicle."""
    content_type: str | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    """All of them, as they came."""
    unread: str = ""
    """Why it could not be read out of its batch, whose bytes are then the value."""

    @property
    def replayed(self) -> bool:
        """Whether it was refused before and comes again: it then only fills gaps."""
        return any(name == REPLAYED_FROM_HEADER for name, _ in self.headers)


def content_type_of(headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """What the headers say the bytes are; None where they do not."""
    for name, value in headers:
        if name.lower() == CONTENT_TYPE_HEADER and value is not None:
            return value.decode("utf-8", "replace")
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A refused message: why, and the message as it came, byte for byte."""

    record: Record
    reason: str
    detail: str
    vin: str | None = None
    frames: tuple[int, ...] = ()
    """The refused frames, by place among the message's distinct times; empty: all, or none."""

    def headers(self) -> list[tuple[str, bytes]]:
        """The message's own headers (a null value as empty), then why and where it was refused."""
        return [*((name, value or b"") for name, value in self.record.headers), *self._ours()]

    def pointer_headers(self) -> list[tuple[str, bytes]]:
        """Those of ours, and how much was left where it is: the message itself does not fit."""
        size = len(self.record.value or b"")
        return [*self._ours(), (LETTER_HEADER_PREFIX + LEFT_OUT, str(size).encode())]

    def _ours(self) -> list[tuple[str, bytes]]:
        record = self.record
        fields = {
            "reason": self.reason,
            "detail": self.detail[:DETAIL_LENGTH],
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "vin": self.vin or "",
            "frames": ",".join(map(str, self.frames)),
        }
        return [
            (LETTER_HEADER_PREFIX + name, text.encode("utf-8", "backslashreplace"))
            for name, text in fields.items()
            if text
        ]
