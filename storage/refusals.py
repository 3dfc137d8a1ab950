"""What the database's own rules refuse of a write: which rule, why, and the way out, in its words.

A function of schema `served` that refuses raises SQLSTATE `VT` with the HTTP status that fits
(storage/migrations/0017_registers_served.sql); what it says is meant for whoever asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.errors import StorageError

if TYPE_CHECKING:
    import psycopg

MARK = "VT"

OF_THIS_CELL = "vehicle_is_of_this_cell"
"""The rule that every way to register a vehicle comes by, be it a function of ours or not."""


class RefusedError(StorageError):
    """A write that the principal may not make, or that cannot be.

    Attributes:
        status: the HTTP status that fits.
        reason: what kind of refusal it is, for programs.
        way_out: what to do now.
        field: what of the request is at fault; empty where it is no single field.
    """

    def __init__(
        self, detail: str, *, status: int, reason: str, way_out: str, field: str = ""
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.way_out = way_out
        self.field = field


class WriteUnderWayError(StorageError):
    """The same write is being made at this moment: what comes of it is not known yet."""


def refusal(error: psycopg.Error) -> RefusedError | None:
    """The refusal that an error of the database is; None: it is something else."""
    said = error.diag
    if said.constraint_name == OF_THIS_CELL:
        why = said.message_primary or ""
        return RefusedError(
            f"{why[:1].upper()}{why[1:]}.",
            status=422,
            reason="invalid_parameter",
            way_out="Register it in that cell, or correct its region.",
            field="region" if "is of region" in why else "vin",
        )
    if error.sqlstate is None or not error.sqlstate.startswith(MARK):
        return None
    return RefusedError(
        said.message_primary or "",
        status=int(error.sqlstate.removeprefix(MARK)),
        reason=said.constraint_name or "",
        way_out=said.message_hint or "",
        field=said.column_name or "",
    )
