"""How long a test waits for what will be so: until it is, and far longer than it should take.

A bound that is near to what a quiet machine needs says how busy a machine was, and nothing of the
code; how fast the code is stands in `benchmarks/`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.database_fixture import Migrated

PATIENCE_S = 120.0


def wait_until(
    condition: Callable[[], bool],
    what: str,
    within_s: float = PATIENCE_S,
    *,
    every_s: float = 0.02,
) -> None:
    """Wait until something is so; fail with its name where it does not come to be."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, f"{what} did not come to be in {within_s} s"
        time.sleep(every_s)


def wait_for_lock(database: Migrated, statement: str = "") -> None:
    """Wait until a statement of the database that holds these words waits for a lock."""

    def waiting() -> bool:
        # (Within a transaction the view would show for ever what it showed at first.)
        database.connection.execute("SELECT pg_stat_clear_snapshot()")
        row = database.connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'"
            " AND strpos(query, %s) > 0",
            (statement,),
        ).fetchone()
        assert row is not None
        return int(row[0]) > 0

    wait_until(waiting, f"a waiting statement with '{statement}'")
