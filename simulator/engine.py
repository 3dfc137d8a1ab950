"""The engine as a map: piston work is brake work plus friction, bought at an efficiency island.

Fuel power = (brake torque + friction torque(rpm)) · ω / indicated efficiency(rpm, load), a Willans
line whose friction follows the mean piston speed and whose slope has an island. It is on purpose
not the polynomial in power that fuel analysis fits (VT-CPFM).
"""

from dataclasses import dataclass

import numpy as np

from simulator.vehicle import WATTS_PER_TORQUE_RPM, Floats, VehicleModel

DIESEL_MJ_L = 35.8  # lower heating value of diesel, MJ/L (FIELD.md)
FRICTION_KPA = 75.0  # motored mean effective pressure, constant term, kPa (Heywood, diesel)
FRICTION_KPA_PER_KRPM = 48.0  # kPa per 1000 rpm (Heywood, diesel)
FRICTION_KPA_PER_PISTON = 0.4  # kPa per (m/s)² of mean piston speed (Heywood, diesel)
COLD_FRICTION = 0.9  # added friction of an engine at freezing point, part of the warm friction
WARM_C = 80.0  # coolant temperature from which friction is that of a warm engine, °C
SPEED_PENALTY = 0.14  # loss of indicated efficiency at twice the best speed, part
LOAD_PENALTY = 0.045  # loss of indicated efficiency at full load and at none, part
BEST_LOAD = 0.55  # load fraction of the island's middle
CURVE_STEP_RPM = 25.0  # grid of the full-load curve
CURVE_TOP_RPM = 3000.0  # end of the grid, above every governed speed


@dataclass(frozen=True, kw_only=True, slots=True)
class Engines:
    """The engines of n vehicles as arrays of shape (n,); `curve_nm` is (n, grid)."""

    displacement_m3: Floats
    stroke_m: Floats
    idle_rpm: Floats
    best_rpm: Floats
    efficiency: Floats
    governed_rpm: Floats
    peak_nm: Floats
    curve_nm: Floats

    @classmethod
    def of(cls, models: list[VehicleModel]) -> "Engines":
        """Stack the engines of `models`."""
        grid = np.arange(0.0, CURVE_TOP_RPM + CURVE_STEP_RPM, CURVE_STEP_RPM)
        return cls(
            displacement_m3=np.array([m.displacement_l * 1e-3 for m in models]),
            stroke_m=np.array([m.stroke_m for m in models]),
            idle_rpm=np.array([m.idle_rpm for m in models]),
            best_rpm=np.array([m.best_rpm for m in models]),
            efficiency=np.array([m.indicated_efficiency for m in models]),
            governed_rpm=np.array([max(m.torque_rpm) for m in models]),
            peak_nm=np.array([max(m.torque_nm) for m in models]),
            curve_nm=np.array([np.interp(grid, m.torque_rpm, m.torque_nm) for m in models]),
        )

    def full_load_nm(self, rpm: Floats, rows: np.ndarray) -> Floats:
        """Greatest brake torque at `rpm`, Nm; `rows` is `arange(n)`, made once by the caller."""
        bins = np.minimum(rpm * (1 / CURVE_STEP_RPM) + 0.5, self.curve_nm.shape[1] - 1)
        full: Floats = self.curve_nm[rows, bins.astype(np.intp)]
        return full

    def friction_nm(self, rpm: Floats, coolant_c: Floats) -> Floats:
        """Torque that turns the unfuelled engine, Nm (Heywood's motored diesel; more when cold)."""
        piston_m_s = self.stroke_m * rpm * (1 / 30)
        mean_kpa = (
            FRICTION_KPA
            + FRICTION_KPA_PER_KRPM * 1e-3 * rpm
            + FRICTION_KPA_PER_PISTON * piston_m_s * piston_m_s
        )
        return self._torque_of(mean_kpa, coolant_c)

    def _torque_of(self, mean_kpa: Floats, coolant_c: Floats) -> Floats:
        """Torque of a motored mean effective pressure, Nm; more when cold."""
        cold = np.clip((WARM_C - coolant_c) / WARM_C, 0.0, 1.5)
        return (
            mean_kpa * 1e3 * self.displacement_m3 / (4 * np.pi) * (1 + COLD_FRICTION * cold * cold)
        )

    def fuel_l_h(self, torque_nm: Floats, rpm: Floats, coolant_c: Floats) -> Floats:
        """Fuel for brake torque `torque_nm` at `rpm`, L/h; 0 where the vehicle drives the engine.

        Arrays broadcast against (n,): (n,) or (seconds, n).
        """
        piston_w = (torque_nm + self.friction_nm(rpm, coolant_c)) * rpm * WATTS_PER_TORQUE_RPM
        speed = rpm / self.best_rpm - 1.0
        load = torque_nm / self.peak_nm - BEST_LOAD
        island = 1.0 - SPEED_PENALTY * speed * speed - LOAD_PENALTY * (load * load) / BEST_LOAD**2
        fuel_w = np.maximum(piston_w, 0.0) / (self.efficiency * island)
        return fuel_w * (3.6e-3 / DIESEL_MJ_L)
