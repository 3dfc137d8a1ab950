"""Whoever sends what no client would is refused; the API goes on, and the database is unharmed."""

from __future__ import annotations

import json
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.problems import Problem
from api.settings import ApiSettings
from api.sizes import MAX_BODY, MAX_HEAD
from storage.registers import (
    DEMO_PARTY,
    add_to_fleet,
    ensure_fleet,
    ensure_party,
    register_vehicle,
)
from tests.asking.api_fixture import UNREACHABLE, served_as
from tests.asking.patience import wait_until
from tests.asking.raw_http import connected, pipelined, received, request, sent
from tests.worlds.served_fuel_world import piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.asking.raw_http import Raw
    from tests.servers.database_fixture import Migrated
    from tests.worlds.access_world import AccessWorld

DOCUMENT = create_app(ApiSettings(), SecretStr(UNREACHABLE)).openapi()

INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE telemetry.vehicle; --",
    "1); DELETE FROM telemetry.vehicle; --",
    "$$; SELECT pg_sleep(9); $$",
    "1 UNION SELECT card_id FROM telemetry.driver",
    '"; --',
    "\\'; --",
    "%27%20OR%201=1",
    "%s%s%s%n",
    "{{7*7}}",
    "{0.__class__}",
    "${jndi:ldap://127.0.0.1/a}",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "\r\nSet-Cookie: owned=1",
    "\r\n\r\nHTTP/1.1 200 OK",
    "\x00",
    "LSGCC22222B000001\x00",
    "\u202e\ufeff\U0001f69a",
    "-1",
    "9" * 400,
    "NaN",
    "x" * 3000,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
VIN = "LSGAA11112A000001"


def parameters() -> Iterator[tuple[str, str, str, str]]:
    """Every parameter of the document, once for each address: method, path, where, name."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            for one in operation.get("parameters", []):
                yield method.upper(), path, one["in"], one["name"]


def contents(world: AccessWorld) -> dict[str, int]:
    """How many rows every table has that reading must not change."""
    connection = world.database.connection
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'telemetry'"
        ).fetchall()
        # What is written of who reads and signs in.
        if name not in {"access_log", "access_log_lost"} and not name.startswith("oauth_")
    ]
    return {
        name: connection.execute(f'SELECT count(*) FROM telemetry."{name}"'.encode()).fetchall()[0][
            0
        ]
        for name in tables
    }


def required(path: str) -> set[str]:
    """The parameters without which an address is not asked."""
    described = DOCUMENT["paths"][path]["get"]["parameters"]
    return {one["name"] for one in described if one.get("required") and one["in"] == "query"}


def usual(names: dict[str, str]) -> dict[str, str]:
    """What is given for them."""
    start, end = "2026-10-25T00:00:00Z", "2026-10-27T00:00:00Z"
    return {
        "start": start,
        "end": end,
        "week": "2026-W44",
        "data_from": start,
        "data_until": end,
        "resolution": "60",
        "names": "wheel_speed",
        "vins": names["vin"],
    }


def test_a_nul_in_any_parameter_is_refused_or_finds_nothing(access_world: AccessWorld) -> None:
    """It is what no text of the database can hold: each address sees it in each parameter."""
    names = access_world.names("own")
    for method, path, where, name in parameters():
        if method != "GET" or where != "query":
            continue
        address = path
        for key, value in names.items():
            address = address.replace(f"{{{key}}}", value)
        given = {key: usual(names)[key] for key in required(path)} | {name: "a\0b"}
        answer = access_world.client.get(
            address, params=given, headers=access_world.headers["maker"]
        )
        assert answer.status_code < 500, (address, name, answer.text)


def test_what_is_injected_is_refused_or_finds_nothing_and_harms_nothing(
    access_world: AccessWorld,
) -> None:
    """In every parameter of every address, as the one who may ask most."""
    before = contents(access_world)
    client, headers = access_world.client, access_world.headers["maker"]
    names = access_world.names("own")
    for number, (method, path, where, name) in enumerate(parameters()):
        if method != "GET":
            continue
        # Each address sees some of them, all addresses together every one of them often.
        for injection in INJECTIONS[number % 5 :: 5]:
            query = {key: usual(names)[key] for key in required(path)}
            address, more = path, dict(headers)
            if where == "query":
                query[name] = injection
            elif where == "path":
                address = address.replace(f"{{{name}}}", _quoted(injection))
            else:
                more[name] = injection.replace("\r", "%0D").replace("\n", "%0A")
            for key, value in names.items():
                address = address.replace(f"{{{key}}}", value)
            if where == "header" and ("\0" in injection or not injection.isascii()):
                continue  # raw bytes in headers have a test of their own
            if path.endswith("/stream") and where == "header":
                continue  # an id that is none of ours counts as none: the stream begins
            answer = client.request(method, address, params=query, headers=more)
            assert answer.status_code < 500, (address, query, answer.text)
            assert "owned" not in str(answer.headers.get("set-cookie", ""))
            if answer.status_code == 200 and where == "path":
                raise AssertionError(f"{address} answers 200")
    assert contents(access_world) == before


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


@pytest.mark.parametrize("text", ["{{1234*5678}}", "<script>alert(1)</script>", '"><img src=x>'])
def test_what_is_asked_for_is_never_part_of_a_page_s_markup(
    access_world: AccessWorld, text: str
) -> None:
    headers = access_world.headers["maker"] | {"Accept": "text/html"}
    for address in (f"/vehicles/{_quoted(text)}", "/", "/nothing/" + _quoted(text)):
        page = access_world.client.get(address, headers=headers, params={"lang": text})
        assert "7006652" not in page.text
        assert not ({"<", ">"} & set(text)) or text not in page.text


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), {400}),  # TLS
        (b"GET\r\n\r\n", {400}),
        (b"GET /healthz HTTP/x\r\n\r\n", {400}),
        (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),  # no Host
        (b"\r\n\r\n\r\n\0\0\0", {400}),
        (request("GET /healthz", "Host: other"), {400}),  # twice
        (request("GET /healthz", "no colon"), {400}),
        (request("GET /healthz", "X: \x00"), {400}),
        (request("GET /health z"), {400}),
        (request("GET /v1/vehicles/\x80\xff/state"), {400, 401}),
        (request("GET /v1/vehicles/%FF%FE/state"), {401}),
        (request("GET /healthz?%FF=%FE&\xff"), {200, 400}),
        (request("GET /healthz", "Authorization: Bearer \xff\xfe"), {200}),
        (request("GET /v1/vehicles", "Authorization: Bearer \xff\xfe"), {401}),
        (request("GET /v1/vehicles", "X-API-Key: \xc3\x28"), {401}),
        (request("GET /healthz", "X-Long: " + "x" * MAX_HEAD), {400, 431}),
        (request("GET /" + "x" * MAX_HEAD), {400, 431}),
        (request("GET /healthz?" + "x" * MAX_HEAD), {400, 431}),
        (request("GET /healthz", *[f"X-{n}: x" for n in range(5000)]), {400, 431}),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"x" * (1 << 20), {400}),  # and no end
        (request("GET /healthz", "Content-Length: -1"), {400}),
        (request("GET /healthz", "Content-Length: 1e3"), {400}),
        (request("GET /healthz", "Content-Length: 5", "Content-Length: 6"), {400}),
        (request("POST /oauth/token", "Transfer-Encoding: gzip"), {400, 501}),
        (request("TRACE /healthz"), {405}),
        (request("CONNECT 127.0.0.1:5432"), {400, 404, 405}),
        (request("PRI *"), {400, 404, 405}),
        (request("GET http://127.0.0.1:5432/healthz"), {200, 400, 404}),
        (request("GET /healthz", "Upgrade: websocket", "Connection: upgrade"), {200}),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
)
def test_what_is_no_http_of_ours_is_refused(
    access_world: AccessWorld, data: bytes, statuses: set[int]
) -> None:
    answer = sent(access_world.client, data)
    assert answer.status in statuses, (answer.head, answer.body[:200])
    if answer.status == 400:
        assert Problem.model_validate_json(answer.body).code == "not_http"
    assert access_world.client.get("/healthz").status_code == 200


def test_two_requests_cannot_be_smuggled_as_one(access_world: AccessWorld) -> None:
    """A length and chunks at once: whoever stands before us may count the other of the two."""
    second = request("GET /healthz")
    body = b"0\r\n\r\n" + second
    for line in ("GET /healthz", "POST /oauth/token", "GET /v1/vehicles"):
        for length in (4, len(body)):
            head = ["Host: 127.0.0.1", f"Content-Length: {length}", "Transfer-Encoding: chunked"]
            data = "\r\n".join([f"{line} HTTP/1.1", *head, "", ""]).encode() + body
            assert pipelined(access_world.client, [data]) == [400]
            told = sent(access_world.client, data)
            assert Problem.model_validate_json(told.body).code == "not_http"


def patched(world: AccessWorld, *headers: str, body: bytes = b"", ends: bool = False) -> Raw:
    """The answer to a change of a piece of advice that the owner sends."""
    who = [f"{name}: {value}" for name, value in world.headers["owner"].items()]
    line = f"PATCH /v1/advice/{world.names('own')['advice_id']}"
    data = request(line, "Content-Type: application/json", *who, *headers, body=body)
    return sent(world.client, data, ends=ends)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"\xff\xfe{", 422, "invalid_parameter"),
        (b'{"status": "\xc3\x28"}', 422, "invalid_parameter"),
        (b'{"status": "see\x00n"}', 422, "invalid_parameter"),
        (b'{"status": "seen\\u0000"}', 422, "invalid_parameter"),
        (b'{"status": "\\ud800"}', 422, "invalid_parameter"),
        (b"[" * 30_000, 422, "invalid_parameter"),
        (b'{"status":' * 5_000 + b"1" + b"}" * 5_000, 422, "invalid_parameter"),
        (b"[" * 20_000 + b"]" * 20_000, 422, "invalid_parameter"),
        (b'{"status": ' + b"9" * 60_000 + b"}", 422, "invalid_parameter"),
        (b'{"status": NaN}', 422, "invalid_parameter"),
        (b'{"status": "seen", "status": ["seen"]}', 422, "invalid_parameter"),
        (b'{"status": "' + b"x" * MAX_BODY + b'"}', 413, "too_large"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_a_body_that_is_no_answer_is_refused(
    access_world: AccessWorld, body: bytes, status: int, code: str
) -> None:
    answer = patched(access_world, f"Content-Length: {len(body)}", body=body)
    assert answer.status == status, (answer.head, answer.body[:300])
    assert json.loads(answer.body)["code"] == code


def test_a_body_longer_than_it_says_is_cut_and_a_shorter_one_is_refused(
    access_world: AccessWorld,
) -> None:
    body = b'{"status": "seen"}'
    assert patched(access_world, "Content-Length: 5", body=body).status == 422
    shorter = patched(access_world, "Content-Length: 500", body=body, ends=True)
    assert shorter.status in {0, 400, 422}


def test_a_body_in_chunks_ends_where_it_is_too_long(access_world: AccessWorld) -> None:
    """A gigabyte is announced chunk by chunk; what is read of it is what is allowed."""
    who = [f"{name}: {value}" for name, value in access_world.headers["owner"].items()]
    line = f"PATCH /v1/advice/{access_world.names('own')['advice_id']}"
    chunked = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with connected(access_world.client) as wire:
        wire.sendall(request(line, *chunked, *who))
        written = 0
        try:
            for _ in range(1 << 14):
                wire.sendall(chunk)
                written += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert written < 64 * MAX_BODY, "the rest would have been read too"
    assert access_world.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"FFFFFFFFFFFFFFFFFF\r\n", b"5\r\nabc"])
def test_chunks_that_are_none_are_refused(access_world: AccessWorld, chunk: bytes) -> None:
    who = [f"{name}: {value}" for name, value in access_world.headers["owner"].items()]
    line = f"PATCH /v1/advice/{access_world.names('own')['advice_id']}"
    chunked = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    answer = sent(access_world.client, request(line, *chunked, *who, body=chunk), ends=True)
    assert answer.status in {0, 400, 422}
    assert access_world.client.get("/healthz").status_code == 200


def test_what_names_compress_to_is_not_unpacked(access_world: AccessWorld) -> None:
    """A body that says it is compressed is read as it is: there are no bombs in it."""
    body = b"\x1f\x8b\x08\x00" + bytes(100)
    answer = patched(
        access_world, "Content-Encoding: gzip", f"Content-Length: {len(body)}", body=body
    )
    assert answer.status == 422


# Slow ones


@pytest.fixture(scope="module")
def hurried(migrated: Migrated) -> Iterator[httpx2.Client]:
    """An API with one connection to the database, which waits half a second for a request."""
    ensure_party(migrated.connection, DEMO_PARTY, "maker")
    register_vehicle(migrated.connection, VIN)
    settings: dict[str, Any] = {
        "api_connections": 1,
        "api_request_wait_s": 0.5,
        "api_connection_wait_s": 1,
        "api_clients": 30,
    }
    with served_as(migrated, **settings) as client:
        client.headers["Connection"] = "close"
        yield client


def test_clients_that_send_slowly_hold_nobody_up_and_are_hung_up_on(
    hurried: httpx2.Client,
) -> None:
    slow = [
        b"",
        b"GET /v1/veh",
        b"GET /v1/vehicles HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A",
        (
            b"PATCH /v1/advice/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        ),
        b"POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] * 4
    wires = []
    for data in slow:
        wire = socket.create_connection((hurried.base_url.host, hurried.base_url.port or 80), 20)
        wire.sendall(data)
        wires.append(wire)
    # Everybody else is answered meanwhile, over the database's one connection.
    assert hurried.get("/v1/vehicles").status_code == 200
    answers = []
    for data, wire in zip(slow, wires, strict=True):
        with wire:
            # A byte now and then is no excuse.
            try:
                if data:
                    wire.sendall(b"x")
            except OSError:
                pass
            answers.append(received(wire).status)
    assert set(answers[0::5]) == {0}
    assert set(answers[1::5]) <= {408}
    assert set(answers[2::5]) <= {408}
    assert hurried.get("/v1/vehicles").status_code == 200


def test_a_client_beyond_those_there_may_be_is_told_to_come_back(hurried: httpx2.Client) -> None:
    wires = [
        socket.create_connection((hurried.base_url.host, hurried.base_url.port or 80), 20)
        for _ in range(30)
    ]
    try:
        answer = sent(hurried, request("GET /healthz"))
        assert answer.status == 503
        assert "Retry-After" in answer.head
        assert Problem.model_validate_json(answer.body).code == "busy"
    finally:
        for wire in wires:
            wire.close()
    wait_until(lambda: sent(hurried, request("GET /healthz")).status == 200, "room again")


def test_a_client_that_reads_slowly_holds_no_connection_to_the_database(
    hurried: httpx2.Client,
) -> None:
    """It asks for tables and reads nothing of them; the one connection is there for others."""
    span = "start=2026-10-01T00:00:00Z&end=2026-11-01T00:00:00Z"
    with connected(hurried) as one, connected(hurried) as other:
        for wire in (one, other):
            line = f"GET /v1/vehicles/{VIN}/trips?{span}"
            wire.sendall(request(line, "Accept: text/csv"))
        assert hurried.get("/v1/vehicles").status_code == 200


def test_none_of_it_is_told_to_logs_as_a_failure_of_ours(
    access_world: AccessWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """Who hangs up amid a body, or sends what is none, fills no log with tracebacks."""
    with caplog.at_level(logging.WARNING):
        for body in (b"[" * 5000, b"\xff"):
            patched(access_world, f"Content-Length: {len(body)}", body=body)
        with connected(access_world.client) as wire:
            head = request("POST /oauth/token", "Content-Length: 100")
            form = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
            wire.sendall(head.removesuffix(b"\r\n") + form + b"grant_")
        assert access_world.client.get("/healthz").status_code == 200
    assert not [record for record in caplog.records if record.exc_info]


# Those who leave


def running(database: Migrated) -> int:
    """How many statements of the API the database works on now."""
    (row,) = database.connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%served.%'"
        " AND wait_event_type = 'Lock'"
    ).fetchall()
    return int(row[0])


@pytest.mark.parametrize("accepted", ["application/json", "text/csv"])
def test_a_query_ends_when_the_client_that_asked_for_it_is_gone(
    migrated: Migrated, hurried: httpx2.Client, accepted: str
) -> None:
    """Long before a statement may take too long: the connection is there for others."""
    with psycopg.connect(migrated.dsn.get_secret_value()) as blocker:
        blocker.execute("LOCK TABLE telemetry.vehicle_state IN ACCESS EXCLUSIVE MODE")
        with connected(hurried) as wire:
            wire.sendall(request("GET /v1/vehicles", f"Accept: {accepted}"))
            wait_until(lambda: running(migrated) == 1, "the query")
        wait_until(lambda: running(migrated) == 0, "its end")
        # The one connection answers what needs no lock that is held.
        assert hurried.get("/v1/fleets").status_code == 200


def test_what_changes_something_is_done_to_the_end(
    migrated: Migrated, hurried: httpx2.Client
) -> None:
    connection = migrated.connection
    number = register_vehicle(connection, VIN).vehicle_id
    maker = ensure_party(connection, DEMO_PARTY, "maker")
    fleet = ensure_fleet(connection, party_id=maker, name="Own")
    add_to_fleet(connection, fleet_id=fleet, vin=VIN, member=(LONG_AGO, None))
    advice = piece(connection, number, None, "tyres", 3.0)
    body = b'{"status": "accepted"}'
    head = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    with psycopg.connect(migrated.dsn.get_secret_value()) as blocker:
        blocker.execute("LOCK TABLE telemetry.advice IN SHARE MODE")
        with connected(hurried) as wire:
            wire.sendall(request(f"PATCH /v1/advice/{advice}", *head, body=body))
            wait_until(lambda: running(migrated) == 1, "the query")
    status = "SELECT status FROM advice WHERE advice_id = %s"
    wait_until(
        lambda: connection.execute(status, (advice,)).fetchall() == [("accepted",)], "the change"
    )


def test_a_full_house_is_told_to_come_back_whoever_asks(
    migrated: Migrated, hurried: httpx2.Client
) -> None:
    """Every connection is in use: 503 with Retry-After, for each of many, and then 200 again."""
    with psycopg.connect(migrated.dsn.get_secret_value()) as blocker:
        blocker.execute("LOCK TABLE telemetry.vehicle_state IN ACCESS EXCLUSIVE MODE")
        with connected(hurried) as first:
            first.sendall(request("GET /v1/vehicles"))
            wait_until(lambda: running(migrated) == 1, "the query")
            with ThreadPoolExecutor(12) as pool:
                answers = list(pool.map(lambda _: hurried.get("/v1/fleets"), range(24)))
            assert {answer.status_code for answer in answers} == {503}
            assert {answer.json()["code"] for answer in answers} == {"busy"}
            assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    wait_until(lambda: hurried.get("/v1/vehicles").status_code == 200, "room again")
