"""Where each partition of a topic stands in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.queries import query

if TYPE_CHECKING:
    from uuid import UUID

    from storage.connection import Connection


def read_offsets(connection: Connection, cluster_id: str, topic_id: UUID) -> dict[int, int]:
    """The next offset by partition; a partition nothing was ever written of is not in it."""
    rows = connection.execute(
        query("read_offsets"), {"cluster_id": cluster_id, "topic_id": topic_id}
    )
    return {int(partition): int(offset) for partition, offset in rows}
