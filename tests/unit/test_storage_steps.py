"""Measurements become whole steps, and what is none stays as it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import catalogue
from schemas.catalogue import ValueType
from storage import binary_copy
from storage.batch import GroupRows
from storage.steps import MOST_STEPS, as_stored, counts_steps, steps_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CATALOGUE = catalogue.default()
POWERTRAIN = CATALOGUE.groups["powertrain"]
STEPS = {signal.name: signal.resolution for signal in filter(counts_steps, POWERTRAIN.signals)}
NARROW = [signal for signal in POWERTRAIN.signals if not signal.wide]
ONE = next(signal for signal in NARROW if STEPS.get(signal.name) == 0.05)
PLACE = NARROW.index(ONE)


def rows(narrow: NDArray[np.float32]) -> GroupRows:
    wide = len(POWERTRAIN.signals) - len(NARROW)
    return GroupRows(
        group="powertrain",
        vehicle_ids=np.ones(len(narrow), dtype=np.int64),
        times_us=np.arange(len(narrow)),
        narrow=narrow,
        wide=np.full((len(narrow), wide), 7.0),
    )


def of_one(values: Sequence[float]) -> tuple[list[float | None], list[float | None]]:
    """What the two columns of a signal hold of its values; None is absent."""
    narrow = np.full((len(values), len(NARROW)), np.nan, dtype=np.float32)
    narrow[:, PLACE] = values
    stored, columns = as_stored(rows(narrow), POWERTRAIN, STEPS)
    names = [column.name for column in columns if not column.wide]

    def held(name: str) -> list[float | None]:
        if name not in names:
            return [None] * len(values)
        cells = stored.narrow[:, names.index(name)].tolist()
        return [None if np.isnan(cell) else cell for cell in cells]

    return held(steps_column(ONE.name)), held(ONE.name)


def test_whole_steps_are_counted_and_other_values_stay() -> None:
    counted, kept = of_one([0.0, 0.05, 27.35, 27.36, -40.0])
    assert counted == [0, 1, 547, None, -800]
    assert kept == [None, None, None, np.float32(27.36), None]


def test_absent_stays_absent_in_both() -> None:
    assert of_one([np.nan, 0.05]) == ([None, 1], [None, None])


def test_more_steps_than_float32_tells_apart_stay_a_value() -> None:
    most = MOST_STEPS * 0.05
    counted, kept = of_one([most, most * 2])
    assert counted == [MOST_STEPS, None]
    assert kept == [None, np.float32(most * 2)]


@example([float(np.finfo(np.float32).max)])
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_any_value_is_in_one_column_and_comes_back_to_the_bit(values: list[float]) -> None:
    counted, kept = of_one(values)
    for sent, steps, other in zip(values, counted, kept, strict=True):
        assert (steps is None) != (other is None)
        if other is not None:
            assert other == np.float32(sent)
        else:
            assert steps is not None
            assert np.float32(steps * ONE.resolution) == np.float32(sent)


@pytest.mark.parametrize("group", CATALOGUE.groups.values(), ids=lambda group: group.name)
def test_all_that_a_sensor_can_tell_is_whole_steps(group: catalogue.Group) -> None:
    for signal in filter(counts_steps, group.signals):
        first, last = signal.minimum / signal.resolution, signal.maximum / signal.resolution
        told = np.unique(np.linspace(np.ceil(first), np.floor(last), 1000).round())
        values = (told * signal.resolution).astype(np.float32)
        narrow = [each.name for each in group.signals if not each.wide]
        matrix = np.full((len(values), len(narrow)), np.nan, dtype=np.float32)
        matrix[:, narrow.index(signal.name)] = values
        sent = GroupRows(
            group=group.name,
            vehicle_ids=np.ones(len(values), dtype=np.int64),
            times_us=np.arange(len(values)),
            narrow=matrix,
            wide=np.full((len(values), len(group.signals) - len(narrow)), np.nan),
        )
        stored, columns = as_stored(sent, group, {signal.name: signal.resolution})
        assert len(columns) == len(group.signals)  # none has a column for what is between steps
        assert stored.narrow[:, narrow.index(signal.name)].tolist() == told.tolist()


def test_the_rows_and_what_is_not_kept_in_steps_stay_as_they_were() -> None:
    narrow = np.full((3, len(NARROW)), 5.0, dtype=np.float32)
    sent = rows(narrow)
    stored, columns = as_stored(sent, POWERTRAIN, STEPS)
    assert (sent.narrow == 5.0).all()
    assert (stored.wide == 7.0).all()
    own = [
        column
        for column in columns
        if column.type is not ValueType.REAL and not column.name.endswith("__steps")
    ]
    assert [column.name for column in own] == [
        signal.name for signal in POWERTRAIN.signals if signal.type is not ValueType.REAL
    ]


def test_without_steps_rows_are_stored_as_they_are() -> None:
    sent = rows(np.full((3, len(NARROW)), 5.0, dtype=np.float32))
    stored, columns = as_stored(sent, POWERTRAIN, {})
    assert stored is sent
    assert [column.name for column in columns] == [signal.name for signal in POWERTRAIN.signals]


def test_whatever_lies_between_steps_no_more_than_some_layouts_are_remembered() -> None:
    stepped = [NARROW.index(signal) for signal in NARROW if signal.name in STEPS]
    for number in range(1, binary_copy.LAYOUTS_KEPT + 20):
        narrow = np.full((1, len(NARROW)), np.nan, dtype=np.float32)
        chosen = [place for bit, place in enumerate(stepped[:10]) if number >> bit & 1]
        narrow[0, chosen] = 0.3217
        binary_copy.encode(rows(narrow), POWERTRAIN, STEPS)
    assert binary_copy.layout.cache_info().currsize <= binary_copy.LAYOUTS_KEPT
