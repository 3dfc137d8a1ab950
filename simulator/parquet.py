"""Frames as Parquet in place of messages: what `telemetry load` reads, and notebooks too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import catalogue as catalogues
from schemas.arrow import arrow_schema

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from schemas.catalogue import Catalogue
    from simulator.chunk import Chunk, Table

KEYS = (
    pa.field("vin", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
)
"""What each row begins with."""


class FrameFiles:
    """Writes chunks into a folder, a file a UTC day; a row is all of a vehicle at one time.

    A row group is ten minutes of up to 200 vehicles, by vehicle and time. Events are not in it.

    Args:
        folder: it is made where it is missing; files of the same days are written anew.
        catalogue: the signals, each a column; the platform's own if None.
    """

    def __init__(self, folder: Path, catalogue: Catalogue | None = None) -> None:
        catalogue = catalogue or catalogues.default()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.schema = pa.schema(
            [*KEYS, *(field for name in catalogue.groups for field in _signals(catalogue, name))]
        )
        self._day = ""
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        """Nothing is opened before the first chunk."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def write(self, chunk: Chunk) -> int:
        """Write ten minutes; returns the number of rows."""
        keys = np.unique(np.concatenate([_keys(table, chunk) for table in chunk.tables]))
        if not len(keys):
            return 0
        vehicles, offsets = np.divmod(keys, _SPAN_US)
        vins = pa.array([vehicle.vin for vehicle in chunk.fleet])
        columns: dict[str, pa.Array] = {
            "vin": pa.DictionaryArray.from_arrays(pa.array(vehicles, pa.int32()), vins),
            "time": pa.array(offsets + chunk.start_us).cast(pa.timestamp("us", tz="UTC")),
        }
        for table in chunk.tables:
            places = np.searchsorted(keys, _keys(table, chunk))
            for number, signal in enumerate(table.signals):
                # A new one each time: Arrow keeps float64 as it is, without a copy.
                column = np.full(len(keys), np.nan)
                column[places] = table.values[:, number]
                type_ = self.schema.field(signal.name).type
                columns[signal.name] = pa.array(column, from_pandas=True).cast(type_, safe=False)
        rows = pa.table([columns[name] for name in self.schema.names], schema=self.schema)
        self._open(chunk.start_us).write_table(rows, row_group_size=len(rows))
        return len(keys)

    def close(self) -> None:
        """Close the file; without it, it cannot be read."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self, start_us: int) -> pq.ParquetWriter:
        day = str(np.datetime64(start_us, "us").astype("datetime64[D]"))
        if self._writer is None or day != self._day:
            self.close()
            path = self._folder / f"frames_{day}.parquet"
            self._writer = pq.ParquetWriter(path, self.schema, compression="zstd")
            self._day = day
        return self._writer


_SPAN_US = 1 << 40
"""More than a chunk lasts [µs]: vehicle * span + time in the chunk puts rows in order."""


def _keys(table: Table, chunk: Chunk) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(table.vehicles * _SPAN_US + (table.times_us - chunk.start_us))


def _signals(catalogue: Catalogue, group: str) -> list[pa.Field]:
    return [field for field in arrow_schema(catalogue, group) if field.name not in _GROUP_KEYS]


_GROUP_KEYS = ("vehicle_id", "time")
