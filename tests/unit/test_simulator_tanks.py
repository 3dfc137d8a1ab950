"""Tanks of parked trucks: filled when low, tapped at night in mixed fleets, both written down."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from simulator import SimulationConfig, build_fleet
from simulator.accumulate import Ledger
from simulator.fleet import Vehicle
from simulator.mixed import mixed_fleet
from simulator.state import Phase, State
from simulator.tanks import LEFT_L, NIGHT_S, REFUEL_S, REFUEL_TO, THEFT_L, Tanks
from simulator.truth import TankTruth

CONFIG = SimulationConfig(vehicles=40, days=1, seed=5, start=datetime(2026, 3, 2, tzinfo=UTC))
SIZE_L = 500.0
T = 6 * 3600


def visited(
    fleet: tuple[Vehicle, ...], *, left_l: float, rest_s: float = 9 * 3600, parked: bool = True
) -> tuple[tuple[TankTruth, ...], list[float]]:
    """What a visit notes, and what is left in the tanks after it."""
    n = len(fleet)
    ledger = Ledger(np.full(n, 1e5))
    burnt = ledger["fuel_l"], ledger["reagent_l"]
    constants = {
        "tank_mark": burnt[0] + left_l,
        "reagent_mark": burnt[1] + 30.0,
        "tank_size_l": np.full(n, SIZE_L),
        "reagent_size_l": np.full(n, 60.0),
    }
    tanks = Tanks(CONFIG, fleet, constants, ledger)
    state = State.parked(n)
    state.rest_s[:] = rest_s
    state.until[:] = T + 300.0
    state.phase[:] = Phase.PARKED if parked else Phase.DRIVING
    tanks.visit(np.arange(n), state, T)
    noted = tanks.drain()
    assert tanks.drain() == ()
    return noted, (constants["tank_mark"] - burnt[0]).tolist()


def robbed(chance: float = 1.0) -> tuple[Vehicle, ...]:
    return tuple(
        replace(v, individual=replace(v.individual, thefts_a_night=chance))
        for v in mixed_fleet(CONFIG)
        if v.individual is not None
    )


def test_a_low_tank_is_filled_and_the_litres_are_noted() -> None:
    noted, left = visited(build_fleet(CONFIG), left_l=100.0)
    assert left == pytest.approx([REFUEL_TO * SIZE_L] * 40)
    assert {e.kind for e in noted} == {"refuelling"}
    assert [e.litres for e in noted] == pytest.approx([REFUEL_TO * SIZE_L - 100.0] * 40)
    assert noted[0].start_us == (CONFIG.start_s + T) * 1_000_000
    assert noted[0].end_us - noted[0].start_us == REFUEL_S * 1_000_000


def test_a_mixed_fleet_does_not_always_fill_up() -> None:
    _, left = visited(robbed(), left_l=100.0)
    assert min(left) > 0.69 * SIZE_L
    assert max(left) - min(left) > 0.1 * SIZE_L


def test_thieves_come_at_night_take_what_they_can_and_leave_some() -> None:
    noted, left = visited(robbed(), left_l=400.0)
    assert {e.kind for e in noted} == {"theft"}
    assert len(noted) == 40
    for event, rest in zip(noted, left, strict=True):
        assert THEFT_L[0] <= event.litres <= THEFT_L[1]
        assert event.litres == pytest.approx(400.0 - rest)
        begin_s, end_s = event.start_us / 1e6 - CONFIG.start_s, event.end_us / 1e6 - CONFIG.start_s
        assert T + 300 - 9 * 3600 < begin_s < end_s < T + 300
    low, _ = visited(robbed(), left_l=150.0)
    assert all(e.litres <= 150.0 - LEFT_L for e in low)


@pytest.mark.parametrize(
    ("fleet", "rest_s", "parked"),
    [
        (robbed(), NIGHT_S - 60.0, True),
        (robbed(), 9 * 3600.0, False),
        (robbed(0.0), 9 * 3600.0, True),
        (build_fleet(CONFIG), 9 * 3600.0, True),
    ],
    ids=["short stop", "under way", "safe yard", "known profiles"],
)
def test_else_nothing_is_taken(fleet: tuple[Vehicle, ...], rest_s: float, parked: bool) -> None:
    noted, left = visited(fleet, left_l=400.0, rest_s=rest_s, parked=parked)
    assert not noted
    assert left == pytest.approx([400.0] * 40)
