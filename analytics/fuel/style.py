"""How a vehicle was driven, in sums that add up over days and compare with peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel import traces
from analytics.fuel.replay import begins, force_n
from analytics.fuel.signals import TYRE_PRESSURES, TYRE_TEMPERATURES
from analytics.spans import runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive
    from analytics.fuel.replay import Replay
    from analytics.fuel.road_load import RoadLoad
    from analytics.samples import Samples

    Floats = NDArray[np.float64]

BAND_KM_H = 10.0  # km/h; posted speeds come in tens
BANDS = 13  # up to 120 km/h; band n is of limits that round to 10·n
FREE_PART = 0.5  # of the posted speed; who drives slower is hindered
STEADY_M_S = 0.8  # m/s; who changes speed by more in ten seconds does not choose it
NEEDED_IDLE_S = 60.0  # s; lights, manoeuvres, an engine that warms up or cools down
COOL_C = 85.0  # °C; below, a fan that turns with the engine is stuck (thermostats open at 82 to 88)
FILLED_C = 20.0  # °C; tyres are filled to the pressure recommended of cold ones
WARMER_K = 25.0  # K; so much warmer than outside is the air in a truck's tyre under way
AIR_KPA = 101.3  # kPa; gauges tell pressure above the outside, gas answers the absolute one
KELVIN = 273.15
ANEW_S = 600.0  # s; who has stood so long chooses anew how to go on (loading, a rest)

SUMS = (
    "driving_s",
    "way_m",
    "long_idle_s",
    "kinetic_j",
    "pull_j",
    "foresight_j",
    "calm_j",
    "steady_tkm",
    "by_foot_tkm",
    "steady_tkm2",
    "kept_j",
    "rated_s",
    "rated_nms",
    "fan_s",
    "fan_turns",
    "placed_s",
    "latitude_s",
    "longitude_s",
)
"""Sums by name; …_j is work that driving otherwise would have spared, on usual road load, that of
foresight what its fuel is worth (who rolls longer idles longer), that kept likewise: what cruise
control itself burns on its steady way beyond an even speed. Steady way is weighted with the mass,
as what it costs to sway is; `steady_tkm2` adds up squares by drive: with the way itself it tells
on how many drives a habit was seen."""


def style_sums(samples: Samples, drive: Drive, load: RoadLoad, replay: Replay) -> Floats:
    """The sums, in the order of SUMS, then speeds by band (2·BANDS), then tyres (2·16).

    Args:
        samples: the rows of the drive.
        drive: its steps.
        load: usual road load.
        replay: the drive on what it tells itself of the vehicle.
    """
    sums = _sums(samples, drive, load, replay)
    return np.concatenate([sums, _speeds(drive), _tyres(samples, drive)])


def long_idle(drive: Drive) -> NDArray[np.bool_]:
    """Steps in which the engine idles for longer than traffic or the engine need."""
    idle = drive.running & ~drive.moving & ~drive.pto
    needless = np.zeros(len(drive), dtype=np.bool_)
    clock = np.cumsum(drive.dt_s)
    spans = runs(idle)
    for first, stop in zip(spans.first.tolist(), spans.stop.tolist(), strict=True):
        began = clock[first] - drive.dt_s[first]
        cut = int(np.searchsorted(clock[first:stop], began + NEEDED_IDLE_S, side="right"))
        needless[first + cut : stop] = True
    return needless


def _sums(samples: Samples, drive: Drive, load: RoadLoad, replay: Replay) -> Floats:
    moving_s = drive.dt_s * drive.moving
    gear = np.nan_to_num(drive.rad_per_m)
    at_m = traces.along(drive)
    filled = traces.without_emergencies(drive)
    foresight = traces.with_foresight(drive, at_m, filled, replay.rolling_m_s2)
    foreseen_l = float((replay.burnt() - replay.burnt(foresight)).sum())
    calm = traces.calmly(at_m, filled)

    def pull(ends: Floats) -> float:
        force = force_n(drive, load, begins(drive, ends), ends, gear)
        return float(np.maximum(force, 0.0) @ drive.way_m)

    driven = pull(drive.speed_m_s)
    coolant, fan = samples["coolant_temperature"], samples["fan_speed"]
    # A cool engine needs no fan.
    cool = drive.running & np.isfinite(fan) & (drive.rpm > 0) & (coolant < COOL_C)
    latitude, longitude = samples["latitude"], samples["longitude"]
    placed = drive.moving & np.isfinite(latitude) & np.isfinite(longitude)
    rated_nm = samples["engine_reference_torque"]
    rated = drive.running & (rated_nm > 0)
    steady = traces.steadily(drive, at_m, filled)
    steady_tkm = drive.tkm * steady[1]
    even = traces.held(drive, steady, drive.cruise)
    kept_l = float((replay.burnt() - replay.burnt(even)).sum())
    found = {
        "driving_s": moving_s.sum(),
        "way_m": drive.way_m.sum(),
        "long_idle_s": drive.dt_s @ long_idle(drive),
        "kinetic_j": drive.given_up_j.sum(),
        "pull_j": driven,
        "foresight_j": foreseen_l / replay.l_per_j,
        "calm_j": driven - pull(calm),
        "steady_tkm": steady_tkm.sum(),
        "by_foot_tkm": steady_tkm @ ~drive.cruise,
        "steady_tkm2": (np.bincount(_drives(drive), steady_tkm) ** 2).sum(),
        "kept_j": kept_l / replay.l_per_j,
        "rated_s": drive.dt_s @ rated,
        "rated_nms": drive.dt_s[rated] @ rated_nm[rated],
        "placed_s": drive.dt_s @ placed,
        "latitude_s": drive.dt_s[placed] @ latitude[placed],
        "longitude_s": drive.dt_s[placed] @ longitude[placed],
        "fan_s": drive.dt_s @ cool,
        "fan_turns": drive.dt_s[cool] @ (fan[cool] / drive.rpm[cool]),
    }
    return np.array([float(found[name]) for name in SUMS])


def _drives(drive: Drive) -> NDArray[np.intp]:
    """By step the number of its drive: a long stand, or rows that are missing, end one."""
    moving = np.flatnonzero(drive.moving)
    begins = np.zeros(len(drive), dtype=np.intp)
    begins[moving[1:]] = np.diff(drive.time_us[moving]) > ANEW_S * 1e6
    return np.cumsum(begins)


def _speeds(drive: Drive) -> Floats:
    """Way and way times speed by the posted speed's band, where the driver chooses his speed."""
    limit = np.nan_to_num(drive.limit_m_s)
    back = np.concatenate([drive.speed_m_s[:10], drive.speed_m_s[:-10]])[: len(drive)]
    free = (
        (limit > 0)
        & (drive.speed_m_s > FREE_PART * limit)
        & (np.abs(drive.speed_m_s - back) < STEADY_M_S)
    )
    band = band_of(limit[free])
    way = drive.way_m[free]
    return np.concatenate(
        [np.bincount(band, way, BANDS), np.bincount(band, way * drive.speed_m_s[free], BANDS)]
    )


def band_of(limit_m_s: Floats) -> NDArray[np.intp]:
    """The band of posted speeds."""
    return np.minimum(np.rint(limit_m_s * 3.6 / BAND_KM_H).astype(np.intp), BANDS - 1)


def _tyres(samples: Samples, drive: Drive) -> Floats:
    """Seconds of driving and filling pressure times these, by the tyre's place."""
    outside_c = np.nan_to_num(samples["ambient_temperature"], nan=FILLED_C)
    seconds, pressures = [], []
    for pressure_of, temperature_of in zip(TYRE_PRESSURES, TYRE_TEMPERATURES, strict=True):
        pressure, inside_c = samples[pressure_of], samples[temperature_of]
        told = drive.moving & (pressure > 0)
        weight = drive.dt_s[told]
        seconds.append(weight.sum())
        air_c = np.where(np.isfinite(inside_c), inside_c, outside_c + WARMER_K)[told]
        filled = (pressure[told] + AIR_KPA) * (FILLED_C + KELVIN) / (air_c + KELVIN) - AIR_KPA
        pressures.append(weight @ filled)
    return np.array(seconds + pressures)
