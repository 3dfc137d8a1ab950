"""What happened to a tank beside being driven empty: refuelling, theft, loss.

A level sloshes, leans with the road, shrinks in a cold night and comes in steps, so nothing is
called theft that any of these explains: a theft is a level that fell while the vehicle stood, by
more than all of them together, by its own readings before and after and by those of driving there
and away, and that stays down. What is in doubt is left out; it is looked at anew with more data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.fuel.tank_steps import (
    LONG,
    NORMAL_MAD,
    SHORT,
    SURE,
    Noise,
    Step,
    noise_of,
    stands_of,
    steps_in,
)
from analytics.fuel.tank_trace import tank_trace
from analytics.fuel.tank_trail import trail_of
from analytics.spans import Spans, inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.tank_trail import Trail
    from analytics.samples import Samples

    Floats = NDArray[np.float64]

METHOD_VERSION = 1
"""Raised when the same signals would give other events."""

REFUELLING, THEFT, LOSS = "refuelling", "theft", "loss"

EVENT_COLUMNS = (
    "start_time",
    "end_time",
    "kind",
    "litres",
    "low_l",
    "high_l",
    "level_before_l",
    "level_after_l",
    "latitude",
    "longitude",
)
"""The columns of a table of tank events."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TankRules:
    """What a tank does by itself, and what somebody must have done."""

    stand_s: float = 120.0
    """Nobody fills or empties a tank in less [s]: 80 L at 40 L/min."""
    least_l: float = 10.0
    """Less than a canister is left alone [L] ..."""
    least_share: float = 0.012
    """... and so is less than three steps of a coarse level, 0.4 % each (SAE J1939 SPN 96)."""
    shrinks_per_k: float = 0.00084
    """Diesel's expansion [1/K]: 0.00083 at 15 °C and 835 kg/m³ (ASTM D1250, API table 54B)."""
    cools_k: float = 25.0
    """A tank that the return flow warmed cools by so much at the most [K] ..."""
    cools_k_h: float = 6.0
    """... and so fast [K/h]."""
    heater_l_h: float = 0.3
    """A parking heater takes so much past the engine's counter [L/h]: air heaters 0.1-0.7 ..."""
    heater_l: float = 12.0
    """... and no more between two drives [L]: 40 h."""
    idle_l_h: float = 4.0
    """An engine may have idled in a gap where nothing counts its litres [L/h]."""
    other_nights: int = 3
    """So many other stands tell what this vehicle's level does at night."""
    night_share: float = 0.4
    """They are at least so long, of the stand in question."""
    leak_varies: float = 1.5
    """A leak loses up to so many times as much in one night as in others."""
    against_share: float = 0.5
    """The levels while driving contradict a step that they explain less of than this."""
    witness: float = 2.5
    """And they must show a fall themselves, by so many standard deviations of theirs."""
    settle_s: float = 1800.0
    """A level that falls so soon after it rose at the same stand runs into another tank [s]."""
    stays_rows: int = 9
    """A level is down when it was read so often afterwards: three minutes."""
    recovery_rows: int = 360
    """It is still down in the two hours of driving and standing that follow."""
    gradual_l_min: float = 0.5
    """A level that falls slower than this leaks [L/min]: a siphon takes several."""
    loss_l: float = 20.0
    """A drive loses more than this [L], ..."""
    loss_share: float = 0.05
    """... than this of what the tank holds, for a tank's shape bends its level, ..."""
    loss_of_burnt: float = 0.35
    """... and than this of what the engine burnt: counters err, 22 % at a truck of 2017."""
    loss_rows: int = 120
    """Drives shorter than this tell no loss: forty minutes. The first ten are left out, for gauges
    lag."""
    park_s: float = 1200.0
    """Standing for so long ends a drive [s]."""
    scale_drives: int = 3
    """So many drives tell how the tank's litres compare to the counter's ..."""
    scale_share: float = 0.03
    """... if each burnt so much of what the tank holds."""
    scale_most: float = 0.3
    """No counter or level is further off than this."""
    gauge_share: float = 0.03
    """A level's own scale errs by this, one standard deviation: tanks are no boxes."""
    learnt_share: float = 0.05
    """Likewise where the capacity was learnt."""
    interval: float = 1.645
    """Standard deviations on either side of a 90 % interval."""


def tank_events(samples: Samples, *, capacity_l: float | None = None) -> pd.DataFrame:
    """What happened to one vehicle's tank: `events_of` its trace.

    Args:
        samples: rows as `fuel_samples` gives them: a day or more, better a week.
        capacity_l: of all tanks together [L]; asked for only where the vehicle tells its level in
            per cent alone. None: learnt from these rows; there are no events where that fails.
    """
    return events_of(tank_trace(samples), capacity_l=capacity_l)


def events_of(
    trace: pd.DataFrame, *, capacity_l: float | None = None, rules: TankRules | None = None
) -> pd.DataFrame:
    """What happened to one vehicle's tank.

    Args:
        trace: as `tank_trace` gives it, or several of consecutive spans put behind each other. What
            a gap at its ends hides shows only in a longer one.
        capacity_l: of all tanks together [L], see `tank_events`.
        rules: what a tank does by itself.

    Returns:
        A row an event by time: start_time and end_time (UTC; the last reading before and the first
        after: over a gap nobody knows more); kind, "refuelling", "theft" (at a stand) or "loss" (a
        leak, or more than was burnt while driving); litres, positive, with low_l and high_l, its
        90 % interval; level_before_l, level_after_l; latitude, longitude (NaN unknown).
    """
    rules = rules or TankRules()
    trail = trail_of(trace, capacity_l) if len(trace) else None
    if trail is None:
        return _table([], trace)
    tank = _Tank.of(trail, rules)
    return _table([*tank.at_stands(), *tank.losses()], trace)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Event:
    kind: str
    step: Step
    low_l: float
    high_l: float


def _table(events: list[_Event], trace: pd.DataFrame) -> pd.DataFrame:
    events = sorted(events, key=lambda event: event.step.start_us)
    steps = [event.step for event in events]
    before = np.array([step.before for step in steps], dtype=np.intp)
    times = {
        name: pd.DatetimeIndex(np.array(us, dtype=np.int64).view("datetime64[us]"), tz="UTC")
        for name, us in (
            ("start_time", [step.start_us for step in steps]),
            ("end_time", [step.end_us for step in steps]),
        )
    }
    places = {
        name: trace[name].ffill().to_numpy(np.float64)[before] for name in ("latitude", "longitude")
    }
    numbers = {
        "litres": [abs(step.litres) for step in steps],
        "low_l": [event.low_l for event in events],
        "high_l": [event.high_l for event in events],
        "level_before_l": [step.level_l for step in steps],
        "level_after_l": [max(step.level_l + step.litres, 0.0) for step in steps],
    }
    kinds = pd.Series([event.kind for event in events], dtype=object)
    columns = times | {"kind": kinds} | {n: np.array(v, float) for n, v in numbers.items()} | places
    return pd.DataFrame(columns)[list(EVENT_COLUMNS)]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Tank:
    """A tank's trail, and where its vehicle stood.

    Attributes:
        left_l: level with what was burnt put back, by the tank's own litres.
        known: the steps with a level.
        stands, start_us, end_us: where it stood, see `stands_of`.
        standing: whether each step belongs to a stand.
    """

    trail: Trail
    rules: TankRules
    left_l: Floats
    known: NDArray[np.intp]
    stands: Spans
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    standing: NDArray[np.bool_]
    noise: Noise

    @classmethod
    def of(cls, trail: Trail, rules: TankRules) -> _Tank:
        stands, start_us, end_us = stands_of(trail, rules.stand_s)
        standing = inside(stands, len(trail))
        parked = stands[end_us - start_us >= rules.park_s * 1e6]
        left_l = trail.level_l + _scale(trail, parked, rules) * trail.burnt_l
        return cls(
            trail=trail,
            rules=rules,
            left_l=left_l,
            known=np.flatnonzero(~np.isnan(left_l)),
            stands=stands,
            start_us=start_us,
            end_us=end_us,
            standing=standing,
            noise=noise_of(trail, left_l, standing, stands),
        )

    @property
    def least_l(self) -> float:
        return max(self.rules.least_l, self.rules.least_share * self.trail.size_l)

    # At stands

    def at_stands(self) -> list[_Event]:
        """Refuellings, thefts and leaks where the vehicle stood."""
        inner = [self._inner(number) for number in range(len(self.stands))]
        stepped = np.array([bool(steps) for steps in inner], dtype=np.bool_)
        confirmed: list[Step] = []
        for number, steps in enumerate(inner):
            confirmed += self._confirmed(number, steps, stepped)
        confirmed.sort(key=lambda step: step.start_us)
        events = []
        for place, step in enumerate(confirmed):
            following = confirmed[place + 1] if place + 1 < len(confirmed) else None
            event = self._judged(step, following)
            if event is not None:
                events.append(event)
        return events

    def _rows(self, first: int, stop: int) -> NDArray[np.intp]:
        """The steps with a level from first on and before stop."""
        return self.known[np.searchsorted(self.known, first) : np.searchsorted(self.known, stop)]

    def _inner(self, number: int) -> list[Step]:
        """Steps by the stand's own readings; what falls back at once is none."""
        rows = self._rows(int(self.stands.first[number]), int(self.stands.stop[number]))
        steps = steps_in(
            self.trail,
            self.left_l,
            rows,
            number,
            self.noise,
            self.rules.least_share / 2 * self.trail.size_l,
        )
        kept: list[Step] = []
        for step in steps:
            last = kept[-1] if kept else None
            if last is not None and last.litres * step.litres < 0:
                rest = last.litres + step.litres
                soon = step.start_us - last.end_us <= self.rules.settle_s * 1e6
                same = SURE * self.noise.still + (0.5 if soon else 0.1) * abs(last.litres)
                if abs(rest) <= same:
                    kept.pop()  # away and back: a loose wire, a tilted cab
                    continue
                if soon and last.litres > 0 and rest > 0:
                    kept[-1] = replace(last, litres=rest)  # one tank ran into the other
                    continue
            kept.append(step)
        return kept

    def _around(
        self, number: int, stepped: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Up to twice LONG readings before a stand and after it, as far as no other step is near.

        Those of driving where there are enough.
        """
        first, stop = int(self.stands.first[number]), int(self.stands.stop[number])
        other = np.flatnonzero(stepped)
        before, after = other[other < number], other[other > number]
        low = int(self.stands.stop[before[-1]]) if len(before) else 0
        high = int(self.stands.first[after[0]]) if len(after) else len(self.trail)
        return self._sloshing(low, first)[-2 * LONG :], self._sloshing(stop, high)[: 2 * LONG]

    def _sloshing(self, first: int, stop: int) -> NDArray[np.intp]:
        """Readings between: those while driving, or all where these are few."""
        rows = self._rows(first, stop)
        driving = rows[~self.standing[rows]]
        return driving if len(driving) >= SHORT else rows

    def _sigma(self, *counts: int) -> float:
        return self.noise.long if min(counts) >= LONG else self.noise.short

    def _confirmed(self, number: int, steps: list[Step], stepped: NDArray[np.bool_]) -> list[Step]:
        """The steps that levels while driving there and away do not contradict.

        Where the stand itself tells nothing, because nothing came before or after its gap, or the
        level lags, the step is what they differ by.
        """
        before, after = self._around(number, stepped)
        if min(len(before), len(after)) < SHORT:
            return steps
        early, before = before[:-LONG], before[-LONG:]
        late, after = after[LONG:], after[:LONG]
        near, far = [before], [after]
        near += [early] if len(early) >= SHORT else []
        far += [late] if len(late) >= SHORT else []
        nets = np.subtract.outer(self._levels(far), self._levels(near))
        sigma = self._sigma(len(before), len(after))
        if steps:
            return self._witnessed(steps, nets, sigma)
        net = float(nets[0, 0])
        least = SURE * sigma + (0.02 * self.trail.size_l if net > 0 else 0.0)
        if abs(net) <= max(least, self.least_l) or not self._may_differ(number, net):
            return []
        return [
            Step(
                stand=number,
                start_us=int(self.start_us[number]),
                end_us=int(self.end_us[number]),
                before=int(before[-1]),
                after=int(after[0]),
                litres=net,
                sigma_l=sigma,
                level_l=float(self.trail.level_l[before[-1]]),
            )
        ]

    def _levels(self, windows: list[NDArray[np.intp]]) -> Floats:
        return np.array([np.median(self.left_l[rows]) for rows in windows])

    def _witnessed(self, steps: list[Step], nets: Floats, sigma: float) -> list[Step]:
        """The steps, less those that driving away takes back: the slope the vehicle stood on.

        A gauge that lags shows the rest of a step only on the road, and nobody knows when it was.

        Args:
            steps: of one stand.
            nets: (1 or 2, 1 or 2) what levels after the stand, soon and later, differ from those
                before it, just then and earlier.
            sigma: of such a difference.
        """
        rules, total = self.rules, sum(step.litres for step in steps)
        kept = []
        for step in steps:
            size = abs(step.litres)
            # A fall must show in all of them; a rise in the later ones, when gauges have come up.
            net = nets.max() if step.litres < 0 else nets[-1].min()
            against = np.sign(step.litres) * (total - net)
            doubt = max(rules.against_share * size, min(2 * sigma, 0.9 * size))
            unseen = len(steps) == 1 and step.litres < 0 and -net < rules.witness * sigma
            if against <= doubt and not unseen:
                kept.append(step)
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
                before=max(int(self.stands.first[step.stand]) - 1, 0),
                start_us=min(int(self.start_us[step.stand]), step.start_us),
                end_us=max(int(self.end_us[step.stand]), step.end_us),
            )
        ]

    def _may_differ(self, number: int, net: float) -> bool:
        """A stand without a step of its own may have one: always a rise, for levels may lag.

        A fall only where the stand was not watched: a gap with readings on one side at the most.
        """
        first, stop = int(self.stands.first[number]), int(self.stands.stop[number])
        rows = self._rows(first, stop)
        gaps = np.flatnonzero(self.trail.gap[first : stop + 1]) + first
        if net > 0:
            return True
        return len(gaps) > 0 and any(
            not (rows < gap).any() or not (rows >= gap).any() for gap in gaps
        )

    def _judged(self, step: Step, following: Step | None) -> _Event | None:
        """What a step is, or None where it may be nothing."""
        rules, spread = self.rules, self.rules.interval
        scale = rules.learnt_share if self.trail.learnt else rules.gauge_share
        sigma = np.hypot(step.sigma_l, scale * step.litres)
        size = abs(step.litres)
        low, high = max(size - spread * sigma, 0.0), size + spread * sigma
        least = max(self.least_l, SURE * step.sigma_l)
        if step.litres > 0:
            lasting = not self._recovers(step, following)
            sure = size > max(least, 0.02 * self.trail.size_l)
            return (
                _Event(kind=REFUELLING, step=step, low_l=low, high_l=high)
                if (lasting and sure)
                else None
            )
        hours = (step.end_us - step.start_us) / 3.6e9
        leak, by_itself = self._by_itself(step, hours)
        if size - by_itself <= least or self._recovers(step, following):
            return None
        if not self._stays(step, following):
            return None
        leaks = hours >= 1.0 and (
            size - rules.leak_varies * leak <= least
            or (self._watched(step) and size / hours / 60 < rules.gradual_l_min)
        )
        return _Event(
            kind=LOSS if leaks else THEFT,
            step=step,
            low_l=max(low - by_itself, 0.0),
            high_l=high,
        )

    def _by_itself(self, step: Step, hours: float) -> tuple[float, float]:
        """Litres that leaked, as at the vehicle's other stands, and that may go with nobody there.

        The latter are as at its other stands where there are enough, but no more than a cold night
        and a heater explain.
        """
        rules = self.rules
        cooling_k = min(rules.cools_k, rules.cools_k_h * hours)
        most = rules.shrinks_per_k * cooling_k * max(step.level_l, 0.0)
        most += min(rules.heater_l_h * hours, rules.heater_l)
        if not self.trail.told[step.before + 1 : step.after + 1].all():
            most += rules.idle_l_h * hours
        others = self._nights(step, hours)
        if len(others) < rules.other_nights:
            return 0.0, most
        middle = float(np.median(others))
        spread = NORMAL_MAD * float(np.median(np.abs(others - middle)))
        usual = hours * (max(middle, 0.0) + 3 * spread)
        # A leak is there every night, a thief is not: three nights in four lose more than this.
        leak = hours * max(float(np.quantile(others, 0.25)), 0.0)
        return leak, min(usual, most)

    def _nights(self, step: Step, hours: float) -> Floats:
        """By how much the level fell an hour at other stands about as long [L/h]."""
        fell = []
        lasts_h = (self.end_us - self.start_us) / 3.6e9
        for number in np.flatnonzero(lasts_h >= max(self.rules.night_share * hours, 0.5)):
            if number == step.stand:
                continue
            rows = self._rows(int(self.stands.first[number]), int(self.stands.stop[number]))
            if len(rows) >= 2:
                levels = self.left_l[rows]
                half = min(len(levels) // 2, 4)
                fall = float(np.median(levels[:half]) - np.median(levels[-half:]))
                if fall > -self.least_l:
                    fell.append(fall / lasts_h[number])
        return np.array(fell)

    def _watched(self, step: Step) -> bool:
        """The fall was seen as it went on, not found after a gap."""
        return not self.trail.gap[step.before + 1 : step.after + 1].any()

    def _later(self, step: Step, following: Step | None) -> NDArray[np.intp]:
        """The readings after a step, up to the next one, of two hours at the most."""
        stop = following.before + 1 if following is not None else len(self.trail)
        return self._rows(step.after, stop)[: self.rules.recovery_rows]

    def _recovers(self, step: Step, following: Step | None) -> bool:
        """The level goes back by itself: it was never away."""
        rows = self._later(step, following)
        if len(rows) < SHORT:
            return False
        base = step.level_l + step.litres  # the level right after the step
        then = self.left_l[rows] - (self.left_l[step.after] - self.trail.level_l[step.after])
        back = float(np.median(then[-LONG:])) - base
        return bool(-np.sign(step.litres) * back > self.rules.against_share * abs(step.litres))

    def _stays(self, step: Step, following: Step | None) -> bool:
        """It was read often enough afterwards."""
        if following is not None and following.stand != step.stand:
            return True
        return len(self._later(step, following)) >= self.rules.stays_rows

    # Under way

    def losses(self) -> list[_Event]:
        """Drives that took far more out of the tank than the engine burnt."""
        rules, trail = self.rules, self.trail
        parked = self.stands[self.end_us - self.start_us >= rules.park_s * 1e6]
        edges = _drives(parked, len(trail))
        found = []
        for (first, stop), (later, end) in zip(edges, [*edges[1:], (0, 0)], strict=True):
            rows = self._rows(first, stop)
            if len(rows) < rules.loss_rows or not trail.told[first + 1 : stop].all():
                continue
            begin, finish = rows[LONG : 2 * LONG], rows[-LONG:]
            next_rows = self._rows(later, end)[:LONG]
            litres = float(np.median(self.left_l[finish]) - np.median(self.left_l[begin]))
            burnt = float(trail.burnt_l[finish[0]] - trail.burnt_l[begin[-1]])
            sigma = np.hypot(self.noise.long, rules.gauge_share * burnt)
            least = max(
                5 * sigma,
                rules.loss_l,
                rules.loss_share * trail.size_l,
                rules.loss_of_burnt * burnt,
            )
            if -litres <= least or self._rose_within(rows):
                continue
            if len(next_rows) >= SHORT:
                stays = float(np.median(self.left_l[next_rows]) - np.median(self.left_l[begin]))
                if stays > (1 - rules.against_share) * litres:
                    continue
            step = Step(
                stand=-1,
                start_us=int(trail.start_us[begin[-1]]),
                end_us=int(trail.end_us[finish[0]]),
                before=int(begin[-1]),
                after=int(finish[0]),
                litres=litres,
                sigma_l=float(sigma),
                level_l=float(trail.level_l[begin[-1]]),
            )
            spread = rules.interval * sigma
            found.append(
                _Event(
                    kind=LOSS,
                    step=step,
                    low_l=max(-litres - spread - rules.loss_of_burnt / 2 * burnt, 0.0),
                    high_l=-litres + spread,
                )
            )
        return found

    def _rose_within(self, rows: NDArray[np.intp]) -> bool:
        """The level rose somewhere in between: a sensor at fault, or a tank that was filled."""
        count = len(rows) // LONG
        middles = np.median(self.left_l[rows[: count * LONG]].reshape(count, LONG), axis=1)
        return bool((np.diff(middles) > max(SURE * self.noise.long, self.least_l)).any())


def _drives(parked: Spans, count: int) -> list[tuple[int, int]]:
    """What lies between the long stands: first and stop, of the trail's steps."""
    starts = [0, *parked.stop.tolist()]
    stops = [*parked.first.tolist(), count]
    return list(zip(starts, stops, strict=True))


def _scale(trail: Trail, parked: Spans, rules: TankRules) -> float:
    """Litres out of the tank for one by the counter, as most drives have it; else 1.

    The weighted median, so that one drive that lost fuel stands out against the others.
    """
    ratios, weights = [], []
    known = np.flatnonzero(~np.isnan(trail.level_l))
    for first, stop in _drives(parked, len(trail)):
        rows = known[np.searchsorted(known, first) : np.searchsorted(known, stop)]
        if len(rows) < 2 * LONG:
            continue
        begin, finish = rows[:LONG], rows[-LONG:]
        burnt = np.median(trail.burnt_l[finish]) - np.median(trail.burnt_l[begin])
        if burnt >= rules.scale_share * trail.size_l and trail.told[first + 1 : stop].all():
            fell = np.median(trail.level_l[begin]) - np.median(trail.level_l[finish])
            ratios.append(fell / burnt)
            weights.append(burnt)
    if len(ratios) < rules.scale_drives:
        return 1.0
    order = np.argsort(ratios)
    total = np.cumsum(np.array(weights)[order])
    middle = np.array(ratios)[order][np.searchsorted(total, total[-1] / 2)]
    return float(np.clip(middle, 1 - rules.scale_most, 1 + rules.scale_most))
