"""What a vehicle and its driver are doing in each row: the conditions events and metrics share.

A condition is a mask over the rows, true where it is seen to hold. Beside it stands `..._known`:
the rows it is counted of, in which the signals could tell. A vehicle without the signal has none,
and what is asked of it is then unknown, not zero. Each row is judged by itself; spans, flicker and
least durations are the events' part. Absent signals are NaN, and comparing with NaN gives false.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analytics.spans import Spans, held, inside

if TYPE_CHECKING:
    from analytics.samples import Samples
    from analytics.thresholds import Thresholds

Mask: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.intp]

BROKEN_SENSOR_C = -40.0
"""An open circuit reads so [°C]: the raw zero of SAE J1939 temperatures."""

COLD_LEAST_S = 60.0
"""An engine that is cold for less long is a wrong value: warming up takes minutes [s]."""


def _on(samples: Samples, name: str) -> Mask:
    """The state is on; false where it is absent."""
    return np.asarray(samples[name] == 1, dtype=np.bool_)


def _known(samples: Samples, name: str) -> Mask:
    return ~np.isnan(samples[name])


# Standing and under way


def standing(samples: Samples) -> Mask:
    """The vehicle is known to stand."""
    return ~samples.moving & ~np.isnan(samples.speed_km_h)


def power_take_off(samples: Samples) -> Mask:
    """The engine drives a pump or a body: it works, though the vehicle stands."""
    return samples.running & _on(samples, "pto_engaged")


def idling(samples: Samples) -> Mask:
    """The engine runs for nobody: the vehicle stands and no power take-off is engaged.

    A vehicle that does not report its power take-off idles whenever it stands with the engine on:
    a body tipping without that signal cannot be told from a driver waiting.
    """
    return samples.running & standing(samples) & ~_on(samples, "pto_engaged")


def idling_known(samples: Samples) -> Mask:
    """The engine runs and the speed is known: idling is counted of engine-on time."""
    return samples.running & ~np.isnan(samples.speed_km_h)


def cruise(samples: Samples) -> Mask:
    """Cruise control keeps the moving vehicle's speed."""
    return samples.moving & _on(samples, "cruise_active")


def cruise_known(samples: Samples) -> Mask:
    """The vehicle moves and says whether cruise control keeps its speed."""
    return samples.moving & _known(samples, "cruise_active")


# The engine


def net_torque_percent(samples: Samples) -> Floats:
    """Torque the engine gives, of its reference torque [%]: actual minus friction torque.

    SAE J1939: SPN 513 includes the torque that turns the engine itself, SPN 514. Where the engine
    does not say its friction this is SPN 513 as it stands, several per cent too much.
    """
    return samples["engine_torque"] - np.nan_to_num(samples["engine_friction_torque"], nan=0.0)


def high_torque(samples: Samples, t: Thresholds) -> Mask:
    """The engine gives nearly all it has while the vehicle moves (Samsara: > 90 %)."""
    return samples.moving & (net_torque_percent(samples) > t.high_torque.above_percent)


def high_torque_known(samples: Samples) -> Mask:
    """The vehicle moves and its engine says its torque."""
    return samples.moving & _known(samples, "engine_torque")


def engine_rpm(samples: Samples, t: Thresholds) -> Floats:
    """Engine speed, NaN where no engine of the class turns as fast [rpm]."""
    rpm = samples["engine_speed"]
    return np.where(rpm <= t.over_revving.impossible_rpm, rpm, np.nan)


def green_band(samples: Samples, t: Thresholds) -> Mask:
    """The vehicle moves and its engine turns at a speed at which it works well."""
    rpm = samples["engine_speed"]
    inside = (rpm >= t.green_band.low_rpm) & (rpm <= t.green_band.high_rpm)
    return green_band_known(samples, t) & inside


def green_band_known(samples: Samples, t: Thresholds) -> Mask:
    """The vehicle moves with its engine running at a known speed.

    Eco-roll is left out: there the vehicle itself lets the engine idle.
    """
    known = ~np.isnan(engine_rpm(samples, t)) & ~_on(samples, "eco_roll_active")
    return samples.moving & samples.running & known


def kick_down(samples: Samples, t: Thresholds) -> Mask:
    """The accelerator is past the kick-down point; without that switch, on the floor."""
    floor = samples["accelerator_pedal"] > t.kick_down.pedal_percent
    return _on(samples, "kickdown_switch") | (~_known(samples, "kickdown_switch") & floor)


def cold(samples: Samples, t: Thresholds) -> Mask:
    """The engine runs and its coolant is not yet warm; a cold spell too short to be one is none."""
    coolant = samples["coolant_temperature"]
    below = samples.running & (coolant < t.cold_load.below_c) & (coolant > BROKEN_SENSOR_C)
    return inside(held(samples, below, least_s=COLD_LEAST_S), len(samples))


# Brakes


def braking(samples: Samples, t: Thresholds) -> Mask:
    """The driver's foot is on the service brake, whether the vehicle moves or stands.

    By the brake switch; where there is none, by the brake pedal's position.
    """
    pedal = samples["brake_pedal"] > t.late_braking.brake_percent
    return _on(samples, "brake_switch") | (~_known(samples, "brake_switch") & pedal)


def braking_known(samples: Samples) -> Mask:
    """The vehicle says whether its service brake is pressed."""
    return _known(samples, "brake_switch") | _known(samples, "brake_pedal")


def retarding(samples: Samples, t: Thresholds) -> Mask:
    """The retarder slows the moving vehicle (SPN 520: negative while it brakes)."""
    most = t.service_braking.most_retarder_percent
    return samples.moving & (samples["retarder_torque"] < -most)


def retarder_known(samples: Samples, t: Thresholds) -> Mask:
    """A retarder is fitted, known beside the service brake, and the vehicle fast enough for it.

    Retarder share: of these rows, those `retarding` against those `service_braking`.
    """
    return (
        (samples.speed_km_h >= t.service_braking.from_km_h)
        & _known(samples, "retarder_torque")
        & braking_known(samples)
    )


def service_braking(samples: Samples, t: Thresholds) -> Mask:
    """The service brake does what the retarder would do.

    It is pressed while the retarder gives next to nothing, at a speed at which it works, and not
    so hard that only the service brake could. A vehicle that never says its retarder's torque has
    none fitted.
    """
    limits = t.service_braking
    emergency = samples.acceleration_m_s2 < -limits.most_m_s2
    idle = samples["retarder_torque"] >= -limits.most_retarder_percent
    return retarder_known(samples, t) & braking(samples, t) & idle & ~emergency


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BrakeApplications:
    """The times the service brake was applied while driving, k of them.

    Attributes:
        spans: their rows, from the first braking one until the last, or until the vehicle stands.
        before: (k,) the row before each.
        known: (k,) that row tells when accelerator and brake were last pressed.
        late: (k,) known, and the accelerator was let go less than the limit before.
        since_s: (k,) from the row that last showed the accelerator pressed until the first braking
            row [s]: the time between both is less than that. 0 where both are pressed in one row;
            infinite where the accelerator was not pressed before.
    """

    spans: Spans
    before: Rows
    known: Mask
    late: Mask
    since_s: Floats

    def __len__(self) -> int:
        return len(self.spans)


def brake_applications(samples: Samples, t: Thresholds) -> BrakeApplications:
    """Find the brakings that begin while driving, and which came late (Samsara anticipation).

    At 1 Hz a braking is late where the accelerator is pressed in its first row or in the row right
    before. Then less than a second lies between, surely. A foot that changes pedals across a row's
    instant is not seen: of brakings truly late by 0.5 s, half are found. Where the row before is
    missing, or rows are further apart than `longest_step_s`, nothing is known.
    """
    limits = t.late_braking
    spans = held(samples, braking(samples, t) & samples.moving, join_s=limits.join_s)
    # The first braking row is already slower than what the brake was applied at.
    before = np.maximum(spans.first - 1, 0)
    speed = np.fmax(samples.speed_km_h[spans.first], samples.speed_km_h[before])
    driving = speed >= limits.from_km_h
    spans, before = spans[driving], before[driving]
    first = spans.first

    pedal = samples["accelerator_pedal"]
    step_s = (samples.time_us[first] - samples.time_us[before]) / 1e6
    known = (
        ~samples.gap[first]
        & (step_s <= limits.longest_step_s)
        & ~np.isnan(pedal[before])
        & braking_known(samples)[before]
    )
    rows = np.arange(len(samples))
    pressed = np.maximum.accumulate(np.where(pedal > limits.pedal_percent, rows, -1))[first]
    elapsed_s = (samples.time_us[first] - samples.time_us[np.maximum(pressed, 0)]) / 1e6
    since_s = np.where(pressed >= 0, elapsed_s, np.inf)
    # Rows that jitter about a second still tell by the row right before.
    late = known & ((pressed >= before) | (since_s <= limits.within_s))
    return BrakeApplications(spans=spans, before=before, known=known, late=late, since_s=since_s)


# Rolling


def neutral(samples: Samples) -> Mask:
    """No gear is engaged, or engine and wheels are not connected."""
    unconnected = (samples["gear_current"] == 0) | (samples["driveline_engaged"] == 0)
    return np.asarray(unconnected, dtype=np.bool_)


def rolling(samples: Samples, t: Thresholds) -> Mask:
    """The vehicle rolls by itself: no pedal is pressed, nothing drives it, nothing brakes it.

    Nothing drives it where the engine is given no fuel (by fuel rate or by torque) or no gear is
    engaged. Whether driver or cruise control wanted it is not asked.
    """
    limits = t.coasting
    unfuelled = (samples["fuel_rate"] < limits.most_fuel_l_h) | (
        net_torque_percent(samples) < limits.most_torque_percent
    )
    slowing = samples["engine_brake_torque"] < -t.service_braking.most_retarder_percent
    braked = braking(samples, t) | retarding(samples, t) | slowing
    return (
        (samples.speed_km_h > limits.from_km_h)
        & ~(samples["accelerator_pedal"] > limits.most_pedal_percent)
        & braking_known(samples)
        & ~braked
        & (unfuelled | neutral(samples))
    )


def coasting(samples: Samples, t: Thresholds) -> Mask:
    """The driver rolls in gear with the fuel cut.

    Teltonika FMS Eco: fuel < 1 L/h or torque < 1 %, speed > 10 km/h, no brake, no cruise.
    """
    return coasting_known(samples) & rolling(samples, t) & ~neutral(samples)


def coasting_known(samples: Samples) -> Mask:
    """The driver drives, not cruise control, and fuel or torque and the brake are known.

    Under cruise control the driver cannot coast: counted of all driving, those who use it most
    would seem to coast least.
    """
    drive = _known(samples, "fuel_rate") | _known(samples, "engine_torque")
    return samples.moving & drive & braking_known(samples) & ~_on(samples, "cruise_active")


def vehicles_own(samples: Samples) -> Mask:
    """Eco-roll or cruise control decides, not the driver."""
    return _on(samples, "eco_roll_active") | _on(samples, "cruise_active")


def neutral_coasting(samples: Samples, t: Thresholds) -> Mask:
    """The driver rolls in neutral; the vehicle's own eco-roll is not the driver's."""
    fast = samples.speed_km_h > t.neutral_coasting.from_km_h
    return rolling(samples, t) & neutral(samples) & fast & ~vehicles_own(samples)


# Warnings


def unbelted(samples: Samples, t: Thresholds) -> Mask:
    """The vehicle drives with the driver's belt open."""
    opened = np.asarray(samples["seat_belt_driver"] == 0, dtype=np.bool_)
    return opened & (samples.speed_km_h >= t.seat_belt.from_km_h)


def against_red_lamp(samples: Samples, t: Thresholds) -> Mask:
    """The vehicle drives with the red stop lamp on."""
    return _on(samples, "tell_tale_red") & (samples.speed_km_h >= t.red_tell_tale.from_km_h)
