"""Every answer has the security headers, every request one log line without what it was about."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import httpx2
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.guard import HEADERS
from api.settings import ApiSettings
from tests.asking.api_fixture import UNREACHABLE

if TYPE_CHECKING:
    from fastapi import FastAPI

VIN = "LSGAA11112A000001"


def get(app: FastAPI, address: str, **headers: str) -> httpx2.Response:
    """Ask an application that was not started: whatever needs the database fails."""

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(address, headers=headers)

    return asyncio.run(ask())


@pytest.fixture
def app() -> FastAPI:
    made = create_app(ApiSettings(), SecretStr(UNREACHABLE))

    @made.get("/fails")
    async def _fails() -> None:
        raise ZeroDivisionError("secret of the inside")

    return made


@pytest.mark.parametrize(
    "address", ["/healthz", "/nothing", "/fails", "/static/page.css", "/v1/vehicles", "/"]
)
def test_every_answer_has_the_security_headers(app: FastAPI, address: str) -> None:
    answer = get(app, address)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    kept = "no-cache" if address.startswith("/static/") else "no-store"
    assert answer.headers["cache-control"] == kept


def test_what_nobody_foresaw_is_a_problem_that_tells_nothing_of_the_inside(app: FastAPI) -> None:
    answer = get(app, "/fails")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "internal"
    assert "secret" not in answer.text
    page = get(app, "/fails", accept="text/html")
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.text


def test_a_request_is_one_line_of_json_without_vin_or_query(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "telemetry.access"):
        get(app, f"/v1/vehicles/{VIN}/signals?names=latitude&start=2026-11-01T00:00:00")
        get(app, f"/nothing/{VIN}")
    lines = [json.loads(one.message) for one in caplog.records if one.name == "telemetry.access"]
    assert [set(line) for line in lines] == [{"method", "route", "status", "ms"}] * 2
    assert lines[0]["route"] == "/v1/vehicles/{vin}/signals"
    assert lines[0]["status"] == 503  # who asks is asked of the database first
    assert lines[1]["route"] == "unknown"
