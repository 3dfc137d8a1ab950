"""All features by name, and tables of them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.features.driving import DRIVING_FEATURES
from analytics.features.segments import SEGMENT_FEATURES
from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analytics.features.feature import Feature, Floats

REGISTRY: Mapping[str, Feature] = {
    feature.key: feature for feature in (*SEGMENT_FEATURES.values(), *DRIVING_FEATURES.values())
}
"""By key: segments.ascent_m_km."""


class FeatureError(TelemetryError):
    """There is no such feature, or features are not of the same rows."""


def find(keys: Sequence[str]) -> list[Feature]:
    """Features of the same rows, by their keys.

    Raises:
        FeatureError: there is none of a key, or they are of different rows.
    """
    found = []
    for key in keys:
        if key not in REGISTRY:
            near = difflib.get_close_matches(key, REGISTRY, n=2)
            hint = f": is {' or '.join(near)} meant?" if near else "."
            raise FeatureError(f"No feature is called {key!r}{hint}")
        found.append(REGISTRY[key])
    if len({feature.of for feature in found}) != 1:
        raise FeatureError("Ask for features of one kind of rows at a time: segments or parts.")
    return found


def computed(features: Sequence[Feature], columns: pd.DataFrame) -> pd.DataFrame:
    """Features as a frame with the rows of `columns`: a float64 column by each one's name.

    Raises:
        FeatureError: a column they need is missing.
    """
    needed = {name for feature in features for name in feature.needs}
    if missing := sorted(needed - set(columns.columns)):
        raise FeatureError(f"These features need {', '.join(missing)}.")

    def get(name: str) -> Floats:
        return columns[name].to_numpy(dtype=np.float64, na_value=np.nan)

    made = {feature.name: feature.make(get) for feature in features}
    return pd.DataFrame(made, index=columns.index)
