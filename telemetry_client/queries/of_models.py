"""Questions about trained models: which there are, how good they are, and what has drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_client.frames import of_rows
from telemetry_client.messages import get
from telemetry_client.questions import ArrowListing, Single, Table, body_of, rows_of
from telemetry_client.trained import Drift, ModelWithGroups

if TYPE_CHECKING:
    import pandas as pd

    from telemetry_client.messages import Answer

_ONE = "/v1/models/{model_id}"


def models(*, kind: str | None = None, limit: int | None = None) -> ArrowListing:
    """The models there are, the newest first.

    Args:
        kind: only of this kind: fuel, or the name of a model of one's own.
        limit: so many at most.
    """
    return ArrowListing(
        address="/v1/models", index="model_id", most=500, params={"kind": kind}, limit=limit
    )


def model(model_id: int) -> Single[ModelWithGroups]:
    """One model, with how good it is by class of vehicle and by region."""
    return Single(request=get(_ONE, model_id=model_id), of=ModelWithGroups)


def model_drift(model_id: int, *, weeks: int | None = None) -> Table:
    """What has drifted since a model learnt: a row a `week` (its Monday) and input or error.

    Args:
        model_id: the model; of champions alone something is known.
        weeks: so many back; None: 8.
    """
    return Table(request=get(f"{_ONE}/drift", {"weeks": weeks}, model_id=model_id), frame=_by_week)


def _by_week(answer: Answer) -> pd.DataFrame:
    return of_rows(rows_of(body_of(answer), "drift"), Drift, "week")
