"""The fleet: which truck, which driver, which road, and their numbers stacked for array work."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.config import SimulationConfig
from simulator.driver import DriverProfile, driver_profiles
from simulator.engine import Engines
from simulator.individual import Individual
from simulator.island import IndividualEngines
from simulator.vehicle import WATTS_PER_TORQUE_RPM, Floats, VehicleModel, vehicle_models
from simulator.vin import make_vin

T = TypeVar("T")

# The types of eight vehicles in turn; eight and the seven profiles share no divisor, so that all
# pairs of type and profile come up.
MODEL_CYCLE = (
    "long_haul", "regional", "dump", "single_unit", "long_haul", "long_haul", "regional", "dump",
)  # fmt: skip
ROADS_PER_KIND = 4  # roads of each kind, one after another near the cities of simulator.road
RPM_PER_RAD_S = 60 / (2 * np.pi)
START_SPEED_M_S = 1.4  # speed that the starting gear gives at idle, about
LOWER_GEAR_LOSS = 0.015  # driveline efficiency lost in any gear below the top one


@dataclass(frozen=True, kw_only=True, slots=True)
class Vehicle:
    """One truck of the fleet.

    Attributes:
        index: Place in the fleet.
        vin: Its identification number.
        model: Its type.
        profile: How its driver drives.
        driver_id: The driver's card.
        road: Index of its road in `Roads.kinds`.
        odometer_km: Reading at the start.
        ambient_offset_k: How its weather differs from its city's.
        individual: What else sets it apart; `None` in a fleet of known profiles.
    """

    index: int
    vin: str
    model: VehicleModel
    profile: DriverProfile
    driver_id: str
    road: int
    odometer_km: float
    ambient_offset_k: float
    individual: Individual | None = None

    @property
    def rolling_coefficient(self) -> float:
        """Crr at its tyre pressure."""
        if self.individual is None:
            return self.model.rolling_coefficient * self.profile.rolling_factor
        soft = self.profile.tyre_inflation**self.individual.tyre_exponent
        return float(self.model.rolling_coefficient * self.individual.rolling * soft)

    @property
    def drag_area_m2(self) -> float:
        """CdA."""
        own = 1.0 if self.individual is None else self.individual.drag
        return self.model.drag_area_m2 * own


def road_kinds() -> tuple[str, ...]:
    """The kinds of the network's roads: four of each kind some model works on."""
    kinds = dict.fromkeys(model.route for model in vehicle_models().values())
    return tuple(kind for kind in kinds for _ in range(ROADS_PER_KIND))


def build_fleet(config: SimulationConfig) -> tuple[Vehicle, ...]:
    """The vehicles of `config`, in order of their index."""
    models, profiles = vehicle_models(), list(driver_profiles().values())
    kinds = road_kinds()
    vehicles = []
    for index in range(config.vehicles):
        rng = np.random.default_rng([config.seed, 0xF1EE7, index])
        model = models[MODEL_CYCLE[index % len(MODEL_CYCLE)]]
        vehicles.append(
            Vehicle(
                index=index,
                vin=make_vin(model.wmi, seed=config.seed, index=index),
                model=model,
                profile=profiles[index % len(profiles)],
                driver_id=f"CHN{config.seed % 10_000:04d}{index:09d}",
                road=kinds.index(model.route) + int(rng.integers(ROADS_PER_KIND)),
                odometer_km=round(float(rng.uniform(8_000, 480_000)), 3),
                ambient_offset_k=float(rng.normal(0.0, 1.0)),
            )
        )
    return tuple(vehicles)


def take(record: T, index: NDArray[np.intp]) -> T:
    """A copy of a dataclass of arrays with only the rows `index` of each array."""
    columns: dict[str, Any] = {}
    for field in fields(record):  # type: ignore[arg-type]  # T is a dataclass of arrays
        value = getattr(record, field.name)
        columns[field.name] = take(value, index) if is_dataclass(value) else value[index]
    return type(record)(**columns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """The fleet's constants as arrays of shape (n,); `rpm_per_m_s` and `gain` are (n, gears).

    `rpm_per_m_s` is engine speed over road speed and `gain` wheel force over crank torque, by
    gear; models with fewer gears repeat their top one. `settles` says who shifts late only while he
    gains speed: the drivers of a mixed fleet. `envelope` is where the driver's speeds stand in
    `Envelopes` and is set by who makes them.
    """

    engines: Engines
    index: NDArray[np.int64]
    mass_empty_kg: Floats
    mass_max_kg: Floats
    rolling: Floats
    rolling_per_m_s: Floats
    drag_area_m2: Floats
    rpm_per_m_s: Floats
    gain: Floats
    top_gear: NDArray[np.int64]
    start_gear: NDArray[np.int64]
    efficiency: Floats
    engine_inertia: Floats
    auxiliary_w: Floats
    leak_w: Floats
    fan_nm: Floats
    retarder_gain: Floats
    retarder_n: Floats
    limit_factor: Floats
    cap_m_s: Floats
    brake_m_s2: Floats
    coast_m_s2: Floats
    acceleration_m_s2: Floats
    upshift_extra_rpm: Floats
    settles: NDArray[np.bool_]
    harsh_m_s2: Floats
    envelope: NDArray[np.int64]

    @classmethod
    def of(cls, vehicles: tuple[Vehicle, ...]) -> Self:
        """Stack the constants of `vehicles`."""
        models = [v.model for v in vehicles]
        drivers = [v.profile for v in vehicles]
        own = [v.individual for v in vehicles]
        width = max(len(m.gears) for m in models)
        ratio = np.array([m.gears + m.gears[-1:] * (width - len(m.gears)) for m in models])
        axle = np.array([m.axle_ratio for m in models])
        radius = np.array([m.wheel_radius_m for m in models])
        rpm_per_m_s = ratio * (axle / radius)[:, None] * RPM_PER_RAD_S
        idle = np.array([m.idle_rpm for m in models])
        return cls(
            engines=_engines(models, own),
            index=np.array([v.index for v in vehicles]),
            mass_empty_kg=np.array([m.mass_empty_kg for m in models]),
            mass_max_kg=np.array([m.mass_max_kg for m in models]),
            rolling=np.array([v.rolling_coefficient for v in vehicles]),
            rolling_per_m_s=np.array([0.0 if o is None else o.rolling_per_m_s for o in own]),
            drag_area_m2=np.array([v.drag_area_m2 for v in vehicles]),
            rpm_per_m_s=rpm_per_m_s,
            gain=ratio * (axle / radius)[:, None],
            top_gear=np.array([len(m.gears) for m in models]),
            start_gear=np.maximum((rpm_per_m_s * START_SPEED_M_S >= idle[:, None]).sum(axis=1), 1),
            efficiency=np.array(
                [
                    m.driveline_efficiency + (0.0 if o is None else o.driveline)
                    for m, o in zip(models, own, strict=True)
                ]
            ),
            engine_inertia=np.array([m.engine_inertia_kg_m2 for m in models]),
            auxiliary_w=np.array(
                [
                    m.auxiliary_kw * 1e3 * (1.0 if o is None else o.auxiliary)
                    for m, o in zip(models, own, strict=True)
                ]
            ),
            leak_w=np.array([0.0 if o is None else o.leak_w for o in own]),
            fan_nm=np.array(
                [0.0 if o is None else o.fan_w / (1e3 * WATTS_PER_TORQUE_RPM) for o in own]
            ),
            retarder_gain=axle / radius,
            retarder_n=np.array([m.retarder_nm for m in models]) * axle / radius,
            limit_factor=np.array([d.limit_factor for d in drivers]),
            cap_m_s=np.array([d.speed_cap_kmh / 3.6 for d in drivers]),
            brake_m_s2=np.array([d.brake_m_s2 for d in drivers]),
            coast_m_s2=np.array([d.coast_m_s2 for d in drivers]),
            acceleration_m_s2=np.array([d.acceleration_m_s2 for d in drivers]),
            upshift_extra_rpm=np.array([d.upshift_extra_rpm for d in drivers]),
            settles=np.array([o is not None for o in own]),
            harsh_m_s2=np.array([d.harsh_m_s2 for d in drivers]),
            envelope=np.zeros(len(vehicles), dtype=np.int64),
        )

    def auxiliary_nm(self, rpm: Floats) -> Floats:
        """Torque that auxiliaries take off the crank at `rpm`, defects included."""
        krpm = rpm * 1e-3
        return (self.auxiliary_w + self.leak_w) / (
            rpm * WATTS_PER_TORQUE_RPM
        ) + self.fan_nm * krpm * krpm


def _engines(models: list[VehicleModel], own: list[Individual | None]) -> Engines:
    traits = [individual.engine for individual in own if individual is not None]
    return IndividualEngines.drawn(models, traits) if traits else Engines.of(models)
