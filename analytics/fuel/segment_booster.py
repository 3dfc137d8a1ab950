"""What physics misses of a segment's litres: a factor to it, learnt by boosted trees.

The factor may only rise with what costs fuel in nature (mass, ascents, speeding up, stops,
standing), and physics rises with them too, so that the litres do. Trees are grown in stages, each
on a share of the rows that is small enough to be kept as float64 and bins, to what the stages
before have left: training on any number of segments takes the memory of one stage beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.fuel.segment_physics import DRIVEN, ENGINE, ROAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray
    from sklearn.ensemble import HistGradientBoostingRegressor

    Floats = NDArray[np.float64]

STAGE_ROWS = 500_000  # segments; a stage of so many takes about 250 MB
ITERATIONS_A_VEHICLE = 1.0  # trees; what holds of other vehicles is learnt from vehicles, not rows
ITERATIONS = (60, 300)  # trees over all stages, at least and at most
LEAST_ITERATIONS = 10  # of a stage
LEARNING_RATE = 0.05
LEAVES = 7  # of a tree: interactions of two or three features; more learn vehicles by heart
LEAF_SHARE = 1 / 1000  # of the rows; a leaf has no fewer, nor than LEAF_ROWS
LEAF_ROWS = 40
SHRINK = 20.0  # L2 on leaves, in segments
FACTOR = (0.4, 2.5)  # physics that is further off than this is not the vehicle's

UP = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """One number the factor depends on.

    Attributes:
        name: what it is, with its unit.
        of: it, from the segments' columns.
        up: litres cannot fall with it, all else the same.
        core: a segment outside the range that training has seen of it is left to physics.
    """

    name: str
    of: Callable[[Callable[[str], Floats]], Floats]
    up: bool = False
    core: bool = False


def _per_km(column: str) -> Callable[[Callable[[str], Floats]], Floats]:
    return lambda get: get(column) / np.maximum(get("distance_km"), 0.1)


def _km_h(get: Callable[[str], Floats]) -> Floats:
    return 3600.0 * get("distance_km") / np.maximum(get("moving_s"), 1.0)


def _share(part: str, whole: str) -> Callable[[Callable[[str], Floats]], Floats]:
    return lambda get: get(part) / np.maximum(get(whole), 1e-3)


MASS = Feature(name="mass_t", of=lambda get: get("mass_t"), up=True, core=True)
VEHICLE = (
    Feature(name="class", of=lambda get: get("class")),
    Feature(name="reference_nm", of=lambda get: get("reference_nm"), core=True),
)
WEATHER = (
    Feature(name="ambient_c", of=lambda get: get("ambient_c"), core=True),
    Feature(name="coolant_c", of=lambda get: get("coolant_c")),
    Feature(name="air_kg_m3", of=lambda get: get("air_kg_m3")),
)
ROAD_FEATURES = (
    Feature(name="speed_km_h", of=_km_h, core=True),
    Feature(name="limit_km_h", of=lambda get: get("limit_km_h")),
    Feature(name="ascent_m_km", of=_per_km("ascent_m"), up=True, core=True),
    Feature(name="descent_m_km", of=_per_km("descent_m")),
    Feature(name="gained_j_kg_km", of=_per_km("gained_j_kg"), up=True, core=True),
    Feature(name="lost_j_kg_km", of=_per_km("lost_j_kg")),
    Feature(name="stops_km", of=_per_km("stops"), up=True),
    Feature(name="standing_s_km", of=_per_km("standing_s"), up=True),
    Feature(name="steady_j_kg_km", of=_per_km("steady_j_kg")),
    Feature(name="braked_j_kg_km", of=_per_km("braked_j_kg")),
    Feature(name="powered_share", of=lambda get: get("powered_m") / 1e3 / _km(get)),
)
DRIVEN_FEATURES = (
    Feature(name="drive_j_kg_km", of=_per_km("drive_j_kg")),
    Feature(name="held_j_kg_km", of=_per_km("held_j_kg")),
    Feature(name="driven_time_share", of=_share("driven_s", "moving_s")),
)
ENGINE_FEATURES = (
    Feature(name="friction_share", of=_share("friction_mj", "engine_mj")),
    Feature(name="revolutions_km", of=_per_km("revolutions")),
    Feature(name="load_mean", of=lambda get: get("load_mean")),
    Feature(name="load_square", of=lambda get: get("load_square")),
    Feature(name="load_high", of=lambda get: get("load_high")),
    Feature(name="rpm_work", of=lambda get: get("rpm_work")),
)


def _km(get: Callable[[str], Floats]) -> Floats:
    return np.maximum(get("distance_km"), 0.1)


def features_of(view: str, *, weighed: bool) -> tuple[Feature, ...]:
    """The features of a view, with or without the vehicle's mass."""
    own = {
        ROAD: ROAD_FEATURES,
        DRIVEN: ROAD_FEATURES + DRIVEN_FEATURES,
        ENGINE: ROAD_FEATURES + DRIVEN_FEATURES + ENGINE_FEATURES,
    }[view]
    return VEHICLE + ((MASS,) if weighed else ()) + WEATHER + own


def matrix(features: tuple[Feature, ...], columns: Mapping[str, Any]) -> Floats:
    """(n, features) float64, as the trees take it.

    Args:
        features: which.
        columns: SEGMENT_COLUMNS by name, and class: a number of the vehicle's class.
    """

    def get(name: str) -> Floats:
        return np.asarray(columns[name], dtype=np.float64)

    made = np.empty((len(columns["distance_km"]), len(features)))
    for place, feature in enumerate(features):
        made[:, place] = feature.of(get)
    return made


@dataclass(kw_only=True, slots=True)
class Booster:
    """The factor to physics.

    Attributes:
        features: what it depends on.
        stages: what each stage adds.
    """

    features: tuple[Feature, ...]
    stages: list[HistGradientBoostingRegressor] = field(default_factory=list)

    def factor(self, columns: Mapping[str, Any]) -> Floats:
        """(n,) what physics is to be multiplied with."""
        return self._clipped(matrix(self.features, columns))

    def grow(
        self,
        draws: Iterable[tuple[Mapping[str, Any], Floats]],
        *,
        vehicles: int,
        stages: int,
        seed: int,
    ) -> None:
        """Learn from draws of rows, one a stage.

        Args:
            draws: columns, and what litres are to physics (n,). Segments are of one length, about,
                so that each counts the same.
            vehicles: how many the rows are of.
            stages: how many draws there will be.
            seed: fixes what is drawn within scikit-learn.
        """
        # Takes a second to import: only who trains waits for it.
        from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415

        wanted = int(np.clip(ITERATIONS_A_VEHICLE * vehicles, *ITERATIONS))
        iterations = max(-(-wanted // stages), LEAST_ITERATIONS)
        for number, (columns, ratio) in enumerate(draws):
            rows = matrix(self.features, columns)
            # What no row tells cannot be binned; a constant is never asked about.
            rows[:, np.isnan(rows).all(axis=0)] = 0.0
            left = ratio - self._raw(rows)
            trees = HistGradientBoostingRegressor(
                max_iter=iterations,
                learning_rate=LEARNING_RATE,
                max_leaf_nodes=LEAVES,
                min_samples_leaf=max(LEAF_ROWS, int(len(left) * LEAF_SHARE)),
                l2_regularization=SHRINK,
                monotonic_cst=[UP if feature.up else 0 for feature in self.features],
                early_stopping=False,
                random_state=seed + number,
            )
            trees.fit(rows, left)
            self.stages.append(trees)

    def _raw(self, rows: Floats) -> Floats:
        """The factor as the trees say it; the first stage also learns its mean."""
        factor = np.zeros(len(rows))
        for trees in self.stages:
            factor += trees.predict(rows)
        return factor

    def _clipped(self, rows: Floats) -> Floats:
        if not len(rows):
            return np.empty(0)
        return np.asarray(np.clip(self._raw(rows), *FACTOR), dtype=np.float64)
