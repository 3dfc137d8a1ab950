"""Every address that reads the database needs a scope; a role has the scopes of its work."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.identity import anybody
from api.scopes import ROLE_SCOPES, Role, Scope, held, needed
from api.settings import ApiSettings
from tests.asking.api_fixture import UNREACHABLE

DOCUMENT = create_app(ApiSettings(), SecretStr(UNREACHABLE)).openapi()
GUARDED = [
    (method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if "security" in operation
]
SHARED = {
    Scope.VEHICLES_READ,
    Scope.ADVICE_READ,
    Scope.RFMS_READ,
    Scope.REGISTERS_READ,
    Scope.WEBHOOKS_WRITE,
    Scope.CARE_WRITE,
}
WORK = {
    *SHARED,
    Scope.DRIVERS_READ,
    Scope.FLEETS_READ,
    Scope.ADVICE_WRITE,
    Scope.REGISTERS_WRITE,
    Scope.DATASETS_READ,
    Scope.DATASETS_WRITE,
}


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_every_address_that_asks_who_asks_has_its_scope(method: str, path: str) -> None:
    assert needed(method, path) is not None


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/", Scope.VEHICLES_READ),
        ("GET", "/vehicles/{vin}", Scope.VEHICLES_READ),
        ("GET", "/v1/vehicles", Scope.VEHICLES_READ),
        ("GET", "/v1/vehicles/{vin}/advice", Scope.ADVICE_READ),
        ("HEAD", "/v1/drivers/{driver_id}/trips", Scope.DRIVERS_READ),
        ("PATCH", "/v1/advice/{advice_id}", Scope.ADVICE_WRITE),
        ("POST", "/v1/vehicles", Scope.REGISTERS_WRITE),
        ("GET", "/v1/registers/grants", Scope.REGISTERS_READ),
        ("DELETE", "/v1/registers/grants/{grant_id}", Scope.REGISTERS_WRITE),
        ("GET", "/v1/registers/keys", Scope.IDENTITY_MANAGE),
        ("POST", "/v1/registers/keys/{prefix}/rotate", Scope.IDENTITY_MANAGE),
        ("GET", "/v1/registers/keystone", Scope.REGISTERS_READ),
        ("GET", "/rfms/vehicles", Scope.RFMS_READ),
        ("GET", "/v1/signals", Scope.VEHICLES_READ),
        ("GET", "/v1/service-points", Scope.VEHICLES_READ),
        ("GET", "/v1/vehicles/{vin}/service-points/nearest", Scope.VEHICLES_READ),
        ("GET", "/v1/models/{model_id}/drift", Scope.MODELS_READ),
        ("GET", "/v1/audit", Scope.AUDIT_READ),
        ("GET", "/v1/webhooks", Scope.WEBHOOKS_WRITE),
        ("DELETE", "/v1/webhooks/{webhook_id}", Scope.WEBHOOKS_WRITE),
        ("GET", "/v1/audit/erasures", Scope.AUDIT_READ),
        ("DELETE", "/v1/audit", None),
        ("GET", "/v1/datasets/{dataset_id}/signals", Scope.DATASETS_READ),
        ("DELETE", "/v1/datasets/{dataset_id}", Scope.DATASETS_WRITE),
        ("GET", "/v1/vehiclesecrets", None),
        ("GET", "/anything/else", None),
    ],
)
def test_an_address_needs_one_scope_and_an_unforeseen_one_opens_to_nobody(
    method: str, path: str, scope: Scope | None
) -> None:
    assert needed(method, path) is scope


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        (Role.MAKER, {*WORK, Scope.AUDIT_READ, Scope.MODELS_READ, Scope.OVERVIEW_READ}),
        (Role.OWNER, WORK),
        (Role.DEALER, SHARED),
        (Role.SERVICE_PROVIDER, SHARED),
        (Role.DRIVER, {Scope.OWN_READ}),
        (Role.DATA_SCIENTIST, {Scope.DATASETS_READ, Scope.MODELS_READ}),
        (Role.AUDITOR, {Scope.AUDIT_READ}),
        (
            Role.ADMINISTRATOR,
            {Scope.REGISTERS_READ, Scope.REGISTERS_WRITE, Scope.IDENTITY_MANAGE},
        ),
    ],
)
def test_a_role_may_do_its_work_and_no_more(role: Role, scopes: set[Scope]) -> None:
    assert ROLE_SCOPES[role] == scopes
    assert held(role, [*map(str, Scope), "made:up"]) == scopes


def test_where_nobody_signs_in_nobody_makes_keys() -> None:
    assert Scope.IDENTITY_MANAGE not in anybody(1).scopes


def test_all_roles_are_told() -> None:
    assert set(ROLE_SCOPES) == set(Role)
