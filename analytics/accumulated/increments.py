"""What a span of rows adds to a vehicle's counters: each row's time, distance and fuel, by class.

A row's whole step counts for the span its time lies in, and in the classes of the row's own values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.accumulated.classes import JUDGES
from analytics.accumulated.layout import COUNT, FIELDS, LAYOUT, PLACES, USE, Vector, block, select
from analytics.accumulated.rows import Floats, Mask, brake, rows_of
from analytics.samples import SampleRules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples

CONTEXT_S = 2 * SampleRules().reach_s
"""Rows so long before and after a span are read with it [s]: what is believed of its own first and
last ones depends on them. A row that comes late within so much of midnight changes two days."""

PRESS_S = 60.0
"""A brake pedal last seen up so long ago has gone down once, when it is seen down [s]; longer ago,
nobody knows how often."""


def increments(samples: Samples, start_us: int, stop_us: int) -> Vector:
    """What the rows from `start_us` to before `stop_us` add to each counter of LAYOUT.

    Over adjoining spans of the same rows the increments add up exactly.

    Args:
        samples: one vehicle's rows, with those of CONTEXT_S before and after the span.
        start_us: first instant, microseconds since 1970.
        stop_us: the instant after the last.

    Returns:
        (len(LAYOUT),) seconds, metres, millilitres or counts. Time in which a field's signal is
        absent is in none of its classes.
    """
    vector = np.zeros(len(LAYOUT))
    first, stop = np.searchsorted(samples.time_us, (start_us, stop_us)).tolist()
    if first >= stop:
        return vector
    rows = rows_of(samples, slice(first, stop))
    seconds, metres, millilitres = rows.use
    totals = np.concatenate((np.zeros((3, 1)), np.cumsum(rows.use, axis=1)), axis=1)
    for judge, fields in JUDGES:
        known, classes = judge(rows)
        edges, each = _runs(classes)
        known_s = seconds[known].sum()
        for field in fields:
            _add(block(vector, field), totals[_COLUMNS[field]][:, edges], each)
            vector[PLACES[f"known/{field}"]] = known_s
    known, pressed = _brake_presses(samples, first, stop)
    presses = select(vector, "brakePedalCounterSpeedOverZero", COUNT)
    presses[0] = np.count_nonzero(pressed & rows.moving)
    vector[PLACES["known/brakePedalCounterSpeedOverZero"]] = seconds[known & rows.moving].sum()
    in_use = rows.moving | rows.running
    vector[PLACES["all/engine"]] = seconds[rows.running].sum()
    vector[PLACES["all/distance"]] = metres[in_use].sum()
    vector[PLACES["all/fuel"]] = millilitres[in_use].sum()
    vector[PLACES["known/engine"]] = seconds[rows.engine_known].sum()
    vector[PLACES["known/distance"]] = seconds[in_use & rows.known_use[1]].sum()
    vector[PLACES["known/fuel"]] = seconds[in_use & rows.known_use[2]].sum()
    return vector


_COLUMNS = {
    field.name: [USE.index(unit) for unit in field.units]
    for field in FIELDS
    if COUNT not in field.units
}
"""Which of time, distance and fuel a field counts."""


def _runs(classes: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where runs of rows of one class begin, with the end; and the class of each."""
    edges = np.flatnonzero(classes[1:] != classes[:-1]) + 1
    edges = np.concatenate(([0], edges, [len(classes)]))
    return edges, classes[edges[:-1]]


def _add(cells: Vector, totals: Floats, classes: NDArray[np.intp]) -> None:
    """Put each run's amounts in its class.

    Running totals of whole grains are exact, so that a run's amount is the difference of two of
    them: several times faster than adding row by row.

    Args:
        cells: (classes, units) to write.
        totals: (units, runs + 1) the running totals at the edges of runs.
        classes: (runs,) the class of each, -1 for none.
    """
    for column, amounts in enumerate(np.diff(totals, axis=1)):
        # The class -1 becomes the first bin, which is thrown away.
        cells[:, column] = np.bincount(classes + 1, amounts, len(cells) + 1)[1:]


def _brake_presses(samples: Samples, first: int, stop: int) -> tuple[Mask, Mask]:
    """Rows of the span where the brake pedal's state is known, and where it goes down.

    It goes down where the last state known, at most PRESS_S before, was up.
    """
    hold_us = round(PRESS_S * 1e6)
    begin = int(np.searchsorted(samples.time_us, samples.time_us[first] - hold_us))
    known, down = brake(samples, slice(begin, stop))
    last = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
    before = np.concatenate(([-1], last[:-1]))
    time_us = samples.time_us[begin:stop]
    fresh = (before >= 0) & (time_us - time_us[before] <= hold_us)
    pressed = down & fresh & ~down[before]
    return known[first - begin :], pressed[first - begin :]
