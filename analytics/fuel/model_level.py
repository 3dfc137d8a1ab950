"""One way of telling litres from segments: physics by class, a booster over it, and their range.

A class that few vehicles were seen of, and a segment beyond what was seen of its class, are left
to physics.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.fuel.segment_booster import Booster, features_of
from analytics.fuel.segment_physics import CLASS_NUMBERS, NEEDED, CalibrationSums, SegmentPhysics
from analytics.fuel.spread import Spread
from analytics.thresholds import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from analytics.fuel.segment_physics import Segments
    from analytics.fuel.segment_rows import Block, SegmentRows

    Floats = NDArray[np.float64]

LEAST_VEHICLES = 5  # of a class; fewer tell about themselves only
LEAST_SEGMENTS = 500  # of a class; about 1,400 km
LEAST_KM, LEAST_S = 0.2, 20.0  # a segment of less driving is not learnt from
BELIEVED = (0.2, 5.0)  # litres over published physics; beyond, a signal is wrong
LEAST_L = 0.01  # L; no segment is expected to burn less, lest a share of nothing be learnt
RANGE_ROWS = 200_000  # so many rows tell the range of features
TAIL, WIDER = 1e-3, 0.05  # part of the rows beyond the range, and part it is widened by
ABSENT_SHARE = 0.01  # part of the rows without a value for its absence to be a range, too


def target_l(columns: Segments) -> Floats:
    """Litres for driving and for standing that traffic imposes; NaN unknown."""
    fuel = np.asarray(columns["fuel_l"], dtype=np.float64)
    idling = np.asarray(columns["idling_l"], dtype=np.float64)
    return np.asarray(fuel - idling - np.asarray(columns["pto_l"], dtype=np.float64))


@dataclass(kw_only=True, slots=True)
class Level:
    """Litres from one set of features.

    Attributes:
        view: of analytics.fuel.segment_physics.VIEWS.
        weighed: the vehicle's mass is known and used.
        physics: by vehicle class.
        booster: the factor to it; None: nothing was learnt.
        ranges: by vehicle class that was learnt, by core feature: least, greatest, and 1 where its
            absence was learnt.
        spread: of what the booster says.
        physics_spread: of what physics says, of classes it was calibrated for.
    """

    view: str
    weighed: bool
    physics: dict[str, SegmentPhysics]
    booster: Booster | None = None
    ranges: dict[str, dict[str, tuple[float, float, float]]] = field(default_factory=dict)
    spread: Spread = field(default_factory=Spread)
    physics_spread: Spread = field(default_factory=Spread)

    @classmethod
    def published(cls, view: str, *, weighed: bool) -> Level:
        """By what is published and nothing else."""
        physics = {
            name: SegmentPhysics.published(view, numbers) for name, numbers in CLASS_NUMBERS.items()
        }
        return cls(view=view, weighed=weighed, physics=physics)

    @property
    def name(self) -> str:
        """What it looks at."""
        return self.view if self.weighed else f"{self.view} without weight"

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns without which it says nothing."""
        return (*NEEDED[self.view], *(("mass_t",) if self.weighed else ()))

    def physics_l(self, columns: Mapping[str, Any]) -> Floats:
        """Litres by physics alone, (n,)."""
        if not self.weighed:
            columns = {name: v for name, v in columns.items() if name != "mass_t"}
        kinds = np.asarray(columns["class"])
        litres = np.zeros(len(kinds))
        for number in np.unique(kinds):
            chosen = kinds == number
            some = {name: np.asarray(values)[chosen] for name, values in columns.items()}
            litres[chosen] = self.physics[CLASSES[int(number)]].litres(some)
        return litres

    def litres(self, columns: Mapping[str, Any]) -> tuple[Floats, NDArray[np.bool_]]:
        """Litres of each segment, and whether the booster had its say."""
        litres = self.physics_l(columns)
        if self.booster is None or not len(litres):
            return litres, np.zeros(len(litres), dtype=np.bool_)
        seen = self._seen(columns)
        if seen.any():
            some = {name: np.asarray(values)[seen] for name, values in columns.items()}
            litres[seen] *= self.booster.factor(some)
        return litres, seen

    def _seen(self, columns: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Segments like those that were learnt from."""
        kinds = np.asarray(columns["class"])
        seen = np.zeros(len(kinds), dtype=np.bool_)
        core = [f for f in features_of(self.view, weighed=self.weighed) if f.core]

        def get(name: str) -> Floats:
            return np.asarray(columns[name], dtype=np.float64)

        values = {feature.name: feature.of(get) for feature in core}
        for name, ranges in self.ranges.items():
            inside = kinds == CLASSES.index(name)
            for feature, (low, high, absent) in ranges.items():
                found = values[feature]
                within = (found >= low) & (found <= high)
                inside &= within | (np.isnan(found) & bool(absent))
            seen |= inside
        return seen

    def fit(self, rows: SegmentRows, vehicles: NDArray[np.bool_], *, stage_rows: int,
            seed: int) -> None:  # fmt: skip
        """Learn from the rows of some vehicles.

        Args:
            rows: of the whole fleet.
            vehicles: (vehicles,) whose rows are learnt from.
            stage_rows: a stage of the booster has so many rows at the most.
            seed: fixes what is drawn.
        """
        counts = self._calibrate(rows, vehicles)
        learnt = {
            name
            for name, (segments, of) in counts.items()
            if segments >= LEAST_SEGMENTS and len(of) >= LEAST_VEHICLES
        }
        self.ranges = self._ranges(rows, vehicles, learnt, seed)
        self.booster = None
        total = sum(segments for name, (segments, _) in counts.items() if name in learnt)
        if not total:
            return
        seen = sum(len(counts[name][1]) for name in learnt)
        stages = -(-total // stage_rows)
        self.booster = Booster(features=features_of(self.view, weighed=self.weighed))
        numbers = np.array([CLASSES.index(name) for name in sorted(learnt)])

        def draws() -> Iterator[tuple[Mapping[str, Any], Floats]]:
            for number in range(stages):
                block = rows.draw(vehicles, number=number, of=stages, seed=seed)
                block = self.usable(block.rows(np.isin(block.columns["class"], numbers)))
                physics = np.maximum(self.physics_l(block.columns), LEAST_L)
                yield block.columns, target_l(block.columns) / physics

        self.booster.grow(draws(), vehicles=seen, stages=stages, seed=seed)

    def usable(self, block: Block) -> Block:
        """Rows that something can be learnt from."""
        columns = block.columns
        fuel, published = target_l(columns), self.physics_l(columns)
        told = np.isfinite(fuel) & np.isfinite(published)
        for name in self.needs:
            told &= np.isfinite(columns[name])
        told &= (columns["distance_km"] >= LEAST_KM) & (columns["moving_s"] >= LEAST_S)
        ratio = fuel / np.maximum(published, LEAST_L)
        return block.rows(told & (ratio >= BELIEVED[0]) & (ratio <= BELIEVED[1]))

    def _calibrate(
        self, rows: SegmentRows, vehicles: NDArray[np.bool_]
    ) -> dict[str, tuple[int, set[int]]]:
        """Physics by class from the rows, and how many rows and vehicles there are of each."""
        self.physics = type(self).published(self.view, weighed=self.weighed).physics
        if not self.weighed:
            self._usual_masses(rows, vehicles)
        sums = {name: CalibrationSums.of(self.view) for name in CLASSES}
        seen: dict[str, set[int]] = {name: set() for name in CLASSES}
        for found in rows.among(vehicles):
            block = self.usable(found)
            for number in np.unique(block.columns["class"]):
                name = CLASSES[int(number)]
                some = block.rows(block.columns["class"] == number)
                columns: dict[str, Any] = dict(some.columns)
                if not self.weighed:
                    columns.pop("mass_t", None)
                weight = 1.0 / np.maximum(self.physics[name].litres(columns), 0.1)
                terms = self.physics[name].terms(columns)
                sums[name].add(terms, target_l(columns), weight)
                seen[name].update(np.unique(some.vehicle).tolist())
        for name, added in sums.items():
            if len(seen[name]) >= LEAST_VEHICLES and added.segments >= LEAST_SEGMENTS:
                self.physics[name] = self.physics[name].calibrated(added)
        return {name: (sums[name].segments, seen[name]) for name in CLASSES}

    def _usual_masses(self, rows: SegmentRows, vehicles: NDArray[np.bool_]) -> None:
        """Where masses are not used, the mean of the class's known ones stands for them."""
        count, total = np.zeros(len(CLASSES)), np.zeros(len(CLASSES))
        for block in rows.among(vehicles):
            mass = block.columns["mass_t"].astype(np.float64)
            known = np.isfinite(mass)
            kinds = block.columns["class"][known].astype(np.intp)
            count += np.bincount(kinds, minlength=len(CLASSES))
            total += np.bincount(kinds, weights=mass[known], minlength=len(CLASSES))
        for place, name in enumerate(CLASSES):
            if count[place] >= LEAST_SEGMENTS:
                numbers = replace(
                    self.physics[name].numbers, mass_kg=1000.0 * total[place] / count[place]
                )
                self.physics[name] = SegmentPhysics.published(self.view, numbers)

    def _ranges(
        self, rows: SegmentRows, vehicles: NDArray[np.bool_], learnt: set[str], seed: int
    ) -> dict[str, dict[str, tuple[float, float, float]]]:
        """What was seen of each core feature, by class."""
        if not learnt:
            return {}
        shares = max(-(-len(rows) // RANGE_ROWS), 1)
        block = self.usable(rows.draw(vehicles, number=0, of=shares, seed=seed + 1))
        core = [f for f in features_of(self.view, weighed=self.weighed) if f.core]
        ranges: dict[str, dict[str, tuple[float, float, float]]] = {}
        for name in sorted(learnt):
            some = block.rows(block.columns["class"] == CLASSES.index(name))

            def get(column: str, some: Block = some) -> Floats:
                return some.columns[column].astype(np.float64)

            ranges[name] = {feature.name: _range(feature.of(get)) for feature in core}
        return ranges


def _range(values: Floats) -> tuple[float, float, float]:
    """Least and greatest but for the tails, and whether absence is usual."""
    absent = float(np.mean(np.isnan(values)) > ABSENT_SHARE) if len(values) else 1.0
    if np.isnan(values).all():
        return 1.0, -1.0, absent
    low, high = np.nanquantile(values, [TAIL, 1 - TAIL])
    wider = WIDER * (high - low) + 1e-6
    return float(low - wider), float(high + wider), absent
