"""The automated gearbox: a gear by engine speed and load, held for a while once chosen."""

import numpy as np
from numpy.typing import NDArray

from simulator.fleet import Parameters
from simulator.state import State

SHIFT_PAUSE_S = 4.0  # least time between two gear changes
RACING = 0.85  # part of the governed speed from which the gearbox shifts up at once
LARGEST_SKIP = 3  # gears skipped at most
# Engine speeds over the map's best one at no load, and what full load adds to them.
UP_AT = (1.12, 0.25)
DOWN_AT = (0.72, 0.12)
AIM = (0.86, 0.12)
# Parts of a late-shifting profile's extra revolutions that move the other two thresholds.
DOWN_EXTRA = 0.6
AIM_EXTRA = 0.7
SETTLED_S = 20.0  # who has kept a gear so long no longer gains speed
LABOURING_LOAD = 0.97  # load at which a truck that loses speed is given a lower gear
LABOURING_SPEED = 1.1  # and engine speed over the best up to which it is


def shift(state: State, p: Parameters, rows: NDArray[np.intp], driving: NDArray[np.bool_]) -> None:
    """Set `state.gear` for the coming second and count `state.gear_age`.

    Args:
        state: n vehicles; speed, load and acceleration of the second before decide.
        p: Their constants.
        rows: `arange(n)`.
        driving: Which of them are under way.
    """
    best, load, gear = p.engines.best_rpm, state.load, state.gear
    # A gear too low is driven while speed is gained; nobody holds it for hours on the motorway,
    # because his last push ended below where he shifts up.
    extra = np.where(p.settles & (state.gear_age >= SETTLED_S), 0.0, p.upshift_extra_rpm)
    down_extra = np.where(p.settles, 0.0, DOWN_EXTRA * p.upshift_extra_rpm)
    rpm_all = state.v[:, None] * p.rpm_per_m_s
    rpm = rpm_all[rows, gear - 1]
    aim = best * (AIM[0] + AIM[1] * load) + AIM_EXTRA * extra
    fit = np.minimum(np.maximum((rpm_all >= aim[:, None]).sum(axis=1), 1), p.top_gear)
    up = rpm > best * (UP_AT[0] + UP_AT[1] * load) + extra
    down = rpm < best * (DOWN_AT[0] + DOWN_AT[1] * load) + down_extra
    labouring = (
        (load > LABOURING_LOAD) & (state.acceleration < -0.03) & (rpm < LABOURING_SPEED * best)
    )
    new = np.where(up, np.maximum(fit, gear), np.where(down, np.minimum(fit, gear), gear))
    new = np.where(labouring, np.minimum(new, gear - 1), new)
    new = np.minimum(np.maximum(new, gear - LARGEST_SKIP), gear + LARGEST_SKIP)
    ready = driving & ((state.gear_age >= SHIFT_PAUSE_S) | (rpm > RACING * p.engines.governed_rpm))
    standing = state.v == 0.0
    new = np.where(ready, np.maximum(new, p.start_gear), gear)
    new = np.where(standing, p.start_gear, new)
    changed = (new != gear) & ~standing
    state.gear_age = np.where(changed, 0.0, state.gear_age + 1.0)
    state.gear = new
