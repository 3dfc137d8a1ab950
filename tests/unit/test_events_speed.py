"""Too fast for the road or for the vehicle, and what a table of events tells of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.events import DETECTORS, events_of, find_events
from analytics.events.speed import overspeed_road, overspeed_vehicle, road_limit
from analytics.events.table import EVENT_COLUMNS, EVENT_KINDS, build, empty
from analytics.samples import prepare
from analytics.spans import Spans
from analytics.thresholds import of_class

START = pd.Timestamp("2026-11-01T00:00:00Z")
TRUCK = of_class("heavy_truck")
CAR = of_class("car")
NAN = float("nan")


def rows(speed: list[float], step_s: float = 1.0, /, **signals: list[float]) -> pd.DataFrame:
    """Rows of a speed [km/h] so far apart, and of other signals."""
    index = START + pd.to_timedelta(np.arange(len(speed)) * step_s, unit="s")
    return pd.DataFrame({"wheel_speed": speed, **signals}, index=index, dtype=np.float64)


def second(number: float) -> pd.Timestamp:
    return START + pd.Timedelta(seconds=number)


def every_ten(values: list[float]) -> list[float]:
    """A signal that comes every ten seconds, the rows between absent."""
    return [value for each in values for value in (each, *[NAN] * 9)]


def wavy(speed: float, count: int) -> list[float]:
    """A speed as a sensor gives it, never twice the same."""
    return [speed + 0.1 * (n % 2) for n in range(count)]


def test_driving_above_the_limit_is_one_event_with_the_greatest_excess_and_its_limit() -> None:
    speed = wavy(78, 20) + wavy(86, 10) + [90.0] + wavy(86, 9) + wavy(78, 20)
    (event,) = overspeed_road(
        prepare(rows(speed, speed_limit=every_ten([80.0] * 6))), TRUCK
    ).to_dict("records")
    assert (event["start_time"], event["end_time"]) == (second(20), second(40))
    assert (event["peak"], event["limit"], event["peak_time"]) == (90.0, 80.0, second(30))
    assert event["severity"] == 2  # 90 of 80 is 12.5 % too fast: between 10 and 20 %
    assert event["distance_km"] == pytest.approx(sum(speed[20:40]) / 3600)


@pytest.mark.parametrize(
    ("speed", "seconds", "events"),
    [
        (83.0, 60, 0),  # 3.75 % above is within 5 %
        (86.0, 4, 0),  # too short
        (86.0, 5, 1),
        (80.0, 60, 0),
    ],
)
def test_little_or_brief_excess_is_none(speed: float, seconds: int, events: int) -> None:
    count = -(-(seconds + 20) // 10) * 10
    speeds = (wavy(75, 10) + [speed + 0.01 * n for n in range(seconds)] + wavy(75, 80))[:count]
    signals = rows(speeds, speed_limit=every_ten([80.0] * (count // 10)))
    assert len(overspeed_road(prepare(signals), TRUCK)) == events


def test_a_speed_that_swings_about_the_threshold_is_one_event() -> None:
    swinging = [85.0, 83.5] * 5  # above 5 % and above 3 %
    speed = wavy(75, 10) + wavy(86, 10) + swinging + wavy(86, 10) + wavy(75, 10)
    signals = rows(speed, speed_limit=every_ten([80.0] * 5))
    (event,) = overspeed_road(prepare(signals), TRUCK).to_dict("records")
    assert event["end_time"] - event["start_time"] == pd.Timedelta(seconds=30)


def test_the_peak_is_where_the_excess_is_greatest_not_the_speed() -> None:
    speed = wavy(95, 20) + wavy(75, 20)
    signals = rows(speed, speed_limit=every_ten([90.0, 90.0, 50.0, 50.0]))
    (event,) = overspeed_road(prepare(signals), TRUCK).to_dict("records")
    assert (event["peak"], event["limit"]) == (75.1, 50.0)  # 25 too fast; before it was 5
    assert event["severity"] == 3


def test_a_road_without_a_limit_is_not_judged() -> None:
    fast = wavy(130, 60)
    assert overspeed_road(prepare(rows(fast)), TRUCK).empty
    for none in (0.0, NAN):
        signals = rows(fast, speed_limit=every_ten([none] * 6))
        assert overspeed_road(prepare(signals), TRUCK).empty


def test_a_limit_that_rises_does_so_between_the_looks_and_one_that_falls_when_it_is_seen() -> None:
    samples = prepare(rows(wavy(50, 40), speed_limit=every_ten([50.0, 80.0, 80.0, 60.0])))
    assert road_limit(samples).tolist() == [50.0] * 5 + [80.0] * 25 + [60.0] * 10


def test_speeding_up_towards_a_higher_limit_that_is_seen_late_is_no_event() -> None:
    # The sign is passed at 6 s; the value comes at 10 s.
    speed = [*wavy(50, 6), 54.0, 58.0, 62.0, 66.0, *wavy(70, 10)]
    signals = rows(speed, speed_limit=every_ten([50.0, 80.0]))
    assert overspeed_road(prepare(signals), TRUCK).empty


def test_the_vehicles_own_limit_holds_where_the_road_has_none() -> None:
    fast = rows(wavy(80, 20) + wavy(97, 20) + wavy(80, 20))
    (event,) = overspeed_vehicle(prepare(fast), TRUCK).to_dict("records")
    assert (event["kind"], event["limit"], event["peak"]) == ("overspeed_vehicle", 90.0, 97.1)
    assert overspeed_vehicle(prepare(fast), CAR).empty  # a car may do 120


def test_one_reading_of_a_slow_tracker_is_no_proof_and_two_are() -> None:
    once = [80.0, 80.5, 99.0, 80.0, 80.5]
    twice = [80.0, 80.5, 99.0, 98.5, 80.0, 80.5]
    assert overspeed_vehicle(prepare(rows(once, 30.0)), TRUCK).empty
    (event,) = overspeed_vehicle(prepare(rows(twice, 30.0)), TRUCK).to_dict("records")
    assert event["end_time"] - event["start_time"] == pd.Timedelta(seconds=60)


def test_speeding_before_and_after_a_gap_is_two_events() -> None:
    signals = rows(wavy(100, 40))
    later = pd.to_timedelta([0] * 20 + [100] * 20, unit="s")
    signals.index = pd.DatetimeIndex(signals.index) + later
    assert len(overspeed_vehicle(prepare(signals), TRUCK)) == 2


def speeding(**signals: list[float]) -> dict[str, object]:
    """The one event of 30 s at 100 km/h from the tenth second on."""
    samples = prepare(rows(wavy(80, 10) + wavy(100, 30) + wavy(80, 10), **signals))
    (event,) = overspeed_vehicle(samples, TRUCK).to_dict("records")
    return {str(name): value for name, value in event.items()}


def test_fuel_is_that_of_the_rate_and_else_that_of_the_counter() -> None:
    assert speeding(fuel_rate=[36.0] * 50)["fuel_l"] == pytest.approx(0.3)  # 30 s of 10 ml/s
    counter = [500.0 + 0.01 * n for n in range(50)]
    assert speeding(fuel_used_total=counter)["fuel_l"] == pytest.approx(0.3)
    assert np.isnan(float(str(speeding()["fuel_l"])))


def test_fuel_that_is_mostly_unknown_is_unknown_and_of_a_little_the_rest_is_taken() -> None:
    most = [36.0] * 15 + [NAN] * 1 + [36.0] * 34  # 1 of 30 s missing
    some = [36.0] * 15 + [NAN] * 5 + [36.0] * 30
    assert speeding(fuel_rate=most)["fuel_l"] == pytest.approx(0.3)
    assert np.isnan(float(str(speeding(fuel_rate=some)["fuel_l"])))


def test_a_place_is_the_nearest_known_one_within_seconds() -> None:
    def place(at: int) -> tuple[object, object]:
        latitude, longitude = [NAN] * 50, [NAN] * 50
        latitude[at], longitude[at] = 40.0, 116.0
        event = speeding(latitude=latitude, longitude=longitude)
        return event["latitude"], event["longitude"]

    assert place(7) == (40.0, 116.0)  # three seconds before
    assert place(14) == (40.0, 116.0)  # four after
    assert np.isnan(float(str(place(4)[0])))  # six before are another place
    assert np.isnan(float(str(place(16)[0])))


def test_severity_falls_with_the_peak_where_the_second_step_is_the_smaller() -> None:
    samples = prepare(rows(wavy(50, 9)))
    spans = Spans(first=np.array([0, 3, 6]), stop=np.array([2, 5, 8]))
    peak = np.array([0.9, 0.7, 0.2])
    found = build(samples, "late_braking", spans, peak=peak, limit=1.0, severity=(0.7, 0.3))
    assert found["severity"].tolist() == [1, 2, 3]
    assert found["peak_time"].tolist() == found["end_time"].tolist()  # a duration's end


def test_a_row_alone_between_gaps_stands_for_no_time_and_so_for_no_way() -> None:
    samples = prepare(rows([50.0, 50.1, 50.2], 100.0, fuel_rate=[20.0] * 3))
    alone = Spans(first=np.array([1]), stop=np.array([2]))
    found = build(samples, "idling", alone, peak=np.array([0.0]), limit=0.0, severity=(1.0, 2.0))
    assert found[["distance_km", "fuel_l"]].isna().all(axis=None)


def test_every_kind_has_its_words_in_both_languages() -> None:
    for kind in EVENT_KINDS.values():
        assert all(
            (kind.unit, kind.title_en, kind.title_zh, kind.description_en, kind.description_zh)
        )
        assert kind.title_zh.isascii() is False
        assert kind.description_zh.endswith("。")
        assert kind.description_en.endswith(".")


def test_there_is_a_detector_for_each_kind_in_the_order_of_names() -> None:
    assert [detect.__name__ for detect in DETECTORS] == sorted(EVENT_KINDS)


def test_events_come_by_time_and_then_by_kind() -> None:
    signals = rows(wavy(80, 10) + wavy(100, 30) + wavy(80, 10), speed_limit=[80.0] * 50)
    found = find_events(signals, TRUCK)
    assert found["kind"].tolist() == ["overspeed_road", "overspeed_vehicle"]
    assert found["start_time"].is_monotonic_increasing
    assert tuple(found.columns) == EVENT_COLUMNS


def test_no_rows_and_no_signals_have_no_events_in_a_table_of_the_same_kind() -> None:
    nothing = pd.DataFrame(index=pd.DatetimeIndex([], tz="UTC"))
    silent = pd.DataFrame(index=rows([0.0] * 5).index)
    full = overspeed_vehicle(prepare(rows(wavy(100, 30))), TRUCK)
    for signals in (nothing, silent):
        found = find_events(signals, TRUCK)
        assert found.empty
        assert found.dtypes.to_dict() == empty().dtypes.to_dict() == full.dtypes.to_dict()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 130), min_size=2, max_size=60),
    st.sampled_from([30.0, 50.0, 80.0, NAN]),
    st.sampled_from([1.0, 5.0, 20.0]),
)
def test_overspeed_is_above_its_limit_and_no_longer_than_the_rows(
    speeds: list[float], limit: float, step_s: float
) -> None:
    samples = prepare(rows(speeds, step_s, speed_limit=[limit] * len(speeds)))
    found = events_of(samples, TRUCK)
    fast = found[found["kind"].str.startswith("overspeed")]
    assert (fast["peak"] > fast["limit"]).all()
    assert (fast["end_time"] <= START + pd.Timedelta(seconds=step_s * len(speeds))).all()
    road = fast[fast["kind"] == "overspeed_road"]
    assert road.empty or not np.isnan(limit)
