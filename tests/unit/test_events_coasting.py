"""Coasting in gear and in neutral: seconds, flicker, and whose wish it was."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.events.coasting import coasting, neutral_coasting
from analytics.events.table import EVENT_COLUMNS
from analytics.samples import prepare
from analytics.thresholds import of_class
from tests.samples.driving_rows import Detector, after, delayed, rows, samples

TRUCK = of_class("heavy_truck")

PULLS = {
    "wheel_speed": 60.0,
    "engine_speed": 1200.0,
    "fuel_rate": 20.0,
    "accelerator_pedal": 40.0,
    "brake_switch": 0.0,
    "gear_current": 10.0,
}
COASTS = {**PULLS, "fuel_rate": 0.0, "accelerator_pedal": 0.0}
ROLLS = {**COASTS, "engine_speed": 600.0, "fuel_rate": 2.6, "gear_current": 0.0}
SHIFTS = {**COASTS, "gear_current": 0.0}

LONG = int(max(TRUCK.coasting.least_s, TRUCK.neutral_coasting.least_s)) + 12


@pytest.mark.parametrize("detect", [coasting, neutral_coasting])
def test_a_vehicle_without_the_signals_has_no_events_but_their_columns(
    detect: Detector,
) -> None:
    found = detect(samples((60, {"wheel_speed": 60.0})), TRUCK)
    assert found.empty
    assert tuple(found.columns) == EVENT_COLUMNS


def test_coasting_is_an_event_of_its_seconds_and_always_low() -> None:
    minutes = 600
    found = coasting(samples((9, PULLS), (LONG, COASTS), (9, PULLS), (minutes, COASTS)), TRUCK)
    assert found["peak"].tolist() == [LONG, minutes]
    assert found["start_time"].tolist() == [after(9), after(18 + LONG)]
    assert found["severity"].tolist() == [1, 1]  # a merit, however long
    assert found["distance_km"].iloc[1] == pytest.approx(10.0)  # 10 min at 60 km/h
    assert found["fuel_l"].tolist() == [0, 0]


def test_a_lift_of_a_row_is_no_coasting() -> None:
    assert coasting(samples((9, PULLS), (1, COASTS), (9, PULLS)), TRUCK).empty


def test_a_gear_change_does_not_split_coasting_and_is_not_counted() -> None:
    found = coasting(samples((9, PULLS), (LONG, COASTS), (1, SHIFTS), (LONG, COASTS)), TRUCK)
    assert found["peak"].tolist() == [2 * LONG]


def test_one_wrong_fuel_rate_does_not_split_coasting() -> None:
    frame = rows((9, PULLS), (LONG, COASTS), (1, COASTS), (LONG, COASTS), (9, PULLS))
    frame.loc[frame.index[9 + LONG], "fuel_rate"] = 400.0
    assert len(coasting(prepare(frame), TRUCK)) == 1


def test_a_brake_ends_coasting() -> None:
    brakes = {**COASTS, "brake_switch": 1.0}
    found = coasting(samples((9, PULLS), (LONG, COASTS), (5, brakes)), TRUCK)
    assert found["end_time"].tolist() == [after(9 + LONG)]


def test_a_gap_in_the_data_is_not_coasted_through() -> None:
    frame = delayed(rows((9, PULLS), (2 * LONG, COASTS)), row=9 + LONG, by_s=300)
    assert coasting(prepare(frame), TRUCK)["peak"].tolist() == [LONG, LONG]


def test_missing_values_of_a_row_do_not_split_coasting() -> None:
    frame = rows((9, PULLS), (2 * LONG, COASTS))
    frame.iloc[9 + LONG] = np.nan
    assert len(coasting(prepare(frame), TRUCK)) == 1


def test_rows_too_far_apart_cannot_tell_coasting() -> None:
    assert coasting(samples((9, PULLS), (9, COASTS), (9, PULLS), step_s=30.0), TRUCK).empty


def test_rolling_in_neutral_is_an_event_and_a_gear_change_is_none() -> None:
    found = neutral_coasting(samples((9, PULLS), (LONG, ROLLS), (9, PULLS)), TRUCK)
    assert found["peak"].tolist() == [LONG]
    assert neutral_coasting(samples((9, PULLS), (1, SHIFTS), (9, PULLS)), TRUCK).empty


def test_an_open_driveline_tells_neutral_where_no_gear_is_known() -> None:
    unknown = {name: value for name, value in ROLLS.items() if name != "gear_current"}
    opened = {**unknown, "driveline_engaged": 0.0}
    closed = {**unknown, "driveline_engaged": 1.0}
    assert len(neutral_coasting(samples((9, closed), (LONG, opened)), TRUCK)) == 1
    assert neutral_coasting(samples((LONG, unknown)), TRUCK).empty


@pytest.mark.parametrize("signal", ["eco_roll_active", "cruise_active"])
def test_what_the_vehicle_does_itself_is_not_the_drivers(signal: str) -> None:
    own = {**ROLLS, signal: 1.0}
    assert neutral_coasting(samples((9, PULLS), (LONG, own), (9, PULLS)), TRUCK).empty
    assert coasting(samples((9, PULLS), (LONG, own), (9, PULLS)), TRUCK).empty


def test_creeping_in_neutral_to_a_barrier_is_no_event() -> None:
    slow = {**ROLLS, "wheel_speed": TRUCK.neutral_coasting.from_km_h - 2}
    assert neutral_coasting(samples((LONG, slow)), TRUCK).empty
