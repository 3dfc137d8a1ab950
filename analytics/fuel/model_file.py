"""A fuel model as bytes, and back, as `analytics.sealed_models` does it.

The JSON is {"kind", "levels", "metadata"}; the file may ask for the types KNOWN_TYPES and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analytics.fuel.model_level import Level
from analytics.fuel.segment_booster import Booster, features_of
from analytics.fuel.segment_physics import VIEWS, SegmentPhysics
from analytics.fuel.segments import SEGMENTS_VERSION
from analytics.fuel.spread import Spread
from analytics.sealed_models import (
    TRUSTED,
    ModelFileError,
    opened,
    require_same_scikit_learn,
    seal,
    versions,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.ensemble import HistGradientBoostingRegressor

MAGIC = b"telemetry fuel model 1"
WHAT = "fuel model"
KNOWN_TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.str",
        "builtins.tuple",
        "numpy.ndarray",
        "numpy.random._generator.Generator",
        "numpy.uint64",
        "sklearn._loss._loss.CyHalfSquaredError",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
        *TRUSTED,
    }
)
"""Every type a model file may hold."""


def pack(kind: str, levels: Sequence[Level], metadata: dict[str, Any]) -> bytes:
    """A model as bytes; the same model gives the same JSON.

    Args:
        kind: of analytics.fuel.model.KINDS.
        levels: best first.
        metadata: numbers and text to keep with it. code_version, scikit_learn and
            segments_version are added.
    """
    told = {
        "kind": kind,
        "levels": [_level_to_dict(level) for level in levels],
        "metadata": metadata | versions() | {"segments_version": SEGMENTS_VERSION},
    }
    trees = [level.booster.stages if level.booster else [] for level in levels]
    return seal(MAGIC, told, trees)


def unpack(
    kept: bytes, *, checksum: str | None = None
) -> tuple[str, tuple[Level, ...], dict[str, Any]]:
    """What `pack` was given.

    Args:
        kept: what it gave.
        checksum: SHA-256 of `kept` in hexadecimal, where it is known from elsewhere.

    Raises:
        ModelFileError: the bytes are no model, were changed, hold what no model holds, or are of
            another version.
    """
    told, trees = opened(
        MAGIC, kept, what=WHAT, checksum=checksum, allowed=_same_version, known_types=KNOWN_TYPES
    )
    stages = _stages(trees)
    if len(stages) != len(told["levels"]):
        raise ModelFileError("the fuel model's trees do not belong to it; train a new one")
    levels = tuple(
        _level_of_dict(level, found) for level, found in zip(told["levels"], stages, strict=True)
    )
    return str(told["kind"]), levels, dict(told["metadata"])


def _same_version(told: dict[str, Any]) -> None:
    """Refuse what was learnt from other columns or grown by another scikit-learn."""
    metadata = told["metadata"]
    if metadata["segments_version"] != SEGMENTS_VERSION:
        raise ModelFileError(
            f"the fuel model was trained on segments of version {metadata['segments_version']},"
            f" these are of {SEGMENTS_VERSION}; train a new one"
        )
    require_same_scikit_learn(str(metadata["scikit_learn"]), WHAT)


def _stages(found: Any) -> list[list[HistGradientBoostingRegressor]]:  # Any: as it was read
    """The boosters' stages, level by level."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415  # takes a second

    if not isinstance(found, list) or not all(
        isinstance(level, list) and all(type(s) is HistGradientBoostingRegressor for s in level)
        for level in found
    ):
        raise ModelFileError("the fuel model's trees are no list of boosters; train a new one")
    return found


def _level_to_dict(level: Level) -> dict[str, Any]:
    return {
        "view": level.view,
        "weighed": level.weighed,
        "physics": {name: physics.to_dict() for name, physics in level.physics.items()},
        "features": [feature.name for feature in level.booster.features] if level.booster else None,
        "ranges": level.ranges,
        "spread": level.spread.to_dict(),
        "physics_spread": level.physics_spread.to_dict(),
    }


def _level_of_dict(kept: dict[str, Any], stages: list[HistGradientBoostingRegressor]) -> Level:
    booster = None
    if kept["view"] not in VIEWS:
        raise ModelFileError(f"the fuel model looks at {kept['view']!r}; train a new one")
    if kept["features"] is not None:
        features = features_of(kept["view"], weighed=kept["weighed"])
        if [feature.name for feature in features] != kept["features"]:
            raise ModelFileError("the fuel model was trained on other features; train a new one")
        booster = Booster(features=features, stages=stages)
    return Level(
        view=kept["view"],
        weighed=bool(kept["weighed"]),
        physics={n: SegmentPhysics.from_dict(p) for n, p in kept["physics"].items()},
        booster=booster,
        ranges={
            name: {feature: (r[0], r[1], r[2]) for feature, r in ranges.items()}
            for name, ranges in kept["ranges"].items()
        },
        spread=Spread.from_dict(kept["spread"]),
        physics_spread=Spread.from_dict(kept["physics_spread"]),
    )
