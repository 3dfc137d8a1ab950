"""A model of one's own gets what every model has: an interval, a file with a checksum, metrics.

Its interval is that of vehicles that were left out while it learnt (split conformal prediction), as
far from the prediction on any row: quantiles of actual less predicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.sealed_models import (
    ModelFileError,
    opened,
    require_same_scikit_learn,
    seal,
    versions,
)
from analytics.training.recipe import IDENTITY, TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from analytics.training.recipe import OwnModel

MAGIC = b"telemetry own model 1"
LEVEL = 0.9  # of intervals
FOLDS = 5  # every vehicle is left out once
LEAST_ROWS = 20  # fewer tell nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """What a model of one's own has learnt.

    Attributes:
        fitted: what its `fit` gave.
        low, high: from prediction to the ends of the interval.
        rows: how many it was learnt from.
    """

    fitted: Any  # its own affair
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class OwnRecipe:
    """The recipe of a model of one's own."""

    own: OwnModel
    module: str | None = None

    @property
    def name(self) -> str:
        """Under which it is kept."""
        return self.own.name

    @property
    def version(self) -> int:
        """Its own, where it has one."""
        return int(getattr(self.own, "version", 1))

    @property
    def purpose(self) -> str:
        """What it is for."""
        return self.own.purpose

    @property
    def limits(self) -> Sequence[str]:
        """What it cannot do."""
        return self.own.limits

    @property
    def unit(self) -> str:
        """Of what it predicts."""
        return self.own.unit

    @property
    def features(self) -> Sequence[str]:
        """What it looks at."""
        return self.own.features

    @property
    def columns(self) -> Sequence[str]:
        """What it looks at, and what it learns."""
        return (*self.own.features, self.own.target)

    def train(self, frames: Iterable[pd.DataFrame], *, seed: int) -> Fitted:
        """Learn from all frames at once; see `Recipe`."""
        several = [frame[frame[self.own.target].notna()] for frame in frames]
        rows = pd.concat(several, ignore_index=True) if several else pd.DataFrame()
        if len(rows) < LEAST_ROWS:
            raise TrainingError(
                f"only {len(rows)} rows have a {self.own.target}: {self.name} learns from "
                f"{LEAST_ROWS} at the least"
            )
        vehicles = np.sort(rows["vehicle"].unique())
        place = np.searchsorted(vehicles, rows["vehicle"].to_numpy())
        fold = (np.random.default_rng(seed).permutation(len(vehicles)) % FOLDS)[place]
        off = [np.zeros(0)]
        for number in np.unique(fold) if len(vehicles) > 1 else ():
            out = fold == number
            fitted = self.own.fit(rows[~out].reset_index(drop=True), seed)
            off.append(self.actual(rows[out]) - self._asked(fitted, rows[out]))
        low, high = _interval(np.concatenate(off))
        return Fitted(fitted=self.own.fit(rows, seed), low=low, high=high, rows=len(rows))

    def actual(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """The target."""
        return rows[self.own.target].to_numpy(dtype=np.float64)

    def predict(self, model: Fitted, rows: pd.DataFrame) -> pd.DataFrame:
        """Predictions with their interval; see `Recipe`."""
        expected = self._asked(model.fitted, rows)
        told = {"expected": expected, "low": expected + model.low, "high": expected + model.high}
        return pd.DataFrame(told, index=rows.index)

    def metrics(self, model: Fitted) -> dict[str, Any]:
        """How many rows it was learnt from."""
        return {"rows": model.rows}

    def to_bytes(self, model: Fitted) -> bytes:
        """As `analytics.sealed_models` writes it."""
        told = self._identity() | versions()
        told |= {"low": model.low, "high": model.high, "rows": model.rows}
        return seal(MAGIC, told, model.fitted)

    def from_bytes(self, kept: bytes, checksum: str | None = None) -> Fitted:
        """What `to_bytes` gave; see `Recipe`."""
        told, fitted = opened(
            MAGIC, kept, what=f"model {self.name}", checksum=checksum, allowed=self._require
        )
        return Fitted(fitted=fitted, low=told["low"], high=told["high"], rows=told["rows"])

    def _identity(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "features": list(self.own.features),
            "target": self.own.target,
        }

    def _require(self, told: dict[str, Any]) -> None:
        require_same_scikit_learn(str(told["scikit_learn"]), f"model {self.name}")
        for field, own in self._identity().items():
            if told[field] != own:
                raise ModelFileError(
                    f"the model {self.name} was trained with {field} {told[field]!r}, its code has"
                    f" {own!r} now; train a new one"
                )

    def _asked(self, fitted: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Its predictions; it is not shown what it is to tell."""
        shown = rows[[name for name in (*IDENTITY, *self.own.features) if name in rows.columns]]
        told = np.asarray(self.own.predict(fitted, shown), dtype=np.float64)
        if told.shape != (len(rows),):
            raise TrainingError(
                f"{self.name}.predict gave {told.shape} numbers for {len(rows)} rows: give one each"
            )
        return told


def _interval(off: NDArray[np.float64]) -> tuple[float, float]:
    """What holds LEVEL of the errors, and of so few of them a little more."""
    off = off[np.isfinite(off)]
    if not len(off):
        return -np.inf, np.inf
    wider = min(1.0, LEVEL * (1 + 1 / len(off)))
    low, high = np.quantile(off, [(1 - wider) / 2, (1 + wider) / 2])
    return float(low), float(high)
