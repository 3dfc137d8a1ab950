"""Coasting: in gear, where it saves fuel, and in neutral, where it costs control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics import conditions
from analytics.events.lasting import lasting

if TYPE_CHECKING:
    import pandas as pd

    from analytics.samples import Samples
    from analytics.thresholds import Thresholds


def coasting(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Rolling in gear with the fuel cut, without brake or cruise control; peak in s.

    A merit, not a fault: its severity is always low.
    """
    on = conditions.coasting(samples, thresholds)
    return lasting(samples, "coasting", on, thresholds.coasting)


def neutral_coasting(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Rolling in neutral of the driver's own will; peak in s.

    What the vehicle does itself, by eco-roll or under cruise control, is none.
    """
    on = conditions.neutral_coasting(samples, thresholds)
    return lasting(samples, "neutral_coasting", on, thresholds.neutral_coasting)
