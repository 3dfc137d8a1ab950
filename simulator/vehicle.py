"""A truck as numbers: what a model file says of mass, road load, driveline and equipment."""

import re
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GRAVITY_M_S2 = 9.81  # standard gravity, rounded as MOVES does
ROAD_LOAD_AIR_KG_M3 = 1.2  # density at which FIELD's C gives CdA 6.98 m² for the long haul
WATTS_PER_TORQUE_RPM = 2 * np.pi / 60  # Nm·rpm to W


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleModel:
    """One type of truck, as `models.toml` describes it.

    Attributes:
        key: Name of the table in `models.toml`.
        title: What people call it.
        vehicle_class: The class it is judged in, by its thresholds and among its peers.
        wmi: Maker's world manufacturer identifier with the next letters of its VINs.
        route: Kind of road it works on, a key of `simulator.road.ROUTES`.
        mass_empty_kg: Tractor, trailer and driver without cargo.
        mass_max_kg: Gross combination mass.
        road_load_a: MOVES A, kW·s/m, at `road_load_mass_t`.
        road_load_c: MOVES C, kW·s³/m³.
        road_load_mass_t: Mass the A belongs to, t.
        gears: Gearbox ratios, first to top.
        axle_ratio: Final drive.
        wheel_radius_m: Dynamic radius of the driven wheels.
        driveline_efficiency: Crank to wheel in the top gear.
        displacement_l: Engine, litres.
        stroke_m: Piston stroke.
        idle_rpm: Warm idle.
        torque_rpm: Speeds of the full-load curve.
        torque_nm: Torque of the full-load curve.
        best_rpm: Speed at which the map is most efficient.
        indicated_efficiency: Peak of fuel power to piston work.
        engine_inertia_kg_m2: Engine and flywheel.
        auxiliary_kw: Alternator, pumps and compressor, mean.
        retarder_nm: Greatest retarder torque at the propeller shaft; 0 means none.
        truck_axles: Axles of the truck itself; the others are the trailer's.
        axle_share_empty: Share of the empty mass on each axle, front to rear; adds up to 1.
        axle_share_cargo: Share of the cargo on each axle; adds up to 1.
        tank_l: Diesel tanks together.
        adblue_tank_l: Reagent tank.
        absent: Patterns of the catalogue's names this model is not equipped for.
    """

    key: str
    title: str
    vehicle_class: str
    wmi: str
    route: str
    mass_empty_kg: float
    mass_max_kg: float
    road_load_a: float
    road_load_c: float
    road_load_mass_t: float
    gears: tuple[float, ...]
    axle_ratio: float
    wheel_radius_m: float
    driveline_efficiency: float
    displacement_l: float
    stroke_m: float
    idle_rpm: float
    torque_rpm: tuple[float, ...]
    torque_nm: tuple[float, ...]
    best_rpm: float
    indicated_efficiency: float
    engine_inertia_kg_m2: float
    auxiliary_kw: float
    retarder_nm: float
    truck_axles: int
    axle_share_empty: tuple[float, ...]
    axle_share_cargo: tuple[float, ...]
    tank_l: float
    adblue_tank_l: float
    absent: tuple[str, ...]

    @property
    def rolling_coefficient(self) -> float:
        """Crr = A / (g·M), dimensionless (FIELD.md, MOVES)."""
        return self.road_load_a / (GRAVITY_M_S2 * self.road_load_mass_t)

    @property
    def drag_area_m2(self) -> float:
        """CdA = 2·C / ρ, m²."""
        return 2e3 * self.road_load_c / ROAD_LOAD_AIR_KG_M3

    def lacks(self, name: str) -> bool:
        """Whether this model has no sensor for the signal `name`."""
        return any(re.fullmatch(pattern, name) for pattern in self.absent)


def resistance_n(
    *,
    mass_kg: Floats,
    speed_m_s: Floats,
    gradient: Floats,
    rolling: Floats,
    drag_area_m2: Floats,
    air_kg_m3: Floats,
) -> Floats:
    """Force that rolling, slope and air put against the truck, N (longitudinal model, FIELD.md).

    `gradient` is rise over run; for road slopes its sine is taken equal to it.
    """
    weight = mass_kg * GRAVITY_M_S2
    return weight * (rolling + gradient) + 0.5 * air_kg_m3 * drag_area_m2 * speed_m_s * speed_m_s


@cache
def vehicle_models() -> dict[str, VehicleModel]:
    """Every model of `models.toml` by its key."""
    text = resources.files("simulator").joinpath("models.toml").read_text(encoding="utf-8")
    lists = {f.name for f in fields(VehicleModel) if str(f.type).startswith("tuple")}
    models = {}
    for key, row in tomllib.loads(text).items():
        cells: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in row.items()}
        models[key] = VehicleModel(key=key, **cells)
    return models
