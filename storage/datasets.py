"""What datasets may be defined, as settings say: written into the database by migrate.

There it binds the API too, whose role cannot change it. Defining, reading and ending datasets is
`storage.served_datasets`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from storage.brief_locks import briefly
from storage.queries import query

if TYPE_CHECKING:
    from storage.connection import Connection
    from storage.settings import StorageSettings


def synchronise(connection: Connection, settings: StorageSettings) -> list[str]:
    """Let the database refuse what settings refuse; returns a line for what was changed."""
    return briefly(
        connection, "write down the rule on datasets", partial(_set, connection, settings)
    )


def _set(connection: Connection, settings: StorageSettings) -> list[str]:
    changed = connection.execute(
        query("set_dataset_rule"),
        {
            "min_vehicles": settings.dataset_min_vehicles,
            "finest_grid_deg": settings.dataset_finest_grid_deg,
        },
    ).fetchone()
    if changed is None:
        return []
    least, grid = settings.dataset_min_vehicles, settings.dataset_finest_grid_deg
    return [f"datasets have {least} vehicles or more, positions on a grid of {grid:g}° or coarser"]
