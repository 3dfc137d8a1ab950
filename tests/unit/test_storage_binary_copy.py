"""The bytes of a binary COPY, read back by the rules of PostgreSQL's documentation."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import catalogue
from schemas.catalogue import ValueType
from storage import absence, binary_copy, steps
from storage.latest_values import NEVER_US, Latest
from tests.samples.storage_samples import SMALL, group_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.catalogue import Signal

POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01, PostgreSQL's documentation of timestamps
VALUE_FORMATS = {
    ValueType.REAL: ">f",
    ValueType.DOUBLE: ">d",
    ValueType.SMALLINT: ">h",
    ValueType.INTEGER: ">i",
    ValueType.BIGINT: ">q",
    ValueType.BOOLEAN: "?",
}
EXTREMES = {
    ValueType.SMALLINT: (-(2**15), 2**15 - 1),
    ValueType.INTEGER: (-(2**31), 2**31 - 1),
    ValueType.BIGINT: (-(2**53), 2**53),  # whole numbers travel in float64
    ValueType.BOOLEAN: (0, 1),
}


def values_of(signal: Signal) -> st.SearchStrategy[float]:
    if signal.type is ValueType.REAL:
        return st.floats(width=32, allow_nan=False, allow_infinity=False)
    if signal.type is ValueType.DOUBLE:
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.integers(*EXTREMES[signal.type]).map(float)


RECORDS = st.lists(
    st.tuples(
        st.integers(1, 2**62),
        st.integers(-(10**15), 4 * 10**15),  # years 1938 to 2096
        st.fixed_dictionaries(
            {}, optional={s.name: values_of(s) for s in SMALL.groups["counters"].signals}
        ),
    ),
    min_size=1,
    max_size=12,
)


def fields(data: bytes) -> Iterator[list[bytes | None]]:
    """Each row's fields, as the documentation of COPY describes them."""
    place = 0
    while place < len(data):
        (count,) = struct.unpack_from(">h", data, place)
        place += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", data, place)
            place += 4
            row.append(None if length == -1 else data[place : place + length])
            place += max(length, 0)
        yield row


@given(records=RECORDS)
def test_any_rows_are_read_back_exactly(
    records: list[tuple[int, int, dict[str, float]]],
) -> None:
    types = {signal.name: signal.type for signal in SMALL.groups["counters"].signals}
    encoded = binary_copy.encode(group_rows("counters", records), SMALL.groups["counters"])
    assert encoded.columns[:2] == ("vehicle_id", "time")
    assert encoded.rows == len(records)
    read: list[tuple[bytes | None, bytes | None, dict[str, float]]] = []
    for row in fields(encoded.data.tobytes()):
        values = {
            name: float(struct.unpack(VALUE_FORMATS[types[name]], field)[0])
            for name, field in zip(encoded.columns[2:], row[2:], strict=True)
            if field is not None
        }
        read.append((row[0], row[1], values))
    # Those that lack the same columns stand together: rows come in another order, each as often.
    sent: list[tuple[bytes | None, bytes | None, dict[str, float]]] = [
        (struct.pack(">q", vehicle_id), struct.pack(">q", time_us - POSTGRES_EPOCH_US), values)
        for vehicle_id, time_us, values in records
    ]
    assert len(read) == len(sent)
    for record in sent:
        assert read.count(record) == sent.count(record)


@given(data=st.data())
def test_rows_of_a_few_kinds_are_read_back_exactly(data: st.DataObject) -> None:
    # A kind's rows come in runs, as a vehicle's do: they are encoded kind by kind.
    signals = SMALL.groups["counters"].signals
    kinds = data.draw(st.lists(st.sets(st.sampled_from(signals)), min_size=1, max_size=4))
    runs = data.draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=8))
    records = [
        (run + 1, time_us, {signal.name: float((run + time_us) % 2) for signal in kind})
        for run, kind in enumerate(runs)
        for time_us in range(absence.ROWS_A_RUN + 1)
    ]
    rows = group_rows("counters", records)
    assert absence.patterns(rows)
    encoded = binary_copy.encode(rows, SMALL.groups["counters"])
    types = {signal.name: signal.type for signal in signals}
    read = {
        (row[0], row[1]): {
            name: struct.unpack(VALUE_FORMATS[types[name]], field)[0]
            for name, field in zip(encoded.columns[2:], row[2:], strict=True)
            if field is not None
        }
        for row in fields(encoded.data.tobytes())
    }
    assert read == {
        (struct.pack(">q", vehicle_id), struct.pack(">q", time_us - POSTGRES_EPOCH_US)): values
        for vehicle_id, time_us, values in records
    }
    assert encoded.rows == len(records)


def test_a_column_that_is_absent_from_every_row_is_not_in_the_copy() -> None:
    rows = group_rows("motion", [(1, 0, {"gear": 3}), (1, 1, {"gear": 4, "odometer": 1.5})])
    encoded = binary_copy.encode(rows, SMALL.groups["motion"])
    assert set(encoded.columns[2:]) == {"gear", "odometer"}


def test_encoding_leaves_the_rows_as_they_were() -> None:
    rows = group_rows("counters", [(1, 0, {"mode": 2, "steps": 1}), (1, 1, {"starts": 4})])
    narrow, wide = rows.narrow.copy(), rows.wide.copy()
    binary_copy.encode(rows, SMALL.groups["counters"])
    np.testing.assert_array_equal(rows.narrow, narrow)
    np.testing.assert_array_equal(rows.wide, wide)


def test_whole_numbers_are_rounded_not_cut() -> None:
    rows = group_rows("motion", [(1, 0, {"gear": 2.9999998})])  # what float arithmetic leaves of 3
    (row,) = fields(binary_copy.encode(rows, SMALL.groups["motion"]).data.tobytes())
    assert row[2] == struct.pack(">h", 3)


@pytest.mark.parametrize("group", list(catalogue.default().groups))
def test_the_layout_names_every_signal_of_a_group_once(group: str) -> None:
    members = catalogue.default().groups[group]
    columns = [
        name
        for part in binary_copy.layout(tuple(map(steps.Column.of, members.signals)))
        for name in part.names
    ]
    assert sorted(columns) == sorted(signal.name for signal in members.signals)


@given(
    cells=st.lists(
        st.lists(
            st.none()
            | st.tuples(
                st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**15), 4 * 10**15)
            ),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_states_are_arrays_of_values_and_of_their_times(
    cells: list[list[tuple[float, int] | None]],
) -> None:
    part = Latest(
        group="counters",
        vehicle_ids=np.arange(1, len(cells) + 1, dtype=np.int64),
        newest_us=np.arange(len(cells), dtype=np.int64),
        values=np.array([[np.nan if c is None else c[0] for c in row] for row in cells]),
        times_us=np.array([[NEVER_US if c is None else c[1] for c in row] for row in cells]),
    )
    rows = list(fields(bytes(binary_copy.encode_state(part))))
    assert len(rows) == len(cells)
    for place, (row, expected) in enumerate(zip(rows, cells, strict=True)):
        vehicle, group, newest, values, times = row
        assert vehicle == struct.pack(">q", place + 1)
        assert group == b"counters"
        assert newest == struct.pack(">q", place - POSTGRES_EPOCH_US)
        assert values is not None
        assert times is not None
        # One dimension, no NULLs, element type float8 or timestamptz (pg_type.dat), 3 from 1 on.
        assert struct.unpack_from(">5i", values) == (1, 0, 701, 3, 1)
        assert struct.unpack_from(">5i", times) == (1, 0, 1184, 3, 1)
        read = [struct.unpack_from(">id", values, 20 + 12 * n) for n in range(3)]
        at = [struct.unpack_from(">iq", times, 20 + 12 * n) for n in range(3)]
        for cell, (value_length, value), (time_length, time) in zip(
            expected, read, at, strict=True
        ):
            assert value_length == time_length == 8  # bytes
            if cell is None:
                assert np.isnan(value)
                assert time == -(2**63)  # -infinity
            else:
                assert (value, time) == (cell[0], cell[1] - POSTGRES_EPOCH_US)


@given(
    rows=st.lists(
        st.tuples(st.integers(-(10**15), 4 * 10**15), st.floats(), st.floats()), max_size=6
    )
)
def test_doubles_are_read_from_a_copy_in_one_go(rows: list[tuple[int, float, float]]) -> None:
    data = binary_copy.HEADER
    for time_us, first, second in rows:
        data += struct.pack(">hiqidid", 3, 8, time_us - POSTGRES_EPOCH_US, 8, first, 8, second)
    times_us, values = binary_copy.decode_doubles(data + binary_copy.TRAILER, 2)
    assert times_us.tolist() == [row[0] for row in rows]
    np.testing.assert_array_equal(values, np.array([row[1:] for row in rows]).reshape(-1, 2))
