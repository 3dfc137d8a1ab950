"""Five million frames wait: how much memory a worker needs to drain them, and whether it grows.

Growth is the median resident memory in the last fifth of the run over that in the second fifth; the
first fifth is not counted, for there everything is allocated for the first time.
"""

from __future__ import annotations

import statistics
from itertools import islice
from time import monotonic

from benchmarks.databases import servers
from benchmarks.frames import FRAMES_PER_MESSAGE, full_messages
from benchmarks.streaming import filled, registered, working

FRAMES = 5_000_000
VEHICLES = 1000
FIFTHS = 5


def run() -> dict[str, float]:
    """Measure; megabytes of 10^6 bytes."""
    count = -(-FRAMES // FRAMES_PER_MESSAGE)
    messages = islice(full_messages(vehicles=VEHICLES, messages=count), count)
    with servers() as bootstrap, filled(bootstrap, messages) as full:
        print(f"{full.frames:,} frames wait", flush=True)
        with (
            registered(full.vins) as dsn,
            working(full.topic, bootstrap, dsn) as workers,
        ):
            began = monotonic()
            ended = workers.wait_for(full.frames)
            (samples,) = workers.samples
            resident = [sample.resident_mb for sample in samples]
            fifth = len(resident) // FIFTHS
            return {
                "frames": full.frames,
                "frames_per_s": full.frames / (ended - began),
                "peak_memory_mb": max(resident),
                "growth": statistics.median(resident[-fifth:])
                / statistics.median(resident[fifth : 2 * fifth]),
            }
