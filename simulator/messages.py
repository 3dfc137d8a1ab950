"""Chunks as wire messages: one a vehicle and upload interval, a block for each nominal period."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from schemas.wire import MAX_FRAMES, Block, Event, Message
from schemas.wire.columns import Columns
from simulator.chunk import Chunk, Table
from simulator.config import CHUNK_S, SimulationError

MICROSECONDS = 1_000_000


def messages(chunk: Chunk, *, upload_s: int = 10) -> Iterator[Message]:
    """What the vehicles of `chunk` upload, in order of the interval's end, then of the vehicle.

    Signals a vehicle has no sensor for are left out of its blocks.

    Args:
        chunk: Ten minutes of vehicles.
        upload_s: Seconds between two uploads; divides 600.

    Raises:
        SimulationError: `upload_s` does not divide a chunk.
    """
    if not 1 <= upload_s <= min(CHUNK_S, MAX_FRAMES) or CHUNK_S % upload_s:
        raise SimulationError(
            f"uploads every {upload_s} s do not fit chunks of {CHUNK_S} s: choose 1, 10, 60 or 600"
        )
    blocks: dict[tuple[int, int], list[Block]] = defaultdict(list)
    for table in chunk.tables:
        _cut(table, chunk.start_us, upload_s * MICROSECONDS, blocks)
    events: dict[tuple[int, int], list[Event]] = defaultdict(list)
    for vehicle, event in chunk.events:
        interval = (event.time_us - chunk.start_us) // (upload_s * MICROSECONDS)
        events[interval, vehicle].append(event)
    for key in sorted(blocks.keys() | events.keys()):
        yield Message(
            vin=chunk.fleet[key[1]].vin,
            catalogue_version=chunk.catalogue_version,
            blocks=tuple(blocks.get(key, ())),
            events=tuple(events.get(key, ())),
        )


def _cut(
    table: Table,
    start_us: int,
    upload_us: int,
    blocks: dict[tuple[int, int], list[Block]],
) -> None:
    """Add the table's rows as blocks by (interval, vehicle)."""
    if len(table.times_us) == 0:
        return
    starts = np.flatnonzero(np.diff(table.vehicles, prepend=-1))
    bounds = [*starts.tolist(), len(table.vehicles)]
    for first, end in pairwise(bounds):
        values = np.ascontiguousarray(table.values[first:end])
        # What a vehicle lacks, it lacks in every row.
        absent = np.isnan(values[0]).tolist()
        columns = Columns.of(
            [None if lacks else s for s, lacks in zip(table.signals, absent, strict=True)]
        )
        times, vehicle = table.times_us[first:end], int(table.vehicles[first])
        interval = (times - start_us) // upload_us
        cuts = [*np.flatnonzero(np.diff(interval, prepend=-1)).tolist(), end - first]
        for begin, stop in pairwise(cuts):
            block = columns.block(times[begin:stop], values[begin:stop])
            blocks[int(interval[begin]), vehicle].append(block)
