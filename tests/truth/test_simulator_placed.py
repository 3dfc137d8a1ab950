"""What is bound to leg and place is the same for every variant of a truck, whenever it comes."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from simulator import SimulationConfig
from simulator.envelopes import own_envelopes
from simulator.fleet import Parameters, Vehicle, road_kinds
from simulator.individual import Luck
from simulator.mixed import mixed_fleet, with_severities, without
from simulator.motion import Motion
from simulator.planned_shift import PlannedShifts
from simulator.record import CRUISE_FROM_M_S
from simulator.road import LIGHT_CYCLE_S, NEVER_M, build_roads
from simulator.state import Phase, State
from simulator.surroundings import NOTICE_M, THICKEST, PlacedSurroundings

CONFIG = SimulationConfig(
    vehicles=8, days=3, seed=5, start=datetime(2026, 3, 1, 22, tzinfo=UTC)
)  # 06:00 in China
ROADS = build_roads(road_kinds(), seed=5)
ROWS = np.arange(4)


def around(*, wander: float = 0.7, turn: float = 0.0) -> PlacedSurroundings:
    """Of four trucks of which the first two are variants of one."""
    return PlacedSurroundings(
        ROADS,
        seed=5,
        streams=[7, 7, 8, 9],
        wander_m_s=np.full(4, wander),
        steady_from_m_s=CRUISE_FROM_M_S,
        turns=[turn] * 4,
    )


def driving(s: float, *, leg: int = 3) -> State:
    state = State.parked(4)
    state.s[:], state.leg[:], state.v[:] = s, leg, 20.0
    state.light[:] = -1.0
    return state


def test_variants_meet_the_same_traffic_at_a_place_and_others_another() -> None:
    here = around().traffic(driving(4_321.0), 0, ROWS)
    again = around().traffic(driving(4_321.0), 17, ROWS)
    assert here.tolist() == again.tolist()
    assert here[0] == here[1]
    assert len({here[1], here[2], here[3]}) == 3
    assert here[0] != around().traffic(driving(4_321.0, leg=4), 0, ROWS)[0]


def test_traffic_never_stops_a_truck_for_ever() -> None:
    surroundings = around()
    seen = [surroundings.traffic(driving(s, leg=k), 0, ROWS) for k in range(40) for s in (0.0, 9e3)]
    assert np.abs(seen).max() <= THICKEST
    assert 0.6 < np.std(seen) < 1.3


def light_ahead() -> float:
    """Position of a light on the first lane that comes in sight after the one before."""
    lights = np.unique(ROADS.light_at[: ROADS.start[1]])
    lights = lights[lights < NEVER_M]
    return float(lights[np.flatnonzero(np.diff(lights) > NOTICE_M)[0] + 1])


def test_a_lights_clock_begins_when_the_truck_comes_in_sight() -> None:
    surroundings, light = around(), light_ahead()
    state = driving(light - NOTICE_M - 30.0)
    point = ROADS.point(state.lane, state.s)
    assert (surroundings.light_s(state, point, 1_000, ROWS) == LIGHT_CYCLE_S).all()
    early, late = driving(light - 390.0), driving(light - 390.0)
    point = ROADS.point(early.lane, early.s)
    first = surroundings.light_s(early, point, 1_000, ROWS)
    other = surroundings.light_s(late, point, 5_555, ROWS)
    assert first == pytest.approx(other)
    assert first[0] == first[1] != first[2]
    later = surroundings.light_s(early, point, 1_020, ROWS)
    assert later == pytest.approx(np.fmod(first + 20.0, LIGHT_CYCLE_S))


def test_turned_luck_moves_every_light_on_by_its_part_of_the_cycle() -> None:
    state, turned = driving(light_ahead() - 390.0), driving(light_ahead() - 390.0)
    point = ROADS.point(state.lane, state.s)
    light_s = around().light_s(state, point, 1_000, ROWS)
    other = around(turn=0.25).light_s(turned, point, 1_000, ROWS)
    assert np.fmod(other - light_s + LIGHT_CYCLE_S, LIGHT_CYCLE_S) == pytest.approx(
        np.full(4, LIGHT_CYCLE_S / 4)
    )


def test_nobody_passes_a_light_that_turned_red_well_before_he_came() -> None:
    """Not who brakes so hard, either, that a second later he would be too near."""
    count, red_s = 40, 26
    hasty = with_severities(mixed_fleet(CONFIG)[1], {"harsh": 1.0})
    trucks = tuple(replace(hasty, index=index) for index in range(count))
    parameters = Parameters.of(trucks)
    envelopes = own_envelopes(ROADS, trucks)
    parameters = replace(parameters, envelope=envelopes.offset)
    surroundings = PlacedSurroundings(
        ROADS,
        seed=5,
        streams=list(range(count)),
        wander_m_s=np.zeros(count),
        steady_from_m_s=CRUISE_FROM_M_S,
    )
    motion = Motion(ROADS, envelopes, surroundings)
    lane = 2 * hasty.road
    lights = np.unique(ROADS.light_at[ROADS.start[lane] : ROADS.start[lane + 1]])
    light = float(lights[lights < NEVER_M][3])
    state = State.parked(count)
    state.phase[:], state.lane[:], state.leg[:] = Phase.DRIVING, lane, 3
    state.s[:] = light - 150.0 - np.arange(count)
    state.v[:], state.gear[:], state.gear_age[:] = 13.0, 8, 60.0
    state.light[:], state.light_from[:] = light, 1_000.0
    shifts = PlannedShifts(CONFIG, trucks, ROADS)
    motion.run(
        state, parameters, shifts, first_s=1_000, seconds=red_s,
        coolant_c=np.full(count, 85.0), air_kg_m3=np.full(count, 1.2),
    )  # fmt: skip
    assert (state.s < light).all()
    assert (state.v < 1.0).mean() > 0.5  # some are held up and on their way yet


def test_only_a_foot_wanders() -> None:
    surroundings = around()
    state = driving(9_000.0)
    state.cruise[:2] = 1.0
    held = np.array([surroundings.wandered(driving(s), ROWS) for s in np.arange(0.0, 2e5, 450.0)])
    assert (surroundings.wandered(state, ROWS)[:2] == 1.0).all()
    assert 20.0 * 3.6 * held.std() == pytest.approx(0.7 * 3.6, rel=0.25)
    assert held.mean() == pytest.approx(1.0, abs=0.01)


def legs(delay_s: int) -> list[tuple[int, float, float, int]]:
    """(lane, from, to, cargo) of a truck's legs where each phase takes `delay_s` longer."""
    vehicle = with_severities(mixed_fleet(CONFIG)[1], {"idling": 0.4})
    shifts = PlannedShifts(CONFIG, (vehicle,), ROADS)
    found: list[tuple[int, float, float, int]] = []
    state, t = shifts.begin(), 0.0
    while len(found) < 30:
        if int(state.phase[0]) == Phase.DRIVING:
            lane, begin, end = int(state.lane[0]), float(state.s[0]), float(state.dest[0])
            found.append((lane, begin, end, int(state.cargo_kg[0])))
            state.s[0] = end
            t += (end - begin) / 20.0 + delay_s
            shifts.arrive(state, 0, 0, int(t))
        else:
            t = max(t, float(state.until[0]))
            shifts.advance(state, 0, 0, int(t))
    return found


def test_legs_cargo_and_rests_do_not_depend_on_how_fast_they_are_driven() -> None:
    assert legs(0) == legs(600) == legs(1_500)


def cruised(vehicle: Vehicle) -> list[bool]:
    """Of a truck's first 40 legs, which it drives with cruise control."""
    shifts = PlannedShifts(CONFIG, (vehicle,), ROADS)
    found: list[bool] = []
    state, t = shifts.begin(), 0.0
    while len(found) < 40:
        if int(state.phase[0]) == Phase.DRIVING:
            found.append(bool(state.cruise[0]))
            t += (float(state.dest[0]) - float(state.s[0])) / 20.0
            state.s[0] = state.dest[0]
            shifts.arrive(state, 0, 0, int(t))
        else:
            t = max(t, float(state.until[0]))
            shifts.advance(state, 0, 0, int(t))
    return found


def test_luck_is_turned_only_where_a_better_driver_has_the_choice() -> None:
    vehicle = with_severities(mixed_fleet(CONFIG)[1], {"cruise": 0.6})
    assert vehicle.individual is not None
    did = np.array(cruised(vehicle))
    assert 0 < did.sum() < 40
    draws = []
    for turn in (0.0, 0.25, 0.5, 0.75):
        luck = Luck(turn=turn, cruise_share=vehicle.profile.cruise_share)
        same = replace(vehicle, individual=replace(vehicle.individual, luck=luck))
        assert cruised(same) == did.tolist()
        other = replace(vehicle, individual=replace(vehicle.individual, luck=Luck(turn=turn)))
        draws.append(np.array(cruised(without(other, "cruise"))))
    # A better driver drives each leg with it in three draws of four, whatever this one did there.
    assert (np.sum(draws, axis=0) == 3).all()
    assert len({draw.tobytes() for draw in draws}) == 4


def test_who_brakes_calmly_but_lifts_late_lifts_where_he_did() -> None:
    late = with_severities(mixed_fleet(CONFIG)[1], {"harsh": 0.8, "coasting": 0.3})
    calm = without(late, "harsh").profile
    assert calm.coast_m_s2 == late.profile.coast_m_s2 < calm.brake_m_s2


def test_who_brakes_calmly_lifts_where_he_must_brake() -> None:
    late = with_severities(mixed_fleet(CONFIG)[1], {"harsh": 0.8, "coasting": 0.9})
    calm = without(late, "harsh").profile
    assert calm.coast_m_s2 == calm.brake_m_s2 < late.profile.coast_m_s2


def test_the_days_of_a_plan_hold_rests_and_nights() -> None:
    found = legs(0)
    assert all(end - begin > 1_000.0 for _, begin, end, _ in found)
    assert any(begin > 100.0 for _, begin, _, _ in found)  # went on from a service area
    assert len({cargo for *_, cargo in found}) > 10
