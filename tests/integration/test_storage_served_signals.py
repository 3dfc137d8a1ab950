"""Signals in steps: the same answer from rows and from rollups, and the one pandas gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from api.signals.resolution import Steps
from schemas.catalogue import Kind, ValueType
from storage import rollups
from storage.batch import Batch
from storage.connection import API_ROLE, connect
from storage.queries import query
from storage.registers import ensure_party, register_vehicle
from tests.samples.storage_samples import (
    DAY_US,
    SECOND_US,
    SMALL,
    TODAY_US,
    change,
    group_rows,
    moment,
)
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

VIN = "LTEST000000000001"
FIRST_US = TODAY_US - 3 * DAY_US
NAMES = [signal.name for signal in SMALL.signals if signal.type is not ValueType.BIGINT]
MOTION_S, COUNTERS_S = 30, 300
TOLERANCE = 1e-6  # relative; means of real columns are kept as real, which has 24 bits

SPANS = {
    "whole days": (timedelta(0), timedelta(days=3)),
    "from a morning to an evening": (timedelta(hours=9), timedelta(days=2, hours=20)),
    "between two minutes": (
        timedelta(hours=7, minutes=13, seconds=40),
        timedelta(days=1, hours=4, minutes=59, seconds=1),
    ),
    "one hour": (timedelta(days=1, hours=5), timedelta(days=1, hours=6)),
}


@pytest.fixture(scope="module")
def rows(small: Migrated) -> pd.DataFrame:
    """Two and a half days of a vehicle, counters growing, a fifth of the values absent."""
    number = register_vehicle(small.connection, VIN).vehicle_id
    random = np.random.default_rng(5)
    writer = open_writer(small)
    frames = []
    for group, step_s in (("motion", MOTION_S), ("counters", COUNTERS_S)):
        count = int(2.5 * 86_400 / step_s)
        columns: dict[str, list[float]] = {}
        for signal in SMALL.groups[group].signals:
            if signal.kind is Kind.COUNTER:
                values = np.arange(count) * 3.0
            elif signal.type is ValueType.BOOLEAN:
                values = random.integers(0, 2, count).astype(float)
            elif signal.type in (ValueType.REAL, ValueType.DOUBLE):
                values = random.normal(50, 20, count).astype(np.float32).astype(float)
            else:
                values = random.integers(-100, 100, count).astype(float)
            values[random.random(count) < 0.2] = np.nan
            columns[signal.name] = values.tolist()
        times_us = [FIRST_US + n * step_s * SECOND_US for n in range(count)]
        index = pd.DatetimeIndex([moment(time_us) for time_us in times_us])
        frame = pd.DataFrame(columns, index=index).dropna(how="all")
        frames.append(frame)
        records = [
            (number, time_us, {name: values[n] for name, values in columns.items()})
            for n, time_us in enumerate(times_us)
            if moment(time_us) in frame.index
        ]
        writer.write(Batch(groups=(group_rows(group, records),)))
    writer.close()
    return pd.concat(frames, axis=1).sort_index()


@pytest.fixture(scope="module")
def api(small: Migrated) -> Iterator[tuple[Connection, int]]:
    with connect(small.dsn, role=API_ROLE) as opened:
        yield opened, ensure_party(small.connection, "maker", "maker")


def bounds(span: str, step_s: int | None, zone: str) -> tuple[datetime, datetime]:
    """The span; in a zone of its own at whole steps, as it is asked for."""
    start, stop = (moment(FIRST_US) + bound for bound in SPANS[span])
    if zone == "UTC" or step_s is None:
        return start, stop
    return Steps(step_s, zone, start, stop).aligned(start, stop)


def answer(
    api: tuple[Connection, int],
    span: str,
    step_s: int | None,
    max_rows: int = 100_000,
    zone: str = "UTC",
) -> list[pd.DataFrame]:
    """Values, minima and maxima by time."""
    connection, principal = api
    start, stop = bounds(span, step_s, zone)
    row = connection.execute(
        query("served_signals"),
        {
            "principal": principal,
            "vin": VIN,
            "names": NAMES,
            "start": start,
            "stop": stop,
            "step_s": step_s,
            "max_rows": max_rows,
            "zone": zone,
        },
    ).fetchone()
    assert row is not None
    times, *matrices = row
    return [
        pd.DataFrame(matrix, index=pd.DatetimeIndex(times), columns=NAMES, dtype=float)
        for matrix in matrices
        if matrix is not None
    ]


def by_pandas(rows: pd.DataFrame, span: str, step_s: int, zone: str = "UTC") -> list[pd.DataFrame]:
    start, stop = bounds(span, step_s, zone)
    inside = rows[(rows.index >= start) & (rows.index < stop)]
    # No clock changes in these days: an offset, once and for all.
    index = pd.DatetimeIndex(inside.index)
    offset = pd.Timedelta(start.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0))
    begun = (index + offset).floor(f"{step_s}s") - offset
    buckets = inside.groupby(begun)
    filled = buckets.size() > 0
    values, minima, maxima = (
        pd.DataFrame(index=filled.index, columns=NAMES, dtype=float) for _ in range(3)
    )
    for signal in SMALL.signals:
        if signal.name not in NAMES:
            continue
        column = buckets[signal.name]
        if signal.kind is Kind.COUNTER:
            values[signal.name] = column.max()
        elif signal.type is ValueType.BOOLEAN:
            values[signal.name] = column.mean()
        elif signal.kind is Kind.STATE:
            values[signal.name] = column.last()
        else:
            values[signal.name] = column.mean()
            minima[signal.name] = column.min()
            maxima[signal.name] = column.max()
    return [frame[filled] for frame in (values, minima, maxima)]


def assert_equal(found: list[pd.DataFrame], expected: list[pd.DataFrame]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(
            one, other, rtol=TOLERANCE, check_freq=False, check_index_type=False
        )


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kolkata", "Pacific/Honolulu"])
def test_steps_of_a_zone_begin_at_its_midnights_and_are_what_pandas_gives(
    small: Migrated, api: tuple[Connection, int], rows: pd.DataFrame, span: str, zone: str
) -> None:
    for step_s in (3600, 43_200, 86_400):
        expected = by_pandas(rows, span, step_s, zone)
        small.connection.execute("UPDATE touched_day SET rolled_up = 0")
        assert_equal(answer(api, span, step_s, zone=zone), expected)
        rollups.refresh(small.connection, small.server, SMALL)
        assert_equal(answer(api, span, step_s, zone=zone), expected)
        for max_rows in (1, 2):
            part = answer(api, span, step_s, max_rows, zone)
            assert_equal(part, [frame.iloc[:max_rows] for frame in expected])


@pytest.mark.parametrize("span", SPANS)
def test_rows_and_rollups_give_the_answer_that_pandas_gives(
    small: Migrated, api: tuple[Connection, int], rows: pd.DataFrame, span: str
) -> None:
    for step_s in (10, 60, 300, 3600, 86_400):
        expected = by_pandas(rows, span, step_s)
        small.connection.execute("UPDATE touched_day SET rolled_up = 0")
        assert_equal(answer(api, span, step_s), expected)  # nothing is rolled up: from rows
        rollups.refresh(small.connection, small.server, SMALL)
        assert_equal(answer(api, span, step_s), expected)


def test_whole_days_do_come_from_the_rollups(
    small: Migrated, api: tuple[Connection, int], rows: pd.DataFrame
) -> None:
    """Rows that nobody announced are seen in steps on days that are not whole, and only there."""
    rollups.refresh(small.connection, small.server, SMALL)
    before = answer(api, "from a morning to an evening", 3600)[0]["speed"]
    assert not rows.empty
    with small.connection.transaction(force_rollback=True):
        change(small.connection, "motion", "speed", "{} + 1000", "true")
        principal = api[1]
        after = answer((small.connection, principal), "from a morning to an evening", 3600)[0][
            "speed"
        ]
    changed = (after - before).round(3)
    first, second, third = (moment(FIRST_US + day * DAY_US) for day in range(3))
    assert set(changed[first:second].iloc[:-1]) == {1000}  # up to, not including, midnight
    assert set(changed[second:third].iloc[:-1]) == {0}
    assert set(changed[third:]) == {1000}


def test_rows_come_as_they_are_without_a_step(
    api: tuple[Connection, int], rows: pd.DataFrame
) -> None:
    start, stop = (moment(FIRST_US) + bound for bound in SPANS["between two minutes"])
    expected = rows[(rows.index >= start) & (rows.index < stop)][NAMES]
    (found,) = answer(api, "between two minutes", None)
    pd.testing.assert_frame_equal(found, expected, check_freq=False, check_index_type=False)


@pytest.mark.parametrize("step_s", [None, 60, 3600])
def test_a_limited_answer_is_the_beginning_of_the_whole_one(
    small: Migrated, api: tuple[Connection, int], rows: pd.DataFrame, step_s: int | None
) -> None:
    assert not rows.empty
    rollups.refresh(small.connection, small.server, SMALL)
    whole = answer(api, "from a morning to an evening", step_s)
    for max_rows in (1, 17, 40):
        part = answer(api, "from a morning to an evening", step_s, max_rows)
        assert_equal(part, [frame.iloc[:max_rows] for frame in whole])
