"""How sure the litres of a cause are: what was measured against known truth, kept as two figures.

A cause's litres err by a share of themselves (the way is driven again on a model) and by a share of
the fuel of the way (what good driving would have been is not known exactly). Both stand in
`fuel.toml`, found on simulated fleets that no reported figure is taken from. They belong to the
vehicle, not to the single trip: the interval is that of all parts together, and each has its share,
so that over the parts of a week ends add up as the litres do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.figures import figures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NINETY_PERCENT = 1.645
"""Standard deviations on either side that hold nine of ten."""

LEAST_L = 1e-9
"""Of no fuel nobody has a share [L]."""

UNLEARNT = 2.0
"""Of a vehicle that is not known itself, only its class, all is so many times less sure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Standard deviations of a cause's litres.

    Attributes:
        of_litres: as a share of the litres.
        of_fuel: as a share of all fuel of the way.
    """

    of_litres: float
    of_fuel: float


@cache
def spreads() -> dict[str, Spread]:
    """By cause."""
    return {name: Spread(**told) for name, told in figures()["uncertainty"].items()}


def interval(
    cause: str, litres: Floats, fuel: Floats, *, learnt: bool, certain: float = 1.0
) -> tuple[Floats, Floats]:
    """Where the litres lie at 90 %.

    Args:
        cause: of CAUSES.
        litres: (k,) of parts.
        fuel: (k,) all that was burnt in them, L.
        learnt: whether the vehicle itself is known.
        certain: part of the litres that is a habit's and not chance's: a habit seen on few drives
            may be none.

    Returns:
        The lower end, never negative, and the upper end, never more than all fuel.
    """
    spread = spreads()[cause]
    all_litres, all_fuel = float(litres.sum()), float(fuel.sum())
    half = NINETY_PERCENT * np.hypot(spread.of_litres * all_litres, spread.of_fuel * all_fuel)
    half = half * (1.0 if learnt else UNLEARNT)
    # A part on which all the cause's litres fell is no surer than the whole.
    share = litres / all_litres if all_litres > 0 else fuel / max(all_fuel, LEAST_L)
    below = np.hypot(half, (1.0 - certain) * all_litres)
    low = share * max(all_litres - below, 0.0)
    high = share * max(min(all_litres + half, all_fuel), all_litres)
    return low, high
