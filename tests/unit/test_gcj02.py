"""Positions are moved to GCJ-02 as maps of China want them, and back to where they were."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.gcj02 import is_moved, to_gcj02, to_wgs84

M_PER_DEG = 111_195.0
"""A degree of a great circle."""

PUBLISHED = (
    (31.1774276, 121.5272106, 31.17530398364597, 121.531541859215),  # Shanghai
    (22.543847, 113.912316, 22.540796131694766, 113.9171764808363),  # Shenzhen
    (39.911954, 116.377817, 39.91334545536069, 116.38404722455657),  # Beijing
)
"""WGS-84 and GCJ-02: the test vectors of EvilTransform."""

ELSEWHERE = {
    "Singapore": (1.3521, 103.8198),
    "Seoul": (37.5665, 126.9780),
    "Tokyo": (35.6812, 139.7671),
    "Hanoi": (21.0278, 105.8342),
    "Ulaanbaatar": (47.8864, 106.9057),
    "Vladivostok": (43.1155, 131.8855),
    "Taipei": (25.0330, 121.5654),
    "Berlin": (52.52, 13.405),
    "Brisbane": (-27.4698, 153.0251),
}


def _metres(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    north = (a[0] - b[0]) * M_PER_DEG
    east = (a[1] - b[1]) * M_PER_DEG * np.cos(np.radians(a[0]))
    return np.asarray(np.hypot(north, east))


@pytest.mark.parametrize("point", PUBLISHED)
def test_published_points_are_met_to_the_millimetre(
    point: tuple[float, float, float, float],
) -> None:
    latitude, longitude, wanted_latitude, wanted_longitude = point
    found = to_gcj02(latitude, longitude)
    assert found == pytest.approx((wanted_latitude, wanted_longitude), abs=1e-8)
    assert to_wgs84(*found) == pytest.approx((latitude, longitude), abs=1e-8)


def test_there_and_back_is_less_than_a_metre_all_over_the_country() -> None:
    random = np.random.default_rng(11)
    latitude, longitude = random.uniform(18, 54, 50_000), random.uniform(73, 135, 50_000)
    inside = is_moved(latitude, longitude)
    assert inside.sum() > 20_000
    told = to_gcj02(latitude, longitude)
    moved = _metres((latitude, longitude), told)
    assert (moved[~inside] == 0).all()
    assert moved[inside].min() > 20
    assert moved[inside].max() < 1000
    # Close to a rectangle's edge a moved point may lie beyond it, and is one of two there.
    far = inside & np.all(
        [is_moved(latitude + n, longitude + e) for n in (-0.02, 0.02) for e in (-0.02, 0.02)],
        axis=0,
    )
    back = to_wgs84(*told)
    assert _metres((latitude, longitude), back)[far].max() < 1e-3


@pytest.mark.parametrize("place", ELSEWHERE)
def test_outside_of_china_nothing_is_moved(place: str) -> None:
    point = ELSEWHERE[place]
    assert not is_moved(*point)
    assert tuple(map(float, to_gcj02(*point))) == point
    assert tuple(map(float, to_wgs84(*point))) == point


def test_what_is_not_known_stays_unknown() -> None:
    latitude, longitude = to_gcj02([31.2, np.nan], [np.nan, 121.5])
    assert np.isnan(latitude).tolist() == [False, True]
    assert np.isnan(longitude).tolist() == [True, False]
    assert to_gcj02([], [])[0].shape == (0,)
