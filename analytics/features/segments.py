"""Features of a segment of road, from `analytics.fuel.segments.SEGMENT_COLUMNS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analytics.features.feature import Floats, Get

SEGMENTS = "segments"

LEAST_KM = 0.1  # km; a shorter segment is divided by this


def _column(name: str, unit: str, description: str) -> Feature:
    """A column as it is."""
    return Feature(
        name=name,
        of=SEGMENTS,
        unit=unit,
        description=description,
        needs=(name,),
        make=lambda get: get(name),
    )


def _per_km(column: str, unit: str, description: str) -> Feature:
    return Feature(
        name=f"{column}_km",
        of=SEGMENTS,
        unit=f"{unit}/km",
        description=f"{description} by the way.",
        needs=(column, "distance_km"),
        make=lambda get: get(column) / _km(get),
    )


def _share(name: str, part: str, whole: str, description: str) -> Feature:
    return Feature(
        name=name,
        of=SEGMENTS,
        unit="",
        description=description,
        needs=(part, whole),
        make=lambda get: get(part) / np.maximum(get(whole), 1e-3),
    )


def _km(get: Get) -> Floats:
    return np.maximum(get("distance_km"), LEAST_KM)


_OF_SEGMENTS = (
    _column("mass_t", "t", "Mean gross combination mass."),
    _column("reference_nm", "Nm", "The engine's reference torque."),
    _column("ambient_c", "°C", "Mean temperature of the air."),
    _column("coolant_c", "°C", "Mean temperature of the coolant."),
    _column("air_kg_m3", "kg/m³", "Mean density of the air."),
    Feature(
        name="speed_km_h",
        of=SEGMENTS,
        unit="km/h",
        description="Mean speed of moving.",
        needs=("distance_km", "moving_s"),
        make=lambda get: 3600.0 * get("distance_km") / np.maximum(get("moving_s"), 1.0),
    ),
    _column("limit_km_h", "km/h", "Mean posted speed."),
    _per_km("ascent_m", "m", "Metres up"),
    _per_km("descent_m", "m", "Metres down"),
    _per_km("gained_j_kg", "J/kg", "Kinetic energy of speeding up, as the road demands it,"),
    _per_km("lost_j_kg", "J/kg", "Kinetic energy of slowing down, as the road demands it,"),
    _per_km("stops", "1", "Stops"),
    _per_km("standing_s", "s", "Standing for traffic"),
    _per_km("steady_j_kg", "J/kg", "Work of rolling, climbing and air where it is positive"),
    _per_km("braked_j_kg", "J/kg", "What descents give beyond the resistances"),
    Feature(
        name="powered_share",
        of=SEGMENTS,
        unit="",
        description="Share of the way with positive work.",
        needs=("powered_m", "distance_km"),
        make=lambda get: get("powered_m") / 1e3 / _km(get),
    ),
    _per_km("drive_j_kg", "J/kg", "Work of all resistances and of acceleration, as driven,"),
    _per_km("held_j_kg", "J/kg", "What was held back or braked, as driven,"),
    _share("driven_time_share", "driven_s", "moving_s", "Share of moving with positive work."),
    _share("friction_share", "friction_mj", "engine_mj", "Share of the work that friction took."),
    _per_km("revolutions", "1", "Turns of the crankshaft"),
    _column("load_mean", "", "Torque over reference torque, weighted by work."),
    _column("load_square", "", "Its square, weighted by work."),
    _column("load_high", "", "Share of the work at high load."),
    _column("rpm_work", "1/min", "Engine speed, weighted by work."),
)

SEGMENT_FEATURES: Mapping[str, Feature] = {feature.name: feature for feature in _OF_SEGMENTS}
"""By name."""
