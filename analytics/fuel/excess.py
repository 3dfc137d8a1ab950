"""What a drive burnt beyond good driving, step by step and cause by cause.

Of each cause the same way is driven again with that one habit changed (`traces`, `replay`), on what
was learnt of the vehicle itself; what good peers spend, too, is no excess (`reference`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel import engine_map, fan, traces
from analytics.fuel.auxiliaries import Auxiliaries
from analytics.fuel.calibration import LEARNT_S, with_engine_on
from analytics.fuel.figures import figures
from analytics.fuel.habits import BY_DRIVE, fan_turns, least_rate, place_of, rate, rated_nm
from analytics.fuel.reference import PLACED
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

UNFORESEEN = 0.9
"""Part of what good peers spend in slowing down that nobody can foresee: they, too, lift late at
times. Measured on simulated mixed fleets (docs/fuel.md)."""

SOFTEST = 0.5
"""A pressure below this part of the peers' is a broken sensor."""

FAULT_FROM = 1.01
"""An engine that burns so much more for its work than it used to has changed."""

BUILT_SO = 0.15
"""Sound trucks of one model differ by no larger part in what the engine tells of auxiliaries."""

UNEXPLAINED = 1.02
"""Beyond this part of what the model says a way burns, something burnt that no cause explains."""

GEAR_RATIOS = (0.5, 1.2)
"""Good drivers' engine turns over one's own: further apart is a bin that was hardly driven in."""


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
        self._replay = Replay(drive, with_engine_on(calibration, drive))
        self._driven = self._replay.burnt()

    def litres(self) -> dict[str, Floats]:
        """Litres of each cause by step, (n,); single steps may be negative, sums are not."""
        drive = self._drive
        at_m = traces.along(drive)
        filled = traces.without_emergencies(drive)
        calm = traces.calmly(at_m, filled)
        steady = traces.steadily(drive, at_m, filled)
        slow = traces.slower(drive, self._speed_factor())
        foreseen = traces.with_foresight(drive, at_m, filled, self._replay.rolling_m_s2)
        spared = {
            "speed": self._saved(slow),
            "harsh": self._saved(calm),
            "gears": self._saved(rpm_factor=self._gear_factor()),
            "coasting": self._saved(foreseen),
            "cruise": self._saved(traces.held(drive, steady, ~drive.cruise))
            - self._kept(steady[1]),
            "tyres": self._saved(road=self._firm_road()),
            "auxiliary": self._auxiliary(),
        }
        excess = {name: litres * self._share(name) for name, litres in spared.items()}
        for name, factor in figures()["seen"].items():
            excess[name] = excess[name] / factor
        excess["idling"] = self._share("idling") * self._idling()
        excess["fault"] = self._fault()
        usually = Replay(drive, self._calibration).burnt()
        excess["rest"] = drive.fuel_l - UNEXPLAINED * usually - excess["fault"]
        return excess

    def certain_part(self, name: str) -> float:
        """Which part of a cause's litres is left where the habit is as rare as it may be."""
        if name != BY_DRIVE:
            return 1.0
        style = self._calibration.style
        own, good, least = rate(style, name), self._peers.rates[name], least_rate(style)
        if not own > good:
            return 1.0
        return max(1.0 - good / least, 0.0) / (1.0 - good / own) if least > 0 else 0.0

    def _saved(
        self,
        ends: Floats | None = None,
        *,
        road: RoadLoad | None = None,
        extra_w: Floats | float = 0.0,
        rpm_factor: Floats | None = None,
    ) -> Floats:
        """Litres by step that the same way would not have burnt, `Replay.burnt` otherwise."""
        other = self._replay.burnt(ends, road=road, extra_w=extra_w, rpm_factor=rpm_factor)
        return self._driven - other

    def _share(self, name: str) -> float:
        """Which part of what driving otherwise would spare is more than good drivers spend."""
        if name not in self._peers.rates:
            return 1.0
        style = self._calibration.style
        own, good = rate(style, name), self._peers.rate_at(name, place_of(style))
        if name == PLACED:
            good *= UNFORESEEN / self._chosen_speed() ** 2
        if not (np.isfinite(own) and np.isfinite(good) and own > 0):
            return 0.0
        return max(0.0, 1.0 - good / own)

    def _idling(self) -> Floats:
        drive = self._drive
        told = np.where(np.isfinite(drive.fuel_l_h), drive.fuel_l, self._driven)
        return np.where(long_idle(drive), told, 0.0)

    def _kept(self, part: Floats) -> Floats:
        """What cruise control, too, would have burnt beyond an even speed where a foot swayed."""
        tkm = self._drive.tkm * part * ~self._drive.cruise
        a_tkm_j = self._peers.kept_j_tkm if np.isfinite(self._peers.kept_j_tkm) else 0.0
        return np.asarray(tkm * a_tkm_j * self._replay.l_per_j)

    def _speed_factor(self) -> Floats:
        """By step, the good drivers' speed over this one's at the same posted speed."""
        band = band_of(np.nan_to_num(self._drive.limit_m_s))
        return np.asarray(self._speed_ratio()[1][band], dtype=np.float64)

    def _chosen_speed(self) -> float:
        """The same over the whole way: faster, there is more to foresee, by the square."""
        way, ratio = self._speed_ratio()
        return float(way @ ratio / way.sum()) if way.sum() > 0 else 1.0

    def _speed_ratio(self) -> tuple[Floats, Floats]:
        """Way by band of posted speeds, and the peers' speed over one's own there, at most 1."""
        way, speed = np.hsplit(self._calibration.speeds, 2)
        own = np.divide(speed, way, out=np.full(BANDS, np.nan), where=way > 0)
        ratio = np.nan_to_num(self._peers.speed_m_s / own, nan=1.0)
        return way, np.minimum(ratio, 1.0)

    def _gear_factor(self) -> Floats:
        """By step, the good drivers' engine turns over the way over this one's.

        Here more and there less is chance: it is set off, lest chance alone should cost something.
        """
        own, good = self._calibration.gearing.gear, self._peers.gear
        ratio = np.clip(np.nan_to_num(good / own, nan=1.0), *GEAR_RATIOS)
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

        Those that the engine knows of are compared as it tells them, a constant part and one that
        grows with the cube of its speed; the fan of one that does not tell by how it turns; and
        what is known to nobody by the torque at idle that nothing explains.
        """
        calibration, peers = self._calibration, self._peers
        if calibration.told is not None and np.isfinite(peers.constant_w):
            told = calibration.told
            constant_w = told.constant_w - peers.constant_w
            constant_w = constant_w if constant_w > BUILT_SO * peers.constant_w else 0.0
            cubic_w = max(told.cubic_w - peers.cubic_w, 0.0)
            unknown_w = calibration.auxiliary_w - told.at_speed(calibration.idle_rpm)
            constant_w += max(unknown_w - peers.unknown_w, 0.0)
        elif np.isfinite(peers.auxiliary_w):
            style = calibration.style
            cubic_w = fan.extra_cubic_w(
                peers.fan_law, fan_turns(style), peers.fan_turns, rated_nm(style)
            )
            extra = Auxiliaries(constant_w=calibration.auxiliary_w, cubic_w=-cubic_w)
            constant_w = max(extra.at_speed(calibration.idle_rpm) - peers.auxiliary_w, 0.0)
        else:
            return np.zeros(len(self._drive))
        extra = Auxiliaries(constant_w=constant_w, cubic_w=cubic_w)
        return self._saved(extra_w=-extra.at(self._drive.rpm))

    def _fault(self) -> Floats:
        """What the engine burns beyond what it used to burn for the same work."""
        nothing = np.zeros(len(self._drive))
        if self._baseline is None or self._baseline.burning_s < LEARNT_S / 2:
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
