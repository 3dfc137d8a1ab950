"""How far ingest is behind: where a topic's partitions end, beside where the database stands."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from kafka import errors as kafka_errors

from ingest.kafka import TopicLog
from ingest.kafka.client import open_admin, unreachable
from ingest.kafka.topics import identify
from storage.offsets import read_offsets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from ingest.kafka.log import Span
    from ingest.settings import IngestSettings
    from storage.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A worker of the consumer group, as Kafka's coordinator knows it."""

    client: str
    host: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """The topics as Kafka has them."""

    cluster_id: str
    topic_id: UUID
    spans: Mapping[int, Span]
    """By partition of the topic of frames."""
    at: float
    """When they were looked at [s], by the monotonic clock."""
    letters: int
    """Messages that the dead-letter topic holds."""
    members: tuple[Member, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionLag:
    """One partition."""

    partition: int
    end: int
    """The offset after its last message."""
    written: int | None
    """The offset after the last message that is in the database; None: none of it is."""
    lag: int
    """Messages that wait."""


def look(settings: IngestSettings, bootstrap: str) -> Ends:
    """Ask Kafka.

    Raises:
        TopicMissingError: a topic has not been made yet.
        KafkaUnreachableError: no broker answers.
    """
    cluster_id, topic_id = identify(settings, bootstrap, settings.topic)
    members = _members(settings, bootstrap)
    with TopicLog(settings.dead_topic, settings, bootstrap) as dead:
        letters = sum(span.end - span.first for span in dead.spans().values())
    with TopicLog(settings.topic, settings, bootstrap) as frames:
        return Ends(
            cluster_id=cluster_id,
            topic_id=topic_id,
            spans=frames.spans(),
            at=monotonic(),
            letters=letters,
            members=members,
        )


def lags(ends: Ends, connection: Connection) -> list[PartitionLag]:
    """Every partition of the topic, with what of it waits."""
    stored = read_offsets(connection, ends.cluster_id, ends.topic_id)
    return [
        PartitionLag(
            partition=number,
            end=span.end,
            written=stored.get(number),
            lag=max(0, span.end - max(span.first, stored.get(number, 0))),
        )
        for number, span in sorted(ends.spans.items())
    ]


def arrived(before: Ends, after: Ends) -> float:
    """Messages a second that came into the topic between two looks."""
    came = sum(
        span.end - before.spans[number].end
        for number, span in after.spans.items()
        if number in before.spans
    )
    return came / max(after.at - before.at, 1e-3)


def _members(settings: IngestSettings, bootstrap: str) -> tuple[Member, ...]:
    with closing(open_admin(settings, bootstrap)) as admin:
        try:
            described: dict[str, Any] = admin.describe_groups([settings.group])[settings.group]
        except kafka_errors.KafkaError as error:
            raise unreachable(settings, bootstrap, error) from error
    return tuple(
        Member(client=member["client_id"], host=member["client_host"].removeprefix("/"))
        for member in described["members"]
    )
