"""What auxiliaries take at idle: the torque that friction does not explain.

Torque (SPN 513) and friction (SPN 514) are told on two scales that need not agree, and a friction
told a twentieth too low looks like an auxiliary. A cold engine rubs more while its auxiliaries take
the same; so bands of coolant temperature tell the scales apart: P_torque = k·P_friction + P_aux.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import minimum_filter1d

from analytics.fuel.physics import RAD_S_PER_RPM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive

    Floats = NDArray[np.float64]

AT_REST_ROWS = 4
"""Rows before and after that must stand, too."""

COOLANT_BAND_C = 10.0  # K; friction hardly changes within
COOLANT_BANDS = 11  # from below 10 °C to above 90; the last is of an engine that does not tell
SUMS = ("idle_s", "indicated_ws", "friction_ws", "rpm_s", "beside_w2s")
CELLS = len(SUMS) * COOLANT_BANDS

LEAST_S = 30.0  # s; less tells nothing of the auxiliaries
LEAST_RPM = 300.0  # rpm; no engine idles slower
USUAL_W = 3_500.0  # W; alternator, pumps, compressor of a heavy truck (VECTO: 3 to 5 kW)
USUAL_RPM = 600.0  # rpm
SCALES_DIFFER = 0.1  # standard deviation of k from 1 before anything was seen (ours)
MOST_DIFFER = 0.25  # beyond, it is no scale


@dataclass(frozen=True, kw_only=True, slots=True)
class AtIdle:
    """An engine at idle.

    Attributes:
        beside_friction_w: its power beside the friction it tells of, W.
        auxiliary_w: its power beside friction on torque's own scale, W.
        rpm: its speed.
        seconds: how long it was seen; 0: too short, and what is usual stands here.
    """

    beside_friction_w: float
    auxiliary_w: float
    rpm: float
    seconds: float


def idle_sums(drive: Drive, coolant_c: Floats) -> Floats:
    """Sums of the engine at idle with nothing to drive, by coolant temperature, (CELLS,)."""
    resting = drive.running & ~drive.moving & ~drive.pto & (drive.dt_s > 0)
    # Who has just stopped or is about to pull away is not at rest.
    resting = minimum_filter1d(resting.astype(np.uint8), 2 * AT_REST_ROWS + 1, mode="nearest") == 1
    idle = resting & np.isfinite(drive.torque_nm)
    omega = drive.rpm[idle] * RAD_S_PER_RPM
    beside_w = drive.torque_nm[idle] * omega
    friction_w = np.nan_to_num(drive.friction_nm[idle]) * omega
    warm = np.clip(np.nan_to_num(coolant_c[idle]) / COOLANT_BAND_C, 0, COOLANT_BANDS - 2)
    band = np.where(np.isfinite(coolant_c[idle]), warm, COOLANT_BANDS - 1).astype(np.intp)
    each = (1.0, beside_w + friction_w, friction_w, drive.rpm[idle], beside_w * beside_w)
    return np.concatenate(
        [np.bincount(band, drive.dt_s[idle] * value, COOLANT_BANDS) for value in each]
    )


def at_idle(sums: Floats) -> AtIdle:
    """What added sums say of an engine at idle; the usual where it hardly idled."""
    by_band = sums.reshape(len(SUMS), COOLANT_BANDS)
    seconds, indicated, friction, rpm, squares = by_band[:, by_band[0] > 0]
    idle_s = float(seconds.sum())
    if idle_s < LEAST_S:
        return AtIdle(beside_friction_w=USUAL_W, auxiliary_w=USUAL_W, rpm=USUAL_RPM, seconds=0.0)
    mean_indicated, mean_friction, mean_rpm = (
        float(each.sum()) / idle_s for each in (indicated, friction, rpm)
    )
    beside = indicated - friction
    noise = max(float((squares - beside * beside / seconds).sum()) / idle_s, 0.0)
    apart = friction / seconds - mean_friction
    # Least squares over the bands, with what was believed before as so many seconds more.
    believed = noise / SCALES_DIFFER**2
    known = float(seconds @ (apart * apart)) + believed
    found = float(apart @ indicated) + believed
    scale = found / known if known > 0 else 1.0
    scale = min(max(scale, 1.0 - MOST_DIFFER), 1.0 + MOST_DIFFER)
    return AtIdle(
        beside_friction_w=mean_indicated - mean_friction,
        auxiliary_w=mean_indicated - scale * mean_friction,
        rpm=mean_rpm if mean_rpm >= LEAST_RPM else USUAL_RPM,
        seconds=idle_s,
    )
