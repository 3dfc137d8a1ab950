"""The client asks for all that the OpenAPI document describes, and for nothing else."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from api import resolution, signals
from api.app import create_app
from api.settings import ApiSettings
from telemetry_client import AsyncClient, Client, models, queries, rows
from telemetry_client.queries import of_advice, of_driving, of_fuel, of_signals, of_vehicles
from telemetry_client.questions import ArrowListing, Changes, JsonListing, Single, Table, Walk
from tests.api_fixture import UNREACHABLE

if TYPE_CHECKING:
    from telemetry_client.messages import Request

DOCUMENT: dict[str, Any] = create_app(ApiSettings(), SecretStr(UNREACHABLE)).openapi()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]

NOT_ASKED: dict[tuple[str, str], str] = {}
"""Operations of /v1 that the client leaves out, each with its reason."""

FOLLOWED = {"cursor", "lastVin", "lastReceivedDateTime"}
"""Parameters of links, which are followed unchanged."""

ARGUMENTS: dict[str, Any] = {
    "vin": "LSGAA11112A000001",
    "vins": ["LSGAA11112A000001", "LSGAA11112A000002"],
    "names": "wheel_speed,fuel_rate",
    "start": "2026-11-01T00:00:00Z",
    "end": "2026-11-02T00:00:00Z",
    "stop": "2026-11-02T00:00:00Z",
    "week": "2026-W44",
    "fleet_id": 3,
    "driver_id": 7,
    "advice_id": 4711,
    "step_s": 60,
    "points": 100,
    "limit": 10,
    "plate": "A",
    "model": "J7",
    "dealer": "North",
    "fleet": 3,
    "region": "CN-31",
    "state": ["moving", "idling"],
    "box": (120.8, 30.6, 122.0, 31.9),
    "near": (31.23, 121.47),
    "radius_m": 50_000.0,
    "kind": "theft",
    "severity": "medium",
    "order": "newest_first",
    "period": "trip",
    "of": "vehicles",
    "by": "day",
    "status": ["given", "seen"],
    "group": "motion",
    "search": "speed",
    "date_type": "created",
    "latest_only": True,
    "triggers": ["TIMER"],
    "content": ["SNAPSHOT"],
}


def made(name: str) -> Any:
    """A query with all its arguments."""
    query = getattr(queries, name)
    return query(**{one: ARGUMENTS[one] for one in inspect.signature(query).parameters})


def request_of(name: str) -> Request:
    question = made(name)
    if isinstance(question, Single | Table | Changes):
        return question.request
    request: Request = question.first().request
    return request


REQUESTS = {name: request_of(name) for name in queries.__all__}
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
EVERY_QUERY = pytest.mark.parametrize("name", queries.__all__)
WALKS = [name for name in queries.__all__ if isinstance(made(name), ArrowListing | JsonListing)]


def listing_of(name: str) -> ArrowListing | JsonListing:
    found = made(name)
    assert isinstance(found, ArrowListing | JsonListing)
    return found


def test_every_operation_is_asked_for_by_a_query() -> None:
    wanted = {key for key in OPERATIONS if key[1].startswith(("/v1/", "/rfms/"))}
    asked = {(request.method, request.address) for request in REQUESTS.values()}
    assert asked == wanted - set(NOT_ASKED)
    assert set(NOT_ASKED) <= wanted


@EVERY_QUERY
def test_a_query_sends_every_parameter_that_there_is_and_no_other(name: str) -> None:
    request = REQUESTS[name]
    described = OPERATIONS[request.method, request.address].get("parameters", [])
    parameters = {one["name"] for one in described if one["in"] == "query"} - FOLLOWED
    assert {key for key, _ in parse_qsl(urlsplit(request.url).query)} == parameters
    assert "{" not in request.url
    headers = {one["name"].lower() for one in described if one["in"] == "header"}
    ours = {"x-purpose", "accept-language", "last-event-id", "x-correlation-id"}
    assert headers <= ours, "a header that the client does not know"


@EVERY_QUERY
def test_both_clients_have_it_with_its_parameters_and_words(name: str) -> None:
    query = getattr(queries, name)
    for client in (Client, AsyncClient):
        method = getattr(client, name)
        assert method.__doc__ == query.__doc__
        parameters = list(inspect.signature(method).parameters.values())
        assert parameters[1:] == list(inspect.signature(query).parameters.values())


@EVERY_QUERY
def test_it_accepts_what_is_served_there(name: str) -> None:
    request = REQUESTS[name]
    served = OPERATIONS[request.method, request.address]["responses"]["200"]["content"]
    assert request.headers["accept"] in served
    arrow = "application/vnd.apache.arrow.stream"
    assert (request.headers["accept"] == arrow) == (arrow in served), "Arrow, where it is served"


@pytest.mark.parametrize("name", WALKS)
def test_pages_are_as_large_as_they_may_be(name: str) -> None:
    listing = listing_of(name)
    (limit,) = (
        one["schema"]["maximum"]
        for one in OPERATIONS["GET", listing.address]["parameters"]
        if one["name"] == "limit"
    )
    assert listing.most == limit


def test_pieces_of_signals_are_as_long_as_they_may_be() -> None:
    assert of_signals.LONGEST_OF_ROWS == resolution.MAX_RAW_SPAN
    assert of_signals.MOST_STEPS == resolution.MAX_BUCKETS
    assert of_signals.MOST_SIGNALS == signals.MAX_SIGNALS
    (part,) = of_signals.signals(
        "V", "odometer", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
    ).groups[0]
    assert part.most == signals.MAX_POINTS


def referred(schema: dict[str, Any]) -> dict[str, Any] | None:
    """The object that a schema is, or may be beside null."""
    for one in schema.get("anyOf", [schema]):
        if "$ref" in one:
            found = SCHEMAS[one["$ref"].rpartition("/")[2]]
            return found if "properties" in found else None
    return None


def is_list(schema: dict[str, Any]) -> bool:
    return any(one.get("type") == "array" for one in schema.get("anyOf", [schema]))


def lists_in(schema: dict[str, Any], prefix: str = "") -> set[str]:
    """The columns that are lists."""
    found = set()
    for name, member in schema["properties"].items():
        inner = referred(member)
        if inner is not None:
            found |= lists_in(inner, f"{prefix}{name}_")
        elif is_list(member):
            found.add(prefix + name)
    return found


@pytest.mark.parametrize("name", WALKS)
def test_a_table_s_lists_and_rows_are_those_of_the_document(name: str) -> None:
    listing = listing_of(name)
    content = OPERATIONS["GET", listing.address]["responses"]["200"]["content"]
    answer = referred(content["application/json"]["schema"])
    assert answer is not None
    if isinstance(listing, JsonListing):
        assert is_list(answer["properties"][listing.rows])
        assert set(listing.about) <= set(answer["properties"])
        return
    if "series" in answer["properties"] or "signals" in answer["properties"]:
        return
    (row,) = (
        SCHEMAS[member["items"]["$ref"].rpartition("/")[2]]
        for key, member in answer["properties"].items()
        if is_list(member) and key != "kinds"
    )
    assert set(listing.lists) == lists_in(row)
    assert listing.index in row["properties"]


SAME_NAME = [
    models.Position,
    models.Reading,
    models.SignalState,
    models.GroupState,
    models.TroubleCodeState,
    models.VehicleState,
    models.StatusReading,
    models.TellTale,
    models.SystemStatus,
    models.CodeInWords,
    models.Service,
    models.Contact,
    models.TripSummary,
    models.StatusBySystem,
    models.VehicleChange,
    models.Accumulated,
    models.AdviceText,
    models.Saving,
    models.EvidencePart,
    models.Chart,
    models.Evidence,
    models.AdviceResult,
    rows.Trend,
    rows.Place,
    rows.Expected,
    rows.FleetFuelRow,
    rows.Read,
    rows.SignalDescription,
]
OTHER_NAME = {
    models.Advice: "AdvicePiece",
    rows.Driver: "DriverSummary",
    rows.Fleet: "FleetSummary",
    rows.TankEvent: "TankEventSummary",
}


@pytest.mark.parametrize(
    ("record", "schema"),
    [*((one, one.__name__) for one in SAME_NAME), *OTHER_NAME.items()],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_a_record_has_the_fields_of_the_document(record: type, schema: str) -> None:
    described = SCHEMAS[schema]["properties"]
    assert {field.name for field in fields(record)} == set(described)
    assert set(SCHEMAS["AdviceSummary"]["properties"]) == set(SCHEMAS["AdvicePiece"]["properties"])


@pytest.mark.parametrize(
    ("choice", "schema"),
    [
        (of_driving.Order, "Order"),
        (of_driving.Severity, "Severity"),
        (of_vehicles.Activity, "Activity"),
        (of_fuel.By, "By"),
        (of_advice.Status, "AdviceStatus"),
    ],
)
def test_choices_are_those_of_the_document(choice: object, schema: str) -> None:
    assert list(get_args(choice)) == SCHEMAS[schema]["enum"]


def test_everything_that_is_paged_can_be_walked() -> None:
    for name in WALKS:
        assert isinstance(made(name), Walk)
