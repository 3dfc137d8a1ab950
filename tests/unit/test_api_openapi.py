"""The OpenAPI document describes every address completely: types, examples, problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr, TypeAdapter

from api.advice.fleet_advice import FleetAdvice
from api.advice.lists import DriverAdvice, VehicleAdvice
from api.advice.piece import AdviceAnswer, AdvicePiece
from api.app import create_app
from api.audit import Audit
from api.care.handling import HandledCase, Handling
from api.care.morning_list import MorningList
from api.care.service_list import ServiceDue
from api.care.silent_list import SilentVehicles
from api.datasets.driving import EventsOfDataset, TripsOfDataset
from api.datasets.models import (
    DatasetChange,
    DatasetDefinition,
    Datasets,
    DatasetVehicles,
    DatasetWithCounts,
)
from api.datasets.signals import SignalsOfDataset
from api.driving.accumulated import Accumulated
from api.driving.driven import DriverEvents, DriverScores, DriverTrips
from api.driving.drivers import Drivers
from api.driving.events import VehicleEvents
from api.driving.fleets import Fleets
from api.driving.ranking import Ranking
from api.driving.scores import VehicleScores
from api.driving.trips import Trips
from api.fuel.fleet_fuel import FleetFuel
from api.fuel.fuel_price import FuelPrice, NewFuelPrice
from api.fuel.periods import DriverFuel, VehicleFuel
from api.fuel.tank import TankEvents
from api.health import Health, Readiness
from api.overview.counts import Overview
from api.overview.data_quality import DataQuality
from api.overview.ingest_state import IngestState
from api.problems import Problem
from api.registers.accounts import Account, AccountsPage, NewAccount, NewPassword
from api.registers.clients import ApiClient, ApiClients, ApiClientSecret
from api.registers.drivers import EmployedDriver, EmployedDrivers, EmploymentChange, NewEmployment
from api.registers.fleets import (
    FleetCorrection,
    FleetMembership,
    FleetMemberships,
    MembershipEnd,
    NewFleet,
    NewMembership,
    RegisteredFleet,
)
from api.registers.grants import Grant, GrantsPage, NewGrant
from api.registers.grants_of_many import GivenGrants, NewGrants
from api.registers.imports import ImportRefused, ImportReport
from api.registers.keys import ApiKey, ApiKeys, ApiKeySecret, KeyRotation, NewKey
from api.registers.machines import NewMachine, Overlap
from api.registers.parties import KnownParties, KnownParty, NewParty
from api.registers.sales import NewSale, SaleDone
from api.registers.vehicles import (
    NewVehicle,
    RegisteredVehicle,
    RegisteredVehicles,
    VehicleCorrection,
)
from api.rfms.errors import ErrorObject
from api.rfms.positions import VehiclePositions
from api.rfms.statuses import VehicleStatuses
from api.rfms.vehicles import RfmsVehicles
from api.settings import ApiSettings
from api.signals.catalogue import CatalogueAnswer
from api.signals.of_many import SignalsOfVehicles
from api.signals.of_vehicle import Signals
from api.signing_in.oauth import Keys, OAuthError, Revoked, Token
from api.vehicles.listing import Vehicles
from api.vehicles.service_points import NearestServicePoints, ServicePoints
from api.vehicles.state import VehicleState
from api.vehicles.status import StatusBySystem
from api.vehicles.streams import VehicleChange
from api.webhooks.deliveries import Deliveries, Delivery
from api.webhooks.models import (
    ChangedWebhook,
    MadeWebhook,
    NewSecret,
    NewWebhook,
    Webhook,
    Webhooks,
)
from tests.asking.api_fixture import UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT: dict[str, Any] = create_app(ApiSettings(), SecretStr(UNREACHABLE)).openapi()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for operation in methods.values()
]
EVERY_OPERATION = pytest.mark.parametrize(
    ("path", "operation"), OPERATIONS, ids=[path for path, _ in OPERATIONS]
)


def parts(schema: object, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within a schema, with its place."""
    if not isinstance(schema, dict):
        return
    yield where, schema
    for name, member in schema.get("properties", {}).items():
        yield from parts(member, f"{where}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from parts(schema[key], f"{where}.{key}")
    for number, member in enumerate(schema.get("anyOf", [])):
        yield from parts(member, f"{where}.{number}")


def test_the_document_has_exactly_these_addresses() -> None:
    assert sorted(DOCUMENT["paths"]) == [
        "/healthz",
        "/oauth/jwks",
        "/oauth/revoke",
        "/oauth/token",
        "/readyz",
        "/rfms/vehiclepositions",
        "/rfms/vehicles",
        "/rfms/vehiclestatuses",
        "/v1/advice/{advice_id}",
        "/v1/audit",
        "/v1/audit/erasures",
        "/v1/catalogue",
        "/v1/catalogue/signals/{signal}/spread",
        "/v1/data-quality",
        "/v1/datasets",
        "/v1/datasets/choices",
        "/v1/datasets/preview",
        "/v1/datasets/{dataset_id}",
        "/v1/datasets/{dataset_id}/events",
        "/v1/datasets/{dataset_id}/signals",
        "/v1/datasets/{dataset_id}/trips",
        "/v1/datasets/{dataset_id}/vehicles",
        "/v1/drivers",
        "/v1/drivers/{driver_id}/advice",
        "/v1/drivers/{driver_id}/events",
        "/v1/drivers/{driver_id}/fuel",
        "/v1/drivers/{driver_id}/scores",
        "/v1/drivers/{driver_id}/trips",
        "/v1/fleets",
        "/v1/fleets/{fleet_id}/advice",
        "/v1/fleets/{fleet_id}/fuel",
        "/v1/fleets/{fleet_id}/ranking",
        "/v1/fleets/{fleet_id}/stream",
        "/v1/fuel-price",
        "/v1/ingest",
        "/v1/models",
        "/v1/models/{model_id}",
        "/v1/models/{model_id}/drift",
        "/v1/morning-list",
        "/v1/morning-list/{vin}/handled",
        "/v1/overview",
        "/v1/registers/accounts",
        "/v1/registers/accounts/{name}",
        "/v1/registers/accounts/{name}/password",
        "/v1/registers/clients",
        "/v1/registers/clients/{client_id}",
        "/v1/registers/clients/{client_id}/rotate",
        "/v1/registers/drivers",
        "/v1/registers/drivers/{driver_id}",
        "/v1/registers/fleets",
        "/v1/registers/fleets/{fleet_id}",
        "/v1/registers/fleets/{fleet_id}/vehicles",
        "/v1/registers/fleets/{fleet_id}/vehicles/{vin}",
        "/v1/registers/grants",
        "/v1/registers/grants/many",
        "/v1/registers/grants/{grant_id}",
        "/v1/registers/keys",
        "/v1/registers/keys/{prefix}",
        "/v1/registers/keys/{prefix}/rotate",
        "/v1/registers/parties",
        "/v1/registers/vehicles",
        "/v1/registers/vehicles/import",
        "/v1/registers/vehicles/{vin}",
        "/v1/registers/vehicles/{vin}/sale",
        "/v1/service-due",
        "/v1/service-points",
        "/v1/signals",
        "/v1/silent-vehicles",
        "/v1/vehicles",
        "/v1/vehicles/{vin}/accumulated",
        "/v1/vehicles/{vin}/advice",
        "/v1/vehicles/{vin}/events",
        "/v1/vehicles/{vin}/fuel",
        "/v1/vehicles/{vin}/scores",
        "/v1/vehicles/{vin}/service-points/nearest",
        "/v1/vehicles/{vin}/signals",
        "/v1/vehicles/{vin}/state",
        "/v1/vehicles/{vin}/status",
        "/v1/vehicles/{vin}/stream",
        "/v1/vehicles/{vin}/tank-events",
        "/v1/vehicles/{vin}/trips",
        "/v1/webhooks",
        "/v1/webhooks/{webhook_id}",
        "/v1/webhooks/{webhook_id}/deliveries",
        "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
        "/v1/webhooks/{webhook_id}/secret",
        "/v1/webhooks/{webhook_id}/test",
    ]


def test_nothing_is_any() -> None:
    defining = {"type", "anyOf", "$ref", "const", "enum"}
    for name, schema in SCHEMAS.items():
        for where, part in parts(schema, name):
            assert defining & set(part), f"{where} may be anything"
            if part.get("type") == "object":
                assert part.get("properties"), f"{where} may hold anything"
            if part.get("type") == "array":
                assert part.get("items"), f"{where} may list anything"


def test_every_field_is_described() -> None:
    for name, schema in SCHEMAS.items():
        assert schema.get("description") or "enum" in schema, name
        for field, member in schema.get("properties", {}).items():
            assert member.get("description"), f"{name}.{field}"


@EVERY_OPERATION
def test_an_operation_has_its_name_and_words(path: str, operation: dict[str, Any]) -> None:
    assert operation["operationId"].isidentifier(), path
    assert "__" not in operation["operationId"]  # FastAPI's own names have two
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(names) == len(set(names))


@EVERY_OPERATION
def test_every_parameter_is_described_with_an_example(path: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        schema = parameter["schema"]
        assert parameter.get("description") or schema.get("description"), parameter["name"]
        examples = parameter.get("examples") or schema.get("examples")
        assert examples, f"{path}: {parameter['name']}"


@EVERY_OPERATION
def test_every_answer_has_an_example(path: str, operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        for media in answer.get("content", {}).values():
            if media["schema"].get("format") == "binary":  # a table has no example in JSON
                continue
            name = media["schema"]["$ref"].rpartition("/")[2]
            assert SCHEMAS[name]["examples"], f"{path}: {status}"


@pytest.mark.parametrize(
    "model",
    [
        Vehicles,
        VehicleState,
        StatusBySystem,
        VehicleChange,
        Signals,
        SignalsOfVehicles,
        Trips,
        ServicePoints,
        NearestServicePoints,
        VehicleEvents,
        VehicleScores,
        Accumulated,
        Drivers,
        DriverTrips,
        DriverEvents,
        DriverScores,
        Fleets,
        Ranking,
        VehicleFuel,
        DriverFuel,
        FleetFuel,
        TankEvents,
        VehicleAdvice,
        DriverAdvice,
        FleetAdvice,
        AdvicePiece,
        AdviceAnswer,
        CatalogueAnswer,
        Datasets,
        DatasetWithCounts,
        DatasetDefinition,
        DatasetChange,
        DatasetVehicles,
        SignalsOfDataset,
        TripsOfDataset,
        EventsOfDataset,
        Health,
        Readiness,
        Audit,
        NewWebhook,
        ChangedWebhook,
        MadeWebhook,
        Webhook,
        Webhooks,
        NewSecret,
        Delivery,
        Deliveries,
        NewVehicle,
        RegisteredVehicle,
        RegisteredVehicles,
        VehicleCorrection,
        NewSale,
        SaleDone,
        KnownParties,
        KnownParty,
        NewParty,
        EmployedDriver,
        EmployedDrivers,
        EmploymentChange,
        NewEmployment,
        FleetCorrection,
        FleetMembership,
        FleetMemberships,
        MembershipEnd,
        NewFleet,
        NewMembership,
        RegisteredFleet,
        Grant,
        GrantsPage,
        NewGrant,
        NewGrants,
        GivenGrants,
        Account,
        AccountsPage,
        NewAccount,
        NewPassword,
        ApiClient,
        ApiClients,
        ApiClientSecret,
        ApiKey,
        ApiKeys,
        ApiKeySecret,
        KeyRotation,
        NewKey,
        NewMachine,
        Overlap,
        ImportRefused,
        ImportReport,
        Token,
        Revoked,
        OAuthError,
        Keys,
        Problem,
        MorningList,
        Handling,
        HandledCase,
        ServiceDue,
        SilentVehicles,
        FuelPrice,
        NewFuelPrice,
        Overview,
        DataQuality,
        IngestState,
        RfmsVehicles,
        VehiclePositions,
        VehicleStatuses,
        ErrorObject,
    ],
)
def test_every_example_is_an_answer_that_could_be(model: type[Any]) -> None:
    for example in SCHEMAS[model.__name__]["examples"]:
        TypeAdapter(model).validate_python(example)


@EVERY_OPERATION
def test_what_may_go_wrong_is_documented_as_a_problem(path: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    if path.startswith("/v1"):
        wrong = {status: answer for status, answer in answers.items() if status >= "400"}
        assert "422" in wrong  # where nothing may be asked, everything is a misspelling
        assert "404" in wrong or "{" not in path
        assert ("503" in wrong) == (path != "/v1/catalogue")
        given = {parameter["name"] for parameter in operation.get("parameters", [])}
        assert ("409" in wrong) == ("Idempotency-Key" in given)  # a write may clash with its twin
        assert "Idempotency-Key" in given or "requestBody" not in operation
        for answer in wrong.values():
            assert list(answer["content"]) == ["application/problem+json"]
            assert answer["description"]
        # Where one signs in, every address asks who asks, but for what is no secret.
        assert ({"401", "403"} <= set(wrong)) == ("security" in operation)
        assert ("security" in operation) == (path != "/v1/catalogue")
        if "503" in wrong:
            assert "Retry-After" in wrong["503"]["headers"]


def test_frameworks_own_error_schema_is_gone() -> None:
    assert "HTTPValidationError" not in SCHEMAS
