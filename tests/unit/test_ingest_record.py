"""A letter says why and where from, and keeps the message as it came."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest import vehicles
from ingest.record import DETAIL_LENGTH, LETTER_HEADER_PREFIX, DeadLetter, Reason, Record
from ingest.settings import IngestSettings, UnknownVin
from ingest.vehicles import REFUSED_REMEMBERED, VehicleNumbers
from storage.registers import Vehicle

if TYPE_CHECKING:
    from storage.connection import Connection

HEADERS = st.lists(st.tuples(st.text(max_size=10), st.none() | st.binary(max_size=10)), max_size=4)


def record(headers: tuple[tuple[str, bytes | None], ...] = ()) -> Record:
    return Record(
        topic="vehicle.frames",
        partition=3,
        offset=77,
        key=b"k",
        value=b"v",
        content_type="application/json",
        headers=headers,
    )


@given(HEADERS, st.text(), st.text())
def test_letter_keeps_the_messages_own_headers_and_adds_its_own(
    headers: list[tuple[str, bytes | None]], detail: str, vin: str
) -> None:
    letter = DeadLetter(
        record=record(tuple(headers)),
        reason=Reason.TOO_OLD,
        detail=detail,
        vin=vin,
        frames=(0, 12, 599),
    )
    found = letter.headers()
    assert found[: len(headers)] == [(name, value or b"") for name, value in headers]
    ours = {name.removeprefix(LETTER_HEADER_PREFIX): value for name, value in found[len(headers) :]}
    assert ours["reason"] == b"too_old"
    assert (ours["topic"], ours["partition"], ours["offset"]) == (b"vehicle.frames", b"3", b"77")
    assert ours["frames"] == b"0,12,599"
    assert ours.get("vin", b"").decode() == vin
    assert ours.get("detail", b"").decode() == detail[:DETAIL_LENGTH]


def test_letter_of_a_whole_message_names_no_frames_and_no_vin() -> None:
    names = [
        name
        for name, _ in DeadLetter(record=record(), reason="unreadable", detail="\udcff").headers()
    ]
    assert names == [
        LETTER_HEADER_PREFIX + name for name in ("reason", "detail", "topic", "partition", "offset")
    ]


class Register:
    """A register in memory that counts what it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.known: dict[str, int] = {}
        self.asked = 0
        monkeypatch.setattr("storage.registers.find_vehicle", self.find)
        monkeypatch.setattr("storage.registers.register_vehicle", self.register)
        monkeypatch.setattr("storage.cells.cell_of", lambda *_: None)

    def find(self, _: Connection, vin: str) -> int | None:
        self.asked += 1
        return self.known.get(vin)

    def register(self, _: Connection, vin: str, *, registered_by: str) -> Vehicle:
        assert registered_by == "ingest"
        number = self.known.setdefault(vin, len(self.known) + 1)
        return Vehicle(vehicle_id=number, vin=vin, check_digit_ok=True)

    def numbers(self, unknown: UnknownVin) -> VehicleNumbers:
        return VehicleNumbers(lambda: None, unknown)  # type: ignore[arg-type, return-value]  # never used


def test_vin_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    register = Register(monkeypatch)
    numbers = register.numbers(UnknownVin.REGISTER)
    assert [numbers.number("A"), numbers.number("A"), numbers.number("B")] == [1, 1, 2]
    assert register.asked == 2


def test_refused_vin_is_asked_for_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    register = Register(monkeypatch)
    numbers = register.numbers(UnknownVin.REFUSE)
    assert [numbers.number("A"), numbers.number("A")] == [None, None]
    assert register.asked == 1
    register.known["A"] = 5
    later = monotonic() + vehicles.FORGET_REFUSED_AFTER_S
    monkeypatch.setattr(vehicles, "monotonic", lambda: later)
    assert numbers.number("A") == 5


def test_refused_vins_of_a_hostile_sender_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = Register(monkeypatch).numbers(UnknownVin.REFUSE)
    for number in range(REFUSED_REMEMBERED + 10):
        numbers.number(str(number))
    assert len(numbers._refused) <= REFUSED_REMEMBERED


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_TOPIC", "other")
    monkeypatch.setenv("TELEMETRY_UNKNOWN_VIN", "refuse")
    found = IngestSettings()
    assert (found.topic, found.dead_topic, found.unknown_vin) == (
        "other",
        "other.dead",
        UnknownVin.REFUSE,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BATCH_FRAMES", "0"),
        ("BATCH_SECONDS", "0"),
        ("SESSION_TIMEOUT_S", "1"),
        ("PARTITIONS", "x"),
    ],
)
def test_setting_that_cannot_be_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"TELEMETRY_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        IngestSettings()
