"""Until when Kafka still holds what was sent: from the topics' settings as the brokers have them.

Kafka deletes whole segments of a partition, once the newest record of one is past `retention.ms`; a
segment goes on until it is full or `segment.ms` old. So a record is held for both together at the
most, and a little for the broker to look and delete. A topic that is compacted, or has no limit,
holds it for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ingest.kafka.topic_setup import look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.settings import IngestSettings

LOOKS_EVERY = timedelta(minutes=10)
"""Brokers look for old segments every five minutes and delete a minute later, unless told otherwise
[Apache Kafka documentation, log.retention.check.interval.ms, file.delete.delay.ms]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A topic, and for how long it holds a record at the most."""

    topic: str
    exists: bool
    retention: timedelta | None
    """As `retention.ms` says; None: without limit."""
    at_most: timedelta | None
    """After which a record is gone for certain; None: never."""
    is_deleted: bool
    """Whether the broker deletes what is old at all (`cleanup.policy`)."""


def held(settings: IngestSettings, bootstrap: str) -> list[Held]:
    """The topic of frames and that of dead letters, as the brokers have them.

    Raises:
        KafkaRefusedError: the broker does not let us in, or not look.
        KafkaUnreachableError: no broker answers.
    """
    return [
        held_by(topic.name, topic.configs if topic.partitions else None)
        for topic in look(settings, bootstrap)
    ]


def held_by(topic: str, configs: Mapping[str, str] | None) -> Held:
    """For how long a topic of such settings holds a record; None: it is not there."""
    if configs is None:
        return Held(topic=topic, exists=False, retention=None, at_most=None, is_deleted=True)
    is_deleted = "delete" in configs.get("cleanup.policy", "")
    retention = _span(configs.get("retention.ms"))
    segment = _span(configs.get("segment.ms"))
    at_most = None
    if is_deleted and retention is not None and segment is not None:
        at_most = retention + segment + LOOKS_EVERY
    return Held(
        topic=topic, exists=True, retention=retention, at_most=at_most, is_deleted=is_deleted
    )


def _span(milliseconds: str | None) -> timedelta | None:
    """None: without limit, or not told."""
    if milliseconds is None or not milliseconds.isdecimal():
        return None
    try:
        return timedelta(milliseconds=int(milliseconds))
    except OverflowError:
        return None
