"""Days and times on the command line mean one moment, or are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import typer

from cli import moments


def test_a_day_begins_by_utc() -> None:
    assert moments.day("2026-11-01") == datetime(2026, 11, 1, tzinfo=UTC)


def test_a_time_keeps_its_zone() -> None:
    china = timezone(timedelta(hours=8))
    assert moments.time("2026-11-01T08:00:00+08:00") == datetime(2026, 11, 1, 8, tzinfo=china)
    assert moments.time("2026-11-01T00:00:00Z") == datetime(2026, 11, 1, tzinfo=UTC)


def test_where_either_will_do_a_day_is_its_beginning_and_utc_is_meant() -> None:
    same = ("2026-11-01", "2026-11-01T00:00:00", "2026-11-01T08:00:00+08:00")
    assert {moments.day_or_time(text) for text in same} == {datetime(2026, 11, 1, tzinfo=UTC)}


@pytest.mark.parametrize("text", ["2026-11-31", "yesterday", "", "2026-11-01T08:00:00"])
def test_what_is_no_day_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 2026-11-01"):
        moments.day(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [("2026-11-01T08:00:00", "no time zone"), ("2026-11-01", "no time zone"), ("8:00", "no time")],
)
def test_a_time_without_a_zone_is_refused(text: str, why: str) -> None:
    with pytest.raises(typer.BadParameter, match=why):
        moments.time(text)


def test_days_the_wrong_way_round_are_refused() -> None:
    first, last = moments.day("2026-11-02"), moments.day("2026-11-01")
    moments.require_order(last, first)
    moments.require_order(first, None)
    with pytest.raises(typer.BadParameter, match="swap them"):
        moments.require_order(first, last)
