"""Where trips begin and end: spans of rows in which a vehicle is under way, and how.

Rows are told apart by what moves the vehicle. What moves it the same way is one trip over rests
shorter than `TripRules.rest_s`, unless data are missing for longer than that and the odometer does
not show that it drove on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.spans import Spans, duration_s, end_us, held, inside, total
from analytics.speed import GNSS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples
    from analytics.trips import TripRules

DRIVEN, TOWED, FERRIED = 1, 2, 3
"""What moves a vehicle: itself, another one, or what carries it."""


def trip_spans(samples: Samples, rules: TripRules) -> tuple[Spans, NDArray[np.int8]]:
    """Spans of rows that are trips by time, and for each DRIVEN, TOWED or FERRIED."""
    way = _ways(samples, rules)
    # Stretches of rows that go one way without a gap in the data.
    same = np.append(False, (way[1:] == way[:-1]) & ~samples.gap[1:])
    first = np.flatnonzero(~same)
    stop = np.append(first[1:], len(way))
    under_way = way[first] > 0
    stretches, ways = Spans(first=first[under_way], stop=stop[under_way]), way[first[under_way]]
    if not len(ways):
        return stretches, ways
    together = _together(samples, stretches, rules)
    # Rolling a little without the engine is part of the drive; rolling for long is a tow.
    group = np.cumsum(np.append(True, ~(together & (ways[1:] == ways[:-1])))) - 1
    rolled_s = np.bincount(group, total(samples.step_s * samples.moving, stretches))
    ways[(ways == TOWED) & (rolled_s[group] < rules.tow_s)] = DRIVEN
    joined = together & (ways[1:] == ways[:-1])
    begins, ends = np.append(True, ~joined), np.append(~joined, True)
    trips = Spans(first=stretches.first[begins], stop=stretches.stop[ends])
    return trips, ways[begins]


def _ways(samples: Samples, rules: TripRules) -> NDArray[np.int8]:
    """For each row what moves the vehicle, or would with its engine running; 0 nothing."""
    count = len(samples)
    lasting = held(samples, samples.moving, join_s=rules.motion_s, least_s=rules.motion_s)
    unknown = np.isnan(samples["engine_speed"]) & np.isnan(samples["engine_running"])
    ignition = samples["ignition_on"]
    off = (ignition == 0) | ((ignition != 1) & ~unknown)
    way = np.where(samples.running, DRIVEN, 0).astype(np.int8)
    rolling = inside(lasting, count) & (way == 0)
    way[rolling] = np.where(off[rolling], TOWED, DRIVEN)
    if not np.isnan(samples["gnss_speed"]).all():
        way[inside(_carried(samples, way == 0, rules), count) & (way == 0)] = FERRIED
    return way


def _carried(samples: Samples, at_rest: NDArray[np.bool_], rules: TripRules) -> Spans:
    """Spans in which only the satellite receiver moves: the wheels are known to stand."""
    gnss = samples["gnss_speed"]
    stand = at_rest & (samples.speed_source >= 0) & (samples.speed_source != GNSS)
    moves = stand & (gnss >= rules.ferry_km_h)
    spans = held(samples, moves, join_s=rules.longest_step_s, least_s=rules.ferry_s)
    told_s = total(samples.step_s * ~np.isnan(gnss), spans)
    mean_km_h = total(gnss * samples.step_s, spans) / np.maximum(told_s, 1e-9)
    km = mean_km_h * duration_s(samples, spans) / 3600
    return spans[(mean_km_h >= rules.ferry_km_h) & (km >= rules.ferry_km)]


def _together(samples: Samples, stretches: Spans, rules: TripRules) -> NDArray[np.bool_]:
    """(k - 1,) whether a stretch and the next one are one trip, if both go the same way."""
    if len(stretches) < 2:
        return np.empty(0, dtype=np.bool_)
    last, first = stretches.stop[:-1] - 1, stretches.first[1:]
    rest_s = (samples.time_us[first] - end_us(samples, stretches)[:-1]) / 1e6
    # Where nothing is known of the engine, a vehicle with its ignition on is still under way.
    awake = (
        (samples["ignition_on"] == 1)
        & np.isnan(samples["engine_speed"])
        & np.isnan(samples["engine_running"])
    )
    if awake.any():
        awake_s = total(samples.step_s * awake, Spans(first=last + 1, stop=first))
        rest_s -= np.minimum(awake_s, rules.longest_awake_s)
    gaps = np.flatnonzero(samples.gap)[1:]
    gap_s = (samples.time_us[gaps] - samples.time_us[gaps - 1]) / 1e6
    on = _drove_on(samples, gaps, rules)
    bridged_s = np.append(0.0, np.cumsum(gap_s * on))
    cuts = np.append(0, np.cumsum((gap_s >= rules.gap_s) & ~on))
    before, after = np.searchsorted(gaps, last, "right"), np.searchsorted(gaps, first, "right")
    rest_s -= bridged_s[after] - bridged_s[before]
    return np.asarray((rest_s < rules.rest_s) & (cuts[after] == cuts[before]))


def _drove_on(samples: Samples, gaps: NDArray[np.intp], rules: TripRules) -> NDArray[np.bool_]:
    """For each gap whether the odometer rose over it as it does in traffic."""
    odometer = samples["odometer"]
    known = np.flatnonzero(~np.isnan(odometer))
    after = np.searchsorted(known, gaps)
    told = (after > 0) & (after < len(known))
    if not told.any():
        return told
    last, first = known[np.where(told, after - 1, 0)], known[np.where(told, after, 0)]
    hours = (samples.time_us[first] - samples.time_us[last]) / 3.6e9
    km = np.where(told, odometer[first] - odometer[last], 0.0)
    return (
        told
        & (hours <= rules.longest_gap_s / 3600)
        & (km >= rules.drove_on_km_h * hours)
        & (km <= rules.odometer_km_h * hours)
    )
