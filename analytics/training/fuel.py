"""The recipe of the model of fuel: expected litres of segments of road, whoever drives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.fuel.model import HELD_OUT, SegmentModel, columns_of
from analytics.fuel.model_level import LEAST_KM, LEAST_S
from analytics.fuel.segment_physics import ROAD
from analytics.fuel.segments import SEGMENTS_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_NOT_INPUTS = ("fuel_l", "idling_l", "pto_l", "duration_s")


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelRecipe:
    """How the model of fuel is made; see `analytics.training.recipe.Recipe`.

    Attributes:
        held_out: share of the vehicles its own training leaves out at a time.
    """

    held_out: float = HELD_OUT
    name: str = "fuel"
    module: str | None = None
    version: int = SEGMENTS_VERSION
    unit: str = "L"
    purpose: str = (
        "Expected litres of a stretch of road of some 3 km for this load, road, traffic and"
        " weather, whoever drives: what analysis compares a trip's litres with. Not for billing,"
        " and not for judging a driver by a single trip."
    )
    limits: Sequence[str] = (
        "Wind is not known to any signal, and not taken into account.",
        "Classes of few vehicles, and stretches unlike those of its class, physics alone tells.",
        "Long idling is not expected; a power take-off's litres are, as measured.",
    )

    @property
    def columns(self) -> Sequence[str]:
        """Of a segment."""
        return columns_of(ROAD)

    @property
    def features(self) -> Sequence[str]:
        """What it looks at of a segment."""
        return tuple(name for name in self.columns if name not in _NOT_INPUTS)

    def train(self, frames: Iterable[pd.DataFrame], *, seed: int) -> SegmentModel:
        """Learn from segments; see `SegmentModel.train`."""
        return SegmentModel.train(frames, held_out=self.held_out, seed=seed)

    def actual(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Litres without long idling; NaN where a segment is too short to tell, or knows none."""
        litres = rows["fuel_l"].to_numpy(np.float64) - rows["idling_l"].to_numpy(np.float64)
        tells = (rows["distance_km"] >= LEAST_KM) & (rows["moving_s"] >= LEAST_S)
        return np.where(tells & (litres > 0), litres, np.nan)

    def predict(self, model: SegmentModel, rows: pd.DataFrame) -> pd.DataFrame:
        """Expected litres."""
        told = model.predict(rows)
        return pd.DataFrame(
            {"expected": told["expected_l"], "low": told["low_l"], "high": told["high_l"]}
        )

    def metrics(self, model: SegmentModel) -> dict[str, Any]:
        """Errors of trips, by what the model may look at."""
        return dict(model.metadata)

    def to_bytes(self, model: SegmentModel) -> bytes:
        """As a file."""
        return model.to_bytes()

    def from_bytes(self, kept: bytes, checksum: str | None = None) -> SegmentModel:
        """Of a file."""
        return SegmentModel.from_bytes(kept, checksum=checksum)
