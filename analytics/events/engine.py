"""What is asked of the engine: too fast, for nobody, to the floor, near its limit, while cold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics import conditions
from analytics.events.lasting import lasting
from analytics.events.table import build, empty
from analytics.spans import held, peak_rows

if TYPE_CHECKING:
    import pandas as pd

    from analytics.conditions import Floats
    from analytics.samples import Samples
    from analytics.thresholds import Thresholds


def over_revving(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Engine faster than it gives more power for; peak and limit in rpm.

    The peak is the highest engine speed that two rows in succession reached.
    """
    rules = thresholds.over_revving
    rpm = _confirmed(conditions.engine_rpm(samples, thresholds))
    spans = held(
        samples,
        rpm > rules.leave_rpm,
        entered=rpm >= rules.enter_rpm,
        join_s=rules.join_s,
        least_s=rules.least_s,
    )
    if not len(spans):
        return empty()
    rows = peak_rows(rpm, spans)
    return build(
        samples,
        "over_revving",
        spans,
        peak=rpm[rows],
        peak_row=rows,
        limit=rules.enter_rpm,
        severity=rules.severity,
    )


def idling(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Long idling: engine on, vehicle standing, power take-off not engaged; peak in s."""
    return lasting(samples, "idling", conditions.idling(samples), thresholds.idling)


def kick_down(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Accelerator past the kick-down point; peak in s."""
    on = conditions.kick_down(samples, thresholds)
    return lasting(samples, "kick_down", on, thresholds.kick_down)


def high_torque(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Driving near the engine's full torque; peak in s."""
    rules = thresholds.high_torque
    on = samples.moving & (conditions.net_torque_percent(samples) > rules.leave_percent)
    entered = conditions.high_torque(samples, thresholds)
    return lasting(samples, "high_torque", on, rules, entered=entered)


def cold_load(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Much torque of an engine not yet warm; peak and limit in % of the reference torque."""
    rules = thresholds.cold_load
    cold = conditions.cold(samples, thresholds)
    torque = np.where(cold, conditions.net_torque_percent(samples), np.nan)
    spans = held(
        samples,
        torque > rules.leave_percent,
        entered=torque > rules.above_percent,
        join_s=rules.join_s,
        least_s=rules.least_s,
    )
    if not len(spans):
        return empty()
    rows = peak_rows(torque, spans)
    return build(
        samples,
        "cold_load",
        spans,
        peak=torque[rows],
        peak_row=rows,
        limit=rules.above_percent,
        severity=rules.severity,
    )


def _confirmed(values: Floats) -> Floats:
    """Each value, brought down to the higher of its neighbours: a single spike is a glitch."""
    around = np.fmax(np.append(np.nan, values[:-1]), np.append(values[1:], np.nan))
    return np.asarray(np.minimum(values, around), dtype=np.float64)
