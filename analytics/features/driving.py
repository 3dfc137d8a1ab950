"""Features of a trip's part, from its sums (`analytics.metrics.SUMS`): what scores are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics.features.feature import Feature
from analytics.scores.difficulty import FIGURES, figure
from analytics.scores.metric import METRICS

if TYPE_CHECKING:
    from analytics.features.feature import Floats, Get
    from analytics.scores.metric import Metric

PARTS = "parts"

_UNITS = {"load": "t", "ascent": "m/km", "stops": "1/km", "night": ""}
_WHAT = {
    "load": "Mean gross combination mass by the way.",
    "ascent": "Metres up by the way.",
    "stops": "Stops by the way.",
    "night": "Share of driving at night.",
}


def _metric(metric: Metric) -> Feature:
    def make(get: Get) -> Floats:
        return metric.value(get)

    return Feature(
        name=metric.name,
        of=PARTS,
        unit=metric.unit,
        description=f"{' + '.join(metric.above)} by {' + '.join(metric.below)}.",
        needs=metric.above + metric.below,
        make=make,
    )


def _work(part: str) -> Feature:
    def make(get: Get) -> Floats:
        return figure(part, get)

    return Feature(
        name=part,
        of=PARTS,
        unit=_UNITS[part],
        description=_WHAT[part],
        needs=FIGURES[part],
        make=make,
    )


DRIVING_FEATURES = {
    feature.name: feature for feature in (*map(_metric, METRICS.values()), *map(_work, FIGURES))
}
"""By name."""
