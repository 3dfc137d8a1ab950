"""The rFMS 4.0 counters of a vehicle: what a day adds, and how they are told.

A day's additions are one vector (`layout.LAYOUT` says what each cell is); `increments` makes it
from the day's rows, and sums of days are plain sums. That a counter once served never falls is seen
to where they are stored.
"""

from analytics.accumulated.increments import CONTEXT_S, increments
from analytics.accumulated.layout import (
    LAYOUT,
    LAYOUT_VERSION,
    LayoutError,
    Vector,
    accumulated_data,
    select,
)

__all__ = [
    "CONTEXT_S",
    "LAYOUT",
    "LAYOUT_VERSION",
    "LayoutError",
    "Vector",
    "accumulated_data",
    "increments",
    "select",
]
