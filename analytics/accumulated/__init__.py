"""The rFMS 4.0 counters of a vehicle: what a day adds, how days add up, and what is served.

A day's additions are one vector (`layout.LAYOUT` says what each cell is); `increments` makes it
from the day's rows, sums of days are plain sums, and `served` sees that a counter once shown never
falls.
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
from analytics.accumulated.served import Served, merge_day, serve

__all__ = [
    "CONTEXT_S",
    "LAYOUT",
    "LAYOUT_VERSION",
    "LayoutError",
    "Served",
    "Vector",
    "accumulated_data",
    "increments",
    "merge_day",
    "select",
    "serve",
]
