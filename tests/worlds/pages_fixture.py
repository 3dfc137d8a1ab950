"""The owner's fleet and the data scientists' world, one a file of tests, and the pages over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.asking.browser_session import entered
from tests.worlds.pages_world import PagesWorld, pages_world
from tests.worlds.science_world import ScienceWorld, science_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated


@pytest.fixture(scope="module")
def pages(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> PagesWorld:
    """The owner's fleet; a file that wants more in it makes a fixture of this name of this one."""
    return pages_world(migrated, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def science(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> ScienceWorld:
    """The data scientists' world."""
    return science_world(migrated, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def served_pages(pages: PagesWorld) -> Iterator[httpx2.Client]:
    """The pages, for whoever signs in."""
    with pages.serving(api_connections=2) as client:
        yield client


@pytest.fixture(scope="module")
def owner(served_pages: httpx2.Client) -> Iterator[httpx2.Client]:
    """The fleet's owner, who has signed in."""
    yield from entered(served_pages, "wu")
