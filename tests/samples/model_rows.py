"""Models as the register keeps them: small, easy to foresee."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from storage import model_errors, models
from storage.model_errors import Drift
from storage.models import NewModel

if TYPE_CHECKING:
    from storage.connection import Connection


def new(body: bytes = b"a model", **others: Any) -> NewModel:
    """A model of October."""
    told: dict[str, Any] = {
        "data": (date(2026, 10, 1), date(2026, 10, 28)),
        "code_version": "0.1.0",
        "metrics": {"vehicles": 12},
        "reference": {"classes": {}},
        "evaluation": {"all": evaluation()},
        "inputs": {"vehicles": 12},
        "dataset": {"source": "database", "vehicles": 12, "rows": 900},
        "card": "# Model card",
    }
    return NewModel(body=body, **told | others)


def evaluation(**others: Any) -> dict[str, Any]:
    """Figures of vehicles left out."""
    told = {"vehicles": 12, "rows": 900, "error_percent": 4.5, "error_low": 4.0, "error_high": 5.0}
    return told | {"bias_percent": -0.25, "rmse": 0.1, "coverage_percent": 91.0} | others


def a_model(connection: Connection, **others: Any) -> int:
    """Keep one; its number."""
    model_id, _ = models.store_model(connection, new(**others))
    return model_id


def drift(week: date, **others: Any) -> Drift:
    """An input as before."""
    told: dict[str, Any] = {
        "of_what": "input",
        "name": "mass_t",
        "value": 0.05,
        "limit": 0.2,
        "drifted": False,
        "vehicles": 9,
        "rows": 900,
    }
    return Drift(week=week, **told | others)


def drifted(connection: Connection, model_id: int, week: date, *found: Drift) -> None:
    """Keep what was found of a week."""
    model_errors.store_drift(connection, model_id, week, found)
