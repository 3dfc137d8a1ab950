"""The air system: a compressor fills the circuits between two pressures, brakes empty them."""

import numpy as np

from simulator.thermal import STEP_S
from simulator.vehicle import Floats

CUT_IN_KPA = 870.0  # compressor starts
CUT_OUT_KPA = 1040.0  # compressor stops (ECE R13 systems of 10 bar and a little)
FILL_KPA_S = 3.2  # gain of pressure while the compressor pumps
BRAKE_KPA_S = 1.5  # loss of pressure with the brake pressed
SUSPENSION_KPA_S = 0.12  # loss to air suspension and gearbox under way
LEAK_KPA_S = 0.004  # loss of a parked truck


def fill(
    running: Floats, braking: Floats, moving: Floats, pressure: Floats, pumping: Floats
) -> tuple[Floats, Floats]:
    """Supply pressure (kPa) and the compressor's share of each step.

    Args:
        running: Share of each ten-second step with the engine on, (steps, n).
        braking: Share with the brake pressed, (steps, n).
        moving: Share under way, (steps, n).
        pressure: At the beginning, kPa, (n,).
        pumping: 1 where the compressor was pumping, (n,).

    Returns:
        Two arrays (steps + 1, n): pressure and pumping at the beginning of each step.
    """
    loss = LEAK_KPA_S + SUSPENSION_KPA_S * moving + BRAKE_KPA_S * braking
    pressures = np.empty((len(running) + 1, len(pressure)))
    pumps = np.empty_like(pressures)
    pressures[0], pumps[0] = pressure, pumping
    for k in range(len(running)):
        pumps[k + 1] = np.where(
            pressures[k] < CUT_IN_KPA, 1.0, np.where(pressures[k] > CUT_OUT_KPA, 0.0, pumps[k])
        ) * (running[k] > 0.5)
        gain = FILL_KPA_S * pumps[k + 1] - loss[k]
        pressures[k + 1] = np.maximum(pressures[k] + STEP_S * gain, 0.0)
    return pressures, pumps


def leaked(pressure: Floats, seconds: Floats) -> Floats:
    """Pressure left after standing for `seconds`, kPa."""
    return np.asarray(np.maximum(pressure - LEAK_KPA_S * seconds, 0.0))
