"""What a feature is: a name, a version, a unit, and the function that makes it from columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]
Get = Callable[[str], Floats]
"""Gives a column by its name: (n,) float64, NaN absent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """One number a row.

    Attributes:
        name: that of its column.
        of: the rows it is of: segments or parts.
        version: raised whenever the same columns give another number; from then on it is another
            feature, and what was learnt from the one before does not fit it.
        unit: of the number; empty where it has none.
        description: what it is.
        needs: the columns it is made from.
        make: makes it; (n,).
    """

    name: str
    of: str
    version: int = 1
    unit: str
    description: str
    needs: tuple[str, ...]
    make: Callable[[Get], Floats]

    @property
    def key(self) -> str:
        """As it is asked for: segments.ascent_m_km."""
        return f"{self.of}.{self.name}"


def ratio(
    get: Get,
    above: Sequence[str],
    below: Sequence[str],
    *,
    scale: float = 1.0,
    least: float = 0.0,
) -> Floats:
    """`scale` times the sum of some columns over the sum of others.

    Returns:
        (n,) NaN where there is nothing to divide by, or less than `least` of it.
    """
    part = np.column_stack([get(name) for name in above]).sum(axis=1)
    whole = np.column_stack([get(name) for name in below]).sum(axis=1)
    known = (whole >= least) & (whole > 0)
    return np.asarray(np.divide(part, whole, out=np.full_like(whole, np.nan), where=known) * scale)
