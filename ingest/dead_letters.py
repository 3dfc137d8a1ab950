"""Dead letters read again: what each says, which are wanted, and back to where they came from.

A message may have several letters: one a reason, the same one again where a worker died between
burying and committing, and one more each time it is replayed and refused again. They are told apart
by where the message was refused first, by reason and by frames; of equal ones the first is taken.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.errors import DeadLetterError
from ingest.record import (
    LEFT_OUT,
    LETTER_HEADER_PREFIX,
    REPLAYED_FROM_HEADER,
    content_type_of,
)
from schemas.vin import VinError, check_vin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from ingest.kafka import Publisher
    from ingest.kafka.log import Entry

Headers = tuple[tuple[str, bytes | None], ...]

FLUSH_BYTES = 16 << 20
"""What a replay hands over before it waits until the broker has it [bytes]: it bounds memory."""

NUMBER_LENGTH = 19
"""Digits of the largest offset, which is a 64-bit number."""

logger = logging.getLogger(__name__)

_FIRST_OF_OURS = f"{LETTER_HEADER_PREFIX}reason"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a message lies; as text topic/partition/offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read such a text.

        Raises:
            DeadLetterError: it is none.
        """
        topic, *numbers = text.split("/")
        if not topic or len(numbers) != 2 or not all(map(_is_number, numbers)):
            raise DeadLetterError(f"{text!r} is no place: write topic/partition/offset.")
        return cls(topic=topic, partition=int(numbers[0]), offset=int(numbers[1]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A dead letter as it lies in its topic."""

    place: Place
    """Its own, in the dead-letter topic."""
    buried: datetime
    reason: str
    detail: str
    vin: str | None
    """As ingest read it; of a message it could not read the key, where that is a VIN."""
    source: Place
    """Where the message was refused."""
    origin: Place
    """Where it was refused first; not the same as `source` if it was replayed since."""
    frames: str
    """Places of the refused frames among the message's times, "0,12"; empty: all, or none."""
    key: bytes | None
    value: bytes | None
    headers: Headers
    """The message's own."""
    left_out: int | None = None
    """Size of a message too large for the topic [bytes]: it lies at `source` alone."""

    @property
    def size(self) -> int:
        """Of the message [bytes]."""
        return len(self.value or b"") if self.left_out is None else self.left_out

    @property
    def content_type(self) -> str | None:
        """What the message says it is."""
        return content_type_of(self.headers)

    def headers_back(self) -> list[tuple[str, bytes]]:
        """The message's own headers, and where it was refused first."""
        own = [(name, value or b"") for name, value in self.headers if name != REPLAYED_FROM_HEADER]
        return [*own, (REPLAYED_FROM_HEADER, str(self.origin).encode())]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which letters: those that have all that is named here."""

    reason: str | None = None
    vin: str | None = None
    buried_from: datetime | None = None
    buried_to: datetime | None = None
    """Before this time."""

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is one of them."""
        return (
            (self.reason is None or letter.reason == self.reason)
            and (self.vin is None or letter.vin == self.vin)
            and (self.buried_from is None or letter.buried >= self.buried_from)
            and (self.buried_to is None or letter.buried < self.buried_to)
        )


def letter_of(entry: Entry) -> Letter:
    """Read a record of the dead-letter topic.

    Raises:
        DeadLetterError: ingest has not written it: the headers that say why are not there.
    """
    record = entry.record
    place = Place(topic=record.topic, partition=record.partition, offset=record.offset)
    # Ours stand last, whatever the sender's own are called, and begin with the reason.
    names = [name for name, _ in record.headers]
    if _FIRST_OF_OURS not in names:
        raise DeadLetterError(f"{place} is no dead letter: it has no header {_FIRST_OF_OURS}.")
    first = len(names) - 1 - names[::-1].index(_FIRST_OF_OURS)
    own = record.headers[:first]
    ours = {
        name.removeprefix(LETTER_HEADER_PREFIX): (value or b"").decode("utf-8", "replace")
        for name, value in record.headers[first:]
    }
    source = Place.parse("/".join(ours.get(name, "") for name in ("topic", "partition", "offset")))
    return Letter(
        place=place,
        buried=entry.written,
        reason=ours["reason"],
        detail=ours.get("detail", ""),
        vin=ours.get("vin") or _vin_of(record.key),
        source=source,
        origin=_origin(own) or source,
        frames=ours.get("frames", ""),
        key=record.key,
        value=record.value,
        headers=own,
        left_out=int(left_out) if _is_number(left_out := ours.get(LEFT_OUT, "")) else None,
    )


def letters(entries: Iterable[Entry], wanted: Wanted) -> Iterator[Letter]:
    """The letters that are wanted, each once; what ingest has not written is passed over.

    Of each, 16 bytes are kept to know it again; nothing else is.
    """
    seen: set[bytes] = set()
    for entry in entries:
        try:
            letter = letter_of(entry)
        except DeadLetterError:
            continue
        if not wanted.takes(letter):
            continue
        text = "\n".join((str(letter.origin), letter.reason, letter.frames))
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if key not in seen:
            seen.add(key)
            yield letter


def replay(found: Iterable[Letter], publisher: Publisher) -> int:
    """Send letters' messages back to the topic they came from; returns how many.

    A message of several letters is sent once for each: ingest takes in what is not there yet. What
    was left where it lies is passed over: no topic with the same limits takes it.

    Raises:
        KafkaUnreachableError: not all were delivered; replay again, it does no harm.
        MessageTooLargeError: the topic does not take one of them.
    """
    sent = waiting = 0
    for letter in found:
        if letter.left_out is not None:
            logger.warning(
                "%s was left at %s, %d bytes: not sent", letter.place, letter.source, letter.size
            )
            continue
        publisher.send_back(letter.source.topic, letter.key, letter.value, letter.headers_back())
        sent, waiting = sent + 1, waiting + letter.size
        if waiting >= FLUSH_BYTES:
            publisher.flush()
            waiting = 0
    publisher.flush()
    return sent


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= NUMBER_LENGTH


def _vin_of(key: bytes | None) -> str | None:
    text = (key or b"").decode("utf-8", "replace")
    try:
        check_vin(text)
    except VinError:
        return None
    return text


def _origin(headers: Headers) -> Place | None:
    """What the header of a replay says; a sender's own nonsense under its name says nothing."""
    for name, value in headers:
        if name == REPLAYED_FROM_HEADER:
            try:
                return Place.parse((value or b"").decode("utf-8", "replace"))
            except DeadLetterError:
                return None
    return None
