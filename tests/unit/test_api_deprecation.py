"""What goes is told in the document and in every answer, long before it is gone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from fastapi import APIRouter
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.app import create_app
from api.deprecation import deprecated
from api.problems import invalid
from api.settings import ApiSettings
from tests.asking.api_fixture import UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

router = APIRouter()


@router.get(
    "/v1/old/{number}",
    **deprecated(since=date(2026, 12, 1), sunset=date(2028, 1, 1), instead="/v1/new"),
)
async def old(number: int) -> dict[str, int]:
    if number == 0:
        raise invalid("number", "There is no 0.", "Begin with 1.")
    return {"number": number}


@router.get(
    "/v1/lonely", **deprecated(since=date(2026, 1, 1), sunset=date(2027, 1, 1), instead=None)
)
async def lonely() -> dict[str, int]:
    return {}


@router.get("/v1/new")
async def new() -> dict[str, int]:
    return {}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = create_app(ApiSettings(), SecretStr(UNREACHABLE))
    app.include_router(router)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize(("path", "status"), [("/v1/old/1", 200), ("/v1/old/0", 422)])
def test_every_answer_of_an_address_that_goes_says_since_when_until_when_and_what_instead(
    client: TestClient, path: str, status: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["deprecation"] == "@1796083200"
    assert answer.headers["sunset"] == "Sat, 01 Jan 2028 00:00:00 GMT"
    links = answer.headers.get_list("link")
    assert '</v1/new>; rel="successor-version"' in links
    assert {part for link in links for part in link.split("; ") if part.startswith("rel=")} == {
        'rel="deprecation"',
        'rel="sunset"',
        'rel="successor-version"',
    }


def test_what_nothing_takes_the_place_of_names_nothing(client: TestClient) -> None:
    links = client.get("/v1/lonely").headers.get_list("link")
    assert len(links) == 2
    assert "successor" not in " ".join(links)


def test_all_other_answers_say_nothing_of_it(client: TestClient) -> None:
    for path in ("/v1/new", "/healthz", "/v1/nowhere"):
        assert not {"deprecation", "sunset", "link"} & set(client.get(path).headers)


def test_the_document_marks_what_goes_and_nothing_else(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    marked = {
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if operation.get("deprecated")
    }
    assert marked == {"/v1/old/{number}", "/v1/lonely"}
    operation = document["paths"]["/v1/old/{number}"]["get"]
    assert operation["x-deprecation"] == {
        "since": "2026-12-01",
        "sunset": "2028-01-01",
        "instead": "/v1/new",
    }
    assert "365 days" in document["info"]["description"]


def test_an_address_cannot_go_sooner_than_is_promised() -> None:
    with pytest.raises(ValueError, match="not on 2027-11-30"):
        deprecated(since=date(2026, 12, 1), sunset=date(2027, 11, 30), instead=None)
