"""A process that analyses all there is in a database and says how long it took and what it held.

Starting Python is not analysis, so it is not timed.
"""

import json
import sys
from time import perf_counter

from pydantic import SecretStr

from analytics.runner.run import analyse
from analytics.runner.settings import AnalysisSettings
from benchmarks.memory import peak_mb
from schemas import catalogue
from storage.connection import connect, server
from storage.settings import StorageSettings


def main() -> None:
    """Analyse once."""
    dsn = SecretStr(sys.stdin.read())
    with connect(dsn) as connection, connect(dsn) as reading:
        kind, signals = server(connection), catalogue.default()
        began = perf_counter()
        outcome = analyse(
            connection,
            kind,
            signals,
            StorageSettings(),
            AnalysisSettings(),
            reading=reading,
            roll_up=False,
        )
        seconds = perf_counter() - began
    print(
        json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "vehicle_days": outcome.vehicle_days})
    )


if __name__ == "__main__":
    main()
