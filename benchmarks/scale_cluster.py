"""Analysis of the same vehicle-days by one process, by one worker and by two, tables compared."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import psutil
import pyarrow as pa
from distributed import Client, LocalCluster
from pyarrow import parquet

from analytics.runner.days import DayWork, work_up_days
from analytics.runner.duties import judge_hours
from analytics.runner.failures import Failures
from analytics.runner.fuel import FuelWork, work_up_fuel
from analytics.runner.settings import AnalysisSettings
from analytics.runner.spread import Workers
from analytics.runner.vehicle_tasks import Job, spread_days, spread_fuel
from analytics.runner.weeks import score_weeks
from benchmarks.memory import peak_mb
from benchmarks.scale_watch import Used, Watch
from schemas import catalogue
from storage import analysis, binary_copy, rollups
from storage.connection import connect, identity, server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from storage.connection import Connection

COMPARED = (
    *("trip", "trip_part", "driving_event", "drive_span", "accumulated_day", "fuel_part"),
    *("fuel_cause", "fuel_stats", "fuel_segment", "tank_event", "score", "score_part"),
)
"""Tables of results. Drivers have got their numbers before the first comparison, and keep them."""

SLEEPS = {0.0: 400, 0.01: 200, 0.1: 80, 1.0: 12}
"""Length of a task [s], and how many are done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Analysed:
    """A run of the analysis: seconds by the clock, and what was used."""

    days_s: float
    fuel_s: float
    hours_and_scores_s: float
    of_days: Used
    of_fuel: Used
    vehicle_days: int

    @property
    def spread_s(self) -> float:
        """What is spread [s]."""
        return self.days_s + self.fuel_s


class Cluster:
    """Two worker processes of one thread each on this machine, and the client that knows them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.addresses = sorted(client.nthreads())

    def workers(self, count: int) -> Workers:
        """So many of them."""
        some = self.addresses[:count]
        return Workers(
            self._client.get_executor(pure=False, workers=some), lambda: count, where=f"{count}"
        )

    def processes(self) -> list[psutil.Process]:
        """The processes of all."""
        return [psutil.Process(number) for number in self._client.run(os.getpid).values()]

    def peak_mb(self) -> float:
        """The most that one of them has held [MB]."""
        return max(float(held) for held in self._client.run(peak_mb).values())

    def per_task_s(self, count: int, length_s: float) -> float:
        """What a task takes beyond its own length, by the clock and a worker [s]."""
        number = SLEEPS[length_s]
        began = perf_counter()
        for _ in self.workers(count).run([length_s] * number, sleep):
            pass
        return (perf_counter() - began) * count / number - length_s


@contextmanager
def cluster(dsn: SecretStr) -> Iterator[Cluster]:
    """Two worker processes that know the database."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            env={"TELEMETRY_DATABASE_DSN": dsn.get_secret_value()},
        ) as running,
        Client(running, set_as_default=False) as client,
    ):
        yield Cluster(client)


def touch(connection: Connection) -> None:
    """Let every day wait again."""
    connection.execute("UPDATE touched_day SET touched = touched + 1")


def analyse(
    dsn: SecretStr, processes: list[psutil.Process], workers: Workers | None = None
) -> Analysed:
    """Work up all that waits, each part by itself.

    Args:
        dsn: the database.
        processes: who works, for their processor time.
        workers: who works, if it is not this process.
    """
    settings, failures = AnalysisSettings(), Failures()
    complete_from = (datetime.now(tz=UTC) - timedelta(days=30)).date()
    with connect(dsn) as connection, connect(dsn) as reading, connect(dsn) as asking:
        job = Job(database=identity(connection), complete_from=complete_from, settings=settings)
        work: dict[str, Any] = {
            "connection": connection,
            "reading": reading,
            "catalogue": catalogue.default(),
            "complete_from": complete_from,
            "failures": failures,
        }
        fuel_work = FuelWork(**work, settings=settings)
        watch, began = Watch(asking, processes), perf_counter()
        changed = analysis.each_changed_day(connection)
        found = (
            work_up_days(DayWork(**work), changed)
            if workers is None
            else spread_days(workers, job, changed, failures, connection, lambda: False)
        )
        vehicle_days = sum(each.days for each in found)
        days_s, of_days = perf_counter() - began, watch.stop()
        began = perf_counter()
        judge_hours(connection, settings, failures)
        hours_s = perf_counter() - began
        watch, began = Watch(asking, processes), perf_counter()
        if workers is None:
            work_up_fuel(fuel_work)
        else:
            spread_fuel(workers, job, fuel_work, None, lambda: False)
        fuel_s, of_fuel = perf_counter() - began, watch.stop()
        began = perf_counter()
        score_weeks(connection, settings, failures)
        hours_s += perf_counter() - began
    if failures.count:
        raise RuntimeError("something could not be worked up: see above")
    return Analysed(
        days_s=days_s,
        fuel_s=fuel_s,
        hours_and_scores_s=hours_s,
        of_days=of_days,
        of_fuel=of_fuel,
        vehicle_days=vehicle_days,
    )


def rolled_up(dsn: SecretStr) -> tuple[float, Used]:
    """Bring the rollups of all days up to date: seconds by the clock, and what was used."""
    with connect(dsn) as connection, connect(dsn) as asking:
        watch, began = Watch(asking, []), perf_counter()
        rollups.refresh(connection, server(connection), catalogue.default())
        return perf_counter() - began, watch.stop()


def checksums(connection: Connection) -> list[object]:
    """What the tables of results hold, to the last digit."""
    found: list[object] = []
    for table in COMPARED:
        statement = (
            "SELECT md5(string_agg(cells, '' ORDER BY cells))"
            f" FROM (SELECT to_jsonb(whole)::text AS cells FROM {table} AS whole) AS results"
        )
        found += connection.execute(statement.encode()).fetchone() or [None]
    return found


def read_bytes(dsn: SecretStr) -> tuple[int, int]:
    """What days and fuel read of the database's rows, all that wait [bytes]."""
    read: list[int] = []
    decode = binary_copy.decode_doubles

    def counted(data: bytes, columns: int) -> Any:
        read.append(len(data))
        return decode(data, columns)

    with connect(dsn) as connection:
        touch(connection)
    settings, failures = AnalysisSettings(), Failures()
    complete_from = (datetime.now(tz=UTC) - timedelta(days=30)).date()
    with connect(dsn) as connection, patch.object(binary_copy, "decode_doubles", counted):
        work: dict[str, Any] = {
            "connection": connection,
            "reading": None,
            "catalogue": catalogue.default(),
            "complete_from": complete_from,
            "failures": failures,
        }
        for _ in work_up_days(DayWork(**work), analysis.each_changed_day(connection)):
            pass
        of_days = sum(read)
        read.clear()
        work_up_fuel(FuelWork(**work, settings=settings))
    return of_days, sum(read)


def parquet_bytes(connection: Connection, vehicle_id: int, start: datetime) -> int:
    """A vehicle's day as Parquet files, one a group, compressed with zstd."""
    signals, total = catalogue.default(), 0
    for group in signals.groups.values():
        names = [signal.name for signal in group.signals]
        frame = analysis.read_signals(
            connection, signals, vehicle_id, names, start, start + timedelta(days=1)
        )
        narrow = {signal.name: "float32" for signal in group.signals if not signal.wide}
        table = pa.Table.from_pandas(frame.astype(narrow).dropna(how="all", axis=1))
        sink = pa.BufferOutputStream()
        parquet.write_table(table, sink, compression="zstd")
        total += sink.getvalue().size
    return total
