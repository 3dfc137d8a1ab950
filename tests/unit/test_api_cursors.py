"""Cursors say where a page ended and nothing else passes for one."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import cursors
from api.problems import ProblemError

VIN = "LSGAA11112A000001"


def test_a_vin_comes_back_from_its_cursor() -> None:
    assert cursors.read_vin(cursors.after_vin(VIN)) == VIN


@given(st.integers(-(10**16), 10**17 - 1))  # what 17 characters hold; 2100 is 4.1e15
def test_a_time_comes_back_from_its_cursor(time_us: int) -> None:
    assert cursors.read_time(cursors.after_time(time_us)) == time_us


@given(
    st.from_regex(r"\A[0-9a-f]{32}\Z"),
    st.integers(-(10**16), 10**17 - 1),
    st.integers(0, 10**6 - 1),
)
def test_a_vehicle_of_a_dataset_comes_back_from_its_cursors(
    vehicle: str, time_us: int, rows: int
) -> None:
    assert cursors.read_vehicle(cursors.after_vehicle(vehicle)) == vehicle
    cursor = cursors.after_rows_of_vehicle(vehicle, time_us, rows)
    assert len(cursor) <= cursors.MAX_LENGTH
    assert cursors.read_rows_of_vehicle(cursor) == (vehicle, time_us, rows)


@given(st.text(max_size=cursors.MAX_LENGTH))
def test_no_other_text_passes_for_a_cursor(text: str) -> None:
    # That a text means anything is chance; then it is exactly what we would have written.
    with contextlib.suppress(ProblemError):
        assert cursors.after_vin(cursors.read_vin(text)) == text
    with contextlib.suppress(ProblemError):
        assert cursors.after_time(cursors.read_time(text)) == text
    with contextlib.suppress(ProblemError):
        assert cursors.after_rows_of_vehicle(*cursors.read_rows_of_vehicle(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "真",
        "=",
        "dDA=",
        "dDAA",
        "ZDA",
        "dDBAAAA",
        cursors.after_vin(VIN),
        "dC0t",
        "x" * 64,
    ],
)
def test_what_is_no_cursor_by_time_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        cursors.read_time(text)
    assert refusal.value.status == 422
    assert refusal.value.faults[0].field == "cursor"
    assert "next" in refusal.value.way_out


def test_a_cursor_by_time_is_none_by_vin() -> None:
    with pytest.raises(ProblemError):
        cursors.read_vin(cursors.after_time(0))


def test_a_cursor_is_short_and_needs_no_escape_in_an_address() -> None:
    for cursor in (cursors.after_vin(VIN), cursors.after_time(4_102_444_799_999_999)):
        assert len(cursor) <= cursors.MAX_LENGTH // 2
        assert cursor.isascii()
        assert cursor.replace("-", "").replace("_", "").isalnum()
