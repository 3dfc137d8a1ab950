"""The database that settings name, as a source."""

from __future__ import annotations

from research.database import Database
from research.errors import ExportError
from storage.policies import oldest_day
from storage.settings import StorageSettings


def open_database(party: str, *, purpose: str | None = None, resolution_s: int = 60) -> Database:
    """The database of TELEMETRY_DATABASE_DSN, and the archive of TELEMETRY_ARCHIVE behind it.

    Args:
        party: whose vehicles: an owner's, or the maker's.
        purpose: what for, under pseudonyms; None: VINs and values as they are.
        resolution_s: under pseudonyms, steps in which trips and events are told [s].

    Raises:
        ExportError: settings name no database.
    """
    settings = StorageSettings()
    if settings.database_dsn is None:
        raise ExportError("No database is named: set TELEMETRY_DATABASE_DSN.")
    return Database(
        settings.database_dsn,
        party=party,
        purpose=purpose,
        archive=settings.archive if purpose is None else None,
        hot_from=oldest_day(settings),
        resolution_s=resolution_s,
    )
