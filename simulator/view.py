"""Rows of simulated seconds seen by column name: what signal generators read.

A name is looked up as a column of the motion, a slow quantity, a running total, a constant of the
vehicle, or a derived column, in this order. Derived columns are computed when first asked for, on
just the rows of the view, so that a signal of period 60 s costs a sixtieth of one at 1 Hz.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.road import Roads
from simulator.vehicle import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Everything the views of one chunk share, for r awake vehicle-seconds, vehicle by vehicle.

    Attributes:
        columns: Motion by name, (r,).
        slow: Slow quantities by name, (steps, n).
        totals: Running totals by name, (r,).
        constants: Vehicle constants by name, (n,).
        vehicle: Column of n each row belongs to.
        second: Second of the chunk.
        step: Slow step of the row.
        roads: The road network.
        rng: Source of sensor noise; `None` leaves sensors exact.
    """

    columns: Mapping[str, Floats]
    slow: Mapping[str, Floats]
    totals: Mapping[str, Floats]
    constants: Mapping[str, Floats]
    vehicle: NDArray[np.intp]
    second: NDArray[np.int64]
    step: NDArray[np.intp]
    roads: Roads
    rng: np.random.Generator | None


Column = NDArray[Any]
"""A generated column: real numbers, or truth values that count as 0 and 1."""

Derived = Callable[["View"], Column]


class View:
    """Some rows of a `Source` by column name; every column is an array (rows,)."""

    def __init__(
        self,
        source: Source,
        derived: Mapping[str, Derived],
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        self.source = source
        self._derived = derived
        self._rows = rows
        self._cache: dict[str, Floats] = {}
        self.vehicle = source.vehicle if rows is None else source.vehicle[rows]
        self.second = source.second if rows is None else source.second[rows]

    def __len__(self) -> int:
        return len(self.vehicle)

    def __getitem__(self, name: str) -> Floats:
        column = self._cache.get(name)
        if column is None:
            column = self._cache[name] = self._find(name)
        return column

    def _find(self, name: str) -> Floats:
        source = self.source
        for table in (source.columns, source.totals):
            if name in table:
                return table[name] if self._rows is None else table[name][self._rows]
        if name in source.slow:
            step = source.step if self._rows is None else source.step[self._rows]
            return source.slow[name][step, self.vehicle]
        if name in source.constants:
            return source.constants[name][self.vehicle]
        return np.asarray(self._derived[name](self), dtype=np.float64)

    def full(self, value: float) -> Floats:
        """A column of one value."""
        return np.full(len(self), value)

    def jitter(self, spread: float) -> Floats:
        """Independent normal noise of the given spread; zeros where sensors are exact."""
        rng = self.source.rng
        return np.zeros(len(self)) if rng is None else rng.standard_normal(len(self)) * spread

    def quirk(self, number: int) -> Floats:
        """What makes this vehicle's part `number` differ from the next one's: fixed, -1 to 1."""
        mixed = np.sin(self["index"] * 12.9898 + number * 78.233) * 43758.5453
        return np.asarray(2.0 * (mixed - np.floor(mixed)) - 1.0)

    def chance(self, share: float, number: int, *, lasting_s: float) -> NDArray[np.bool_]:
        """True for `share` of spans of `lasting_s`, drawn anew for each vehicle and span."""
        span = np.floor(self["time_s"] / lasting_s)
        mixed = np.sin(self["index"] * 12.9898 + span * 3.7719 + number * 78.233) * 43758.5453
        return np.asarray(mixed - np.floor(mixed) < share)
