"""What a fleet of any size takes: sums on measured costs of a vehicle-day and named assumptions."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

FLEETS = (50, 1_000, 10_000, 100_000, 1_000_000, 2_181_336)
"""Vehicles; the last is the fleet the platform is made for."""

DAY_S = 86_400
MONTH_H = 730.0
MONTH_DAYS = 365 / 12

ASSUMPTIONS: dict[str, tuple[float, str]] = {
    "on_road": (1 / 3, "share of the vehicles on the road, average of a day: eight hours each"),
    "peak": (1.5, "busiest hour over the average; haulage drives by day and by night"),
    "upload_s": (10, "a vehicle on the road uploads every so many seconds"),
    "headroom": (0.5, "share of a machine that is used: the rest is for catching up"),
    "days_runs": (2, "a vehicle-day is worked up so often: in its midst, and when it is over"),
    "fuel_days": (4, "days read for a day of fuel: a week as a whole, on the average half of it"),
    "hot_days": (30, "days in the database (TELEMETRY_RETENTION_DAYS)"),
    "row_days": (2, "of these as rows (TELEMETRY_COMPRESS_AFTER_DAYS and the day itself)"),
    "parquet_years": (3, "history kept in object storage, years"),
    "replicas": (3, "copies of a message in Kafka, and zones"),
    "kafka_days": (3, "days a message is kept in Kafka"),
    "broker_mb_s": (100, "what a broker takes and passes on, MB/s, its disk's half"),
    "broker_tb": (10, "disk of a broker, TB"),
    "cell_cores": (32, "cores of a cell's database; costs are taken to fall to all alike"),
    "cell_tb": (20, "disk of a cell's database, TB: a backup and a restore within hours"),
    "cell_wal_mb_s": (200, "WAL a database writes and its standby follows, MB/s"),
    "standbys": (1, "copies of a cell's database"),
    "scheduler_share": (0.5, "share of its rate that a Dask scheduler is loaded to"),
    "requests": (50, "API requests a vehicle and day, rFMS clients among them"),
    "request_s": (0.005, "processor time of a request [s]: docs/performance.md, a state is half"),
    "core_usd_h": (0.0504, "a core with 4 GB: AWS m7i.xlarge / 4, us-east-1, on demand"),
    "database_core_usd_h": (0.0662, "a core with 8 GB: AWS r7i.xlarge / 4, likewise"),
    "disk_usd_gb": (0.08, "a GB and month of AWS EBS gp3"),
    "object_usd_gb": (0.023, "a GB and month of AWS S3 Standard, its first 50 TB"),
    "zone_usd_gb": (0.02, "a GB from zone to zone, both ends"),
}
"""Name: value, what it is and where it is from. Prices are list prices, as published in 2025."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Measured, of a vehicle-day of eight hours on the road unless the name says otherwise.

    `_s` is processor time [s].
    """

    frames: float
    values: float
    wire_bytes: float
    ingest_s: float
    ingest_database_s: float
    ingest_wal_bytes: float
    row_bytes: float
    columnstore_bytes: float
    parquet_bytes: float
    days_s: float
    days_database_s: float
    days_read_bytes: float
    fuel_s: float
    fuel_database_s: float
    fuel_read_bytes: float
    analysis_wal_bytes: float
    rollups_database_s: float
    rollups_wal_bytes: float
    one_process_s: float
    """Hours, scores and rollups, which one process of a cell sees to, by the clock."""
    task_s: float
    """What handing a task over takes the scheduler and its client."""
    worker_mb: float


def of(name: str) -> float:
    """An assumption's value."""
    return ASSUMPTIONS[name][0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What a fleet takes."""

    uploads_per_s: float
    frames_per_s_peak: float
    values_per_s: float
    kafka_mb_per_s_peak: float
    brokers: float
    partitions: float
    ingest_workers: float
    database_cores: float
    hot_tb: float
    wal_mb_per_s_peak: float
    cells: float
    analysis_workers: float
    analysis_memory_gb: float
    tasks_per_s: float
    api_cores: float
    parquet_tb: float


def needs(vehicles: int, costs: Costs) -> Needs:
    """What so many vehicles take; whole machines, and what has to stand at the busiest hour."""
    frames = vehicles * costs.frames / DAY_S
    peak = of("peak")
    wire_mb = vehicles * costs.wire_bytes / DAY_S / 1e6
    ingest = math.ceil(vehicles * costs.ingest_s / DAY_S * peak / of("headroom"))
    kafka_tb = wire_mb * DAY_S / 1e6 * of("kafka_days") * of("replicas")
    brokers = max(
        of("replicas"),
        math.ceil(wire_mb * peak * of("replicas") / of("broker_mb_s") / of("headroom")),
        math.ceil(kafka_tb / of("broker_tb") / of("headroom")),
    )
    hot_tb = vehicles * hot_bytes(costs) / 1e12
    return Needs(
        uploads_per_s=vehicles * of("on_road") / of("upload_s"),
        frames_per_s_peak=frames * peak,
        values_per_s=vehicles * costs.values / DAY_S,
        kafka_mb_per_s_peak=wire_mb * peak,
        brokers=brokers,
        partitions=max(6, 12 * math.ceil(3 * ingest / 12)),
        ingest_workers=ingest,
        database_cores=math.ceil(vehicles * database_s(costs) / DAY_S / of("headroom")),
        hot_tb=hot_tb,
        wal_mb_per_s_peak=vehicles * wal_bytes(costs) / DAY_S / 1e6 * peak,
        cells=max(math.ceil(vehicles / most) for most in cell_limits(costs).values()),
        analysis_workers=math.ceil(vehicles * analysis_s(costs) / DAY_S / of("headroom")),
        analysis_memory_gb=math.ceil(vehicles * analysis_s(costs) / DAY_S / of("headroom"))
        * costs.worker_mb
        / 1e3,
        tasks_per_s=vehicles * tasks() / DAY_S,
        api_cores=math.ceil(
            vehicles * of("requests") * of("request_s") / DAY_S * peak / of("headroom")
        ),
        parquet_tb=vehicles * costs.parquet_bytes * 365 * of("parquet_years") / 1e12,
    )


def hot_bytes(costs: Costs) -> float:
    """What a vehicle has in the database."""
    packed_days = of("hot_days") - of("row_days")
    return costs.row_bytes * of("row_days") + costs.columnstore_bytes * packed_days


def database_s(costs: Costs) -> float:
    """What a database works for a vehicle a day [s], ingest at its busiest."""
    by_days = (costs.days_database_s + costs.rollups_database_s) * of("days_runs")
    analysis = by_days + costs.fuel_database_s * of("fuel_days")
    return costs.ingest_database_s * of("peak") + analysis


def analysis_s(costs: Costs) -> float:
    """What workers work for a vehicle a day [s]."""
    return costs.days_s * of("days_runs") + costs.fuel_s * of("fuel_days")


def wal_bytes(costs: Costs) -> float:
    """What a database logs for a vehicle a day; analysis as often as its rows are written anew."""
    made_anew = costs.analysis_wal_bytes + costs.rollups_wal_bytes
    return costs.ingest_wal_bytes + made_anew * of("days_runs")


def tasks() -> float:
    """Tasks a vehicle and day: its days, and its fuel once."""
    return of("days_runs") + 1


def cell_limits(costs: Costs) -> dict[str, float]:
    """At how many vehicles a cell is full, by what fills it."""
    return {
        "cores of its database": of("cell_cores") * of("headroom") * DAY_S / database_s(costs),
        "disk of its database": of("cell_tb") * 1e12 / hot_bytes(costs),
        "WAL of its database": of("cell_wal_mb_s") * 1e6 * DAY_S / (wal_bytes(costs) * of("peak")),
        "hours, scores, rollups: one process a cell": of("headroom")
        * DAY_S
        / (costs.one_process_s * of("days_runs")),
        "one Dask scheduler a cell": of("scheduler_share") * DAY_S / (costs.task_s * tasks()),
    }


def usd(vehicles: int, costs: Costs) -> dict[str, float]:
    """What a month costs, in US dollars, by what it is spent on."""
    need = needs(vehicles, costs)
    core, wide_core = of("core_usd_h") * MONTH_H, of("database_core_usd_h") * MONTH_H
    copies = 1 + of("standbys")
    wire_gb = vehicles * costs.wire_bytes * MONTH_DAYS / 1e9
    kept_gb = wire_gb / MONTH_DAYS * of("kafka_days") * of("replicas")
    cores = max(need.database_cores, 2 * need.cells)
    return {
        "brokers": need.brokers * 4 * core + kept_gb / of("headroom") * of("disk_usd_gb"),
        "traffic between zones": wire_gb * of("replicas") * of("zone_usd_gb"),
        "ingest": need.ingest_workers * core,
        "databases": cores * copies * wide_core
        + need.hot_tb * 1e3 * copies / of("headroom") * of("disk_usd_gb"),
        "analysis": need.analysis_workers * core,
        "API": max(2, need.api_cores) * core,
        "object storage": need.parquet_tb * 1e3 * of("object_usd_gb"),
    }


THEN = {
    "one process that analyses": "a cluster: `telemetry analyse --scheduler`",
    "one worker that ingests": "another one; partitions are there for it",
    "cores of its database": "another cell; more cores up to what one machine has",
    "disk of its database": "fewer hot days, or another cell",
    "WAL of its database": "another cell",
    "hours, scores, rollups: one process a cell": "another cell",
    "one Dask scheduler a cell": "another cell; or more days a task",
}
"""What is done where something is full."""


def limits(costs: Costs) -> list[tuple[str, float]]:
    """What is full at how many vehicles, the first one first."""
    headroom = of("headroom")
    alone = {
        "one process that analyses": DAY_S * headroom / analysis_s(costs),
        "one worker that ingests": DAY_S * headroom / (costs.ingest_s * of("peak")),
    }
    return sorted((alone | cell_limits(costs)).items(), key=lambda limit: limit[1])


def tables(costs: Costs) -> str:
    """All sums, as tables of Markdown."""
    sized = {vehicles: needs(vehicles, costs) for vehicles in FLEETS}
    spent = {vehicles: usd(vehicles, costs) for vehicles in FLEETS}
    heads = [f"{vehicles:,}" for vehicles in FLEETS]
    need_rows = [
        [
            field.name.replace("_", " "),
            *(_number(getattr(one, field.name)) for one in sized.values()),
        ]
        for field in fields(Needs)
    ]
    spent_rows = [
        [what, *(f"{spent[vehicles][what] / vehicles:,.3f}" for vehicles in FLEETS)]
        for what in spent[FLEETS[0]]
    ]
    sums = [f"{sum(spent[vehicles].values()) / vehicles:,.2f}" for vehicles in FLEETS]
    cost_rows = [[field.name, _number(getattr(costs, field.name))] for field in fields(Costs)]
    assumed = [[name, _number(value), what] for name, (value, what) in ASSUMPTIONS.items()]
    full = [[what, f"{vehicles:,.0f}", THEN[what]] for what, vehicles in limits(costs)]
    return "\n\n".join(
        [
            _table(["measured, a vehicle-day of 8 h", ""], cost_rows),
            _table(["assumed", "", ""], assumed),
            _table(["vehicles", *heads], need_rows),
            _table(["full", "at vehicles", "then"], full),
            _table(
                ["US$ a vehicle and month", *heads],
                [*spent_rows, ["**sum**", *(f"**{total}**" for total in sums)]],
            ),
        ]
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.3g}"
