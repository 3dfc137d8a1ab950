"""History files of a test's own, and what must be found in the tables afterwards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.history import HistoryLoader
from ingest.settings import IngestSettings
from storage.settings import StorageSettings
from tests.servers.ingest_fixture import SECOND_US, Bench, Key, Values, sample_signals

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from ingest.history import Loaded
    from schemas.catalogue import Catalogue
    from tests.servers.database_fixture import Migrated

DAY_US = 86_400 * SECOND_US


def morning_us(days_ago: int) -> int:
    """Eight o'clock UTC of a day that lies so many days back [µs since 1970]."""
    return (int(time.time()) // 86_400 - days_ago) * DAY_US + DAY_US // 3


def frames(
    catalogue: Catalogue, vins: list[str], start_us: int, count: int, *, seed: int = 1
) -> dict[Key, Values]:
    """`count` seconds of each vehicle, signals of every group and type, a fifth absent."""
    rng = np.random.default_rng(seed)
    signals = sample_signals(catalogue)
    lowest = np.array([max(signal.minimum, -1000.0) for signal in signals])
    highest = np.array([min(signal.maximum, 1000.0) for signal in signals])
    found: dict[Key, Values] = {}
    for vin in vins:
        table = np.clip(
            np.rint(rng.uniform(lowest, highest, (count, len(signals)))), lowest, highest
        )
        table[rng.random(table.shape) < 0.2] = np.nan
        for second, row in enumerate(table.tolist()):
            values = {
                signal.name: value
                for signal, value in zip(signals, row, strict=True)
                if value == value
            }
            if values:
                found[vin, start_us + second * SECOND_US] = values
    return found


def write(path: Path, rows: dict[Key, Values], catalogue: Catalogue, **options: Any) -> Path:
    """Write rows as Parquet in their order; a signal is a float64 column, absent is null."""
    names = list(dict.fromkeys(name for values in rows.values() for name in values))
    columns = {
        "vin": pa.array([vin for vin, _ in rows]).dictionary_encode(),
        "time": pa.array([time_us for _, time_us in rows], pa.timestamp("us", tz="UTC")),
        **{
            name: pa.array([values.get(name) for values in rows.values()], pa.float64())
            for name in names
        },
    }
    assert set(names) <= set(catalogue.by_name)
    pq.write_table(pa.table(columns), path, **options)
    return path


def loader(database: Migrated, **changes: Any) -> HistoryLoader:
    """A loader into a database; changes are settings, or arguments of the loader's."""
    storage = {
        name: changes.pop(name) for name in list(changes) if name in StorageSettings.model_fields
    }
    settings = {
        name: changes.pop(name) for name in list(changes) if name in IngestSettings.model_fields
    }
    return HistoryLoader(
        IngestSettings.model_validate(settings),
        StorageSettings.model_validate(storage),
        dsn=database.dsn,
        catalogue=database.catalogue,
        **changes,
    )


def load(database: Migrated, *paths: Path, **changes: Any) -> Loaded:
    """Load files."""
    made = loader(database, **changes)
    return made.load(made.inspect(paths))


def tables(database: Migrated) -> Bench:
    """For reading what is in the tables."""
    return Bench(
        settings=IngestSettings(topic="history"),
        bootstrap="",
        dsn=database.dsn,
        catalogue=database.catalogue,
    )
