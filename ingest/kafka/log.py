"""A topic read as a log: by whoever asks, from its beginning to where it ended when asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import kafka
from kafka import errors as kafka_errors

from ingest.clock import as_microseconds
from ingest.errors import DeadLetterError, KafkaUnreachableError
from ingest.kafka.client import client_arguments, open_admin, unreachable
from ingest.kafka.topics import identify
from ingest.record import Record, content_type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from ingest.kafka_settings import KafkaSettings

T = TypeVar("T")

FETCH_BYTES = 8 << 20
"""What one fetch brings at the most [bytes], or one message where that is larger."""

POLL_RECORDS = 100
"""Messages that one poll hands over at the most."""

SILENCE_S = 30.0
"""A log that has more, and brings nothing for so long, is given up [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A record and when it was written."""

    record: Record
    written: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The offsets of a partition from `first` up to, not including, `end`."""

    first: int
    end: int


class TopicLog:
    """Reads a topic as a member of no group: nothing moves by reading.

    Args:
        topic: its name.
        settings: how to connect.
        bootstrap: host:port,... of the brokers.

    Raises:
        KafkaRefusedError: the broker refuses us.
        KafkaUnreachableError: no broker answers, or the topic does not exist.
    """

    def __init__(self, topic: str, settings: KafkaSettings, bootstrap: str) -> None:
        self._topic, self._settings, self._bootstrap = topic, settings, bootstrap
        identify(settings, bootstrap, topic)
        try:
            self._consumer = kafka.KafkaConsumer(
                **client_arguments(settings, bootstrap),
                group_id=None,
                enable_auto_commit=False,
                # What is deleted while we read was not there; nobody counts on it.
                auto_offset_reset="earliest",
                fetch_max_bytes=FETCH_BYTES,
                max_partition_fetch_bytes=FETCH_BYTES,
                max_poll_records=POLL_RECORDS,
                metrics_enabled=False,
            )
            numbers = self._consumer.partitions_for_topic(topic) or ()
        except kafka_errors.KafkaError as error:
            raise unreachable(settings, bootstrap, error) from error
        self._partitions = [kafka.TopicPartition(topic, number) for number in sorted(numbers)]

    def __enter__(self) -> TopicLog:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._consumer.close(autocommit=False, timeout_ms=5000)

    def entries(self) -> Iterator[Entry]:
        """All records up to where the log ends now, each partition's in order.

        Raises:
            KafkaUnreachableError: the broker went away.
        """
        yield from self._read(self._answer(self._spans))

    def entry(self, partition: int, offset: int) -> Entry:
        """One record.

        Raises:
            DeadLetterError: the log does not hold it.
            KafkaUnreachableError: the broker went away.
        """
        span = self._answer(self._spans).get(partition)
        if span is None or not span.first <= offset < span.end:
            held = "no such partition" if span is None else f"offsets {span.first} to {span.end}"
            raise DeadLetterError(
                f"{self._topic}[{partition}] does not hold offset {offset} ({held}): it was "
                "deleted, or never there."
            )
        for entry in self._read({partition: Span(first=offset, end=offset + 1)}):
            return entry
        raise DeadLetterError(f"{self._topic}[{partition}] has no message at offset {offset}.")

    def spans(self, timeout_s: float | None = None) -> dict[int, Span]:
        """By partition, where the log begins and ends now.

        Args:
            timeout_s: how long each of both answers may take [s]; None: as long as any request.

        Raises:
            KafkaUnreachableError: the broker went away.
        """
        return self._answer(lambda: self._spans(timeout_s))

    def before(self, time: datetime) -> dict[int, Span]:
        """By partition: the records that stand before the first one written at that time or later.

        Raises:
            KafkaUnreachableError: the broker went away.
        """
        return self._answer(lambda: self._spans_before(time))

    def delete(self, spans: Mapping[int, Span]) -> None:
        """Delete these and whatever stands before them: a log only loses its beginning.

        Raises:
            DeadLetterError: the broker does not let us.
        """
        wanted = {
            kafka.TopicPartition(self._topic, number): span.end
            for number, span in spans.items()
            if span.first < span.end
        }
        if not wanted:
            return
        admin = open_admin(self._settings, self._bootstrap)
        try:
            admin.delete_records(wanted)
        except kafka_errors.KafkaError as error:
            raise DeadLetterError(
                f"The beginning of {self._topic} could not be deleted: {error}. The topic needs "
                "cleanup.policy=delete, and this client the right to delete."
            ) from error
        finally:
            admin.close()

    def _read(self, spans: Mapping[int, Span]) -> Iterator[Entry]:
        ends = {kafka.TopicPartition(self._topic, n): span.end for n, span in spans.items()}
        self._consumer.assign(list(ends))
        for partition in ends:
            self._consumer.seek(partition, spans[partition.partition].first)
        heard = monotonic()
        while left := {p for p, end in ends.items() if self._position(p) < end}:
            self._consumer.pause(*(ends.keys() - left))
            polled = self._answer(lambda: self._consumer.poll(timeout_ms=500))
            if polled:
                heard = monotonic()
            elif monotonic() - heard > SILENCE_S:
                raise KafkaUnreachableError(
                    f"Kafka at {self._bootstrap} has brought nothing of {self._topic} for "
                    f"{SILENCE_S:g} s, and there is more of it: is the broker up?"
                )
            for partition, messages in polled.items():
                for message in messages:
                    if message.offset < ends[partition]:
                        yield _entry(message)

    def _position(self, partition: kafka.TopicPartition) -> int:
        return int(self._answer(lambda: self._consumer.position(partition)))

    def _spans(self, timeout_s: float | None = None) -> dict[int, Span]:
        timeout_ms = None if timeout_s is None else int(timeout_s * 1000)
        first = self._consumer.beginning_offsets(self._partitions, timeout_ms=timeout_ms)
        end = self._consumer.end_offsets(self._partitions, timeout_ms=timeout_ms)
        return {p.partition: Span(first=first[p], end=end[p]) for p in self._partitions}

    def _spans_before(self, time: datetime) -> dict[int, Span]:
        spans = self._spans()
        # Kafka's times are whole milliseconds: rounded up, "before" stays before.
        time_ms = max(0, -(-as_microseconds(time) // 1000))
        found = self._consumer.offsets_for_times(dict.fromkeys(self._partitions, time_ms))
        return {
            p.partition: Span(first=spans[p.partition].first, end=found[p].offset)
            if found.get(p) is not None
            else spans[p.partition]
            for p in self._partitions
        }

    def _answer(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except kafka_errors.KafkaError as error:
            raise unreachable(self._settings, self._bootstrap, error) from error


def _entry(message: Any) -> Entry:
    return Entry(
        record=Record(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            key=message.key,
            value=message.value,
            content_type=content_type_of(message.headers),
            headers=tuple(message.headers),
        ),
        written=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=message.timestamp),
    )
