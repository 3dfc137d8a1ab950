"""What a fan takes by how fast it turns: learnt from vehicles whose engines tell it.

A fan that never lets go shows in its own speed. What that costs shows where the engine tells its
parasitic losses, in the part that grows with the cube of engine speed (affinity laws); engines of
other models do not tell them, but fans are built for engines, so watts a Nm of rated torque carry
over. Before anybody told, a published figure and the square of the fan's speed (the torque that it
takes through its clutch) hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel import normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LOCKED_W = 5_000.0  # W; a heavy truck's fan turning with the engine (makers: 3 to 8 kW)
LOCKED_RPM = 1_200.0  # rpm; engine speed at which it takes that
LOCKED_OF_NM = 2_400.0  # Nm; rated torque of the engine that is the fan of
TERMS = 3
USUAL = np.array([0.0, 0.0, LOCKED_W / LOCKED_OF_NM * (1e3 / LOCKED_RPM) ** 3])
"""W at 1,000 rpm a Nm of rated torque, by powers of the fan's turns over the engine's."""

USUAL_VEHICLES = 0.02  # so many vehicles that tell count as much as what is published


def fan_law(turns: Floats, cubic_w: Floats, rated_nm: Floats) -> Floats:
    """Learn what fans take, (TERMS,) as USUAL.

    Args:
        turns: (v,) the fan's turns over the engine's of each vehicle; NaN where it is not known.
        cubic_w: (v,) what grows with the cube of engine speed, at 1,000 rpm; NaN likewise.
        rated_nm: (v,) rated torque; NaN likewise.
    """
    known = np.isfinite(turns) & np.isfinite(cubic_w) & (rated_nm > 0)
    added = normal.sums(
        np.stack([turns[known] ** power for power in range(TERMS)]),
        cubic_w[known] / rated_nm[known],
        np.ones(int(known.sum())),
    )
    fit = normal.solve(added, TERMS, usual=USUAL, usual_weight=USUAL_VEHICLES, scale=np.ones(TERMS))
    return fit.coefficients


def extra_cubic_w(law: Floats, turns: float, sound: float, rated_nm: float) -> float:
    """What a fan takes at 1,000 rpm beyond one that lets go, W; never negative.

    Args:
        law: of `fan_law`.
        turns: its turns over the engine's.
        sound: those of peers whose fans let go.
        rated_nm: the engine's rated torque.
    """
    if not (np.isfinite(turns) and np.isfinite(sound) and rated_nm > 0 and turns > sound):
        return 0.0
    powers = np.arange(TERMS)
    return max(float(law @ (turns**powers - sound**powers)), 0.0) * rated_nm
