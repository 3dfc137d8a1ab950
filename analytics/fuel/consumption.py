"""What each part of a vehicle's trips burnt, by every source there is, and what it did with it.

The engine's counter is believed before the integrated rate, and that before the tank's level; how
far they are apart is said, not mended. Idling, power take-off and driving share what was burnt as
the rows do, and add up to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics import conditions as are
from analytics.ascent import ascent_m, height_m
from analytics.burnt import counted_litres, litres_of_rows, rated_litres
from analytics.fuel.corridor import corridors
from analytics.fuel.payload import EMPTY_SHARE, empty_mass_of, payload_kg
from analytics.fuel.signals import TYRE_PRESSURES
from analytics.fuel.tank_litres import TankLitres, tank_litres
from analytics.metrics import SumRules, stop_rows
from analytics.spans import Spans
from analytics.trips import TripRules, distances

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from analytics.samples import Samples

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

METHOD_VERSION = 1
"""Raised when the same signals would give other litres."""

COUNTER, RATE, TANK = "counter", "rate", "tank"
SOURCES = (COUNTER, RATE, TANK)
"""Where litres come from, the better ones first."""

MISSING = (
    "load",
    "empty_mass",
    "gradient",
    "counter",
    "rate",
    "speed_limit",
    "tyre_pressure",
    "torque",
)
"""What may have been absent of a part: signals, and the empty mass that payload needs."""

GIVEN = ("trip_start", "part_start", "end_time", "driver_id")
"""The columns of parts."""

NUMBERS = (
    "distance_km",
    "counter_l",
    "rate_l",
    "tank_l",
    "disagreement_percent",
    "fuel_l",
    "idle_fuel_l",
    "pto_fuel_l",
    "moving_fuel_l",
    "regeneration_fuel_l",
    "mass_t_km",
    "payload_t_km",
    "empty_km",
    "loaded_km",
    "load_known_km",
    "engine_s",
    "idle_s",
    "driving_s",
    "ascent_m",
)
"""Numbers of a part; NaN unknown."""

COLUMNS = (*GIVEN, *NUMBERS, "fuel_source", "stops", "corridor", "missing")
"""The columns of a table of consumption."""

KNOWN_SHARE = 0.5
"""What is known for less of a part is not known of it."""
LEAST_COMPARED_L = 2.0
"""Sources are compared where so much was burnt [L]: four counts of the coarse counter."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Sums:
    """(k,) sums over parts by name, of rows' values that are all there."""

    of: Mapping[str, Floats]

    def __getitem__(self, name: str) -> Floats:
        return self.of[name]

    def known(self, name: str, whole: str = "driving_s") -> Mask:
        """(k,) known for a good share of the time or way that counts."""
        return np.asarray((self.of[name] > 0) & (self.of[name] >= KNOWN_SHARE * self.of[whole]))


def consumption(
    samples: Samples,
    parts: pd.DataFrame,
    *,
    empty_mass_kg: float | None = None,
    capacity_l: float | None = None,
) -> pd.DataFrame:
    """What each part burnt, and what it moved where.

    Args:
        samples: one vehicle's rows, as `fuel_samples` gives them.
        parts: a row a trip and driver by time, not overlapping: trip_start, part_start, end_time
            (UTC), driver_id (or None).
        empty_mass_kg: what the vehicle weighs empty; None: learnt from these rows, see
            `analytics.fuel.payload.empty_mass_kg`, which may be given a longer past.
        capacity_l: of all tanks together, see `analytics.fuel.tank.tank_events`.

    Returns:
        A row a part, in their order, with COLUMNS. Of litres: counter_l, rate_l, tank_l, each by
        itself; fuel_l, the first of them that is known, and fuel_source, which (one of SOURCES, or
        None); disagreement_percent, how far the known ones are apart, of fuel_l, beyond what the
        level's noise explains; idle_fuel_l (standing, no power take-off), pto_fuel_l (standing
        with it) and moving_fuel_l (all else) add up to fuel_l; regeneration_fuel_l is dosed into
        the exhaust and part of it. distance_km as trips have it; mass_t_km and payload_t_km over
        load_known_km, of which empty_km were driven empty and loaded_km loaded (both 0 where the
        empty mass is not known); ascent_m; engine_s, idle_s, driving_s and stops as behaviour has
        them; corridor or None; missing, a list of some of MISSING. Numbers are NaN where unknown.
    """
    start_us, end_us = (
        parts[name].to_numpy("datetime64[us]").astype(np.int64)
        for name in ("part_start", "end_time")
    )
    first = np.searchsorted(samples.time_us, start_us)
    stop = np.searchsorted(samples.time_us, end_us)
    there = stop > first
    spans = Spans(first=first[there], stop=stop[there])
    if empty_mass_kg is None:
        empty_mass_kg = empty_mass_of(samples)
    found = _of_spans(samples, spans, empty_mass_kg, capacity_l)
    columns: dict[str, object] = {
        name: parts[name].array if name in parts else np.full(len(parts), None, dtype=object)
        for name in GIVEN
    }
    for name in NUMBERS:
        # A part whose rows are gone drove no kilometres that anybody knows.
        columns[name] = _spread(found[name], there, 0.0 if name in _ZERO else np.nan)
    columns["stops"] = _spread(found["stops"], there, 0)
    for name in ("fuel_source", "corridor"):
        columns[name] = pd.Series(_spread(found[name], there, None), dtype="object")
    missing = np.full(len(parts), None, dtype=object)
    missing[:] = [list(MISSING) for _ in range(len(parts))]
    missing[np.flatnonzero(there)] = _missing(found, len(spans))
    columns["missing"] = pd.Series(missing, dtype="object")
    return pd.DataFrame(columns)[list(COLUMNS)]


def _spread(values: NDArray[Any], there: Mask, absent: object) -> NDArray[Any]:
    """The values at their places among all parts."""
    column = np.full(len(there), absent, dtype=values.dtype)
    column[there] = values
    return column


_ZERO = ("empty_km", "loaded_km", "load_known_km", "engine_s", "idle_s", "driving_s")


def _of_spans(
    samples: Samples, spans: Spans, empty_kg: float, capacity_l: float | None
) -> dict[str, NDArray[Any]]:
    """(k,) everything of each span, by column, and what is missing of it as `no <name>`."""
    rules = TripRules()
    sums = _sums(samples, spans, empty_kg)
    counter_l = counted_litres(samples, spans, fastest_l_h=rules.fuel_l_h)
    rate_l = rated_litres(samples, spans, least_coverage=rules.least_fuel_coverage)
    tank = tank_litres(samples, spans, capacity_l)
    fuel_l, source = _best(counter_l, rate_l, tank.litres)
    distance_km, _ = distances(samples, spans, rules)
    # Kilometres of rows, stretched to what the odometer saw: data may have been missing.
    factor = np.divide(distance_km, sums["km"], out=np.ones(len(spans)), where=sums["km"] > 0)
    factor = np.clip(np.where(np.isnan(factor), 1.0, factor), 0.5, 2.0)
    load = sums["load_km"] > 0
    payload = load & ~np.isnan(empty_kg)
    shares = np.stack([sums["idle_l"], sums["pto_l"], sums["other_l"]])
    burnt = shares.sum(axis=0)
    split = fuel_l * np.divide(shares, burnt, out=np.zeros_like(shares), where=burnt > 0)
    told = sums.known("litres_s", "engine_s") & ((burnt > 0) | (fuel_l == 0))
    idle_l, pto_l, moving_l = np.where(told, split, np.nan)
    climbed = sums.known("height_s")
    return {
        "distance_km": distance_km,
        "counter_l": counter_l,
        "rate_l": rate_l,
        "tank_l": tank.litres,
        "disagreement_percent": _disagreement(counter_l, rate_l, tank, fuel_l),
        "fuel_l": fuel_l,
        "fuel_source": source,
        "idle_fuel_l": idle_l,
        "pto_fuel_l": pto_l,
        "moving_fuel_l": moving_l,
        "regeneration_fuel_l": np.where(
            sums.known("dosing_s", "engine_s"), sums["dosed_l"], np.nan
        ),
        "mass_t_km": np.where(load, sums["mass_t_km"] * factor, np.nan),
        "payload_t_km": np.where(payload, sums["payload_t_km"] * factor, np.nan),
        "empty_km": sums["empty_km"] * factor,
        "loaded_km": sums["loaded_km"] * factor,
        "load_known_km": sums["load_km"] * factor,
        "engine_s": sums["engine_s"],
        "idle_s": sums["idle_s"],
        "driving_s": sums["driving_s"],
        "ascent_m": np.where(climbed, sums["ascent_m"], np.nan),
        "stops": _count(stop_rows(samples), spans),
        "corridor": corridors(samples, spans),
        "no load": ~sums.known("load_km", "km"),
        "no empty_mass": np.full(len(spans), np.isnan(empty_kg)),
        "no gradient": ~(sums.known("gradient_s") | climbed),
        "no counter": np.isnan(counter_l),
        "no rate": np.isnan(rate_l),
        "no speed_limit": ~sums.known("limit_s"),
        "no tyre_pressure": ~(sums["tyres"] > 0),
        "no torque": ~sums.known("torque_s"),
    }


def _sums(samples: Samples, spans: Spans, empty_kg: float) -> _Sums:
    """What is added up of rows."""
    step_s, moving = samples.step_s, samples.moving
    driving_s = step_s * moving
    km = np.nan_to_num(samples.speed_km_h) * driving_s / 3600
    mass_kg = samples["gross_combination_weight"]
    load_km = km * ~np.isnan(mass_kg)
    empty = mass_kg <= EMPTY_SHARE * empty_kg
    standing = are.standing(samples)
    pto = standing & are.power_take_off(samples)
    idle = are.idling(samples)
    litres = litres_of_rows(samples)
    burnt_l = np.nan_to_num(litres)
    dosing = _signal(samples, "aftertreatment_fuel_rate")
    engine = are.idling_known(samples)
    return _added(
        spans,
        {
            "km": km,
            "load_km": load_km,
            "mass_t_km": np.nan_to_num(mass_kg) * km / 1000,
            "payload_t_km": np.nan_to_num(payload_kg(mass_kg, empty_kg)) * km / 1000,
            "empty_km": load_km * empty,
            "loaded_km": load_km * (mass_kg > EMPTY_SHARE * empty_kg),
            "engine_s": step_s * engine,
            "idle_s": step_s * idle,
            "driving_s": driving_s,
            "litres_s": step_s * (engine & ~np.isnan(litres)),
            "idle_l": burnt_l * idle,
            "pto_l": burnt_l * pto,
            "other_l": burnt_l * ~(idle | pto),
            "dosing_s": step_s * (engine & ~np.isnan(dosing)),
            "dosed_l": np.nan_to_num(dosing) * step_s / 3600,
            "height_s": driving_s * ~np.isnan(height_m(samples)),
            "ascent_m": ascent_m(samples, spans.first, band_m=SumRules().ascent_band_m),
            "gradient_s": driving_s * ~np.isnan(samples["road_gradient"]),
            "limit_s": driving_s * ~np.isnan(samples["speed_limit"]),
            "torque_s": driving_s * ~np.isnan(samples["engine_torque"]),
            "tyres": _any_known(samples, TYRE_PRESSURES),
        },
    )


def _added(spans: Spans, rows: Mapping[str, Floats]) -> _Sums:
    """Each name's rows added up over the spans, all of which have rows."""
    if not len(spans):
        return _Sums(of=dict.fromkeys(rows, np.empty(0)))
    edges = np.column_stack((spans.first, spans.stop)).ravel()
    # A span may end with the last row: reduceat must find something behind it.
    values = np.zeros((len(rows), len(next(iter(rows.values()))) + 1))
    for place, row in enumerate(rows.values()):
        values[place, :-1] = row
    return _Sums(of=dict(zip(rows, np.add.reduceat(values, edges, axis=1)[:, ::2], strict=True)))


def _signal(samples: Samples, name: str) -> Floats:
    """A signal; one that was not asked for is absent throughout."""
    values = samples.signals.get(name)
    return np.full(len(samples), np.nan) if values is None else values


def _any_known(samples: Samples, names: tuple[str, ...]) -> Floats:
    """(n,) 1 where one of the signals is known."""
    known = np.zeros(len(samples), dtype=np.bool_)
    for name in names:
        values = samples.signals.get(name)
        if values is not None and not known.all():
            known |= ~np.isnan(values)
    return known.astype(np.float64)


def _count(rows: NDArray[np.intp], spans: Spans) -> NDArray[np.intp]:
    """(k,) how many of the rows, ascending, lie in each span."""
    return np.searchsorted(rows, spans.stop) - np.searchsorted(rows, spans.first)


def _best(counter_l: Floats, rate_l: Floats, tank_l: Floats) -> tuple[Floats, NDArray[np.object_]]:
    """The first source that is known, and its name."""
    told = [~np.isnan(litres) for litres in (counter_l, rate_l, tank_l)]
    names = np.array([*SOURCES, None], dtype=object)
    litres = np.select(told, [counter_l, rate_l, tank_l], np.nan)
    return litres, names[np.select(told, [0, 1, 2], 3)]


def _disagreement(counter_l: Floats, rate_l: Floats, tank: TankLitres, fuel_l: Floats) -> Floats:
    """How far the known sources are apart [% of the best]; NaN where there are not two.

    The tank's level differs only where the other is outside its 90 % interval, by what it is.
    """
    with_rate = np.abs(counter_l - rate_l)
    with_tank = np.maximum(np.abs(fuel_l - tank.litres) - tank.half_interval_l, 0.0)
    with_tank[np.isnan(counter_l) & np.isnan(rate_l)] = np.nan
    apart = np.fmax(with_rate, with_tank)
    return np.where(fuel_l >= LEAST_COMPARED_L, 100 * apart / np.maximum(fuel_l, 1e-9), np.nan)


def _missing(found: Mapping[str, NDArray[Any]], count: int) -> list[list[str]]:
    absent = np.array([found[f"no {name}"] for name in MISSING], dtype=np.bool_)
    return [[MISSING[n] for n in np.flatnonzero(absent[:, part])] for part in range(count)]
