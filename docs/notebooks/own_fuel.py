"""Litres of a stretch of road from the work it asks for: own features, and a model of them.

`fuel_model.ipynb` explains both. `telemetry train own-fuel --model-module own_fuel --dataset …`
trains, keeps and judges it like any model of the product's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from analytics.features.feature import Feature
from analytics.features.registry import computed, find, register

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from analytics.features.feature import Floats, Get

G = 9.81
"""Standard gravity [m/s²]."""

ROLLING = 0.006
"""Rolling resistance of truck tyres, part of the weight (UNECE R117 class B to C)."""

DRAG_M2 = 6.0
"""Drag area of a tractor with semi-trailer [m²]; what a truck has of it, the model learns."""

LEAST_KM = 0.5
"""Shorter stretches tell nothing of a road [km]."""


def _way_km(get: Get) -> Floats:
    return np.maximum(get("distance_km"), LEAST_KM)


def _work(name: str, description: str, needs: tuple[str, ...], mj: Callable[[Get], Floats]) -> None:
    """Register a work by the way."""
    register(
        Feature(
            name=f"own_{name}_mj_km",
            of="segments",
            unit="MJ/km",
            description=description,
            needs=(*needs, "distance_km"),
            make=lambda get: mj(get) / _way_km(get),
        )
    )


_work(
    "roll",
    "Work against the tyres' rolling resistance.",
    ("mass_t",),
    lambda get: ROLLING * get("mass_t") * G * get("distance_km"),
)
_work(
    "climb",
    "Work against gravity on the way up.",
    ("mass_t", "ascent_m"),
    lambda get: get("mass_t") * G * get("ascent_m") / 1e3,
)
_work(
    "speed_up",
    "Kinetic energy of speeding up, as the road demands it.",
    ("mass_t", "gained_j_kg"),
    lambda get: get("mass_t") * get("gained_j_kg") / 1e3,
)
_work(
    "air",
    "Work against the air, of a usual drag area.",
    ("powered_drag_j_m2",),
    lambda get: DRAG_M2 * get("powered_drag_j_m2") / 1e6,
)
register(
    Feature(
        name="own_engine_on_s_km",
        of="segments",
        unit="s/km",
        description="Standing with the engine on, for whatever reason, by the way.",
        needs=("standing_s", "idling_s", "pto_s", "distance_km"),
        make=lambda get: (get("standing_s") + get("idling_s") + get("pto_s")) / _way_km(get),
    ),
    Feature(
        name="own_l_100km",
        of="segments",
        unit="L/100 km",
        description="All that was burnt, by the way: what is to be predicted.",
        needs=("fuel_l", "distance_km"),
        make=lambda get: 100 * get("fuel_l") / _way_km(get),
    ),
    Feature(
        name="own_km",
        of="segments",
        unit="km",
        description="The way.",
        needs=("distance_km",),
        make=lambda get: get("distance_km"),
    ),
    Feature(
        name="own_engine_mj_km",
        of="segments",
        unit="MJ/km",
        description="Work at the pistons by the way, as it was measured: a trap, see the notebook.",
        needs=("engine_mj", "distance_km"),
        make=lambda get: get("engine_mj") / _way_km(get),
    ),
)

INPUTS = (
    "segments.own_roll_mj_km",
    "segments.own_climb_mj_km",
    "segments.own_speed_up_mj_km",
    "segments.own_air_mj_km",
    "segments.own_engine_on_s_km",
    "segments.reference_nm",
)
"""What the model is told: five of ours, and of the product's the engine's size."""

TARGET = "segments.own_l_100km"

WAY = "segments.own_km"

TRAP = "segments.own_engine_mj_km"
"""What the engine did is known when the stretch is over, and so is what it burnt."""


def estimator() -> Any:
    """A straight line in physical units: few numbers, which one can read."""
    return make_pipeline(SimpleImputer(), StandardScaler(), Ridge(alpha=1.0))


def learnt(told: pd.DataFrame, l_100km: Floats, km: Floats) -> Any:
    """An estimator, fitted; a long stretch counts as much as it is long."""
    return estimator().fit(told, l_100km, ridge__sample_weight=km)


class OwnFuel:
    """As `analytics.training.recipe.OwnModel` wants it."""

    name = "own-fuel"
    purpose = "Litres of a stretch of some 3 km from the work its road, load and air ask for."
    limits = (
        "Knows nothing of cold engines, wind and gears.",
        "A class of few vehicles gets the others' line.",
    )
    unit = "L"
    features = tuple(sorted({column for one in find(INPUTS) for column in one.needs}))
    target = "fuel_l"

    def fit(self, rows: pd.DataFrame, seed: int) -> Any:
        """Learn; nothing is drawn, so that no seed is needed."""
        del seed
        some = rows[rows["distance_km"] >= LEAST_KM]
        litres, km = some["fuel_l"].to_numpy(float), some["distance_km"].to_numpy(float)
        return learnt(computed(find(INPUTS), some), 100 * litres / km, km)

    def predict(self, fitted: Any, rows: pd.DataFrame) -> Floats:
        """Litres of each row."""
        told = computed(find(INPUTS), rows)
        return np.asarray(fitted.predict(told) * rows["distance_km"].to_numpy(float) / 100)


MODEL = OwnFuel()
