"""A lane's end of the channel: what it gives its worker, and what it tells the reader."""

from __future__ import annotations

import socket
from multiprocessing.connection import Connection
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from ingest.errors import IngestError
from ingest.lanes.channel import Assigned, Begin, Moving, Records, Taken, packed, size_of
from ingest.lanes.process import Channel, PipedSource, _plain
from ingest.record import Record
from ingest.settings import IngestSettings
from storage.errors import BatchRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ends:
    """A source, and the reader's end of its channel."""

    def __init__(self) -> None:
        ours, its = socket.socketpair()
        self.reader, lane = Connection(ours.detach()), Connection(its.detach())
        self.pipes = (self.reader, lane)
        self.source = PipedSource(IngestSettings(topic="frames"), Channel(lane))

    def close(self) -> None:
        for pipe in self.pipes:
            pipe.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def record(offset: int, value: bytes | None = b"value") -> Record:
    return Record(
        topic="frames",
        partition=0,
        offset=offset,
        key=b"key",
        value=value,
        content_type=None,
        headers=(("h", b"12"), ("n", None)),
        unread="",
    )


def assigned(number: int) -> Assigned:
    return Assigned(number=number, partitions=frozenset({0}), cluster_id="c", topic_id=UUID(int=1))


def begun(ends: Ends, number: int = 1) -> Begin:
    """Give the lane a partition, and have it begin."""
    ends.source.take(assigned(number))
    ends.source.assignment()
    ends.source.start_at({0: 5})
    begin = ends.reader.recv()
    assert isinstance(begin, Begin)
    return begin


def test_a_record_comes_out_as_it_went_in_and_its_whole_size_is_told(ends: Ends) -> None:
    begin = begun(ends)
    sent = [record(5), record(6, b""), record(7, None)]
    fields = [packed(one) for one in sent]
    ends.source.take(Records(generation=begin.generation, records=fields))
    assert ends.source.poll(0) == sent
    taken = ends.reader.recv()
    assert taken == Taken(generation=begin.generation, size=sum(map(size_of, fields)))
    assert size_of(fields[2]) > 500  # one without a value takes memory, too


def test_a_lane_that_was_interrupted_in_a_pause_gives_records_once_it_begins_anew(
    ends: Ends,
) -> None:
    begun(ends)
    ends.source.pause()
    ends.source.take(Moving())  # whoever waited stops waiting, and resumes nothing
    begin = begun(ends, 2)
    ends.source.take(Records(generation=begin.generation, records=[packed(record(5))]))
    assert ends.source.poll(0) == [record(5)]


def test_records_from_before_the_last_beginning_are_dropped(ends: Ends) -> None:
    old, new = begun(ends), begun(ends, 2)
    assert (old.number, new.number) == (1, 2)
    ends.source.take(Records(generation=old.generation, records=[packed(record(5))]))
    assert ends.source.poll(0) == []


def test_a_lane_waits_while_partitions_move(ends: Ends) -> None:
    ends.source.take(Moving())
    began = monotonic()
    assert ends.source.poll(0.05) == []
    assert monotonic() - began >= 0.05
    assert ends.source.assignment_changed()
    assert not ends.source.assignment_complete()


def test_an_error_that_cannot_be_handed_over_is_told_in_its_words() -> None:
    refused = BatchRefusedError("NotNullViolation", "The database refused it.")
    vars(refused)["held"] = Lock()
    assert type(_plain(refused)) is IngestError
    assert str(_plain(refused)) == "The database refused it."
    assert str(_plain(OSError("no such file"))) == "no such file"
    kept = IngestError("stays")
    assert _plain(kept) is kept
