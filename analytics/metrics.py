"""What is added up of driving: sums over the parts of trips, from which every score is a ratio.

Sums only add, so a day, a week or a driver's month is the sum of its parts, in any order. Each
share has two: the time in which something held, and that in which the signals could tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics import conditions as are
from analytics.ascent import ascent_m, height_m
from analytics.burnt import litres_of_rows
from analytics.events.speed import road_limit
from analytics.local_time import local_hours
from analytics.spans import held

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples
    from analytics.thresholds import Thresholds

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SUMS = (
    "driving_s",
    "distance_km",
    "engine_s",
    "idle_s",
    "pto_s",
    "cruise_s",
    "cruise_known_s",
    "coasting_s",
    "coasting_known_s",
    "high_torque_s",
    "high_torque_known_s",
    "green_band_s",
    "green_band_known_s",
    "brakings",
    "late_brakings",
    "overspeed_s",
    "overspeed_known_s",
    "harsh_brakings",
    "harsh_accelerations",
    "harsh_cornerings",
    "harsh_known_km",
    "retarder_s",
    "service_brake_s",
    "fuel_l",
    "fuel_known_km",
    "mass_t_km",
    "mass_known_km",
    "ascent_m",
    "ascent_known_km",
    "stops",
    "night_s",
)
"""The sums of a part: `_s` seconds, `_km` kilometres, `_l` litres, `_t_km` tonne-kilometres, `_m`
metres, the rest counts."""

EVENT_SUMS = {
    "harsh_braking": "harsh_brakings",
    "harsh_acceleration": "harsh_accelerations",
    "harsh_cornering": "harsh_cornerings",
}
"""Sums that count events, by the events' kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SumRules:
    """What is counted in sums and has no event."""

    night_from_h: int = 22
    """Night begins at this local hour: Switzerland bans lorries from 22 to 5 (VRV Art. 91)."""
    night_to_h: int = 5
    """And ends at this one."""
    ascent_band_m: float = 5.0
    """Height comes and goes by so much without a hill: satellite receivers wander [m]."""
    least_stop_s: float = 3.0
    """A stop is this long at the least [s]: shorter is a gear change at walking pace."""
    stop_join_s: float = 2.0
    """A jerk forwards this short does not make two stops of one [s]."""


def metric_sums(
    samples: Samples,
    parts: pd.DataFrame,
    events: pd.DataFrame,
    thresholds: Thresholds,
    time_zone: str = "UTC",
    rules: SumRules | None = None,
) -> pd.DataFrame:
    """Add up what each part of a vehicle's trips holds.

    Args:
        samples: the vehicle's rows.
        parts: a row a trip and driver, by time: trip_start (UTC), driver (card id or None),
            first_row and stop_row (half-open row numbers in samples; parts do not overlap).
        events: the vehicle's events, with kind and start_time; one counts in the part in which it
            starts.
        thresholds: those of the vehicle's class.
        time_zone: the fleet's IANA zone, for night.
        rules: what else is counted.

    Returns:
        A row a part, in their order: trip_start, driver and the columns SUMS.

    Raises:
        TimeZoneError: there is no such time zone.
    """
    rules = rules or SumRules()
    split = _Parts(
        first=parts["first_row"].to_numpy(dtype=np.intp),
        stop=parts["stop_row"].to_numpy(dtype=np.intp),
        rows=len(samples),
    )
    km = np.nan_to_num(samples.speed_km_h * samples.moving) * samples.step_s / 3600
    values = _times(samples, thresholds) | _distances(samples, thresholds, km)
    values["night_s"] = _night(samples, time_zone, rules) * values["driving_s"]
    values["ascent_m"] = ascent_m(samples, split.first, band_m=rules.ascent_band_m)
    sums = {name: split.total(of_rows) for name, of_rows in values.items()}
    sums |= _counts(samples, split, events, thresholds, rules)
    given = parts[["trip_start", "driver"]].reset_index(drop=True)
    return pd.concat([given, pd.DataFrame(sums)[list(SUMS)]], axis=1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Parts:
    """The parts' rows: (k,) half-open row numbers, ascending, of so many rows."""

    first: NDArray[np.intp]
    stop: NDArray[np.intp]
    rows: int

    def total(self, values: Floats) -> Floats:
        """(k,) each part's sum of the rows' values, none of them NaN."""
        if not len(self.first):
            return np.empty(0)
        # A part may end with the last row: reduceat must find something behind it.
        edges = np.column_stack((self.first, self.stop)).ravel()
        sums = np.add.reduceat(np.append(values, 0.0), edges)[::2]
        return np.where(self.stop > self.first, sums, 0.0)

    def count(self, rows: NDArray[np.intp]) -> Floats:
        """(k,) how many of these rows lie in each part."""
        if not len(self.first):
            return np.empty(0)
        part = np.searchsorted(self.first, rows, side="right") - 1
        part = part[(part >= 0) & (rows < self.stop[part])]
        return np.bincount(part, minlength=len(self.first)).astype(np.float64)


def _times(samples: Samples, t: Thresholds) -> dict[str, Floats]:
    """Seconds of each row, by the sum they go into."""
    moving = samples.moving
    pairs = {
        "idle": (are.idling(samples), are.idling_known(samples), "engine_s"),
        "cruise": (are.cruise(samples), are.cruise_known(samples), "cruise_known_s"),
        "coasting": (are.coasting(samples, t), are.coasting_known(samples), "coasting_known_s"),
        "high_torque": (
            are.high_torque(samples, t),
            are.high_torque_known(samples),
            "high_torque_known_s",
        ),
        "green_band": (
            are.green_band(samples, t),
            are.green_band_known(samples, t),
            "green_band_known_s",
        ),
        "overspeed": (_over_limit(samples, t), moving, "overspeed_known_s"),
    }
    on = {"driving_s": moving, "pto_s": are.power_take_off(samples)}
    for name, (mask, known, of) in pairs.items():
        on |= {f"{name}_s": mask & known, of: known}
    retarder_could = are.retarder_known(samples, t)
    on["retarder_s"] = are.retarding(samples, t) & retarder_could
    on["service_brake_s"] = are.service_braking(samples, t) & retarder_could
    return {name: mask * samples.step_s for name, mask in on.items()}


def _over_limit(samples: Samples, t: Thresholds) -> Mask:
    """Above the road's limit, where it is known, or above the class's, by the events' margins."""
    road = t.overspeed_road.enter_factor * road_limit(samples)
    vehicle = t.overspeed_vehicle.enter_factor * t.overspeed_vehicle.limit_km_h
    return samples.speed_km_h > np.fmin(road, vehicle)


def _distances(samples: Samples, t: Thresholds, km: Floats) -> dict[str, Floats]:
    """Kilometres of each row, and what is weighed by them, by the sum they go into."""
    tonnes = samples["gross_combination_weight"] / 1000.0
    fuel_l = litres_of_rows(samples)
    return {
        "distance_km": km,
        "harsh_known_km": km * (samples.step_s <= t.harsh_braking.longest_step_s),
        "mass_t_km": np.nan_to_num(tonnes) * km,
        "mass_known_km": km * ~np.isnan(tonnes),
        "fuel_l": np.nan_to_num(fuel_l),
        "fuel_known_km": km * ~np.isnan(fuel_l),
        "ascent_known_km": km * ~np.isnan(height_m(samples)),
    }


def stop_rows(samples: Samples, rules: SumRules | None = None) -> NDArray[np.intp]:
    """The row with which each stop begins: the vehicle moved up to it, and then stood."""
    rules = rules or SumRules()
    stops = held(
        samples, are.standing(samples), join_s=rules.stop_join_s, least_s=rules.least_stop_s
    )
    before = np.maximum(stops.first - 1, 0)
    return stops.first[samples.moving[before] & ~samples.gap[stops.first]]


def _night(samples: Samples, time_zone: str, rules: SumRules) -> Mask:
    hour = local_hours(samples.time_us, time_zone)
    return (hour >= rules.night_from_h) | (hour < rules.night_to_h)


def _counts(
    samples: Samples, parts: _Parts, events: pd.DataFrame, t: Thresholds, rules: SumRules
) -> dict[str, Floats]:
    """How often something happened in each part, by the sum it goes into."""
    braked = are.brake_applications(samples, t)
    counts = {
        "stops": parts.count(stop_rows(samples, rules)),
        "brakings": parts.count(braked.spans.first[braked.known]),
        "late_brakings": parts.count(braked.spans.first[braked.late]),
    }
    start_us = events["start_time"].to_numpy(dtype="datetime64[us]").astype(np.int64)
    rows = np.searchsorted(samples.time_us, start_us, side="right") - 1
    kinds = events["kind"].to_numpy(dtype=object)
    for kind, name in EVENT_SUMS.items():
        counts[name] = parts.count(rows[kinds == kind])
    return counts
