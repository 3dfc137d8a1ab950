"""A dataset streamed over HTTP: how fast, and what the server holds in memory meanwhile.

`telemetry serve` in a process of its own answers 4 signals of vehicles that sent for some hours at
1 Hz, in steps of a second and of a minute, as Arrow and as Parquet; the client forgets what it
reads. First the answer for one vehicle, then for all: were an answer gathered before it is sent,
the server's peak would grow by it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import numpy as np

from api.accept import Format
from benchmarks.databases import database, servers
from schemas import catalogue
from storage.batch import Batch, GroupRows
from storage.connection import connect, server
from storage.datasets import define
from storage.frame_writer import FrameWriter
from storage.registers import ensure_party, register_vehicle
from storage.served_datasets import Definition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import SecretStr

VEHICLES = 100
HOURS = 2
SIGNALS = ("wheel_speed", "odometer", "latitude", "longitude")
START = datetime(2026, 10, 20, 1, tzinfo=UTC)


def run() -> dict[str, float]:
    """Measure."""
    figures: dict[str, float] = {}
    with servers(), database() as dsn:
        number = _filled(dsn)
        with _serving(dsn) as (process, client):
            for step in (1, 60):
                for accept in (Format.ARROW, Format.PARQUET):
                    name = f"step_{step}_s_{accept.rpartition('.')[2]}"
                    params: dict[str, str | int] = {"names": ",".join(SIGNALS), "step": step}
                    some = client.get(f"/v1/datasets/{number}/vehicles?limit=1").json()
                    one = {**params, "vehicles": some["vehicles"][0]["vehicle"]}
                    _read(client, number, one, accept)
                    before = _peak_mb(process)
                    began = time.perf_counter()
                    size = _read(client, number, params, accept)
                    took = time.perf_counter() - began
                    figures[f"{name}_rows_s"] = VEHICLES * HOURS * 3600 / step / took
                    figures[f"{name}_answer_MB"] = size / 1e6
                    figures[f"{name}_peak_grew_MB"] = _peak_mb(process) - before
            figures["server_peak_MB"] = _peak_mb(process)
    return figures


def _filled(dsn: SecretStr) -> int:
    """Write the vehicles' hours and define a dataset of them."""
    signals = catalogue.default()
    with connect(dsn) as connection, connect(dsn) as writing:
        maker = ensure_party(connection, "Maker", "maker")
        ensure_party(connection, "Institute", "data_science")
        vins = [f"LSGAA11112A{number:06}" for number in range(VEHICLES)]
        writer = FrameWriter(writing, server(connection), signals, refused_values_kept=1000)
        seconds = np.arange(HOURS * 3600)
        times_us = int(START.timestamp()) * 1_000_000 + seconds * 1_000_000
        random = np.random.default_rng(7)
        for vin in vins:
            vehicle = register_vehicle(connection, vin).vehicle_id
            speed = 60 + 20 * np.sin(seconds / 300) + random.normal(0, 1, len(seconds))
            told = {
                "wheel_speed": speed,
                "odometer": 200_000 + np.cumsum(speed) / 3600,
                "latitude": 31 + np.cumsum(speed) / 4e5,
                "longitude": 121 + np.cumsum(speed) / 5e5,
            }
            groups = []
            for name in ("motion", "location"):
                columns = [
                    told.get(one.name, np.full(len(seconds), np.nan))
                    for one in signals.groups[name].signals
                ]
                wide = np.array([one.wide for one in signals.groups[name].signals])
                values = np.column_stack(columns)
                groups.append(
                    GroupRows(
                        group=name,
                        vehicle_ids=np.full(len(seconds), vehicle),
                        times_us=times_us,
                        narrow=values[:, ~wide].astype(np.float32),
                        wide=values[:, wide],
                    )
                )
            writer.write(Batch(groups=tuple(groups)))
        writer.close()
        connection.execute("ANALYZE")
        made = define(
            connection,
            maker,
            Definition(
                name="All",
                purpose="a benchmark",
                party="Institute",
                valid_from=None,
                valid_until=datetime(2090, 1, 1, tzinfo=UTC),
                data_from=START,
                data_until=START + timedelta(hours=HOURS),
                vins=vins,
                fleet_id=None,
                signals=SIGNALS,
                resolution_s=1,
                grid_deg=None,
                with_trips=False,
                with_events=False,
            ),
        )
    if made.dataset_id is None:
        raise ValueError(f"no dataset: {made.refusal}, {made.about}")
    return made.dataset_id


@contextmanager
def _serving(dsn: SecretStr) -> Iterator[tuple[int, httpx2.Client]]:
    environment = {
        **os.environ,
        "TELEMETRY_DATABASE_DSN": dsn.get_secret_value(),
        "TELEMETRY_API_PARTY": "Institute",
        "TELEMETRY_API_STATEMENT_TIMEOUT_S": "60",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        port = re.search(r":(\d+) ", process.stdout.readline())
        assert port is not None
        try:
            base = f"http://127.0.0.1:{port.group(1)}"
            with httpx2.Client(base_url=base, timeout=120) as client:
                yield process.pid, client
        finally:
            process.terminate()


def _read(
    client: httpx2.Client, number: int, params: Mapping[str, str | int], accept: Format
) -> int:
    """How many bytes an answer has; they are not kept."""
    size = 0
    with client.stream(
        "GET", f"/v1/datasets/{number}/signals", params=params, headers={"Accept": accept}
    ) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            size += len(piece)
    return size


def _peak_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    if found is None:
        raise OSError("the kernel does not tell a process's peak memory")
    return int(found.group(1)) * 1024 / 1e6
