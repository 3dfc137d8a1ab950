"""The newest values of rows become the vehicles' states, where they are newer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import binary_copy
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.connection import Connection
    from storage.latest_values import Latest


def upsert_state(connection: Connection, newest: Iterable[Latest], *, fills_gaps: bool) -> None:
    """Raise the states of vehicles, within the caller's transaction.

    Args:
        connection: a `FrameWriter`'s, which has the staging table; it must be empty.
        newest: by group.
        fills_gaps: whether values hold only where none is known for their time or a later one.
    """
    with (
        connection.cursor() as cursor,
        cursor.copy(
            'COPY state_stage (vehicle_id, signal_group, time, "values", times)'
            " FROM STDIN (FORMAT binary)"
        ) as copy,
    ):
        copy.write(binary_copy.HEADER)
        for part in newest:
            copy.write(binary_copy.encode_state(part))
        copy.write(binary_copy.TRAILER)
    connection.execute(query("upsert_state"), {"fills_gaps": fills_gaps})
