"""Where a tank's level stepped at a stand, by the stand's own levels and by those of the road.

A stand is no witness of its slope, and the road sloshes: a fall must show in both, a rise in either
where the other does not tell.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.tank_steps import LONG, SETTLED, SHORT, SURE, Step, steps_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.tank_level import Tank

    Floats = NDArray[np.float64]
    Rows = NDArray[np.intp]


AGAIN_SHARE = 0.1
"""A level that comes back to so near where it was, of its way, was never away."""
DISTURBED_SHARE = 0.3
"""A fall with a rise beside it that is more than this of it is no fall: a gauge was disturbed."""
MOSTLY_SHARE = 0.5
"""A step was in the gap over which more than this of it shows."""


def stand_steps(tank: Tank) -> list[Step]:
    """Every step at a stand that the road does not contradict, by time."""
    inner = [_inner(tank, number) for number in range(len(tank.stands))]
    stepped = np.array([bool(steps) for steps in inner], dtype=np.bool_)
    found: list[Step] = []
    for number, steps in enumerate(inner):
        confirmed = _confirmed(tank, number, steps, stepped)
        if found and confirmed and _seen_twice(tank, found[-1], confirmed[0], stepped):
            found[-1] = _as_one(tank, found[-1], confirmed[0])
        else:
            found += confirmed
    return sorted(found, key=lambda step: step.start_us)


def _inner(tank: Tank, number: int) -> list[Step]:
    """Steps by the stand's own readings; what falls back at once is none."""
    rows = tank.rows_of(number)
    steps = steps_in(
        tank.trail,
        tank.left_l,
        rows,
        number,
        tank.noise,
        tank.rules.least_share / 2 * tank.trail.size_l,
    ) or _slowly(tank, number, rows)
    kept: list[Step] = []
    for step in steps:
        last = kept.pop() if kept else None
        if last is None or last.litres * step.litres > 0:
            kept += [step] if last is None else [last, step]
        else:
            kept += _there_and_back(tank, last, step)
    return kept


def _slowly(tank: Tank, number: int, rows: Rows) -> list[Step]:
    """A level that fell over a whole stand, too slowly for a step."""
    if len(rows) < 2 * SETTLED:
        return []
    begin, end = rows[:SETTLED], rows[-SETTLED:]
    litres = tank.middle_l(end) - tank.middle_l(begin)
    lasts_us = int(tank.trail.start_us[end[0]] - tank.trail.end_us[begin[-1]])
    if -litres <= tank.least_l or lasts_us < tank.rules.leak_h * 3.6e9:
        return []
    return [
        Step(
            stand=number,
            start_us=int(tank.trail.end_us[begin[-1]]),
            end_us=int(tank.trail.start_us[end[0]]),
            before=int(begin[-1]),
            after=int(end[0]),
            lasts_s=lasts_us / 1e6,
            litres=litres,
            sigma_l=tank.noise.stand,
            level_l=float(np.median(tank.trail.level_l[begin])),
        )
    ]


def _there_and_back(tank: Tank, one: Step, other: Step) -> list[Step]:
    """What is left of two steps the opposite way, one after the other at the same stand."""
    rest = one.litres + other.litres
    if abs(rest) <= max(SURE * tank.noise.still, AGAIN_SHARE * abs(one.litres)):
        return []  # away and back: a loose wire, a tilted cab
    if other.start_us - one.end_us > tank.rules.settle_s * 1e6:
        return [one, other]
    # So soon after each other they are one: a tank ran into the other, or a gauge was disturbed.
    small = min(abs(one.litres), abs(other.litres))
    if rest < 0 and small > DISTURBED_SHARE * max(abs(one.litres), abs(other.litres)):
        return []
    return [
        replace(
            other,
            start_us=min(one.start_us, other.start_us),
            end_us=max(one.end_us, other.end_us),
            before=min(one.before, other.before),
            after=max(one.after, other.after),
            level_l=one.level_l,
            lasts_s=one.lasts_s + other.lasts_s,
            litres=rest,
        )
    ]


def _around(tank: Tank, number: int, stepped: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Up to twice LONG readings before a stand and after it, as far as no other step is near.

    Those of driving where there are enough.
    """
    first, stop = int(tank.stands.first[number]), int(tank.stands.stop[number])
    other = np.flatnonzero(stepped)
    before, after = other[other < number], other[other > number]
    low = int(tank.stands.stop[before[-1]]) if len(before) else 0
    high = int(tank.stands.first[after[0]]) if len(after) else len(tank.trail)
    return tank.driving(low, first)[-2 * LONG :], tank.driving(stop, high)[: 2 * LONG]


def _sigma(tank: Tank, *counts: int) -> float:
    return tank.noise.long if min(counts) >= LONG else tank.noise.short


def _confirmed(
    tank: Tank, number: int, steps: list[Step], stepped: NDArray[np.bool_]
) -> list[Step]:
    """The steps that levels while driving there and away do not contradict.

    Where the stand itself tells nothing, because nothing came before or after its gap, or the
    level lags, the step is what they differ by.
    """
    before, after = _around(tank, number, stepped)
    if min(len(before), len(after)) < SHORT:
        return steps
    early, before = before[:-LONG], before[-LONG:]
    late, after = after[LONG:], after[:LONG]
    near, far = [before], [after]
    near += [early] if len(early) >= SHORT else []
    far += [late] if len(late) >= SHORT else []
    nets = np.subtract.outer(_levels(tank, far), _levels(tank, near))
    sigma = _sigma(tank, len(before), len(after))
    if steps:
        return _witnessed(tank, steps, nets, sigma)
    net = float(nets[0, 0])
    least = SURE * sigma + (tank.rules.filled_share * tank.trail.size_l if net > 0 else 0.0)
    if abs(net) <= max(least, tank.least_l) or not _may_differ(tank, number, net):
        return []
    step = Step(
        stand=number,
        start_us=int(tank.start_us[number]),
        end_us=int(tank.end_us[number]),
        before=int(before[-1]),
        after=int(after[0]),
        lasts_s=float(tank.end_us[number] - tank.start_us[number]) / 1e6,
        litres=net,
        sigma_l=sigma,
        level_l=float(tank.trail.level_l[before[-1]]),
    )
    return [_timed(tank, step, number)]


def _seen_twice(tank: Tank, one: Step, other: Step, stepped: NDArray[np.bool_]) -> bool:
    """Two stands that tell nothing themselves show the same step.

    Between them lies a gap in which the vehicle moved, or a drive that is too short to tell: the
    levels before the one and after the other are those of both.
    """
    if stepped[one.stand] or stepped[other.stand] or one.litres * other.litres <= 0:
        return False
    between = tank.rows(int(tank.stands.stop[one.stand]), int(tank.stands.first[other.stand]))
    return int(np.count_nonzero(~tank.standing[between])) <= LONG // 2


def _as_one(tank: Tank, one: Step, other: Step) -> Step:
    """A step that two stands show: no more of it than either does."""
    return _timed(
        tank,
        replace(
            one,
            after=other.after,
            litres=min(one.litres, other.litres, key=abs),
            sigma_l=max(one.sigma_l, other.sigma_l),
        ),
        other.stand,
    )


def _timed(tank: Tank, step: Step, last: int) -> Step:
    """A step of the road's levels with its time.

    It was in the gap over which most of it shows; else somewhere from the stand it began at to the
    end of the last one, and in the gaps beside them, for nobody knows what happened there.
    """
    trail = tank.trail
    first, stop = int(tank.stands.first[step.stand]), int(tank.stands.stop[last])
    start_us, end_us = int(tank.start_us[step.stand]), int(tank.end_us[last])
    if first > 0 and trail.gap[first]:
        start_us = min(start_us, int(trail.end_us[first - 1]))
    if stop < len(trail) and trail.gap[stop]:
        end_us = max(end_us, int(trail.start_us[stop]))
    timed = replace(
        step,
        start_us=start_us,
        end_us=end_us,
        lasts_s=(end_us - start_us) / 1e6,
        around_us=end_us - start_us,
    )
    rows = tank.rows(step.before, step.after + 1)
    gaps = np.cumsum(trail.gap)[rows]
    shown = np.where(np.diff(gaps) > 0, np.sign(step.litres) * np.diff(tank.left_l[rows]), 0.0)
    most = int(np.argmax(shown))
    if shown[most] <= MOSTLY_SHARE * abs(step.litres):
        return timed
    return replace(
        timed,
        start_us=int(trail.end_us[rows[most]]),
        end_us=int(trail.start_us[rows[most + 1]]),
    )


def _levels(tank: Tank, windows: list[Rows]) -> Floats:
    return np.array([np.median(tank.left_l[rows]) for rows in windows])


def _witnessed(tank: Tank, steps: list[Step], nets: Floats, sigma: float) -> list[Step]:
    """The steps, less those that driving away takes back: the slope the vehicle stood on.

    A gauge that lags shows the rest of a step only on the road, and nobody knows when it was.

    Args:
        tank: the tank.
        steps: of one stand.
        nets: (1 or 2, 1 or 2) what levels after the stand, soon and later, differ from those
            before it, just then and earlier.
        sigma: of such a difference.
    """
    rules, total = tank.rules, sum(step.litres for step in steps)
    kept = []
    for step in steps:
        size = abs(step.litres)
        # A fall must show in all of them; a rise in the later ones, when gauges have come up.
        net = nets.max() if step.litres < 0 else nets[-1].min()
        against = np.sign(step.litres) * (total - net)
        doubt = max(rules.against_share * size, min(2 * sigma, 0.9 * size))
        unseen = len(steps) == 1 and step.litres < 0 and -net < rules.witness * sigma
        if against <= doubt and not unseen:
            kept.append(_surer(tank, step, net, sigma) if len(steps) == 1 else step)
    if len(steps) > 1 or not kept:
        return kept
    (step,), lagged = kept, float(nets[-1, 0])
    if np.sign(step.litres) * (nets[0, 0] - step.litres) <= 3 * np.hypot(sigma, step.sigma_l):
        return kept
    return [
        replace(
            step,
            litres=lagged,
            sigma_l=float(sigma),
            before=max(int(tank.stands.first[step.stand]) - 1, 0),
            start_us=min(int(tank.start_us[step.stand]), step.start_us),
            end_us=max(int(tank.end_us[step.stand]), step.end_us),
        )
    ]


def _surer(tank: Tank, step: Step, net: float, sigma: float) -> Step:
    """A step that the road shows as well as the stand is as sure as the road is, at least."""
    rules, size = tank.rules, abs(step.litres)
    shown = np.sign(step.litres) * net
    if shown < max(rules.doubly_sure * sigma, rules.doubly_share * size):
        return step
    return replace(step, sigma_l=float(min(step.sigma_l, sigma)))


def _may_differ(tank: Tank, number: int, net: float) -> bool:
    """A stand without a step of its own may have one: always a rise, for levels may lag.

    A fall only where the stand was not watched: a gap with readings on one side at the most.
    """
    first, stop = int(tank.stands.first[number]), int(tank.stands.stop[number])
    rows = tank.rows(first, stop)
    gaps = np.flatnonzero(tank.trail.gap[first : stop + 1]) + first
    if net > 0:
        return True
    return len(gaps) > 0 and any(not (rows < gap).any() or not (rows >= gap).any() for gap in gaps)
