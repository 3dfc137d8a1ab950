"""Models as a fleet has them after some weeks: a champion that drifts, a candidate, one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.training.fuel import FuelRecipe
from tests.samples.model_rows import a_model, drift, drifted, evaluation

if TYPE_CHECKING:
    from storage.connection import Connection

WEEKS = 8
DRIFTED = ("ambient_c", "limit_km_h")
"""Inputs that have drifted in the last week, the farther one first."""


@dataclass(frozen=True, kw_only=True)
class Models:
    """What was made, by its numbers."""

    champion: int
    candidate: int
    own: int
    weeks: tuple[date, ...]
    """Of which drift is told, the oldest first; of the third nothing is."""


def models_world(connection: Connection) -> Models:
    """Make them; the champion is the oldest of its kind."""
    today = datetime.now(tz=UTC).date()
    last = today - timedelta(days=today.weekday() + 7)
    weeks = tuple(last - timedelta(weeks=number) for number in reversed(range(WEEKS)))
    of_groups = evaluation(vehicles=412, rows=184_021) | {
        "error_percent": 6.41, "error_low": 6.07, "error_high": 6.78
    }  # fmt: skip
    champion = a_model(
        connection,
        body=b"the champion",
        dataset={"source": "database", "vehicles": 412, "rows": 184_021},
        evaluation={
            "all": of_groups,
            "by_vehicle_class": {
                "heavy_truck": evaluation(vehicles=360, error_percent=6.1),
                "bus": evaluation(vehicles=49, error_percent=8.62, bias_percent=1.5),
                "car": evaluation(vehicles=3),
            },
            "by_region": {
                "CN-31": evaluation(vehicles=300),
                "CN-32": evaluation(vehicles=92, bias_percent=-2.25),
                "unknown": evaluation(vehicles=20),
            },
        },
    )
    rng = np.random.default_rng(1)
    for number, week in enumerate(weeks):
        if number != 2:
            drifted(connection, champion, week, *_week(rng, week, number))
    candidate = a_model(connection, body=b"another", evaluation={"all": evaluation(vehicles=3)})
    own = a_model(connection, body=b"of one's own", kind="cruise")
    return Models(
        champion=champion,
        candidate=candidate,
        own=own,
        weeks=tuple(week for number, week in enumerate(weeks) if number != 2),
    )


def _week(rng: np.random.Generator, week: date, number: int) -> list[Any]:
    """Inputs as before but for two, which move on and on; errors that grow."""
    found = []
    for name in FuelRecipe().features:
        value = float(rng.uniform(0.01, 0.09))
        if name in DRIFTED:
            value += 0.05 * number if name == "ambient_c" else 0.04 * number
        found.append(drift(week, name=name, value=value, drifted=value > 0.2, vehicles=390))
    error = 6.3 + 0.25 * number
    told = {"of_what": "error", "vehicles": 390, "rows": 96_112}
    found.append(
        drift(
            week, **told, name="error", value=error, low=error - 0.3, high=error + 0.4,
            reference=6.41, limit=8.01, drifted=error - 0.3 > 8.01,
        )
    )  # fmt: skip
    bias = -0.25 + 0.5 * number
    found.append(
        drift(
            week, **told, name="bias", value=bias, low=bias - 0.5, high=bias + 0.5,
            reference=-0.25, limit=2.0, drifted=bias - 0.5 > 1.75,
        )
    )  # fmt: skip
    return found
