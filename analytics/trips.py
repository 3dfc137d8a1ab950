"""Trips: when a vehicle was under way, how far, how long it idled, and what it burnt.

A trip is a run of rows in which the engine runs or the vehicle moves, held together over rests
shorter than `TripRules.rest_s`. Rows count for the time until the next one; a gap in the data is
not time the vehicle spent in any state, though counters carry over it. A vehicle that moves
without its engine is towed or carried: that is a trip of its own kind, and nobody's driving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.burnt import counted_litres, rated_litres
from analytics.counters import rises
from analytics.samples import SampleRules, prepare
from analytics.spans import Spans, added, duration_s, end_us, greatest, held, total
from analytics.speed import SPEED_SOURCES
from analytics.trip_spans import DRIVEN, FERRIED, TOWED, trip_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples

METHOD_VERSION = 3
"""Raised when the same signals would give other trips."""

INPUT_SIGNALS = (
    "wheel_speed",
    "tachograph_speed",
    "gnss_speed",
    "engine_speed",
    "engine_running",
    "ignition_on",
    "gear_current",
    "driveline_engaged",
    "clutch_switch",
    "fuel_rate",
    "odometer",
    "fuel_used_total",
    "latitude",
    "longitude",
)
"""The catalogue signals that trips depend on; any may be absent."""

KINDS = ("drive", "idle", "tow", "ferry")
"""Driven; stood with the engine running; moved on its wheels, or as freight, without the engine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TripRules:
    """Where a trip begins and ends."""

    rest_s: float = 300.0
    """A rest this long ends a trip [s]; Samsara's trips end after 5 min [kb.samsara.com]."""
    gap_s: float = 300.0
    """So does so long a gap in the data [s], unless the odometer shows that it drove on."""
    drove_on_km_h: float = 10.0
    """It drove on where the odometer rose this fast over the gap [km/h]: town traffic with its
    stops is faster."""
    longest_gap_s: float = 7200.0
    """Over a longer gap nobody knows whether it was one trip [s]."""
    longest_awake_s: float = 7200.0
    """So long a trip goes on while nothing but the ignition is on [s]: a wire that is always live
    would make one trip of a year."""
    running_rpm: float = 300.0
    """An engine turning this fast runs [rpm]; a starter turns it at less than 300."""
    moving_km_h: float = 1.0
    """Below this the vehicle stands [km/h]: wheel speed sensors do not see less."""
    longest_step_s: float = 60.0
    """Rows further apart than this have a gap between them, which is nobody's time [s]."""
    motion_s: float = 5.0
    """Moving for less without the engine is a flicker and begins nothing [s]."""
    least_km: float = 0.1
    """What moved less and lasted less than `least_s` is no trip but a manoeuvre [km]."""
    least_s: float = 60.0
    """See `least_km` [s]."""
    stop_s: float = 3.0
    """Standing for so long between two stretches of driving is a stop [s]."""
    tow_s: float = 120.0
    """Moving for so long with ignition or engine off is being towed [s]: longer than any vehicle
    rolls."""
    ferry_s: float = 300.0
    """Moving for so long while the wheels stand is being carried [s] ..."""
    ferry_km_h: float = 5.0
    """... faster than a receiver drifts [km/h] ..."""
    ferry_km: float = 1.0
    """... and so far [km]."""
    odometer_km_h: float = 250.0
    """An odometer that rises faster than a vehicle drives has jumped [km/h]."""
    odometer_share: float = 0.25
    """An odometer that differs by more than this from a speed known throughout is wrong."""
    fuel_l_h: float = 300.0
    """A fuel counter that rises faster than an engine burns has jumped [L/h]: 1,200 kW."""
    least_fuel_coverage: float = 0.95
    """Fuel is integrated where the rate is there for this share of the engine's time."""
    least_speed_coverage: float = 0.9
    """Distance is integrated where the speed is known for this share of the rows' time."""


COLUMNS = (
    "start_time",
    "end_time",
    "distance_km",
    "duration_s",
    "idle_s",
    "fuel_l",
    "idle_fuel_l",
    "l_per_100km",
    "max_speed_kmh",
    "start_latitude",
    "start_longitude",
    "end_latitude",
    "end_longitude",
    "distance_source",
    "fuel_source",
    "kind",
    "driving_s",
    "stop_count",
)
"""The columns of a table of trips."""

TEXTS = ("distance_source", "fuel_source", "kind")
"""Those of them that are texts, or None."""


def find_trips(signals: pd.DataFrame, rules: TripRules | None = None) -> pd.DataFrame:
    """Cut one vehicle's signals into trips: `trips_of` the samples made ready by these rules.

    Args:
        signals: one vehicle's rows by time (a UTC DatetimeIndex), any of the columns INPUT_SIGNALS
            in the catalogue's units (km/h, rpm, L/h, km, L, degrees), NaN absent. An absent
            column is one that is NaN throughout.
        rules: where trips begin and end.

    Raises:
        UnreadableSignalsError: the index is no time, or a column is no number.
    """
    rules = rules or TripRules()
    sample_rules = SampleRules(
        longest_step_s=rules.longest_step_s,
        moving_km_h=rules.moving_km_h,
        running_rpm=rules.running_rpm,
    )
    return trips_of(prepare(signals, sample_rules), rules)


def trips_of(samples: Samples, rules: TripRules | None = None) -> pd.DataFrame:
    """Cut one vehicle's samples into trips.

    Args:
        samples: one vehicle's rows, made ready. What moving, running and a gap are, they say.
        rules: where trips begin and end.

    Returns:
        A row a trip by time: start_time, end_time (UTC); distance_km, what the wheels rolled (NaN
        where neither odometer nor speed tell); duration_s; idle_s (engine running, vehicle known
        to stand); fuel_l, idle_fuel_l and l_per_100km (NaN where there was neither counter nor
        rate, or no distance); max_speed_kmh; start_latitude, start_longitude, end_latitude,
        end_longitude; distance_source (odometer, or the speed that was integrated most: one of
        SPEED_SOURCES; None) and fuel_source (fuel_used_total, fuel_rate, or None); kind (one of
        KINDS); driving_s (moving) and stop_count (standing between two moves), both 0 where
        nobody drove.
    """
    rules = rules or TripRules()
    if not len(samples):
        return _table({})
    spans, ways = trip_spans(samples, rules)
    distance_km, distance_source = distances(samples, spans, rules)
    lasts_s = duration_s(samples, spans)
    ran = added(samples.step_s * samples.running, spans) > 0
    # What moved without an engine must have come somewhere; an engine is heard where it stands.
    counts = (distance_km >= rules.least_km) | (ways == FERRIED)
    counts |= (lasts_s >= rules.least_s) & (ran | np.isnan(distance_km))
    spans, ways, ran, lasts_s = spans[counts], ways[counts], ran[counts], lasts_s[counts]
    distance_km, distance_source = distance_km[counts], distance_source[counts]
    kind = np.select(
        [ways == TOWED, ways == FERRIED, ran & (distance_km < rules.least_km)],
        ["tow", "ferry", "idle"],
        "drive",
    ).astype(object)
    fuel_l, idle_fuel_l, fuel_source = _fuel(samples, spans, rules)
    driven = (kind == "drive") & (distance_km >= rules.least_km)
    start, end = samples.time_us[spans.first], end_us(samples, spans)
    table: dict[str, object] = {
        "start_time": start.view("datetime64[us]"),
        "end_time": end.view("datetime64[us]"),
        "distance_km": distance_km,
        "duration_s": lasts_s,
        "idle_s": added(samples.step_s * _idle(samples), spans),
        "fuel_l": fuel_l,
        "idle_fuel_l": idle_fuel_l,
        "l_per_100km": 100 * fuel_l / np.where(driven, distance_km, np.nan),
        "max_speed_kmh": greatest(samples.speed_km_h, spans),
        **_places(samples, spans),
        "distance_source": distance_source,
        "fuel_source": fuel_source,
        "kind": kind,
        "driving_s": np.where(ways == DRIVEN, added(samples.step_s * samples.moving, spans), 0.0),
        "stop_count": np.where(ways == DRIVEN, _stops(samples, spans, rules), 0),
    }
    return _table(table)


def trip_of(samples: Samples, trips: pd.DataFrame) -> NDArray[np.intp]:
    """For each row the number of the trip it lies in, -1 outside.

    Args:
        samples: n rows of one vehicle.
        trips: its trips by time, as `trips_of` gives them.
    """
    start_us, end = (
        trips[name].to_numpy(dtype="datetime64[us]").astype(np.int64)
        for name in ("start_time", "end_time")
    )
    if not len(trips):
        return np.full(len(samples), -1)
    number = np.searchsorted(start_us, samples.time_us, side="right") - 1
    return np.where((number >= 0) & (samples.time_us < end[number]), number, -1)


def _table(columns: dict[str, object]) -> pd.DataFrame:
    """The columns as a frame, their types right where there is no trip."""
    types = dict.fromkeys(COLUMNS, "float64") | dict.fromkeys(TEXTS, "object")
    types |= {"start_time": "datetime64[us]", "end_time": "datetime64[us]", "stop_count": "int64"}
    trips = pd.DataFrame(
        {name: pd.Series(columns.get(name, []), dtype=types[name]) for name in COLUMNS}
    )
    for name in ("start_time", "end_time"):
        trips[name] = trips[name].dt.tz_localize("UTC")
    return trips


def _idle(samples: Samples) -> NDArray[np.bool_]:
    """The engine runs and the vehicle is known to stand."""
    return samples.running & ~samples.moving & (samples.speed_source >= 0)


def distances(
    samples: Samples, spans: Spans, rules: TripRules
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Kilometres by the odometer, which also counts while no data came; else by the speed.

    Args:
        samples: one vehicle's rows.
        spans: k of them, each of a row at least.
        rules: when either is believed.

    Returns:
        (k,) kilometres, NaN where neither tells; (k,) "odometer", or the speed that was integrated
        most, None where neither tells.
    """
    step_s, source = samples.step_s, samples.speed_source
    km = np.where(source < 0, 0.0, samples.speed_km_h) * step_s / 3600
    all_s = added(step_s, spans)
    by_source = np.zeros((len(SPEED_SOURCES), len(spans)))
    for number in np.flatnonzero(np.bincount(source + 1, minlength=1)[1:]):
        by_source[number] = added(step_s * (source == number), spans)
    integrated_km = np.where(
        (by_source.sum(axis=0) >= rules.least_speed_coverage * all_s) & (all_s > 0),
        added(km, spans),
        np.nan,
    )
    # 0.25 km are two counts of the coarse odometer (SAE J1939 SPN 245).
    odometer = rises(
        samples["odometer"], samples.time_us, spans, fastest_h=rules.odometer_km_h, count=0.25
    )
    # Before its first reading and after its last the speed has to do.
    counted_km = odometer.by + total(km, odometer.before) + total(km, odometer.after)
    gaps = np.append(0, np.cumsum(samples.gap))
    unbroken = gaps[spans.stop] == gaps[spans.first + 1]
    differs = np.abs(counted_km - integrated_km) > np.maximum(
        1.0, rules.odometer_share * integrated_km
    )
    believed = odometer.sound & ~(unbroken & differs)
    names = np.array([*SPEED_SOURCES, None], dtype=object)
    most = np.where(np.isnan(integrated_km), len(SPEED_SOURCES), by_source.argmax(axis=0))
    return (
        np.where(believed, counted_km, integrated_km),
        np.where(believed, "odometer", names[most]),
    )


def _fuel(
    samples: Samples, spans: Spans, rules: TripRules
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    """Litres, litres while idling, and where from: the engine's counter, else its rate.

    The rate counts where it is there nearly all the time the engine runs.
    """
    counted_l = counted_litres(samples, spans, fastest_l_h=rules.fuel_l_h)
    rated_l = rated_litres(samples, spans, least_coverage=rules.least_fuel_coverage)
    by_counter, by_rate = ~np.isnan(counted_l), ~np.isnan(rated_l)
    names = np.array(["fuel_used_total", "fuel_rate", None], dtype=object)
    source = names[np.select([by_counter, by_rate], [0, 1], 2)]
    known = ~np.isnan(samples["fuel_rate"])
    burnt_l = np.where(known, samples["fuel_rate"], 0.0) * samples.step_s / 3600
    told = (by_counter | by_rate) & (added(known.astype(np.float64), spans) > 0)
    idle_l = np.where(told, added(burnt_l * _idle(samples), spans), np.nan)
    return np.where(by_counter, counted_l, rated_l), idle_l, source


def _places(samples: Samples, spans: Spans) -> dict[str, NDArray[np.float64]]:
    """The first and the last known position within each span."""
    latitude, longitude = samples["latitude"], samples["longitude"]
    known = np.flatnonzero(~(np.isnan(latitude) | np.isnan(longitude)))
    first = np.searchsorted(known, spans.first)
    last = np.searchsorted(known, spans.stop) - 1
    there = last >= first
    place = {}
    for end, rows in (("start", first), ("end", last)):
        row = known[rows[there]]
        for name, values in (("latitude", latitude), ("longitude", longitude)):
            place[f"{end}_{name}"] = np.full(len(spans), np.nan)
            place[f"{end}_{name}"][there] = values[row]
    return place


def _stops(samples: Samples, spans: Spans, rules: TripRules) -> NDArray[np.intp]:
    """How often the vehicle stood between two moves of each span."""
    moving = np.flatnonzero(samples.moving)
    standing = held(samples, ~samples.moving & (samples.speed_source >= 0), least_s=rules.stop_s)
    trip = np.searchsorted(spans.first, standing.first, side="right") - 1
    before, after = np.searchsorted(moving, standing.first), np.searchsorted(moving, standing.stop)
    # Between a move and a move of the same trip.
    between = (trip >= 0) & (before > 0) & (after < len(moving))
    trip, before, after = trip[between], before[between] - 1, after[between]
    within = (moving[before] >= spans.first[trip]) & (moving[after] < spans.stop[trip])
    return np.bincount(trip[within], minlength=len(spans))
