"""For data scientists: the fleet's data as files and as DataFrames, and how to learn from them.

`telemetry export` writes them; `load_signals`, `load_trips`, `load_events` and `load_features` read
them, from the database or from what was exported.
"""
