"""What a reader and its lanes tell each other, pickled, over a pair of sockets of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from prometheus_client import Metric
    from pydantic import SecretStr

    from ingest.settings import IngestSettings
    from schemas.errors import TelemetryError
    from schemas.signal import Signal
    from storage.settings import StorageSettings

Packed = tuple[
    int, int, bytes | None, bytes | None, str | None, tuple[tuple[str, bytes | None], ...], str
]
"""A record's fields but its topic: a class takes longer to pickle."""

RECORD_BYTES = 500
"""What a record takes besides its bytes, about: counted, so that empty ones are bounded, too."""

HEADER_BYTES = 200
"""Likewise one of its headers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What a lane is started with; it holds a secret, so it comes this way alone."""

    settings: IngestSettings
    storage: StorageSettings
    bootstrap: str
    dsn: SecretStr
    catalogue_version: int
    signals: tuple[Signal, ...]
    """Of the catalogue, which is made anew: what it remembers cannot be pickled."""
    prepare: Callable[[], None] | None
    """Called first, to set up logging."""


@dataclass(frozen=True, slots=True)
class Moving:
    """Partitions come or go: what was handed over is void."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assigned:
    """These partitions are the lane's; it is to ask the database where they stand."""

    number: int
    """Counts the reader's assignments."""
    partitions: frozenset[int]
    cluster_id: str
    topic_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Begin:
    """A lane wants its partitions from there on (None: their beginning)."""

    number: int
    """The assignment this answers."""
    generation: int
    """Counts a lane's beginnings; what was handed over before the last one is void."""
    positions: Mapping[int, int | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """Messages for a lane, in the order in which they were read."""

    generation: int
    records: Sequence[Packed]


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A lane has taken up so many bytes of what it was handed, as `size_of` counts them."""

    generation: int
    size: int


@dataclass(frozen=True, slots=True)
class Written:
    """The database stands there now, by partition."""

    offsets: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Spans:
    """By partition: where the log begins and ends; None: Kafka was asked and did not answer."""

    spans: Mapping[int, tuple[int, int]] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """How a lane is: its metrics, and why it is not well, where it is not."""

    families: Sequence[Metric]
    fault: str | None


@dataclass(frozen=True, slots=True)
class Ready:
    """A lane is up, and waits for partitions."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A lane is to write what it has in hand and end."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A lane has ended as it should, or because of this error."""

    error: TelemetryError | None = None


def packed(record: Record) -> Packed:
    """A record's fields, as `Records` carries them."""
    return (
        record.partition,
        record.offset,
        record.key,
        record.value,
        record.content_type,
        record.headers,
        record.unread,
    )


def unpacked(topic: str, fields: Packed) -> Record:
    """The record again."""
    partition, offset, key, value, content_type, headers, unread = fields
    return Record(
        topic=topic,
        partition=partition,
        offset=offset,
        key=key,
        value=value,
        content_type=content_type,
        headers=headers,
        unread=unread,
    )


def size_of(fields: Packed) -> int:
    """What a record counts for where memory is bounded [bytes]; the same at both ends."""
    _, _, key, value, _, headers, _ = fields
    size = RECORD_BYTES + len(key or b"") + len(value or b"")
    return size + sum(HEADER_BYTES + len(name) + len(content or b"") for name, content in headers)
