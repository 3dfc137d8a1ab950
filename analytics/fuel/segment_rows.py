"""Segments of a whole fleet in little memory: float32 columns, block by block as they were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analytics.thresholds import CLASSES
from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    from numpy.typing import NDArray

    Columns = dict[str, NDArray[np.float32]]

IDENTITY = ("vehicle", "vehicle_class", "start_time")
JOINED_S = 300.0  # s; segments further apart are of two trips (analytics.trips.TripRules.rest_s)


class SegmentError(TelemetryError):
    """Segments that no model can be made of or asked about; the message says what is missing."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Block:
    """Rows that were read together.

    Attributes:
        vehicle: (n,) numbers of vehicles, in order of appearance.
        start_s: (n,) beginning, seconds since 1970.
        columns: by name, (n,) float32; class is a place in CLASSES.
    """

    vehicle: NDArray[np.int32]
    start_s: NDArray[np.float64]
    columns: Columns

    def __len__(self) -> int:
        return len(self.vehicle)

    def rows(self, chosen: NDArray[np.bool_]) -> Block:
        """Some of them."""
        return Block(
            vehicle=self.vehicle[chosen],
            start_s=self.start_s[chosen],
            columns={name: values[chosen] for name, values in self.columns.items()},
        )


@dataclass(kw_only=True, slots=True, eq=False)
class SegmentRows:
    """All rows.

    Attributes:
        names: the columns that are kept.
        blocks: the rows.
        vehicles: number of each vehicle by its name.
    """

    names: tuple[str, ...]
    blocks: list[Block] = field(default_factory=list)
    vehicles: dict[object, int] = field(default_factory=dict)

    @classmethod
    def read(cls, chunks: Iterable[pd.DataFrame], names: Iterable[str]) -> SegmentRows:
        """Keep what training needs of frames that come one after another.

        Args:
            chunks: vehicle, vehicle_class, start_time and SEGMENT_COLUMNS.
            names: the columns to keep.

        Raises:
            SegmentError: a column is missing, or a class is none.
        """
        rows = cls(names=tuple(dict.fromkeys(names)))
        for chunk in chunks:
            rows.add(chunk)
        return rows

    def __len__(self) -> int:
        return sum(len(block) for block in self.blocks)

    def add(self, chunk: pd.DataFrame) -> None:
        """Keep one more frame."""
        require(chunk, [*IDENTITY, *self.names])
        if not len(chunk):
            return
        known = [self.vehicles.setdefault(v, len(self.vehicles)) for v in chunk["vehicle"].unique()]
        numbers = dict(zip(chunk["vehicle"].unique(), known, strict=True))
        columns = {name: chunk[name].to_numpy(dtype=np.float32) for name in self.names}
        columns["class"] = class_numbers(chunk["vehicle_class"])
        self.blocks.append(
            Block(
                vehicle=chunk["vehicle"].map(numbers).to_numpy(dtype=np.int32),
                start_s=chunk["start_time"].to_numpy("datetime64[us]").astype(np.int64) / 1e6,
                columns=columns,
            )
        )

    def among(self, vehicles: NDArray[np.bool_]) -> Iterator[Block]:
        """The rows of some vehicles, block by block.

        Args:
            vehicles: (vehicles,) whether each is wanted.
        """
        for block in self.blocks:
            wanted = vehicles[block.vehicle]
            if wanted.all():
                yield block
            elif wanted.any():
                yield block.rows(wanted)

    def draw(self, vehicles: NDArray[np.bool_], *, number: int, of: int, seed: int) -> Block:
        """A share of the rows of some vehicles; the shares of one seed have no row in common.

        Args:
            vehicles: (vehicles,) whether each is wanted.
            number: which share, from 0.
            of: how many shares there are.
            seed: fixes which row is in which share.
        """
        found = []
        for place, block in enumerate(self.blocks):
            chosen = vehicles[block.vehicle]
            if of > 1:
                share = np.random.default_rng([seed, place]).integers(of, size=len(block))
                chosen &= share == number
            found.append(block.rows(chosen))
        return joined(found)


def joined(blocks: list[Block]) -> Block:
    """Blocks as one."""
    return Block(
        vehicle=np.concatenate([b.vehicle for b in blocks]),
        start_s=np.concatenate([b.start_s for b in blocks]),
        columns={n: np.concatenate([b.columns[n] for b in blocks]) for n in blocks[0].columns},
    )


def trips_of_rows(
    vehicle: NDArray[np.int32], start_s: NDArray[np.float64], duration_s: NDArray[np.float32]
) -> NDArray[np.int64]:
    """(n,) the trip of each row: runs of a vehicle's segments without a rest between them."""
    order = np.lexsort((start_s, vehicle))
    end_s = start_s[order] + duration_s[order]
    new = np.append(True, np.diff(vehicle[order]) != 0)
    new[1:] |= start_s[order][1:] - end_s[:-1] > JOINED_S
    trip = np.empty(len(order), dtype=np.int64)
    trip[order] = np.cumsum(new) - 1
    return trip


def class_numbers(classes: pd.Series[str]) -> NDArray[np.float32]:
    """Places in CLASSES.

    Raises:
        SegmentError: a class is none.
    """
    numbers = classes.map({name: float(place) for place, name in enumerate(CLASSES)})
    if numbers.isna().any():
        unknown = sorted({str(name) for name in classes[numbers.isna()]})
        raise SegmentError(
            f"no vehicle class {', '.join(unknown)}: there are {', '.join(CLASSES)}; set the"
            " vehicle's class"
        )
    return numbers.to_numpy(dtype=np.float32)


def require(segments: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise SegmentError where columns are missing."""
    missing = [name for name in dict.fromkeys(names) if name not in segments.columns]
    if missing:
        raise SegmentError(
            f"segments have no column {', '.join(missing)}; make them with"
            " analytics.fuel.segments.segments_of and add the vehicle's own"
        )
