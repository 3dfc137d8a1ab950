"""An individual engine's map: an island that moves with load, a knee at the smoke limit, pumps.

fuel power = (brake + friction torque) · ω / η(rpm, load), load being part of what the engine can
give at that speed. With x = ln(rpm / best rpm(load)):

    η/η₀ = 1 − a·x² − b·|load − l₀|² − d·exp(−load / 0.07) − k·max(load − l₁, 0)^1.5

Neither this nor the friction's power of 2.4 is what an analysis would fit.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from simulator.engine import (
    DIESEL_MJ_L,
    FRICTION_KPA,
    FRICTION_KPA_PER_KRPM,
    FRICTION_KPA_PER_PISTON,
    Engines,
)
from simulator.individual import EngineTraits
from simulator.vehicle import WATTS_PER_TORQUE_RPM, Floats, VehicleModel

PUMP_POWER = 2.4  # exponent of the pumps' friction over engine speed
LIGHT_LOAD = 0.07  # load over which the penalty of light load fades by e
LEAST_EFFICIENCY = 0.6  # part of the best one that is left in the worst corner


@dataclass(frozen=True, kw_only=True, slots=True)
class IndividualEngines(Engines):
    """Engines with their own maps; the names are those of `EngineTraits`, arrays (n,)."""

    friction_0: Floats
    friction_1: Floats
    friction_2: Floats
    pump_kpa: Floats
    tilt: Floats
    speed_penalty: Floats
    best_load: Floats
    load_penalty: Floats
    light_penalty: Floats
    knee_load: Floats
    knee_penalty: Floats

    @classmethod
    def drawn(cls, models: list[VehicleModel], traits: list[EngineTraits]) -> Self:
        """Stack the engines of `models` with what is each one's own."""
        base = Engines.of(models)
        columns = {name: getattr(base, name) for name in Engines.__slots__}
        columns["efficiency"] = base.efficiency * np.array([t.efficiency for t in traits])
        for place in range(3):
            columns[f"friction_{place}"] = np.array([t.friction[place] for t in traits])
        for name in cls.__slots__:
            if name not in columns:
                columns[name] = np.array([getattr(t, name) for t in traits])
        return cls(**columns)

    def friction_nm(self, rpm: Floats, coolant_c: Floats) -> Floats:
        """Torque that turns the unfuelled engine, Nm."""
        krpm = rpm * 1e-3
        piston_m_s = self.stroke_m * rpm * (1 / 30)
        return self._torque_of(
            self.friction_0 * FRICTION_KPA
            + self.friction_1 * (FRICTION_KPA_PER_KRPM * krpm)
            + self.friction_2 * (FRICTION_KPA_PER_PISTON * piston_m_s * piston_m_s)
            + self.pump_kpa * krpm**PUMP_POWER,
            coolant_c,
        )

    def fuel_l_h(self, torque_nm: Floats, rpm: Floats, coolant_c: Floats) -> Floats:
        """Fuel for brake torque `torque_nm` at `rpm`, L/h; arrays (n,) or (seconds, n)."""
        rows = np.arange(self.best_rpm.shape[0])
        load = np.clip(torque_nm / np.maximum(self.full_load_nm(rpm, rows), 1.0), 0.0, 1.1)
        x = np.log(rpm / (self.best_rpm * (1.0 + self.tilt * (load - 0.5))))
        away = load - self.best_load
        knee = np.maximum(load - self.knee_load, 0.0)
        island = (
            1.0
            - self.speed_penalty * x * x
            - self.load_penalty * away * away
            - self.light_penalty * np.exp(load * (-1 / LIGHT_LOAD))
            - self.knee_penalty * knee * np.sqrt(knee)
        )
        piston_w = (torque_nm + self.friction_nm(rpm, coolant_c)) * rpm * WATTS_PER_TORQUE_RPM
        efficiency = self.efficiency * np.maximum(island, LEAST_EFFICIENCY)
        return np.maximum(piston_w, 0.0) / efficiency * (3.6e-3 / DIESEL_MJ_L)
