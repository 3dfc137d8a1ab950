"""The newest values of history become the vehicles' states, where they are newer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import binary_copy
from storage.queries import query

if TYPE_CHECKING:
    from storage.connection import Connection
    from storage.latest_values import Latest


def keep_newest(connection: Connection, newest: Latest) -> None:
    """Raise the states of one group's vehicles, the first and only ones of a transaction.

    So the staging table is empty, and is not truncated as within a batch of frames: that makes its
    files anew, which takes as long as some hundred rows.

    Args:
        connection: a `FrameWriter`'s, which has the staging table.
        newest: values that hold only where none is known for their time or a later one.
    """
    with (
        connection.cursor() as cursor,
        cursor.copy(
            'COPY state_stage (vehicle_id, signal_group, time, "values", times)'
            " FROM STDIN (FORMAT binary)"
        ) as copy,
    ):
        copy.write(binary_copy.HEADER)
        copy.write(binary_copy.encode_state(newest))
        copy.write(binary_copy.TRAILER)
    connection.execute(query("upsert_state"), {"fills_gaps": True})
