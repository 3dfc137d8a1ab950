"""Savings by the causes of `fuel_cause`: those of drivers by driver, the vehicle's by vehicle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.advice.kinds import KINDS, OF_FUEL, Level
from analytics.advice.piece import Piece
from analytics.advice.week import NOBODY, added, drivers
from analytics.advice_rules import (
    EFFICIENCY,
    ROLLING,
    ROLLING_SHARE,
    SOFTEST_PERCENT,
)
from analytics.fuel.excess import TYRE_EXPONENT
from analytics.fuel.physics import DIESEL_MJ_L, GRAVITY_M_S2, L_H_PER_KW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analytics.advice.week import AdviceWeek

LESS_SURE_WITHOUT = ("load", "gradient", "rate", "torque")
"""Where one of these is missing on most of the fuel, no high confidence is claimed."""


def pieces(week: AdviceWeek) -> Iterator[Piece]:
    """Every positive sum of a cause: one a driver, or one a vehicle for what is the vehicle's."""
    parts = week.parts.reset_index(drop=True)
    who = drivers(parts)
    of_drivers = [cause for cause in OF_FUEL if KINDS[cause].audience == "driver"]
    of_vehicle = [cause for cause in OF_FUEL if KINDS[cause].audience != "driver"]
    of_parts = [
        week.causes.pivot_table(
            index="part_start", columns="cause", values=name, aggfunc="sum"
        ).reindex(columns=OF_FUEL)
        for name in ("litres", "low_l", "high_l")
    ]
    for driver in sorted(set(who.tolist())):
        yield from _of_subject(week, parts[who == driver], of_parts, driver, of_drivers)
    yield from _of_subject(week, parts, of_parts, NOBODY, of_vehicle)


def _of_subject(
    week: AdviceWeek,
    parts: pd.DataFrame,
    of_parts: list[pd.DataFrame],
    driver: int,
    causes: list[str],
) -> Iterator[Piece]:
    """One subject's pieces; of_parts: litres and both ends by part_start and cause."""
    distance_km, fuel_l = added(parts, "distance_km"), added(parts, "fuel_l")
    missing = _missing(parts)
    doubtful = any(name in missing for name in LESS_SURE_WITHOUT)
    confidence: Level = "medium" if doubtful else "high"
    behaviour = _behaviour(week, parts)
    tables = [table.reindex(index=parts["part_start"]) for table in of_parts]
    for cause in causes:
        by_part, lows, highs = (table[cause].to_numpy(dtype=np.float64) for table in tables)
        total, low, high = (float(np.nansum(ends)) for ends in (by_part, lows, highs))
        if not (total > 0 and fuel_l > 0):
            continue
        litres = min(total, fuel_l)
        own = _facts(cause, parts, litres, fuel_l)
        if own is None:
            continue
        facts = {
            "share_percent": round(100 * litres / fuel_l, 2),
            "trips": int(parts.loc[by_part > 0, "trip_start"].nunique()),
            "missing": [*missing, "softness"] if cause == "tyres" else missing,
            **own,
            **behaviour.get(cause, {}),
        }
        yield Piece(
            driver_id=driver,
            cause=cause,
            value=litres,
            low=min(low, litres),
            high=min(max(high, litres), fuel_l),
            distance_km=distance_km,
            fuel_l=fuel_l,
            facts=facts,
            parts=parts,
            by_part=by_part,
            most_confidence=confidence,
        )


def _missing(parts: pd.DataFrame) -> list[str]:
    """What was not known on more than half of the fuel."""
    fuel = pd.to_numeric(parts["fuel_l"], errors="coerce").fillna(0.0).to_numpy(dtype=np.float64)
    without: dict[str, float] = {}
    for names, litres in zip(parts["missing"], fuel, strict=True):
        for name in names if isinstance(names, (list, tuple, np.ndarray)) else ():
            without[str(name)] = without.get(str(name), 0.0) + float(litres)
    return sorted(name for name, litres in without.items() if litres > 0.5 * fuel.sum())


def _facts(cause: str, parts: pd.DataFrame, litres: float, fuel_l: float) -> dict[str, Any] | None:
    """What a cause's text names beside litres; None where the sums contradict each other."""
    if cause == "idling":
        idle_l, engine_s = added(parts, "idle_fuel_l"), added(parts, "engine_s")
        idle_s = added(parts, "idle_s")
        return {
            "idle_h": round(idle_s / 3600.0, 2),
            "idle_share_percent": round(100.0 * idle_s / engine_s, 1) if engine_s > 0 else None,
            "idle_fuel_l": round(idle_l, 2) if idle_l > 0 else None,
        }
    if cause == "tyres":
        return {"soft_percent": round(_softness(parts, litres, fuel_l), 1)}
    if cause == "auxiliary":
        hours = added(parts, "engine_s") / 3600.0
        # What the engine gives for these litres an hour: P = Q · H · η.
        return {"kw": round(litres / hours / L_H_PER_KW * EFFICIENCY, 2)} if hours > 0 else None
    if cause == "fault":
        before = fuel_l - litres
        return {"rise_percent": round(100.0 * litres / before, 2)} if before > 0 else None
    return {}


def _softness(parts: pd.DataFrame, litres: float, fuel_l: float) -> float:
    """How far below the usual the tyre pressures must be to need so many litres more, %.

    Rolling takes m·g·Crr·d / (η·H), and Crr ~ p^-n: p / p0 = (1 + litres / rolling)^(-1/n).
    """
    mass_t_km = added(parts, "mass_t_km")
    # t·km are 1e6 kg·m.
    rolling_l = mass_t_km * GRAVITY_M_S2 * ROLLING / (EFFICIENCY * DIESEL_MJ_L)
    firm_l = rolling_l if rolling_l > 0 else ROLLING_SHARE * (fuel_l - litres)
    if not firm_l > 0:
        return SOFTEST_PERCENT
    part = math.pow(1.0 + litres / firm_l, -1.0 / TYRE_EXPONENT)
    return min(100.0 * (1.0 - part), SOFTEST_PERCENT)


def _behaviour(week: AdviceWeek, parts: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By cause, what `trip_part` tells of it."""
    if week.behaviour is None:
        return {}
    rows = week.behaviour[week.behaviour["part_start"].isin(parts["part_start"])]

    def percent(name: str) -> float | None:
        known = added(rows, f"{name}_known_s")
        return round(100.0 * added(rows, f"{name}_s") / known, 1) if known > 0 else None

    harsh = added(rows, "harsh_brakings") + added(rows, "harsh_accelerations")
    return {
        "speed": {"overspeed_percent": percent("overspeed")},
        "harsh": {"harsh_count": round(harsh) if harsh >= 0 else None},
        "gears": {"green_band_percent": percent("green_band")},
        "coasting": {"coasting_percent": percent("coasting")},
        "cruise": {"cruise_percent": percent("cruise")},
    }
