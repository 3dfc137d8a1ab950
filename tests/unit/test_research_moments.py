"""Beside a moment stands only what was known at it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from research.errors import ExportError, LeakError
from research.moments import join_as_of, require_no_leak
from research.splits import split_by_time, split_by_vehicle

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def at(*minutes: float) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([NOON + timedelta(minutes=minute) for minute in minutes])


def moments(*minutes: float, vehicle: str = "A") -> pd.DataFrame:
    return pd.DataFrame({"vehicle": vehicle, "time": at(*minutes)})


def trips() -> pd.DataFrame:
    """Three of A, the last of which is on its way at noon: it is the planted leak."""
    return pd.DataFrame(
        {
            "vehicle": ["A", "A", "A", "B"],
            "start_time": at(-90, -40, -5, -3),
            "known_at": at(-60, -10, 5, -1),
            "litres": [1.0, 2.0, 99.0, 7.0],
        }
    )


def test_a_planted_leak_is_not_joined_and_a_join_by_beginnings_is_caught() -> None:
    found = join_as_of(moments(0), trips())
    assert found["litres"].tolist() == [2.0]
    require_no_leak(found)
    of_a = trips()[trips()["vehicle"] == "A"]
    by_beginning = pd.merge_asof(
        moments(0), of_a, left_on="time", right_on="start_time", by="vehicle"
    )
    assert by_beginning["litres"].tolist() == [99.0], "the leak is there to be caught"
    with pytest.raises(LeakError, match="1 of 1 rows"):
        require_no_leak(by_beginning)


@pytest.mark.parametrize(
    ("minute", "litres"), [(-60.1, None), (-60, 1.0), (-10.1, 1.0), (-10, 2.0), (5, 99.0)]
)
def test_a_value_is_known_from_its_own_moment_on(minute: float, litres: float | None) -> None:
    found = join_as_of(moments(minute), trips())["litres"]
    assert found.isna().all() if litres is None else found.tolist() == [litres]


def test_moments_keep_their_order_and_each_vehicle_its_own() -> None:
    asked = pd.concat([moments(0), moments(6, vehicle="B"), moments(-30), moments(6)])
    found = join_as_of(asked, trips())
    assert found["litres"].tolist() == [2.0, 7.0, 1.0, 99.0]
    assert found["time"].tolist() == asked["time"].tolist()


def test_what_is_too_old_is_absent() -> None:
    found = join_as_of(moments(0, 4), trips(), within=timedelta(minutes=12))
    assert found["litres"].fillna(-1).tolist() == [2.0, -1.0]


def test_frames_on_arrow_are_joined_as_others_are() -> None:
    arrow = pa.Table.from_pandas(trips()).to_pandas(types_mapper=pd.ArrowDtype)
    found = join_as_of(moments(0, 6), arrow)
    assert found["litres"].tolist() == [2.0, 99.0]
    require_no_leak(found)


def test_a_column_of_both_frames_is_refused() -> None:
    with pytest.raises(ExportError, match="Both frames have litres"):
        join_as_of(moments(0).assign(litres=1.0), trips())
    with pytest.raises(ExportError, match="known_at"):
        join_as_of(moments(0), trips().drop(columns="known_at"))


def test_a_vehicle_is_on_one_side_and_stays_there() -> None:
    vehicles = [f"V{number}" for number in range(500)]
    frame = pd.DataFrame({"vehicle": np.repeat(vehicles, 3), "value": 1})
    train, test = split_by_vehicle(frame, test=0.3)
    assert set(train["vehicle"]).isdisjoint(test["vehicle"])
    assert len(train) + len(test) == len(frame)
    assert 0.2 < len(test) / len(frame) < 0.4
    _, fewer = split_by_vehicle(frame[frame["vehicle"] < "V3"], test=0.3)
    assert set(fewer["vehicle"]) == {one for one in test["vehicle"] if one < "V3"}
    _, others = split_by_vehicle(frame, test=0.3, seed="other")
    assert set(others["vehicle"]) != set(test["vehicle"])


def test_what_straddles_the_moment_is_on_neither_side() -> None:
    train, test = split_by_time(trips(), NOON, time="start_time")
    assert train["litres"].tolist() == [1.0, 2.0, 7.0]
    assert test.empty
    train, test = split_by_time(
        trips(), NOON - timedelta(minutes=5), time="start_time", gap=timedelta(minutes=10)
    )
    assert train["litres"].tolist() == [1.0]
    assert test["litres"].tolist() == [99.0, 7.0]
