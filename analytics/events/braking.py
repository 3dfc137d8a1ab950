"""How the brake is used: late after the accelerator, and where the retarder would have done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics import conditions
from analytics.events.lasting import lasting
from analytics.events.table import build

if TYPE_CHECKING:
    import pandas as pd

    from analytics.samples import Samples
    from analytics.thresholds import Thresholds


def late_braking(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Braking less than a second after accelerating; peak and limit in s.

    The peak is the time between accelerator and brake at the most: rows do not tell it closer than
    their distance. What 1 Hz can tell stands with `conditions.brake_applications`.
    """
    rules = thresholds.late_braking
    found = conditions.brake_applications(samples, thresholds)
    spans, before = found.spans[found.late], found.before[found.late]
    return build(
        samples,
        "late_braking",
        spans,
        peak=np.minimum(found.since_s[found.late], rules.within_s),
        peak_row=spans.first,
        limit=rules.within_s,
        severity=rules.severity,
        speed_km_h=np.fmax(samples.speed_km_h[before], samples.speed_km_h[spans.first]),
    )


def service_braking(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Service brake in use where a fitted retarder would have done; peak in s."""
    on = conditions.service_braking(samples, thresholds)
    return lasting(samples, "service_braking", on, thresholds.service_braking)
