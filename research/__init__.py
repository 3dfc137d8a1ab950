"""For data scientists: the fleet's data as files and as DataFrames, and how to learn from them.

`telemetry export` writes files; `load_vehicles`, `load_signals`, `load_trips`, `load_events` and
`load_features` read from a source: the `Database`, or `Files` that were exported.
"""

from research.database import Database
from research.files import Files
from research.load import (
    each_signals,
    load_events,
    load_features,
    load_signals,
    load_trips,
    load_vehicles,
)
from research.moments import join_as_of, require_no_leak
from research.opened import open_database
from research.splits import split_by_time, split_by_vehicle

__all__ = [
    "Database",
    "Files",
    "each_signals",
    "join_as_of",
    "load_events",
    "load_features",
    "load_signals",
    "load_trips",
    "load_vehicles",
    "open_database",
    "require_no_leak",
    "split_by_time",
    "split_by_vehicle",
]
