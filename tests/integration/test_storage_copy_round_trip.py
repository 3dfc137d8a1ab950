"""Whatever rows are written come back exactly, through COPY and through the merging way."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import ValueType
from storage.batch import Batch
from tests.samples.storage_samples import SECOND_US, SMALL, TODAY_US, group_rows, stored
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from schemas.catalogue import Signal
    from storage.frame_writer import FrameWriter
    from tests.servers.database_fixture import Migrated

WHOLE = {
    ValueType.SMALLINT: (-(2**15), 2**15 - 1),
    ValueType.INTEGER: (-(2**31), 2**31 - 1),
    ValueType.BIGINT: (-(2**53), 2**53),  # whole numbers travel in float64
    ValueType.BOOLEAN: (0, 1),
}
_vehicles = count(1)


def values_of(signal: Signal) -> st.SearchStrategy[float]:
    if signal.type is ValueType.REAL:
        return st.floats(width=32, allow_nan=False, allow_infinity=False)
    if signal.type is ValueType.DOUBLE:
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.integers(*WHOLE[signal.type]).map(float)


def rows_of(group: str) -> st.SearchStrategy[dict[int, dict[str, float]]]:
    """Rows by second of today, each with a value at least."""
    values = {signal.name: values_of(signal) for signal in SMALL.groups[group].signals}
    return st.dictionaries(
        st.integers(0, 86_399),
        st.fixed_dictionaries({}, optional=values).filter(bool),
        min_size=1,
        max_size=8,
    )


@pytest.mark.parametrize("group", list(SMALL.groups))
def test_any_rows_come_back_as_they_were_written(
    small: Migrated, writer: FrameWriter, group: str
) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(rows=rows_of(group), again=st.booleans())
    def check(rows: dict[int, dict[str, float]], *, again: bool) -> None:
        vehicle = next(_vehicles)
        records = [(vehicle, TODAY_US + s * SECOND_US, row) for s, row in rows.items()]
        batch = Batch(groups=(group_rows(group, records),))
        writer.write(batch)
        if again:
            writer.write(batch)
        found = stored(small.connection, group, vehicle)
        assert found == {(vehicle, time_us): row for _, time_us, row in records}

    check()


@pytest.mark.parametrize("way", ["copied", "merged"])
def test_extremes_and_the_finest_steps_survive(small: Migrated, way: str, vehicle: int) -> None:
    extremes = {
        "warmth": float(np.float32(0.1)),
        "starts": 2**31 - 1,
        "pulses": 2**53,
        "hours": math.nextafter(1e9, 2e9),  # an odometer in metres, a double's next step up
        "lamp": 1,
        "mode": -(2**15),
        "steps": 2**15 - 1,
        "target": -5e-324,  # the least double there is
    }
    records = [
        (vehicle, TODAY_US + 1, extremes),  # a microsecond after midnight
        (vehicle, TODAY_US + 2, {"warmth": float(np.finfo(np.float32).max)}),
        (vehicle, TODAY_US + 3, {"warmth": float(np.finfo(np.float32).smallest_subnormal)}),
    ]
    writer = open_writer(small)
    if way == "merged":  # a newer row first makes the others late
        writer.write(
            Batch(groups=(group_rows("counters", [(vehicle, TODAY_US + 9, {"mode": 1})]),))
        )
    writer.write(Batch(groups=(group_rows("counters", records),)))
    writer.close()
    found = stored(small.connection, "counters", vehicle)
    for _, time_us, values in records:
        assert found[vehicle, time_us] == values


def test_rows_of_all_groups_go_in_one_batch_with_every_packaged_signal(migrated: Migrated) -> None:
    writer = open_writer(migrated)
    batch = Batch(
        groups=tuple(
            group_rows(
                group.name,
                [
                    (1, TODAY_US + n * SECOND_US, {s.name: s.maximum for s in group.signals})
                    for n in range(3)
                ],
                migrated.catalogue,
            )
            for group in migrated.catalogue.groups.values()
        )
    )
    writer.write(batch)
    writer.close()
    for group in migrated.catalogue.groups.values():
        expected = {
            s.name: s.maximum if s.wide else float(np.float32(s.maximum)) for s in group.signals
        }
        found = stored(migrated.connection, group.name)
        assert found == {(1, TODAY_US + n * SECOND_US): expected for n in range(3)}
