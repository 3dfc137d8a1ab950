"""All features by name, the product's and those one adds, and tables of them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.features.driving import DRIVING_FEATURES, PARTS
from analytics.features.segments import SEGMENT_FEATURES, SEGMENTS
from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analytics.features.feature import Feature, Floats

PRODUCTS: Mapping[str, Feature] = {
    feature.key: feature for feature in (*SEGMENT_FEATURES.values(), *DRIVING_FEATURES.values())
}
"""Those that the product's models and scores are made of, by key."""

_known = dict(PRODUCTS)

REGISTRY: Mapping[str, Feature] = _known
"""By key: segments.ascent_m_km."""


class FeatureError(TelemetryError):
    """There is no such feature, or features are not of the same rows."""


def register(*features: Feature) -> None:
    """Add features of one's own in this process; one of the same key takes the place of its own.

    Raises:
        FeatureError: a key is the product's, or the rows are none that features are of.
    """
    for feature in features:
        if feature.key in PRODUCTS:
            raise FeatureError(f"{feature.key} is the product's: give yours another name.")
        if feature.of not in (SEGMENTS, PARTS):
            raise FeatureError(
                f"{feature.key} is of no rows there are: of={SEGMENTS!r} or of={PARTS!r}."
            )
    _known.update({feature.key: feature for feature in features})


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
