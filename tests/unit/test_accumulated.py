"""Counters: classes sum to the whole, and days add up exactly, however their rows come."""

from __future__ import annotations

import zlib
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.accumulated import (
    CONTEXT_S,
    LAYOUT,
    LAYOUT_VERSION,
    LayoutError,
    accumulated_data,
    increments,
    select,
)
from analytics.accumulated.layout import FIELDS, PLACES
from analytics.samples import prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.accumulated import Vector
    from analytics.samples import Samples

START_US = 1_793_491_200_000_000  # 2026-11-01T00:00:00Z
ALWAYS = (0, 2**62)
RUNNING: dict[str, Any] = {"engine_speed": 1200.0}


def rows(count: int = 100, *, speed: Any = 72.0, step_s: float = 1.0, **signals: Any) -> Samples:
    """Rows with a speed [km/h] that is taken as it is; every other signal a number or an array."""
    index = pd.to_datetime(START_US + np.arange(count) * round(step_s * 1e6), unit="us", utc=True)
    columns = {name: np.broadcast_to(value, count) for name, value in signals.items()}
    samples = prepare(pd.DataFrame(columns, index=index, dtype=float))
    for name, values in columns.items():
        samples.signals[name] = np.array(values, dtype=np.float64)
    speeds = np.array(np.broadcast_to(speed, count), dtype=np.float64)
    return replace(samples, speed_km_h=speeds, moving=speeds >= 1.0)


def counted(samples: Samples, field: str, unit: str = "seconds") -> list[float]:
    """What the classes of a field count over all rows."""
    return [float(each) for each in select(increments(samples, *ALWAYS), field, unit)]


def only(samples: Samples, field: str, unit: str = "seconds") -> float:
    """What a field of one number counts over all rows."""
    (number,) = counted(samples, field, unit)
    return number


def own(samples: Samples, name: str) -> float:
    """One of the cells that are not of rFMS."""
    return float(increments(samples, *ALWAYS)[PLACES[name]])


def in_class(field: str, samples: Samples) -> int:
    """The one class of a field that all rows are in."""
    (place,) = np.flatnonzero(counted(samples, field))
    return int(place)


# What the cells are


def test_a_layout_that_changes_has_another_version() -> None:
    # Whoever changes the layout raises LAYOUT_VERSION and writes down its fingerprint here:
    # stored vectors of the old one must not be added to those of the new one.
    names = "\n".join(cell.name for cell in LAYOUT)
    assert {LAYOUT_VERSION: zlib.crc32(names.encode())} == {1: 3_023_870_328}


def test_every_cell_has_a_name_of_its_own() -> None:
    assert len({cell.name for cell in LAYOUT}) == len(LAYOUT)


@pytest.mark.parametrize(
    ("field", "classes", "first", "last"),
    [  # as rFMS 4.0 lists them
        ("accelerationPedalPositionClass", 5, {"from": 0, "to": 20}, {"from": 80, "to": 100}),
        ("brakePedalPositionClass", 5, {"from": 0, "to": 20}, {"from": 80, "to": 100}),
        ("accelerationClass", 13, {"to": -1.1}, {"from": 1.1}),
        ("accelerationDuringBrakeClass", 13, {"to": -1.1}, {"from": 1.1}),
        ("highAccelerationClass", 11, {"to": -3.0}, {"from": 3.0}),
        ("retarderTorqueClass", 5, {"from": 0, "to": 20}, {"from": 80, "to": 100}),
        ("engineTorqueClass", 10, {"from": 0, "to": 10}, {"from": 90, "to": 100}),
        ("engineTorqueAtCurrentSpeedClass", 10, {"from": 0, "to": 10}, {"from": 90, "to": 100}),
        ("vehicleSpeedClass", 40, {"from": 0, "to": 4}, {"from": 156}),
        ("engineSpeedClass", 10, {"from": 0, "to": 400}, {"from": 3600}),
    ],
)
def test_the_classes_are_those_of_rfms(
    field: str, classes: int, first: dict[str, float], last: dict[str, float]
) -> None:
    bands = next(each.bands for each in FIELDS if each.name == field)
    assert len(bands) == classes
    assert (bands[0].shape, bands[-1].shape) == (first, last)
    assert [band.stop for band in bands[:-1]] == [band.start for band in bands[1:]]


# Time, distance and fuel of a row


def test_a_drive_counts_its_time_distance_and_fuel() -> None:
    drive = rows(100, speed=72.0, fuel_rate=36.0, **RUNNING)
    assert only(drive, "durationWheelbasedSpeedOverZero") == 100
    assert only(drive, "fuelWheelbasedSpeedOverZero", "milliLitres") == 1000  # 10 ml/s
    assert in_class("vehicleSpeedClass", drive) == 18  # 72 to 76 km/h
    assert counted(drive, "vehicleSpeedClass", "meters")[18] == pytest.approx(2000)  # 20 m/s
    assert counted(drive, "engineSpeedClass", "milliLitres")[3] == 1000  # 1200 to 1600 rpm


def test_a_row_counts_for_the_span_its_time_lies_in() -> None:
    drive = rows(10, step_s=30.0, **RUNNING)
    between = START_US + 45_000_000  # in the middle of the second row's step
    halves = [(0, between), (between, ALWAYS[1])]
    first, second = (
        select(increments(drive, *half), "durationWheelbasedSpeedOverZero", "seconds")[0]
        for half in halves
    )
    assert (first, second) == (60, 240)


def test_a_span_without_rows_adds_nothing() -> None:
    assert not increments(rows(10), 0, START_US).any()
    assert not increments(rows(0), *ALWAYS).any()


def test_the_odometer_stands_in_where_the_speed_is_not_known() -> None:
    speed = np.full(100, 72.0)
    speed[10:20] = np.nan
    drive = rows(100, speed=speed, odometer=np.arange(100) * 0.021, **RUNNING)
    # 90 s at 20 m/s, ten at the odometer's 21 m/s.
    assert own(drive, "all/distance") == pytest.approx(90 * 20 + 10 * 21, abs=0.01)
    assert own(drive, "known/distance") == 100


@pytest.mark.parametrize("jump_km", [-500.0, 500.0])
def test_an_odometer_that_jumps_is_not_believed(jump_km: float) -> None:
    odometer = 1000 + np.arange(100) * 0.021
    odometer[50:] += jump_km
    drive = rows(100, speed=np.nan, odometer=odometer, **RUNNING)
    assert own(drive, "all/distance") == pytest.approx(98 * 21, abs=0.01)  # the last has no next
    assert own(drive, "known/distance") == 98


def test_what_a_counter_grew_in_a_gap_is_in_no_class() -> None:
    odometer = np.arange(100) * 0.021
    drive = rows(100, speed=np.nan, odometer=odometer, **RUNNING)
    drive.gap[50] = True  # nobody knows how the vehicle came from the row before to this one
    assert own(drive, "all/distance") == pytest.approx(98 * 21, abs=0.01)


def test_over_long_steps_counters_know_better_than_one_value_of_speed_and_rate() -> None:
    drive = rows(
        11, speed=72.0, step_s=30.0, odometer=np.arange(11) * 0.5, fuel_rate=36.0,
        fuel_used_total=np.arange(11) * 0.2, **RUNNING,
    )  # fmt: skip
    # Ten steps by the counters; the last row has no next one, so its speed and rate must do.
    assert own(drive, "all/distance") == pytest.approx(10 * 500 + 30 * 20)
    assert own(drive, "all/fuel") == pytest.approx(10 * 200 + 30 * 10, abs=0.01)


def test_a_fuel_counter_stands_in_for_a_missing_rate() -> None:
    drive = rows(11, fuel_used_total=np.arange(11) * 0.01, **RUNNING)
    assert own(drive, "all/fuel") == pytest.approx(100, abs=0.01)
    assert own(drive, "known/fuel") == 10


# Which class


def test_standing_counts_with_the_engine_on_and_no_power_take_off() -> None:
    pto = np.repeat([0.0, 1.0], 50)
    stand = rows(100, speed=0.0, fuel_rate=3.6, pto_engaged=pto, **RUNNING)
    assert only(stand, "durationWheelbasedSpeedZero") == 50
    assert only(stand, "fuelWheelbasedSpeedZero", "milliLitres") == 50
    assert counted(stand, "ptoActiveClass") == [50, 0]
    assert only(stand, "durationWheelbasedSpeedOverZero") == 0
    assert only(rows(100, speed=0.0, engine_speed=0.0), "durationWheelbasedSpeedZero") == 0


def test_a_power_take_off_under_way_has_its_own_class() -> None:
    assert counted(rows(100, pto_engaged=1.0, **RUNNING), "ptoActiveClass") == [0, 100]


def test_a_truck_that_says_nothing_of_a_power_take_off_stands_without_one() -> None:
    assert only(rows(100, speed=0.0, **RUNNING), "durationWheelbasedSpeedZero") == 100


def test_cruise_control_counts_while_the_truck_moves() -> None:
    speed = np.repeat([72.0, 0.0], 50)
    cruise = rows(100, speed=speed, cruise_active=1.0, fuel_rate=36.0, **RUNNING)
    assert only(cruise, "durationCruiseControlActive") == 50
    assert only(cruise, "distanceCruiseControlActive", "meters") == pytest.approx(1000)
    assert only(cruise, "fuelConsumptionDuringCruiseActive", "milliLitres") == 500


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 0), (19.6, 0), (20.0, 1), (79.6, 3), (80.0, 4), (100.0, 4)]
)
def test_pedals_are_in_fifths(value: float, expected: int) -> None:
    pedals = rows(accelerator_pedal=value, brake_pedal=value, **RUNNING)
    assert in_class("accelerationPedalPositionClass", pedals) == expected
    assert in_class("brakePedalPositionClass", pedals) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(-30.0, 0), (0.0, 0), (10.0, 1), (89.0, 8), (90.0, 9), (125.0, 9)]
)
def test_torques_are_in_tenths_and_what_is_beyond_is_in_the_class_at_the_end(
    value: float, expected: int
) -> None:
    pulling = rows(engine_torque=value, engine_load=value, **RUNNING)
    assert in_class("engineTorqueClass", pulling) == expected
    assert in_class("engineTorqueAtCurrentSpeedClass", pulling) == expected


@pytest.mark.parametrize(
    ("value", "acceleration", "high"),
    [
        (-5.0, 0, 0), (-3.0, 0, 0), (-1.1, 0, 4), (-0.9, 1, 5), (-0.1, 5, 5), (0.0, 6, 5),
        (0.09, 6, 5), (0.1, 7, 5), (1.09, 11, 5), (1.1, 12, 6), (2.0, 12, 8), (3.0, 12, 10),
    ],
)  # fmt: skip
def test_an_acceleration_on_an_edge_is_in_the_class_farther_from_zero(
    value: float, acceleration: int, high: int
) -> None:
    drive = rows(brake_switch=1.0, **RUNNING)
    drive = replace(drive, acceleration_m_s2=np.full(100, value))
    assert in_class("accelerationClass", drive) == acceleration
    assert in_class("accelerationDuringBrakeClass", drive) == acceleration
    assert in_class("highAccelerationClass", drive) == high


def test_an_acceleration_counts_as_braked_only_with_the_pedal_down() -> None:
    drive = rows(brake_switch=np.repeat([0.0, 1.0, np.nan, np.nan], 25), brake_pedal=0.0)
    drive.signals["brake_pedal"][75:] = np.nan  # the last quarter tells nothing
    drive = replace(drive, acceleration_m_s2=np.zeros(100))
    assert sum(counted(drive, "accelerationDuringBrakeClass")) == 25
    assert own(drive, "known/accelerationDuringBrakeClass") == 75


@pytest.mark.parametrize(("value", "expected"), [(-1.0, 0), (-20.0, 1), (-100.0, 4), (-125.0, 4)])
def test_the_retarder_counts_as_a_positive_value(value: float, expected: int) -> None:
    assert in_class("retarderTorqueClass", rows(retarder_torque=value)) == expected


def test_a_retarder_at_rest_is_known_and_in_no_class() -> None:
    rest = rows(retarder_torque=0.0)
    assert counted(rest, "retarderTorqueClass") == [0] * 5
    assert own(rest, "known/retarderTorqueClass") == 100


def test_driving_without_torque_needs_a_closed_driveline() -> None:
    coasting: dict[str, Any] = {"engine_torque": 5.0, "engine_friction_torque": 9.0, **RUNNING}
    assert only(rows(driveline_engaged=1.0, **coasting), "drivingWithoutTorqueClass") == 100
    assert only(rows(driveline_engaged=0.0, **coasting), "drivingWithoutTorqueClass") == 0
    assert only(rows(gear_current=9.0, **coasting), "drivingWithoutTorqueClass") == 100
    assert only(rows(gear_current=0.0, **coasting), "drivingWithoutTorqueClass") == 0
    clutched = rows(gear_current=9.0, clutch_switch=1.0, **coasting)
    assert only(clutched, "drivingWithoutTorqueClass") == 0
    pulling = rows(driveline_engaged=1.0, engine_torque=60.0, **RUNNING)
    assert only(pulling, "drivingWithoutTorqueClass") == 0
    assert own(rows(**coasting), "known/drivingWithoutTorqueClass") == 0  # in gear or not?


def test_gears_are_labelled_as_the_gearbox_counts_them() -> None:
    gears = np.repeat([-1.0, 0.0, 12.0, 99.0], 25)  # there is no gear 99
    data = accumulated_data(increments(rows(gear_current=gears, **RUNNING), *ALWAYS))
    classes = {each["label"]: each["seconds"] for each in data["currentGearClass"]}
    assert classes == {"-1": 25, "0": 25, "12": 25}
    assert "selectedGearClass" not in data


# Brake presses


def presses(states: str, *, speed: float = 50.0, step_s: float = 1.0) -> float:
    """How often the brake was pressed: `0` up, `1` down, `-` not known, a row each."""
    values = {"0": 0.0, "1": 1.0, "-": np.nan}
    switch = [values[state] for state in states]
    samples = rows(len(switch), speed=speed, step_s=step_s, brake_switch=switch)
    return only(samples, "brakePedalCounterSpeedOverZero", "count")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("0011001110", 2),
        ("0110", 1),
        ("1110", 0),  # pressed before anybody looked
        ("011-110", 1),  # a hole does not cut a press in two
        ("0--1", 1),
        ("0-0", 0),
    ],
)
def test_a_brake_press_is_counted_where_the_pedal_goes_down(states: str, expected: int) -> None:
    assert presses(states) == expected


def test_a_press_at_standstill_is_not_one_while_driving() -> None:
    assert presses("0010", speed=0.0) == 0


def test_a_press_after_a_gap_cannot_be_told_from_one_that_lasted() -> None:
    assert presses("0101", step_s=90.0) == 0


def test_where_there_is_no_brake_switch_the_pedal_tells() -> None:
    drive = rows(4, speed=50.0, brake_pedal=[0.0, 10.0, 20.0, 0.0])
    assert only(drive, "brakePedalCounterSpeedOverZero", "count") == 1
    assert only(drive, "distanceBrakePedalActiveSpeedOverZero", "meters") == pytest.approx(
        2 * 50 / 3.6, abs=0.01
    )


# What is shown


def test_what_the_signals_could_never_tell_is_left_out() -> None:
    data = accumulated_data(increments(rows(**RUNNING), *ALWAYS))
    assert data["durationWheelbasedSpeedOverZero"] == 100
    assert data["durationWheelbasedSpeedZero"] == 0  # known: it never stood
    for unknown in (
        "brakePedalCounterSpeedOverZero",
        "durationCruiseControlActive",
        "fuelWheelbasedSpeedOverZero",
        "retarderTorqueClass",
        "ptoActiveClass",
    ):
        assert unknown not in data


def test_classes_have_the_shape_of_rfms() -> None:
    drive = rows(speed=72.0, fuel_rate=36.0, pto_engaged=0.0, **RUNNING)
    data = accumulated_data(increments(drive, *ALWAYS))
    assert data["vehicleSpeedClass"][18] == {
        "from": 72.0, "to": 76.0, "seconds": 100, "meters": 2000, "milliLitres": 1000,
    }  # fmt: skip
    assert data["vehicleSpeedClass"][-1] == {
        "from": 156.0, "seconds": 0, "meters": 0, "milliLitres": 0,
    }  # fmt: skip
    assert data["ptoActiveClass"] == [
        {"label": "WHEELBASED_SPEED_ZERO", "seconds": 0, "milliLitres": 0},
        {"label": "WHEELBASED_SPEED_OVER_ZERO", "seconds": 0, "meters": 0, "milliLitres": 0},
    ]


def test_without_any_fuel_signal_classes_have_no_fuel() -> None:
    data = accumulated_data(increments(rows(**RUNNING), *ALWAYS))
    assert set(data["vehicleSpeedClass"][0]) == {"from", "to", "seconds", "meters"}


def test_a_vector_of_another_layout_is_refused() -> None:
    with pytest.raises(LayoutError, match="do not fit layout version 1"):
        accumulated_data(np.zeros(3))


# Sums


@st.composite
def drives(draw: st.DrawFn, *, even: bool = False) -> pd.DataFrame:
    """Signals of a drive with holes in time and in values; even: a row a second but for gaps."""
    count = draw(st.integers(min_value=2, max_value=400))
    rng = np.random.default_rng(draw(st.integers(min_value=0, max_value=2**32 - 1)))
    choices = [1.0] * 30 + [200.0] if even else [0.1, 1.0, 1.0, 1.0, 7.3, 200.0]
    times = START_US + np.cumsum(np.rint(rng.choice(choices, count) * 1e6).astype(np.int64))
    speed = np.clip(np.cumsum(rng.normal(0.0, 2.0, count)) + rng.uniform(0, 80), 0, 120)
    rate = rng.uniform(0.0, 50.0, count)
    frame = pd.DataFrame(
        {
            "wheel_speed": speed,
            "engine_speed": np.where(rng.random(count) < 0.1, 0.0, 600 + 15 * speed),
            "engine_torque": rng.uniform(-10, 110, count),
            "fuel_rate": rate,
            "fuel_used_total": np.cumsum(rate) / 3600,
            "odometer": np.cumsum(speed) / 3600,
            "accelerator_pedal": rng.uniform(0, 100, count),
            "brake_switch": (rng.random(count) < 0.2).astype(float),
            "cruise_active": (rng.random(count) < 0.5).astype(float),
            "retarder_torque": -rng.uniform(-50, 100, count).clip(0),
            "gear_current": rng.integers(-1, 13, count).astype(float),
            "pto_engaged": (rng.random(count) < 0.1).astype(float),
        },
        index=pd.to_datetime(times, unit="us", utc=True),
    )
    return frame.where(rng.random(frame.shape) > 0.05)


def times_us(signals: pd.DataFrame) -> NDArray[np.int64]:
    """When each row is, microseconds since 1970."""
    return signals.index.to_numpy(dtype="datetime64[us]").astype(np.int64)


@given(signals=drives())
@settings(max_examples=40, deadline=None)
def test_the_classes_of_a_signal_sum_to_the_time_distance_and_fuel_it_was_known_in(
    signals: pd.DataFrame,
) -> None:
    samples = prepare(signals)
    total = increments(samples, *ALWAYS)
    speed_known = ~np.isnan(samples.speed_km_h)
    known = {
        "vehicleSpeedClass": samples.running & speed_known,
        "engineSpeedClass": samples.running & ~np.isnan(samples["engine_speed"]),
        "engineTorqueClass": samples.running & ~np.isnan(samples["engine_torque"]),
        "accelerationPedalPositionClass": samples.running & ~np.isnan(samples["accelerator_pedal"]),
        "currentGearClass": samples.running & ~np.isnan(samples["gear_current"]),
        "accelerationClass": samples.moving & ~np.isnan(samples.acceleration_m_s2),
        "highAccelerationClass": samples.moving & ~np.isnan(samples.acceleration_m_s2),
    }
    for field, rows_known in known.items():
        seconds = select(total, field, "seconds").sum()
        assert seconds == total[PLACES[f"known/{field}"]]
        assert seconds == pytest.approx(samples.step_s[rows_known].sum(), abs=1e-3)
        # What these rows count if they are all in which the vehicle was in use.
        alone = replace(samples, running=rows_known, moving=np.zeros(len(samples), dtype=np.bool_))
        assert select(total, field, "meters").sum() == own(alone, "all/distance")
        assert select(total, field, "milliLitres").sum() == own(alone, "all/fuel")


@given(signals=drives())
@settings(max_examples=40, deadline=None)
def test_time_over_zero_and_at_zero_is_the_whole_time_of_a_known_speed(
    signals: pd.DataFrame,
) -> None:
    samples = prepare(signals)
    total = increments(samples, *ALWAYS)
    speed_known = ~np.isnan(samples.speed_km_h)
    standing = speed_known & ~samples.moving
    pumping = standing & samples.running & (samples["pto_engaged"] == 1)
    either = samples.moving | (standing & samples.running)
    over = select(total, "durationWheelbasedSpeedOverZero", "seconds")[0]
    zero = select(total, "durationWheelbasedSpeedZero", "seconds")[0]
    assert over + zero == pytest.approx(samples.step_s[either & ~pumping].sum(), abs=1e-3)
    speeds = select(total, "vehicleSpeedClass", "seconds").sum()
    # Moving with the engine off, or for a moment at a speed that is not known, is in no speed
    # class; standing with the power take-off at work is.
    unclassed = samples.step_s[samples.moving & ~(samples.running & speed_known)].sum()
    pumped = samples.step_s[pumping].sum()
    assert over + zero == pytest.approx(speeds + unclassed - pumped, abs=1e-3)


@given(signals=drives(), cuts=st.lists(st.floats(min_value=0, max_value=1), max_size=5))
@settings(max_examples=40, deadline=None)
def test_spans_that_adjoin_add_up_exactly(signals: pd.DataFrame, cuts: list[float]) -> None:
    samples = prepare(signals)
    first, last = int(samples.time_us[0]), int(samples.time_us[-1]) + 1
    edges = sorted({first, last, *(first + round(cut * (last - first)) for cut in cuts)})
    parts = [increments(samples, *span) for span in pairwise(edges)]
    whole = increments(samples, first, last)
    assert np.array_equal(sum(parts), whole)
    assert np.array_equal(sum(reversed(parts)), whole)


@given(signals=drives(even=True), at=st.floats(min_value=0, max_value=1))
@settings(max_examples=40, deadline=None)
def test_rows_farther_from_a_span_than_its_context_do_not_matter(
    signals: pd.DataFrame, at: float
) -> None:
    times = times_us(signals)
    start = int(times[int(at * (len(times) - 1))])
    stop = start + 50_000_000
    context = round(CONTEXT_S * 1e6)
    near = signals[(times >= start - context) & (times < stop + context)]
    far = increments(prepare(signals), start, stop)
    assert np.array_equal(increments(prepare(near), start, stop), far)


# Rows that come late


class Vehicle:
    """Days of 1000 s of which rows come in any order: those these touch are worked up again."""

    DAY_US = 1_000_000_000

    def __init__(self, signals: pd.DataFrame) -> None:
        self.signals = signals
        self.times = times_us(signals)
        self.there = np.zeros(len(signals), dtype=np.bool_)
        self.days: dict[int, Vector] = {}

    def take(self, arrived: list[int]) -> None:
        """Rows come, some of them again."""
        self.there[arrived] = True
        context = round(CONTEXT_S * 1e6)
        times = self.times[arrived]
        near = zip((times - context) // self.DAY_US, (times + context) // self.DAY_US, strict=True)
        changed = {day for first, last in near for day in range(int(first), int(last) + 1)}
        samples = prepare(self.signals[self.there])
        for day in changed:
            self.days[day] = self.increments(samples, day)

    def increments(self, samples: Samples, day: int) -> Vector:
        """What a day adds."""
        return increments(samples, day * self.DAY_US, (day + 1) * self.DAY_US)


@given(signals=drives(even=True), data=st.data())
@settings(max_examples=40, deadline=None)
def test_rows_in_any_order_late_or_repeated_end_with_exactly_the_same_days(
    signals: pd.DataFrame, data: st.DataObject
) -> None:
    vehicle = Vehicle(signals)
    order = data.draw(st.permutations(range(len(signals))))
    size = data.draw(st.integers(min_value=max(len(signals) // 5, 1), max_value=len(signals)))
    batches = [list(order[start : start + size]) for start in range(0, len(order), size)]
    again = data.draw(st.lists(st.sampled_from(batches), max_size=2))
    for batch in [*batches, *again]:
        vehicle.take(batch)
    at_once = prepare(signals)
    for day, added in vehicle.days.items():
        assert np.array_equal(added, vehicle.increments(at_once, day))
    assert np.array_equal(sum(vehicle.days.values()), increments(at_once, *ALWAYS))


def test_rows_that_come_in_order_only_add() -> None:
    signals = pd.DataFrame(
        {"wheel_speed": 50 + np.arange(250) % 20, "engine_speed": 1200.0, "fuel_rate": 30.0},
        index=pd.to_datetime(START_US + np.arange(250) * 1_000_000, unit="us", utc=True),
    )
    vehicle = Vehicle(signals)
    total = np.zeros(len(LAYOUT))
    for first in range(0, 250, 10):
        vehicle.take(list(range(first, first + 10)))
        before, total = total, np.sum(list(vehicle.days.values()), axis=0)
        assert (total >= before).all()
