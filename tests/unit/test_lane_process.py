"""A lane's source: records and partitions as the reader says, and nothing that is void."""

from __future__ import annotations

from multiprocessing import Pipe
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from ingest.errors import IngestError, OffsetOutOfRangeError
from ingest.lanes.channel import (
    Assigned,
    Begin,
    Moving,
    Records,
    Taken,
    Written,
    packed,
    size_of,
)
from ingest.lanes.process import Channel, PipedSource, _plain
from ingest.record import Record
from ingest.settings import IngestSettings
from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

TOPIC = IngestSettings().topic
ASSIGNED = Assigned(number=3, partitions=frozenset({1, 4}), cluster_id="c", topic_id=UUID(int=9))


def record(offset: int, partition: int = 1, value: bytes | None = b"abc") -> Record:
    """A record as the reader has it."""
    return Record(
        topic=TOPIC,
        partition=partition,
        offset=offset,
        key=b"key",
        value=value,
        content_type="application/x-protobuf",
        headers=(("content-type", b"application/x-protobuf"), ("odd", None)),
    )


@pytest.fixture
def reader() -> Iterator[tuple[Connection, PipedSource]]:
    """The reader's end, and a source that has its partitions."""
    ours, its = Pipe()
    source = PipedSource(IngestSettings(), Channel(its))
    source.take(ASSIGNED)
    assert source.assignment() == {1, 4}
    source.identify()
    source.start_at({1: 7, 4: None})
    assert ours.recv() == Begin(number=3, generation=1, positions={1: 7, 4: None})
    yield ours, source
    ours.close()
    its.close()


def hand(source: PipedSource, generation: int, *records: Record) -> None:
    """As the reader does."""
    source.take(Records(generation=generation, records=[packed(one) for one in records]))


def test_records_come_as_they_were_and_the_reader_is_told_what_was_taken(
    reader: tuple[Connection, PipedSource],
) -> None:
    ours, source = reader
    sent = [record(7), record(8, value=None), record(0, partition=4, value=b"\x00" * 9)]
    hand(source, 1, *sent)
    assert source.poll(0.01) == sent
    assert ours.recv() == Taken(generation=1, size=sum(size_of(packed(one)) for one in sent))
    assert size_of(packed(sent[1])) > 500  # one without a value takes memory, too
    assert source.poll(0.01) == []
    assert not ours.poll(0.01)
    assert (source.cluster_id, source.topic_id) == ("c", UUID(int=9))


def test_what_was_handed_over_before_the_last_beginning_is_void(
    reader: tuple[Connection, PipedSource],
) -> None:
    ours, source = reader
    hand(source, 1, record(7))
    source.start_at({1: 3, 4: 0})  # the database stands elsewhere
    assert ours.recv().generation == 2
    hand(source, 1, record(8))
    hand(source, 2, record(3))
    assert [one.offset for one in source.poll(0.01)] == [3]


def test_no_record_is_given_while_partitions_move(reader: tuple[Connection, PipedSource]) -> None:
    _, source = reader
    hand(source, 1, record(7))
    assert source.assignment_complete()
    source.take(Moving())
    assert source.assignment_changed()
    assert not source.assignment_complete()
    began = monotonic()
    assert source.poll(0.05) == []
    assert monotonic() - began >= 0.05  # what asks again at once would spin
    source.take(ASSIGNED)
    assert source.assignment_changed()
    assert source.assignment_complete()
    assert source.assignment() == {1, 4}
    assert not source.assignment_changed()
    assert source.poll(0.01) == []


def test_a_paused_source_gives_nothing_and_loses_nothing(
    reader: tuple[Connection, PipedSource],
) -> None:
    ours, source = reader
    source.pause()
    hand(source, 1, record(7))
    assert source.poll(0.01) == []
    source.resume()
    assert [one.offset for one in source.poll(0.01)] == [7]
    source.mirror({1: 8})
    taken = Taken(generation=1, size=size_of(packed(record(7))))
    assert [ours.recv() for _ in range(2)] == [taken, Written({1: 8})]


def test_who_was_interrupted_in_a_pause_gets_records_once_he_begins_anew(
    reader: tuple[Connection, PipedSource],
) -> None:
    _, source = reader
    source.pause()
    source.take(Moving())  # whoever waited stops waiting, and resumes nothing
    source.take(ASSIGNED)
    source.assignment()
    source.start_at({1: 7, 4: None})
    hand(source, 2, record(7))
    assert [one.offset for one in source.poll(0.01)] == [7]


def test_a_reader_that_has_gone_stops_no_lane_from_ending(
    reader: tuple[Connection, PipedSource],
) -> None:
    ours, source = reader
    ours.close()
    source.mirror({1: 8})


class OddError(TelemetryError):
    """An error that cannot be made from its text alone."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")


def test_errors_keep_their_kind_or_at_least_their_words() -> None:
    kept = _plain(OffsetOutOfRangeError("the log begins later"))
    assert type(kept) is OffsetOutOfRangeError
    told = _plain(OddError("here", "odd"))
    assert type(told) is IngestError
    assert str(told) == "here: odd"
    assert str(_plain(OSError("no such file"))) == "no such file"
