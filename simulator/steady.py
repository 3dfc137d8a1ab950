"""A truck at constant speed: what road load, gears and engine map cost without a driver."""

from dataclasses import dataclass

import numpy as np

from simulator.engine import DIESEL_MJ_L, Engines
from simulator.fleet import LOWER_GEAR_LOSS, RPM_PER_RAD_S
from simulator.vehicle import (
    ROAD_LOAD_AIR_KG_M3,
    WATTS_PER_TORQUE_RPM,
    VehicleModel,
    resistance_n,
)

WARM_ENGINE_C = 88.0  # coolant temperature of a warm engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Steady:
    """One point of operation.

    Attributes:
        wheel_kw: Power at the wheels.
        engine_rpm: Engine speed.
        fuel_l_h: Fuel rate.
        fuel_l_100km: Fuel for 100 km.
        efficiency: Wheel power over fuel power.
    """

    wheel_kw: float
    engine_rpm: float
    fuel_l_h: float
    fuel_l_100km: float
    efficiency: float


def steady_state(
    model: VehicleModel, *, mass_kg: float, speed_kmh: float, gradient: float = 0.0
) -> Steady:
    """The cheapest gear's point of operation of a warm engine in air of 1.2 kg/m³.

    Check (FIELD.md, MOVES long haul): 31.4038 t on the flat at 80 km/h take 92 kW at the wheels
    and 29 to 31 L/100 km.
    """
    speed = np.full(len(model.gears), speed_kmh / 3.6)
    force = resistance_n(
        mass_kg=np.array([mass_kg]),
        speed_m_s=speed,
        gradient=np.array([gradient]),
        rolling=np.array([model.rolling_coefficient]),
        drag_area_m2=np.array([model.drag_area_m2]),
        air_kg_m3=np.array([ROAD_LOAD_AIR_KG_M3]),
    )
    ratio = np.array(model.gears) * model.axle_ratio / model.wheel_radius_m
    loss = np.where(np.arange(len(model.gears)) < len(model.gears) - 1, LOWER_GEAR_LOSS, 0.0)
    rpm = speed * ratio * RPM_PER_RAD_S
    engines = Engines.of([model])
    torque = force / (ratio * (model.driveline_efficiency - loss))
    torque += model.auxiliary_kw * 1e3 / (rpm * WATTS_PER_TORQUE_RPM)
    fuel = engines.fuel_l_h(torque, rpm, np.array([WARM_ENGINE_C]))
    possible = (
        (rpm > model.idle_rpm)
        & (rpm < max(model.torque_rpm))
        & (
            torque
            <= engines.full_load_nm(np.minimum(rpm, max(model.torque_rpm)), np.zeros(len(rpm), int))
        )
    )
    best = int(np.argmin(np.where(possible, fuel, np.inf)))
    wheel_kw = float(force[best] * speed[best]) / 1e3
    fuel_l_h = float(fuel[best])
    return Steady(
        wheel_kw=wheel_kw,
        engine_rpm=float(rpm[best]),
        fuel_l_h=fuel_l_h,
        fuel_l_100km=100.0 * fuel_l_h / speed_kmh,
        efficiency=wheel_kw / (fuel_l_h * DIESEL_MJ_L / 3.6),
    )
