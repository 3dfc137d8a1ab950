"""A tank that is driven empty, filled, and robbed, and what a bad gauge makes of it.

Nothing here is the simulator's: stands lean, nights cool the fuel, a heater runs past the counter,
gauges lag, bend, drop out and come in coarse steps, as hard as each test likes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

STEP_S = 10.0
"""Rows are so far apart: as levels are [s]."""
DAY = pd.Timestamp("2026-11-02T00:00:00Z")
KEY_OFF_S, KEY_ON_S = 50.0, 70.0
"""Data come for so long after the engine stopped, and before it moves [s]."""
DRIVE_L_H, IDLE_L_H, DRIVE_KM_H = 24.0, 2.5, 62.0
EXPANSION_PER_K = 0.00084


@dataclass(frozen=True, kw_only=True)
class Done:
    """What really happened to the tank: `refuelling` or `theft`, from when to when, litres."""

    kind: str
    start: pd.Timestamp
    end: pd.Timestamp
    litres: float


@dataclass(frozen=True, kw_only=True)
class Tank:
    """A tank, its gauge and its days; shares are of the capacity, one standard deviation each.

    Attributes:
        capacity_l: what it holds.
        resolution: the gauge's step, a share; 0: none.
        slosh: of a reading while driving.
        wander: of ten minutes' readings while driving: the road's slope.
        lean: of a stand: the slope it stands on.
        cooling_k: how far the fuel cools in a night.
        heater_l_h: what a parking heater takes past the counter [L/h].
        counter_scale: what the counter counts of a litre.
        bend: how far the gauge is off at half full.
        lag_s: how late it shows [s].
        dropouts: how often a day it reads nothing, or nonsense, for some minutes.
        thefts: how often a night fuel is stolen.
        stolen_l: from how much to how much.
        watched: how often a stand sends data throughout.
        days: of driving.
        percent: it tells per cent, not litres.
        seed: of all that is drawn.
    """

    capacity_l: float = 600.0
    resolution: float = 0.004
    slosh: float = 0.02
    wander: float = 0.004
    lean: float = 0.008
    cooling_k: float = 12.0
    heater_l_h: float = 0.0
    counter_scale: float = 1.0
    bend: float = 0.0
    lag_s: float = 0.0
    dropouts: float = 0.0
    thefts: float = 0.0
    stolen_l: tuple[float, float] = (20.0, 120.0)
    watched: float = 0.3
    days: int = 7
    percent: bool = False
    seed: int = 1

    def driven(self) -> tuple[pd.DataFrame, list[Done]]:
        """The vehicle's signals by time, and what happened to its tank."""
        return _Driven(self).rows()


class _Driven:
    def __init__(self, tank: Tank) -> None:
        self.tank = tank
        self.rng = np.random.default_rng(tank.seed)
        self.left_l = tank.capacity_l * self.rng.uniform(0.5, 0.9)
        self.at_s = 5.5 * 3600.0
        self.columns: list[np.ndarray] = []
        self.done: list[Done] = []

    def rows(self) -> tuple[pd.DataFrame, list[Done]]:
        tank, rng = self.tank, self.rng
        for day in range(tank.days):
            drives = int(rng.integers(2, 5))
            for number in range(drives):
                self._drive(rng.uniform(0.4, 2.5) * 3600)
                last = number == drives - 1
                until = (day + 1) * 86400.0 + rng.uniform(4.5, 6.5) * 3600
                lasts_s = until - self.at_s if last else rng.uniform(300, 3000)
                self._stand(lasts_s, night=last)
        self._drive(3600.0)  # what happened in the last night shows in the morning
        start_s, moving, running, level_l, lean = np.concatenate(self.columns).T
        return self._signals(start_s, moving, running, level_l, lean), self.done

    def _times(self, lasts_s: float) -> np.ndarray:
        return self.at_s + np.arange(0.0, max(lasts_s, STEP_S), STEP_S)

    def _put(
        self, seconds: np.ndarray, moving: float, running: float, level_l: np.ndarray, lean: float
    ) -> None:
        ones = np.ones(len(seconds))
        self.columns.append(
            np.stack([seconds, moving * ones, running * ones, level_l, lean * ones], axis=1)
        )
        self.at_s = float(seconds[-1]) + STEP_S

    def _drive(self, lasts_s: float) -> None:
        hours_left = (self.left_l - 0.05 * self.tank.capacity_l) / DRIVE_L_H
        seconds = self._times(min(lasts_s, max(hours_left, 0.1) * 3600))
        used = DRIVE_L_H * (seconds - seconds[0]) / 3600
        self._put(seconds, 1.0, 1.0, self.left_l - used, 0.0)
        self.left_l -= DRIVE_L_H * (self.at_s - seconds[0]) / 3600

    def _stand(self, lasts_s: float, *, night: bool) -> None:
        """Key off or idling; filled up where the tank is low, robbed at night."""
        tank, rng = self.tank, self.rng
        lean = tank.lean * tank.capacity_l * rng.standard_normal()
        changes: list[tuple[str, float]] = []
        if night and rng.random() < tank.thefts:
            changes.append(("theft", -min(rng.uniform(*tank.stolen_l), 0.8 * self.left_l)))
        elif self.left_l < 0.35 * tank.capacity_l:
            full = tank.capacity_l * rng.uniform(0.8, 0.97)
            changes.append(("refuelling", full - self.left_l))
        begin, end = self.at_s, self.at_s + lasts_s
        shrunk = EXPANSION_PER_K * tank.cooling_k * self.left_l * night
        heater = tank.heater_l_h * lasts_s / 3600 * night
        speed_l_s = {"theft": 0.25, "refuelling": 1.0}
        watched = rng.random() < tank.watched
        seconds = self._times(lasts_s)
        share = (seconds - begin) / lasts_s
        level = self.left_l - (shrunk + heater) * share
        for kind, litres in changes:
            takes_s = min(abs(litres) / speed_l_s[kind], 0.6 * lasts_s)
            starts = begin + rng.uniform(0.2, 0.9) * (lasts_s - takes_s)
            level = level + litres * np.clip((seconds - starts) / takes_s, 0.0, 1.0)
            self.done.append(
                Done(
                    kind=kind,
                    start=DAY + pd.Timedelta(seconds=starts),
                    end=DAY + pd.Timedelta(seconds=starts + takes_s),
                    litres=abs(litres),
                )
            )
            self.left_l += litres
        self.left_l -= heater  # what shrank swells again in the day
        if not watched:
            kept = (seconds - begin < KEY_OFF_S) | (end - seconds < KEY_ON_S)
            seconds, level = seconds[kept], level[kept]
        self._put(seconds, 0.0, 0.0, level, lean)
        self.at_s = end

    def _signals(
        self,
        start_s: np.ndarray,
        moving: np.ndarray,
        running: np.ndarray,
        level_l: np.ndarray,
        lean: np.ndarray,
    ) -> pd.DataFrame:
        tank, rng = self.tank, self.rng
        count = len(start_s)
        shown = level_l / tank.capacity_l
        shown = shown + tank.bend * np.sin(np.pi * np.clip(shown, 0, 1))
        shown = shown + moving * tank.wander * _slow(rng, count, 60) + lean / tank.capacity_l
        shown = shown + moving * tank.slosh * _slow(rng, count, 2)
        if tank.lag_s:
            shown = _lagging(shown, start_s, tank.lag_s)
        if tank.resolution:
            shown = np.round(shown / tank.resolution) * tank.resolution
        shown = np.clip(shown, 0.0, 1.0)
        for _ in range(rng.poisson(tank.dropouts * tank.days)):
            first = int(rng.integers(count))
            wrong = rng.choice([0.0, np.nan, 1.0, rng.uniform()])
            shown[first : first + int(rng.integers(1, 60))] = wrong
        rate = np.where(moving > 0, DRIVE_L_H, IDLE_L_H) * running
        step_s = np.minimum(np.diff(start_s, append=start_s[-1] + STEP_S), STEP_S)
        burnt = np.cumsum(rate * step_s / 3600) * tank.counter_scale
        odometer = np.cumsum(DRIVE_KM_H * moving * step_s / 3600)
        signals = {
            "wheel_speed": DRIVE_KM_H * moving,
            "engine_running": running,
            "engine_speed": 1100.0 * running,
            "fuel_rate": rate * tank.counter_scale,
            "fuel_used_total": np.round(5000 + np.append(0.0, burnt[:-1]), 3),
            "odometer": np.round(90000 + np.append(0.0, odometer[:-1]), 3),
            "latitude": 31.0 + 0.001 * np.append(0.0, odometer[:-1]),
            "longitude": np.full(count, 121.0),
        }
        signals |= (
            {"fuel_level_1": 100 * shown}
            if tank.percent
            else {"fuel_volume_1": tank.capacity_l * shown}
        )
        index = DAY + pd.to_timedelta(start_s, unit="s")
        return pd.DataFrame(signals, index=pd.DatetimeIndex(index))


def _slow(rng: np.random.Generator, count: int, rows: int) -> np.ndarray:
    """Noise of unit variance that lasts for about so many rows."""
    knots = rng.standard_normal(count // rows + 3)
    return np.interp(np.arange(count) / rows, np.arange(len(knots)), knots)


def _lagging(shown: np.ndarray, start_s: np.ndarray, lag_s: float) -> np.ndarray:
    """A gauge that follows slowly, and stays where it was over a gap."""
    followed = np.empty_like(shown)
    followed[0] = shown[0]
    steps = 1 - np.exp(-np.minimum(np.diff(start_s), STEP_S) / lag_s)
    for row, step in enumerate(steps, start=1):
        followed[row] = followed[row - 1] + step * (shown[row] - followed[row - 1])
    return followed
