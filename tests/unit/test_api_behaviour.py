"""Pages of rows that share their times, rankings, and ISO weeks, without a database."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import cursors, paging
from api.driving.fleets import read_week
from api.driving.ranking import ranked
from api.parameters import Order, Span
from api.problems import ProblemError
from storage.answers_behaviour import FleetScore

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


@given(
    moments=st.lists(st.integers(0, 6), max_size=30),
    limit=st.integers(1, 8),
    order=st.sampled_from(Order),
)
def test_pages_hold_every_row_once_however_many_share_a_time(
    moments: list[int], limit: int, order: Order
) -> None:
    newest_first = order is Order.NEWEST_FIRST
    rows = sorted(
        ((START + moment * MICROSECOND, number) for number, moment in enumerate(moments)),
        key=lambda row: (START - row[0] if newest_first else row[0] - START, row[1]),
    )
    seen: list[tuple[datetime, int]] = []
    query: Span | None = Span(start=START, end=END)
    while query is not None:
        page = paging.wanted(query, order, limit)
        # As the database answers: within the span, in order, after those to pass over.
        within = [row for row in rows if page.start <= row[0] < page.stop]
        found = within[page.skipped : page.skipped + page.limit]
        link = paging.next_link("/", query, page, [start for start, _ in found])
        seen += found[:limit]
        cursor = None if link is None else link.rpartition("cursor=")[2]
        query = None if cursor is None else Span(start=START, end=END, cursor=cursor)
    assert seen == rows


@pytest.mark.parametrize(
    "time_us", [-1, int(START.timestamp()) * 10**6 - 1, int(END.timestamp()) * 10**6]
)
def test_a_cursor_outside_of_the_span_is_refused(time_us: int) -> None:
    query = Span(start=START, end=END, cursor=cursors.after_rows(time_us, 1))
    with pytest.raises(ProblemError) as refusal:
        paging.wanted(query, Order.OLDEST_FIRST, 10)
    assert refusal.value.faults[0].field == "cursor"


@given(st.integers(-(10**16), 10**17 - 1), st.integers(0, 999_999))
def test_a_place_among_rows_comes_back_from_its_cursor(time_us: int, rows: int) -> None:
    cursor = cursors.after_rows(time_us, rows)
    assert cursors.read_rows(cursor) == (time_us, rows)
    assert len(cursor) <= cursors.MAX_LENGTH


@given(st.integers(0, 10**18 - 1))
def test_a_number_comes_back_from_its_cursor(number: int) -> None:
    assert cursors.read_number(cursors.after_number(number)) == number


@given(st.text(max_size=cursors.MAX_LENGTH))
def test_no_other_text_passes_for_one_of_these_cursors(text: str) -> None:
    for read in (cursors.read_rows, cursors.read_number):
        # That a text means anything is chance; then it holds no more than a database can.
        with contextlib.suppress(ProblemError):
            read(text)
    for cursor in (cursors.after_time(0), cursors.after_vin("LSGAA11112A000001")):
        for read in (cursors.read_rows, cursors.read_number):
            with pytest.raises(ProblemError):
                read(cursor)


def fleet_score(score: float | None, half_width: float = 5.0, **others: Any) -> FleetScore:
    fields: dict[str, Any] = {
        "vin": None,
        "driver_id": 1,
        "card_id": "CARD",
        "name": None,
        "vehicle_class": "heavy_truck",
        "band": None,
        "score": score,
        "low": None if score is None else score - half_width,
        "high": None if score is None else score + half_width,
        "grade": None if score is None else "B",
        "reason": "distance" if score is None else None,
        "difficulty": None,
        "distance_km": 100.0,
        "n_trips": 3,
        "score_before": None,
        "trend": None,
    }
    return FleetScore(**fields | others)


def test_those_without_a_score_have_no_place_and_come_last() -> None:
    places = ranked([fleet_score(80.0), fleet_score(60.0), fleet_score(None)])
    assert [place.rank for place in places] == [1, 2, None]
    assert (places[2].rank_low, places[2].below_median, places[2].reason) == (
        None,
        None,
        "distance",
    )


def test_little_driving_makes_a_place_unsure() -> None:
    sure, unsure, last = ranked([fleet_score(80.0), fleet_score(78.0, 40), fleet_score(40.0)])
    # The second, known to 40, may be anywhere; first and third lie 40 apart, each known to 5.
    assert (unsure.rank_low, unsure.rank_high) == (1, 3)
    assert (sure.rank_low, sure.rank_high) == (1, 2)
    assert (last.rank_low, last.rank_high) == (2, 3)


def test_nobody_is_ranked_where_nobody_has_a_score() -> None:
    assert ranked([]) == []
    assert [place.rank for place in ranked([fleet_score(None)])] == [None]


@pytest.mark.parametrize(
    ("text", "monday"),
    [
        ("2026-W01", date(2025, 12, 29)),
        ("2026-W44", date(2026, 10, 26)),
        ("2026-W53", date(2026, 12, 28)),  # 2026 begins on a Thursday: it has 53 weeks
    ],
)
def test_an_iso_week_begins_on_its_monday(text: str, monday: date) -> None:
    assert read_week(text) == monday


@pytest.mark.parametrize(
    "text", ["2025-W53", "2026-W00", "2026-W60", "2026W01", "", "２０２６-W01"]
)
def test_what_is_no_iso_week_is_refused(text: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        read_week(text)
    assert refusal.value.faults[0].field == "week"


@pytest.mark.parametrize(
    ("text", "last"), [("2025-W53", "2025-W52"), ("2026-W54", "2026-W53"), ("2024-W00", "2024-W52")]
)
def test_a_week_that_its_year_lacks_is_refused_with_those_it_has(text: str, last: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        read_week(text)
    assert refusal.value.way_out.endswith(f"to {last}.")
