"""All of an export into DataFrames, one after another, and what memory that takes."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta

from benchmarks.memory import peak_mb
from research import Files, each_signals

ROWS = 200_000


def main() -> None:
    """Read the export in the folder that is named; print figures as JSON."""
    source = Files(sys.argv[1])
    names = source.manifest.query.signals
    first = datetime.combine(source.manifest.first, datetime.min.time(), UTC)
    stop = datetime.combine(source.manifest.last, datetime.min.time(), UTC) + timedelta(days=1)
    rows, early = 0, 0.0
    began = time.perf_counter()
    for number, frame in enumerate(each_signals(source, names, first, stop, rows=ROWS)):
        rows += len(frame)
        if number == 2:
            early = peak_mb()
    took = time.perf_counter() - began
    print(
        json.dumps(
            {
                "parquet_million_values": rows * len(names) / 1e6,
                "parquet_values_s": rows * len(names) / took,
                "parquet_peak_MB": peak_mb(),
                "parquet_peak_grew_MB": peak_mb() - early,
            }
        )
    )


main()
