"""The same way driven otherwise: speeds along it with one habit changed.

A trace is the speed at the end of every step of a `Drive`, m/s, (n,); ways stay, times follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

UNHINDERED_M_S = 100.0  # m/s; faster than any vehicle
APART_M = 1e7  # m; rows that no step joins are so far apart: nothing brakes for what lies beyond
FORESIGHT_M_S2 = 0.25  # m/s²; a laden truck that rolls in gear slows by about so much (FIELD)
CALM_BRAKING_M_S2 = 0.8  # m/s²; braking within this warms no lining (comfort limit of buses: 1.0)
CALM_PULL_M_S2 = 0.6  # m/s²; a laden truck that is not driven at full load gains no more
# A lorry's emergency stop signal may not flash below 4 m/s² (UN R13); the second in which braking
# sets in has less. Who brakes less hard is late for what the road asks: the bend stays.
EMERGENCY_M_S2 = 3.5
EMERGENCY_FROM_M_S = 8.0  # m/s; from below it costs next to nothing
RECOVERED = 0.85  # part of the speed before, from which the emergency is over
RECOVERY_S = 120.0  # s; later it is another speed for another reason
HALT_S = 5.0  # s; who stands longer had to stop
HINDERED = 0.3  # part of the posted speed; who drives slower does not choose his speed
EASED_ROWS = 9  # rows over which one chosen speed passes into another
HELD_OVER_M = 600.0  # m; within it a foot comes back to the speed that it was to hold
NEARLY_ALL = 0.9  # part of that way which must be driven freely for its mean to be the speed held
# A mean speed that changes by more than this over that way, m/s, is asked for by something, unless
# the speed strays from it so far that the mean strays, too; a step changes it by 2.6 times as much.
ASKED_M_S = 1.0
ASKED_SPREADS = 2.4
SUDDEN_M_S2 = 2.5  # m/s²; a foot that wanders brakes less hard
CRUISE_FROM_M_S = 15.0  # m/s; cruise control is for roads on which one drives faster


def along(drive: Drive) -> Floats:
    """Where each step ends, m, with what cannot be followed far apart."""
    breaks = np.where(drive.dt_s > 0, 0.0, APART_M)
    return np.cumsum(drive.way_m + breaks)


def usual_step_s(drive: Drive) -> float:
    """The time between rows, s."""
    followed = drive.dt_s[drive.dt_s > 0]
    return float(np.median(followed)) if len(followed) else 1.0


def envelope(at_m: Floats, speed: Floats, deceleration: float) -> Floats:
    """The greatest speed from which every later one can be met at this deceleration."""
    slope = 2 * deceleration * at_m
    reach = np.minimum.accumulate((speed * speed + slope)[::-1])[::-1] - slope
    return np.sqrt(np.maximum(reach, 0.0))


def taken_up(at_m: Floats, speed: Floats, acceleration: float) -> Floats:
    """The greatest speed that can be taken up from every earlier one at this acceleration."""
    slope = 2 * acceleration * at_m
    reach = np.minimum.accumulate(speed * speed - slope) + slope
    return np.sqrt(np.maximum(reach, 0.0))


def without_emergencies(drive: Drive) -> Floats:
    """Speeds without sudden brakings after which the vehicle goes on as before."""
    speed = drive.speed_m_s
    hard = (drive.acceleration_m_s2 < -EMERGENCY_M_S2) & (drive.before_m_s > EMERGENCY_FROM_M_S)
    rows = np.flatnonzero(hard)
    if len(rows) == 0:
        return speed
    filled = speed.copy()
    clock = np.cumsum(drive.dt_s)
    standing = np.cumsum(np.where(drive.moving, 0.0, drive.dt_s))
    done = -1
    for row in rows.tolist():
        if row <= done:
            continue
        # A braking begins before it is hard.
        first = row
        while first > 0 and drive.acceleration_m_s2[first - 1] < -0.5:
            first -= 1
        before = drive.before_m_s[first]
        stop = int(np.searchsorted(clock, clock[first] + RECOVERY_S))
        later = np.flatnonzero(speed[row + 1 : stop] >= RECOVERED * before)
        if len(later) == 0:
            continue
        end = row + 1 + int(later[0])
        if standing[end] - standing[first] > HALT_S or (drive.dt_s[first : end + 1] <= 0).any():
            continue
        way = np.cumsum(drive.way_m[first : end + 1])
        part = way / max(way[-1], 1e-6)
        filled[first : end + 1] = before + (speed[end] - before) * part
        done = end
    return filled


def calmly(at_m: Floats, filled: Floats) -> Floats:
    """Speeds without harsh braking and pulling away."""
    calm = envelope(at_m, filled, CALM_BRAKING_M_S2)
    # Who stands starts anew: nothing earlier is too slow for what he takes up.
    return np.minimum(filled, taken_up(at_m, calm, CALM_PULL_M_S2))


def with_foresight(drive: Drive, at_m: Floats, filled: Floats, rolling_m_s2: Floats) -> Floats:
    """Speeds of who lifts the foot where rolling on meets the next slower place.

    From there the vehicle rolls in gear as road and air let it: downhill it hardly slows, and is
    braked in the end; where it would slow by more than was foreseen, the foot keeps it at that.

    Args:
        drive: the steps.
        at_m: where they end, of `along`.
        filled: speeds without emergencies, which nobody can foresee.
        rolling_m_s2: by how much the rolling vehicle slows there.
    """
    speed = drive.speed_m_s
    # Who pulls and yet slows climbs, or changes gear: he has not chosen to be slow.
    chosen = ~(drive.torque_nm > 0) | ~drive.moving
    meets = envelope(at_m, np.where(chosen, filled, UNHINDERED_M_S), FORESIGHT_M_S2)
    # The last row before in which there was nothing to slow down for: there the foot is lifted.
    rows = np.arange(len(speed))
    lifted = np.maximum.accumulate(np.where(speed <= meets, rows, 0))
    spent = np.cumsum(rolling_m_s2 * drive.way_m)
    rolled = speed[lifted] ** 2 - 2 * (spent - spent[lifted])
    return np.minimum(speed, np.maximum(meets, np.sqrt(np.maximum(rolled, 0.0))))


def slower(drive: Drive, factor: Floats) -> Floats:
    """Speeds of who chooses this part, (n,), of the speed where nothing but the limit holds him.

    Whoever drives slower drives all of it slower, also up to the chosen speed and down from it;
    below a third of the posted speed, others decide.
    """
    share = np.clip(drive.speed_m_s / np.where(drive.limit_m_s > 0, drive.limit_m_s, np.inf), 0, 1)
    free = np.clip((share - HINDERED) / HINDERED, 0.0, 1.0)
    eased = uniform_filter1d(1.0 - (1.0 - factor) * free, EASED_ROWS)
    return np.asarray(drive.speed_m_s * eased, dtype=np.float64)


def held(drive: Drive, steady: tuple[Floats, Floats], where: Mask) -> Floats:
    """Speeds of who holds, wherever he drove steadily, the mean speed he drove there.

    A foot wanders, and brakes and pulls in turn; cruise control does so hardly.

    Args:
        drive: the steps.
        steady: of `steadily`.
        where: steps that are driven otherwise, (n,).
    """
    mean, part = steady
    return np.asarray(drive.speed_m_s + where * part * (mean - drive.speed_m_s))


def steadily(drive: Drive, at_m: Floats, filled: Floats) -> tuple[Floats, Floats]:
    """Where a speed is held on the open road, well or badly, and which one.

    Where the mean itself changes, the road or others ask for it, and around an emergency nobody
    holds a speed.

    Returns:
        The mean speed around each step, m/s, and how far that is a speed to be held, 0 to 1.
    """
    speed = drive.speed_m_s
    free = (speed > CRUISE_FROM_M_S) & (drive.dt_s > 0)
    sudden = (drive.acceleration_m_s2 < -SUDDEN_M_S2) | (filled != speed)
    way_m = np.where(free, drive.way_m, 0.0)
    around = _window(at_m, HELD_OVER_M)
    way_around = _sum(way_m, around)
    whole = free & (way_around > NEARLY_ALL * HELD_OVER_M) & (_sum(sudden, around) == 0)
    mean = speed
    for _ in range(2):  # The mean of means has no corners.
        sums = _sum(way_m * mean, around)
        mean = np.divide(sums, way_around, out=speed.copy(), where=whole)
    strayed = _sum(way_m * (speed - mean) ** 2, around)
    spread = np.sqrt(np.divide(strayed, way_around, out=np.zeros(len(speed)), where=whole))
    first, stop = around
    asked = np.maximum(ASKED_M_S, ASKED_SPREADS * spread)
    steady = whole & (np.abs(mean[stop - 1] - mean[first]) < asked)
    near = _window(at_m, HELD_OVER_M / 2)
    part = np.divide(
        _sum(way_m * steady, near), _sum(way_m, near), out=np.zeros(len(speed)), where=free
    )
    return mean, np.where(free, np.clip(2 * part - 1, 0.0, 1.0), 0.0)


def _window(at_m: Floats, length_m: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """By step the first that ends within half the length before it, and past the last after it."""
    first = np.searchsorted(at_m, at_m - length_m / 2)
    return first, np.searchsorted(at_m, at_m + length_m / 2, side="right")


def _sum(values: Floats | Mask, window: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(sums[window[1]] - sums[window[0]])
