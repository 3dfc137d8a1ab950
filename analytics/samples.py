"""One vehicle's rows made ready to be judged: what each row stands for, a speed one can trust.

Everything that judges driving (trips, events, counters, metrics) reads the frame that `prepare`
gives and nothing else, so that a glitch is told from a manoeuvre in one place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analytics.positions import misplaced_rows
from analytics.rows import Rows, read_rows
from analytics.speed import (
    GNSS,
    SPEED_SOURCES,
    Clock,
    Speed,
    acceleration,
    believed_speed,
    moving,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

SIGNALS = (
    "wheel_speed",
    "tachograph_speed",
    "gnss_speed",
    "longitudinal_acceleration",
    "lateral_acceleration",
    "yaw_rate",
    "heading",
    "latitude",
    "longitude",
    "altitude",
    "road_gradient",
    "speed_limit",
    "odometer",
    "engine_speed",
    "engine_torque",
    "engine_friction_torque",
    "engine_load",
    "engine_running",
    "ignition_on",
    "fuel_rate",
    "fuel_used_total",
    "accelerator_pedal",
    "kickdown_switch",
    "brake_switch",
    "brake_pedal",
    "retarder_torque",
    "engine_brake_torque",
    "cruise_active",
    "gear_current",
    "gear_selected",
    "driveline_engaged",
    "clutch_switch",
    "eco_roll_active",
    "reverse",
    "pto_engaged",
    "park_brake",
    "seat_belt_driver",
    "tell_tale_red",
    "gross_combination_weight",
    "coolant_temperature",
    "driver1_working_state",
)
"""The catalogue signals that behaviour reads; any may be absent."""

SLOW_SIGNALS = (
    "speed_limit",
    "seat_belt_driver",
    "tell_tale_red",
    "gross_combination_weight",
    "coolant_temperature",
    "driver1_working_state",
)
"""Signals that come every ten seconds: between two values the last one holds."""


SWITCHES = (
    "engine_running",
    "ignition_on",
    "kickdown_switch",
    "brake_switch",
    "cruise_active",
    "driveline_engaged",
    "clutch_switch",
    "eco_roll_active",
    "reverse",
    "pto_engaged",
    "park_brake",
    "seat_belt_driver",
    "tell_tale_red",
)
"""Signals that are 0 or 1 and nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRules:
    """What a row stands for, and what no vehicle does."""

    longest_step_s: float = 60.0
    """Rows further apart than this have a gap between them, which is nobody's time [s]."""
    hold_s: float = 30.0
    """A slow signal's value holds for so long [s]: three of its periods."""
    carry_s: float = 2.0
    """Speed and engine state hold over rows that say nothing of them, for so long [s]: rows that
    another sensor's clock put between theirs. Speed holds over a single one for `unknown_s`."""
    moving_km_h: float = 1.0
    """Below this the vehicle stands [km/h]: wheel speed sensors do not see less."""
    moving_gnss_km_h: float = 3.0
    """Likewise where only a satellite receiver tells the speed: it shows some while standing."""
    unknown_s: float = 5.0
    """A vehicle that moves before and after so short a time of unknown speed moves in it [s]."""
    running_rpm: float = 300.0
    """An engine turning this fast runs [rpm]; a starter turns it at less than 300."""
    greatest_km_h: float = 250.0
    """No vehicle is faster [km/h]; the catalogue's range of wheel_speed."""
    impossible_m_s2: float = 12.0
    """No vehicle on tyres changes its speed faster [m/s²]: 1.2 g is beyond their grip."""
    impossible_gain_m_s2: float = 6.0
    """No vehicle on the road gains speed faster [m/s²]: 100 km/h in 4.6 s."""
    spike_m_s2: float = 2.5
    """Away faster than this, back faster than this and within `spike_s`: no vehicle [m/s²]."""
    spike_km_h: float = 5.0
    """Smaller steps are no spikes but coarse sensors [km/h]."""
    spike_s: float = 2.0
    """A spike is over within this [s]."""
    dropout_s: float = 60.0
    """Away and back, both faster than a vehicle gains speed, within this is a dropout [s]."""
    stuck_least_s: float = 5.0
    """A speed is asked whether it is stuck once it has been the same for so long [s]."""
    stuck_against_s: float = 3.0
    """It is contradicted for at least so long [s]: longer than a gear change or a sensor's lag."""
    stuck_km_h: float = 8.0
    """Satellite and wheel speed differ by more than this [km/h] and than `stuck_share`."""
    stuck_share: float = 0.15
    """See `stuck_km_h`; tyres and calibration make at most 5 %."""
    stuck_rpm_share: float = 0.2
    """In one gear, engine speed differs by more than this at the same speed: slip makes less."""
    frozen_leap_m_s2: float = 4.0
    """Speed and engine speed that stood still and then leap by this were frozen [m/s²]."""
    odometer_km: float = 0.15
    """An odometer counts by less than this [km]: 0.125 km in SAE J1939 SPN 245."""
    odometer_window_s: float = 20.0
    """Speed by the odometer is over so long a time [s]: 5 m (SPN 917) are then 1 km/h."""
    acceleration_window_s: float = 0.8
    """Accelerations are speed differences over at least so long [s]: shorter ones are noise."""
    misplaced_km_h: float = 500.0
    """A position further than this from the last one is not believed [km/h] ..."""
    misplaced_km: float = 0.2
    """... beyond what a receiver errs by [km]."""
    misplaced_s: float = 120.0
    """A receiver that errs for longer is believed [s]."""
    reach_s: float = 300.0
    """Nothing further away decides on a row [s]. Rows at least twice this far from the ends of a
    frame come out as they would from a longer one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """What the data were like and what was mended: counts of rows or values, and seconds.

    Attributes:
        rows: rows that came.
        undated_rows: of these without a time, left out.
        unsorted_rows: of these after a later one, put in order.
        repeated_rows: of these with a time that another has, merged with it.
        impossible_values: infinite or beyond the signal's range, made NaN.
        usual_step_s: the median time between rows [s]; NaN where there are not two.
        gaps: times without data, longer than SampleRules.longest_step_s.
        gap_s: how long these are together [s].
        impossible_jumps: spikes, dropouts and level shifts of the speed.
        jump_rows: rows in which a spike or dropout made the speed unknown.
        stuck_s: time in which a speed was stuck, and so was unknown [s].
        carried_s: time of rows that said nothing of the speed and have the last one [s].
        misplaced_rows: rows whose position was not believed.
        unknown_speed_s: time for which no source gave a speed that is believed [s].
        speed_source_s: time by the source of its speed [s], those that gave any.
    """

    rows: int = 0
    undated_rows: int = 0
    unsorted_rows: int = 0
    repeated_rows: int = 0
    impossible_values: int = 0
    usual_step_s: float = float("nan")
    gaps: int = 0
    gap_s: float = 0.0
    impossible_jumps: int = 0
    jump_rows: int = 0
    stuck_s: float = 0.0
    carried_s: float = 0.0
    misplaced_rows: int = 0
    unknown_speed_s: float = 0.0
    speed_source_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Samples:
    """One vehicle's rows, by time, each time once; all arrays are (n,) and not to be written to.

    Attributes:
        time_us: microseconds since 1970, UTC.
        step_s: seconds the row stands for: until the next row; where a gap follows, the shorter
            of the two steps before, or 0 where there is none.
        gap: whether a gap in the data precedes the row; true for the first.
        speed_km_h: the speed that is believed, NaN where it is not known.
        speed_source: where it comes from, a place in SPEED_SOURCES, -1 where it is not known.
        acceleration_m_s2: its change up to this row, NaN where it is not known. A row that says
            nothing of the speed has the change up to the next that does.
        moving: the vehicle moves.
        running: the engine turns.
        signals: the catalogue signals SIGNALS, and others that were asked for, float64, NaN absent,
            slow ones held; impossible values and positions are NaN, everything else is as it came.
        quality: what the data were like and what was mended.
    """

    time_us: NDArray[np.int64]
    step_s: NDArray[np.float64]
    gap: NDArray[np.bool_]
    speed_km_h: NDArray[np.float64]
    speed_source: NDArray[np.int8]
    acceleration_m_s2: NDArray[np.float64]
    moving: NDArray[np.bool_]
    running: NDArray[np.bool_]
    signals: dict[str, NDArray[np.float64]]
    quality: Quality

    def __len__(self) -> int:
        return len(self.time_us)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """A signal by its catalogue name."""
        return self.signals[name]

    @property
    def end_us(self) -> NDArray[np.int64]:
        """When each row's time ends, microseconds since 1970."""
        return self.time_us + np.rint(self.step_s * 1e6).astype(np.int64)


def prepare(
    signals: pd.DataFrame,
    rules: SampleRules | None = None,
    *,
    also: Mapping[str, float] | None = None,
) -> Samples:
    """Make one vehicle's rows ready.

    Args:
        signals: rows by time (a UTC DatetimeIndex, in any order), any of the columns SIGNALS in
            the catalogue's units, NaN absent. An absent column is one that is NaN throughout. Of
            rows with the same time, the latest that says something of a signal counts.
        rules: what a row stands for, and what no vehicle does.
        also: signals to read besides SIGNALS, and for how long a value of each holds until the
            next one [s]; 0: only in its own row.

    Raises:
        UnreadableSignalsError: the index is no time, or a column is no number.
    """
    rules, also = rules or SampleRules(), also or {}
    speeds = dict.fromkeys(SPEED_SOURCES[: GNSS + 1], (0.0, rules.greatest_km_h))
    rows = read_rows(signals, (*SIGNALS, *also), speeds | dict.fromkeys(SWITCHES, (0.0, 1.0)))
    time_us, columns = rows.time_us, rows.columns
    step_s, gap = _steps(time_us, rules.longest_step_s)
    clock = Clock(time_us=time_us, step_s=step_s, stretch=np.cumsum(gap))
    for name in SLOW_SIGNALS:
        columns[name] = _hold(columns[name], time_us, rules.hold_s)
    for name, hold_s in also.items():
        columns[name] = _hold(columns[name], time_us, hold_s)
    misplaced = misplaced_rows(columns["latitude"], columns["longitude"], time_us, rules)
    if len(misplaced):
        for name in ("latitude", "longitude"):
            columns[name] = columns[name].copy()
            columns[name][misplaced] = np.nan
    speed = believed_speed(columns, clock, rules)
    return Samples(
        time_us=time_us,
        step_s=step_s,
        gap=gap,
        speed_km_h=speed.km_h,
        speed_source=speed.source,
        acceleration_m_s2=acceleration(speed, clock, rules),
        moving=moving(speed, clock, rules),
        running=_running(columns, clock, rules),
        signals=columns,
        quality=_quality(len(signals), rows, clock, gap, speed, len(misplaced)),
    )


def _steps(
    time_us: NDArray[np.int64], longest_s: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Seconds each row stands for, and whether a gap precedes it."""
    if not len(time_us):
        return np.empty(0), np.empty(0, dtype=np.bool_)
    steps = np.concatenate(([np.inf, np.inf], np.diff(time_us) / 1e6, [np.inf]))
    last = np.flatnonzero(steps[2:] > longest_s)
    gap = np.zeros(len(time_us), dtype=np.bool_)
    gap[np.append(0, last[:-1] + 1)] = True
    # Only what is near counts: the same row stands for the same time in a longer frame.
    usual = np.where(steps[last + 1] <= longest_s, np.minimum(steps[last + 1], steps[last]), 0.0)
    steps[last + 2] = usual
    return steps[2:], gap


def _hold(
    values: NDArray[np.float64], time_us: NDArray[np.int64], hold_s: float
) -> NDArray[np.float64]:
    """Each value holds until the next one, for hold_s at the most."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) in {0, len(values)}:
        return values
    last = np.repeat(known, np.diff(known, append=len(values)))
    held = np.full(len(values), np.nan)
    fresh = time_us[known[0] :] - time_us[last] <= hold_s * 1e6
    held[known[0] :] = np.where(fresh, values[last], np.nan)
    return held


def _running(
    columns: dict[str, NDArray[np.float64]], clock: Clock, rules: SampleRules
) -> NDArray[np.bool_]:
    """By engine speed or by the engine's own word, over rows that have neither for a moment."""
    rpm, word = columns["engine_speed"], columns["engine_running"]
    running = (rpm >= rules.running_rpm) | (word == 1)
    silent = np.isnan(rpm) & np.isnan(word)
    if not silent.any() or silent.all():
        return np.asarray(running)
    last = np.maximum.accumulate(np.where(silent, 0, np.arange(len(rpm))))
    carried = (clock.time_us - clock.time_us[last] <= rules.carry_s * 1e6) & (
        clock.stretch == clock.stretch[last]
    )
    return np.asarray(np.where(silent, running[last] & carried, running))


def _quality(
    received: int, rows: Rows, clock: Clock, gap: NDArray[np.bool_], speed: Speed, misplaced: int
) -> Quality:
    """Count what was found and mended."""
    steps_s = np.diff(clock.time_us) / 1e6
    gaps = gap[1:]
    by_source = np.bincount(
        speed.source + 1, weights=clock.step_s, minlength=len(SPEED_SOURCES) + 1
    )
    return Quality(
        rows=received,
        undated_rows=rows.undated,
        unsorted_rows=rows.unsorted,
        repeated_rows=rows.repeated,
        impossible_values=rows.impossible_values,
        usual_step_s=float(np.median(steps_s)) if len(steps_s) else float("nan"),
        gaps=int(np.count_nonzero(gaps)),
        gap_s=float(steps_s[gaps].sum()),
        impossible_jumps=speed.jumps,
        jump_rows=speed.jump_rows,
        stuck_s=speed.stuck_s,
        carried_s=float(clock.step_s[speed.carried].sum()),
        misplaced_rows=misplaced,
        unknown_speed_s=float(by_source[0]),
        speed_source_s={
            name: float(seconds)
            for name, seconds in zip(SPEED_SOURCES, by_source[1:], strict=True)
            if seconds > 0
        },
    )
