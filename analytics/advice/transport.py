"""Savings of planning, not of driving: empty ways, half loads, standing days, stops, hours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.advice.corridors import spared
from analytics.advice.piece import NAN, Piece
from analytics.advice.week import NOBODY, added
from analytics.advice_rules import (
    EFFICIENCY,
    EMPTY_SHARE,
    EMPTY_SHARE_TOLD,
    FULL_SHARE,
    FULL_SHARE_TOLD,
    LEAST_HOURS,
    LEAST_HOURS_SHARE,
    LEAST_IDLE_DAYS,
    LEAST_LOAD_COVERAGE,
    LEAST_LOAD_KM,
    LEAST_PAYLOAD_T,
    LEAST_RUN_KM,
    LEAST_SPARED_KM,
    STOP_ERROR,
)
from analytics.fuel.physics import DIESEL_MJ_L
from analytics.local_time import local_days

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from analytics.advice.week import AdviceWeek


def pieces(week: AdviceWeek) -> Iterator[Piece]:
    """What there is to say of a vehicle's planning; all but stops is already beyond its limits."""
    for find in (_empty_running, _load_factor, _idle_days, _stops, _hours):
        if (found := find(week)) is not None:
            yield found


def _piece(
    week: AdviceWeek,
    cause: str,
    value: float,
    by_part: NDArray[np.float64],
    facts: dict[str, Any],
    **interval: Any,
) -> Piece:
    return Piece(
        driver_id=NOBODY,
        cause=cause,
        value=value,
        distance_km=added(week.parts, "distance_km"),
        fuel_l=added(week.parts, "fuel_l"),
        facts={"value": round(value, 2), **facts, "missing": []},
        parts=week.parts,
        by_part=by_part,
        **interval,
    )


def _numbers(rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    return pd.to_numeric(rows[column], errors="coerce").to_numpy(dtype=np.float64)


def _load_known(week: AdviceWeek) -> bool:
    known, km = added(week.parts, "load_known_km"), added(week.parts, "distance_km")
    return known >= LEAST_LOAD_KM and known >= LEAST_LOAD_COVERAGE * km


def _empty_running(week: AdviceWeek) -> Piece | None:
    """Empty kilometres beyond those of a usual fleet.

    No litres are claimed: a return load makes this truck burn more and another one's trip
    unnecessary. What the empty ways burnt is told where whole parts were empty.
    """
    known, empty = added(week.parts, "load_known_km"), added(week.parts, "empty_km")
    if not _load_known(week) or empty <= EMPTY_SHARE_TOLD * known:
        return None
    value = empty - EMPTY_SHARE * known
    if value < LEAST_SPARED_KM:
        return None
    by_part = _numbers(week.parts, "empty_km")
    km, fuel = _numbers(week.parts, "distance_km"), _numbers(week.parts, "fuel_l")
    whole = (by_part >= 0.9 * km) & (km > 0) & np.isfinite(fuel)
    told = by_part[whole].sum() >= 0.5 * empty
    facts = {
        "empty_km": round(empty, 1),
        "empty_percent": round(100.0 * empty / known, 1),
        "usual_percent": round(100.0 * EMPTY_SHARE, 1),
        "empty_fuel_l": round(empty * fuel[whole].sum() / km[whole].sum(), 1) if told else None,
    }
    return _piece(week, "empty_running", value, by_part, facts, most_confidence="medium")


def _load_factor(week: AdviceWeek) -> Piece | None:
    """Loaded kilometres that fuller loads would spare: the same t·km on fewer trips."""
    loaded, payload = added(week.parts, "loaded_km"), added(week.parts, "payload_t_km")
    if not _load_known(week) or not (loaded >= LEAST_LOAD_KM and payload > 0):
        return None
    mean_t, full_t = payload / loaded, _full_t(week)
    if not full_t >= LEAST_PAYLOAD_T or mean_t >= FULL_SHARE_TOLD * full_t:
        return None
    by_part = _numbers(week.parts, "loaded_km") - np.nan_to_num(
        _numbers(week.parts, "payload_t_km")
    ) / (FULL_SHARE * full_t)
    value = loaded - payload / (FULL_SHARE * full_t)
    if value < LEAST_SPARED_KM:
        return None
    facts = {
        "payload_t": round(mean_t, 2),
        "full_t": round(full_t, 2),
        "load_percent": round(100.0 * mean_t / full_t, 1),
        "loaded_km": round(loaded, 1),
    }
    return _piece(week, "load_factor", value, by_part, facts, most_confidence="medium")


def _full_t(week: AdviceWeek) -> float:
    """The largest load that the vehicle was seen with, t: what it may carry nobody tells."""
    seen = [NAN]
    for rows in (week.parts, week.past):
        if rows is None or not len(rows):
            continue
        km = _numbers(rows, "loaded_km")
        enough = km >= LEAST_RUN_KM
        seen += (_numbers(rows, "payload_t_km")[enough] / km[enough]).tolist()
    return float(np.nanmax(seen)) if np.isfinite(seen).any() else NAN


def _idle_days(week: AdviceWeek) -> Piece | None:
    """Days without any trip, of a vehicle that is in use."""
    in_use = len(week.parts) > 0 or (week.past is not None and len(week.past) > 0)
    if not in_use or week.days < 7:
        return None
    stood = 7 - len(_driven_days(week))
    if stood < LEAST_IDLE_DAYS:
        return None
    hours = _numbers(week.parts, "driving_s") / 3600.0
    return _piece(week, "idle_days", float(stood), hours, {"days": week.days})


def _driven_days(week: AdviceWeek) -> set[Any]:
    """The local days of the week on which a trip was under way."""
    wanted = {week.week + timedelta(days=n) for n in range(7)}
    if not len(week.parts):
        return set()
    ends = local_days(week.parts["end_time"], week.time_zone)["day"].dt.date
    return {
        day
        for first, last in zip(week.parts["day"], ends, strict=True)
        for day in wanted
        if first <= day <= last
    }


def _stops(week: AdviceWeek) -> Piece | None:
    """Litres for getting up to speed again, ½·m·v² / (η·H) a stop, of stops that can be avoided."""
    found = spared(week, "stops")
    mass_t_km, km = added(week.parts, "mass_t_km"), added(week.parts, "distance_km")
    driving_s = added(week.parts, "driving_s")
    if found is None or not (mass_t_km > 0 and km > 0 and driving_s > 0):
        return None
    mass_kg, speed_m_s = 1000.0 * mass_t_km / km, 1000.0 * km / driving_s
    litres = 0.5 * mass_kg * speed_m_s**2 / (EFFICIENCY * DIESEL_MJ_L * 1e6)
    value = found.value * litres
    # Both errors, the number's and the stop's, are independent.
    reach = float(np.hypot((found.value - found.low) * litres, STOP_ERROR * value))
    facts = {
        "share_percent": round(100.0 * value / added(week.parts, "fuel_l"), 2),
        "stops": round(found.value),
        "runs": found.runs,
        "window_h": list(found.window_h),
    }
    return _piece(
        week,
        "stops",
        value,
        found.by_part * litres,
        facts,
        low=value - reach,
        high=value + reach,
        most_confidence="medium",
    )


def _hours(week: AdviceWeek) -> Piece | None:
    """Hours at the wheel that another departure spares."""
    found = spared(week, "driving_s")
    if found is None:
        return None
    value, low, high = (seconds / 3600.0 for seconds in (found.value, found.low, found.high))
    driven = added(week.parts, "driving_s") / 3600.0
    surely = value - week.settings.sure * (value - low)
    if surely <= 0 or value < max(LEAST_HOURS, LEAST_HOURS_SHARE * driven):
        return None
    facts = {
        "low": round(low, 2),
        "high": round(high, 2),
        "driving_h": round(driven, 1),
        "runs": found.runs,
        "window_h": list(found.window_h),
    }
    return _piece(week, "hours", value, found.by_part / 3600.0, facts, low=low, high=high)
