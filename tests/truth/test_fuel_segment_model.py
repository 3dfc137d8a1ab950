"""Litres of segments: physics that stays physics, and a model that knows what it has not seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.fuel.evaluation import Held, evaluate, metrics_of
from analytics.fuel.model import SegmentModel, expected_of_parts
from analytics.fuel.model_level import target_l
from analytics.fuel.segment_physics import (
    CLASS_NUMBERS,
    DRIVEN,
    ROAD,
    TERMS,
    VIEWS,
    CalibrationSums,
    SegmentPhysics,
    VehicleNumbers,
)
from analytics.fuel.segment_rows import SegmentError
from analytics.fuel.segments import segments_of
from analytics.fuel.signals import fuel_samples
from analytics.fuel.spread import Spread
from tests.samples.fuel_segments import MONDAY, segments


@pytest.fixture(scope="module")
def model() -> SegmentModel:
    return SegmentModel.train(segments(vehicles=12))


def test_a_laden_truck_on_the_flat_burns_what_the_road_loads_say() -> None:
    rows = 3600
    frame = pd.DataFrame(
        {"wheel_speed": np.full(rows, 80.0), "road_gradient": 0.0, "engine_speed": 1200.0},
        index=pd.date_range(MONDAY, periods=rows, freq="s"),
    )
    # MOVES long haul: 92 kW at the wheel, 29 to 30.5 L/100 km at an efficiency of .40.
    numbers = VehicleNumbers(
        mass_kg=31_403.8, rolling=0.00676, drag_area_m2=6.98, driveline=1.0, indicated=0.40,
        friction_kw=0.0, auxiliary_kw=0.0, idle_l_h=0.0,
    )  # fmt: skip
    found = segments_of(fuel_samples(frame))
    litres = SegmentPhysics.published(DRIVEN, numbers).litres(found).sum()
    assert 28.5 <= 100 * litres / found["distance_km"].sum() <= 30.5


@given(
    st.sampled_from(("mass_t", "moving_s", "standing_s", "distance_km", "gained_j_kg")),
    st.floats(1.01, 1.5),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_calibrated_on_whatever_nature_holds_and_nothing_is_negative(
    name: str, times: float, seed: int
) -> None:
    learnt = segments(vehicles=2, each=60, seed=7)
    learnt["lost_j_kg"] = learnt["gained_j_kg"]
    physics = SegmentPhysics.published(ROAD, CLASS_NUMBERS["heavy_truck"])
    sums = CalibrationSums.of(ROAD)
    nonsense = np.random.default_rng(seed).uniform(-1, 5, len(learnt))
    sums.add(physics.terms(learnt), nonsense, np.ones(len(learnt)))
    physics = physics.calibrated(sums)
    before = physics.litres(learnt)
    after = physics.litres(learnt.assign(**{name: learnt[name] * times}))
    assert (before >= 0).all()
    assert (after >= before - 1e-9).all()


def test_calibration_finds_the_vehicle_whose_litres_it_sees() -> None:
    learnt = segments(vehicles=20, spread=0.0)
    truth = VehicleNumbers(
        mass_kg=30_000, rolling=0.0055, drag_area_m2=5.5, driveline=0.93, indicated=0.44,
        friction_kw=36.0, auxiliary_kw=5.0, idle_l_h=3.0,
    )  # fmt: skip
    litres = SegmentPhysics.published(ROAD, truth).litres(learnt)
    usual = SegmentPhysics.published(ROAD, CLASS_NUMBERS["heavy_truck"])
    sums = CalibrationSums.of(ROAD)
    sums.add(usual.terms(learnt), litres, 1 / litres)
    found = usual.calibrated(sums)
    other = segments(vehicles=3, seed=9)
    told, wanted = found.litres(other), SegmentPhysics.published(ROAD, truth).litres(other)
    error = np.abs(told / wanted - 1).mean()
    assert error < 0.01
    assert error < np.abs(usual.litres(other) / wanted - 1).mean() / 3


@pytest.mark.parametrize("view", VIEWS)
def test_physics_survives_being_written_down(view: str) -> None:
    physics = SegmentPhysics.published(view, CLASS_NUMBERS["bus"])
    again = SegmentPhysics.from_dict(physics.to_dict())
    assert again.numbers == physics.numbers
    assert again.coefficients.tolist() == physics.coefficients.tolist()
    assert len(again.coefficients) == len(TERMS[view])


def test_the_model_learns_what_physics_misses_and_says_who_told(model: SegmentModel) -> None:
    unseen = segments(vehicles=6, seed=2, spread=0.0)
    told = model.predict(unseen)
    error = np.abs(told["expected_l"] / target_l(unseen) - 1)
    physics = SegmentModel.published().predict(unseen)
    assert error.mean() < 0.03  # its noise is 2 %, and vehicles' factors blur what it learns
    assert np.abs(physics["expected_l"] / target_l(unseen) - 1).mean() > 0.05
    assert (told["by"] == "model").mean() > 0.95
    assert (physics["by"] == "physics").all()


def test_what_was_never_seen_is_left_to_physics(model: SegmentModel) -> None:
    some = segments(vehicles=1, seed=3)
    for column, value in (("mass_t", 90.0), ("ambient_c", -50.0), ("reference_nm", 900.0)):
        assert (model.predict(some.assign(**{column: value}))["by"] == "physics").all()
    bus = some.assign(vehicle_class="bus")
    told = model.predict(bus)
    assert (told["by"] == "physics").all()
    assert (
        told["expected_l"].tolist() == SegmentModel.published().predict(bus)["expected_l"].tolist()
    )


def test_a_vehicle_that_does_not_tell_its_load_has_a_level_of_its_own(model: SegmentModel) -> None:
    unseen = segments(vehicles=4, seed=4)
    light, told = unseen.assign(mass_t=np.nan), model.predict(unseen)
    blind = model.predict(light)
    assert (blind["by"] == "model").mean() > 0.95
    burnt = target_l(unseen)
    seeing, guessing = (np.abs(t["expected_l"] / burnt - 1).mean() for t in (told, blind))
    assert guessing > 2 * seeing
    width = (blind["high_l"] - blind["low_l"]) / (told["high_l"] - told["low_l"])
    assert width.mean() > 2


@pytest.mark.parametrize("name", ["mass_t", "ascent_m", "gained_j_kg", "stops", "standing_s"])
def test_more_of_what_costs_fuel_never_saves(model: SegmentModel, name: str) -> None:
    some = segments(vehicles=2, seed=5)
    least, most = model.levels[0].ranges["heavy_truck"].get("mass_t", (0.0, 0.0, 0.0))[:2]
    last = None
    for times in (0.5, 0.75, 1.0, 1.25):
        values = some[name] * times
        if name == "mass_t":
            values = values.clip(least, most)  # beyond, physics alone speaks
        told = model.predict(some.assign(**{name: values}))
        litres = told["expected_l"].where(told["by"] == "model")
        if last is not None:
            both = litres.notna() & last.notna()
            assert (litres[both] >= last[both] - 1e-9).all()
        last = litres


def test_nine_trips_of_ten_of_other_vehicles_are_within_their_interval() -> None:
    model = SegmentModel.train(segments(vehicles=40, each=60))
    found = evaluate(model, segments(vehicles=60, each=60, seed=6))
    # 60 vehicles of three trips each: the share's own standard deviation is about .04.
    assert 0.80 <= found["coverage"] <= 0.97
    assert found["trip_mape"] < 4


def test_power_take_off_is_expected_as_measured_and_long_idling_not_at_all(
    model: SegmentModel,
) -> None:
    some = segments(vehicles=1, seed=8)
    plain = model.predict(some)
    more = some.assign(
        pto_l=0.5, fuel_l=some["fuel_l"] + 1.5, idling_l=1.0, idling_s=1000.0, pto_s=300.0
    )
    told = model.predict(more)
    for name in ("expected_l", "low_l", "high_l"):
        assert np.allclose(told[name], plain[name] + 0.5)


def test_parts_expect_what_their_segments_do(model: SegmentModel) -> None:
    one = segments(vehicles=1, each=60, seed=10)
    begins = one["start_time"]
    end = begins.iloc[59] + pd.Timedelta("1h")
    parts = pd.DataFrame(
        {
            "part_start": [begins.iloc[20], begins.iloc[0], end],
            "end_time": [end, begins.iloc[20], end + pd.Timedelta("1h")],
        }
    )
    found = expected_of_parts(one, parts, model)
    told = model.predict(one)["expected_l"]
    assert found["expected_l"].iloc[0] == pytest.approx(told.iloc[20:].sum())
    assert found["expected_l"].iloc[1] == pytest.approx(told.iloc[:20].sum())
    assert np.isnan(found["expected_l"].iloc[2])
    assert found["expected_by"].tolist() == ["model", "model", None]
    low, high = found["expected_low_l"], found["expected_high_l"]
    assert (low.iloc[:2] < found["expected_l"].iloc[:2]).all()
    assert (high.iloc[:2] > found["expected_l"].iloc[:2]).all()
    assert found["part_start"].tolist() == parts["part_start"].tolist()


def test_no_segments_are_no_error_where_something_is_asked(model: SegmentModel) -> None:
    nothing = segments(vehicles=1).iloc[:0]
    assert model.predict(nothing).empty
    parts = pd.DataFrame({"part_start": [pd.Timestamp(MONDAY)], "end_time": [pd.Timestamp(MONDAY)]})
    found = expected_of_parts(nothing, parts, model, vehicle_class="heavy_truck")
    assert found["expected_l"].isna().all()


def test_a_fleet_too_small_to_learn_from_has_physics() -> None:
    model = SegmentModel.train(segments(vehicles=3))
    assert (model.predict(segments(vehicles=1, seed=3))["by"] == "physics").all()


def test_chunks_teach_what_the_whole_does_and_the_same_twice() -> None:
    whole = segments(vehicles=8)
    chunks = (whole.iloc[i : i + 150] for i in range(0, len(whole), 150))
    one, other = SegmentModel.train(whole), SegmentModel.train(chunks)
    asked = segments(vehicles=2, seed=3)
    assert one.predict(asked)["expected_l"].tolist() == pytest.approx(
        other.predict(asked)["expected_l"].tolist(), rel=1e-6
    )


def test_stages_that_see_a_share_each_are_as_good() -> None:
    learnt, asked = segments(vehicles=12), segments(vehicles=4, seed=3)
    errors = [
        evaluate(SegmentModel.train(learnt, stage_rows=rows), asked)["trip_mape"]
        for rows in (10_000, 300)
    ]
    assert errors[1] < errors[0] + 1


def test_what_cannot_be_learnt_from_is_said() -> None:
    some = segments(vehicles=2)
    for wrong, said in (
        (some.iloc[:0], "no segments"),
        (some.drop(columns="steady_j_kg"), "steady_j_kg"),
        (some.assign(vehicle_class="tank"), "tank"),
    ):
        with pytest.raises(SegmentError, match=said):
            SegmentModel.train(wrong)
    with pytest.raises(SegmentError, match="wishes"):
        SegmentModel.train(some, kind="wishes")
    with pytest.raises(SegmentError, match=r"hold out 0\.9"):
        SegmentModel.train(some, held_out=0.9)
    with pytest.raises(SegmentError, match="vehicle_class"):
        SegmentModel.published().predict(some.drop(columns="vehicle_class"))


def test_errors_are_of_trips_and_known_vehicles_have_smaller_ones() -> None:
    trips, vehicles = 10, 4
    vehicle = np.repeat(np.arange(vehicles, dtype=np.int32), trips)
    factor = np.array([0.9, 1.1, 1.2, 0.8])[vehicle]
    held = Held(
        vehicle=vehicle,
        trip=np.arange(trips * vehicles),
        km=np.full(trips * vehicles, 100.0),
        actual_l=30 * factor,
        expected_l=np.full(trips * vehicles, 30.0),
        physics_l=np.full(trips * vehicles, 33.0),
        by_model=np.ones(trips * vehicles, dtype=np.bool_),
    )
    found = metrics_of(held)
    assert found["trip_mape"] == pytest.approx(100 * np.mean(np.abs(1 / factor - 1)))
    assert found["known_trip_mape"] < found["trip_mape"] / 3
    assert found["by_model"] == 1
    assert metrics_of(Held.of([]))["trip_mape"] is None


def test_an_interval_needs_enough_trips_and_is_wide_without() -> None:
    few = Spread.of(np.ones(5), np.ones(5), np.full(5, 30.0))
    assert few.trip[2] == (0.7, 1.4)
    ratios = np.linspace(0.9, 1.1, 201)
    many = Spread.of(ratios, ratios, np.full(201, 30.0))
    assert many.trip[2] == pytest.approx((0.91, 1.09), abs=0.002)
    assert Spread.from_dict(many.to_dict()) == many
