"""What analysis reads: days that wait, signals as they were stored, how far trips reach."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from storage import analysis, overview
from storage.analysis import ChangedDay
from storage.batch import Batch
from tests.samples.behaviour_samples import store
from tests.samples.storage_samples import DAY_US, SMALL, TODAY_US, group_rows, moment

if TYPE_CHECKING:
    from storage.frame_writer import FrameWriter
    from tests.servers.database_fixture import Migrated

YESTERDAY_US = TODAY_US - DAY_US
YESTERDAY, TODAY = moment(YESTERDAY_US), moment(TODAY_US)
TOMORROW = TODAY + timedelta(days=1)


def write(writer: FrameWriter, number: int, *times_us: int, group: str = "motion") -> None:
    name = SMALL.groups[group].signals[0].name
    rows = [(number, time_us, {name: float(n)}) for n, time_us in enumerate(times_us)]
    writer.write(Batch(groups=(group_rows(group, rows),)))


def test_signals_come_back_by_time_with_gaps_as_nan(
    small: Migrated, writer: FrameWriter, number: int
) -> None:
    rows = [
        (number, TODAY_US + 2, {"speed": 2.0, "gear": -3}),
        (number, TODAY_US, {"speed": 0.1, "brake": 1, "odometer": 1e9 + 0.125}),
    ]
    slow = [
        (number, TODAY_US + 1, {"lamp": 0, "pulses": 2**53}),
        (number, TODAY_US + 2, {"mode": 4}),
    ]
    writer.write(Batch(groups=(group_rows("motion", rows), group_rows("counters", slow))))
    names = ["mode", "speed", "gear", "brake", "odometer", "pulses", "lamp", "level"]
    found = analysis.read_signals(small.connection, SMALL, number, names, TODAY, TOMORROW)
    expected = pd.DataFrame(
        {
            "mode": [np.nan, np.nan, 4],
            "speed": [float(np.float32(0.1)), np.nan, 2],
            "gear": [np.nan, np.nan, -3],
            "brake": [1, np.nan, np.nan],
            "odometer": [1e9 + 0.125, np.nan, np.nan],
            "pulses": [np.nan, 2.0**53, np.nan],
            "lamp": [np.nan, 0, np.nan],
            "level": [np.nan] * 3,
        },
        index=pd.DatetimeIndex([moment(TODAY_US + n) for n in range(3)], name="time"),
        dtype=float,
    )
    pd.testing.assert_frame_equal(found, expected, check_index_type=False)


def test_a_span_includes_its_start_and_not_its_end(
    small: Migrated, writer: FrameWriter, number: int
) -> None:
    write(writer, number, YESTERDAY_US - 1, YESTERDAY_US, TODAY_US - 1, TODAY_US)
    found = analysis.read_signals(small.connection, SMALL, number, ["speed"], YESTERDAY, TODAY)
    assert found["speed"].tolist() == [1, 2]


@pytest.mark.parametrize("names", [["speed"], ["speed", "mode"]], ids=["one group", "two groups"])
def test_a_span_without_rows_is_an_empty_frame(
    small: Migrated, number: int, names: list[str]
) -> None:
    found = analysis.read_signals(small.connection, SMALL, number, names, YESTERDAY, TODAY)
    assert found.empty
    assert list(found.columns) == names
    assert str(found.index.tz) == "UTC"  # type: ignore[attr-defined]  # a DatetimeIndex, by contract


def test_days_wait_from_their_first_row_until_they_were_analysed(
    small: Migrated, writer: FrameWriter, number: int, vehicle: int
) -> None:
    write(writer, number, YESTERDAY_US, TODAY_US)
    vin = f"LTEST{vehicle:012d}"
    days = analysis.changed_days(small.connection, vin=vin)
    assert [(day.vehicle_id, day.start, day.stop) for day in days] == [
        (number, YESTERDAY, TODAY),
        (number, TODAY, TOMORROW),
    ]
    of_today = analysis.changed_days(small.connection, vin=vin, first=TODAY.date())
    assert of_today == days[1:]
    assert analysis.changed_days(small.connection, vin=vin, last=YESTERDAY.date()) == days[:1]
    assert set(days) <= set(analysis.changed_days(small.connection))
    store(small.connection, number, (YESTERDAY, TODAY), seen=days[:1])
    assert analysis.changed_days(small.connection, vin=vin) == days[1:]


def test_a_span_is_widened_to_the_trips_that_reach_into_it_or_nearly_do(
    small: Migrated, number: int
) -> None:
    rest = timedelta(minutes=10)
    reaches_in = YESTERDAY - timedelta(minutes=20)
    near = TODAY + timedelta(minutes=9)
    far = TODAY + timedelta(hours=5)
    drives = [(reaches_in, 40, None), (near, 30, None), (far, 30, None)]
    store(small.connection, number, (reaches_in, TOMORROW), *drives)
    widened = analysis.trips_around(small.connection, number, YESTERDAY, TODAY, rest)
    assert widened == (reaches_in, near + timedelta(minutes=30))
    untouched = analysis.trips_around(small.connection, number + 1, YESTERDAY, TODAY, rest)
    assert untouched == (YESTERDAY, TODAY)


def test_a_changed_day_is_a_day_of_utc() -> None:
    day = ChangedDay(vehicle_id=1, day=date(2026, 3, 29), touched=1)  # when Europe's clocks change
    assert day.stop - day.start == timedelta(hours=24)
    assert day.start.isoformat() == "2026-03-29T00:00:00+00:00"


def test_the_overview_counts_what_there_is(
    small: Migrated, writer: FrameWriter, number: int
) -> None:
    before = overview.read(small.connection)
    last_us = TODAY_US + DAY_US - 1
    write(writer, number, last_us, last_us)
    store(small.connection, number, (TODAY, TOMORROW), (TODAY, 5, None))
    after = overview.read(small.connection)
    assert (after.vehicles, after.trips) == (before.vehicles, before.trips + 1)
    assert after.days_to_analyse == before.days_to_analyse + 1
    newest = overview.newest_frames(small.connection, small.server, small.catalogue)
    assert newest["motion"] == moment(last_us)
    key = ("merged", "motion")
    assert after.counts[key] == before.counts.get(key, 0) + 1
