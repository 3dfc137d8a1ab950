"""Minutes and hours are what pandas makes of the rows, late data included."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from schemas.catalogue import Kind, Signal, ValueType
from storage import partitions, rollups
from storage.batch import Batch
from storage.connection import connect
from tests.samples.storage_samples import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    SMALL,
    TODAY_US,
    compress,
    group_rows,
    moment,
    rows_table,
    stored,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.frame_writer import FrameWriter
    from tests.servers.database_fixture import Migrated

YESTERDAY_US = TODAY_US - DAY_US
TOLERANCE = 1e-6  # relative; means of real columns are kept as real, which has 24 bits
RELATIONS = [
    ("motion", "signal_motion_1m", "1min"),
    ("motion", "signal_motion_1h", "1h"),
    ("counters", "signal_counters_1h", "1h"),
]
STATEMENTS = {
    relation: f"SELECT * FROM {relation} WHERE vehicle_id = %s ORDER BY bucket".encode()
    for _, relation, _ in RELATIONS
}


def frames(
    group: str, vehicle: int, start_us: int, step_s: int, count: int, seed: int
) -> list[tuple[int, int, Mapping[str, float]]]:
    """Rows with a third of the values absent, some of them for hours on end."""
    random = np.random.default_rng(seed)
    made: list[tuple[int, int, Mapping[str, float]]] = []
    for number in range(count):
        values: dict[str, float] = {}
        for place, signal in enumerate(SMALL.groups[group].signals):
            gone_for_hours = (number * step_s // 7200 + place) % 4 == 0
            if random.random() < 0.3 or gone_for_hours:
                continue
            if signal.kind is Kind.COUNTER:
                values[signal.name] = number * 7 + place
            elif signal.type is ValueType.BOOLEAN:
                values[signal.name] = int(random.integers(0, 2))
            elif signal.type in (ValueType.REAL, ValueType.DOUBLE):
                values[signal.name] = float(np.float32(random.normal(50, 20)))
            else:
                values[signal.name] = int(random.integers(-100, 100))
        if values:
            made.append((vehicle, start_us + number * step_s * SECOND_US, values))
    return made


def write(
    writer: FrameWriter, group: str, records: Sequence[tuple[int, int, Mapping[str, float]]]
) -> None:
    writer.write(Batch(groups=(group_rows(group, records),)))


def rows_of(database: Migrated, group: str, vehicle: int) -> pd.DataFrame:
    found = stored(database.connection, group, vehicle)
    index = pd.DatetimeIndex([moment(time_us) for _, time_us in found], name="bucket")
    names = [signal.name for signal in SMALL.groups[group].signals]
    return pd.DataFrame(list(found.values()), index=index, columns=names).sort_index()


def by_pandas(rows: pd.DataFrame, signals: Sequence[Signal], width: str) -> pd.DataFrame:
    """What the rollup of these rows has to be."""
    columns: dict[str, pd.Series[Any]] = {}
    for signal in signals:
        buckets = rows[signal.name].resample(width)
        if signal.kind is Kind.COUNTER:
            kept = {"min": buckets.min(), "max": buckets.max()}
        elif signal.type is ValueType.BOOLEAN:
            kept = {"n": buckets.count(), "avg": buckets.mean()}
        elif signal.kind is Kind.STATE:
            kept = {"last": buckets.last()}
        else:
            kept = {
                "n": buckets.count(),
                "avg": buckets.mean(),
                "min": buckets.min(),
                "max": buckets.max(),
            }
        columns |= {f"{signal.name}_{figure}": values for figure, values in kept.items()}
    made = pd.DataFrame(columns).astype(float)
    return made[rows.resample(width).size() > 0]


def by_database(database: Migrated, relation: str, vehicle: int) -> pd.DataFrame:
    with database.connection.cursor() as cursor:
        cursor.execute(STATEMENTS[relation], (vehicle,))
        names = [column.name for column in cursor.description or ()]
        found = pd.DataFrame(cursor.fetchall(), columns=names)
    index = pd.DatetimeIndex(found.pop("bucket"))
    return found.drop(columns="vehicle_id").set_index(index).astype(float)


def assert_equal(database: Migrated, vehicle: int) -> None:
    for group, relation, width in RELATIONS:
        rows = rows_of(database, group, vehicle)
        found = by_database(database, relation, vehicle)
        if rows.empty:
            assert found.empty
            continue
        expected = by_pandas(rows, SMALL.groups[group].signals, width)
        pd.testing.assert_frame_equal(
            found,
            expected,
            check_like=True,
            rtol=TOLERANCE,
            check_index_type=False,
            check_freq=False,
        )


def refresh(database: Migrated) -> int:
    return rollups.refresh(database.connection, database.server, SMALL)


@pytest.fixture(autouse=True)
def _nothing_waiting(small: Migrated) -> None:
    small.connection.execute("TRUNCATE touched_day")


def test_minutes_and_hours_equal_those_of_pandas(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    for number in (0, 1):
        write(writer, "motion", frames("motion", vehicle + number, YESTERDAY_US, 20, 3000, number))
        write(
            writer, "counters", frames("counters", vehicle + number, YESTERDAY_US, 60, 900, number)
        )
    assert refresh(small) == 2
    assert_equal(small, vehicle)
    assert_equal(small, vehicle + 1)
    assert refresh(small) == 0


def test_late_rows_and_changed_ones_are_summed_up_anew(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    rows = frames("motion", vehicle, YESTERDAY_US, 60, 600, 3)
    write(writer, "motion", rows[::2])
    refresh(small)
    before = by_database(small, "signal_motion_1m", vehicle)
    write(writer, "motion", rows[1::2])
    write(writer, "motion", [(vehicle, rows[0][1], {"speed": 1000.0, "gear": 99})])
    assert by_database(small, "signal_motion_1m", vehicle).equals(before)
    assert refresh(small) == 1
    assert_equal(small, vehicle)
    assert by_database(small, "signal_motion_1h", vehicle)["speed_max"].max() == 1000


@pytest.mark.timescale
def test_late_rows_of_a_columnstore_day_are_summed_up_anew(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    rows = frames("motion", vehicle, YESTERDAY_US, 60, 600, 4)
    write(writer, "motion", rows[::2])
    refresh(small)
    compress(small.connection, "motion")
    write(writer, "motion", rows[1::2])
    write(writer, "motion", [(vehicle, rows[0][1], {"speed": 1000.0})])
    assert refresh(small) == 1
    assert_equal(small, vehicle)
    assert by_database(small, "signal_motion_1h", vehicle)["speed_max"].max() == 1000


def test_only_the_days_that_were_touched_are_summed_up(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    for days_ago in (3, 2, 1):
        start_us = TODAY_US - days_ago * DAY_US
        write(writer, "motion", frames("motion", vehicle, start_us, 600, 30, days_ago))
    assert refresh(small) == 3
    write(writer, "motion", [(vehicle, TODAY_US - 2 * DAY_US + HOUR_US + 1, {"speed": 4})])
    seen: list[tuple[int, int]] = []
    done = rollups.refresh(
        small.connection, small.server, SMALL, lambda day, of: seen.append((day, of))
    )
    assert done == 1
    assert seen == [(1, 1)]
    assert_equal(small, vehicle)


def test_a_day_touched_while_it_is_summed_up_stays_to_be_done(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    write(writer, "motion", [(vehicle, YESTERDAY_US, {"speed": 1})])
    write(writer, "motion", [(vehicle + 1, TODAY_US, {"speed": 1})])

    def meanwhile(day: int, _all: int) -> None:
        if day == 1:  # yesterday is done, today is being worked at
            write(writer, "motion", [(vehicle, YESTERDAY_US + SECOND_US, {"speed": 3})])
            write(writer, "motion", [(vehicle + 1, TODAY_US + SECOND_US, {"speed": 3})])

    assert rollups.refresh(small.connection, small.server, SMALL, meanwhile) == 2
    left = small.connection.execute(
        "SELECT vehicle_id FROM touched_day WHERE rolled_up < touched ORDER BY vehicle_id"
    ).fetchall()
    assert left == [(vehicle,), (vehicle + 1,)]
    assert refresh(small) == 2
    assert_equal(small, vehicle)
    assert_equal(small, vehicle + 1)


def test_two_that_sum_up_at_once_do_not_get_into_each_other_s_way(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    for number in range(4):
        write(writer, "motion", frames("motion", vehicle + number, YESTERDAY_US, 60, 300, number))

    def work() -> int:
        with connect(small.dsn) as connection:
            return rollups.refresh(connection, small.server, SMALL)

    with ThreadPoolExecutor() as pool:
        done = [future.result() for future in [pool.submit(work), pool.submit(work)]]
    assert sorted(done) == [0, 4]  # who came second found nothing left
    for number in range(4):
        assert_equal(small, vehicle + number)


def test_rollups_outlive_the_rows_they_were_made_of(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    old_us = TODAY_US - 30 * DAY_US
    write(writer, "motion", frames("motion", vehicle, old_us, 60, 300, 1))
    refresh(small)
    before = {r: by_database(small, r, vehicle) for r in ("signal_motion_1m", "signal_motion_1h")}
    assert len(before["signal_motion_1h"]) == 5  # 300 minutes
    if small.server.timescaledb is None:
        oldest = moment(old_us + DAY_US).date()
        assert partitions.drop_expired(small.connection, ["motion"], oldest)
    else:
        small.connection.execute(
            "SELECT drop_chunks(%s::regclass, %s)",
            (rows_table(small.connection, "motion"), moment(old_us + DAY_US)),
        )
    assert stored(small.connection, "motion", vehicle) == {}
    # As a new catalogue version does: everything is to be summed up again.
    small.connection.execute("UPDATE touched_day SET rolled_up = 0")
    assert refresh(small) == 1
    for relation, kept in before.items():
        pd.testing.assert_frame_equal(by_database(small, relation, vehicle), kept)
    assert refresh(small) == 0
