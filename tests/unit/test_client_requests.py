"""How the client puts its questions: repeated where that helps, and with secrets kept."""

from __future__ import annotations

import json
import logging
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pyarrow as pa
import pytest

from telemetry_client import (
    ApiError,
    Client,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    ServerError,
    TimedOutError,
    TooManyRequestsError,
    UnavailableError,
    UnexpectedAnswerError,
    queries,
)
from telemetry_client.credentials import ClientCredentials
from telemetry_client.frames import of_arrow
from telemetry_client.retries import FIRST_WAIT_S, Patience
from tests.asking.client_fixture import EVERY_KIND, answered, at_once, opened, waits_of_clients

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
VIN = "LSGAA11112A000001"
SPAN = ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
SECRET = "vtk_not-to-be-seen"
PARTIES: dict[str, Any] = {"parties": [], "next": None}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    return waits_of_clients(monkeypatch)


def problem(status: int, code: str, **headers: str) -> httpx2.Response:
    body = {
        "type": f"urn:telemetry:problem:{code}",
        "title": "A title",
        "status": status,
        "code": code,
        "detail": "What happened.",
        "way_out": "What to do.",
        "faults": [{"field": "vin", "reason": "Why.", "way_out": "How."}],
    }
    headers |= {"content-type": "application/problem+json"}
    return httpx2.Response(status, content=json.dumps(body), headers=headers)


def one_after_the_other(
    *answers: httpx2.Response | Exception,
) -> tuple[Callable[[httpx2.Request], httpx2.Response], list[httpx2.Request]]:
    """Answers in their order, and the requests they were given to."""
    asked: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        found = answers[min(len(asked), len(answers)) - 1]
        if isinstance(found, Exception):
            raise found
        return httpx2.Response(
            found.status_code, headers=found.headers, content=found.content
        )  # read by one client an answer is of no use to another

    return handler, asked


@EVERY_KIND
def test_what_passes_by_itself_is_asked_again_when_the_api_says(
    kind: str, waits: list[float]
) -> None:
    soon = format_datetime(datetime.now(tz=UTC) + timedelta(seconds=20), usegmt=True)
    handler, asked = one_after_the_other(
        problem(503, "busy", **{"retry-after": "5"}),
        problem(429, "too_many_requests", **{"retry-after": soon}),
        httpx2.ConnectError("refused"),
        httpx2.Response(200, json=PARTIES),
    )
    with answered(kind, handler) as client:
        assert client.parties().empty
    assert len(asked) == 4
    # A little more than was asked for, so that clients do not come back together.
    assert waits[0] == pytest.approx(5 + FIRST_WAIT_S)
    assert 18 <= waits[1] <= 20 + 2 * FIRST_WAIT_S
    assert waits[2] == pytest.approx(4 * FIRST_WAIT_S)


@EVERY_KIND
def test_patience_ends_with_the_error_that_stayed(kind: str, waits: list[float]) -> None:
    handler, asked = one_after_the_other(problem(503, "database_unreachable"))
    with (
        answered(kind, handler, attempts=3) as client,
        pytest.raises(UnavailableError) as refused,
    ):
        client.parties()
    assert (len(asked), len(waits)) == (3, 2)
    assert (refused.value.code, refused.value.status) == ("database_unreachable", 503)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(503, "too_slow"), UnavailableError),  # it would take as long again
        (problem(503, "webhooks_not_set_up"), UnavailableError),  # an operator has to
        (problem(429, "too_many_tries", **{"retry-after": "900"}), TooManyRequestsError),
        (problem(422, "invalid_parameter"), InvalidRequestError),
        (problem(406, "not_acceptable"), InvalidRequestError),
        (problem(401, "unauthenticated"), NotSignedInError),
        (problem(403, "missing_scope"), NotAllowedError),
        (problem(404, "unknown_vehicle"), NotFoundError),
        (problem(409, "already_answered"), ConflictError),
        (problem(500, "internal"), ServerError),
    ],
    ids=lambda it: str(it.status_code) if isinstance(it, httpx2.Response) else it.__name__,
)
@EVERY_KIND
def test_what_does_not_pass_is_raised_at_once_under_its_name(
    kind: str, answer: httpx2.Response, error: type[ApiError], waits: list[float]
) -> None:
    handler, asked = one_after_the_other(answer)
    with answered(kind, handler) as client, pytest.raises(error) as refused:
        client.state(VIN)
    assert (len(asked), waits) == (1, [])
    assert type(refused.value) is error
    assert refused.value.code == answer.json()["code"]
    assert refused.value.way_out == "What to do."
    assert (refused.value.faults[0].field, refused.value.faults[0].way_out) == ("vin", "How.")
    assert "What happened. What to do." in str(refused.value)


def test_a_refusal_in_the_words_of_oauth_or_of_a_proxy_is_one_too(waits: list[float]) -> None:
    words = {"error": "invalid_scope", "error_description": "None of yours."}
    handler, _ = one_after_the_other(httpx2.Response(400, json=words))
    with answered("blocking", handler) as client, pytest.raises(InvalidRequestError) as refused:
        client.parties()
    assert (refused.value.code, refused.value.detail) == ("invalid_scope", "None of yours.")
    handler, asked = one_after_the_other(httpx2.Response(502, text="<html>Bad gateway</html>"))
    with answered("blocking", handler) as client, pytest.raises(UnavailableError) as away:
        client.parties()
    assert (away.value.code, len(asked), len(waits)) == ("unknown", 5, 4)


@EVERY_KIND
def test_a_write_is_repeated_under_one_key_and_another_has_another(
    kind: str, waits: list[float]
) -> None:
    handler, asked = one_after_the_other(
        httpx2.ReadTimeout("slow"), problem(503, "busy"), problem(404, "unknown_advice")
    )
    with answered(kind, handler) as client:
        for _ in range(2):
            with pytest.raises(NotFoundError):
                client.accept_advice(7)
    assert len(waits) == 2
    assert [request.method for request in asked] == ["PATCH"] * 4
    assert json.loads(asked[0].content) == {"status": "accepted"}
    *first, other = [request.headers["idempotency-key"] for request in asked]
    assert len(set(first)) == 1
    assert other not in first


@EVERY_KIND
def test_what_breaks_on_the_way_has_names_of_its_own(kind: str, waits: list[float]) -> None:
    for broken, error in (
        (httpx2.ReadTimeout("slow"), TimedOutError),
        (httpx2.RemoteProtocolError("broke off"), ConnectionFailedError),
    ):
        handler, asked = one_after_the_other(broken)
        with answered(kind, handler, attempts=2) as client, pytest.raises(error):
            client.parties()
        assert len(asked) == 2
    assert len(waits) == 2


@EVERY_KIND
def test_pages_are_followed_to_the_end_or_as_far_as_is_wanted(kind: str) -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        first = int(request.url.params.get("cursor", 0))
        count = int(request.url.params["limit"])
        found = [
            {
                "party_id": n,
                "kind": "owner",
                "name": f"P{n}",
                "created_at": SPAN[0],
                "is_own": False,
            }
            for n in range(first, min(first + count, 1201))
        ]
        following = f"/v1/registers/parties?limit={count}&cursor={first + count}"
        more = first + count < 1201
        return httpx2.Response(200, json={"parties": found, "next": following if more else None})

    with answered(kind, handler) as client:
        assert list(client.parties().index) == list(range(1201))
        assert list(client.parties(limit=601).index) == list(range(601))
        pages = list(client.pages(queries.parties(limit=25), rows=10))
        assert [len(page) for page in pages] == [10, 10, 5]
        assert sum(map(len, client.pages(queries.parties()))) == 1201


@pytest.mark.parametrize("link", ["https://evil.example/v1", "//evil.example", "/\\evil.example"])
@EVERY_KIND
def test_a_link_that_leads_elsewhere_is_not_followed(kind: str, link: str) -> None:
    handler, asked = one_after_the_other(httpx2.Response(200, json={"parties": [], "next": link}))
    with (
        answered(kind, handler, api_key=SECRET) as client,
        pytest.raises(UnexpectedAnswerError, match="away from the API"),
    ):
        client.parties()
    assert len(asked) == 1


def test_a_redirect_is_not_followed(waits: list[float]) -> None:
    answer = httpx2.Response(307, headers={"location": "https://evil.example/"})
    handler, asked = one_after_the_other(answer)
    with (
        answered("blocking", handler, api_key=SECRET) as client,
        pytest.raises(UnexpectedAnswerError),
    ):
        client.parties()
    assert (len(asked), waits) == (1, [])


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"parties": 1}', b"\xff\xff\xff\xff\x10\x00\x00\x00"],
)
@EVERY_KIND
def test_an_answer_that_is_none_of_the_api_s_is_an_error_of_its_own(kind: str, body: bytes) -> None:
    handler, _ = one_after_the_other(httpx2.Response(200, content=body))
    with answered(kind, handler) as client:
        asks: list[Callable[[], Any]] = [
            client.parties,
            lambda: client.state(VIN),
            lambda: client.trips(VIN, *SPAN),
            lambda: client.accumulated(VIN),
            client.rfms_vehicles,
        ]
        for ask in asks:
            with pytest.raises(UnexpectedAnswerError):
                ask()


def test_half_an_arrow_stream_is_no_table() -> None:
    sink = pa.BufferOutputStream()
    table = pa.table({"start": pa.array([0, 1], pa.timestamp("us", tz="UTC"))})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
        writer.write_table(table)
    whole = sink.getvalue().to_pybytes()
    assert len(of_arrow(whole, "start")) == 4
    # Where it is cut between batches, Arrow itself takes what there is.
    for length in range(0, len(whole), 8):
        with pytest.raises(UnexpectedAnswerError):
            of_arrow(whole[:length], "start")


def test_fields_of_a_newer_api_are_passed_over() -> None:
    told: dict[str, Any] = {
        "vin": VIN,
        "model": None,
        "answered_at": "2026-11-01T08:00:00Z",
        "last_seen": None,
        "activity": "silent",
        "groups": [],
        "trouble_codes": [],
        "mood": "good",
    }
    handler, _ = one_after_the_other(httpx2.Response(200, json=told))
    with answered("blocking", handler) as client:
        state = client.state(VIN)
    assert state.answered_at == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert (state.activity, state.value("wheel_speed")) == ("silent", None)


@EVERY_KIND
def test_purpose_and_language_go_with_every_request(kind: str) -> None:
    handler, asked = one_after_the_other(httpx2.Response(200, json=PARTIES))
    with answered(kind, handler, purpose="Prüfung 100% of 4711", language="zh") as client:
        client.parties()
    assert asked[0].headers["x-purpose"] == "Pr%C3%BCfung 100%25 of 4711"
    assert asked[0].headers["accept-language"] == "zh"


@EVERY_KIND
def test_a_vin_is_a_part_of_the_address_whatever_it_holds(kind: str) -> None:
    handler, asked = one_after_the_other(problem(404, "unknown_vehicle"))
    with answered(kind, handler) as client, pytest.raises(NotFoundError):
        client.state("../../fleets?x=/")
    address, _, _ = asked[0].url.raw_path.partition(b"?")
    assert address == b"/v1/vehicles/..%2F..%2Ffleets%3Fx%3D%2F/state"


@EVERY_KIND
def test_an_api_behind_a_path_is_found_on_every_page(kind: str) -> None:
    link = {"parties": [], "next": "/v1/registers/parties?cursor=bjE"}
    handler, asked = one_after_the_other(
        httpx2.Response(200, json=link), httpx2.Response(200, json=PARTIES)
    )
    with answered(kind, handler, "https://maker.example/telemetry/") as client:
        client.parties()
    assert [request.url.path for request in asked] == ["/telemetry/v1/registers/parties"] * 2


@pytest.mark.parametrize("when", ["2026-11-01T00:00:00", datetime(2026, 11, 1), "yesterday"])  # noqa: DTZ001
def test_a_time_without_its_zone_is_refused_before_anything_is_asked(when: Any) -> None:
    with (
        Client("http://127.0.0.1:1") as client,
        pytest.raises(ValueError, match=r"time zone|Invalid"),
    ):
        client.trips(VIN, when, SPAN[1])


# How it is made


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": None}, "TELEMETRY_API_URL"),
        ({"url": "telemetry.example"}, "TELEMETRY_API_URL"),
        ({"url": "https://me:secret@telemetry.example"}, "api_key"),
        ({"url": "https://telemetry.example?key=1"}, "api_key"),
        ({"client_id": "vtc_1"}, "together"),
        ({"client_secret": SECRET}, "together"),
        ({"client_id": "vtc_1", "client_secret": SECRET, "api_key": SECRET}, "not both"),
        ({"scope": "vehicles:read"}, "client_id"),
        ({"api_key": f"{SECRET}\n"}, "characters"),
        ({"url": "http://telemetry.example", "api_key": SECRET}, "unencrypted"),
        (
            {"client_id": "a", "client_secret": SECRET, "token_url": "http://id.example/token"},
            "unencrypted",
        ),
        ({"ca_file": "/nowhere.pem"}, "nowhere.pem"),
    ],
    ids=str,
)
@EVERY_KIND
def test_what_does_not_go_together_is_said_when_it_is_made(
    kind: str, options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TELEMETRY_API_URL", raising=False)
    given = {"url": "https://telemetry.example", **options}
    with pytest.raises(ConfigurationError, match=says) as refused, opened(kind, **given):
        pass
    assert SECRET not in str(refused.value)


@EVERY_KIND
def test_the_environment_says_where_and_who(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_API_URL", "https://telemetry.example")
    monkeypatch.setenv("TELEMETRY_API_KEY", SECRET)
    handler, asked = one_after_the_other(httpx2.Response(200, json=PARTIES))
    with opened(kind, None) as client:  # type: ignore[arg-type]
        assert client.url == "https://telemetry.example" if kind == "blocking" else True
        assert "https://telemetry.example" in repr(client)
    with answered(kind, handler) as client:
        client.parties()
    assert asked[0].headers["x-api-key"] == SECRET


@EVERY_KIND
def test_secrets_are_shown_nowhere(
    kind: str, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = "eyJ-not-to-be-seen"

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/oauth/token":
            return httpx2.Response(200, json={"access_token": token, "expires_in": 600})
        return problem(503, "busy")

    texts = []
    for options in ({"api_key": SECRET}, {"client_id": "vtc_1", "client_secret": SECRET}):
        with answered(kind, handler, **options) as client:
            with pytest.raises(UnavailableError) as refused:
                client.parties()
            texts += [repr(client), repr(refused.value), str(refused.value)]
    credential = ClientCredentials("vtc_1", SECRET)
    request = credential.renewal(0.0)
    texts += [repr(credential), repr(request), repr(Patience()), caplog.text]
    assert waits
    assert all(SECRET not in text and token not in text for text in texts)
    assert caplog.text, "something was logged"


@EVERY_KIND
def test_a_token_that_is_refused_to_many_at_once_is_renewed_once(kind: str) -> None:
    given: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/oauth/token":
            given.append(f"token-{len(given)}")
            return httpx2.Response(200, json={"access_token": given[-1], "expires_in": 600})
        if request.headers["authorization"] == "Bearer token-0":
            return problem(401, "unauthenticated")
        return httpx2.Response(200, json=PARTIES)

    with answered(kind, handler, client_id="vtc_1", client_secret=SECRET) as client:
        found = at_once(client, *[lambda one: one.parties()] * 8)
    assert all(frame.empty for frame in found)
    assert given == ["token-0", "token-1"]


@EVERY_KIND
def test_a_credential_that_is_always_refused_is_not_tried_for_ever(kind: str) -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        if request.url.path == "/oauth/token":
            return httpx2.Response(200, json={"access_token": "t", "expires_in": 600})
        return problem(401, "unauthenticated")

    asked: list[str] = []
    with (
        answered(kind, handler, client_id="vtc_1", client_secret=SECRET) as client,
        pytest.raises(NotSignedInError),
    ):
        client.parties()
    assert asked == ["/oauth/token", "/v1/registers/parties"] * 2
    asked.clear()
    with (
        answered(kind, handler, client_id="vtc_1", client_secret=SECRET) as client,
        pytest.raises(NotSignedInError),
    ):
        next(iter(client.follow_fleet(3)))
    assert asked == ["/oauth/token", "/v1/fleets/3/stream"] * 2


@pytest.mark.parametrize("told", [{}, {"access_token": "t", "expires_in": "soon"}, []])
def test_what_gives_out_tokens_may_be_none(told: Any) -> None:
    handler, _ = one_after_the_other(httpx2.Response(200, json=told))
    with (
        answered("blocking", handler, client_id="vtc_1", client_secret=SECRET) as client,
        pytest.raises(UnexpectedAnswerError),
    ):
        client.parties()


@pytest.mark.parametrize("library", ["httpx2", "anyio"])
def test_without_its_extra_the_client_says_what_to_install(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import telemetry_client"
    tried = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert tried.returncode != 0
    assert f"needs {library}: pip install 'vehicle-telemetry[client]'" in tried.stderr
