"""A topic's records, with the offsets kept by the caller and by nobody else.

kafka-python calls back on its own thread when partitions come and go. The callback does no more
than note it and hold the new partitions still (paused, at a position nobody fetches from); the
worker's thread then asks the database where they stand, seeks there and lets them go. So no
position ever comes from Kafka's own bookkeeping, and none is reset silently.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import kafka
from kafka import errors as kafka_errors

from ingest.errors import IngestError, KafkaUnreachableError, OffsetOutOfRangeError
from ingest.kafka.client import client_arguments, refused, refuses, unreachable
from ingest.kafka.fetching import RawBatch, bound
from ingest.kafka.topics import identify
from ingest.record import Record, content_type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from ingest.settings import IngestSettings

FETCH_MAX_BYTES = 8 << 20
"""What one fetch brings at the most, of all partitions [bytes]: it bounds a worker's memory."""

PARTITION_FETCH_BYTES = 3 << 20
"""What one fetch brings of a partition at the most [bytes]: much of a backlog's batch is then of
one partition, so that its vehicles come again in it, and their state is written once a batch."""

POLL_RECORDS = 100
"""Messages that one poll brings at the most: a stop is noticed between polls."""

MIRROR_S = 2.0
"""How long a worker that leaves waits for Kafka to note its offsets [s]."""

logger = logging.getLogger(__name__)


class FrameSource:
    """Reads a topic as a member of a consumer group; the caller keeps the offsets.

    Args:
        settings: topic, group and how to connect.
        bootstrap: host:port,... of the brokers.

    Attributes:
        topic: its name.
        cluster_id: the cluster's own id.
        topic_id: the topic's own id, as `identify` found it last.

    Raises:
        KafkaRefusedError: the broker refuses us.
        KafkaUnreachableError: no broker answers, or the topic does not exist.
    """

    def __init__(self, settings: IngestSettings, bootstrap: str) -> None:
        self.topic = settings.topic
        self._settings, self._bootstrap = settings, bootstrap
        self.identify()
        self._going: frozenset[int] = frozenset()
        self._read_as: UUID | None = None
        """The topic's id in the library's metadata when its partitions were let go."""
        self._mirrored: dict[kafka.TopicPartition, kafka.OffsetAndMetadata] = {}
        session_ms = int(settings.session_timeout_s * 1000)
        try:
            self._consumer = kafka.KafkaConsumer(
                **client_arguments(settings, bootstrap),
                group_id=settings.group,
                enable_auto_commit=False,
                auto_offset_reset="none",
                fetch_max_bytes=FETCH_MAX_BYTES,
                max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
                max_poll_records=POLL_RECORDS,
                session_timeout_ms=session_ms,
                heartbeat_interval_ms=session_ms // 4,
                metrics_enabled=False,
            )
            bound(self._consumer, settings.inflated_batch_bytes)
            self._noted = _Assignment(self._consumer)
            self._consumer.subscribe([settings.topic], listener=self._noted)
            # A group's leader shares out the partitions it knows of: without this, none at first.
            self._consumer.topics()
        except kafka_errors.KafkaError as error:
            raise unreachable(settings, bootstrap, error) from error

    def poll(self, timeout_s: float) -> list[Record]:
        """Wait for records; ask `assignment_changed` before using them.

        A broker that is away brings no records, and the library connects again by itself. Where the
        topic turns out to be another one under the same name, that is a change of assignment.

        Raises:
            OffsetOutOfRangeError: the log does not reach back to where the database stands.
            IngestError: Kafka refuses, or a message in the log cannot be read as one.
        """
        try:
            polled = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        except kafka_errors.OffsetOutOfRangeError as error:
            if self._made_again():
                self._noted.changed.set()
                return []
            raise self._out_of_range(error) from error
        except kafka_errors.RetriableError as error:
            # The library lets a lost connection through where it was about to ask for the group's
            # coordinator; it goes on where it is polled again.
            logger.warning("Kafka at %s is away for now: %s", self._bootstrap, error)
            time.sleep(timeout_s)
            return []
        except Exception as error:
            if refuses(error):
                raise refused(self._settings, self._bootstrap, error) from error
            # Besides its own errors, the library raises whatever its parser of records met. It must
            # not be polled again after one: it would wait for the rest of that record for ever.
            raise IngestError(
                f"Reading {self._standing()} failed: {type(error).__name__}: {error}. If it fails "
                "there again after a restart, the record at that offset is not one Kafka's own "
                "clients write: look at it, and to pass it over move the row of table "
                "ingest_offset to the offset to go on from."
            ) from error
        self._remember_rebalance()
        if self._consumer._cluster.topic_id(self.topic) != self._read_as:  # noqa: SLF001 - it offers no other way to see it
            self._noted.changed.set()
            return []
        return [
            Record(
                topic=self.topic,
                partition=partition.partition,
                offset=message.offset,
                key=message.key,
                value=bytes(message.value)
                if isinstance(message.value, RawBatch)
                else message.value,
                content_type=content_type_of(message.headers),
                headers=tuple(message.headers),
                unread=message.value.why if isinstance(message.value, RawBatch) else "",
            )
            for partition, messages in polled.items()
            for message in messages
        ]

    def assignment_changed(self) -> bool:
        """Whether partitions came or went since `assignment`; what was polled is then void."""
        return self._noted.changed.is_set()

    def assignment_complete(self) -> bool:
        """Whether the group has shared out its partitions; until then, only `poll`.

        The library takes up a rebalance only while it is polled, and begins it again otherwise.
        """
        return not self._noted.moving

    def assignment(self) -> frozenset[int]:
        """The partitions this member has now; clears `assignment_changed`, and lets none go."""
        self._going = frozenset()
        self._read_as = self._consumer._cluster.topic_id(self.topic)  # noqa: SLF001 - as in `poll`
        self._noted.changed.clear()
        return frozenset(partition.partition for partition in self._consumer.assignment())

    def identify(self) -> None:
        """Look which topic has the name now: one deleted and made again is another one.

        Raises:
            KafkaUnreachableError: no broker answers, or the topic is no more.
        """
        self.cluster_id, self.topic_id = identify(self._settings, self._bootstrap, self.topic)

    def start_at(self, offsets: Mapping[int, int | None]) -> None:
        """Read each partition from there (None: from its beginning) and let it go."""
        for partition in self._assigned(offsets):
            offset = offsets[partition.partition]
            if offset is None:
                self._consumer.seek_to_beginning(partition)
            else:
                self._consumer.seek(partition, offset)
            self._consumer.resume(partition)
        self._going |= frozenset(offsets)
        if self._read_as is None:  # else it may have been made again since `assignment`
            self._read_as = self._consumer._cluster.topic_id(self.topic)  # noqa: SLF001 - as in `poll`

    def assign_again(self) -> None:
        """Have `assignment_changed` say so once more: the last one could not be taken up."""
        self._noted.changed.set()

    def hold(self, partitions: Iterable[int]) -> None:
        """Fetch nothing of these partitions until `release`; the others go on."""
        self._consumer.pause(*self._assigned(partitions))

    def release(self, partitions: Iterable[int]) -> None:
        """Fetch again of these partitions what `start_at` had let go."""
        if not self.assignment_changed():
            self._consumer.resume(*self._assigned(self._going.intersection(partitions)))

    def pause(self) -> None:
        """Fetch nothing until `resume`; the membership stays alive as long as `poll` is called."""
        self._consumer.pause(*self._consumer.assignment())

    def resume(self) -> None:
        """Fetch again what `start_at` had let go; what came since waits for its own `start_at`."""
        if not self.assignment_changed():
            self._consumer.resume(*self._assigned(self._going))

    def mirror(self, offsets: Mapping[int, int]) -> None:
        """Tell Kafka how far the database is, for lag tools; nothing of ours reads it back."""
        known = {
            partition: kafka.OffsetAndMetadata(offsets[partition.partition], "", -1)
            for partition in self._assigned(offsets)
        }
        if known:
            self._mirrored |= known
            self._consumer.commit_async(known)

    def close(self) -> None:
        """Leave the group."""
        try:
            last = {p: self._mirrored[p] for p in self._consumer.assignment() & set(self._mirrored)}
            if last:
                self._consumer.commit(last, timeout_ms=int(MIRROR_S * 1000))
        except kafka_errors.KafkaError as error:
            logger.info("Kafka did not note the last offsets, the database has them: %s", error)
        finally:
            self._consumer.close(autocommit=False, timeout_ms=5000)

    def _made_again(self) -> bool:
        """Whether the name stands for another topic by now, or for none: its offsets are void."""
        try:
            return (self.cluster_id, self.topic_id) != identify(
                self._settings, self._bootstrap, self.topic
            )
        except KafkaUnreachableError:
            return True

    def _remember_rebalance(self) -> None:
        """Go on with a rebalance that the library has forgotten.

        kafka-python 3.0.12 forgets one that changed metadata began and that one poll could not end:
        it no longer needs to join, so never takes up what it joined, and fetches nothing any more.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001 - it offers no other way to see or mend it
        if coordinator.rejoining and not coordinator.need_rejoin():
            coordinator.request_rejoin()

    def _assigned(self, numbers: Iterable[int]) -> list[kafka.TopicPartition]:
        assigned = self._consumer.assignment()
        wanted = [kafka.TopicPartition(self.topic, number) for number in numbers]
        return [partition for partition in wanted if partition in assigned]

    def _standing(self) -> str:
        """Every partition of this member with the offset it is read from."""
        return ", ".join(
            f"{partition.topic}[{partition.partition}] at offset {state.position.offset}"
            for partition, state in sorted(self._consumer._subscription.assignment.items())  # noqa: SLF001 - `position` would ask the broker
            if state.position is not None
        )

    def _out_of_range(self, error: Exception) -> OffsetOutOfRangeError:
        wanted = {p.partition: o for p, o in (error.args[0] if error.args else {}).items()}
        partitions = [kafka.TopicPartition(self.topic, number) for number in wanted]
        try:
            first = self._consumer.beginning_offsets(partitions)
            last = self._consumer.end_offsets(partitions)
        except kafka_errors.KafkaError:
            first = last = dict.fromkeys(partitions, "?")
        stands = "; ".join(
            f"{p.topic}[{p.partition}] is wanted from offset {wanted[p.partition]} but holds "
            f"{first[p]} to {last[p]}"
            for p in partitions
        )
        return OffsetOutOfRangeError(
            f"{stands}. Messages were deleted before they were read, or this is another log than "
            "the one the database knows. If the loss is accepted, move the row of table "
            "ingest_offset to the offset to go on from."
        )


class _Assignment(kafka.ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Notes on kafka-python's thread that partitions came or went, and holds new ones still."""

    def __init__(self, consumer: kafka.KafkaConsumer) -> None:
        self.changed = threading.Event()
        self.moving = True
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: Iterable[kafka.TopicPartition]) -> None:
        self.moving = True
        if revoked:
            self.changed.set()

    def on_partitions_assigned(self, assigned: Iterable[kafka.TopicPartition]) -> None:
        self.changed.set()
        for partition in assigned:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)
        self.moving = False
