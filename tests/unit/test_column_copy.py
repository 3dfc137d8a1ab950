"""Columns become the bytes of a binary COPY, in the order of the columnstore."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from schemas import catalogue
from schemas.catalogue import ValueType
from storage.batch import GroupRows
from storage.binary_copy import POSTGRES_EPOCH_US
from storage.column_copy import STRETCH_ROWS, Columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.catalogue import Group

FORMAT = {
    ValueType.DOUBLE: ">d",
    ValueType.BIGINT: ">q",
    ValueType.INTEGER: ">i",
    ValueType.REAL: ">f",
    ValueType.SMALLINT: ">h",
    ValueType.BOOLEAN: ">?",
}


@pytest.mark.parametrize("group", catalogue.default().groups.values(), ids=lambda g: g.name)
@pytest.mark.parametrize("absence", ["none", "by the minute", "by columns", "at random"])
def test_rows_are_read_back_as_they_were_the_last_one_first(group: Group, absence: str) -> None:
    count = STRETCH_ROWS + 400
    rows = _rows(group, _absent(absence, count, len(group.signals)))

    columns = Columns(rows, group)
    read = _read(b"".join(part.tobytes() for part in columns.stretches()), columns, group)

    assert read == _expected(rows, group)[::-1]


def test_a_column_that_all_rows_lack_is_left_out() -> None:
    group = catalogue.default().groups["location"]
    absent = np.zeros((20, len(group.signals)), dtype=np.bool_)
    absent[:, 0] = True
    names = Columns(_rows(group, absent), group).names
    assert set(names) == {"vehicle_id", "time", *(s.name for s in group.signals[1:])}


def _absent(how: str, count: int, signals: int) -> NDArray[np.bool_]:
    """(count, signals)"""
    rng, absent = np.random.default_rng(1), np.zeros((count, signals), dtype=np.bool_)
    if how == "by the minute":
        minutes = rng.random((count // 60 + 1, signals)) < 0.3
        absent = np.repeat(minutes, 60, axis=0)[:count]
    elif how == "by columns":
        absent[np.arange(count) % 10 > 0, ::2] = True
    elif how == "at random":
        absent = rng.random(absent.shape) < 0.3
    absent[absent.all(axis=1), -1] = False
    return absent


def _rows(group: Group, absent: NDArray[np.bool_]) -> GroupRows:
    """Two vehicles, a row a second; columns lie one after the other as history has them."""
    rng, count = np.random.default_rng(2), len(absent)
    tables: dict[bool, list[NDArray[np.floating]]] = {False: [], True: []}
    for signal, lacking in zip(group.signals, absent.T, strict=True):
        values = rng.uniform(max(signal.minimum, -1e4), min(signal.maximum, 1e4), count)
        if signal.type not in (ValueType.REAL, ValueType.DOUBLE):
            values = np.rint(values)
        tables[signal.wide].append(np.where(lacking, np.nan, values))
    return GroupRows(
        group=group.name,
        vehicle_ids=np.repeat([7, 8], [count // 2, count - count // 2]),
        times_us=1_760_000_000_000_000 + np.arange(count) * 1_000_000,
        narrow=np.array(tables[False], dtype=np.float32).reshape(-1, count).T,
        wide=np.array(tables[True], dtype=np.float64).reshape(-1, count).T,
    )


def _expected(rows: GroupRows, group: Group) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    names = {wide: [s.name for s in group.signals if s.wide is wide] for wide in (False, True)}
    for place in range(len(rows)):
        row: dict[str, float] = {
            "vehicle_id": int(rows.vehicle_ids[place]),
            "time": int(rows.times_us[place]) - POSTGRES_EPOCH_US,
        }
        for wide, table in ((False, rows.narrow), (True, rows.wide)):
            values = zip(names[wide], table[place].tolist(), strict=True)
            row |= {name: value for name, value in values if value == value}
        found.append(row)
    return found


def _read(data: bytes, columns: Columns, group: Group) -> list[dict[str, float]]:
    """Rows as PostgreSQL would read them."""
    types = {s.name: FORMAT[s.type] for s in group.signals} | {"vehicle_id": ">q", "time": ">q"}
    found, at = [], 0
    while at < len(data):
        assert struct.unpack_from(">h", data, at) == (len(columns.names),)
        at += 2
        row = {}
        for name in columns.names:
            (length,) = struct.unpack_from(">i", data, at)
            at += 4
            if length >= 0:
                assert length == struct.calcsize(types[name])
                (row[name],) = struct.unpack_from(types[name], data, at)
                at += length
        found.append(row)
    return found
