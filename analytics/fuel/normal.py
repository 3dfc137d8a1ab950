"""Least squares by sums that add up: normal equations of days, solved over weeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def cells(terms: int) -> int:
    """Numbers that the sums of so many terms take."""
    return terms * terms + terms + 2


def sums(terms: Floats, target: Floats, weight: Floats) -> Floats:
    """The sums of a fit, (cells,).

    Args:
        terms: (t, n) what the target is made of.
        target: (n,).
        weight: (n,) how much each row counts.
    """
    weighted = terms * weight
    return np.concatenate(
        [
            (weighted @ terms.T).ravel(),
            weighted @ target,
            [float(weight @ (target * target)), float(weight.sum())],
        ]
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fit:
    """A solved fit.

    Attributes:
        coefficients: (t,).
        deviation: root mean square of what is left of the target.
        weight: of all rows.
    """

    coefficients: Floats
    deviation: float
    weight: float


def solve(added: Floats, terms: int, *, usual: Floats, usual_weight: float, scale: Floats) -> Fit:
    """Solve added sums; where rows say little, the usual coefficients hold.

    Args:
        added: (cells,) sums.
        terms: how many terms.
        usual: (t,) coefficients nobody contradicts.
        usual_weight: so much weight of rows counts as much as they.
        scale: (t,) typical size of each term: what `usual_weight` rows of it would weigh.
    """
    gram = added[: terms * terms].reshape(terms, terms)
    moment = added[terms * terms : terms * terms + terms]
    squares, weight = added[-2:]
    ridge = np.diag(usual_weight * scale * scale)
    solved = np.asarray(np.linalg.solve(gram + ridge, moment + ridge @ usual), dtype=np.float64)
    left = max(squares - 2 * solved @ moment + solved @ gram @ solved, 0.0)
    deviation = float(np.sqrt(left / weight)) if weight > 0 else float("nan")
    return Fit(coefficients=solved, deviation=deviation, weight=float(weight))
