"""Exports: values a second from the database, a kill on the way, and from Parquet to DataFrames.

50 vehicles that drive 25 minutes of each of 30 days at 1 Hz, with 24 signals of two groups: 54
million values. Exported as they are, in seconds and in minutes under pseudonyms; then as they are
again by the command, killed twice on the way, and by two workers of a cluster: the files must be
the same. Then read back, a frame of 200,000 rows after the other, by a process of its own that
notes its peak of memory after each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import scale_cluster
from benchmarks.databases import database, servers
from research import manifest as manifests
from research.export import Exporter
from research.places import Place
from research.request import Request
from schemas import catalogue
from schemas.signal import Kind
from storage import analysis
from storage.arrow_reads import ArrowReader
from storage.batch import Batch, GroupRows
from storage.connection import connect, server
from storage.export_members import Asked, find_members
from storage.export_signals import SignalReader
from storage.frame_writer import FrameWriter
from storage.registers import ensure_party, register_vehicle

if TYPE_CHECKING:
    from typing import Any

    from pydantic import SecretStr

    from analytics.runner.spread import Workers

VEHICLES, DAYS, SECONDS = 50, 30, 1500
GROUPS = ("motion", "powertrain")
SIGNALS = tuple(
    one.name
    for group in GROUPS
    for one in [s for s in catalogue.default().groups[group].signals if s.kind is Kind.SAMPLE][:12]
    if one.name not in ("yaw_rate", "steering_angle", "lateral_acceleration")
)
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
STOP = FIRST + timedelta(days=DAYS)


def run() -> dict[str, float]:
    """Measure."""
    figures: dict[str, float] = {}
    with servers(), database() as dsn, tempfile.TemporaryDirectory() as folder:
        _fill(dsn)
        figures |= _read(dsn)
        for name, asked in (
            ("rows", {"purpose": None, "resolution_s": 0}),
            ("seconds_pseudonymised", {"purpose": "a benchmark", "resolution_s": 1}),
            ("minutes_pseudonymised", {"purpose": "a benchmark", "resolution_s": 60}),
        ):
            place = Path(folder) / name
            took, values = _export(dsn, place, asked)
            size = sum(file.stat().st_size for file in place.rglob("*.parquet"))
            figures[f"{name}_values_s"] = VEHICLES * DAYS * SECONDS * len(SIGNALS) / took
            figures[f"{name}_written_million_values"] = values / 1e6
            figures[f"{name}_bytes_a_value"] = size / values
        figures["killed_twice_is_the_same"] = _killed(dsn, Path(folder) / "rows")
        figures |= _by_workers(dsn, Path(folder) / "rows")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.export_reading", str(Path(folder) / "rows")],
            check=True,
            capture_output=True,
            text=True,
        )
        figures |= json.loads(done.stdout)
    return figures


def _fill(dsn: SecretStr) -> None:
    signals, random = catalogue.default(), np.random.default_rng(7)
    with connect(dsn) as connection, connect(dsn) as writing:
        ensure_party(connection, "Maker", "maker")
        writer = FrameWriter(writing, server(connection), signals, refused_values_kept=1000)
        for number in range(VEHICLES):
            vehicle = register_vehicle(connection, f"LSGAA11112A{number:06}").vehicle_id
            seconds = (86_400 * np.arange(DAYS)[:, None] + 3600 + np.arange(SECONDS)).ravel()
            groups = []
            for name in GROUPS:
                members = signals.groups[name].signals
                # As a sensor tells it: a slow wave in steps of its resolution.
                columns = [
                    _wave(one, seconds, random)
                    if one.name in SIGNALS
                    else np.full(len(seconds), np.nan)
                    for one in members
                ]
                wide = np.array([one.wide for one in members])
                values = np.column_stack(columns)
                groups.append((name, values[:, ~wide].astype(np.float32), values[:, wide]))
            for day in range(DAYS):
                rows = slice(day * SECONDS, (day + 1) * SECONDS)
                times_us = (int(FIRST.timestamp()) + seconds[rows]) * 1_000_000
                writer.write(
                    Batch(
                        groups=tuple(
                            GroupRows(
                                group=name,
                                vehicle_ids=np.full(SECONDS, vehicle),
                                times_us=times_us,
                                narrow=narrow[rows],
                                wide=whole[rows],
                            )
                            for name, narrow, whole in groups
                        )
                    )
                )
        writer.close()
        connection.execute("VACUUM ANALYZE")


def _wave(one: Any, seconds: Any, random: Any) -> Any:
    low, high = max(one.minimum, -1000.0), min(one.maximum, 1000.0)
    wave = 0.5 + 0.4 * np.sin(seconds / 300 + random.uniform(0, 6))
    noisy = low + (high - low) * (wave + random.normal(0, 0.01, len(seconds)))
    return np.clip(np.round(noisy * 8) / 8, low, high)


def _asked(asked: dict[str, Any]) -> Request:
    return Request(
        asked=Asked(party="Maker", purpose=asked["purpose"], start=FIRST, stop=STOP),
        first=FIRST.date(),
        last=(STOP - timedelta(days=1)).date(),
        signals=SIGNALS,
        resolution_s=asked["resolution_s"],
    )


def _read(dsn: SecretStr) -> dict[str, float]:
    """Values a second from the database over one connection, to Arrow and by way of Python."""
    request = _asked({"purpose": None, "resolution_s": 0})
    known = catalogue.default()
    spans = [(FIRST + timedelta(days=day), FIRST + timedelta(days=day + 1)) for day in range(DAYS)]
    with connect(dsn) as connection, ArrowReader(dsn) as reader:
        members = find_members(connection, request.asked, SIGNALS, 0)
        some = members.members[:5]
        values = len(some) * DAYS * SECONDS * len(SIGNALS)
        began = time.perf_counter()
        signals = SignalReader(reader, known, members, SIGNALS)
        for member in some:
            for span in spans:
                signals.read(member, span)
        arrow_s = time.perf_counter() - began
        began = time.perf_counter()
        for member in some:
            for span in spans:
                analysis.read_signals(connection, known, member.vehicle_id, SIGNALS, *span)
        python_s = time.perf_counter() - began
    return {
        "read_values_s": values / arrow_s,
        "read_of_read_through_python": python_s / arrow_s,
    }


def _export(
    dsn: SecretStr, place: Path, asked: dict[str, Any], workers: Workers | None = None
) -> tuple[float, int]:
    """Seconds, and how many values were written."""
    exporter = Exporter(
        dsn, catalogue.default(), Place(place), hot_from=FIRST.date(), workers=workers
    )
    began = time.perf_counter()
    _, done = exporter.run(_asked(asked))
    return time.perf_counter() - began, done.values


def _killed(dsn: SecretStr, peace: Path) -> float:
    """1.0 where an export that was killed twice has the same files, manifest among them."""
    place = peace.with_name("killed")
    command = [
        sys.executable, "-m", "cli", "export", str(place), "--signals", ",".join(SIGNALS),
        "--from", f"{FIRST:%Y-%m-%d}", "--to", f"{STOP - timedelta(days=1):%Y-%m-%d}",
        "--resolution", "0", "--identified", "--party", "Maker",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "TELEMETRY_DATABASE_DSN": dsn.get_secret_value(),
        "TELEMETRY_RETENTION_DAYS": "3650",
    }
    for least in (DAYS // 4, DAYS // 2):
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            while len(list(place.glob("*/*/*/*.parquet"))) < least and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL, "it had ended before it was killed"
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    both = [manifests.read(Place(one)) for one in (peace, place)]
    return float(both[0] is not None and both[0] == both[1])


def _by_workers(dsn: SecretStr, peace: Path) -> dict[str, float]:
    """Two processes of a cluster on this machine, and whether their files are the same."""
    place = peace.with_name("workers")
    with scale_cluster.cluster(dsn) as cluster:
        took, _ = _export(
            dsn, place, {"purpose": None, "resolution_s": 0}, workers=cluster.workers(2)
        )
    both = [manifests.read(Place(one)) for one in (peace, place)]
    return {
        "rows_by_two_workers_values_s": VEHICLES * DAYS * SECONDS * len(SIGNALS) / took,
        "by_two_workers_is_the_same": float(both[0] is not None and both[0] == both[1]),
    }


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:48} {value:>16,.6g}")
