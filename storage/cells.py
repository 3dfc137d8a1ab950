"""Which database keeps which regions' vehicles; where nothing is said, this one keeps all.

The database itself refuses a vehicle of another region (migration `privacy`); ingest asks for the
right cell to name it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.errors import StorageError, refusal_of
from storage.queries import query
from storage.registers import find_vehicles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.connection import Connection

_REGION = re.compile("[A-Z]{2}(-[A-Z0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A region's database."""

    cell: int
    regions: tuple[str, ...]
    """ISO 3166-2; a country alone is all of its regions. Empty: whatever comes."""
    is_here: bool


def directory(connection: Connection) -> list[Cell]:
    """The cells that are known, this one first."""
    return [
        Cell(cell=cell, regions=tuple(regions), is_here=is_here)
        for cell, regions, is_here in connection.execute(query("cells"))
    ]


def set_directory(connection: Connection, cells: Sequence[Cell]) -> None:
    """Say which regions each cell holds; what was said before is forgotten.

    Raises:
        StorageError: two cells hold a region, one is no region, or vehicles of regions that this
            cell would not hold are here.
    """
    named = [region for cell in cells for region in cell.regions]
    for region in named:
        if _REGION.fullmatch(region) is None:
            raise StorageError(f"{region!r} is no region: write ISO 3166-2, CN-31 or CN.")
    if len(set(named)) < len(named):
        raise StorageError("A region is held by two cells: name each once.")
    with refusal_of("the directory of cells"), connection.transaction():
        for cell in cells:
            if cell.is_here and cell.regions:
                row = connection.execute(
                    query("vehicles_of_other_regions"), {"regions": list(cell.regions)}
                ).fetchone()
                if row and row[0]:
                    raise StorageError(
                        f"{row[0]} vehicles of other regions are here: move them first, or name "
                        "their regions too."
                    )
        connection.execute(query("forget_cells"))
        for cell in cells:
            connection.execute(
                query("set_cell"),
                {"cell": cell.cell, "regions": list(cell.regions), "is_here": cell.is_here},
            )


def put_elsewhere(connection: Connection, vins: Sequence[str], cell: int) -> None:
    """Say that vehicles are kept in another cell: none is registered here, and no frame taken.

    Raises:
        StorageError: the directory has no such cell, a text is no VIN, or one is registered here.
    """
    if here := find_vehicles(connection, vins):
        raise StorageError(f"Registered here: {', '.join(sorted(here))}. Move them first.")
    if not any(known.cell == cell and not known.is_here for known in directory(connection)):
        raise StorageError(f"The directory has no other cell {cell}: telemetry cell set --other.")
    with refusal_of(f"vehicles of cell {cell}"):
        connection.execute(query("put_elsewhere"), {"vins": list(vins), "cell": cell})


def cell_of(connection: Connection, vin: str) -> int | None:
    """The other cell that keeps a vehicle; None: none is known to."""
    row = connection.execute(query("cell_of"), {"vin": vin}).fetchone()
    return None if row is None else int(row[0])
