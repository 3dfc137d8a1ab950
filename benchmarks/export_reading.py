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
    rows, peaks = 0, []
    began = time.perf_counter()
    frames = each_signals(source, names, first, stop, rows=ROWS)
    while (frame := next(frames, None)) is not None:
        rows += len(frame)
        del frame  # or it would be there beside the next one
        peaks.append(peak_mb())
    took = time.perf_counter() - began
    print(
        json.dumps(
            {
                "parquet_million_values": rows * len(names) / 1e6,
                "parquet_values_s": rows * len(names) / took,
                "parquet_frames": len(peaks),
                "parquet_peak_after_first_frame_MB": peaks[0],
                "parquet_peak_after_half_MB": peaks[len(peaks) // 2],
                "parquet_peak_MB": peaks[-1],
                "parquet_peak_grew_after_half_MB": peaks[-1] - peaks[len(peaks) // 2],
            }
        )
    )


main()
