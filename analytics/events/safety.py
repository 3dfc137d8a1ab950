"""Driving on against a warning: unbelted, or with a red lamp on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics import conditions
from analytics.events.lasting import lasting

if TYPE_CHECKING:
    import pandas as pd

    from analytics.samples import Samples
    from analytics.thresholds import Thresholds


def seat_belt(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Driving with the driver's belt open; peak in s driven so."""
    on = conditions.unbelted(samples, thresholds)
    return lasting(samples, "seat_belt", on, thresholds.seat_belt)


def red_tell_tale(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Driving on with the red stop lamp on, for longer than a bulb check; peak in s driven so."""
    on = conditions.against_red_lamp(samples, thresholds)
    return lasting(samples, "red_tell_tale", on, thresholds.red_tell_tale)
