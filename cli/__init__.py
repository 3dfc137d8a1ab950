"""The command line: each subcommand is a module that calls one room of the platform."""

import os

# Work is spread over vehicles, by processes; threads of numpy and scikit-learn that wait for each
# other on busy cores make each many times slower. Said before these are imported.
for _library in ("OMP", "OPENBLAS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
