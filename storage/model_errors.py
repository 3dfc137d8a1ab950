"""How models do on days that none of their training had seen, and what has drifted since.

Kept by vehicle and day: two models are compared on the days that neither was trained on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pandas as pd

from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from storage.connection import Connection

JUDGED_AT_ONCE = 20_000
"""Vehicle-days that are predicted at a time: about a million segments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """What is said of one input, or one measure of error, in one week."""

    week: date
    of_what: str
    """input or error."""
    name: str
    value: float
    low: float | None = None
    high: float | None = None
    """With low: 95 % interval."""
    reference: float | None = None
    """What it was at training."""
    limit: float
    """Beyond it, it counts as drifted."""
    drifted: bool | None
    """None: too few vehicles tell."""
    vehicles: int
    rows: int


def days_to_judge(connection: Connection, model_id: int, after: date | None) -> pd.DataFrame:
    """Vehicle-days that a model has not predicted yet, JUDGED_AT_ONCE at most.

    Args:
        connection: to the database.
        model_id: which model.
        after: the last day it was trained on.

    Returns:
        By vehicle and day: vehicle, vehicle_class, day, worked.
    """
    wanted = {"model_id": model_id, "after": after, "most": JUDGED_AT_ONCE}
    rows = connection.execute(query("days_to_judge"), wanted).fetchall()
    return pd.DataFrame(rows, columns=["vehicle", "vehicle_class", "day", "worked"])


def store_errors(connection: Connection, model_id: int, errors: pd.DataFrame) -> None:
    """Keep how a model did.

    Args:
        connection: to the database.
        model_id: which model.
        errors: vehicle, day, worked, rows, and sums over them: actual, signed (predicted less
            actual), absolute.
    """
    columns = ("day", "worked", "rows", "actual", "signed", "absolute")
    wanted: dict[str, object] = {name: errors[name].tolist() for name in columns}
    wanted |= {"model_id": model_id, "vehicle_id": errors["vehicle"].tolist()}
    connection.execute(query("store_model_errors"), wanted)


def side_by_side(connection: Connection, model_id: int, other_id: int) -> pd.DataFrame:
    """How two models did on the same days, by vehicle.

    Returns:
        days, rows, actual, absolute, other_absolute, signed, other_signed; indexed by vehicle.
    """
    wanted = {"one": model_id, "other": other_id}
    names = ["vehicle", "days", "rows", "actual", "absolute", "other_absolute", "signed"]
    rows = connection.execute(query("errors_side_by_side"), wanted).fetchall()
    return pd.DataFrame(rows, columns=[*names, "other_signed"]).set_index("vehicle")


def of_week(connection: Connection, model_id: int, week: date) -> pd.DataFrame:
    """How a model did in a week: rows, actual, signed, absolute; indexed by vehicle."""
    wanted = {"model_id": model_id, "week": week}
    rows = connection.execute(query("errors_of_week"), wanted).fetchall()
    names = ["vehicle", "rows", "actual", "signed", "absolute"]
    return pd.DataFrame(rows, columns=names).set_index("vehicle")


def weeks_judged(connection: Connection, model_id: int, first: date) -> list[date]:
    """Mondays of the weeks a model predicted in, from a day on."""
    wanted = {"model_id": model_id, "first": first}
    return [week for (week,) in connection.execute(query("weeks_judged"), wanted)]


def store_drift(connection: Connection, model_id: int, week: date, found: Iterable[Drift]) -> None:
    """Keep what has drifted in a week, in place of what was said of it before."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(query("forget_drift_of_week"), {"model_id": model_id, "week": week})
        cursor.executemany(
            query("store_drift"), [asdict(one) | {"model_id": model_id} for one in found]
        )


def drift(connection: Connection, model_id: int, first: date) -> list[Drift]:
    """What has drifted from a week on, the newest first."""
    cursor = connection.execute(query("drift"), {"model_id": model_id, "first": first})
    names = [column.name for column in cursor.description or ()]
    return [Drift(**dict(zip(names, row, strict=True))) for row in cursor]
