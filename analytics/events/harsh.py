"""Harsh braking, acceleration and cornering, and what tells them from a sensor's glitch.

Acceleration along the road is the speed's change, where no speed is known that of an inertial
sensor; across it the lateral acceleration, else yaw rate times speed, else change of heading times
speed. `Samples` believes no speed that leaps. What is left to tell from a manoeuvre is a vehicle
that stands from one row to the next, one that brakes and is back faster than its class can be, and
one that brakes while its inertial sensor feels nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.events.table import build, empty
from analytics.spans import greatest, held, peak_rows, widened

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.samples import Samples
    from analytics.spans import Spans
    from analytics.thresholds import Cornering, Harsh, Thresholds

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SMOOTHING_S = 0.8
"""Fast inertial sensors are averaged over so long [s]: shorter is road and engine."""

STALE_S = 2.0
"""A change of speed took at most so long [s], where the speed before it repeats itself."""

BACK_S = 0.8
"""The speed before a manoeuvre is that of the last row at least so long before its first [s]."""

REBOUND_S = 3.0
"""A speed so soon back, faster than the class can, was lost and not braked away [s]."""

FALL_KM_H = 15.0
"""Standing a row after going at this speed is a lost signal unless something confirms braking."""

AGREEING_SHARE = 0.5
"""Two sensors agree on a manoeuvre where the other one feels this share of its peak."""

LAG_S = 1.5
"""So far may two sensors be apart in time [s]."""

ALIVE_S = 5.0
"""A sensor that gives one value from so long before to so long after says nothing [s]."""


def harsh_braking(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Slowing down harder than the class's threshold; peak in m/s², positive."""
    back_m_s2 = thresholds.harsh_acceleration.most_m_s2
    return _along(samples, thresholds.harsh_braking, "harsh_braking", -1.0, back_m_s2)


def harsh_acceleration(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Gaining speed harder than the class's threshold; peak in m/s²."""
    back_m_s2 = thresholds.harsh_braking.most_m_s2
    return _along(samples, thresholds.harsh_acceleration, "harsh_acceleration", 1.0, back_m_s2)


def harsh_cornering(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Sideways acceleration, to either side, above the class's threshold; peak in m/s²."""
    rules, speed = thresholds.harsh_cornering, samples.speed_km_h
    felt = np.abs(_smoothed(samples, samples["lateral_acceleration"]))
    turning = np.abs(np.deg2rad(samples["yaw_rate"]) * speed / 3.6)
    across = np.where(np.isnan(felt), turning, felt)
    if np.isnan(across).any():
        across = np.where(np.isnan(across), _by_heading(samples), across)
    spans = _candidates(samples, across, rules)
    if not len(spans):
        return empty()
    peak = greatest(across, spans)
    slow = speed[spans.first] < rules.from_km_h
    spans = spans[~slow & (peak <= rules.most_m_s2) & ~_denied(samples, turning, spans, peak)]
    return _table(samples, "harsh_cornering", spans, across, rules, None)


def _along(
    samples: Samples, rules: Harsh, kind: str, sign: float, back_m_s2: float
) -> pd.DataFrame:
    """Events forwards (sign 1) or backwards (-1); no vehicle is back harder than `back_m_s2`."""
    by_speed = _by_speed(samples, sign, rules.leave_m_s2)
    felt = sign * _smoothed(samples, samples["longitudinal_acceleration"])
    push = np.where(np.isnan(by_speed), felt, by_speed)
    spans = _candidates(samples, push, rules)
    if not len(spans):
        return empty()
    peak = greatest(push, spans)
    before = _speed_before(samples, spans)
    change = greatest(sign * samples.speed_km_h, spans) - sign * before
    # What only an inertial sensor saw has no speed to be judged by.
    blind = np.isnan(greatest(by_speed, spans))
    plausible = (peak <= rules.most_m_s2) & ~(before < rules.from_km_h)
    plausible &= (change >= rules.least_change_km_h) | blind
    confirmed = _confirmed(samples, felt, spans, peak)
    if sign < 0:
        confirmed |= _braked(samples, spans)
    rebounds = greatest(-by_speed, widened(samples, spans, REBOUND_S)) > back_m_s2
    plausible &= confirmed | ~(rebounds | _falls(samples, spans))
    plausible &= ~_denied(samples, felt, spans, peak)
    return _table(samples, kind, spans[plausible], push, rules, before[plausible])


def _candidates(samples: Samples, push: Floats, rules: Cornering) -> Spans:
    """Spans of a harsh push where rows are close enough together to judge."""
    before_s = np.append(np.inf, np.diff(samples.time_us) / 1e6)
    judged = (before_s <= rules.longest_step_s) & (samples.step_s <= rules.longest_step_s)
    return held(
        samples,
        judged & (push >= rules.leave_m_s2),
        entered=judged & (push >= rules.enter_m_s2),
        join_s=rules.join_s,
        least_s=rules.least_s,
    )


def _table(
    samples: Samples, kind: str, spans: Spans, push: Floats, rules: Cornering, before: Floats | None
) -> pd.DataFrame:
    if not len(spans):
        return empty()
    rows = peak_rows(push, spans)
    return build(
        samples,
        kind,
        spans,
        peak=push[rows],
        peak_row=rows,
        limit=rules.enter_m_s2,
        severity=rules.severity,
        speed_km_h=before,
    )


def _by_speed(samples: Samples, sign: float, least_m_s2: float) -> Floats:
    """Acceleration by the speed, one way; from the least on over the time since it last changed.

    A vehicle that sends its speed every two seconds repeats it in between; over one second such a
    step would be twice as hard as the driver was.
    """
    push = sign * samples.acceleration_m_s2
    hard = np.flatnonzero(push >= least_m_s2)
    if not len(hard):
        return push
    time_us = samples.time_us
    changes = np.flatnonzero(push != 0.0)  # what is not known counts as changed
    back = _back(time_us, hard)
    since = changes[np.maximum(np.searchsorted(changes, back, side="right") - 1, 0)]
    elapsed_us = time_us[hard] - time_us[back]
    stale_us = np.minimum(time_us[back] - time_us[since], round(STALE_S * 1e6) - elapsed_us)
    push[hard] *= elapsed_us / (elapsed_us + np.maximum(stale_us, 0))
    return push


def _back(time_us: NDArray[np.int64], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The last rows at least BACK_S before these, or the very first."""
    back = np.searchsorted(time_us, time_us[rows] - round(BACK_S * 1e6), side="right") - 1
    return np.asarray(np.maximum(back, 0))


def _smoothed(samples: Samples, values: Floats) -> Floats:
    """Mean of the known values around each row, where rows are that close together."""
    half_us = round(SMOOTHING_S / 2 * 1e6)
    time_us = samples.time_us
    if len(values) < 2 or np.diff(time_us).min() > half_us:
        return values
    known = ~np.isnan(values)
    sums = np.append(0.0, np.cumsum(np.where(known, values, 0.0)))
    counts = np.append(0, np.cumsum(known))
    first = np.searchsorted(time_us, time_us - half_us, side="left")
    stop = np.searchsorted(time_us, time_us + half_us, side="right")
    count = counts[stop] - counts[first]
    mean = (sums[stop] - sums[first]) / np.maximum(count, 1)
    return np.where(known, mean, np.nan)


def _by_heading(samples: Samples) -> Floats:
    """Sideways acceleration by the change of heading since the row before [m/s²]."""
    heading, speed_m_s = samples["heading"], samples.speed_km_h / 3.6
    if np.isnan(heading).all():
        return heading
    turned = _wrapped(np.diff(heading, prepend=np.nan))
    to_next = np.append(turned[1:], np.nan)
    # The middle one of three headings: a single wrong one is gone, a steady turn unchanged.
    middle = np.clip(0.0, np.minimum(-turned, to_next), np.maximum(-turned, to_next))
    turned += np.nan_to_num(middle) - np.append(0.0, np.nan_to_num(middle[:-1]))
    elapsed_s = np.diff(samples.time_us, prepend=0) / 1e6
    return np.abs(np.deg2rad(_wrapped(turned)) / elapsed_s * speed_m_s)


def _wrapped(degrees: Floats) -> Floats:
    """The same turn as -180 to 180 degrees."""
    return (degrees + 180.0) % 360.0 - 180.0


def _speed_before(samples: Samples, spans: Spans) -> Floats:
    """(k,) speed before each span's first row, or in it where a gap precedes it [km/h]."""
    gaps = np.flatnonzero(samples.gap)
    newest_gap = gaps[np.searchsorted(gaps, spans.first, side="right") - 1]
    return samples.speed_km_h[np.maximum(_back(samples.time_us, spans.first), newest_gap)]


def _falls(samples: Samples, spans: Spans) -> Mask:
    """(k,) whether the vehicle stands a row after it went at speed."""
    speed = samples.speed_km_h
    fall = np.where(samples.moving, np.nan, np.append(np.nan, speed[:-1]))
    return greatest(fall, spans) >= FALL_KM_H


def _braked(samples: Samples, spans: Spans) -> Mask:
    """(k,) whether the brake is known to be pressed about then."""
    pressed = (samples["brake_switch"] == 1) | (samples["brake_pedal"] > 0)
    return greatest(pressed.astype(np.float64), widened(samples, spans, LAG_S)) > 0


def _confirmed(samples: Samples, other: Floats, spans: Spans, peak: Floats) -> Mask:
    """(k,) whether another sensor feels the same."""
    return greatest(other, widened(samples, spans, LAG_S)) >= AGREEING_SHARE * peak


def _denied(samples: Samples, other: Floats, spans: Spans, peak: Floats) -> Mask:
    """(k,) whether another sensor, alive then, feels nothing of the kind."""
    around = widened(samples, spans, ALIVE_S)
    alive = greatest(other, around) > -greatest(-other, around)
    return alive & ~_confirmed(samples, other, spans, peak)
