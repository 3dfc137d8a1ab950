"""Which moments become reports, and what these say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.known_values import Memory
from ingest.reports import INTERVALS_REMEMBERED, TRACKED, ReportTimer, reports
from schemas import catalogue as catalogues
from storage.batch import GroupRows, TriggerRow

if TYPE_CHECKING:
    from collections.abc import Sequence

CATALOGUE = catalogues.default()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_US = 60_000_000
NAN = float("nan")


def rows(group: str, *found: tuple[int, int, dict[str, float]]) -> GroupRows:
    """Rows of vehicle, time and values by name."""
    signals = CATALOGUE.groups[group].signals
    sides = []
    for wide in (False, True):
        names = [signal.name for signal in signals if signal.wide is wide]
        sides.append(
            np.array([[row.get(name, NAN) for name in names] for _, _, row in found]).reshape(
                len(found), len(names)
            )
        )
    return GroupRows(
        group=group,
        vehicle_ids=np.array([vehicle for vehicle, _, _ in found], dtype=np.int64),
        times_us=np.array([time_us for _, time_us, _ in found], dtype=np.int64),
        narrow=sides[0].astype(np.float32),
        wide=sides[1],
    )


def made(
    groups: Sequence[GroupRows],
    triggers: Sequence[TriggerRow] = (),
    timer: ReportTimer | None = None,
    memory: Memory | None = None,
) -> list[tuple[int, int, str, dict[str, float]]]:
    return [
        (
            report.vehicle_id,
            (report.created_time - EPOCH) // timedelta(microseconds=1),
            report.trigger_type,
            report.values,
        )
        for report in reports(
            groups,
            triggers,
            CATALOGUE,
            timer or ReportTimer(60),
            memory or Memory(TRACKED, lambda _vehicle_ids: {}),
        )
    ]


def test_first_frame_of_each_minute_and_vehicle_is_reported_with_its_values() -> None:
    groups = [
        rows(
            "motion",
            (2, MINUTE_US + 5, {"wheel_speed": 25.0}),
            (2, MINUTE_US + 3, {"wheel_speed": 23.0}),
            (1, MINUTE_US + 4, {"wheel_speed": 14.0, "odometer": 7.5}),
            (1, 2 * MINUTE_US, {"wheel_speed": 15.0}),
        ),
        rows("location", (1, MINUTE_US + 4, {"latitude": 31.0}), (1, MINUTE_US + 2, {})),
    ]
    assert made(groups) == [
        (1, MINUTE_US + 2, "TIMER", {}),
        # What was known before still holds; a latitude alone is no position.
        (1, 2 * MINUTE_US, "TIMER", {"wheel_speed": 15.0, "odometer": 7.5}),
        (2, MINUTE_US + 3, "TIMER", {"wheel_speed": 23.0}),
    ]


def test_report_merges_all_rows_of_its_moment_and_absent_erases_nothing() -> None:
    # A truck sends its fast signals and its slow ones of one group in blocks of their own.
    group = rows(
        "motion",
        (1, MINUTE_US, {"wheel_speed": 10.0, "engine_speed": 900.0}),
        (1, MINUTE_US, {"gross_combination_weight": 31_400.0}),
        (1, MINUTE_US, {"engine_speed": 950.0}),
    )
    assert made([group]) == [
        (
            1,
            MINUTE_US,
            "TIMER",
            {"wheel_speed": 10.0, "engine_speed": 950.0, "gross_combination_weight": 31_400.0},
        )
    ]


def test_trigger_is_reported_with_what_was_sent_for_that_very_moment() -> None:
    group = rows("motion", (1, MINUTE_US, {"wheel_speed": 10.0}), (2, MINUTE_US + 7, {}))
    triggers = [
        TriggerRow(
            vehicle_id=vehicle,
            time=EPOCH + timedelta(microseconds=MINUTE_US),
            trigger_type="IGNITION_ON",
            detail="",
        )
        for vehicle in (1, 2)
    ]
    assert made([group], triggers)[:2] == [
        (1, MINUTE_US, "IGNITION_ON", {"wheel_speed": 10.0}),
        (2, MINUTE_US, "IGNITION_ON", {}),
    ]


def test_batch_without_rows_reports_its_triggers_alone() -> None:
    assert made([]) == []


def test_interval_is_reported_once_over_many_batches() -> None:
    timer = ReportTimer(60)
    group = rows("motion", (1, MINUTE_US, {"wheel_speed": 10.0}))
    assert len(made([group], timer=timer)) == 1
    assert made([group], timer=timer) == []


def test_backlog_between_live_frames_is_reported_too() -> None:
    timer = ReportTimer(60)
    live, backlog = 1000, 10
    due = []
    for step in range(8):
        # Uploads of half a minute: live and backlog in turn.
        due.append(timer.due(1, live + step // 2))
        due.append(timer.due(1, backlog + step // 2))
    assert due == [True, True, False, False] * 4


def test_after_a_rollback_a_moment_is_reported_again_rather_than_never() -> None:
    timer = ReportTimer(60)
    assert timer.due(1, 7)
    timer.forget()
    assert timer.due(1, 7)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 6)), max_size=60))
def test_every_interval_that_was_sent_is_reported_at_least_once(
    sent: list[tuple[int, int]],
) -> None:
    timer = ReportTimer(60)
    reported = [key for key in sent if timer.due(*key)]
    assert set(reported) == set(sent)
    for vehicle in {vehicle for vehicle, _ in sent}:
        distinct = {interval for owner, interval in sent if owner == vehicle}
        if len(distinct) <= INTERVALS_REMEMBERED:
            assert len([key for key in reported if key[0] == vehicle]) == len(distinct)
