"""What good driving looks like among peers: the yardstick that excess is measured with.

Nobody is compared with a perfect machine: of every habit the better quarter of the vehicles of the
same model is the reference, on their own roads, from the same sums. Where too few are known, those
of the class are, and where these are too few, figures that are published (`fuel.toml`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from analytics.fuel import fan
from analytics.fuel.auxiliaries import told_auxiliaries
from analytics.fuel.calibration import PARTS, STATS_VERSION
from analytics.fuel.figures import figures
from analytics.fuel.gearing import BINS, LEAST_S
from analytics.fuel.habits import (
    BY_DRIVE,
    RATES,
    drives,
    fan_turns,
    kept,
    place_of,
    rate,
    rated_nm,
    without_chance,
)
from analytics.fuel.idle import at_idle
from analytics.fuel.signals import TYRE_PRESSURES
from analytics.fuel.style import BANDS, SUMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

GOOD = 0.25
"""Of every habit, so large a share of the peers does better than the reference."""

LEAST_PEERS = 6
"""Fewer of a model are no yardstick."""

LEAST_WAY_M = 20_000.0
"""A vehicle that drove less tells nothing of its habits [m]."""

LEAST_BAND_M = 3_000.0
"""Nor does less in a band of posted speeds [m]."""

PLACED = "coasting"
"""The habit that traffic and lights of a place leave more or less room for."""

NEAR_DEG = 1.0
"""Peers that drive within so many degrees meet the same traffic."""

GOOD_NEAR = 0.1
"""Of so few as drive near each other the quarter may hold no good driver: a tenth is asked."""

LEAST_NEAR = 4
"""Fewer of them tell nothing of it."""

SOUND = 0.4
"""Of what no habit moves the sound vehicles' middle is the yardstick; the rest has the defects."""

_ARRAYS = ("speed_m_s", "gear", "tyre_kpa", "fan_law", "places", "place_rates")
_NUMBERS = ("kept_j_tkm", "auxiliary_w", "constant_w", "cubic_w", "unknown_w", "fan_turns")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Peers:
    """The reference of one group.

    Attributes:
        vehicles: how many peers it is of; 0: published figures.
        rates: of RATES, what a good driver still spends.
        speed_m_s: (BANDS,) chosen speed by the posted one; NaN where not known.
        gear: (BINS,) engine turns over the way by speed and power, rad/m; NaN where not known.
        tyre_kpa: (16,) filling pressure by place; NaN where not known.
        kept_j_tkm: what cruise control itself burns beyond an even speed, J/t km; NaN likewise.
        auxiliary_w: what auxiliaries take at idle; NaN where not known.
        constant_w: what those that the engine knows of take at any engine speed; NaN likewise.
        cubic_w: what they take besides at 1,000 rpm, which grows with its cube; NaN likewise.
        unknown_w: what it does not know of, at idle; NaN likewise.
        fan_turns: the cool engine's fan's turns over its own; NaN likewise.
        fan_law: what a fan takes by these, of `fan.fan_law`.
        places: (n, 2) where peers drive, latitude and longitude in half degrees; NaN: not known.
        place_rates: (n,) what they spend of PLACED.
    """

    vehicles: int
    rates: dict[str, float]
    speed_m_s: Floats
    gear: Floats
    tyre_kpa: Floats
    kept_j_tkm: float
    auxiliary_w: float
    constant_w: float
    cubic_w: float
    unknown_w: float
    fan_turns: float
    fan_law: Floats
    places: Floats
    place_rates: Floats

    def rate_at(self, name: str, place: Floats) -> float:
        """A rate of RATES for who drives there, (2,): how much traffic allows differs by place."""
        if name != PLACED or not np.isfinite(place).all():
            return self.rates[name]
        near = np.abs(self.places - place).max(axis=1, initial=0.0) <= NEAR_DEG
        found = self.place_rates[near]
        found = found[np.isfinite(found)]
        if len(found) < LEAST_NEAR:
            return self.rates[name]
        return float(np.quantile(found, GOOD_NEAR))

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Self:
        """As `Reference.to_dict` wrote it."""
        arrays = {
            name: np.array([np.nan if x is None else x for x in told[name]], dtype=np.float64)
            for name in _ARRAYS
        }
        arrays["places"] = arrays["places"].reshape(-1, 2)
        numbers = {name: np.nan if told[name] is None else float(told[name]) for name in _NUMBERS}
        rates = {k: np.nan if v is None else float(v) for k, v in told["rates"].items()}
        return cls(**{**told, **arrays, **numbers, "rates": rates})

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it: what is not known is null."""
        told = asdict(self)
        for name in _ARRAYS:
            told[name] = [None if np.isnan(x) else float(x) for x in told[name].ravel()]
        for name in _NUMBERS:
            told[name] = None if np.isnan(told[name]) else told[name]
        told["rates"] = {k: None if np.isnan(v) else v for k, v in told["rates"].items()}
        return told


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reference:
    """The references of all groups and classes."""

    groups: dict[str, Peers]
    classes: dict[str, Peers]

    def of(self, group: str | None, vehicle_class: str) -> Peers:
        """The reference of a vehicle: of its model, else of its class, else published."""
        if group is not None and group in self.groups:
            return self.groups[group]
        return self.classes.get(vehicle_class, published(vehicle_class))

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            "stats_version": STATS_VERSION,
            "groups": {name: peers.to_dict() for name, peers in self.groups.items()},
            "classes": {name: peers.to_dict() for name, peers in self.classes.items()},
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """The same reference again.

        Raises:
            ValueError: it was learnt from sums that meant something else.
        """
        version = told.get("stats_version")
        if version != STATS_VERSION:
            raise ValueError(f"learnt from sums of version {version}, these are of {STATS_VERSION}")
        return cls(
            groups={name: Peers.from_dict(peers) for name, peers in told["groups"].items()},
            classes={name: Peers.from_dict(peers) for name, peers in told["classes"].items()},
        )


def default_reference() -> Reference:
    """Nobody was learnt from: published figures for every class."""
    return Reference(groups={}, classes={})


@cache
def published(vehicle_class: str) -> Peers:
    """What is published of a class, else of heavy trucks."""
    table = figures()["reference"]
    told = table.get(vehicle_class, table["heavy_truck"])
    return Peers(
        vehicles=0,
        rates={name: float(told[name]) for name in RATES},
        speed_m_s=np.full(BANDS, np.nan),
        gear=np.full(BINS, np.nan),
        tyre_kpa=np.full(len(TYRE_PRESSURES), np.nan),
        kept_j_tkm=np.nan,
        auxiliary_w=np.nan,
        constant_w=np.nan,
        cubic_w=np.nan,
        unknown_w=np.nan,
        fan_turns=np.nan,
        fan_law=fan.USUAL,
        places=np.empty((0, 2)),
        place_rates=np.empty(0),
    )


def learn_reference(stats: pd.DataFrame) -> Reference:
    """Learn what good driving looks like.

    Args:
        stats: a row a vehicle: `vehicle_class`, `group` (its model, such as the first eight
            characters of its VIN; None: not known) and `stats`, its days' sums, added.
    """
    rows = stats[[_way_m(each) >= LEAST_WAY_M for each in stats["stats"]]]
    law = _fan_law(list(rows["stats"]))
    groups = {
        str(name): _peers(list(some["stats"]), law)
        for name, some in rows.dropna(subset=["group"]).groupby("group")
        if len(some) >= LEAST_PEERS
    }
    classes = {
        str(name): _peers(list(some["stats"]), law)
        for name, some in rows.groupby("vehicle_class")
        if len(some) >= LEAST_PEERS
    }
    return Reference(groups=groups, classes=classes)


def _way_m(stats: Floats) -> float:
    return float(stats[PARTS["style"]][SUMS.index("way_m")])


def _told(table: Floats) -> Floats:
    """Constant and cubic part of what engines tell of their auxiliaries, (2, v), W; NaN without."""
    told = [told_auxiliaries(sums) for sums in table[:, PARTS["told"]]]
    return np.array(
        [(np.nan, np.nan) if one is None else (one.constant_w, one.cubic_w) for one in told]
    ).T


def _fan_law(stats: list[Floats]) -> Floats:
    """What a fan takes, by all vehicles that tell it."""
    if not stats:
        return fan.USUAL
    table = np.stack(stats)
    styles = table[:, PARTS["style"]]
    return fan.fan_law(
        np.array([fan_turns(style) for style in styles]),
        _told(table)[1],
        np.array([rated_nm(style) for style in styles]),
    )


def _peers(stats: list[Floats], law: Floats) -> Peers:
    table = np.stack(stats)
    styles = list(table[:, PARTS["style"]])
    rates = {}
    for name in RATES:
        found = np.array([rate(style, name) for style in styles])
        if name == BY_DRIVE:
            found = without_chance(found, np.array([drives(style) for style in styles]))
        rates[name] = _better(found)
    way, ways_speed = np.hsplit(table[:, PARTS["speeds"]], 2)
    seconds, turns = np.hsplit(table[:, PARTS["gears"]], 2)
    tyre_s, tyre_kpa = np.hsplit(table[:, PARTS["tyres"]], 2)
    standing = [at_idle(sums) for sums in table[:, PARTS["idle"]]]
    auxiliary = np.array([each.auxiliary_w if each.seconds > 0 else np.nan for each in standing])
    constant, cubic = _told(table)
    unknown = auxiliary - constant - cubic * np.array([each.rpm * 1e-3 for each in standing]) ** 3
    kept_j, kept_tkm = np.sum([kept(style) for style in styles], axis=0).tolist()
    return Peers(
        places=np.stack([np.rint(2 * place_of(style)) / 2 for style in styles]),
        place_rates=np.array([rate(style, PLACED) for style in styles]),
        vehicles=len(stats),
        rates=rates,
        speed_m_s=_quantiles(_mean(ways_speed, way, LEAST_BAND_M), GOOD),
        gear=_good_gear(seconds, turns),
        tyre_kpa=_quantiles(_mean(tyre_kpa, tyre_s, LEAST_S * 6), 1 - GOOD),
        kept_j_tkm=kept_j / kept_tkm if kept_tkm > 0 else np.nan,
        auxiliary_w=_better(auxiliary, SOUND),
        constant_w=_better(constant, SOUND),
        cubic_w=_better(cubic, SOUND),
        unknown_w=_better(unknown, SOUND),
        fan_turns=_better(np.array([fan_turns(style) for style in styles]), SOUND),
        fan_law=law,
    )


def _better(values: Floats, share: float = GOOD) -> float:
    """The edge of the better quarter, or another share, of those that are known; NaN of none."""
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if len(known) else float("nan")


def _mean(sums: Floats, weights: Floats, least: float) -> Floats:
    """Means by vehicle; NaN where the weight is too little."""
    means = np.full(sums.shape, np.nan)
    np.divide(sums, weights, out=means, where=weights >= least)
    return means


def _quantiles(values: Floats, share: float) -> Floats:
    """By column, of those who know; NaN where fewer than half a yardstick do."""
    found = np.full(values.shape[1], np.nan)
    for column in range(values.shape[1]):
        known = values[:, column][np.isfinite(values[:, column])]
        if len(known) >= LEAST_PEERS // 2:
            found[column] = np.quantile(known, share)
    return found


def _good_gear(seconds: Floats, turns: Floats) -> Floats:
    """Engine turns over the way of those who drive in higher gears at the same work."""
    gear = _mean(turns, seconds, LEAST_S)
    usual = _mean(turns.sum(axis=0), seconds.sum(axis=0), LEAST_S)
    relative = np.where(np.isfinite(gear), gear / usual, 1.0)
    weight = np.where(np.isfinite(gear), seconds, 0.0)
    index = (relative * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1.0)
    good = index <= np.quantile(index, 2 * GOOD)
    return _mean(turns[good].sum(axis=0), seconds[good].sum(axis=0), LEAST_S)
