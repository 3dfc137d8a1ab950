"""What goes wrong is a problem with a code and a way out, and the API goes on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from api.problems import Problem
from storage.registers import DEMO_PARTY, ensure_party, register_vehicle
from tests.asking.api_fixture import UNREACHABLE, served_as, serving
from tests.asking.patience import wait_for_lock, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VIN = "LSGAA11112A000001"
SIGNALS = f"/v1/vehicles/{VIN}/signals"
TRIPS = f"/v1/vehicles/{VIN}/trips"
HOUR = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-01T01:00:00Z"}
YEAR = {"start": "2025-11-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}


@pytest.fixture(scope="module")
def database(migrated: Migrated) -> Migrated:
    register_vehicle(migrated.connection, VIN)
    ensure_party(migrated.connection, DEMO_PARTY, "maker")
    return migrated


@pytest.fixture(scope="module")
def client(database: Migrated) -> Iterator[httpx2.Client]:
    with served_as(database) as client:
        yield client


def problem_of(answer: httpx2.Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == answer.status_code
    assert problem.detail
    assert problem.way_out
    return problem


@pytest.mark.parametrize(
    ("path", "params", "code", "field", "says"),
    [
        (SIGNALS, {"names": "wheel_sped", **HOUR}, "unknown_signal", "names", "wheel_speed"),
        (SIGNALS, {"names": "x" * 300, **HOUR}, "unknown_signal", "names", "/v1/catalogue"),
        (SIGNALS, {"names": "", **HOUR}, "invalid_parameter", "names", "openapi"),
        (SIGNALS, {"names": " , ,", **HOUR}, "invalid_parameter", "names", "Ask"),
        (SIGNALS, {"names": ",".join(["a"] * 21), **HOUR}, "invalid_parameter", "names", "Ask"),
        (SIGNALS, {"names": "x" * 4001, **HOUR}, "invalid_parameter", "names", "openapi"),
        (SIGNALS, {**HOUR}, "invalid_parameter", "names", "Add it"),
        (SIGNALS, {"names": "odometer"}, "invalid_parameter", "start", "Add it"),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "start": "2026-11-01T00:00:00"},
            "invalid_parameter",
            "start",
            "Z",
        ),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "start": "2026-11-01T00:00:00 08:00"},
            "invalid_parameter",
            "start",
            "%2B",
        ),
        (SIGNALS, {"names": "odometer", **HOUR, "end": "soon"}, "invalid_parameter", "end", "RFC"),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "start": "0001-01-01T00:00:00+14:00"},
            "invalid_parameter",
            "start",
            "openapi",
        ),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "end": "9999-12-31T23:59:59-14:00"},
            "invalid_parameter",
            "end",
            "openapi",
        ),
        (
            SIGNALS,
            {"names": "odometer", "start": HOUR["end"], "end": HOUR["start"]},
            "invalid_parameter",
            "end",
            "later",
        ),
        (SIGNALS, {"names": "odometer", **HOUR, "step": 7}, "invalid_parameter", "step", "6 or 8"),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "step": 86_401},
            "invalid_parameter",
            "step",
            "openapi",
        ),
        (SIGNALS, {"names": "odometer", **HOUR, "step": 0}, "invalid_parameter", "step", "openapi"),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "step": "1e9"},
            "invalid_parameter",
            "step",
            "openapi",
        ),
        # 365 days are 31,536,000 s: in 100,000 steps at least 316 s, and 320 divides a day.
        (SIGNALS, {"names": "odometer", **YEAR}, "span_too_long", "end", "step=320"),
        (SIGNALS, {"names": "odometer", **YEAR, "step": 60}, "span_too_long", "end", "step=320"),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "limit": 20_001},
            "invalid_parameter",
            "limit",
            "openapi",
        ),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "stepp": 60},
            "invalid_parameter",
            "stepp",
            "spell",
        ),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "cursor": "?"},
            "invalid_parameter",
            "cursor",
            "next",
        ),
        # A cursor of a listing of vehicles, and one of another span.
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "cursor": "dkxTR0FBMTExMTJBMDAwMDAx"},
            "invalid_parameter",
            "cursor",
            "next",
        ),
        (
            SIGNALS,
            {"names": "odometer", **HOUR, "cursor": "dDA"},
            "invalid_parameter",
            "cursor",
            "next",
        ),
        (TRIPS, {**HOUR, "order": "sideways"}, "invalid_parameter", "order", "openapi"),
        (TRIPS, {**HOUR, "limit": -1}, "invalid_parameter", "limit", "openapi"),
        ("/v1/vehicles", {"limit": 0}, "invalid_parameter", "limit", "openapi"),
        ("/v1/vehicles", {"limit": "many"}, "invalid_parameter", "limit", "openapi"),
        ("/v1/vehicles", {"cursor": "x" * 97}, "invalid_parameter", "cursor", "openapi"),
        ("/v1/vehicles", {"cursor": "dDA"}, "invalid_parameter", "cursor", "next"),
        ("/v1/vehicles", {"cursor": "真"}, "invalid_parameter", "cursor", "next"),
        ("/v1/vehicles", {"offset": 10}, "invalid_parameter", "offset", "spell"),
        ("/v1/catalogue", {"group": "wheels"}, "invalid_parameter", "group", "motion"),
        ("/v1/catalogue", {"search": "x" * 101}, "invalid_parameter", "search", "openapi"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_would_work(
    client: httpx2.Client, path: str, params: dict[str, Any], code: str, field: str, says: str
) -> None:
    answer = client.get(path, params=params)
    assert answer.status_code == 422
    problem = problem_of(answer)
    assert problem.code == code
    (fault,) = [fault for fault in problem.faults if fault.field == field]
    assert says in fault.way_out


def test_every_unknown_signal_is_named_at_once(client: httpx2.Client) -> None:
    answer = client.get(SIGNALS, params={"names": "odometr,wheel_sped,odometer", **HOUR})
    assert len(problem_of(answer).faults) == 2


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v2/vehicles", "/nothing", "/static/no"])
def test_an_address_without_anything_is_a_problem(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert problem_of(answer).code == "not_found"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_method_that_is_not_taken_is_a_problem(client: httpx2.Client, method: str) -> None:
    answer = client.request(method, "/v1/vehicles", content=b"x" * 1000)
    assert answer.status_code == 405
    assert problem_of(answer).code == "method_not_allowed"
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "", "[::1]x"])
def test_another_host_name_is_refused(client: httpx2.Client, host: str) -> None:
    answer = client.get("/v1/vehicles", headers={"host": host})
    assert answer.status_code == 421
    assert problem_of(answer).code == "wrong_host"


def test_a_host_name_that_settings_name_is_served(database: Migrated) -> None:
    with served_as(database, api_hostnames="fleet.example, other") as client:
        answer = client.get("/v1/vehicles", headers={"host": "Fleet.example:443"})
        assert answer.status_code == 200


def test_without_a_database_the_process_lives_and_says_why_it_cannot_answer() -> None:
    with serving(SecretStr(UNREACHABLE), api_connection_wait_s=0.2) as client:
        assert client.get("/healthz").json() == {"status": "alive"}
        ready = client.get("/readyz")
        assert ready.status_code == 503
        (reason,) = ready.json()["reasons"]
        assert reason["code"] == "database_unreachable"
        assert "hidden" not in ready.text  # the password
        answer = client.get("/v1/vehicles")
        assert answer.status_code == 503
        assert problem_of(answer).code == "database_unreachable"
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/v1/catalogue").status_code == 200  # needs no database
        page = client.get("/", headers={"accept": "text/html"})
        assert page.status_code == 503
        assert page.headers["content-type"].startswith("text/html")


def test_a_database_that_was_never_migrated_is_not_ready(fresh_database: SecretStr) -> None:
    with serving(fresh_database, api_connection_wait_s=1) as client:
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "telemetry migrate" in ready.json()["reasons"][0]["detail"]
        assert client.get("/v1/vehicles").status_code == 503


def test_a_database_of_an_older_schema_is_not_ready(database: Migrated) -> None:
    version = database.connection.execute(
        "DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)"
        " RETURNING version, name"
    ).fetchone()
    assert version is not None
    (before,) = database.connection.execute(
        "SELECT max(version) FROM schema_version"
    ).fetchone() or (0,)
    try:
        with serving(database.dsn) as client:
            (reason,) = client.get("/readyz").json()["reasons"]
            assert reason["code"] == "not_ready"
            assert f"migration {before}" in reason["detail"]
            assert problem_of(client.get("/v1/vehicles")).code == "not_ready"
    finally:
        database.connection.execute(
            "INSERT INTO schema_version (version, name) VALUES (%s, %s)", version
        )


def test_a_party_that_the_database_does_not_know_is_not_ready(database: Migrated) -> None:
    with serving(database.dsn, api_party="Who?") as client:
        assert "TELEMETRY_API_PARTY" in client.get("/readyz").json()["reasons"][0]["detail"]


def test_a_ready_database_is_ready(client: httpx2.Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})


def test_the_api_answers_again_when_the_database_is_back(
    database: Migrated, database_server: str
) -> None:
    with served_as(database, api_connection_wait_s=0.5) as client:
        assert client.get("/v1/vehicles").status_code == 200
        with database_away(database, database_server):
            answer = client.get("/v1/vehicles")
            assert answer.status_code == 503
            assert problem_of(answer).code == "database_unreachable"
        # (The pool waits longer after each attempt that failed.)
        wait_until(lambda: client.get("/v1/vehicles").status_code == 200, "an answer")


@contextmanager
def database_away(database: Migrated, database_server: str) -> Iterator[None]:
    """Nobody can connect to the database, and whoever was connected is not any longer."""
    name = sql.Identifier(str(conninfo_to_dict(database.dsn.get_secret_value())["dbname"]))
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(allow.format(name, sql.SQL("false")))
        try:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename IS NOT NULL AND pid <> %s",
                (name.as_string().strip('"'), database.connection.info.backend_pid),
            )
            yield
        finally:
            connection.execute(allow.format(name, sql.SQL("true")))


def test_more_requests_than_connections_are_told_to_come_back(database: Migrated) -> None:
    settings: dict[str, Any] = {
        "api_connections": 1,
        "api_connection_wait_s": 0.3,
        "api_statement_timeout_s": 5,
    }
    with served_as(database, **settings) as client:
        assert client.get("/v1/vehicles").status_code == 200
        with psycopg.connect(database.dsn.get_secret_value()) as blocker:
            blocker.execute("LOCK TABLE telemetry.vehicle IN ACCESS EXCLUSIVE MODE")
            slow: list[httpx2.Response] = []
            thread = threading.Thread(target=lambda: slow.append(client.get("/v1/vehicles")))
            thread.start()
            wait_for_lock(database)  # it holds the only connection by now
            answer = client.get("/v1/vehicles")
            assert (answer.status_code, problem_of(answer).code) == (503, "busy")
            assert int(answer.headers["retry-after"]) > 0
            thread.join()
        assert (slow[0].status_code, problem_of(slow[0]).code) == (503, "too_slow")
        assert client.get("/v1/vehicles").status_code == 200
