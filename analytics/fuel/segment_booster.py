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

from analytics.features.segments import SEGMENT_FEATURES
from analytics.fuel.segment_physics import DRIVEN, ENGINE, ROAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sklearn.ensemble import HistGradientBoostingRegressor

    from analytics.features.feature import Floats, Get


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
class Cause:
    """One number the factor depends on.

    Attributes:
        name: what it is.
        of: it, from the segments' columns.
        up: litres cannot fall with it, all else the same.
        core: a segment outside the range that training has seen of it is left to physics.
    """

    name: str
    of: Callable[[Get], Floats]
    up: bool = False
    core: bool = False


def _cause(name: str, *, up: bool = False, core: bool = False) -> Cause:
    """A registered feature as a cause."""
    return Cause(name=name, of=SEGMENT_FEATURES[name].make, up=up, core=core)


MASS = _cause("mass_t", up=True, core=True)
VEHICLE = (
    Cause(name="class", of=lambda get: get("class")),
    _cause("reference_nm", core=True),
)
WEATHER = (_cause("ambient_c", core=True), _cause("coolant_c"), _cause("air_kg_m3"))
ROAD_CAUSES = (
    _cause("speed_km_h", core=True),
    _cause("limit_km_h"),
    _cause("ascent_m_km", up=True, core=True),
    _cause("descent_m_km"),
    _cause("gained_j_kg_km", up=True, core=True),
    _cause("lost_j_kg_km"),
    _cause("stops_km", up=True),
    _cause("standing_s_km", up=True),
    _cause("steady_j_kg_km"),
    _cause("braked_j_kg_km"),
    _cause("powered_share"),
)
DRIVEN_CAUSES = (_cause("drive_j_kg_km"), _cause("held_j_kg_km"), _cause("driven_time_share"))
ENGINE_CAUSES = tuple(
    _cause(name)
    for name in (
        "friction_share",
        "revolutions_km",
        "load_mean",
        "load_square",
        "load_high",
        "rpm_work",
    )
)


def features_of(view: str, *, weighed: bool) -> tuple[Cause, ...]:
    """The features of a view, with or without the vehicle's mass."""
    own = {
        ROAD: ROAD_CAUSES,
        DRIVEN: ROAD_CAUSES + DRIVEN_CAUSES,
        ENGINE: ROAD_CAUSES + DRIVEN_CAUSES + ENGINE_CAUSES,
    }[view]
    return VEHICLE + ((MASS,) if weighed else ()) + WEATHER + own


def matrix(features: tuple[Cause, ...], columns: Mapping[str, Any]) -> Floats:
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

    features: tuple[Cause, ...]
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
