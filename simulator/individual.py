"""What makes one truck differ from the next of its type: the numbers no data sheet gives.

Only vehicles of a mixed fleet have them. Spreads are what fleets of one type show: a few per cent
each. Analysis never sees any of this; it is there so that what analysis learns is learnt from data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from simulator.vehicle import VehicleModel

DISPLACEMENT_L = 12.8  # engine whose auxiliaries and fan the powers below belong to
EFFICIENCY_SPREAD = 0.012  # spread of the best indicated efficiency, part
ROLLING_SPREAD = 0.05  # spread of rolling resistance between makes of tyre, part
DRAG_SPREAD = 0.05  # spread of CdA between cabs and trailers, part
AUXILIARY_SPREAD = 0.06  # spread of the ordinary auxiliaries' power, part
DRIVELINE_SPREAD = 0.006  # spread of the driveline's efficiency
GAINS = {
    "fuel_rate": 0.012,
    "fuel_used_total": 0.006,
    "engine_torque": 0.015,
    "engine_friction_torque": 0.05,
    "gross_combination_weight": 0.015,
    "wheel_speed": 0.003,
    "fuel_level_1": 0.01,
}
"""Spread of each sensor's gain, part."""
SHARED = {
    "total_fuel": "fuel_used_total",
    "engine_demand_torque": "engine_torque",
    "odometer": "wheel_speed",
    "total_distance": "wheel_speed",
    "fuel_level_2": "fuel_level_1",
    "fuel_volume_1": "fuel_level_1",
    "fuel_volume_2": "fuel_level_1",
}
"""Signals made from the same sensor as another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineTraits:
    """An engine's map in the form of `simulator.island`.

    Attributes:
        efficiency: Best indicated efficiency over the model's.
        friction: Factors of friction's constant, linear and quadratic terms.
        pump_kpa: Mean pressure of oil and water pumps at 1000 rpm, grows with rpm^2.4.
        tilt: How far the best engine speed moves from no load to full load, part.
        speed_penalty: Loss at e times the best engine speed, part.
        best_load: Load of the island's middle.
        load_penalty: Loss a whole load away from it, part.
        light_penalty: Loss at no load, part; gone from a fifth of full load on.
        knee_load: Load from which the smoke limit costs efficiency.
        knee_penalty: How steeply: part per load^1.5.
    """

    efficiency: float
    friction: tuple[float, float, float]
    pump_kpa: float
    tilt: float
    speed_penalty: float
    best_load: float
    load_penalty: float
    light_penalty: float
    knee_load: float
    knee_penalty: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Luck:
    """How chance falls for a truck on the same legs, so that truth can be told from chance.

    Attributes:
        turn: Part of its range by which every light's phase, and every chance that a driver leaves
            open, is moved on; 0 is how it fell in the simulation.
        cruise_share: Chance of cruise control of the truck as it is: legs that were driven with it
            are so however chance falls, and others are not. 0 where a better driver chooses in its
            place: each leg is then driven with it in as many draws as his own chance says.
        idle_share: Likewise the chance that the engine runs on through a short stop.
        long_idle_share: Likewise through a long one.
    """

    turn: float = 0.0
    cruise_share: float = 0.0
    idle_share: float = 0.0
    long_idle_share: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Individual:
    """One truck and one driver beyond model and profile.

    Attributes:
        number: Names the random streams of roads, cargo and traffic; a variant of a truck has the
            truck's own.
        severities: How bad each cause is, 0 to 1.
        engine: The engine's map.
        rolling: Rolling resistance over the model's, at the recommended tyre pressure.
        rolling_per_m_s: Growth of rolling resistance with speed, part per m/s.
        tyre_exponent: Rolling resistance goes with tyre pressure to this power.
        drag: CdA over the model's.
        driveline: What is added to the driveline's efficiency.
        auxiliary: Ordinary auxiliary power over the model's.
        by_fan: Whether extra auxiliary power is a stuck fan's, else a leak's.
        leak_w: Auxiliary power of a defect that no sensor shows.
        fan_w: Power of a fan that never lets go, at 1000 rpm; grows with rpm³.
        fault_loss: Part of the efficiency an engine fault costs.
        fault_from_s: When it begins, s since the simulation's start.
        warming: Factor of the idling before a drive and after it.
        long_idle_share: Chance that the engine runs on through a long stop.
        wander_kmh: How far speed wanders without cruise control (standard deviation).
        thefts_a_night: Chance of fuel theft in a night.
        slosh: Movement of the tank's level under way, part of the tank.
        gains: Gain of each sensor that has one, by signal.
        luck: How chance falls.
    """

    number: int
    severities: Mapping[str, float] = field(hash=False)
    engine: EngineTraits
    rolling: float
    rolling_per_m_s: float
    tyre_exponent: float
    drag: float
    driveline: float
    auxiliary: float
    by_fan: bool
    leak_w: float
    fan_w: float
    fault_loss: float
    fault_from_s: float
    warming: float
    long_idle_share: float
    wander_kmh: float
    thefts_a_night: float
    slosh: float
    gains: Mapping[str, float] = field(hash=False)
    luck: Luck = field(default_factory=Luck)


def draw_engine(rng: np.random.Generator) -> EngineTraits:
    """An engine of the usual spread around its type."""
    friction = rng.uniform(0.88, 1.12, 3)
    return EngineTraits(
        efficiency=float(np.clip(rng.normal(1.0, EFFICIENCY_SPREAD), 0.97, 1.03)),
        friction=(float(friction[0]), float(friction[1]), float(friction[2])),
        pump_kpa=float(rng.uniform(0.0, 5.0)),
        tilt=float(rng.uniform(-0.1, 0.25)),
        speed_penalty=float(rng.uniform(0.08, 0.2)),
        best_load=float(rng.uniform(0.5, 0.72)),
        load_penalty=float(rng.uniform(0.05, 0.15)),
        light_penalty=float(rng.uniform(0.0, 0.05)),
        knee_load=float(rng.uniform(0.75, 0.9)),
        knee_penalty=float(rng.uniform(0.0, 0.3)),
    )


def draw_gains(rng: np.random.Generator) -> dict[str, float]:
    """Each sensor's gain, those of one sensor alike."""
    gains = {name: float(1.0 + spread * rng.standard_normal()) for name, spread in GAINS.items()}
    return gains | {name: gains[source] for name, source in SHARED.items()}


def size_of(model: VehicleModel) -> float:
    """The engine's size over that of a heavy tractor: auxiliaries and fans go with it."""
    return model.displacement_l / DISPLACEMENT_L
