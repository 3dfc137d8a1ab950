"""Where the fuel went that a good driver would not have burnt: litres by part of a trip and cause.

A cause's litres are what changing it alone would save, measured as `excess` does. Causes overlap
little and are added up as they are: together they are the part's excess. `rest` is what was burnt
beyond what the vehicle's own model explains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.fuel.drive import drive_of
from analytics.fuel.excess import Excess
from analytics.fuel.uncertainty import interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from analytics.fuel.calibration import Calibration
    from analytics.fuel.drive import Drive
    from analytics.fuel.reference import Peers
    from analytics.samples import Samples

    Floats = NDArray[np.float64]

CAUSES = (
    "idling",
    "speed",
    "harsh",
    "gears",
    "coasting",
    "cruise",
    "tyres",
    "auxiliary",
    "fault",
    "rest",
)
"""What excess comes from; the last is what none of the others explains."""

COLUMNS = ("part_start", "cause", "litres", "low_l", "high_l")


def attribute(
    samples: Samples,
    calibration: Calibration,
    peers: Peers,
    parts: pd.DataFrame,
    *,
    baseline: Calibration | None = None,
    vehicle_class: str = "heavy_truck",
) -> pd.DataFrame:
    """Split each part's excess over good driving into causes.

    Args:
        samples: of `analytics.fuel.signals.fuel_samples`.
        calibration: what the vehicle is, learnt from the weeks that end with these rows.
        peers: what good driving is, `Reference.of` its model and class.
        parts: with part_start and end_time, UTC.
        baseline: the same vehicle in weeks before; None: nothing is known of them.
        vehicle_class: of which the usual is, where the vehicle does not tell.

    Returns:
        A row a part and cause, in the order of CAUSES: COLUMNS, litres with the interval in which
        they lie at 90 %. Litres are never negative, and add up to the part's excess.
    """
    drive = drive_of(samples, vehicle_class=vehicle_class)
    part = part_of(drive, parts)
    count = len(parts)
    excess = Excess(drive, calibration, peers, baseline)
    steps = excess.litres()
    fuel = _by_part(drive.fuel_l, part, count)
    litres = {name: _by_part(steps[name], part, count) for name in CAUSES}
    ends = {
        name: interval(
            name,
            litres[name],
            fuel,
            learnt=calibration.learnt,
            certain=excess.certain_part(name),
        )
        for name in CAUSES
    }
    return pd.DataFrame(
        {
            "part_start": np.repeat(parts["part_start"].to_numpy(), len(CAUSES)),
            "cause": np.tile(np.array(CAUSES, dtype=object), count),
            "litres": _rows(litres[name] for name in CAUSES),
            "low_l": _rows(ends[name][0] for name in CAUSES),
            "high_l": _rows(ends[name][1] for name in CAUSES),
        },
        columns=list(COLUMNS),
    )


def _rows(columns: Iterable[Floats]) -> Floats:
    """Columns by cause as one, a part after the other."""
    return np.stack(list(columns), axis=1).ravel()


def _by_part(litres: Floats, part: NDArray[np.intp], count: int) -> Floats:
    """Sums of each part, none below nothing; what a habit saved on some is taken off the others.

    Who pulls away hard saves time, and so what the running engine takes: cutting such parts off
    alone would leave a cost where there is none in all.
    """
    sums = np.bincount(part, litres, count + 1)[:count]
    costly = np.maximum(sums, 0.0)
    left = max(float(sums.sum()), 0.0)
    return costly * (left / costly.sum()) if left > 0 else np.zeros(count)


def part_of(drive: Drive, parts: pd.DataFrame) -> NDArray[np.intp]:
    """Which part each step belongs to; the number of parts where to none."""
    starts = _us(parts["part_start"])
    ends = _us(parts["end_time"])
    order = np.argsort(starts)
    at = np.searchsorted(starts[order], drive.time_us, side="right") - 1
    number = order[np.maximum(at, 0)] if len(parts) else np.zeros(len(drive), dtype=np.intp)
    inside = (at >= 0) & (drive.time_us <= ends[number]) if len(parts) else np.zeros(0, bool)
    return np.where(inside, number, len(parts)) if len(parts) else np.zeros(len(drive), np.intp)


def _us(times: pd.Series) -> NDArray[np.int64]:
    return pd.DatetimeIndex(times).as_unit("us").asi8
