"""What research reads, one world a file of tests, and a dataset in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds.dataset_world import Research, defined, research

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated


@pytest.fixture(scope="module")
def institute(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Research:
    """Owners, and who does research."""
    return research(migrated, tmp_path_factory.mktemp("datasets"))


@pytest.fixture(scope="module")
def served_research(institute: Research) -> Iterator[httpx2.Client]:
    """The API over it."""
    with institute.world.serving() as serving:
        yield serving


@pytest.fixture(scope="module")
def dataset(institute: Research, served_research: httpx2.Client) -> str:
    """The address of a dataset over North's vehicles for the Institute."""
    return f"/v1/datasets/{defined(served_research, institute.header('North'))}"
