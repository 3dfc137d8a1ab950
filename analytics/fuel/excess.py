"""What a drive burnt beyond good driving, step by step and cause by cause.

Of each cause the same way is driven again with that one habit changed (`traces`, `replay`), on what
was learnt of the vehicle itself; what good peers spend, too, is no excess (`reference`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel import engine_map, traces
from analytics.fuel.reference import fan_ratio, rate
from analytics.fuel.replay import Replay
from analytics.fuel.style import BANDS, band_of, long_idle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.calibration import Calibration
    from analytics.fuel.drive import Drive
    from analytics.fuel.reference import Peers
    from analytics.fuel.road_load import RoadLoad

    Floats = NDArray[np.float64]

TYRE_EXPONENT = 0.4
"""Rolling resistance grows as pressure to the power of minus this (Michelin, The tyre: rolling
resistance and fuel savings, 2003: truck tyres 0.3 to 0.5)."""

SOFTEST = 0.5
"""A pressure below this part of the peers' is a broken sensor."""

FAULT_FROM = 1.01
"""An engine that burns so much more for its work than it used to has changed."""

STUCK_FAN = 2.0
"""A fan that turns so many times as much as the peers' never lets go."""

LEAST_FAN = 0.1
"""Peers whose fans turn less than this part of engine speed hardly use them."""

LEAST_TOGETHER = 0.5
"""Causes overlap by no more than half: less is a way that was not driven as the model thinks."""

TOGETHER = ("speed", "harsh", "gears", "coasting", "tyres")
"""Causes that share the engine's work: removed together they save less than one by one."""


class Excess:
    """A drive's excess over good driving.

    Args:
        drive: its steps.
        calibration: what the vehicle is.
        peers: what good driving is.
        baseline: what its engine was in weeks before; None: not known.
    """

    def __init__(
        self, drive: Drive, calibration: Calibration, peers: Peers, baseline: Calibration | None
    ) -> None:
        self._drive = drive
        self._calibration = calibration
        self._peers = peers
        self._baseline = baseline
        self._replay = Replay(drive, calibration)
        self._driven = self._replay.burnt()

    def litres(self) -> dict[str, Floats]:
        """Litres of each cause by step, (n,); single steps may be negative, sums are not."""
        drive = self._drive
        at_m = traces.along(drive)
        filled = traces.without_emergencies(drive)
        calm = traces.calmly(at_m, filled)
        factor, step_s = self._speed_factor(), traces.usual_step_s(drive)
        slow = traces.slower(at_m, drive.speed_m_s, factor, step_s)
        foreseen = traces.with_foresight(drive, at_m, filled)
        even = traces.wandering(drive)[1]
        geared, firm = self._gear_factor(), self._firm_road()
        spared = {
            "speed": self._saved(slow),
            "harsh": self._saved(calm),
            "gears": self._saved(rpm_factor=geared),
            "coasting": self._saved(foreseen),
            "cruise": self._saved(even),
            "tyres": self._saved(road=firm),
            "auxiliary": self._auxiliary(),
        }
        joint = traces.slower(at_m, calm, factor, step_s)
        joint = np.minimum(joint, traces.envelope(at_m, joint, traces.FORESIGHT_M_S2))
        together = float(self._saved(joint, rpm_factor=geared, road=firm).sum())
        apart = sum(max(float(spared[name].sum()), 0.0) for name in TOGETHER)
        ratio = together / apart if apart > 0 else 1.0
        overlap = min(max(ratio, LEAST_TOGETHER), 1.0)
        excess = {
            name: litres * self._share(name) * (overlap if name in TOGETHER else 1.0)
            for name, litres in spared.items()
        }
        shared = np.sum([excess[name] for name in TOGETHER], axis=0)
        return {
            "idling": self._share("idling") * self._idling(),
            **excess,
            "fault": self._fault(),
            "rest": max(ratio - 1.0, 0.0) * shared,
        }

    def _saved(self, ends: Floats | None = None, **changes: object) -> Floats:
        other = self._replay.burnt(ends, **changes)  # type: ignore[arg-type]
        return self._driven.litres - other.litres

    def _share(self, name: str) -> float:
        """Which part of what driving otherwise would spare is more than good drivers spend."""
        if name not in self._peers.rates:
            return 1.0
        own, good = rate(self._calibration.style, name), self._peers.rates[name]
        if not (np.isfinite(own) and np.isfinite(good) and own > 0):
            return 0.0
        return max(0.0, 1.0 - good / own)

    def _idling(self) -> Floats:
        drive = self._drive
        told = np.where(np.isfinite(drive.fuel_l_h), drive.fuel_l, self._driven.litres)
        return np.where(long_idle(drive), told, 0.0)

    def _speed_factor(self) -> Floats:
        """By step, the good drivers' speed over this one's at the same posted speed."""
        way, speed = np.hsplit(self._calibration.speeds, 2)
        own = np.divide(speed, way, out=np.full(BANDS, np.nan), where=way > 0)
        ratio = np.nan_to_num(self._peers.speed_m_s / own, nan=1.0)
        band = band_of(np.nan_to_num(self._drive.limit_m_s))
        return np.asarray(np.minimum(ratio, 1.0)[band], dtype=np.float64)

    def _gear_factor(self) -> Floats:
        """By step, the good drivers' engine turns over the way over this one's."""
        own, good = self._calibration.gearing.gear, self._peers.gear
        ratio = np.minimum(np.nan_to_num(good / own, nan=1.0), 1.0)
        return np.where(self._drive.geared, ratio[self._replay.gear_cell], 1.0)

    def _firm_road(self) -> RoadLoad:
        return replace(
            self._calibration.road,
            rolling=self._calibration.road.rolling * self.inflation**TYRE_EXPONENT,
        )

    @property
    def inflation(self) -> float:
        """Mean tyre pressure over the peers', at most 1."""
        seconds, pressures = np.hsplit(self._calibration.tyres, 2)
        own = np.divide(pressures, seconds, out=np.full(len(seconds), np.nan), where=seconds > 0)
        part = own / self._peers.tyre_kpa
        part = part[np.isfinite(part) & (part > SOFTEST)]
        return float(min(part.mean(), 1.0)) if len(part) else 1.0

    def _auxiliary(self) -> Floats:
        """What auxiliaries that take more than the peers' burn.

        At idle it shows how much more; a fan that never lets go takes the cube of engine speed
        (affinity laws), everything else about the same at any.
        """
        own, good = self._calibration.auxiliary_w, self._peers.auxiliary_w
        if not (np.isfinite(good) and own > good):
            return np.zeros(len(self._drive))
        extra_w: Floats | float = own - good
        fan = fan_ratio(self._calibration.style)
        if fan > STUCK_FAN * max(self._peers.fan, LEAST_FAN):
            extra_w = extra_w * (self._drive.rpm / self._calibration.idle_rpm) ** 3
        more = self._replay.burnt(auxiliary_w=good + extra_w)
        return more.litres - self._replay.burnt(auxiliary_w=good).litres

    def _fault(self) -> Floats:
        """What the engine burns beyond what it used to burn for the same work."""
        nothing = np.zeros(len(self._drive))
        if self._baseline is None or not self._baseline.learnt:
            return nothing
        drive = self._drive
        rows = engine_map.burning(drive)
        indicated = np.nan_to_num(drive.torque_nm + drive.friction_nm)
        was = engine_map.fuel_l_h(self._baseline.engine, drive.rpm, indicated)
        was_l = np.where(rows, was * drive.dt_s / 3600.0, 0.0)
        is_l = np.where(rows, drive.fuel_l, 0.0)
        if is_l.sum() < FAULT_FROM * was_l.sum():
            return nothing
        return is_l - was_l
