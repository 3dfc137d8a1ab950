"""Letters read again: each once, those that are wanted, and back as they came."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import dead_letters
from ingest.dead_letters import Place, Wanted, letter_of, letters
from ingest.errors import DeadLetterError
from ingest.kafka.log import Entry
from ingest.record import DeadLetter, Reason, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.kafka import Publisher

VIN = "LVBV3ABB5PE000001"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
KIND: tuple[str, bytes] = ("content-type", b"application/json")


def refused(
    offset: int = 77,
    headers: Sequence[tuple[str, bytes | None]] = (KIND,),
    key: bytes | None = VIN.encode(),
) -> Record:
    return Record(
        topic="vehicle.frames",
        partition=3,
        offset=offset,
        key=key,
        value=b"bytes",
        content_type="application/json",
        headers=tuple(headers),
    )


def buried(letter: DeadLetter, at: int = 0, time: datetime = NOON) -> Entry:
    """What lies in the dead-letter topic once a letter is there."""
    record = letter.record
    return Entry(
        record=Record(
            topic="vehicle.frames.dead",
            partition=0,
            offset=at,
            key=record.key,
            value=record.value,
            content_type=record.content_type,
            headers=tuple(letter.headers()),
        ),
        written=time,
    )


def entry(record: Record | None = None, **fields: object) -> Entry:
    arguments: dict[str, object] = {"reason": Reason.TOO_OLD, "detail": "why", "vin": VIN}
    return buried(DeadLetter(record=record or refused(), **(arguments | fields)))  # type: ignore[arg-type]  # a test's shorthand


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "refused-reason", "refused-vin", "x"]),
        st.none() | st.binary(max_size=10),
    ),
    max_size=4,
)


@given(headers=HEADERS, frames=st.lists(st.integers(0, 599), max_size=3), detail=st.text())
def test_letter_is_read_as_it_was_written_whatever_the_senders_headers_are_called(
    headers: list[tuple[str, bytes | None]], frames: list[int], detail: str
) -> None:
    found = letter_of(entry(refused(headers=headers), frames=tuple(frames), detail=detail[:100]))
    assert found.headers == tuple((name, value or b"") for name, value in headers)
    assert (found.reason, found.vin, found.buried) == ("too_old", VIN, NOON)
    assert str(found.source) == str(found.origin) == "vehicle.frames/3/77"
    assert found.frames == ",".join(map(str, frames))
    assert found.detail == detail[:100]
    assert (found.key, found.value, found.size) == (VIN.encode(), b"bytes", 5)


@pytest.mark.parametrize(("key", "vin"), [(VIN.encode(), VIN), (b"\xff", None), (None, None)])
def test_message_that_could_not_be_read_is_its_keys_vehicles(
    key: bytes | None, vin: str | None
) -> None:
    assert letter_of(entry(refused(key=key), vin=None)).vin == vin


def test_record_that_ingest_has_not_written_is_passed_over() -> None:
    foreign = Entry(record=refused(), written=NOON)
    with pytest.raises(DeadLetterError, match=r"vehicle\.frames/3/77 is no dead letter"):
        letter_of(foreign)
    assert len(list(letters([foreign, entry(), foreign], Wanted()))) == 1


def test_equal_letters_are_one_and_another_reason_frame_or_offset_is_another() -> None:
    different = [
        entry(),
        entry(refused(offset=78)),
        entry(reason=Reason.UNKNOWN_SIGNAL),
        entry(frames=(0, 1)),
        entry(frames=(0,)),
    ]
    twice = [replace(each, written=NOON + timedelta(days=1)) for each in different]
    found = list(letters(different + twice, Wanted()))
    assert [letter.buried for letter in found] == [NOON] * len(different)


def test_message_refused_again_after_a_replay_is_the_letter_it_was() -> None:
    first = letter_of(entry())
    again = entry(refused(offset=500, headers=first.headers_back()))
    found = letter_of(again)
    assert (str(found.source), str(found.origin)) == ("vehicle.frames/3/500", str(first.source))
    assert [letter.source for letter in letters([entry(), again], Wanted())] == [first.source]
    # However often it goes round, it comes from where it came from first.
    assert found.headers_back() == first.headers_back()


@pytest.mark.parametrize("nonsense", [b"", b"a/b/c", b"/1/2", b"t/1", b"t/1/2/3", b"t/-1/2", None])
def test_senders_own_nonsense_for_an_origin_says_nothing(nonsense: bytes | None) -> None:
    found = letter_of(entry(refused(headers=[("replayed-from", nonsense)])))
    assert found.origin == found.source
    assert found.headers_back() == [("replayed-from", b"vehicle.frames/3/77")]


def test_place_is_read_as_it_is_written() -> None:
    place = Place(topic="a.b", partition=0, offset=2**63 - 1)  # the largest offset Kafka has
    assert Place.parse(str(place)) == place


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        (Wanted(), [1, 2, 3]),
        (Wanted(reason="too_old"), [1, 2]),
        (Wanted(vin="LVBV3ABB5PE000002"), [3]),
        (Wanted(buried_from=NOON + timedelta(hours=1)), [2, 3]),
        (Wanted(buried_to=NOON + timedelta(hours=1)), [1]),
        (Wanted(reason="too_old", buried_from=NOON + timedelta(hours=1)), [2]),
        (Wanted(reason="too_old", vin="LVBV3ABB5PE000002"), []),
    ],
)
def test_letters_are_those_that_have_all_that_is_wanted(wanted: Wanted, offsets: list[int]) -> None:
    entries = [
        entry(refused(1)),
        replace(entry(refused(2)), written=NOON + timedelta(hours=1)),
        replace(
            entry(refused(3), reason=Reason.UNKNOWN_VEHICLE, vin="LVBV3ABB5PE000002"),
            written=NOON + timedelta(hours=2),
        ),
    ]
    assert [letter.source.offset for letter in letters(entries, wanted)] == offsets


def test_later_equal_letter_is_found_where_the_first_is_not_wanted() -> None:
    later = replace(entry(), written=NOON + timedelta(days=1))
    assert len(list(letters([entry(), later], Wanted(buried_from=NOON + timedelta(hours=1))))) == 1


class Outbox:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]] = []
        self.flushed_at: list[int] = []

    def send_back(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        self.sent.append((topic, key, value, headers))

    def flush(self) -> None:
        self.flushed_at.append(len(self.sent))


def replayed(outbox: Outbox, entries: Sequence[Entry]) -> int:
    publisher: Publisher = outbox  # type: ignore[assignment]  # it has what replay needs
    return dead_letters.replay(letters(entries, Wanted()), publisher)


def test_message_goes_back_as_it_came_and_says_where_from() -> None:
    outbox = Outbox()
    assert replayed(outbox, [entry()]) == 1
    headers = [KIND, ("replayed-from", b"vehicle.frames/3/77")]
    assert outbox.sent == [("vehicle.frames", VIN.encode(), b"bytes", headers)]


def test_replay_waits_for_the_broker_before_much_has_gathered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dead_letters, "FLUSH_BYTES", 10)  # two messages of 5 bytes
    outbox = Outbox()
    assert replayed(outbox, [entry(refused(offset)) for offset in range(5)]) == 5
    assert outbox.flushed_at == [2, 4, 5]
