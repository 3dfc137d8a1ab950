"""What has drifted since a model learnt: its inputs, and its errors.

An input's distribution is compared by the population stability index: over tenths of what training
saw, and the share that is absent, the sum of (now − then) · ln(now / then). A tenth that became a
fifth alone gives 0.07; above 0.2 a model is usually looked at [Siddiqi 2006]. A few vehicles in one
week differ from a whole fleet by chance, and a vehicle's rows are alike; so it must also be more
than such chance: vehicles are drawn again, as in `analytics.training.resampling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.training.resampling import LEAST_VEHICLES, drawn, ratio_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TENTHS = 10
PSI_LIMIT = 0.2
CHANCE = 0.99  # quantile of what chance alone gives
WORSE = 1.25  # times the error at training
BIAS_LIMIT = 2.0  # percent beyond the bias at training
INPUT, ERROR = "input", "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What is said of an input, or of a measure of errors.

    Attributes:
        of_what: INPUT or ERROR.
        name: the feature, "error" or "bias".
        value: population stability index, or percent.
        low, high: 95 % interval of an error; None: not known.
        reference: percent at training; of an input None.
        limit: beyond it, it counts as drifted.
        drifted: None: too few vehicles tell.
        vehicles, rows: how many told.
    """

    of_what: str
    name: str
    value: float
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    limit: float
    drifted: bool | None
    vehicles: int
    rows: int


def reference_of(rows: pd.DataFrame, features: Sequence[str]) -> dict[str, Any]:
    """How inputs are distributed, as it is kept with a model.

    Args:
        rows: vehicle, and the features.
        features: which ones.

    Returns:
        vehicles, rows, and by feature the edges of its tenths and the share of rows in each, the
        absent ones last. In what JSON can keep.
    """
    told: dict[str, Any] = {"vehicles": int(rows["vehicle"].nunique()), "rows": len(rows)}
    of_features = {}
    for name in features:
        values = rows[name].to_numpy(dtype=np.float64)
        known = values[np.isfinite(values)]
        cuts = np.arange(1, TENTHS) / TENTHS
        edges = np.unique(np.quantile(known, cuts)) if len(known) else np.zeros(0)
        counts = np.bincount(_bins(values, edges), minlength=len(edges) + 2)
        of_features[name] = {"edges": edges.tolist(), "counts": counts.tolist()}
    return told | {"features": of_features}


def inputs_drifted(reference: dict[str, Any], rows: pd.DataFrame) -> list[Finding]:
    """Which inputs are distributed otherwise than at training.

    Args:
        reference: what `reference_of` gave.
        rows: vehicle, and the features.
    """
    vehicles = np.sort(rows["vehicle"].unique())
    place = np.searchsorted(vehicles, rows["vehicle"].to_numpy())
    found = []
    for name, then in reference["features"].items():
        edges, before = np.array(then["edges"]), np.array(then["counts"], dtype=np.float64)
        counts = np.zeros((len(vehicles), len(before)))
        bins = _bins(rows[name].to_numpy(dtype=np.float64), edges)
        np.add.at(counts, (place, bins), 1.0)
        value = float(_stability(before, counts.sum(axis=0)))
        limit = PSI_LIMIT
        enough = min(len(vehicles), reference["vehicles"]) >= LEAST_VEHICLES
        if enough:
            limit = max(PSI_LIMIT, _chance(counts, reference["vehicles"]))
        found.append(
            Finding(
                of_what=INPUT,
                name=name,
                value=value,
                limit=limit,
                drifted=value > limit if enough else None,
                vehicles=len(vehicles),
                rows=len(rows),
            )
        )
    return found


def errors_drifted(at_training: dict[str, Any], sums: pd.DataFrame) -> list[Finding]:
    """Whether errors are larger, or biased, beyond what they were at training.

    Args:
        at_training: figures of all rows, see `analytics.training.evaluation`.
        sums: a row a vehicle: rows, and sums over them: actual (its size), signed (predicted less
            actual), absolute.
    """
    actual = sums["actual"].to_numpy(dtype=np.float64)
    if not actual.sum() > 0:
        return []
    found = []
    for name, column, then, bound in (
        ("error", "absolute", at_training.get("error_percent"), at_training.get("error_high")),
        ("bias", "signed", at_training.get("bias_percent"), None),
    ):
        part = sums[column].to_numpy(dtype=np.float64)
        ends = ratio_interval(part, actual)
        low, high = (None, None) if ends is None else (100 * ends[0], 100 * ends[1])
        reference = 0.0 if then is None else float(then)
        drifted: bool | None = None
        if name == "error":
            limit = max(WORSE * reference, bound or 0.0)
            drifted = None if low is None or then is None else low > limit
        else:
            limit = BIAS_LIMIT
            if low is not None and high is not None:
                drifted = low > reference + limit or high < reference - limit
        found.append(
            Finding(
                of_what=ERROR,
                name=name,
                value=100 * float(part.sum()) / float(actual.sum()),
                low=low,
                high=high,
                reference=then,
                limit=limit,
                drifted=drifted,
                vehicles=len(sums),
                rows=int(sums["rows"].sum()),
            )
        )
    return found


def _bins(values: Floats, edges: Floats) -> NDArray[np.intp]:
    """The tenth of each value; one more for what is absent."""
    return np.where(np.isfinite(values), np.searchsorted(edges, values, "right"), len(edges) + 1)


def _stability(before: Floats, now: Floats) -> Floats:
    """Population stability index of counts (..., bins); nothing seen counts as half a row."""
    then = (before + 0.5) / (before + 0.5).sum(axis=-1, keepdims=True)
    is_now = (now + 0.5) / (now + 0.5).sum(axis=-1, keepdims=True)
    return np.asarray(((is_now - then) * np.log(is_now / then)).sum(axis=-1))


def _chance(counts: Floats, at_training: int) -> float:
    """What the index would be among fleets that do not differ, in CHANCE of all cases.

    Args:
        counts: (vehicles, bins).
        at_training: how many vehicles training saw: their chance adds to that of these.
    """
    vehicles = len(counts)
    again = _stability(counts.sum(axis=0), drawn(vehicles, 400) @ counts)
    # Drawn from themselves vehicles vary by (n − 1) / n of what fleets do.
    wider = vehicles / (vehicles - 1) * (1 + vehicles / at_training)
    return float(np.quantile(again, CHANCE)) * wider
