"""How fast a driver may be at each point of the road to meet what lies ahead, worked out once.

Limits as a driver takes them, and from where he must lift or brake for them. Drivers of one
profile share theirs over all roads; drivers who are nobody else's share by numbers and road, so
that memory grows with the roads that are used and not with the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.driver import DriverProfile, driver_profiles
from simulator.fleet import Vehicle
from simulator.road import Roads
from simulator.vehicle import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelopes:
    """Speeds in m/s, flat; a vehicle's at point p of the network stand at `offset + p`.

    Attributes:
        coast: From which the driver lifts both feet.
        brake: At which he brakes, and which he else drives.
        offset: By vehicle of those given, (n,).
    """

    coast: NDArray[np.float32]
    brake: NDArray[np.float32]
    offset: NDArray[np.int64]


class ProfileEnvelopes:
    """Those of the known profiles over all roads, shared by every vehicle."""

    def __init__(self, roads: Roads) -> None:
        self._points = len(roads.limit)
        pairs = [_pair(roads, driver) for driver in driver_profiles().values()]
        self._coast = np.concatenate([_ahead(coast) for coast, _ in pairs])
        self._brake = np.concatenate([_ahead(brake) for _, brake in pairs])

    def of(self, vehicles: Sequence[Vehicle]) -> Envelopes:
        """Where each of `vehicles` finds its profile's."""
        keys = list(driver_profiles())
        rows = np.array([keys.index(v.profile.key) for v in vehicles])
        return Envelopes(coast=self._coast, brake=self._brake, offset=rows * self._points)


def own_envelopes(roads: Roads, vehicles: Sequence[Vehicle]) -> Envelopes:
    """Those of drivers who each drive by numbers of their own, on their own roads only."""
    coast: list[NDArray[np.float32]] = []
    brake: list[NDArray[np.float32]] = []
    found: dict[tuple[float, ...], int] = {}
    offsets = []
    size = 0
    bounds = [*roads.start.tolist(), len(roads.limit)]
    for vehicle in vehicles:
        driver, first = vehicle.profile, bounds[2 * vehicle.road]
        key = (
            float(vehicle.road), driver.limit_factor, driver.speed_cap_kmh,
            driver.coast_m_s2, driver.brake_m_s2,
        )  # fmt: skip
        if key not in found:
            lanes = slice(first, bounds[2 * vehicle.road + 2])
            pair = _pair(roads, driver, lanes)
            coast.append(_ahead(pair[0]))
            brake.append(_ahead(pair[1]))
            found[key] = size - first
            size += lanes.stop - first
        offsets.append(found[key])
    return Envelopes(
        coast=np.concatenate(coast), brake=np.concatenate(brake), offset=np.array(offsets)
    )


def _pair(roads: Roads, driver: DriverProfile, lanes: slice | None = None) -> tuple[Floats, Floats]:
    """Coasting and braking envelope of `driver`, over all lanes or those of a slice of points."""
    points = lanes or slice(0, len(roads.limit))
    wish = np.minimum(roads.limit[points] * driver.limit_factor, driver.speed_cap_kmh / 3.6)
    wish = np.minimum(wish, roads.bend[points])
    starts = roads.start[(roads.start >= points.start) & (roads.start < points.stop)]
    return (
        roads.envelope(driver.coast_m_s2, wish, starts - points.start),
        roads.envelope(driver.brake_m_s2, wish, starts - points.start),
    )


def _ahead(speed: Floats) -> NDArray[np.float32]:
    """The lower of a grid point's speed and the next one's: a truck is between the two."""
    lower = speed.astype(np.float32)
    np.minimum(lower[:-1], speed[1:].astype(np.float32), out=lower[:-1])
    return lower
