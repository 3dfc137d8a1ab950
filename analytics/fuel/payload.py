"""What a vehicle weighs without its load, learnt from the masses it was seen with.

Nothing tells a vehicle's empty mass but that it was driven empty. The lowest mass that it kept for
some kilometres is taken for it, and only where it also drove much heavier: of a vehicle that always
weighs the same nobody knows whether it is full or empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples

    Floats = NDArray[np.float64]

STEADY_SHARE = 0.06
"""Masses this close are the same load: air springs and estimates err by some per cent."""
STEADY_KM = 5.0
"""A mass that was kept for less is an estimate that had not settled [km]."""
LOADED_SHARE = 1.25
"""Who never weighs this much more than his least was not seen loaded, or not empty."""
EMPTY_SHARE = 1.08
"""Up to this much of the empty mass a vehicle is empty: driver, fuel, pallets, and the sensor."""
READ_ROWS = 10
"""Masses come every ten seconds: one row in ten tells them all."""


def empty_mass_kg(mass_kg: Floats, km: Floats) -> float:
    """The lowest steady mass; NaN where the vehicle was not seen both empty and loaded.

    Args:
        mass_kg: (n,) gross combination masses, NaN unknown; of rows, or means of trip parts, from
            as long a time as there is: of weeks in which a vehicle was never empty it is too much.
        km: (n,) how far it drove with each.
    """
    known = (mass_kg > 0) & (km > 0)
    order = np.argsort(mass_kg[known])
    mass, way = mass_kg[known][order], km[known][order]
    driven = np.append(0.0, np.cumsum(way))
    upto = np.searchsorted(mass, mass * (1 + STEADY_SHARE), side="right")
    steady = np.flatnonzero(driven[upto] - driven[:-1] >= STEADY_KM)
    if not len(steady):
        return float("nan")
    lightest, heaviest = steady[0], mass[steady[-1]]
    window = slice(lightest, upto[lightest])
    half = np.searchsorted(np.cumsum(way[window]), way[window].sum() / 2)
    empty = float(mass[window][half])
    return empty if heaviest >= LOADED_SHARE * empty else float("nan")


def empty_mass_of(samples: Samples) -> float:
    """The lowest steady mass among one vehicle's rows [kg], see `empty_mass_kg`."""
    km = np.nan_to_num(samples.speed_km_h * samples.moving)[::READ_ROWS] / 3600
    km *= samples.step_s[::READ_ROWS] * READ_ROWS
    return empty_mass_kg(samples["gross_combination_weight"][::READ_ROWS], km)


def payload_kg(mass_kg: Floats, empty_kg: float) -> Floats:
    """(n,) the load, 0 where the vehicle is empty, NaN where either mass is not known."""
    return np.where(
        mass_kg <= EMPTY_SHARE * empty_kg, 0.0, np.asarray(mass_kg - empty_kg, dtype=np.float64)
    )
