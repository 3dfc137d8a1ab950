"""What vehicle-days cost, how far workers speed them up, and what two million vehicles would take.

The same day of a simulated fleet goes the whole way: uploaded every ten seconds, ingested by one
worker, then analysed by one process as `telemetry analyse` does it without a cluster, by one
worker of a cluster and by two. Processor time and bytes are those of our own processes; medians of
three rounds. `benchmarks.scale_sums` makes of it what fleets of any size take: docs/scale.md.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil
from threadpoolctl import threadpool_limits

from benchmarks import scale_cluster, scale_sums
from benchmarks.databases import servers
from benchmarks.scale_ingest import Ingested, ingested, uploads, values, wire_bytes
from schemas import catalogue
from storage.columnstore import compress, find_chunk
from storage.connection import connect, server
from storage.signal_tables import stored_table
from storage.steps import read_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic import SecretStr

    from benchmarks.scale_cluster import Analysed, Cluster
    from storage.connection import Connection

ROUNDS = 3
VEHICLES = 6
FRAMES_A_DAY = 28_800
"""Eight hours at 1 Hz: what a vehicle-day is scaled to."""
COLUMNSTORE_OF_ROWS = 0.135
"""Where the server is plain PostgreSQL: 17.4 MB a vehicle-day become 2.35 in the columnstore."""


def run() -> dict[str, float]:
    """Measure; print the tables of docs/scale.md."""
    sent = uploads(VEHICLES)
    frames = sum(message.frame_count for message in sent)
    print(f"{VEHICLES} vehicle-days, {frames:,} frames in {len(sent):,} uploads", flush=True)
    taken: list[Ingested] = []
    with servers() as bootstrap, threadpool_limits(1):
        for number in range(1, ROUNDS + 1):
            with ingested(bootstrap, sent) as (dsn, cost):
                taken.append(cost)
                print(f"round {number}: {cost.frames_per_s:,.0f} frames/s ingested", flush=True)
                if number == ROUNDS:
                    with scale_cluster.cluster(dsn) as cluster, connect(dsn) as connection:
                        figures = _analysed(cluster, connection, dsn)
                        rows, packed, files = _stored(connection)
    a_day = FRAMES_A_DAY / (frames / VEHICLES)
    costs = scale_sums.Costs(
        frames=FRAMES_A_DAY,
        values=values(sent) / VEHICLES * a_day,
        wire_bytes=wire_bytes(sent) / VEHICLES * a_day,
        ingest_s=_median(cost.worker_s for cost in taken) * FRAMES_A_DAY,
        ingest_database_s=_median(cost.database_s for cost in taken) * FRAMES_A_DAY,
        ingest_wal_bytes=_median(cost.wal_bytes for cost in taken) * FRAMES_A_DAY,
        row_bytes=rows * a_day,
        columnstore_bytes=packed * a_day,
        parquet_bytes=files * a_day,
        **{name: figures.pop(name) * a_day for name in _OF_FRAMES},
        task_s=figures["task_of_0_s_overhead_ms"] / 1e3,
        worker_mb=figures["worker_peak_memory_mb"],
    )
    print("\n" + scale_sums.tables(costs) + "\n", flush=True)
    return {
        "vehicle_days": VEHICLES,
        "frames_a_vehicle_day": frames / VEHICLES,
        "ingest_frames_per_s": _median(cost.frames_per_s for cost in taken),
        **figures,
        **asdict(costs),
    }


_OF_FRAMES = (
    *("days_s", "days_database_s", "days_read_bytes"),
    *("fuel_s", "fuel_database_s", "fuel_read_bytes"),
    *("analysis_wal_bytes", "rollups_database_s", "rollups_wal_bytes", "one_process_s"),
)
"""Costs of analysis that grow with a day's frames."""


def _analysed(cluster: Cluster, connection: Connection, dsn: SecretStr) -> dict[str, float]:
    """Rounds of all contenders, in turn; figures a vehicle-day as it is."""
    us, them = [psutil.Process()], cluster.processes()
    contenders: dict[str, Callable[[], Analysed]] = {
        "process": lambda: scale_cluster.analyse(dsn, us),
        "worker": lambda: scale_cluster.analyse(dsn, them, cluster.workers(1)),
        "two_workers": lambda: scale_cluster.analyse(dsn, them, cluster.workers(2)),
    }
    # Each of them once: imports and caches are not what is measured.
    sums = set()
    for contender in contenders.values():
        contender()
        scale_cluster.touch(connection)
    rounds: dict[str, list[Analysed]] = {name: [] for name in contenders}
    for number in range(1, ROUNDS + 1):
        for name, contender in contenders.items():
            rounds[name].append(contender())
            sums.add(str(scale_cluster.checksums(connection)))
            scale_cluster.touch(connection)
        said = ", ".join(f"{name} {found[-1].spread_s:.1f} s" for name, found in rounds.items())
        print(f"round {number}: {said}; all tables equal: {len(sums) == 1}", flush=True)
    peak = cluster.peak_mb()
    overheads = {
        f"task_of_{length:g}_s_overhead_ms": 1e3
        * _median(cluster.per_task_s(2, length) for _ in range(ROUNDS))
        for length in scale_cluster.SLEEPS
    }
    of_days, of_fuel = scale_cluster.read_bytes(dsn)
    rollups_s, of_rollups = scale_cluster.rolled_up(dsn)
    two = rounds["two_workers"]

    def per_day(figure: Callable[[Analysed], float]) -> float:
        return _median(figure(each) for each in two) / VEHICLES

    return {
        "tables_equal": float(len(sums) == 1),
        **{
            f"{name}_vehicle_days_per_s": _median(VEHICLES / each.spread_s for each in found)
            for name, found in rounds.items()
        },
        "worker_of_process": _ratio(rounds, "process", "worker"),
        "two_workers_of_worker": _ratio(rounds, "worker", "two_workers"),
        "two_workers_of_process": _ratio(rounds, "process", "two_workers"),
        **overheads,
        "worker_peak_memory_mb": peak,
        "days_s": per_day(lambda each: each.of_days.worker_s),
        "days_database_s": per_day(lambda each: each.of_days.database_s),
        "days_read_bytes": of_days / VEHICLES,
        "fuel_s": per_day(lambda each: each.of_fuel.worker_s),
        "fuel_database_s": per_day(lambda each: each.of_fuel.database_s),
        "fuel_read_bytes": of_fuel / VEHICLES,
        "analysis_wal_bytes": per_day(lambda each: each.of_days.wal_bytes + each.of_fuel.wal_bytes),
        "rollups_database_s": of_rollups.database_s / VEHICLES,
        "rollups_wal_bytes": of_rollups.wal_bytes / VEHICLES,
        "one_process_s": per_day(lambda each: each.hours_and_scores_s) + rollups_s / VEHICLES,
    }


def _stored(connection: Connection) -> tuple[float, float, float]:
    """Bytes a vehicle-day: as rows, in the columnstore, as Parquet."""
    signals = catalogue.default()
    steps = read_steps(connection)
    tables = [stored_table(group, steps) for group in signals.groups]
    first = connection.execute("SELECT min(day) FROM touched_day").fetchone()
    assert first is not None
    start = datetime(first[0].year, first[0].month, first[0].day, tzinfo=UTC)
    vehicles = [
        number for (number,) in connection.execute("SELECT DISTINCT vehicle_id FROM touched_day")
    ]
    files = _median(
        scale_cluster.parquet_bytes(connection, vehicle_id, start) for vehicle_id in vehicles
    )
    rows = _size(connection, tables) / VEHICLES
    if server(connection).timescaledb is None:
        return rows, rows * COLUMNSTORE_OF_ROWS, files
    for table in tables:
        chunk = find_chunk(connection, table, start)
        if chunk is not None:
            compress(connection, chunk)
    return rows, _size(connection, tables) / VEHICLES, files


def _size(connection: Connection, tables: list[str]) -> float:
    """All that the tables' pieces take, with indexes [bytes]."""
    total = 0.0
    hyper = server(connection).timescaledb is not None
    for table in tables:
        statement = (
            "SELECT hypertable_size(%s)"
            if hyper
            else "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(%s)"
        )
        row = connection.execute(statement.encode(), (table,)).fetchone()
        total += float(row[0] or 0) if row else 0.0
    return total


def _ratio(rounds: dict[str, list[Analysed]], slow: str, fast: str) -> float:
    """How many times as fast: the median of the rounds' ratios."""
    return _median(a.spread_s / b.spread_s for a, b in zip(rounds[slow], rounds[fast], strict=True))


def _median(figures: Iterable[float]) -> float:
    return statistics.median(figures)
