"""The nine metrics of a score: each the ratio of two sums, so that any period is a sum of trips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.features.feature import ratio

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.features.feature import Floats, Get
    from analytics.scores.settings import ScoreSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One metric: `scale` times the sum of some columns over the sum of others.

    Attributes:
        name: as everywhere.
        above: columns of `analytics.metrics.SUMS` whose sum is divided.
        below: those it is divided by: the exposure, in s, km or brakings.
        scale: 100 for a share in per cent, 1000 for events per 1000 km.
        unit: of the value.
        more_is_better: the direction in which it scores.
        counts: what is above the line is counted (events), not timed.
    """

    name: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    scale: float = 100.0
    unit: str = "%"
    more_is_better: bool
    counts: bool = False

    def value(self, get: Get, least: float = 0.0) -> Floats:
        """(n,) in its unit, NaN where there was less exposure than `least`.

        Args:
            get: gives the columns SUMS.
            least: in the unit of the exposure.
        """
        return ratio(get, self.above, self.below, scale=self.scale, least=least)

    @property
    def bounded(self) -> bool:
        """Whether it is a share, which is never more than 100 %."""
        return self.unit == "%"


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        # The first seven are those of Samsara's Eco score [kb.samsara.com 360062066752].
        Metric(
            name="anticipation",
            above=("late_brakings",),
            below=("brakings",),
            more_is_better=False,
            counts=True,
        ),
        Metric(
            name="coasting",
            above=("coasting_s",),
            below=("coasting_known_s",),
            more_is_better=True,
        ),
        Metric(name="cruise", above=("cruise_s",), below=("cruise_known_s",), more_is_better=True),
        Metric(
            name="green_band",
            above=("green_band_s",),
            below=("green_band_known_s",),
            more_is_better=True,
        ),
        Metric(
            name="high_torque",
            above=("high_torque_s",),
            below=("high_torque_known_s",),
            more_is_better=False,
        ),
        Metric(name="idling", above=("idle_s",), below=("engine_s",), more_is_better=False),
        Metric(
            name="overspeed",
            above=("overspeed_s",),
            below=("overspeed_known_s",),
            more_is_better=False,
        ),
        Metric(
            name="harsh",
            above=("harsh_brakings", "harsh_accelerations", "harsh_cornerings"),
            below=("harsh_known_km",),
            scale=1000.0,
            unit="1/1000 km",
            more_is_better=False,
            counts=True,
        ),
        # Samsara's later "wear-free braking" [kb.samsara.com 31483188302861].
        Metric(
            name="retarder",
            above=("retarder_s",),
            below=("retarder_s", "service_brake_s"),
            more_is_better=True,
        ),
    )
}
"""The metrics by name, in the order of every table."""

SCALE = np.array([metric.scale for metric in METRICS.values()])


def above(sums: pd.DataFrame) -> NDArray[np.float64]:
    """(n, metrics) what is divided, from a table with the columns SUMS."""
    return _columns(sums, [metric.above for metric in METRICS.values()])


def below(sums: pd.DataFrame) -> NDArray[np.float64]:
    """(n, metrics) the exposures it is divided by; 0 where the vehicle could not tell."""
    return _columns(sums, [metric.below for metric in METRICS.values()])


def _columns(sums: pd.DataFrame, wanted: list[tuple[str, ...]]) -> NDArray[np.float64]:
    return np.column_stack(
        [sums[list(names)].to_numpy(dtype=np.float64).sum(axis=1) for names in wanted]
    )


def values(sums: pd.DataFrame, settings: ScoreSettings) -> NDArray[np.float64]:
    """(n, metrics) values in each metric's unit, NaN where there was too little exposure."""

    def get(name: str) -> Floats:
        return sums[name].to_numpy(dtype=np.float64)

    return np.column_stack(
        [
            metric.value(get, settings.metrics[name].least_exposure)
            for name, metric in METRICS.items()
        ]
    )
