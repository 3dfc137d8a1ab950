"""Running totals: what the truck's counters add up, and what its trip meters show."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulator.vehicle import Floats
from simulator.view import Derived, View


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """A total that grows by `each` a second, or by one where `each` turns true.

    `per_km` is what a truck has gathered for each kilometre before the simulation starts.
    """

    name: str
    each: Derived
    per_km: float
    rising: bool = False


HOURS_PER_KM = 1 / 52.0  # engine hours a kilometre, over a truck's life
SECONDS_PER_KM = 3600 * HOURS_PER_KM
LITRES_PER_KM = 0.31

TOTALS: tuple[Total, ...] = (
    Total(name="distance_m", each=lambda d: d["step_m"], per_km=1000.0),
    Total(name="fuel_l", each=lambda d: d["fuel_rate"] / 3600.0, per_km=LITRES_PER_KM),
    Total(name="engine_s", each=lambda d: d["running"], per_km=SECONDS_PER_KM),
    Total(name="vehicle_s", each=lambda d: d["ignition"], per_km=1.05 * SECONDS_PER_KM),
    Total(name="standing_s", each=lambda d: d["standing"], per_km=0.22 * SECONDS_PER_KM),
    Total(name="standing_l", each=lambda d: d["standing"] * d["fuel_rate"] / 3600.0, per_km=0.009),
    Total(name="moving_s", each=lambda d: d["moving"], per_km=0.78 * SECONDS_PER_KM),
    Total(
        name="moving_l",
        each=lambda d: d["moving"] * d["fuel_rate"] / 3600.0,
        per_km=LITRES_PER_KM - 0.009,
    ),
    Total(name="pto_s", each=lambda d: d["tipping"], per_km=0.4),
    Total(name="pto_l", each=lambda d: d["tipping"] * d["fuel_rate"] / 3600.0, per_km=4e-4),
    Total(name="revolutions", each=lambda d: d["rpm"] / 60.0, per_km=1_350.0),
    Total(name="cruise_s", each=lambda d: d["cruising"], per_km=20.0),
    Total(name="cruise_m", each=lambda d: d["cruising"] * d["step_m"], per_km=440.0),
    Total(name="cruise_l", each=lambda d: d["cruising"] * d["fuel_rate"] / 3600.0, per_km=0.13),
    Total(name="engine_brake_m", each=lambda d: d["engine_braking"] * d["step_m"], per_km=25.0),
    Total(name="coasting_s", each=lambda d: d["coasting"], per_km=3.5),
    Total(name="eco_roll_s", each=lambda d: d["eco_roll"], per_km=0.6),
    Total(name="top_gear_s", each=lambda d: d["in_top_gear"], per_km=34.0),
    Total(name="speeding_s", each=lambda d: d["speeding"], per_km=1.2),
    Total(name="high_rpm_s", each=lambda d: d["rpm"] > 1.35 * d["best_rpm"], per_km=3.0),
    Total(name="high_torque_s", each=lambda d: d["load"] > 0.9, per_km=4.0),
    Total(name="retarder_s", each=lambda d: d["retarding"], per_km=1.1),
    Total(name="brake_s", each=lambda d: d["braking"] * d["moving"], per_km=2.2),
    Total(name="brake_m", each=lambda d: d["braking"] * d["step_m"], per_km=20.0),
    Total(name="brakings", each=lambda d: d["braking"] * d["moving"], per_km=0.6, rising=True),
    Total(name="harsh_brakings", each=lambda d: d["acceleration"] < -3.0, per_km=2e-3, rising=True),
    Total(name="harsh_starts", each=lambda d: d["acceleration"] > 1.1, per_km=2e-3, rising=True),
    Total(name="engine_starts", each=lambda d: d["running"], per_km=0.015, rising=True),
    Total(name="shifts", each=lambda d: d["shifting"], per_km=1.1, rising=True),
    Total(name="abs_count", each=lambda d: d["abs"], per_km=4e-4, rising=True),
    Total(name="aebs_count", each=lambda d: d["aebs"], per_km=2e-5, rising=True),
    Total(name="fan_s", each=lambda d: d["fan"] > 0.05, per_km=9.0),
    Total(name="compressor_s", each=lambda d: d["compressing"], per_km=3.5),
    Total(name="reagent_l", each=lambda d: d["reagent_l_h"] / 3600.0, per_km=0.016),
    Total(name="regenerations", each=lambda d: d["regenerating"], per_km=8e-4, rising=True),
    Total(name="regeneration_s", each=lambda d: d["regenerating"], per_km=0.9),
    Total(name="regeneration_l", each=lambda d: d["regeneration_l_h"] / 3600.0, per_km=1.2e-3),
    Total(name="passive_s", each=lambda d: d["passive"], per_km=12.0),
    Total(name="passive_count", each=lambda d: d["passive"], per_km=5e-3, rising=True),
)

SINCE_KEY_ON = ("distance_m", "fuel_l", "vehicle_s")
"""Totals that also have a trip meter, as `trip_` and their name, reset by the key."""

GREATEST_SINCE_KEY_ON = ("kmh",)
"""Columns whose greatest value since the key was turned on is `trip_max_` and their name."""


class Ledger:
    """The totals of a fleet. `post` adds a chunk and gives each total by row."""

    def __init__(self, odometer_km: Floats) -> None:
        count = len(odometer_km)
        self._totals = {total.name: total.per_km * odometer_km for total in TOTALS}
        self._totals = {
            total.name: np.floor(self._totals[total.name])
            if total.rising
            else self._totals[total.name]
            for total in TOTALS
        }
        self._last = {total.name: np.zeros(count) for total in TOTALS if total.rising}
        self._marks = {name: self._totals[name].copy() for name in SINCE_KEY_ON}
        self._peaks = {name: np.zeros(count) for name in GREATEST_SINCE_KEY_ON}

    def __getitem__(self, name: str) -> Floats:
        return self._totals[name]

    def post(self, view: View, vehicles: NDArray[np.intp]) -> dict[str, Floats]:
        """Add every row of `view` (all seconds of a chunk) and return the totals after each.

        Args:
            view: Rows vehicle by vehicle, each vehicle's in order of time.
            vehicles: Index in the fleet of each vehicle column of the view.
        """
        if len(view) == 0:
            return {}
        starts = np.flatnonzero(np.diff(view.vehicle, prepend=-1))
        ends = np.append(starts[1:], len(view)) - 1
        lengths = ends - starts + 1
        owners = vehicles[view.vehicle[starts]]
        columns: dict[str, Floats] = {}
        for total in TOTALS:
            each = np.asarray(total.each(view), dtype=np.float64)
            if total.rising:
                before = np.concatenate([[0.0], each[:-1]])
                before[starts] = self._last[total.name][owners]
                self._last[total.name][owners] = each[ends]
                each = np.asarray((each > 0.0) & (before == 0.0), dtype=np.float64)
            columns[total.name] = self._add(total.name, each, starts, ends, lengths, owners)
        self._since_key_on(view, columns, starts, ends, lengths, owners)
        return columns

    def _add(
        self,
        name: str,
        each: Floats,
        starts: NDArray[np.intp],
        ends: NDArray[np.intp],
        lengths: NDArray[np.intp],
        owners: NDArray[np.intp],
    ) -> Floats:
        grown = np.cumsum(each)
        base = self._totals[name][owners] - (grown[starts] - each[starts])
        column = grown + np.repeat(base, lengths)
        self._totals[name][owners] = column[ends]
        return column

    def _since_key_on(
        self,
        view: View,
        columns: dict[str, Floats],
        starts: NDArray[np.intp],
        ends: NDArray[np.intp],
        lengths: NDArray[np.intp],
        owners: NDArray[np.intp],
    ) -> None:
        # The meter is held at zero until the key is turned on: every row before it resets.
        reset = view["climbing"] > 0.0
        last = np.maximum.accumulate(np.where(reset, np.arange(len(view)), -1))
        carried = last < np.repeat(starts, lengths)
        for name in SINCE_KEY_ON:
            mark = np.where(
                carried, np.repeat(self._marks[name][owners], lengths), columns[name][last]
            )
            self._marks[name][owners] = mark[ends]
            columns[f"trip_{name}"] = columns[name] - mark
        for name in GREATEST_SINCE_KEY_ON:
            peak = np.where(reset, 0.0, view[name])
            for start, end, owner in zip(starts, ends, owners, strict=True):
                # Resets are rare, so each stretch between two of them is one running maximum.
                cuts = [start, *(np.flatnonzero(reset[start : end + 1]) + start).tolist(), end + 1]
                peak[start] = max(peak[start], 0.0 if reset[start] else self._peaks[name][owner])
                for first, stop in pairwise(cuts):
                    np.maximum.accumulate(peak[first:stop], out=peak[first:stop])
                self._peaks[name][owner] = peak[end]
            columns[f"trip_max_{name}"] = peak
