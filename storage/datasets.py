"""Datasets as an administrator keeps them, and the rule on them that settings write down.

The rule stands in the database, where it binds the API too, whose role cannot change it. What the
API asks of datasets is `storage.served_datasets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from psycopg.rows import class_row

from storage.brief_locks import briefly
from storage.errors import StorageError
from storage.queries import query
from storage.served_datasets import Defined

if TYPE_CHECKING:
    from datetime import datetime

    from storage.connection import Connection
    from storage.served_datasets import Definition
    from storage.settings import StorageSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptDataset:
    """A dataset, with whose vehicles are in it and for whom."""

    dataset_id: int
    name: str
    purpose: str
    defined_by: str
    for_party: str
    valid_from: datetime
    valid_until: datetime
    data_from: datetime
    data_until: datetime
    vehicles: int
    """That are its definer's to open, now."""
    holds: bool
    is_withheld: bool


def synchronise(connection: Connection, settings: StorageSettings) -> list[str]:
    """Let the database refuse what settings refuse; returns a line for what was changed."""
    return briefly(
        connection, "write down the rule on datasets", partial(_set, connection, settings)
    )


def _set(connection: Connection, settings: StorageSettings) -> list[str]:
    least, grid = settings.dataset_min_vehicles, settings.dataset_finest_grid_deg
    changed = connection.execute(
        query("set_dataset_rule"), {"min_vehicles": least, "finest_grid_deg": grid}
    ).fetchone()
    if changed is None:
        return []
    return [f"datasets have {least} vehicles or more, positions on a grid of {grid:g}° or coarser"]


def define(connection: Connection, party_id: int, definition: Definition) -> Defined:
    """Define a dataset for a party that may open the vehicles' data, or say what is refused.

    Raises:
        psycopg.errors.NoDataFound: there is no such fleet of the party.
    """
    with connection.cursor(row_factory=class_row(Defined)) as cursor:
        found = cursor.execute(
            query("served_define_dataset"), {"principal": party_id, **definition.parameters()}
        ).fetchone()
    if found is None:  # pragma: no cover - the statement always returns a row
        raise StorageError(f"Dataset {definition.name} could not be defined.")
    return found


def every(connection: Connection) -> list[KeptDataset]:
    """All datasets by number, whoever defined them."""
    with connection.cursor(row_factory=class_row(KeptDataset)) as cursor:
        return cursor.execute(query("every_dataset")).fetchall()


def end(connection: Connection, dataset_id: int) -> str:
    """Let a dataset be read no more, whoever defined it; returns its name.

    Raises:
        StorageError: there is none.
    """
    row = connection.execute(query("end_any_dataset"), {"dataset_id": dataset_id}).fetchone()
    if row is None:
        raise StorageError(f"There is no dataset {dataset_id}: `telemetry datasets list`.")
    return str(row[0])
