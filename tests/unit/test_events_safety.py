"""Driving unbelted or with a red lamp on: seconds driven, stops, wrong values, bulb checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from analytics.events.safety import red_tell_tale, seat_belt
from analytics.events.table import EVENT_COLUMNS
from analytics.samples import prepare
from analytics.thresholds import of_class
from tests.samples.driving_rows import Detector, after, delayed, rows, samples

if TYPE_CHECKING:
    import pandas as pd

TRUCK = of_class("heavy_truck")

OPEN = {"wheel_speed": 50.0, "seat_belt_driver": 0.0}
CLOSED = {"wheel_speed": 50.0, "seat_belt_driver": 1.0}
OPEN_STANDING = {"wheel_speed": 0.0, "seat_belt_driver": 0.0}
ROLLING_OUT = {"wheel_speed": 20.0, "seat_belt_driver": 0.0}

LIT = {"wheel_speed": 20.0, "tell_tale_red": 1.0}
DARK = {"wheel_speed": 20.0, "tell_tale_red": 0.0}
LIT_STANDING = {"wheel_speed": 0.0, "tell_tale_red": 1.0}

LONG = int(max(TRUCK.seat_belt.least_s, TRUCK.red_tell_tale.least_s)) + 60


def every_tenth(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The same rows with a signal only every ten seconds, as vehicles send it."""
    frame.loc[np.arange(len(frame)) % 10 != 0, name] = np.nan
    return frame


@pytest.mark.parametrize("detect", [seat_belt, red_tell_tale])
def test_a_vehicle_without_the_signals_has_no_events_but_their_columns(
    detect: Detector,
) -> None:
    found = detect(samples((600, {"wheel_speed": 60.0})), TRUCK)
    assert found.empty
    assert tuple(found.columns) == EVENT_COLUMNS


def test_driving_unbelted_is_an_event_of_its_seconds() -> None:
    frame = every_tenth(rows((60, CLOSED), (LONG, OPEN), (60, CLOSED)), "seat_belt_driver")
    (event,) = seat_belt(prepare(frame), TRUCK).to_dict("records")
    assert (event["start_time"], event["end_time"]) == (after(60), after(60 + LONG))
    assert (event["peak"], event["limit"]) == (LONG, TRUCK.seat_belt.least_s)


def test_one_wrong_belt_value_is_no_event() -> None:
    frame = every_tenth(rows((60, CLOSED), (10, OPEN), (60, CLOSED)), "seat_belt_driver")
    assert seat_belt(prepare(frame), TRUCK).empty


def test_a_belt_may_be_open_at_a_standstill_and_while_manoeuvring() -> None:
    assert seat_belt(samples((LONG, OPEN_STANDING)), TRUCK).empty
    slow = {**OPEN, "wheel_speed": TRUCK.seat_belt.from_km_h - 1}
    assert seat_belt(samples((LONG, slow)), TRUCK).empty


def test_a_stop_at_a_light_does_not_make_two_events_and_is_not_counted() -> None:
    found = seat_belt(samples((LONG, ROLLING_OUT), (60, OPEN_STANDING), (LONG, ROLLING_OUT)), TRUCK)
    assert found["peak"].tolist() == [2 * LONG]


def test_a_gap_in_the_data_makes_two_events() -> None:
    frame = delayed(rows((2 * LONG, OPEN)), row=LONG, by_s=90)
    assert seat_belt(prepare(frame), TRUCK)["peak"].tolist() == [LONG, LONG]


def test_a_belt_value_holds_for_three_periods_and_then_nobody_knows() -> None:
    frame = rows((300, OPEN))
    frame.loc[frame.index[1:], "seat_belt_driver"] = np.nan
    found = seat_belt(prepare(frame), TRUCK)
    assert found["peak"].tolist() == [31]  # the row itself and 30 s after it


def test_driving_on_with_the_red_lamp_is_an_event_of_the_seconds_driven() -> None:
    found = red_tell_tale(
        samples((60, DARK), (LONG, LIT), (40, LIT_STANDING), (LONG, LIT), (60, DARK)), TRUCK
    )
    (event,) = found.to_dict("records")
    assert (event["start_time"], event["end_time"]) == (after(60), after(100 + 2 * LONG))
    assert event["peak"] == 2 * LONG


def test_a_bulb_check_is_no_event_even_if_the_truck_leaves_during_it() -> None:
    check = rows((20, LIT_STANDING), (10, LIT), (300, DARK))
    assert red_tell_tale(prepare(every_tenth(check, "tell_tale_red")), TRUCK).empty


def test_standing_with_the_red_lamp_is_what_it_asks_for() -> None:
    assert red_tell_tale(samples((600, LIT_STANDING)), TRUCK).empty


def test_one_wrong_lamp_value_is_no_event() -> None:
    frame = every_tenth(rows((60, DARK), (10, LIT), (60, DARK)), "tell_tale_red")
    assert red_tell_tale(prepare(frame), TRUCK).empty


def test_longer_driving_with_the_red_lamp_is_worse() -> None:
    medium, high = (int(each) for each in TRUCK.red_tell_tale.severity)
    for seconds, severity in ((medium - 5, 1), (medium, 2), (high, 3)):
        found = red_tell_tale(samples((60, DARK), (seconds, LIT), (60, DARK)), TRUCK)
        assert found["severity"].tolist() == [severity], seconds
