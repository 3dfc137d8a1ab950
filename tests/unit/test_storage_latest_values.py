"""The newest values of a batch, against a plain Python model."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.latest_values import NEVER_US, latest
from tests.samples.storage_samples import SMALL, group_rows

NAMES = [signal.name for signal in SMALL.groups["motion"].signals]


@given(
    records=st.dictionaries(
        st.tuples(st.integers(1, 4), st.integers(-3, 6)),
        st.fixed_dictionaries({}, optional={name: st.integers(0, 9) for name in NAMES}),
        min_size=1,
        max_size=20,
    )
)
def test_every_signal_has_its_newest_present_value_and_that_value_s_time(
    records: dict[tuple[int, int], dict[str, float]],
) -> None:
    expected: dict[int, dict[str, tuple[float, int]]] = {}
    newest: dict[int, int] = {}
    for (vehicle_id, time_us), values in sorted(records.items()):
        state = expected.setdefault(vehicle_id, {})
        state |= {name: (value, time_us) for name, value in values.items()}
        newest[vehicle_id] = time_us
    rows = group_rows("motion", [(*key, records[key]) for key in sorted(records)])
    found = latest(rows, SMALL.groups["motion"])
    assert found.vehicle_ids.tolist() == sorted(expected)
    assert found.newest_us.tolist() == [newest[vehicle_id] for vehicle_id in sorted(expected)]
    absent = (np.nan, NEVER_US)
    cells = [[state.get(name, absent) for name in NAMES] for _, state in sorted(expected.items())]
    np.testing.assert_array_equal(found.values, [[value for value, _ in row] for row in cells])
    np.testing.assert_array_equal(
        found.times_us, [[time_us for _, time_us in row] for row in cells]
    )
