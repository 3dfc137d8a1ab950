"""Made-up roads near real cities: height, bends, limits and lights along a line, there and back.

A road is a grid of points `STEP_M` apart. Each road lies in the network as two lanes, outward and
return, so that a truck always travels towards rising `s`. All lanes stand behind each other in
flat arrays: a truck's point is `start[lane] + int(s / STEP_M)`.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulator.vehicle import Floats

STEP_M = 20.0  # distance of grid points
EARTH_RADIUS_M = 6_371_008.8  # mean radius (IUGG)
CURVE_M_S2 = 1.4  # sideways acceleration at which drivers take a bend
TURN_RADIUS_M = 28.0  # a right-angle turn at a junction
END_MARGIN_M = 40.0  # a truck stops this far before the lane's last point
LIGHT_CYCLE_S = 64.0  # a traffic light's period
AREA_SPACING_M = 18_000.0  # service areas on roads outside towns
HILLINESS = (0.35, 0.9)  # a road's steep stretches over the steepest of its class
NEVER_M = 1e9  # a position no truck reaches

# Cities the roads start from: latitude and longitude (WGS-84, deg), altitude (m), bearing (deg).
CITIES = (
    ("Beijing", 39.90, 116.40, 45.0, 160.0),
    ("Zhengzhou", 34.75, 113.63, 110.0, 95.0),
    ("Wuhan", 30.59, 114.30, 40.0, 350.0),
    ("Chengdu", 30.66, 104.06, 500.0, 40.0),
    ("Xi'an", 34.34, 108.94, 400.0, 275.0),
    ("Changsha", 28.23, 112.94, 60.0, 200.0),
    ("Shenyang", 41.80, 123.43, 50.0, 210.0),
    ("Jinan", 36.65, 117.00, 60.0, 250.0),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoadClass:
    """What the stretches of one class have in common."""

    limit_kmh: tuple[float, ...]
    light_spacing_m: float
    steepest: float
    turn_spacing_m: float


CLASSES = {
    "city": RoadClass(
        limit_kmh=(40, 50, 60), light_spacing_m=650, steepest=0.015, turn_spacing_m=2300
    ),
    "country": RoadClass(
        limit_kmh=(60, 70, 80), light_spacing_m=5200, steepest=0.045, turn_spacing_m=9000
    ),
    "motorway": RoadClass(
        limit_kmh=(90,), light_spacing_m=NEVER_M, steepest=0.03, turn_spacing_m=NEVER_M
    ),
    "site": RoadClass(
        limit_kmh=(20, 30), light_spacing_m=NEVER_M, steepest=0.06, turn_spacing_m=500
    ),
}

# Kinds of road a truck works on: stretches (class, km) from the yard to the far end.
ROUTES: dict[str, tuple[tuple[str, float], ...]] = {
    "long_haul": (("city", 4), ("country", 6), ("motorway", 270), ("country", 5), ("city", 3)),
    "regional": (("city", 5), ("country", 22), ("motorway", 45), ("country", 10), ("city", 6)),
    "city": (("city", 9), ("country", 4), ("city", 8)),
    "site": (("site", 0.8), ("country", 9), ("city", 7), ("site", 0.6)),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Roads:
    """All lanes, one behind the other: arrays of shape (points,) and, by lane, (lanes,).

    Lane `2·r` is road r outward, `2·r + 1` its return. Angles in radians, `heading` clockwise
    from north; `curvature` 1/m, positive to the right; `limit` posted, `bend` the speed its curve
    allows, both m/s; `light_at` and `area_at` the position s of the next traffic light and the
    next place to park, `NEVER_M` where none follows; `light_phase` that light's offset in s.
    """

    kinds: tuple[str, ...]
    start: NDArray[np.int64]
    length: Floats
    gradient: Floats
    altitude: Floats
    latitude: Floats
    longitude: Floats
    heading: Floats
    curvature: Floats
    limit: Floats
    bend: Floats
    light_at: Floats
    light_phase: Floats
    area_at: Floats

    def point(self, lane: NDArray[np.int64], s: Floats) -> NDArray[np.int64]:
        """Index of the grid point at or before `s` on `lane`."""
        index: NDArray[np.int64] = self.start[lane] + (s * (1 / STEP_M)).astype(np.int64)
        return index

    def envelope(
        self, deceleration: float, limit: Floats, starts: NDArray[np.int64] | None = None
    ) -> Floats:
        """Speed at each point from which `limit` ahead can be met at `deceleration`, m/s.

        `starts` is the first point of each lane in `limit`; without it they are all lanes.
        """
        reach = np.empty_like(limit)
        bounds = [*(self.start if starts is None else starts).tolist(), len(limit)]
        for first, end in pairwise(bounds):
            climb = 2 * deceleration * STEP_M * np.arange(end - first)
            squared = np.minimum.accumulate((limit[first:end] ** 2 + climb)[::-1])[::-1] - climb
            reach[first:end] = np.sqrt(squared)
        return reach


def build_roads(kinds: tuple[str, ...], *, seed: int) -> Roads:
    """Roads of the given kinds (keys of `ROUTES`), each with its two lanes, fixed by `seed`."""
    lanes: list[dict[str, Floats]] = []
    for number, kind in enumerate(kinds):
        rng = np.random.default_rng([seed, 0x0AD, number])
        lanes += _two_lanes(kind, CITIES[number % len(CITIES)][1:], rng)
    sizes = np.array([len(lane["altitude"]) for lane in lanes])
    return Roads(
        kinds=kinds,
        start=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64),
        length=(sizes - 1) * STEP_M,
        **{name: np.concatenate([lane[name] for lane in lanes]) for name in lanes[0]},
    )


def flat_road(*, length_m: float, limit_kmh: float) -> Roads:
    """One straight, level road without lights, for checks against known figures."""
    n = int(length_m / STEP_M) + 1
    zero = np.zeros(n)
    lane = _lane(
        altitude=zero, heading=zero, limit=np.full(n, limit_kmh / 3.6), origin=(35.0, 114.0),
        lights=np.empty(0), areas=np.empty(0), phases=np.empty(0),
    )  # fmt: skip
    return Roads(
        kinds=("flat",),
        start=np.array([0, n], dtype=np.int64),
        length=np.full(2, (n - 1) * STEP_M),
        **{name: np.concatenate([column, column]) for name, column in lane.items()},
    )


def _two_lanes(
    kind: str, city: tuple[float, float, float, float], rng: np.random.Generator
) -> list[dict[str, Floats]]:
    latitude, longitude, base_m, bearing = city
    limit: list[Floats] = []
    steepest: list[Floats] = []
    lights: list[float] = []
    areas: list[float] = []
    turns: list[float] = []
    at = 0.0
    for name, km in ROUTES[kind]:
        road_class = CLASSES[name]
        n = int(km * 1000 / STEP_M)
        piece = rng.integers(0, len(road_class.limit_kmh), size=n // 60 + 1)
        limit.append(np.repeat(np.array(road_class.limit_kmh)[piece] / 3.6, 60)[:n])
        steepest.append(np.full(n, road_class.steepest))
        end = at + n * STEP_M
        lights += _spaced(at, end, road_class.light_spacing_m, rng)
        turns += _spaced(at, end, road_class.turn_spacing_m, rng)
        if name in {"country", "motorway"}:
            areas += _spaced(at, end, AREA_SPACING_M, rng)
        at = end
    limits = np.concatenate(limit)
    n = len(limits)
    s: Floats = np.arange(n, dtype=np.float64) * STEP_M
    altitude = _altitude(s, np.concatenate(steepest), base_m, rng)
    heading = np.deg2rad(bearing) + _winding(s, turns, rng)
    phases = rng.uniform(0.0, LIGHT_CYCLE_S, size=len(lights))
    outward = _lane(
        altitude=altitude, heading=heading, limit=limits, origin=(latitude, longitude),
        lights=np.array(lights), areas=np.array(areas), phases=phases,
    )  # fmt: skip
    far = (float(outward["latitude"][-1]), float(outward["longitude"][-1]))
    total = (n - 1) * STEP_M
    back = _lane(
        altitude=altitude[::-1], heading=heading[::-1] + np.pi, limit=limits[::-1], origin=far,
        lights=total - np.array(lights)[::-1], areas=total - np.array(areas)[::-1],
        phases=phases[::-1],
    )  # fmt: skip
    # The same ground carries both lanes: the way back is the way there, reversed.
    back["latitude"], back["longitude"] = outward["latitude"][::-1], outward["longitude"][::-1]
    return [outward, back]


def _spaced(first: float, end: float, spacing: float, rng: np.random.Generator) -> list[float]:
    count = int((end - first) / spacing)
    jitter = rng.uniform(0.25, 0.75, size=count)
    return [first + spacing * (k + float(j)) for k, j in enumerate(jitter)]


def _altitude(s: Floats, steepest: Floats, base_m: float, rng: np.random.Generator) -> Floats:
    """Hills as waves of 0.9 to 30 km whose slopes together stay below `steepest`, m."""
    waves = np.geomspace(900.0, 30_000.0, 9)
    share = rng.dirichlet(np.full(len(waves), 2.0))
    phase = rng.uniform(0, 2 * np.pi, size=len(waves))
    slope = np.cos(2 * np.pi * s[:, None] / waves + phase) @ share
    slope *= rng.uniform(*HILLINESS) / np.percentile(np.abs(slope), 98)
    calm = np.convolve(np.pad(steepest, 50, mode="edge"), np.full(101, 1 / 101), mode="valid")
    profile = np.cumsum(slope * np.minimum(calm, steepest)) * STEP_M
    # Damping the lowest part keeps plains above the sea without a step in the slope.
    return np.asarray(base_m + 5 + np.logaddexp(0.0, (profile + 30.0) / 40.0) * 40.0)


def _winding(s: Floats, turns: list[float], rng: np.random.Generator) -> Floats:
    """Deviation from the bearing: long bends and right-angle turns that take each other back."""
    waves = np.geomspace(1_100.0, 40_000.0, 7)
    size = np.deg2rad(24.0) * rng.dirichlet(np.full(len(waves), 2.0)) * np.sqrt(waves / waves[-1])
    phase = rng.uniform(0, 2 * np.pi, size=len(waves))
    heading = np.sin(2 * np.pi * s[:, None] / waves + phase) @ size
    side = 1.0
    for number, at in enumerate(turns):
        if number % 2 == 0:
            side = -side
        sign = side if number % 2 == 0 else -side
        length = np.pi / 2 * TURN_RADIUS_M
        heading += sign * np.pi / 2 * np.clip((s - at) / length + 0.5, 0.0, 1.0)
    return np.asarray(heading)


def _lane(
    *,
    altitude: Floats,
    heading: Floats,
    limit: Floats,
    origin: tuple[float, float],
    lights: Floats,
    areas: Floats,
    phases: Floats,
) -> dict[str, Floats]:
    n = len(altitude)
    s = np.arange(n) * STEP_M
    curvature = np.gradient(heading, STEP_M)
    north = np.concatenate([[0.0], np.cumsum(np.cos(heading[:-1])) * STEP_M])
    east = np.concatenate([[0.0], np.cumsum(np.sin(heading[:-1])) * STEP_M])
    latitude = origin[0] + np.rad2deg(north / EARTH_RADIUS_M)
    longitude = origin[1] + np.rad2deg(east / (EARTH_RADIUS_M * np.cos(np.deg2rad(origin[0]))))
    stops = np.concatenate([areas, [s[-1] - END_MARGIN_M]])
    order = np.searchsorted(lights, s)
    return {
        "gradient": np.gradient(altitude, STEP_M),
        "altitude": altitude,
        "latitude": latitude,
        "longitude": longitude,
        "heading": heading,
        "curvature": curvature,
        "limit": limit,
        "bend": np.sqrt(CURVE_M_S2 / np.maximum(np.abs(curvature), 1e-6)),
        "light_at": np.append(lights, NEVER_M)[order],
        "light_phase": np.append(phases, 0.0)[order],
        "area_at": np.append(stops, NEVER_M)[np.searchsorted(stops, s)],
    }
