"""The client asks for all that the OpenAPI document describes, and for nothing else."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.settings import ApiSettings
from api.signals import of_vehicle, resolution
from telemetry_client import (
    AsyncClient,
    Client,
    bodies,
    models,
    queries,
    registered,
    rows,
    trained,
)
from telemetry_client.entries import told
from telemetry_client.messages import JSON
from telemetry_client.queries import (
    of_advice,
    of_driving,
    of_fuel,
    of_grants,
    of_registers,
    of_service_points,
    of_signals,
    of_vehicles,
    of_webhooks,
)
from telemetry_client.questions import (
    ArrowListing,
    Changes,
    JsonListing,
    Single,
    Table,
    Walk,
)
from telemetry_client.writing import Done
from tests.asking.api_fixture import UNREACHABLE

if TYPE_CHECKING:
    from telemetry_client.messages import Request

DOCUMENT: dict[str, Any] = create_app(ApiSettings(), SecretStr(UNREACHABLE)).openapi()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]

SIGNS_IN = "Who may sign in is an administrator's to say, by their own tools: a notebook that holds"
SIGNS_IN += " the passwords and keys of others is where they leak."

PEOPLE_WORK_BY = "A list that people work through; the same facts are in vehicles and their status."
OF_THE_PLATFORM = (
    "How the platform stands is a page and a metric; nobody analyses it in a notebook."
)
LOOKED_AT = "It is looked at before there is a data set; what is computed with is the data set's."

NOT_ASKED: dict[tuple[str, str], str] = {
    ("GET", "/v1/catalogue/signals/{signal}/spread"): LOOKED_AT,
    ("GET", "/v1/datasets/choices"): LOOKED_AT,
    ("GET", "/v1/datasets/preview"): LOOKED_AT,
    ("GET", "/v1/registers/accounts"): SIGNS_IN,
    ("POST", "/v1/registers/accounts"): SIGNS_IN,
    ("PUT", "/v1/registers/accounts/{name}/password"): SIGNS_IN,
    ("DELETE", "/v1/registers/accounts/{name}"): SIGNS_IN,
    ("GET", "/v1/registers/clients"): SIGNS_IN,
    ("POST", "/v1/registers/clients"): SIGNS_IN,
    ("POST", "/v1/registers/clients/{client_id}/rotate"): SIGNS_IN,
    ("DELETE", "/v1/registers/clients/{client_id}"): SIGNS_IN,
    ("GET", "/v1/registers/keys"): SIGNS_IN,
    ("POST", "/v1/registers/keys"): SIGNS_IN,
    ("POST", "/v1/registers/keys/{prefix}/rotate"): SIGNS_IN,
    ("DELETE", "/v1/registers/keys/{prefix}"): SIGNS_IN,
    ("GET", "/v1/morning-list"): PEOPLE_WORK_BY,
    ("PUT", "/v1/morning-list/{vin}/handled"): PEOPLE_WORK_BY,
    ("DELETE", "/v1/morning-list/{vin}/handled"): PEOPLE_WORK_BY,
    ("GET", "/v1/service-due"): PEOPLE_WORK_BY,
    ("GET", "/v1/silent-vehicles"): PEOPLE_WORK_BY,
    ("GET", "/v1/overview"): OF_THE_PLATFORM,
    ("GET", "/v1/data-quality"): OF_THE_PLATFORM,
    ("GET", "/v1/ingest"): OF_THE_PLATFORM,
}
"""Operations of /v1 that the client leaves out, each with its reason."""

SAYS_MORE_AS_JSON = {"accumulated", "audit", "fleet_advice", "fleet_fuel", "ranking"}
"""What is asked for in JSON though there is Arrow: only there it is said what goes to `attrs`."""

FOLLOWED = {"cursor", "lastVin", "lastReceivedDateTime"}
"""Parameters of links, which are followed unchanged."""

TOLD_BY_PANDAS = "time_zone"
"""Asked for where steps of signals depend on it; other times of a DataFrame are converted there."""

ARGUMENTS: dict[str, Any] = {
    "vin": "LSGAA11112A000001",
    "vins": ["LSGAA11112A000001", "LSGAA11112A000002"],
    "names": "wheel_speed,fuel_rate",
    "models": ["J6P"],
    "regions": ["CN-31"],
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
    "coordinates": "gcj-02",
    "dataset_id": 12,
    "vehicles": ["5f1d", "7a2c"],
    "radius_km": 50.0,
    "service": "brakes",
    "webhook_id": 5,
    "delivery_id": 9,
    "url": "https://example.com/hook",
    "kinds": ["driving_event.overspeed_road"],
    "language": "zh",
    "enabled": False,
    "name": "North",
    "purpose": "service",
    "party": "A workshop",
    "valid_from": "2026-11-01T00:00:00Z",
    "valid_until": "2026-12-01T00:00:00Z",
    "data_from": "2026-11-01T00:00:00Z",
    "data_until": "2026-12-01T00:00:00Z",
    "signals": ["wheel_speed"],
    "resolution_s": 60,
    "grid_deg": 0.1,
    "trips": True,
    "events": True,
    "vehicle_class": "bus",
    "lines": "vin\nLSGAA11112A000001\n",
    "dry_run": True,
    "partial": True,
    "buyer": "An owner",
    "at": "2026-11-01T00:00:00Z",
    "card_id": "CHN1",
    "employed_from": "2026-11-01T00:00:00Z",
    "employed_until": "2026-12-01T00:00:00Z",
    "time_zone": "Asia/Shanghai",
    "member_from": "2026-11-01T00:00:00Z",
    "member_until": "2026-12-01T00:00:00Z",
    "grant_id": 8,
    "holds": True,
    "price": 7.85,
    "currency": "CNY",
    "if_match": '"9c1185a5c5e9fc54"',
    "model_id": 4,
    "weeks": 12,
}


def made(name: str) -> Any:
    """A query with all its arguments."""
    query = getattr(queries, name)
    keywords: set[str] = set()
    for parameter in inspect.signature(query).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            body = parameter.annotation.removeprefix("Unpack[").removesuffix("]")
            keywords |= getattr(bodies, body).__annotations__.keys()
        else:
            keywords.add(parameter.name)
    return query(**{one: ARGUMENTS[one] for one in keywords})


def request_of(name: str) -> Request:
    question = made(name)
    if isinstance(question, Single | Done | Table | Changes):
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
    if name != "signals":
        parameters.discard(TOLD_BY_PANDAS)
    assert {key for key, _ in parse_qsl(urlsplit(request.url).query)} == parameters
    assert "{" not in request.url
    headers = {one["name"].lower() for one in described if one["in"] == "header"}
    ours = {"x-purpose", "accept-language", "last-event-id", "x-correlation-id"}
    sent = {"idempotency-key", "if-match"}
    assert headers - sent <= ours, "a header that the client does not know"
    assert headers & sent == request.headers.keys() & sent


@pytest.mark.parametrize("name", [name for name, one in REQUESTS.items() if one.method != "GET"])
def test_a_write_carries_every_field_that_there_is_and_no_other(name: str) -> None:
    request = REQUESTS[name]
    described = OPERATIONS[request.method, request.address].get("requestBody")
    media = request.headers.get("content-type")
    if described is None:
        # A POST of nothing says JSON, too, which no page elsewhere can send unasked.
        assert (media, request.content) == (JSON if request.method == "POST" else None, b"")
        return
    assert [media] == list(described["content"])
    assert request.content
    if media == JSON:
        schema = described["content"][media]["schema"]["$ref"].rpartition("/")[2]
        assert json.loads(request.content).keys() == SCHEMAS[schema]["properties"].keys()


@pytest.mark.parametrize(
    ("body", "schema"),
    [
        (bodies.DatasetDefinition, "DatasetDefinition"),
        (bodies.NewWebhook, "NewWebhook"),
        (bodies.NewGrant, "NewGrant"),
        (bodies.NewGrants, "NewGrants"),
    ],
)
def test_what_a_new_thing_needs_is_what_the_document_requires(body: Any, schema: str) -> None:
    assert body.__required_keys__ == set(SCHEMAS[schema]["required"])


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
    responses = OPERATIONS[request.method, request.address]["responses"]
    (served,) = (one.get("content") for status, one in responses.items() if status[0] == "2")
    if served is None:
        assert isinstance(made(name), Done)
        return
    assert request.headers["accept"] in served
    arrow = "application/vnd.apache.arrow.stream"
    wanted = arrow in served and name not in SAYS_MORE_AS_JSON
    assert (request.headers["accept"] == arrow) == wanted, "Arrow, where it is served"


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
    assert of_signals.MOST_SIGNALS == of_vehicle.MAX_SIGNALS
    (part,) = of_signals.signals(
        "V", "odometer", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
    ).groups[0]
    assert part.most == of_vehicle.MAX_POINTS


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
    assert bool(isinstance(listing, JsonListing) and listing.about) == (name in SAYS_MORE_AS_JSON)
    if isinstance(listing, JsonListing):
        assert is_list(answer["properties"][listing.rows])
        assert set(listing.about) <= set(answer["properties"])
        return
    if name in {"signals", "dataset_signals"}:
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
    models.DueBy,
    models.Plan,
    models.LastService,
    models.NextService,
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
    rows.RankedPlace,
    rows.Expected,
    rows.FleetFuelRow,
    rows.Read,
    registered.FuelPrice,
    registered.DatasetCounts,
    registered.SignalOfDataset,
    registered.DatasetWithCounts,
    registered.Webhook,
    registered.MadeWebhook,
    registered.NewSecret,
    registered.Delivery,
    registered.RegisteredVehicle,
    registered.LineFault,
    registered.ImportReport,
    registered.SaleDone,
    registered.KnownParty,
    registered.EmployedDriver,
    registered.RegisteredFleet,
    registered.FleetMembership,
    registered.MembershipEnd,
    registered.Grant,
    registered.GivenGrant,
    registered.GivenGrants,
    rows.SignalDescription,
    trained.GroupOfVehicles,
    trained.ModelWithGroups,
    trained.Drift,
]
OTHER_NAME = {
    models.Advice: "AdvicePiece",
    rows.Erasure: "ErasureRecord",
    registered.Dataset: "DatasetSummary",
}


@pytest.mark.parametrize(
    ("record", "schema"),
    [*((one, one.__name__) for one in SAME_NAME), *OTHER_NAME.items()],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_a_record_has_the_fields_of_the_document(record: type, schema: str) -> None:
    described = SCHEMAS[schema]["properties"]
    assert {field.name for field in told(record)} == set(described)
    assert set(SCHEMAS["AdviceSummary"]["properties"]) == set(SCHEMAS["AdvicePiece"]["properties"])


@pytest.mark.parametrize(
    ("choice", "schema"),
    [
        (of_driving.Order, "Order"),
        (of_driving.Severity, "Severity"),
        (of_vehicles.Activity, "Activity"),
        (of_fuel.By, "By"),
        (of_advice.Status, "AdviceStatus"),
        (of_driving.Coordinates, "Coordinates"),
        (of_service_points.PointKind, "PointKind"),
        (of_webhooks.DeliveryState, "DeliveryState"),
        (of_registers.PartyKind, "PartyKind"),
        (of_grants.Purpose, "Purpose"),
        (bodies.VehicleClass, "VehicleClass"),
    ],
)
def test_choices_are_those_of_the_document(choice: object, schema: str) -> None:
    assert list(get_args(choice)) == SCHEMAS[schema]["enum"]


def test_everything_that_is_paged_can_be_walked() -> None:
    for name in WALKS:
        assert isinstance(made(name), Walk)
