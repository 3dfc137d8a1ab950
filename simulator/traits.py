"""What signal generators read of a vehicle itself: sizes, shares, and marks that rarely move."""

import numpy as np

from simulator.accumulate import Ledger
from simulator.fleet import Parameters, Vehicle
from simulator.vehicle import Floats


def constants_of(
    vehicles: tuple[Vehicle, ...], p: Parameters, ledger: Ledger, rng: np.random.Generator
) -> dict[str, Floats]:
    """What generators read of a vehicle, (n,) by name; the marks move when it is refuelled."""
    models = [v.model for v in vehicles]
    tank = np.array([m.tank_l for m in models])
    reagent = np.array([m.adblue_tank_l for m in models])
    constants = {
        "index": np.array([float(v.index) for v in vehicles]),
        "reference_nm": p.engines.peak_nm,
        "idle_rpm": p.engines.idle_rpm,
        "best_rpm": p.engines.best_rpm,
        "displacement_m3": p.engines.displacement_m3,
        "top_gear": p.top_gear.astype(np.float64),
        "shaft_per_m": p.retarder_gain,
        "retarder_n": p.retarder_n,
        "retarder_nm": p.retarder_n / p.retarder_gain,
        "mass_empty_kg": p.mass_empty_kg,
        "mass_max_kg": p.mass_max_kg,
        "limit_factor": p.limit_factor,
        "cap_m_s": p.cap_m_s,
        "stuck_fan": np.array([_stuck(v) for v in vehicles]),
        "leak_w": p.leak_w,
        "slosh": np.array([0.0 if v.individual is None else v.individual.slosh for v in vehicles]),
        "inflation": np.array([v.profile.tyre_inflation for v in vehicles]),
        "second_tank": np.array([0.0 if m.lacks("fuel_volume_2") else 1.0 for m in models]),
        "tank_size_l": tank,
        "reagent_size_l": reagent,
        "tank_mark": ledger["fuel_l"] + tank * rng.uniform(0.45, 0.95, len(models)),
        "reagent_mark": ledger["reagent_l"] + reagent * rng.uniform(0.35, 0.95, len(models)),
        "regenerated_s": -rng.uniform(3_600, 200_000, len(models)),
        "first_distance_m": ledger["distance_m"].copy(),
    }
    for kind in ("empty", "cargo"):
        shares = [getattr(m, f"axle_share_{kind}") for m in models]
        for axle in range(3):
            constants[f"axle{axle + 1}_{kind}"] = np.array(
                [
                    s[axle] if axle < m.truck_axles else 0.0
                    for m, s in zip(models, shares, strict=True)
                ]
            )
            constants[f"trailer_axle{axle + 1}_{kind}"] = np.array(
                [
                    s[m.truck_axles + axle] if m.truck_axles + axle < len(s) else 0.0
                    for m, s in zip(models, shares, strict=True)
                ]
            )
        constants[f"trailer_share_{kind}"] = np.array(
            [sum(s[m.truck_axles :]) for m, s in zip(models, shares, strict=True)]
        )
    return constants


def _stuck(vehicle: Vehicle) -> float:
    """How far the fan stays engaged when it need not, 0 to 1."""
    own = vehicle.individual
    return own.severities["auxiliary"] if own is not None and own.by_fan else 0.0
