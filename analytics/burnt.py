"""Litres burnt: over spans by the engine's counter and by its rate, each by itself, and by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.counters import rises
from analytics.spans import Spans, added, total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples

COARSE_COUNT_L = 1.0
"""A counter may stand still and then rise by so much [L]: two counts of the coarse one, SAE J1939
SPN 250."""


def counted_litres(samples: Samples, spans: Spans, *, fastest_l_h: float) -> NDArray[np.float64]:
    """(k,) litres by the counter fuel_used_total, which also counts while no data came.

    Before its first reading in a span and after its last the rate has to do, where it is there.
    NaN where there are not two readings, or the counter fell or rose faster than `fastest_l_h`.

    Args:
        samples: one vehicle's rows.
        spans: k of them.
        fastest_l_h: a counter that rises faster than an engine burns has jumped [L/h].
    """
    counter = rises(
        samples["fuel_used_total"],
        samples.time_us,
        spans,
        fastest_h=fastest_l_h,
        count=COARSE_COUNT_L,
    )
    burnt_l = _rows_by_rate(samples)
    counted_l = counter.by + total(burnt_l, counter.before) + total(burnt_l, counter.after)
    return np.where(counter.sound, counted_l, np.nan)


def rated_litres(samples: Samples, spans: Spans, *, least_coverage: float) -> NDArray[np.float64]:
    """(k,) litres by the rate fuel_rate, times the time each row stands for.

    NaN where the rate is known for less than `least_coverage` of the time the engine runs, or the
    engine does not run. What no data came of is not in it.

    Args:
        samples: one vehicle's rows.
        spans: k of them, each of a row at least.
        least_coverage: 0 to 1.
    """
    known = ~np.isnan(samples["fuel_rate"])
    running_s = added(samples.step_s * samples.running, spans)
    told_s = added(samples.step_s * (samples.running & known), spans)
    told = (running_s > 0) & (told_s >= least_coverage * running_s)
    return np.where(told, added(_rows_by_rate(samples), spans), np.nan)


def litres_of_rows(samples: Samples) -> NDArray[np.float64]:
    """(n,) litres burnt in each row's time, NaN where unknown: by the rate, else by the counter."""
    rate = samples["fuel_rate"]
    if not np.isnan(rate).all():
        return rate * samples.step_s / 3600
    counter = samples["fuel_used_total"]
    known = np.flatnonzero(~np.isnan(counter))
    litres = np.full(len(counter), np.nan)
    if len(known) < 2:
        return litres
    burnt = np.diff(counter[known])
    # What burnt between two readings is spread over their rows; a counter that falls was reset.
    rows = np.arange(known[0], known[-1])
    reading = np.searchsorted(known, rows, side="right") - 1
    spread = np.where(burnt >= 0, burnt / np.diff(known), np.nan)
    litres[rows] = spread[reading]
    return litres


def _rows_by_rate(samples: Samples) -> NDArray[np.float64]:
    """(n,) litres of each row's time, 0 where the rate is not known."""
    return np.nan_to_num(samples["fuel_rate"]) * samples.step_s / 3600
