"""The API served for tests, over a real socket, and rows whose answers are easy to work out."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pandas as pd
import uvicorn

from api.app import create_app
from api.server import configured
from api.settings import ApiSettings
from schemas import catalogue as catalogues
from storage.batch import Batch, GroupRows
from storage.registers import DEMO_PARTY, ensure_party, register_vehicle
from tests.asking.patience import PATIENCE_S
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from tests.servers.database_fixture import Migrated

UNREACHABLE = "host=127.0.0.1 port=1 dbname=nowhere user=nobody password=hidden"
"""Nothing listens on port 1."""


@contextmanager
def serving(dsn: SecretStr, **settings: object) -> Iterator[httpx2.Client]:
    """A client of the API on a database, which is served as long as the block lasts."""
    read = ApiSettings.model_validate(settings)
    app = create_app(read, dsn)
    # Streams that a failing test leaves open must not keep the others waiting.
    config = configured(app, read, host="127.0.0.1", port=0, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def served_as(
    database: Migrated, party: str = DEMO_PARTY, kind: str = "maker", **settings: object
) -> Iterator[httpx2.Client]:
    """A client that reads as a party, which is made if need be."""
    ensure_party(database.connection, party, kind)
    with serving(database.dsn, api_party=party, **settings) as client:
        yield client


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What was written of a vehicle: a float column a signal, NaN absent, by time in UTC."""

    vin: str
    vehicle_id: int
    signals: pd.DataFrame


def record(database: Migrated, vin: str, signals: pd.DataFrame) -> Recorded:
    """Register a vehicle and write its signals as ingest does."""
    vehicle = register_vehicle(database.connection, vin)
    writer = open_writer(database)
    try:
        writer.write(Batch(groups=groups_of(vehicle.vehicle_id, signals)))
    finally:
        writer.close()
    return Recorded(vin=vin, vehicle_id=vehicle.vehicle_id, signals=signals)


def groups_of(vehicle_id: int, signals: pd.DataFrame) -> tuple[GroupRows, ...]:
    catalogue = catalogues.default()
    index = pd.DatetimeIndex(signals.index)
    times_us = index.as_unit("us").asi8
    found = []
    for group in catalogue.groups.values():
        named = signals.reindex(columns=[signal.name for signal in group.signals])
        present = named.notna().any(axis=1).to_numpy()
        if not present.any():
            continue
        wide = [signal.wide for signal in group.signals]
        values = named.to_numpy(dtype=np.float64)[present]
        found.append(
            GroupRows(
                group=group.name,
                vehicle_ids=np.full(int(present.sum()), vehicle_id, dtype=np.int64),
                times_us=times_us[present],
                narrow=values[:, ~np.array(wide)].astype(np.float32),
                wide=values[:, np.array(wide)],
            )
        )
    return tuple(found)


def drive(start: str, seconds: int, seed: int = 7) -> pd.DataFrame:
    """A drive at 1 Hz with every kind of signal, of a fast and two slow groups, with gaps.

    wheel_speed (sample, real), latitude (sample, double), brake_switch (boolean), gear_current
    (state), odometer (counter); oil_pressure (sample) and engine_hours (counter) every 10 s. Values
    are such as float32 holds exactly, where it has to.
    """
    random = np.random.default_rng(seed)
    index = pd.date_range(start, periods=seconds, freq="s", tz="UTC")
    speed = np.round(random.uniform(0, 90, seconds) * 256) / 256
    tens = np.arange(seconds) % 10 == 0
    frame = pd.DataFrame(
        {
            "wheel_speed": speed,
            "latitude": 31 + np.cumsum(speed) / 3.6e6,
            "brake_switch": (random.uniform(size=seconds) < 0.2).astype(float),
            "gear_current": random.integers(-1, 13, seconds).astype(float),
            "odometer": 200_000 + np.cumsum(speed) / 3600,
            "oil_pressure": np.where(tens, random.integers(50, 125, seconds) * 4.0, np.nan),
            "engine_hours": np.where(tens, 8000 + np.arange(seconds) / 3600, np.nan),
        },
        index=index,
    )
    # A value is missing here and there, and for a while all of them are.
    frame.loc[random.uniform(size=seconds) < 0.05, "wheel_speed"] = np.nan
    frame.loc[random.uniform(size=seconds) < 0.05, "gear_current"] = np.nan
    silent = slice(seconds // 3, seconds // 3 + 400)
    return frame.drop(index=frame.index[silent])


def every_page(client: httpx2.Client, address: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of a listing, followed by their links to the end."""
    answers = []
    answer = client.get(address, params=params)
    while True:
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
        following = answers[-1]["next"]
        if following is None:
            return answers
        assert len(answers) < 1000, "the listing does not end"
        answer = client.get(following)


def as_frame(answers: list[dict[str, Any]], column: str = "values") -> pd.DataFrame:
    """The pages of a signals answer as one table by time; without series that lack `column`."""
    tables = []
    for answer in answers:
        index = pd.DatetimeIndex(pd.to_datetime(answer["time"], format="ISO8601", utc=True))
        tables.append(
            pd.DataFrame(
                {one["name"]: one[column] for one in answer["signals"] if column in one},
                index=index,
                dtype=float,
            )
        )
    return pd.concat(tables)
