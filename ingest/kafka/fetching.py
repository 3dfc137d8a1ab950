"""What kafka-python has fetched, made into records within bounds; none of it ends the service.

A batch that cannot be read (it inflates beyond the limit, in a codec nobody knows, or is no batch
within) comes as one record in the place of its last: the bytes as they are, with the reason. So it
is passed over like any message, and kept. A batch that fails its checksum is no sender's doing, for
the broker checks it: that stays the library's error.

The library is taken as it is up to the bytes of a batch; it offers no way to bound what comes then.
Batches of format 0 and 1 stay its own: no broker of today takes them in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka import errors as kafka_errors
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint

from ingest.kafka.inflate import InflateError, inflate

if TYPE_CHECKING:
    from collections.abc import Iterator

    import kafka
    from kafka.record.memory_records import MemoryRecords

Headers = list[tuple[str, bytes | None]]

POLL_BYTES = 16 << 20
"""One poll hands over what is no more than this, and the message that goes beyond it [bytes]."""

MAX_HEADERS = 1000
"""Headers of a message; each costs fifty times its two bytes in memory."""


class RawBatch(bytes):
    """The bytes of a batch that cannot be read; as a record's value.

    Attributes:
        why: what is wrong with it, and which offsets it holds.
    """

    why: str


def bound(consumer: kafka.KafkaConsumer, inflated_limit: int) -> None:
    """Have a consumer read within bounds.

    Args:
        consumer: has fetched nothing yet.
        inflated_limit: the most that the records of a batch may come to [bytes].
    """
    fetcher = consumer._fetcher  # noqa: SLF001 - it offers no other way
    fetcher.__class__ = _BoundedFetcher
    fetcher.inflated_limit = inflated_limit
    fetcher.polled_bytes = 0


class _BoundedFetcher(Fetcher):  # type: ignore[misc]  # kafka-python has no types
    """Ends a poll at its bytes, too, not at its records alone, and fetches ahead."""

    inflated_limit: int
    polled_bytes: int
    _next_partition_records: Any

    def fetched_records(self, *arguments: Any, **named: Any) -> Any:
        self.polled_bytes = 0
        if not self._next_partition_records:
            # kafka-python 3.0.12 takes up what it parked while a partition was paused only where
            # there is None here, and leaves what it has read to the end: that was never read on.
            self._next_partition_records = None
        records, _ = super().fetched_records(*arguments, **named)
        # "Nothing is left": it asks for more of the partitions of which that is true.
        return records, False

    def PartitionRecords(self, *arguments: Any, **named: Any) -> _BoundedRecords:  # noqa: N802 - the library calls it as the class it has there
        return _BoundedRecords(*arguments, inflated_limit=self.inflated_limit, **named)

    def _append(self, drained: Any, part: Any, max_records: int, update_offsets: bool) -> int:
        before = part.bytes_read if part else 0
        taken: int = super()._append(drained, part, max_records, update_offsets)
        self.polled_bytes += part.bytes_read - before if part else 0
        return max_records if self.polled_bytes >= POLL_BYTES else taken


class _BoundedRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # likewise
    """The records of one answer, batch after batch."""

    def __init__(self, *arguments: Any, inflated_limit: int, **named: Any) -> None:
        self._inflated_limit = inflated_limit
        super().__init__(*arguments, **named)

    def take(self, n: int | None = None) -> list[Any]:
        """The next records, at most `n`, and none more once they come to enough bytes."""
        self._maybe_raise_next_inline_exception()
        records: list[Any] = []
        until = self.bytes_read + POLL_BYTES
        try:
            for record in self.record_iterator:
                records.append(record)
                if len(records) == n or self.bytes_read >= until:
                    break
        except Exception as error:
            if not records:
                raise
            self._next_inline_exception = error
        return records

    def _unpack_records(
        self, tp: kafka.TopicPartition, records: MemoryRecords, *_deserializers: object
    ) -> Iterator[ConsumerRecord]:
        while (batch := records.next_batch()) is not None:
            if self.check_crcs and not batch.validate_crc():
                raise kafka_errors.CorruptRecordError(
                    f"the batch at offset {batch.base_offset} of {tp.topic}[{tp.partition}] fails "
                    "its checksum"
                )
            if not isinstance(batch, DefaultRecordBatch):
                for record in batch:
                    yield self._handed_over(
                        tp, record.offset, record.timestamp, record.key, record.value, []
                    )
                continue
            self.leader_epoch = batch.leader_epoch
            if not batch.is_control_batch:
                yield from self._read(tp, batch)
            # Its last records may have gone by compaction; the next fetch is of the next batch.
            self.next_fetch_offset = batch.next_offset
        self.drain()

    def _read(
        self, tp: kafka.TopicPartition, batch: DefaultRecordBatch
    ) -> Iterator[ConsumerRecord]:
        """The records of a batch; from the first one on that cannot be read, its bytes instead."""
        raw, first_unread = batch._buffer, batch.base_offset  # noqa: SLF001 - the batch's own bytes
        try:
            inside = _Inside(batch, self._inflated_limit)
            while (found := inside.next()) is not None:
                offset, timestamp, key, value, headers, size = found
                self.bytes_read += size
                yield self._handed_over(tp, offset, timestamp, key, value, headers)
                first_unread = offset + 1
        except (InflateError, ValueError, IndexError) as error:
            unread = RawBatch(raw)
            unread.why = (
                f"the record batch at offsets {batch.base_offset} to {batch.last_offset} cannot be "
                f"read from offset {first_unread} on: {error}"
            )
            self.bytes_read += len(raw)
            yield self._handed_over(tp, batch.last_offset, batch.max_timestamp, None, unread, [])

    def _handed_over(
        self,
        tp: kafka.TopicPartition,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
    ) -> ConsumerRecord:
        self.records_read += 1
        self.next_fetch_offset = offset + 1
        return ConsumerRecord(
            topic=tp.topic,
            partition=tp.partition,
            leader_epoch=self.leader_epoch,
            offset=offset,
            timestamp=timestamp,
            timestamp_type=0,
            key=key,
            value=value,
            headers=headers,
            checksum=None,
            serialized_key_size=-1,
            serialized_value_size=-1,
            serialized_header_size=-1,
        )


class _Inside:
    """Reads the records within a batch one by one; format 2 of Kafka's record batches."""

    def __init__(self, batch: DefaultRecordBatch, inflated_limit: int) -> None:
        self._batch, self._left = batch, batch.records_count
        self._buffer: bytes | bytearray = batch._buffer  # noqa: SLF001 - likewise
        self._place = DefaultRecordBatch.HEADER_STRUCT.size
        if batch.compression_type:
            packed = memoryview(self._buffer)[self._place :]
            self._buffer, self._place = inflate(batch.compression_type, packed, inflated_limit), 0

    def next(self) -> tuple[int, int, bytes | None, bytes | None, Headers, int] | None:
        """Offset, timestamp [ms], key, value, headers and size of the next record.

        Raises:
            ValueError, IndexError: what stands there is no record.
        """
        buffer, batch = self._buffer, self._batch
        if not self._left:
            if self._place != len(buffer):
                raise ValueError(f"{len(buffer) - self._place} bytes are left after its records")
            return None
        size, first = decode_varint(buffer, self._place)
        place = first + 1  # attributes, of which none is in use
        timestamp, place = decode_varint(buffer, place)
        offset, place = decode_varint(buffer, place)
        key, place = self._bytes(place)
        value, place = self._bytes(place)
        count, place = decode_varint(buffer, place)
        if not 0 <= count <= MAX_HEADERS:
            raise ValueError(f"a record claims {count} headers, at most {MAX_HEADERS} are read")
        headers: Headers = []
        for _ in range(count):
            name, place = self._bytes(place)
            content, place = self._bytes(place)
            # Kafka's own clients write UTF-8; whatever else there is shall not cost the message.
            headers.append(((name or b"").decode("utf-8", "backslashreplace"), content))
        if place - first != size:
            raise ValueError(f"a record has {place - first} bytes and claims {size}")
        self._place, self._left = place, self._left - 1
        return (
            batch.base_offset + offset,
            # Bit 3 of the attributes: the broker's time stands for all of them.
            batch.max_timestamp if batch.timestamp_type else batch.first_timestamp + timestamp,
            key,
            value,
            headers,
            size,
        )

    def _bytes(self, place: int) -> tuple[bytes | None, int]:
        size, place = decode_varint(self._buffer, place)
        if size < 0:
            return None, place
        if size > len(self._buffer) - place:
            raise ValueError(f"a record claims {size} bytes of {len(self._buffer) - place}")
        return bytes(memoryview(self._buffer)[place : place + size]), place + size
