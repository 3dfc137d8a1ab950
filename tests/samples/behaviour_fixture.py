"""What tests of stored driving begin with: a vehicle, a card, and nothing that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.registers import register_vehicle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated


@pytest.fixture
def number(small: Migrated, vehicle: int) -> int:
    """A registered vehicle."""
    return register_vehicle(small.connection, f"LTEST{vehicle:012d}").vehicle_id


@pytest.fixture
def card(vehicle: int) -> str:
    """A driver's card that no other test uses."""
    return f"CARD{vehicle}"


@pytest.fixture
def nothing_waits(small: Migrated) -> Iterator[Connection]:
    """The small database without duties and weeks that other tests left."""
    small.connection.execute("DELETE FROM touched_duty")
    small.connection.execute("DELETE FROM touched_week")
    yield small.connection
    small.connection.execute("DELETE FROM touched_duty")
    small.connection.execute("DELETE FROM touched_week")
