"""The same way driven otherwise: speeds along it with one habit changed.

A trace is the speed at the end of every step of a `Drive`, m/s, (n,); ways stay, times follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d

from analytics.spans import runs

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
HARSH_M_S2 = 2.5  # m/s²; harder braking is an emergency, after which speed is taken up again
HARSH_FROM_M_S = 8.0  # m/s; from below it costs next to nothing
RECOVERED = 0.85  # part of the speed before, from which the emergency is over
RECOVERY_S = 120.0  # s; later it is another speed for another reason
HALT_S = 5.0  # s; who stands longer had to stop
HINDERED = 0.3  # part of the posted speed; who drives slower does not choose his speed
EASED_ROWS = 9  # rows over which one chosen speed passes into another
SOON_S = 20.0  # s; who goes as fast as before only later was held up by something
SWAYS_M_S = 1.0  # m/s; traffic and slopes move a speed by less that cruise control keeps
AS_FAST_M_S = 0.7  # m/s; by so much a speed may differ and be the same
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
    hard = (drive.acceleration_m_s2 < -HARSH_M_S2) & (drive.before_m_s > HARSH_FROM_M_S)
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


def swayed(drive: Drive) -> Mask:
    """Steps of slowing by foot on the open road after which the vehicle soon goes as fast again.

    A foot that wanders brakes and pulls in turn; cruise control keeps the speed. Emergencies are
    left out: nobody brakes so hard for having gone too fast.
    """
    slowing = (
        (drive.dt_s > 0)
        & (drive.speed_m_s > CRUISE_FROM_M_S)
        & (drive.braking | (drive.torque_nm < 0))
    )
    found = np.zeros(len(drive), dtype=np.bool_)
    clock = np.cumsum(drive.dt_s)
    spans = runs(slowing)
    for first, stop in zip(spans.first.tolist(), spans.stop.tolist(), strict=True):
        end = int(np.searchsorted(clock, clock[stop - 1] + SOON_S, side="right"))
        before, later = drive.before_m_s[first], drive.speed_m_s[stop:end]
        found[first:stop] = (
            not drive.cruise[max(first - 1, 0)]
            and float(drive.speed_m_s[first:stop].min()) < before - SWAYS_M_S
            and float(drive.acceleration_m_s2[first:stop].min()) > -HARSH_M_S2
            and bool((drive.dt_s[stop:end] > 0).all())
            and bool((later >= before - AS_FAST_M_S).any())
        )
    return found
