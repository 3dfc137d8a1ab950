"""What happens to the tanks of parked trucks: they are filled, and now and then tapped at night."""

import numpy as np
from numpy.typing import NDArray

from simulator.accumulate import Ledger
from simulator.config import SimulationConfig
from simulator.fleet import Vehicle
from simulator.state import Phase, State
from simulator.truth import TankTruth
from simulator.vehicle import Floats

REFUEL_BELOW = 0.28  # part of the tanks at which a parked truck is refuelled
REFUEL_TO = 0.96
MIXED_REFUEL_TO = (0.7, 0.97)  # mixed fleets do not always fill up
REFUEL_S = 300  # time a refuelling takes
NIGHT_S = 5 * 3600  # least length of a night thieves come in
THEFT_L = (20.0, 120.0)  # what they take
THEFT_S = (240, 900)  # and how long it takes them
LEFT_L = 25.0  # least that they leave
MICROSECONDS = 1_000_000


class Tanks:
    """The tanks of a block. Marks stand in `constants`: what has been burnt when one is empty."""

    def __init__(
        self,
        config: SimulationConfig,
        vehicles: tuple[Vehicle, ...],
        constants: dict[str, Floats],
        ledger: Ledger,
    ) -> None:
        self._config = config
        self._vehicles = vehicles
        self._constants = constants
        self._ledger = ledger
        self._log: list[TankTruth] = []

    def drain(self) -> tuple[TankTruth, ...]:
        """What happened since the last call."""
        log, self._log = self._log, []
        return tuple(log)

    def visit(self, active: NDArray[np.intp], state: State, t: int) -> None:
        """See to the trucks that stand parked at second `t`.

        Args:
            active: Those of the block that will be awake in the chunk that begins then.
            state: All its vehicles.
            t: The chunk's start.
        """
        parked = active[state.phase[active] == Phase.PARKED]
        left = (self._constants["tank_mark"] - self._ledger["fuel_l"])[parked]
        low = left < REFUEL_BELOW * self._constants["tank_size_l"][parked]
        night = state.rest_s[parked] >= NIGHT_S
        for place in np.flatnonzero(low).tolist():
            vehicle = int(parked[place])
            self._fill(vehicle, float(left[place]), int(state.leg[vehicle]), t)
        for place in np.flatnonzero(~low & night).tolist():
            self._tap(int(parked[place]), float(left[place]), state)
        size = self._constants["reagent_size_l"][parked]
        reagent = (self._constants["reagent_mark"] - self._ledger["reagent_l"])[parked]
        empty = parked[reagent < REFUEL_BELOW * size]
        full = REFUEL_TO * self._constants["reagent_size_l"][empty]
        self._constants["reagent_mark"][empty] = self._ledger["reagent_l"][empty] + full

    def _fill(self, vehicle: int, left_l: float, leg: int, t: int) -> None:
        size = float(self._constants["tank_size_l"][vehicle])
        rng = self._luck(vehicle, leg)
        share = REFUEL_TO if rng is None else float(rng.uniform(*MIXED_REFUEL_TO))
        self._constants["tank_mark"][vehicle] = self._ledger["fuel_l"][vehicle] + share * size
        self._note(vehicle, "refuelling", t, REFUEL_S, share * size - left_l)

    def _tap(self, vehicle: int, left_l: float, state: State) -> None:
        own, rng = self._vehicles[vehicle].individual, self._luck(vehicle, int(state.leg[vehicle]))
        if own is None or rng is None or rng.random() >= own.thefts_a_night:
            return
        litres = min(float(rng.uniform(*THEFT_L)), left_l - LEFT_L)
        if litres < THEFT_L[0]:
            return
        # Not in the first hour of the night, and not in its last.
        ago = float(rng.uniform(3600.0, float(state.rest_s[vehicle]) - 3600.0))
        self._constants["tank_mark"][vehicle] -= litres
        t = int(float(state.until[vehicle]) - ago)
        self._note(vehicle, "theft", t, int(rng.integers(*THEFT_S)), litres)

    def _luck(self, vehicle: int, leg: int) -> np.random.Generator | None:
        own = self._vehicles[vehicle].individual
        return (
            None if own is None
            else np.random.default_rng([self._config.seed, 0x7AEF, own.number, leg])
        )  # fmt: skip

    def _note(self, vehicle: int, kind: str, t: int, seconds: int, litres: float) -> None:
        start = self._config.start_s + t
        self._log.append(
            TankTruth(
                vin=self._vehicles[vehicle].vin,
                kind=kind,
                start_us=start * MICROSECONDS,
                end_us=(start + seconds) * MICROSECONDS,
                litres=litres,
            )
        )
