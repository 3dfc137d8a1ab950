"""Late braking and the service brake in the retarder's place."""

from __future__ import annotations

import pytest

from analytics.conditions import brake_applications
from analytics.events.braking import late_braking, service_braking
from analytics.events.table import EVENT_COLUMNS
from analytics.samples import prepare
from analytics.thresholds import of_class
from tests.samples.driving_rows import Detector, after, delayed, rows, samples

TRUCK = of_class("heavy_truck")

PRESSED = {"accelerator_pedal": 40.0, "brake_switch": 0.0}
RELEASED = {"accelerator_pedal": 0.0, "brake_switch": 0.0}
BRAKED = {"accelerator_pedal": 0.0, "brake_switch": 1.0}
BOTH = {"accelerator_pedal": 40.0, "brake_switch": 1.0}


@pytest.mark.parametrize("detect", [late_braking, service_braking])
def test_a_vehicle_without_the_signals_has_no_events_but_their_columns(
    detect: Detector,
) -> None:
    found = detect(samples((60, {"wheel_speed": 60.0})), TRUCK)
    assert found.empty
    assert tuple(found.columns) == EVENT_COLUMNS


def test_braking_out_of_accelerating_is_an_event_with_the_time_between_at_the_most() -> None:
    found = late_braking(samples((5, PRESSED), (4, BRAKED), (9, RELEASED), wheel_speed=50), TRUCK)
    (event,) = found.to_dict("records")
    assert (event["start_time"], event["end_time"]) == (after(5), after(9))
    assert event["peak_time"] == after(5)
    assert (event["peak"], event["limit"]) == (1.0, TRUCK.late_braking.within_s)
    assert event["severity"] == 1  # 1 Hz tells no more than "less than a second"


def test_the_event_begins_at_the_speed_before_the_brake() -> None:
    frame = rows((2, PRESSED), (3, BRAKED))
    frame["wheel_speed"] = [50.0, 50.0, 44.0, 38.0, 32.0]
    assert late_braking(prepare(frame), TRUCK)["speed_km_h"].tolist() == [50.0]


def test_less_time_between_is_worse() -> None:
    quick = samples((20, PRESSED), (1, RELEASED), (20, BRAKED), wheel_speed=50, step_s=0.1)
    (event,) = late_braking(quick, TRUCK).to_dict("records")
    assert event["peak"] == pytest.approx(0.2)  # two rows of 0.1 s
    assert event["severity"] == 3
    (event,) = late_braking(samples((5, PRESSED), (4, BOTH), wheel_speed=50), TRUCK).to_dict(
        "records"
    )
    assert (event["peak"], event["severity"]) == (0.0, 3)


def test_a_braking_that_was_foreseen_or_not_seen_is_no_event() -> None:
    foreseen = samples((5, PRESSED), (2, RELEASED), (4, BRAKED), wheel_speed=50)
    assert late_braking(foreseen, TRUCK).empty
    unseen = delayed(rows((5, PRESSED), (4, BRAKED), wheel_speed=50), row=5, by_s=1.2)
    assert late_braking(prepare(unseen), TRUCK).empty


def test_events_are_the_late_ones_of_the_counted_brakings() -> None:
    drive = samples(
        (5, PRESSED), (4, BRAKED), (9, RELEASED), (4, BRAKED), (5, PRESSED), (1, BRAKED),
        wheel_speed=50,
    )  # fmt: skip
    assert int(brake_applications(drive, TRUCK).known.sum()) == 3
    assert late_braking(drive, TRUCK)["start_time"].tolist() == [after(5), after(27)]


def test_a_flickering_brake_switch_is_one_late_braking() -> None:
    drive = samples(
        (5, PRESSED), (2, BRAKED), (1, RELEASED), (2, BRAKED), (1, RELEASED), (2, BRAKED),
        wheel_speed=50,
    )  # fmt: skip
    assert len(late_braking(drive, TRUCK)) == 1


# The service brake in the retarder's place

RULES = TRUCK.service_braking
LONG = int(RULES.least_s) + 5
FREE = {"brake_switch": 0.0, "retarder_torque": 0.0}
SERVICE = {"brake_switch": 1.0, "retarder_torque": 0.0}
BLENDED = {"brake_switch": 1.0, "retarder_torque": -60.0}


def test_a_long_service_braking_with_the_retarder_idle_is_an_event() -> None:
    found = service_braking(samples((9, FREE), (LONG, SERVICE), (9, FREE), wheel_speed=60), TRUCK)
    (event,) = found.to_dict("records")
    assert (event["start_time"], event["end_time"]) == (after(9), after(9 + LONG))
    assert (event["peak"], event["limit"]) == (LONG, RULES.least_s)


def test_a_retarder_that_helps_or_is_not_fitted_makes_it_none() -> None:
    assert service_braking(samples((9, FREE), (LONG, BLENDED), wheel_speed=60), TRUCK).empty
    unfitted = samples((9, {"brake_switch": 0}), (LONG, {"brake_switch": 1}), wheel_speed=60)
    assert service_braking(unfitted, TRUCK).empty


def test_a_short_a_slow_and_an_emergency_braking_are_none() -> None:
    short = int(RULES.least_s) - 1
    assert service_braking(samples((9, FREE), (short, SERVICE), wheel_speed=60), TRUCK).empty
    slow = RULES.from_km_h - 2
    assert service_braking(samples((9, FREE), (LONG, SERVICE), wheel_speed=slow), TRUCK).empty
    emergency = rows((9, SERVICE))
    emergency["wheel_speed"] = [100.0 - 8.0 * row for row in range(9)]  # 2.2 m/s²
    assert service_braking(prepare(emergency), TRUCK).empty


def test_a_let_up_of_a_row_does_not_split_it_and_a_gap_in_the_data_does() -> None:
    let_up = samples((9, FREE), (LONG, SERVICE), (1, FREE), (LONG, SERVICE), wheel_speed=60)
    assert service_braking(let_up, TRUCK)["peak"].tolist() == [2 * LONG]
    frame = delayed(rows((9, FREE), (2 * LONG, SERVICE), wheel_speed=60), row=9 + LONG, by_s=300)
    assert service_braking(prepare(frame), TRUCK)["peak"].tolist() == [LONG, LONG]
