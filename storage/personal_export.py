"""Everything that is held of a driver, or of where vehicles were, in files that people can read.

A file a table, CSV with its columns as the database has them, beside a manifest that says of each
how many rows it has, what it is, and its checksum. What tells of other people (a second driver's
card) or opens something (a password's hash) is left out.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from storage.errors import StorageError
from storage.personal import BELONGING, LAST, PLACES, POSITION_SIGNALS, RULES
from storage.queries import query
from storage.signal_tables import table_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.erasure import Person
    from storage.personal import Rule

POSITIONS_FILE = "positions.csv"
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file of an export."""

    name: str
    rows: int
    what: str
    """What the table is for, as the database says it."""
    sha256: str


def prepare_folder(folder: Path) -> None:
    """Make the folder, for its owner's eyes alone.

    Raises:
        StorageError: there is something in it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise StorageError(f"{folder} is not empty: name a new folder, or clear it.")


def export_person(
    connection: Connection, catalogue: Catalogue, person: Person, folder: Path
) -> list[File]:
    """Write all that is held of a driver, and where they drove; files without rows are left out."""
    rules: dict[str, list[Rule]] = {}
    for rule in (*LAST, *RULES):
        if rule.is_told:
            rules.setdefault(rule.table, []).append(rule)
    parameters = person.parameters
    files = []
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for table, of_table in rules.items():
            shown = {name: text for rule in of_table for name, text in rule.shown.items()}
            statement = sql.SQL("SELECT {} FROM {} WHERE {}").format(
                _columns(connection, table, shown),
                sql.Identifier(table),
                sql.SQL(" OR ").join(sql.SQL(f"({rule.where})") for rule in of_table),
            )
            files.append(_write(connection, folder, table, statement, parameters))
        for table, where in BELONGING.items():
            statement = sql.SQL("SELECT * FROM {} WHERE {}").format(
                sql.Identifier(table), sql.SQL(where)
            )
            files.append(_write(connection, folder, table, statement, parameters))
        if person.driver_id is not None:
            statement = sql.SQL(query("driven_positions")).format(
                table=sql.Identifier(table_name(catalogue.by_name["latitude"].group))
            )
            files.append(_write(connection, folder, "positions", statement, parameters))
    return [file for file in files if file.rows]


def export_positions(
    connection: Connection,
    catalogue: Catalogue,
    vins: Sequence[str],
    span: tuple[datetime | None, datetime | None],
    folder: Path,
) -> list[File]:
    """Write where vehicles were within a span, from all that says so."""
    parameters: dict[str, object] = {
        "vins": list(vins),
        "since": span[0] or "-infinity",
        "until": span[1] or "infinity",
    }
    files = []
    of_vehicles = sql.SQL(
        "vehicle_id IN (SELECT vehicle_id FROM vehicle WHERE vin = ANY (%(vins)s))"
    )
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        raw = sql.SQL(
            "SELECT vin, time, {} FROM {} JOIN vehicle USING (vehicle_id) WHERE {}"
            " AND time >= %(since)s AND time < %(until)s ORDER BY vin, time"
        ).format(
            sql.SQL(", ").join(map(sql.Identifier, POSITION_SIGNALS)),
            sql.Identifier(table_name(catalogue.by_name["latitude"].group)),
            of_vehicles,
        )
        files.append(_write(connection, folder, "positions", raw, parameters))
        for table in dict.fromkeys(place.table for place in PLACES):
            of_table = [place for place in PLACES if place.table == table]
            statement = sql.SQL("SELECT * FROM {} WHERE {} AND ({})").format(
                sql.Identifier(table),
                of_vehicles,
                sql.SQL(" OR ").join(
                    sql.SQL(f"({place.at}) AND {place.held}") for place in of_table
                ),
            )
            files.append(_write(connection, folder, table, statement, parameters))
    return [file for file in files if file.rows]


def write_manifest(folder: Path, about: dict[str, object], files: Sequence[File]) -> None:
    """Say what the export is of and what is in it, with checksums."""
    listed = [
        {"name": file.name, "rows": file.rows, "what": file.what, "sha256": file.sha256}
        for file in files
    ]
    text = json.dumps({**about, "files": listed}, indent=2, ensure_ascii=False)
    write_text(folder / MANIFEST, text + "\n")


def write_text(file: Path, text: str) -> None:
    """Write a file for its owner's eyes alone."""
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def _columns(connection: Connection, table: str, shown: dict[str, str]) -> sql.Composable:
    names = [
        name for (name,) in connection.execute(query("column_names"), {"table": table}).fetchall()
    ]
    return sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(sql.SQL(shown[name]), sql.Identifier(name))
        if name in shown
        else sql.Identifier(name)
        for name in names
        if shown.get(name) != "NULL"
    )


def _write(
    connection: Connection,
    folder: Path,
    table: str,
    statement: sql.Composable,
    parameters: dict[str, object],
) -> File:
    path = folder / f"{table}.csv"
    digest, rows = hashlib.sha256(), 0
    path.touch(mode=0o600)
    copied = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(statement)
    with connection.cursor() as cursor, path.open("wb") as file:
        with cursor.copy(copied, parameters) as copy:
            for block in copy:
                digest.update(block)
                file.write(block)
        rows = cursor.rowcount
    if rows == 0:
        path.unlink()
    said = connection.execute(query("table_comment"), {"table": table}).fetchone()
    return File(name=path.name, rows=rows, what=(said and said[0]) or "", sha256=digest.hexdigest())
