"""A fuel model as bytes, and back: nothing in them is run, and nothing changed is loaded.

Two lines of text, then JSON, then trees:

    telemetry fuel model 1
    SHA-256 of all that follows the next line, bytes of JSON
    {"kind", "levels", "metadata"}
    the trees, as skops writes them

skops builds objects from a description and runs no code of the file, which a pickle does. The file
may ask for the types KNOWN_TYPES and for no other; a file that does is refused before it is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from analytics.fuel.model_level import Level
from analytics.fuel.segment_booster import Booster, features_of
from analytics.fuel.segment_physics import VIEWS, SegmentPhysics
from analytics.fuel.segments import SEGMENTS_VERSION
from analytics.fuel.spread import Spread
from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sklearn.ensemble import HistGradientBoostingRegressor

MAGIC = b"telemetry fuel model 1"
GREATEST_BYTES = 200_000_000  # of the file, and of what it unpacks to; ours are about one MB
TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""What skops does not trust by itself and a booster is made of: arrays of nodes."""
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


class ModelFileError(TelemetryError):
    """Bytes that are no model, not the model they were, or not one this version can use."""


def pack(kind: str, levels: Sequence[Level], metadata: dict[str, Any]) -> bytes:
    """A model as bytes; the same model gives the same JSON.

    Args:
        kind: of analytics.fuel.model.KINDS.
        levels: best first.
        metadata: numbers and text to keep with it. code_version, scikit_learn and
            segments_version are added.
    """
    import skops.io  # noqa: PLC0415  # brings scikit-learn, which takes a second

    told = {
        "kind": kind,
        "levels": [_level_to_dict(level) for level in levels],
        "metadata": metadata | _versions(),
    }
    text = json.dumps(told, sort_keys=True, allow_nan=False).encode()
    trees = skops.io.dumps(
        [level.booster.stages if level.booster else [] for level in levels],
        compression=zipfile.ZIP_DEFLATED,
    )
    body = text + trees
    digest = hashlib.sha256(body).hexdigest().encode()
    return b"%s\n%s %d\n%s" % (MAGIC, digest, len(text), body)


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
    own = hashlib.sha256(kept).hexdigest()
    if checksum is not None and own != checksum:
        raise ModelFileError(
            f"the fuel model is not the one that was stored: its checksum is {own[:12]}…, not"
            f" {checksum[:12]}…; roll back to an older model or train a new one"
        )
    told, trees = _read(kept)
    _same_version(told["metadata"])
    stages = _stages(trees)
    if len(stages) != len(told["levels"]):
        raise ModelFileError("the fuel model's trees do not belong to it; train a new one")
    levels = tuple(
        _level_of_dict(level, found) for level, found in zip(told["levels"], stages, strict=True)
    )
    return str(told["kind"]), levels, dict(told["metadata"])


def _read(kept: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON and the trees, once the checksum is right."""
    if len(kept) > GREATEST_BYTES:
        raise ModelFileError(f"a fuel model of {len(kept):,} bytes is none; train a new one")
    magic, _, rest = kept.partition(b"\n")
    line, _, body = rest.partition(b"\n")
    digest, _, length = line.partition(b" ")
    if magic != MAGIC or not length.isdigit():
        raise ModelFileError(
            f"these bytes are no fuel model: they begin with {kept[:24]!r}, not {MAGIC!r}"
        )
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ModelFileError(
            "the fuel model was changed or cut short: its SHA-256 is not the one it carries; take"
            " it from the database again or train a new one"
        )
    told = json.loads(body[: int(length)])
    return told, body[int(length) :]


def _versions() -> dict[str, Any]:
    return {
        "code_version": version("vehicle-telemetry"),
        "scikit_learn": version("scikit-learn"),
        "segments_version": SEGMENTS_VERSION,
    }


def _same_version(metadata: dict[str, Any]) -> None:
    """Refuse what was learnt from other columns or grown by another scikit-learn."""
    if metadata["segments_version"] != SEGMENTS_VERSION:
        raise ModelFileError(
            f"the fuel model was trained on segments of version {metadata['segments_version']},"
            f" these are of {SEGMENTS_VERSION}; train a new one"
        )
    own, its = version("scikit-learn"), str(metadata["scikit_learn"])
    if own.split(".")[:2] != its.split(".")[:2]:
        raise ModelFileError(
            f"the fuel model was made with scikit-learn {its}, this is {own}, which need not read"
            " it as it was meant; train a new one"
        )


def _stages(trees: bytes) -> list[list[HistGradientBoostingRegressor]]:
    """The boosters' stages, level by level."""
    import skops.io  # noqa: PLC0415  # as above
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415

    try:
        archive = zipfile.ZipFile(io.BytesIO(trees))
        if sum(entry.file_size for entry in archive.infolist()) > GREATEST_BYTES:
            raise ModelFileError("the fuel model unpacks to more than a model can be")
        schema = json.loads(archive.read("schema.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ModelFileError(f"the fuel model's trees cannot be read: {error}") from error
    if strange := sorted(set(_types(schema)) - KNOWN_TYPES):
        raise ModelFileError(
            f"the fuel model holds {', '.join(strange)}, which no model of ours does; it was not"
            " loaded: find out who stored it"
        )
    found = skops.io.loads(trees, trusted=list(TRUSTED))
    if not isinstance(found, list) or not all(
        isinstance(level, list) and all(type(s) is HistGradientBoostingRegressor for s in level)
        for level in found
    ):
        raise ModelFileError("the fuel model's trees are no list of boosters; train a new one")
    return found


def _types(node: Any) -> Iterator[str]:  # Any: JSON
    """Every type that a skops schema names."""
    if isinstance(node, dict):
        if "__class__" in node:
            yield f"{node.get('__module__')}.{node['__class__']}"
        for value in node.values():
            yield from _types(value)
    elif isinstance(node, list):
        for value in node:
            yield from _types(value)


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
