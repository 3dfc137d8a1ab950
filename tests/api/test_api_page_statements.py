"""Every page of the application asks the database few statements, whoever looks at it.

The pages are those of the application's routes: a new one is counted without being named here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from api import identity
from api.app import create_app
from api.settings import ApiSettings
from tests.asking.api_fixture import UNREACHABLE
from tests.asking.browser_session import browser, enter
from tests.worlds.models_world import Models, models_world
from tests.worlds.pages_world import TRIP, VINS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.worlds.science_world import ScienceWorld


FEWER_THAN = 15
PEOPLE = ("wu", "maker", "lin", "auditor", "admin")
"""A person of each role that has pages of its own: who sees the most on any page."""

SPELLED_OUT = {"/datasets/new": "?names=wheel_speed,latitude&party=Institute"}
"""What makes a page show all it can."""

PROVIDER = re.compile(r"/sign-in/.+")
"""What leads on to an identity provider; there is none here, and it asks the database nothing."""

STREAM = "/live"
"""What never ends is no page; it asks again and again."""

PROGRAMS = re.compile(r"/(v1|rfms|oauth|static|healthz|readyz|openapi)")


def pages() -> list[str]:
    """The addresses of all pages, with the names of their parameters."""
    routes = iter_route_contexts(create_app(ApiSettings(), SecretStr(UNREACHABLE)).routes)
    paths = {
        str(route.path) for route in routes if "GET" in (getattr(route, "methods", None) or ())
    }
    return sorted(
        path
        for path in paths
        if not (PROGRAMS.match(path) or PROVIDER.fullmatch(path) or path.endswith(STREAM))
    )


@pytest.fixture(scope="module")
def trained(science: ScienceWorld) -> Models:
    return models_world(science.pages.database.connection)


@pytest.fixture(scope="module")
def people(science: ScienceWorld) -> Iterator[dict[str, httpx2.Client]]:
    with (
        science.pages.serving(api_connections=2) as served,
        browser(served) as wu,
        browser(served) as maker,
        browser(served) as lin,
        browser(served) as auditor,
        browser(served) as admin,
    ):
        found = dict(zip(PEOPLE, (wu, maker, lin, auditor, admin), strict=True))
        for name, client in found.items():
            assert enter(client, name).status_code == 303
        yield found


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes over any connection of the API, but for the log of reads behind the answers."""
    sent: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def counted(cursor: Any, query: Any, *given: Any, **more: Any) -> Any:
        text = query if isinstance(query, str) else str(query)
        if "log_accesses" not in text:
            sent.append(text)
        return await execute(cursor, query, *given, **more)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", counted)
    # Each page asks who is there, as the first one after a while does.
    monkeypatch.setattr(identity, "REMEMBERED_S", 0.0)
    return sent


@pytest.mark.parametrize("page", pages())
def test_a_page_asks_few_statements(
    science: ScienceWorld,
    trained: Models,
    people: dict[str, httpx2.Client],
    statements: list[str],
    page: str,
) -> None:
    world = science.pages
    names = {
        "vin": VINS[0],
        "start": int(TRIP.timestamp()),
        "driver_id": world.drivers[0],
        "advice_id": world.advice["speed"],
        "dataset_id": science.dataset,
        "fleet_id": world.fleet,
        "signal": "wheel_speed",
        "model_id": trained.champion,
    }
    # (A page with a parameter that is not here needs one: add it above.)
    address = page.format(**names) + SPELLED_OUT.get(page, "")
    seen = []
    for name, client in people.items():
        statements.clear()
        answer = client.get(address)
        seen.append(answer.status_code)
        assert len(statements) < FEWER_THAN, (name, address, statements)
        assert answer.status_code in {200, 303, 403, 404}, (name, address)
        if answer.status_code == 200 and page != "/sign-in":
            assert statements, "nothing was counted"
    assert 200 in seen, f"nobody sees {address}: add who does"
