"""What a model must say of itself to be trained, evaluated, kept, compared and watched.

The trainer asks a `Recipe`. One's own model need not be one: it gives its name, features, target,
`fit` and `predict` (`OwnModel`), and `analytics.training.own.OwnRecipe` adds the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

IDENTITY = ("vehicle", "vehicle_class", "region", "start_time")
"""Columns that every frame of a dataset has beside those a model reads. The region (ISO 3166-2) may
be absent, and None."""


class TrainingError(TelemetryError):
    """A model that cannot be trained, or data that nothing can be learnt from."""


@runtime_checkable
class OwnModel(Protocol):
    """A model of one's own: this is all that has to be written.

    Attributes:
        name: under which it is kept: lower-case letters, digits, _ and -.
        purpose: a sentence for its card: what it is for.
        limits: sentences for its card: what it cannot do.
        unit: of what it predicts.
        features: the columns it looks at; numbers, NaN where not known.
        target: the column it predicts. Rows where that is NaN are not learnt from.
    """

    name: str
    purpose: str
    limits: Sequence[str]
    unit: str
    features: Sequence[str]
    target: str

    def fit(self, rows: pd.DataFrame, seed: int) -> Any:  # Any: of scikit-learn
        """Learn.

        Args:
            rows: features, target, vehicle, vehicle_class, region, start_time.
            seed: fixes all that is drawn: the same rows and seed give the same model.

        Returns:
            An estimator of scikit-learn, or lists and dicts of such, of numbers and of text.
        """
        ...

    def predict(self, fitted: Any, rows: pd.DataFrame) -> NDArray[Any]:
        """(n,) predictions.

        Args:
            fitted: what `fit` gave, as it was kept.
            rows: the same columns, the target left out.
        """
        ...


class Recipe(Protocol):
    """How a kind of model is made and asked."""

    @property
    def name(self) -> str:
        """As in `OwnModel`."""
        ...

    @property
    def module(self) -> str | None:
        """Where a model of one's own comes from; None: it is the product's."""
        ...

    @property
    def version(self) -> int:
        """Raised when the same data would give another model."""
        ...

    @property
    def purpose(self) -> str:
        """As in `OwnModel`."""
        ...

    @property
    def limits(self) -> Sequence[str]:
        """As in `OwnModel`."""
        ...

    @property
    def unit(self) -> str:
        """As in `OwnModel`."""
        ...

    @property
    def features(self) -> Sequence[str]:
        """What it looks at: whose distribution is watched for drift."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """What frames must have beside IDENTITY."""
        ...

    def train(self, frames: Iterable[pd.DataFrame], *, seed: int) -> Any:  # Any: its own affair
        """A model, learnt from frames that come one after another.

        Raises:
            TelemetryError: there is nothing to learn from.
        """
        ...

    def actual(self, rows: pd.DataFrame) -> NDArray[Any]:
        """(n,) what was to be predicted; NaN where a row does not tell it."""
        ...

    def predict(self, model: Any, rows: pd.DataFrame) -> pd.DataFrame:
        """expected, low and high (an interval of 90 %) of each row."""
        ...

    def metrics(self, model: Any) -> dict[str, Any]:
        """What its own training says of it, in what JSON can keep."""
        ...

    def to_bytes(self, model: Any) -> bytes:
        """A model as a file."""
        ...

    def from_bytes(self, kept: bytes, checksum: str | None = None) -> Any:
        """The model of a file.

        Raises:
            ModelFileError: it is not what was stored, or of another version.
        """
        ...
