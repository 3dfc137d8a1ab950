"""Which columns of a table travel as float32 and which as float64: the catalogue decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import Catalogue, CatalogueError
from schemas.signal import Signal
from schemas.wire.message import Block


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Columns:
    """How the columns of a float64 table divide into a block's narrow and wide ones.

    Attributes:
        narrow: (m,) positions of the narrow columns in the table.
        wide: (k,) positions of the wide ones.
        signal_ids: (m,) ids of the narrow signals.
        wide_signal_ids: (k,) ids of the wide ones.
    """

    narrow: NDArray[np.intp]
    wide: NDArray[np.intp]
    signal_ids: NDArray[np.int32]
    wide_signal_ids: NDArray[np.int32]

    @classmethod
    def of(cls, signals: Sequence[Signal | None]) -> "Columns":
        """Divide a table whose columns are `signals`; a None leaves its column out."""
        known = [(place, signal) for place, signal in enumerate(signals) if signal is not None]
        narrow = [(place, signal.id) for place, signal in known if not signal.wide]
        wide = [(place, signal.id) for place, signal in known if signal.wide]
        return cls(
            narrow=np.array([place for place, _ in narrow], dtype=np.intp),
            wide=np.array([place for place, _ in wide], dtype=np.intp),
            signal_ids=np.array([number for _, number in narrow], dtype=np.int32),
            wide_signal_ids=np.array([number for _, number in wide], dtype=np.int32),
        )

    def block(self, times_us: NDArray[np.int64], values: NDArray[np.float64]) -> Block:
        """Make a block of (n,) times and the (n, columns) table.

        A value beyond float32 in a narrow column becomes an infinity, which is out of limits as the
        value itself was.

        Raises:
            DecodeError: the table contradicts itself, see `Block`.
        """
        with np.errstate(over="ignore"):
            narrow = values[:, self.narrow].astype(np.float32)
        return Block(
            times_us=times_us,
            signal_ids=self.signal_ids,
            values=narrow,
            wide_signal_ids=self.wide_signal_ids,
            wide_values=values[:, self.wide],
        )


def make_block(
    catalogue: Catalogue,
    signal_ids: Iterable[int],
    times_us: NDArray[np.int64],
    values: NDArray[np.float64],
) -> Block:
    """Make a block from a table of values, float64 where the catalogue says that it matters.

    Args:
        catalogue: says which signals are wide.
        signal_ids: (c,) the table's columns.
        times_us: (n,) UTC microseconds since 1970.
        values: (n, c) in the catalogue's units, NaN absent.

    Raises:
        CatalogueError: an id is not in the catalogue.
        DecodeError: the table contradicts itself, see `Block`.
    """
    return Columns.of([signal_of(catalogue, int(number)) for number in signal_ids]).block(
        times_us, values
    )


def signal_of(catalogue: Catalogue, signal_id: int) -> Signal:
    """The signal of an id.

    Raises:
        CatalogueError: the catalogue has none.
    """
    signal = catalogue.by_id.get(signal_id)
    if signal is None:
        raise CatalogueError(
            f"no signal has the id {signal_id} in catalogue version {catalogue.version}:"
            f" use an id of this catalogue, or a newer catalogue"
        )
    return signal
