"""What was produced, and from it what tables and letters must hold: the ledger of a whole run.

Every message carries its serial number in a header. Which messages there were is ours to say, in
what order each partition got them is Kafka's: so the log is read back for the serials alone, and
the values are taken from what was noted when they were made. A message that the producer never got
an answer for may be in the log or not; one that was acknowledged must be, where Kafka said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import kafka
import numpy as np

from tests.servers.ingest_fixture import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from schemas.catalogue import Catalogue
    from schemas.wire import Block, Message

SERIAL = "serial"
"""The header with a message's serial number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A message as it was produced."""

    value: bytes
    message: Message | None
    """None where it cannot be read, or its vehicle stays unknown."""
    reason: str = ""
    """Why it is refused, whole or in part."""
    refused_us: frozenset[int] = frozenset()
    """Times that are refused [µs], where not all of it is."""

    def letter_frames(self) -> str:
        """The refused frames as a letter names them."""
        if self.message is None or not self.refused_us:
            return ""
        times = self.message.frame_times_us.tolist()
        return ",".join(str(place) for place, time in enumerate(times) if time in self.refused_us)

    @property
    def refusals(self) -> int:
        """How many frames are counted as refused, a whole message as one."""
        return (len(self.refused_us) or 1) if self.reason else 0


@dataclass(frozen=True, slots=True)
class LetterKey:
    """A letter that must be: where its message lay, why, which frames, and whose serial."""

    topic: str
    partition: int
    offset: int
    reason: str
    frames: str
    serial: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """A topic as it was read back: the serials of each partition in their order."""

    topic: str
    topic_id: UUID
    partitions: dict[int, list[int]]


@dataclass
class Expected:
    """What one vehicle's messages come to."""

    ledger: Ledger
    rows_sent: Counter[str] = field(default_factory=Counter)
    """By group: rows with a value in it, each time they came."""
    values_sent: Counter[str] = field(default_factory=Counter)
    """By topic: values within their limits, each time they came."""
    out_of_limits: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By topic and signal."""
    events: dict[int, str] = field(default_factory=dict)
    """Triggers by time [µs]."""
    codes: dict[int, int | None] = field(default_factory=dict)
    """Counts of the trouble code by time [µs]: the later message holds."""


class Truth:
    """The ledger of a run."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.sent: dict[int, Sent] = {}
        self.acknowledged: dict[int, tuple[str, int, int]] = {}
        """By serial: topic, partition and offset that Kafka named."""
        self.unanswered = 0
        """Messages whose fate the producer does not know."""
        self.logs: list[Log] = []
        """Of each topic, one after the other where it was made again."""
        self._limits = {s.name: (s.minimum, s.maximum) for s in catalogue.signals}

    def note(self, sent: Sent) -> int:
        """Write a message down before it is sent; returns its serial."""
        serial = len(self.sent) + 1
        self.sent[serial] = sent
        return serial

    def read_back(self, topic: str, topic_id: UUID, bootstrap: str) -> Log:
        """Read which messages a topic holds, in what order."""
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False
        )
        try:
            partitions = [
                kafka.TopicPartition(topic, number)
                for number in consumer.partitions_for_topic(topic) or ()
            ]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            found: dict[int, list[int]] = {p.partition: [] for p in partitions}
            while any(consumer.position(p) < ends[p] for p in partitions):
                for records in consumer.poll(timeout_ms=500).values():
                    for record in records:
                        assert record.offset == len(found[record.partition]), "a hole in the log"
                        found[record.partition].append(serial_of(record))
        finally:
            consumer.close()
        log = Log(topic=topic, topic_id=topic_id, partitions=found)
        self.logs.append(log)
        return log

    def placed(self) -> Iterator[tuple[Log, int, int, int]]:
        """Every message of every log: the log, partition, offset and serial."""
        for log in self.logs:
            for partition, serials in log.partitions.items():
                for offset, serial in enumerate(serials):
                    yield log, partition, offset, serial

    def lost_by_kafka(self) -> list[int]:
        """Serials of messages that were acknowledged and do not lie where Kafka said."""
        there = {
            (serial, log.topic, partition, offset)
            for log, partition, offset, serial in self.placed()
        }
        return [
            serial for serial, place in self.acknowledged.items() if (serial, *place) not in there
        ]

    def letters(self) -> set[LetterKey]:
        """The letters that must be there."""
        return {
            LetterKey(log.topic, partition, offset, sent.reason, sent.letter_frames(), serial)
            for log, partition, offset, serial in self.placed()
            if (sent := self.sent[serial]).reason
        }

    def counts(self) -> dict[tuple[str, str, str], int]:
        """`ingest_count` by topic, measure and key; limits and repeats are told by `vehicles`."""
        counts: Counter[tuple[str, str, str]] = Counter()
        for log, _, _, serial in self.placed():
            sent = self.sent[serial]
            counts[log.topic, "messages", ""] += 1
            if sent.message is not None:
                counts[log.topic, "frames", ""] += sent.message.frame_count
            if sent.reason:
                counts[log.topic, "refused", sent.reason] += sent.refusals
        return dict(+counts)

    def vehicles(self) -> Iterator[tuple[str, Expected]]:
        """Each VIN with what its messages come to, in the order of its partition."""
        by_vin: defaultdict[str, list[tuple[str, Sent]]] = defaultdict(list)
        for log, _, _, serial in self.placed():
            sent = self.sent[serial]
            if sent.message is not None:
                by_vin[sent.message.vin].append((log.topic, sent))
        for vin in sorted(by_vin):
            expected = Expected(ledger=Ledger(self.catalogue))
            for topic, sent in by_vin[vin]:
                self._lay_over(topic, sent, expected)
            yield vin, expected

    def persist(self, path: Path) -> None:
        """Write every message with its places into a file, a line each: evidence of a failure."""
        places: defaultdict[int, list[str]] = defaultdict(list)
        for log, partition, offset, serial in self.placed():
            places[serial].append(f"{log.topic}/{partition}/{offset}")
        with path.open("w", encoding="utf-8") as file:
            for serial, sent in self.sent.items():
                times = () if sent.message is None else sent.message.frame_times_us.tolist()
                span = f"{times[0]}..{times[-1]}" if times else "-"
                vin = "-" if sent.message is None else sent.message.vin
                file.write(
                    f"{serial} {','.join(places[serial]) or 'nowhere'} {vin} {len(times)} {span}"
                    f" {sent.reason or 'taken'}\n"
                )

    def _lay_over(self, topic: str, sent: Sent, expected: Expected) -> None:
        message = sent.message
        assert message is not None
        for block in message.blocks:
            self._lay_block_over(topic, message.vin, block, sent.refused_us, expected)
        for event in message.events:
            if event.time_us in sent.refused_us:
                continue
            if hasattr(event, "type"):
                expected.events.setdefault(event.time_us, str(event.type))
            else:
                expected.codes[event.time_us] = getattr(event, "count", None)

    def _lay_block_over(
        self, topic: str, vin: str, block: Block, refused: frozenset[int], expected: Expected
    ) -> None:
        ids = [*block.signal_ids.tolist(), *block.wide_signal_ids.tolist()]
        signals = [self.catalogue.by_id[number] for number in ids]
        table = np.hstack([block.values.astype(np.float64), block.wide_values]).tolist()
        for time_us, cells in zip(block.times_us.tolist(), table, strict=True):
            if time_us in refused:
                continue
            row: dict[str, float] = {}
            for signal, value in zip(signals, cells, strict=True):
                if value != value:
                    continue
                lowest, highest = self._limits[signal.name]
                if lowest <= value <= highest:
                    row[signal.name] = value
                else:
                    expected.out_of_limits[topic, signal.name] += 1
            for group in {signal.group for signal in signals if signal.name in row}:
                expected.rows_sent[group] += 1
            expected.values_sent[topic] += len(row)
            expected.ledger.note(vin, [time_us], [row])


def serial_of(record: Any) -> int:
    """The serial of a message or of its letter."""
    return next(int(value) for name, value in record.headers if name == SERIAL)
