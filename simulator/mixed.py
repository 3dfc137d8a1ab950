"""A fleet as fleets are: each driver a mixture of weaknesses, each truck an individual.

Nine causes of wasted fuel, each with a severity from 0 (calm) to 1 (the worst known profile); the
driver's numbers go linearly between the two. What a cause's severity moves, and its calm value:

| cause     | moves                                                    | calm          | at 1 |
|-----------|----------------------------------------------------------|---------------|------|
| idling    | chance that the engine runs on through a short stop      | 0.08          | 0.92 |
|           | the same through a long one (15 min and more)            | 0             | 0.92 |
|           | idling before and after a drive (30-90 s, 20-60 s) times | 1             | 6    |
| speed     | chosen speed over the posted limit                       | 0.97          | 1.16 |
|           | cap of it, km/h                                          | 86            | 106  |
| harsh     | braking, m/s²                                            | 0.7           | 1.6  |
|           | greatest acceleration, m/s²                              | 0.55          | 1.3  |
|           | emergency brakings an hour at speed                      | 0.05          | 3    |
|           | their deceleration, m/s²                                 | 4.2           | 5.2  |
| gears     | revolutions by which the gearbox shifts up later while   | 0             | 420  |
|           | speed is gained (20 s in a gear at the most)             |               |      |
| coasting  | deceleration from which both feet are lifted, m/s²       | 0.2    | braking's |
| cruise    | chance that cruise control is used on a leg              | 0.75          | 0    |
| tyres     | tyre pressure over the recommended                       | 1             | 0.76 |
| auxiliary | extra power, a stuck fan or a leak no one sees, kW       | 0             | 8    |
| fault     | part of the engine's efficiency lost from a time on      | 0             | 0.14 |

So a good driver, against whom the truth is measured, keeps 3 % below the limit and at most 86 km/h,
brakes with 0.7 m/s² at the most and lifts early enough to lose speed with 0.2 m/s², pulls away with
0.55 m/s² at the most, shifts in time (or lets the gearbox), uses cruise control on three legs of
four (which also rolls out of gear downhill where the truck can), stops the engine in nearly every
stop, starts within a minute or so, and the truck's tyres, auxiliaries and engine are sound. He has
the same legs, cargo, stops, traffic and lights. Without cruise control (from 58 km/h on) speed
wanders by 1.4 to 4.4 km/h around what is wanted, whoever drives: nearly as much kinetic energy is
given up so as real drivers give up (`python -m benchmarks.fuel_wander`).

Auxiliary power grows with the engine's size (8 kW at 12.8 L); the fan's with rpm³, equal to the
other at 1200 rpm. Only a stuck fan shows in the fan's speed. Sizes of sensors' errors and the
spread between trucks stand in `simulator.individual`. Analysis must not know any of this.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from simulator.config import SECONDS_PER_DAY, SimulationConfig
from simulator.driver import DriverProfile, driver_profiles
from simulator.fleet import Vehicle, build_fleet
from simulator.individual import (
    AUXILIARY_SPREAD,
    DRAG_SPREAD,
    DRIVELINE_SPREAD,
    ROLLING_SPREAD,
    Individual,
    draw_engine,
    draw_gains,
    size_of,
)

CAUSES = (
    "idling", "speed", "harsh", "gears", "coasting", "cruise", "tyres", "auxiliary", "fault",
)  # fmt: skip
"""The causes a mixed fleet's fuel is wasted by."""

CAUSE_SHARE = 0.45  # chance that a vehicle has a given cause
PERFECT_SHARE = 0.06  # chance that it has none
PROFILE_OF = {
    "idling": "idling", "speed": "speeding", "harsh": "harsh", "gears": "low_gears",
    "coasting": "no_coasting", "cruise": "no_coasting", "tyres": "low_tyres",
}  # fmt: skip
"""The known profile a cause is at its worst in."""
MOVES = {
    "idling": ("idle_share",),
    "speed": ("limit_factor", "speed_cap_kmh"),
    "harsh": ("brake_m_s2", "acceleration_m_s2", "harsh_per_hour", "harsh_m_s2"),
    "gears": ("upshift_extra_rpm",),
    "cruise": ("cruise_share",),
    "tyres": ("tyre_inflation",),
}
"""The numbers of a driver that a cause moves."""
WORST_WARMING = 6.0  # how many times as long the worst idler idles before and after a drive
WORST_AUXILIARY_W = 8_000.0  # power of a stuck fan or a leaking compressor of a heavy tractor
FAN_RPM = 1_200.0  # engine speed at which a stuck fan takes that
WORST_FAULT_LOSS = 0.14  # part of the efficiency that injectors or a turbocharger gone bad cost
FAULT_SPAN = (0.35, 0.65)  # part of the simulation in which faults begin
WANDER_KMH = (1.4, 4.4)  # speed without cruise control, standard deviation
THEFTS_A_NIGHT = 0.1  # chance that a parked truck's tank is tapped
SLOSH = 0.012  # movement of the level under way, part of the tank


def mixed_fleet(config: SimulationConfig) -> tuple[Vehicle, ...]:
    """The vehicles of `config` as individuals with drawn severities; `simulate` takes them.

    Types, roads and numbers of identification are those of `build_fleet`.
    """
    return tuple(_drawn(config, vehicle) for vehicle in build_fleet(config))


def with_severities(vehicle: Vehicle, severities: Mapping[str, float]) -> Vehicle:
    """The same truck on the same legs with these severities; causes left out are calm.

    Raises:
        ValueError: the vehicle is none of a mixed fleet.
    """
    own = vehicle.individual
    if own is None:
        raise ValueError(f"{vehicle.vin} has no severities: take a vehicle of mixed_fleet")
    severity = {cause: float(severities.get(cause, 0.0)) for cause in CAUSES}
    idling, power_w = severity["idling"], severity["auxiliary"] * WORST_AUXILIARY_W
    power_w *= size_of(vehicle.model)
    fan_w = power_w * (1_000.0 / FAN_RPM) ** 3
    return replace(
        vehicle,
        profile=driver_of(severity),
        individual=replace(
            own,
            severities=severity,
            leak_w=0.0 if own.by_fan else power_w,
            fan_w=fan_w if own.by_fan else 0.0,
            fault_loss=severity["fault"] * WORST_FAULT_LOSS,
            warming=1.0 + idling * (WORST_WARMING - 1.0),
            long_idle_share=idling * driver_profiles()["idling"].idle_share,
        ),
    )


def without(vehicle: Vehicle, cause: str) -> Vehicle:
    """The same truck with `cause` calm; "all" makes every cause calm.

    Causes are habits of their own: who brakes calmly, but lifts late, lifts where he did, unless he
    must brake from there.
    """
    severities = {} if vehicle.individual is None else dict(vehicle.individual.severities)
    left = {c: s for c, s in severities.items() if c != cause}
    calm = with_severities(vehicle, {} if cause == "all" else left)
    if cause != "harsh":
        return calm
    lifts = min(vehicle.profile.coast_m_s2, calm.profile.brake_m_s2)
    return replace(calm, profile=replace(calm.profile, coast_m_s2=lifts))


def driver_of(severities: Mapping[str, float]) -> DriverProfile:
    """The driver whose numbers lie so far between calm's and the worst profile's."""
    profiles = driver_profiles()
    calm = profiles["calm"]
    numbers: dict[str, float] = {}
    for cause, names in MOVES.items():
        worst = profiles[PROFILE_OF[cause]]
        for name in names:
            good = getattr(calm, name)
            numbers[name] = good + severities[cause] * (getattr(worst, name) - good)
    brake = numbers["brake_m_s2"]
    numbers["coast_m_s2"] = calm.coast_m_s2 + severities["coasting"] * (brake - calm.coast_m_s2)
    return replace(calm, key="mixed", **numbers)


def _drawn(config: SimulationConfig, vehicle: Vehicle) -> Vehicle:
    rng = np.random.default_rng([config.seed, 0x313D, vehicle.index])
    perfect = rng.random() < PERFECT_SHARE
    drawn = {cause: (rng.random(), 1.0 - rng.random()) for cause in CAUSES}
    severities = {
        cause: severity
        for cause, (chance, severity) in drawn.items()
        if chance < CAUSE_SHARE and not perfect
    }
    own = _individual(vehicle.index, config, rng)
    return with_severities(replace(vehicle, individual=own), severities)


def _individual(number: int, config: SimulationConfig, rng: np.random.Generator) -> Individual:
    """A truck beyond its type, still without a cause."""

    def near(spread: float) -> float:
        return float(np.clip(rng.standard_normal(), -2.0, 2.0) * spread)

    return Individual(
        number=number,
        severities={},
        engine=draw_engine(rng),
        rolling=1.0 + near(ROLLING_SPREAD),
        rolling_per_m_s=float(rng.uniform(0.0, 0.004)),
        tyre_exponent=float(rng.uniform(-0.5, -0.3)),
        drag=1.0 + near(DRAG_SPREAD),
        driveline=near(DRIVELINE_SPREAD),
        auxiliary=1.0 + near(AUXILIARY_SPREAD),
        by_fan=bool(rng.random() < 0.5),
        leak_w=0.0,
        fan_w=0.0,
        fault_loss=0.0,
        fault_from_s=float(np.ceil(config.days * SECONDS_PER_DAY * rng.uniform(*FAULT_SPAN))),
        warming=1.0,
        long_idle_share=0.0,
        wander_kmh=float(rng.uniform(*WANDER_KMH)),
        thefts_a_night=THEFTS_A_NIGHT,
        slosh=SLOSH,
        gains=draw_gains(rng),
    )
