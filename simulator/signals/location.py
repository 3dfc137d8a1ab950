"""Group location: what the satellite receiver and the map say, with the receiver's own errors."""

import numpy as np

from simulator.road import EARTH_RADIUS_M
from simulator.view import Column, Derived, View

POSITION_ERROR_M = 0.5  # scatter of a position in the open
DEGREE_M = EARTH_RADIUS_M * np.pi / 180  # a degree of latitude


def _road_class(d: View) -> Column:
    kmh = 3.6 * d["limit"]
    return np.select(
        [kmh > 85, kmh > 75, kmh > 65, kmh > 55, kmh > 35], [1.0, 2.0, 3.0, 4.0, 5.0], 6.0
    )


def _hdop(d: View) -> Column:
    return 0.75 + 0.1 * np.sin(d["time_s"] / 700.0 + d["index"]) + 5.0 * d["shadowed"]


SIGNALS: dict[str, Derived] = {
    "latitude": lambda d: d["latitude_deg"] + d.jitter(POSITION_ERROR_M / DEGREE_M),
    "longitude": lambda d: (
        d["longitude_deg"]
        + d.jitter(POSITION_ERROR_M / DEGREE_M) / np.cos(np.deg2rad(d["latitude_deg"]))
    ),
    "altitude": lambda d: d["altitude_m"] + d.jitter(1.2),
    "heading": lambda d: np.rad2deg(d["heading_rad"]) % 360.0,
    "gnss_speed": lambda d: np.maximum(d["kmh"] + d["moving"] * d.jitter(0.12), 0.0),
    "vertical_speed": lambda d: d["speed"] * d["slope"],
    "road_gradient": lambda d: 100.0 * d["slope"],
    "satellites": lambda d: np.rint(
        17.0 + 3.0 * np.sin(d["time_s"] / 900.0 + d["index"]) - 11.0 * d["shadowed"]
    ),
    "hdop": _hdop,
    "pdop": lambda d: 1.7 * _hdop(d),
    "fix_type": lambda d: np.where(d["shadowed"] > 0, 1.0, 6.0),
    "horizontal_accuracy": lambda d: 1.3 * _hdop(d),
    "vertical_accuracy": lambda d: 2.1 * _hdop(d),
    "fix_age": lambda d: 0.1 + 1.9 * d["shadowed"],
    # Antenna faults and jamming are rare: one span of ten minutes in some thousands.
    "gnss_antenna_ok": lambda d: ~d.chance(2e-4, 31, lasting_s=600),
    "gnss_jamming": lambda d: d.chance(3e-4, 32, lasting_s=120),
    "speed_limit": lambda d: np.rint(3.6 * d["limit"]),
    "road_class": _road_class,
}
