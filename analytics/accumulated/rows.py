"""What each row of a span counts for: its time, its distance, its fuel, and whether it drives.

Each amount is rounded to `GRAIN`, a binary fraction so small that nobody sees it: sums of such
numbers are exact in float64, so that days, halves of days and rows that came late add up to the
same total in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from analytics.samples import Samples

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

GRAIN = 2.0**-20
"""Seconds, metres and millilitres are counted in whole multiples of this (about a millionth). Sums
stay exact up to 2^33: 272 years, 8.6 million km, 8,600 m³."""

FASTEST_KM_H = 250.0
"""More distance than at this speed is a counter that jumped [km/h]: the catalogue's greatest."""
ODOMETER_STEP_KM = 0.125
"""The coarsest odometer counts in such steps [km]: SAE J1939 SPN 245; China's messages .1 km."""
THIRSTIEST_L_H = 400.0
"""More fuel than at this rate is a counter that jumped [L/h]: the catalogue's greatest."""
FUEL_STEP_L = 0.5
"""The coarsest fuel counter counts in such steps [L]: SAE J1939 SPN 250."""
FLOW_S = 5.0
"""Within so long speed and fuel rate hardly change [s]; over more they are a guess."""
METRES_PER_SECOND = 1 / 3.6
"""Of a speed of 1 km/h."""
MILLILITRES_PER_SECOND = 1 / 3.6
"""Of a rate of 1 L/h."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows:
    """The rows of a span; all arrays are (n,).

    Attributes:
        samples: where they come from.
        span: where they are in it.
        use: (3, n) the seconds, metres and millilitres of each, 0 where they are not known.
        known_use: (3, n) whether they are known.
        moving: the vehicle moves, also where its speed is not known for a moment.
        standing: it stands; neither where nobody can tell.
        running: the engine turns.
        engine_known: anybody can tell whether it does.
    """

    samples: Samples
    span: slice
    use: Floats
    known_use: Mask
    moving: Mask
    standing: Mask
    running: Mask
    engine_known: Mask

    def __getitem__(self, name: str) -> Floats:
        """A signal by its catalogue name, NaN where it is absent."""
        return signal(self.samples, name, self.span)

    @property
    def motion_known(self) -> Mask:
        """The vehicle moves or stands."""
        return self.moving | self.standing


def signal(samples: Samples, name: str, span: slice) -> Floats:
    """Some rows of a signal; one that was not asked for is absent throughout."""
    values = samples.signals.get(name)
    if values is None:
        return np.full(len(samples.time_us[span]), np.nan)
    return values[span]


def rows_of(samples: Samples, span: slice) -> Rows:
    """The rows of a span and what each counts for.

    Distance and fuel of a step up to FLOW_S are speed and fuel rate times its length: these belong
    to the very instant that pedals and gears are known at, and counters may count in lumps of
    100 m or half a litre. Longer steps are what odometer and fuel counter grew in them, which miss
    nothing of what happened meanwhile. Each stands in where the other is not known.
    """
    step_s = _grains(samples.step_s[span])
    short = step_s <= FLOW_S
    speed = samples.speed_km_h[span]
    moving = samples.moving[span]
    odometer_km = _growth(samples, "odometer", span, FASTEST_KM_H / 3600, ODOMETER_STEP_KM)
    metres = _either(short, speed * step_s * METRES_PER_SECOND, 1000 * odometer_km)
    counted_l = _growth(samples, "fuel_used_total", span, THIRSTIEST_L_H / 3600, FUEL_STEP_L)
    rate = signal(samples, "fuel_rate", span)
    millilitres = _either(short, rate * step_s * MILLILITRES_PER_SECOND, 1000 * counted_l)
    use = np.stack((step_s, metres, millilitres))
    known_use = ~np.isnan(use)
    engine_speed, engine_running = (
        signal(samples, name, span) for name in ("engine_speed", "engine_running")
    )
    return Rows(
        samples=samples,
        span=span,
        use=_grains(np.where(known_use, use, 0.0)),
        known_use=known_use,
        moving=moving,
        standing=~np.isnan(speed) & ~moving,
        running=samples.running[span],
        engine_known=~(np.isnan(engine_speed) & np.isnan(engine_running)),
    )


def _grains(values: Floats) -> Floats:
    return np.asarray(np.rint(values / GRAIN) * GRAIN)


def _either(short: Mask, flow: Floats, counted: Floats) -> Floats:
    """The flow in short steps and the counter in long ones; the other where that is absent."""
    flow_wanted = np.where(short, ~np.isnan(flow), np.isnan(counted))
    return np.where(flow_wanted, flow, counted)


def _growth(samples: Samples, name: str, span: slice, most_per_s: float, step: float) -> Floats:
    """What a counter grows from each row to the next; NaN across a gap, a jump or a way back."""
    with_next = slice(span.start, span.stop + 1)
    difference = np.diff(signal(samples, name, with_next))
    possible = samples.step_s[span][: len(difference)] * most_per_s + step
    believed = ~samples.gap[with_next][1:] & (difference >= 0) & (difference <= possible)
    # The very last row has no next one.
    grown = np.full(len(samples.time_us[span]), np.nan)
    grown[: len(difference)] = np.where(believed, difference, np.nan)
    return grown


def brake(samples: Samples, span: slice) -> tuple[Mask, Mask]:
    """Whether the brake pedal's state is known, and whether it is down; the switch decides."""
    switch, pedal = signal(samples, "brake_switch", span), signal(samples, "brake_pedal", span)
    switch_known = ~np.isnan(switch)
    down = np.where(switch_known, switch == 1, pedal > 0)
    return switch_known | ~np.isnan(pedal), down
