"""What tells that a table has changed is its rows, and nothing else that lies in memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from research.work import content


def one_absent(under: float) -> pa.Table:
    """A column of three values, the second of which is absent, with something lying under it."""
    values = np.array([1.5, under, 2.5], np.float32)
    validity = np.array([0b101], np.uint8)
    buffers = [pa.py_buffer(validity.tobytes()), pa.py_buffer(values.tobytes())]
    return pa.table({"litres": pa.Array.from_buffers(pa.float32(), 3, buffers)})


def test_what_lies_where_a_value_is_absent_does_not_count() -> None:
    assert content(one_absent(0.0)) == content(one_absent(7.0))


def test_how_rows_were_read_does_not_count() -> None:
    whole = pa.table({"kind": ["drive", None, "idle"], "stops": [1, 2, None]})
    assert content(pa.concat_tables([whole.slice(0, 2), whole.slice(2)])) == content(whole)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": ["drive", "", "idle"], "stops": [1, 2, None]},
        {"kind": ["drive", None, "idle"], "stops": [1, 2, 0]},
        {"kind": [None, "drive", "idle"], "stops": [1, 2, None]},
        {"kind": ["drive", None, "idle"], "stops": [-1, 2, None]},
        {"kind": ["drive", None], "stops": [1, 2]},
        {"sort": ["drive", None, "idle"], "stops": [1, 2, None]},
    ],
)
def test_any_other_row_or_name_counts(other: dict[str, list[object]]) -> None:
    assert content(pa.table(other)) != content(
        pa.table({"kind": ["drive", None, "idle"], "stops": [1, 2, None]})
    )
