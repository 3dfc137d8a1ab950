"""Vehicles with things to be told of, one world a file of tests, and somebody who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds.webhook_world import Receiver, World, webhook_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated


@pytest.fixture(scope="module")
def webhooks_made(migrated: Migrated) -> Iterator[World]:
    """The world of a file."""
    with webhook_world(migrated) as world:
        yield world


@pytest.fixture
def webhooks(webhooks_made: World) -> Iterator[World]:
    """It, as it was made: what a test leaves is cleared."""
    yield webhooks_made
    webhooks_made.clear()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where messages may go."""
    with Receiver() as listening:
        yield listening
