"""Only the signals one asks for, a file a vehicle: for analysis without wire or database."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import catalogue as catalogues
from schemas.catalogue import Catalogue, Signal, ValueType
from simulator.chunk import Chunk
from simulator.config import CHUNK_S, SimulationConfig
from simulator.fleet import Vehicle
from simulator.simulation import simulate
from simulator.truth import Truth

_NARROW = {ValueType.REAL, ValueType.BOOLEAN}
ROWS_A_GROUP = 36_000  # rows of a vehicle gathered before they are written


def catalogue_of(names: Sequence[str]) -> Catalogue:
    """The platform's catalogue with only the named signals.

    Raises:
        CatalogueError: it has no such signal.
    """
    whole = catalogues.default()
    wanted = {whole.resolve(name).name for name in names}
    return replace(whole, signals=tuple(s for s in whole.signals if s.name in wanted))


def write_signals(
    config: SimulationConfig,
    fleet: Sequence[Vehicle],
    names: Sequence[str],
    folder: Path,
    *,
    progress: Callable[[float], None] = lambda _: None,
    watch: Callable[[Truth], None] = lambda _: None,
) -> dict[str, Path]:
    """Simulate `fleet` and write each vehicle's named signals to `folder`/VIN.parquet.

    Args:
        config: The span of time and the seed.
        fleet: Any vehicles; numbered anew.
        names: Of signals of the catalogue.
        folder: Made where missing; files of the same vehicles are written anew.
        progress: Told the part that is done.
        watch: Given the truth of each ten minutes.

    Returns:
        Files by VIN. Columns: time (UTC) and the signals; a row is all of a vehicle at one time.
    """
    trucks = tuple(replace(vehicle, index=number) for number, vehicle in enumerate(fleet))
    catalogue = catalogue_of(names)
    with SignalFiles(folder, trucks, catalogue) as files:
        for chunk in simulate(config, catalogue=catalogue, fleet=trucks):
            files.write(chunk)
            watch(chunk.truth)
            done = (chunk.start_us / 1e6 - config.start_s) / CHUNK_S + 1
            progress(min(done / config.chunks, 1.0))
    return files.paths


def read_signals(path: Path) -> pd.DataFrame:
    """A vehicle's rows by UTC time, a float64 column a signal, NaN absent."""
    frame = pd.read_parquet(path).set_index("time").astype(np.float64)
    frame.index = pd.DatetimeIndex(frame.index)
    return frame


def signals_of(
    config: SimulationConfig, fleet: Sequence[Vehicle], names: Sequence[str]
) -> Iterator[tuple[Vehicle, pd.DataFrame]]:
    """Each vehicle of `fleet` that sent anything, with its rows as `read_signals` gives them.

    The whole fleet is simulated before the first one comes, by way of a temporary folder: memory
    is that of one vehicle.
    """
    with TemporaryDirectory(prefix="telemetry-signals-") as folder:
        paths = write_signals(config, fleet, names, Path(folder))
        for vehicle in fleet:
            if vehicle.vin in paths:
                yield vehicle, read_signals(paths[vehicle.vin])


class SignalFiles:
    """Writes chunks into one file a vehicle; a context manager."""

    def __init__(self, folder: Path, fleet: Sequence[Vehicle], catalogue: Catalogue) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.paths: dict[str, Path] = {}
        self._folder = folder
        self._fleet = fleet
        self._schema = pa.schema(
            [
                pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
                *(pa.field(signal.name, _type(signal)) for signal in catalogue.signals),
            ]
        )
        self._writers: dict[int, Any] = {}
        self._kept: dict[int, list[pa.Table]] = {}

    def __enter__(self) -> Self:
        """Nothing is opened before a vehicle sends something."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left, and close."""
        for vehicle in list(self._kept):
            self._flush(vehicle)
        for writer in self._writers.values():
            writer.close()

    def write(self, chunk: Chunk) -> None:
        """Take in ten minutes."""
        owners = np.unique(np.concatenate([table.vehicles for table in chunk.tables]))
        for vehicle in owners.tolist():
            kept = self._kept.setdefault(vehicle, [])
            kept.append(self._rows(chunk, vehicle))
            if sum(len(rows) for rows in kept) >= ROWS_A_GROUP:
                self._flush(vehicle)

    def _rows(self, chunk: Chunk, vehicle: int) -> pa.Table:
        parts = []
        for table in chunk.tables:
            first, end = np.searchsorted(table.vehicles, [vehicle, vehicle + 1])
            parts.append((table, slice(int(first), int(end))))
        times = np.unique(np.concatenate([t.times_us[rows] for t, rows in parts]))
        columns: dict[str, Any] = {"time": pa.array(times).cast(self._schema.field("time").type)}
        for table, rows in parts:
            places = np.searchsorted(times, table.times_us[rows])
            for number, signal in enumerate(table.signals):
                column = np.full(len(times), np.nan)
                column[places] = table.values[rows, number]
                columns[signal.name] = pa.array(column).cast(
                    self._schema.field(signal.name).type, safe=False
                )
        return pa.table([columns[name] for name in self._schema.names], schema=self._schema)

    def _flush(self, vehicle: int) -> None:
        kept = self._kept.pop(vehicle)
        if vehicle not in self._writers:
            vin = self._fleet[vehicle].vin
            self.paths[vin] = self._folder / f"{vin}.parquet"
            self._writers[vehicle] = pq.ParquetWriter(
                self.paths[vin], self._schema, compression="zstd"
            )
        self._writers[vehicle].write_table(pa.concat_tables(kept))


def _type(signal: Signal) -> Any:
    """Single precision for measurements and switches; counters and places need more."""
    return pa.float32() if signal.type in _NARROW else pa.float64()
