"""Scores of a week depend on the four before it, and are made anew when one of these changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from analytics.behaviour import METHOD_VERSION
from analytics.runner.settings import AnalysisSettings
from analytics.runner.weeks import score_weeks
from schemas import catalogue
from storage.behaviour import store_behaviour
from storage.registers import register_vehicle
from tests.samples.behaviour_samples import harsh_brakings, parts, spans, store, trips
from tests.servers.database_fixture import migrated_to, new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

# A Monday, eight in the morning in China: a fleet without another zone has its weeks by China's.
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = timedelta(weeks=1)
VINS = [f"LTESTWEEKS{number:07d}" for number in range(3)]
SETTINGS = AnalysisSettings(score_least_km=50)

Scores = dict[tuple[str, int, datetime], tuple[float | None, ...]]


@pytest.fixture
def weeks(database_server: str) -> Iterator[Migrated]:
    """A database of the test's own."""
    with new_database(database_server) as dsn, migrated_to(dsn, catalogue.default()) as database:
        yield database


def drive(database: Migrated, vin: str, week: int, minutes: int, card: str | None = None) -> None:
    """A trip on the Tuesday of a week; 60 s of each are idled, so short ones idle most."""
    vehicle_id = register_vehicle(database.connection, vin).vehicle_id
    start = FIRST + week * WEEK + timedelta(days=1)
    seconds = minutes * 60.0
    known = {"engine_s": seconds, "overspeed_known_s": seconds, "harsh_known_km": float(minutes)}
    assert store_behaviour(
        database.connection,
        vehicle_id,
        (start, start + timedelta(days=1)),
        trips=trips((start, minutes, card)),
        parts=parts((start, minutes, card), **known),
        events=harsh_brakings((start, None)).iloc[:0],
        spans=spans((start, minutes, card)),
        time_zone="Asia/Shanghai",
        days=[],
        layout_version=1,
        method_version=METHOD_VERSION,
        seen=[],
    )


def scores(database: Migrated) -> Scores:
    return {
        (kind, subject, start): tuple(rest)
        for kind, subject, start, *rest in database.connection.execute(
            "SELECT subject_kind, subject_id, start_time, score, low, high, past_score, change,"
            " change_low, change_high, past_weeks FROM score"
        )
    }


def test_a_late_trip_of_an_earlier_week_changes_the_later_weeks_comparison(
    weeks: Migrated, database_server: str
) -> None:
    for vin in VINS:
        drive(weeks, vin, 1, 200, "CARD1")
    assert score_weeks(weeks.connection, SETTINGS) == 1
    assert all(past is None for *_, past in scores(weeks).values())
    drive(weeks, VINS[0], 0, 60, "CARD1")
    # The week of the late trip, and the one that is compared with it.
    assert score_weeks(weeks.connection, SETTINGS) == 2
    late = scores(weeks)
    assert {past for *_, past in late.values()} == {None, 1}
    with new_database(database_server) as dsn, migrated_to(dsn, catalogue.default()) as other:
        for vin in VINS:  # registered in the same order: numbers are the same
            drive(other, vin, 1, 200, "CARD1")
        drive(other, VINS[0], 0, 60, "CARD1")
        score_weeks(other.connection, SETTINGS)
        at_once = scores(other)
    assert late.keys() == at_once.keys()
    for key, found in late.items():
        assert found == pytest.approx(at_once[key], nan_ok=True), key


def test_a_week_says_how_it_compares_with_the_four_before_it(weeks: Migrated) -> None:
    for week in range(5):
        drive(weeks, VINS[0], week, 100)
    drive(weeks, VINS[0], 5, 1000)  # one minute idled of 1,000, not of 100
    score_weeks(weeks.connection, SETTINGS)
    rows = weeks.connection.execute(
        "SELECT week, score, past_score, change, change_low, change_high, past_weeks, trend"
        " FROM score WHERE subject_kind = 'vehicle' ORDER BY week"
    ).fetchall()
    assert [past_weeks for *_, past_weeks, _ in rows] == [None, 1, 2, 3, 4, 4]
    for _, score, past, change, low, high, _, trend in rows[1:]:
        assert change == pytest.approx(score - past)
        assert low <= change <= high
        clear = "better" if low > 0 else "worse" if high < 0 else "no clear change"
        assert trend == clear


def test_nothing_changed_is_nothing_to_score(weeks: Migrated) -> None:
    drive(weeks, VINS[0], 0, 100)
    assert score_weeks(weeks.connection, SETTINGS) == 1
    assert score_weeks(weeks.connection, SETTINGS) == 0


def test_a_week_whose_trips_are_gone_has_no_scores_any_more(weeks: Migrated) -> None:
    drive(weeks, VINS[0], 0, 100, "CARD1")
    drive(weeks, VINS[1], 1, 100)
    score_weeks(weeks.connection, SETTINGS)
    # A week of the vehicle and of its driver, the trip, and a week of the other vehicle with its.
    assert len(scores(weeks)) == 5
    number = register_vehicle(weeks.connection, VINS[0]).vehicle_id
    start = FIRST + timedelta(days=1)
    assert store(weeks.connection, number, (start, start + timedelta(days=1)))
    assert score_weeks(weeks.connection, SETTINGS) == 2  # the other week was compared with it
    assert {start.date() - FIRST.date() for _, _, start in scores(weeks)} == {
        timedelta(days=6),  # Sunday in UTC is Monday in China
        timedelta(days=8),
    }
    assert score_weeks(weeks.connection, SETTINGS) == 0


@pytest.mark.parametrize(
    ("zone", "monday", "hours"),
    [
        # Half past six in the evening in UTC is midnight in India.
        ("Asia/Kolkata", datetime(2026, 3, 8, 18, 30, tzinfo=UTC), 168),
        # The nights in which clocks are changed.
        ("Europe/Berlin", datetime(2026, 3, 22, 23, tzinfo=UTC), 167),
        ("Europe/Berlin", datetime(2026, 10, 18, 22, tzinfo=UTC), 169),
    ],
)
def test_a_week_begins_on_monday_by_the_fleet_s_clock(
    weeks: Migrated, zone: str, monday: datetime, hours: int
) -> None:
    number = register_vehicle(weeks.connection, VINS[0]).vehicle_id
    second, sunday = timedelta(seconds=1), monday + timedelta(hours=hours)
    starts = [monday - second, monday, sunday - second, sunday]
    span = (starts[0], sunday + timedelta(days=1))
    assert store(
        weeks.connection, number, span, *((start, 60, None) for start in starts), time_zone=zone
    )
    assert score_weeks(weeks.connection, SETTINGS) == 3
    found = weeks.connection.execute(
        "SELECT end_time - start_time, n_trips FROM score"
        " WHERE subject_kind = 'vehicle' AND start_time = %s",
        (monday,),
    ).fetchall()
    assert found == [(timedelta(hours=hours), 2)]
