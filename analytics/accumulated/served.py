"""What is shown of a counter never falls, whatever is learnt later.

Late data raise a total, and it is shown at once. A correction downwards (a row that came again with
another value, a better method) is carried forward: what is shown waits until the true total has
caught up with it, and what was corrected is counted. Days whose rows are no longer kept can only
gain: nobody could tell what was lost from what was corrected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.accumulated.layout import Vector, checked

if TYPE_CHECKING:
    from numpy.typing import NDArray


NOTICED = 1e-6
"""No correction is as small as this [s, m, ml]: one grain of rounding, where a step was cut."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Served:
    """A vehicle's counters as they are shown.

    Attributes:
        value: (cells,) what is shown; never below what was shown before.
        total: (cells,) what the days added up to when it was shown.
        corrections: how often a cell's total fell below what had been shown of it.
    """

    value: Vector
    total: Vector
    corrections: int

    @property
    def ahead(self) -> Vector:
        """(cells,) by how much what is shown is ahead of the total, in the cell's unit."""
        return np.asarray(self.value - self.total)

    @property
    def waiting(self) -> NDArray[np.bool_]:
        """(cells,) which counters stand still until their total has caught up."""
        return np.asarray(self.ahead > NOTICED)

    @property
    def corrected(self) -> float:
        """By how much all waiting cells together are ahead; 0: what is shown is true."""
        return float(self.ahead[self.waiting].sum())


def serve(previous: Served | None, total: Vector) -> Served:
    """What to show now that a vehicle's days add up to `total`.

    Asked again with the same total it answers the same: a run may be repeated.

    Args:
        previous: what was shown last; None where nothing was.
        total: (cells,) the sum of the vehicle's days.

    Raises:
        LayoutError: a vector of another layout.
    """
    total = checked(total).copy()
    if previous is None:
        return Served(value=total, total=total, corrections=0)
    value = np.maximum(checked(previous.value), total)
    fell = np.count_nonzero((value - total > NOTICED) & ~previous.waiting)
    return Served(value=value, total=total, corrections=previous.corrections + int(fell))


def merge_day(stored: Vector | None, recomputed: Vector, *, complete: bool) -> Vector:
    """A day's increments, now that they have been worked up again.

    Args:
        stored: (cells,) what was stored of the day; None where nothing was.
        recomputed: (cells,) what the rows that are there now give.
        complete: whether all rows of the day that ever came are there. Where raw rows have been
            dropped, what is there gives less than the truth, and each cell keeps the greater.

    Raises:
        LayoutError: a vector of another layout.
    """
    recomputed = checked(recomputed)
    if stored is None or complete:
        return recomputed.copy()
    return np.maximum(checked(stored), recomputed)
