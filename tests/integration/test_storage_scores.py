"""Weeks wait for their scores until these have seen all that changed; scores are replaced whole."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from analytics.metrics import SUMS
from storage import behaviour
from storage.errors import StorageError
from storage.registers import register_vehicle, set_vehicle_class
from storage.score_tables import changed_weeks, store_trip_scores, store_week_scores, week_parts
from tests.samples.behaviour_samples import (
    DAY,
    HOUR,
    MONDAY,
    NOON,
    WEEK,
    driver_id,
    frame,
    harsh_brakings,
    parts,
    rows,
    score_part,
    score_row,
    spans,
    store,
    trips,
)

if TYPE_CHECKING:
    from datetime import datetime

    from storage.connection import Connection
    from storage.score_tables import ChangedWeek
    from tests.servers.database_fixture import Migrated


def of_weeks(connection: Connection, method_version: int = 1) -> dict[date, ChangedWeek]:
    return {week.week: week for week in changed_weeks(connection, method_version=method_version)}


def test_weeks_are_those_of_the_fleet_s_clock(nothing_waits: Connection, number: int) -> None:
    midnight = MONDAY - 8 * HOUR  # Monday 00:00 in Shanghai
    around = (MONDAY - DAY, MONDAY + DAY)
    # The first one reaches into Monday: a trip is of the week in which it begins.
    begun = (midnight - timedelta(minutes=1), midnight, midnight + HOUR)
    store(nothing_waits, number, around, *((start, 30, None) for start in begun))
    found = week_parts(nothing_waits, WEEK - 7 * DAY, WEEK)
    found = found[found["vehicle_id"] == number]
    assert found["week"].dt.date.tolist() == [WEEK - 7 * DAY, WEEK, WEEK]
    assert list(of_weeks(nothing_waits)) == [WEEK - 7 * DAY, WEEK]


def test_a_week_from_which_the_last_trip_went_waits_too(
    nothing_waits: Connection, number: int
) -> None:
    span = (MONDAY, MONDAY + 14 * DAY)
    store(nothing_waits, number, span, (NOON, 30, None))
    done = of_weeks(nothing_waits)[WEEK]
    store_nothing(nothing_waits, done)
    assert of_weeks(nothing_waits) == {}
    store(nothing_waits, number, span, (NOON + 7 * DAY, 30, None))
    assert list(of_weeks(nothing_waits)) == [WEEK, WEEK + 7 * DAY]


def store_nothing(connection: Connection, week: ChangedWeek, method_version: int = 1) -> None:
    store_scores(connection, week, [], [], method_version=method_version)


def store_scores(
    connection: Connection,
    week: ChangedWeek,
    scores: list[dict[str, Any]],
    moved: list[dict[str, Any]],
    references: list[dict[str, Any]] | None = None,
    method_version: int = 1,
) -> None:
    subject = {"subject_kind": "vehicle", "subject_id": 1}
    reference = {"vehicle_class": "bus", "band": "all", "metric": "idling", "worst": 25.0}
    reference |= {"best": 3.0, "source": "class", "peers": 40}
    store_week_scores(
        connection,
        week,
        pd.DataFrame(scores or [subject | score_row()]).iloc[: len(scores)],
        pd.DataFrame(moved or [subject | score_part("idling", 7.0, 8.0)]).iloc[: len(moved)],
        pd.DataFrame(references or [reference]).iloc[: len(references or [])],
        method_version=method_version,
    )


def test_parts_come_with_their_sums_class_zone_and_kind(
    small: Migrated, number: int, vehicle: int, card: str
) -> None:
    set_vehicle_class(small.connection, f"LTEST{vehicle:012d}", "bus")
    behaviour.store_behaviour(
        small.connection,
        number,
        (MONDAY, MONDAY + DAY),
        trips=trips((NOON, 30, card), kind="tow"),
        parts=parts((NOON, 30, card), coasting_s=12.5),
        events=harsh_brakings((NOON, card)),
        spans=spans((NOON, 30, card)),
        time_zone="Europe/Lisbon",
        days=[],
        layout_version=1,
        method_version=1,
        seen=[],
    )
    found = week_parts(small.connection, WEEK, vehicle_ids=[number])
    (part,) = found.to_dict("records")
    assert part["vehicle_id"] == number
    assert part["driver_id"] == driver_id(small, card)
    assert part["week"].date() == WEEK
    assert (part["trip_start"], part["end_time"]) == (NOON, NOON + HOUR / 2)
    assert (part["vehicle_class"], part["time_zone"], part["kind"]) == (
        "bus",
        "Europe/Lisbon",
        "tow",
    )
    assert (part["distance_km"], part["coasting_s"], part["night_s"]) == (30.0, 12.5, 0.0)
    by_driver = week_parts(small.connection, WEEK, driver_ids=[part["driver_id"]])
    pd.testing.assert_frame_equal(by_driver, found)


def test_weeks_without_parts_are_an_empty_table_with_all_columns(small: Migrated) -> None:
    found = week_parts(small.connection, date(2001, 1, 1))
    assert found.empty
    assert {"vehicle_id", "week", "time_zone", "kind", "distance_km"} <= set(found.columns)


def test_every_sum_of_analysis_has_its_column(small: Migrated) -> None:
    columns = week_parts(small.connection, date(2001, 1, 1)).columns
    assert set(columns[9:]) == set(SUMS)  # after ids, times and texts


def test_scores_of_a_week_are_replaced_and_the_week_is_done(
    small: Migrated, nothing_waits: Connection, number: int
) -> None:
    store(nothing_waits, number, (MONDAY, MONDAY + DAY), (NOON, 30, None))
    week = of_weeks(nothing_waits)[WEEK]
    assert week.vehicle_ids == [number]
    subject = {"subject_kind": "vehicle", "subject_id": number}
    driver = {"subject_kind": "driver", "subject_id": 10**6}
    moved = [
        subject | score_part("idling", 7.0, 8.0),
        subject | score_part("cruise", 63.0, 22.0),
    ]
    unscored = driver | score_row(None, time_zone="Europe/Stockholm")
    reference = {"vehicle_class": "bus", "band": "all", "metric": "idling", "worst": 25.0}
    reference |= {"best": 3.0, "source": "class", "peers": 40}
    store_scores(nothing_waits, week, [subject | score_row(), unscored], moved, [reference])
    assert of_weeks(nothing_waits) == {}
    found = rows(
        small,
        "SELECT subject_kind, start_time, end_time, score, grade, reason, n_trips FROM score"
        " WHERE subject_id IN (%s, 1000000) AND week = %s ORDER BY subject_kind",
        number,
        WEEK,
    )
    stockholm = MONDAY - HOUR  # winter time
    shanghai = MONDAY - 8 * HOUR
    assert found == [
        ("driver", stockholm, stockholm + 7 * DAY, None, None, "distance", 12),
        ("vehicle", shanghai, shanghai + 7 * DAY, 70.0, "B", None, 12),
    ]
    store_scores(nothing_waits, week, [subject | score_row(80.0)], moved[:1])
    after = rows(small, "SELECT subject_id, score FROM score WHERE week = %s", WEEK)
    assert after == [(number, 80.0)]
    assert rows(
        small,
        "SELECT metric, points, points_lost FROM score_part WHERE subject_id = %s",
        number,
    ) == [("idling", 7.0, 8.0)]
    assert rows(small, "SELECT * FROM score_reference WHERE week = %s", WEEK) == []


def test_a_week_that_changes_while_it_is_scored_waits_again(
    nothing_waits: Connection, number: int
) -> None:
    store(nothing_waits, number, (MONDAY, MONDAY + DAY), (NOON, 30, None))
    week = of_weeks(nothing_waits)[WEEK]
    store(nothing_waits, number, (MONDAY, MONDAY + DAY), (NOON, 40, None))
    store_nothing(nothing_waits, week)
    again = of_weeks(nothing_waits)[WEEK]
    assert again.touches[number] == week.touches[number] + 1
    store_nothing(nothing_waits, again)
    store_nothing(nothing_waits, week)  # a slower run that began before
    assert of_weeks(nothing_waits) == {}


def test_a_new_method_scores_every_week_once(
    nothing_waits: Connection, number: int, vehicle: int
) -> None:
    other = register_vehicle(nothing_waits, f"LTESTX{vehicle:011d}").vehicle_id
    for one in (number, other):
        store(nothing_waits, one, (MONDAY, MONDAY + DAY), (NOON, 30, None))
    store_nothing(nothing_waits, of_weeks(nothing_waits)[WEEK])
    assert of_weeks(nothing_waits) == {}
    week = of_weeks(nothing_waits, 2)[WEEK]
    assert week.vehicle_ids == [number, other]
    store_nothing(nothing_waits, week, method_version=2)
    assert of_weeks(nothing_waits, 2) == {}


def trip_scores(number: int, *starts: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    subjects = [{"vehicle_id": number, "start_time": start} for start in starts]
    scores = [
        subject | score_row(end_time=subject["start_time"] + HOUR)  # type: ignore[operator]  # a time
        for subject in subjects
    ]
    return frame(scores), frame([s | score_part("idling", 7.0, 8.0) for s in subjects])


def scored_trips(database: Migrated, number: int) -> list[datetime]:
    of_trips = "WHERE subject_kind = 'trip' AND subject_id = %s ORDER BY start_time"
    found = rows(database, f"SELECT start_time FROM score {of_trips}", number)
    assert rows(database, f"SELECT start_time FROM score_part {of_trips}", number) == found
    return [start for (start,) in found]


def test_scores_of_trips_are_replaced_by_vehicle_and_go_with_their_trips(
    small: Migrated, nothing_waits: Connection, number: int, vehicle: int
) -> None:
    other = register_vehicle(small.connection, f"LTESTX{vehicle:011d}").vehicle_id
    span = (MONDAY, MONDAY + DAY)
    for one in (number, other):
        store(nothing_waits, one, span, (NOON, 60, None), (NOON + 2 * HOUR, 60, None))
        store_trip_scores(
            nothing_waits,
            WEEK,
            [one],
            *trip_scores(one, NOON, NOON + 2 * HOUR),
            method_version=1,
        )
    store_trip_scores(nothing_waits, WEEK, [number], *trip_scores(number, NOON), method_version=1)
    assert scored_trips(small, number) == [NOON]
    assert scored_trips(small, other) == [NOON, NOON + 2 * HOUR]
    store_nothing(nothing_waits, of_weeks(nothing_waits)[WEEK])  # the week's own, not its trips'
    assert scored_trips(small, other) == [NOON, NOON + 2 * HOUR]
    store(nothing_waits, other, (NOON, NOON + HOUR), (NOON, 30, None))
    assert scored_trips(small, other) == [NOON + 2 * HOUR]


def test_a_score_without_a_grade_or_a_reason_is_refused(
    nothing_waits: Connection, number: int
) -> None:
    store(nothing_waits, number, (MONDAY, MONDAY + DAY), (NOON, 30, None))
    week = of_weeks(nothing_waits)[WEEK]
    subject = {"subject_kind": "vehicle", "subject_id": number}
    for wrong in (score_row(70.0, grade=None), score_row(None, reason=None)):
        with pytest.raises(StorageError, match=f"scores of the week of {WEEK}"):
            store_scores(nothing_waits, week, [subject | wrong], [])
    assert list(of_weeks(nothing_waits)) == [WEEK]
