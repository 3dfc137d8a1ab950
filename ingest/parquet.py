"""History as Parquet: which columns a file may have, and its rows in arrays, a piece at a time.

A row is a frame: `vin`, `time`, and signals by their catalogue names, null or NaN where absent. A
file is judged by its schema before anything of it is read; memory holds a piece, however long the
file and its row groups are.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.errors import HistoryError
from schemas.catalogue import ValueType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.catalogue import Catalogue, Signal

CELLS = 6_000_000
"""Values of a piece, present or not: 24 MB, held some four times over on their way into the tables.
With fewer a transaction costs as much as its rows; more are hardly faster."""

LEAST_ROWS, MOST_ROWS = 5_000, 200_000
"""Rows of a piece all the same; a vehicle's columnstore batch wants 1,000 of its own."""

BUFFER_BYTES = 1 << 16
"""How much of each column is read from the file at a time [bytes]; a row group may be huge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryFile:
    """A file whose columns were found to fit."""

    path: Path
    rows: int
    signals: tuple[Signal, ...]
    ignored: tuple[str, ...]
    """Columns that the catalogue does not know, which are left out."""

    @property
    def piece_rows(self) -> int:
        """Rows that are read at a time."""
        return min(MOST_ROWS, max(LEAST_ROWS, CELLS // len(self.signals)))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Piece:
    """n rows of a file."""

    first_row: int
    """Their place in the file, counted from 0."""
    vins: tuple[str, ...]
    """The VINs that occur."""
    vin_places: NDArray[np.int64]
    """(n,) of each row's VIN among them; -1 where it has none."""
    times_us: NDArray[np.int64]
    """(n,) microseconds since 1970 UTC; 0 where absent."""
    timed: NDArray[np.bool_]
    """(n,) which rows have a time."""
    columns: dict[str, NDArray[np.floating]]
    """(n,) by signal, NaN where absent: float64 of wide signals, else float32."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.times_us)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The Parquet files that are meant: files as named, folders by their *.parquet, in order.

    Raises:
        HistoryError: there is nothing by a name, or no file in a folder.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(entry for entry in path.rglob("*.parquet") if entry.is_file())
            if not inside:
                raise HistoryError(f"Folder {path} holds no *.parquet: name the files themselves.")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise HistoryError(f"There is no file or folder {path}.")
    return list(dict.fromkeys(found))


def inspect(path: Path, catalogue: Catalogue, *, ignore_unknown: bool) -> HistoryFile:
    """Judge a file by its schema.

    Raises:
        HistoryError: it is no Parquet, or its columns are not as docs/load.md says.
    """
    with _open(path) as file:
        schema: pa.Schema = file.schema_arrow
        rows = int(file.metadata.num_rows)
    names = list(schema.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise HistoryError(f"{path}: column {', '.join(twice)} is there twice: name each once.")
    _check_keys(path, schema)
    signals, unknown = [], []
    for field in schema:
        if field.name in ("vin", "time"):
            continue
        signal = catalogue.by_name.get(field.name)
        if signal is None:
            unknown.append(field.name)
        else:
            _check_signal(path, field, signal)
            signals.append(signal)
    if unknown and not ignore_unknown:
        raise HistoryError(_unknown_text(path, unknown, catalogue))
    if not signals:
        raise HistoryError(
            f"{path} has no column that is a signal: name columns as the catalogue does "
            "(`telemetry catalogue`)."
        )
    return HistoryFile(path=path, rows=rows, signals=tuple(signals), ignored=tuple(unknown))


def pieces(file: HistoryFile) -> Iterator[Piece]:
    """The file's rows in order.

    Raises:
        HistoryError: the file is damaged.
    """
    wanted = ["vin", "time", *(signal.name for signal in file.signals)]
    row = 0
    with _open(file.path) as source:
        try:
            # Not over threads: those that write leave no core idle, and reading is the least.
            for batch in source.iter_batches(
                batch_size=file.piece_rows, columns=wanted, use_threads=False
            ):
                if not len(batch):
                    continue
                piece = _piece(batch, row, file.signals)
                row += len(batch)
                del batch  # it would hold the columns that are taken out of the piece
                yield piece
        except (pa.ArrowException, OSError) as error:
            raise HistoryError(
                f"{file.path} cannot be read on after row {row:,}: {error}. What came before is "
                "stored; put the file right and load it again."
            ) from error


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES)
    except (pa.ArrowException, OSError) as error:
        raise HistoryError(f"{path} cannot be read as Parquet: {error}") from error


def _check_keys(path: Path, schema: pa.Schema) -> None:
    for name, what in (("vin", "the vehicle"), ("time", "the instant")):
        if name not in schema.names:
            raise HistoryError(f"{path} has no column {name}, which says {what} of a row.")
    vin = schema.field("vin").type
    text = vin.value_type if pa.types.is_dictionary(vin) else vin
    if not (pa.types.is_string(text) or pa.types.is_large_string(text)):
        raise HistoryError(f"{path}: column vin is {vin}: write it as string, or as a dictionary.")
    time = schema.field("time").type
    if not pa.types.is_timestamp(time) or time.tz is None:
        raise HistoryError(
            f"{path}: column time is {time}: write it as timestamp with a time zone, such as "
            "timestamp[us, tz=UTC]. Without a zone nobody knows which instant is meant."
        )


def _check_signal(path: Path, field: pa.Field, signal: Signal) -> None:
    number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
    boolean = signal.type is ValueType.BOOLEAN and pa.types.is_boolean(field.type)
    if not number and not boolean:
        meant = "boolean, or 0 and 1" if signal.type is ValueType.BOOLEAN else "a number"
        unit = f" in {signal.unit}" if signal.unit else ""
        raise HistoryError(
            f"{path}: column {field.name} is {field.type}: the signal is {meant}{unit}."
        )
    told = (field.metadata or {}).get(b"unit")
    told_unit = signal.unit if told is None else told.decode("utf-8", "replace")
    if told_unit != signal.unit:
        raise HistoryError(
            f"{path}: column {field.name} is in {told_unit!r} by its metadata, the catalogue's "
            f"unit is {signal.unit!r}: convert the values first."
        )


def _unknown_text(path: Path, unknown: list[str], catalogue: Catalogue) -> str:
    hints = []
    for name in unknown[:10]:
        near = difflib.get_close_matches(name, catalogue.by_name, n=1)
        hints.append(f"{name} (is {near[0]} meant?)" if near else name)
    more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
    return (
        f"{path} has columns that this catalogue does not know: {', '.join(hints)}{more}. Rename "
        "them, or leave them out with --ignore-unknown."
    )


def _piece(batch: pa.RecordBatch, first_row: int, signals: Iterable[Signal]) -> Piece:
    vin, time = batch.column("vin"), batch.column("time")
    if not pa.types.is_dictionary(vin.type):
        vin = vin.dictionary_encode()
    ticks = _numbers(time, np.dtype(np.int64))
    timed, per_s = _valid(time), _TICKS_PER_S[time.type.unit]
    us = ticks // (per_s // 1_000_000) if per_s > 1_000_000 else ticks * (1_000_000 // per_s)
    return Piece(
        first_row=first_row,
        vins=tuple("" if text is None else text for text in vin.dictionary.to_pylist()),
        vin_places=np.where(_valid(vin.indices), _numbers(vin.indices), -1).astype(np.int64),
        times_us=np.where(timed, us, 0),
        timed=timed,
        columns={signal.name: _values(batch.column(signal.name), signal) for signal in signals},
    )


_TICKS_PER_S = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def _values(column: pa.Array, signal: Signal) -> NDArray[np.floating]:
    """Null becomes NaN; what float32 cannot reach an infinity, which is out of limits."""
    with np.errstate(over="ignore"):
        values: NDArray[np.floating] = _numbers(column).astype(
            np.float64 if signal.wide else np.float32, copy=False
        )
    if column.null_count:
        values = values.copy()
        values[~_valid(column)] = np.nan
    return values


def _numbers(column: pa.Array, dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """A column's numbers, anything where it is null; read as `dtype` where that is given.

    Arrow's own conversion imports pandas, which takes as long as thousands of rows.
    """
    data = column.buffers()[1]
    if pa.types.is_boolean(column.type):
        return _bits(data, column)
    values = np.frombuffer(data, dtype=dtype or column.type.to_pandas_dtype())
    return values[column.offset :][: len(column)]


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    """(n,) which values are not null."""
    if not column.null_count:
        return np.ones(len(column), dtype=np.bool_)
    return _bits(column.buffers()[0], column)


def _bits(bitmap: pa.Buffer, column: pa.Array) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(bitmap, dtype=np.uint8), bitorder="little")
    return bits[column.offset :][: len(column)].view(np.bool_)
