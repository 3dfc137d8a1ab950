"""History from Parquet files, end to end, against the worker that streams the same frames.

- streaming: `telemetry ingest`'s worker on a filled topic, as in `benchmarks.ingest`;
- load: the file read, checked, encoded, written, and on TimescaleDB compressed at the end.

There by two ways, straight into the columnstore and as rows that are compressed at the end; plain
PostgreSQL has rows alone. Each over one connection and over two. The file: the frames of
`benchmarks.frames` by vehicle and time, whose values have noise of one resolution step RMS, a month
old. Three rounds, all contenders in turn, each in a process and on a database of its own that knows
the vehicles; medians are compared. Beside the rates stands the processor time of a frame: a load's
own and its PostgreSQL's, which other work on the machine hardly changes, and while streaming that
of all of Python and PostgreSQL that runs on the machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.databases import database, servers
from benchmarks.frames import PRESENT, SIGNALS, full_messages
from benchmarks.streaming import drain, filled, registered
from schemas import catalogue
from schemas.arrow import arrow_schema
from storage.connection import connect, server

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.catalogue import Signal
    from schemas.wire import Block, Message

ROUNDS = 3
VEHICLES = 1000
MESSAGES = 2000
"""Messages that are streamed and that the file holds: 120,000 frames."""

FILE_VEHICLES = 60
"""Vehicles of the file: each has half an hour and more, so that columnstore batches are full."""

GROUP_VEHICLES = 10
"""Vehicles of a row group: some 20,000 rows. Arrow makes a new decompressor for every page, which
takes as long as reading all the rest where a page has but a vehicle's 2,000."""

DAYS_OLD = 30
DAY_US = 86_400_000_000

WAYS = {"direct": True, "compressed": False}
"""By name, whether rows may go straight into the columnstore."""


def run() -> dict[str, float]:
    """Measure; frames a second unless the name says otherwise."""
    rates: dict[str, list[float]] = {"streaming": []}
    used: dict[str, list[float]] = {}
    peaks: list[float] = []
    sizes: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, servers() as bootstrap:
        path = Path(folder) / "history.parquet"
        frames, vins = _write(path)
        with database() as dsn, connect(dsn) as connection:
            timescaledb = server(connection).timescaledb is not None
        if not timescaledb:
            print("no TimescaleDB here: rows alone, no figures of the columnstore")
        messages = full_messages(vehicles=VEHICLES, messages=MESSAGES)
        with filled(bootstrap, messages) as full:
            for number in range(1, ROUNDS + 1):
                drained = drain(full)
                rates["streaming"].append(drained.frames_per_s)
                cpu_s = drained.cpu.seconds
                used.setdefault("streaming", []).append(cpu_s["python"] + cpu_s["database"])
                for way, direct in (WAYS if timescaledb else {"rows": False}).items():
                    for jobs in (1, 2):
                        name = f"{way}_{jobs}"
                        answer = _load(path, vins, {"jobs": jobs, "direct": direct})
                        rates.setdefault(name, []).append(frames / answer["seconds"])
                        used.setdefault(name, []).append(answer["cpu_s"])
                        peaks.append(answer["peak_mb"])
                        if answer["columnstore"]:
                            size = answer["grown_bytes"] / answer["values"]
                            sizes.setdefault(way, []).append(size)
                print(
                    f"round {number}: "
                    + ", ".join(f"{name} {values[-1]:,.0f}/s" for name, values in rates.items()),
                    flush=True,
                )
    medians = {name: statistics.median(values) for name, values in rates.items()}
    loads = {name: rate for name, rate in medians.items() if name != "streaming"}
    return {
        "frames": frames,
        "signals_a_frame": SIGNALS,
        "present_a_frame": PRESENT,
        **{f"{name}_frames_per_s": rate for name, rate in medians.items()},
        **{f"{name}_of_streaming": rate / medians["streaming"] for name, rate in loads.items()},
        **{
            f"{name}_cpu_us_per_frame": 1e6 * statistics.median(found) / frames
            for name, found in used.items()
        },
        **{f"{way}_bytes_per_value": statistics.median(found) for way, found in sizes.items()},
        "peak_memory_mb": max(peaks),
    }


def _write(path: Path) -> tuple[int, tuple[str, ...]]:
    """Write the file; its frames and its VINs."""
    by_vin: dict[str, list[Message]] = {}
    for message in full_messages(vehicles=FILE_VEHICLES, messages=MESSAGES):
        by_vin.setdefault(message.vin, []).append(message)
    # A month back, from eight in the morning of one day.
    begin_us = int(next(iter(by_vin.values()))[0].frame_times_us[0])
    shift_us = (begin_us // DAY_US - DAYS_OLD) * DAY_US + DAY_US // 3 - begin_us
    signals = catalogue.default()
    schema = pa.schema(
        [
            pa.field("vin", pa.string()),
            pa.field("time", pa.timestamp("us", "UTC")),
            *(field for name in signals.groups for field in list(arrow_schema(signals, name))[2:]),
        ]
    )
    frames, tables = 0, []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for number, (vin, messages) in enumerate(by_vin.items(), start=1):
            times_us = np.concatenate([message.frame_times_us for message in messages]) + shift_us
            columns = [pa.array([vin] * len(times_us)), pa.array(times_us).cast(schema[1].type)]
            for field in list(schema)[2:]:
                signal = signals.by_name[field.name]
                parts = [_column(message.blocks[0], signal) for message in messages]
                column = pa.array(np.concatenate(parts), from_pandas=True)
                columns.append(column.cast(field.type, safe=False))
            tables.append(pa.table(columns, schema=schema))
            frames += len(times_us)
            if number % GROUP_VEHICLES == 0 or number == len(by_vin):
                rows = pa.concat_tables(tables)
                writer.write_table(rows, row_group_size=len(rows))
                tables.clear()
    return frames, tuple(by_vin)


def _column(block: Block, signal: Signal) -> NDArray[np.floating]:
    """A signal's values in a block, NaN where it has no such column."""
    ids, values = (
        (block.wide_signal_ids, block.wide_values)
        if signal.wide
        else (block.signal_ids, block.values)
    )
    place = np.flatnonzero(ids == signal.id)
    return np.full(len(values), np.nan) if not len(place) else values[:, place[0]]


def _load(path: Path, vins: tuple[str, ...], options: dict[str, object]) -> dict[str, float]:
    """A process loads the file into a database that knows its vehicles; what it measured."""
    with registered(vins) as dsn:
        task = {"dsn": dsn.get_secret_value(), "path": str(path), **options}
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.history_load"],
            input=json.dumps(task),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    measured: dict[str, float] = json.loads(answer.stdout)
    return measured
