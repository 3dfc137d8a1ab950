"""Pure functions from DataFrames of signals to answers; only `runner` knows a database."""
