"""What one may do: roles, the scopes each has at most, and the scope that each address needs."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from http import HTTPMethod


class Role(StrEnum):
    """What somebody is to their party; what they see of a vehicle the party's grants say."""

    MAKER = "maker"
    DEALER = "dealer"
    SERVICE_PROVIDER = "service_provider"
    OWNER = "owner"
    DRIVER = "driver"
    DATA_SCIENTIST = "data_scientist"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Scope(StrEnum):
    """What a token or key may be used for."""

    VEHICLES_READ = "vehicles:read"
    DRIVERS_READ = "drivers:read"
    FLEETS_READ = "fleets:read"
    ADVICE_READ = "advice:read"
    ADVICE_WRITE = "advice:write"
    RFMS_READ = "rfms:read"
    REGISTERS_READ = "registers:read"
    REGISTERS_WRITE = "registers:write"
    IDENTITY_MANAGE = "identity:manage"
    """The party's accounts, clients and keys."""
    DATASETS_READ = "datasets:read"
    DATASETS_WRITE = "datasets:write"
    """To define datasets over vehicles that are one's own, or all of them, and to end them."""
    MODELS_READ = "models:read"
    """Which models there are, how good they are and what drifts."""
    AUDIT_READ = "audit:read"
    WEBHOOKS_WRITE = "webhooks:write"
    """To be told what one may read anyway, and not what one may only change: whoever looks has it,
    and `registers:write` alone does not give it."""
    CARE_WRITE = "care:write"
    """To say that a vehicle of the morning list was seen to."""
    OVERVIEW_READ = "overview:read"
    """What is counted over all vehicles and of ingest: the maker's."""
    OWN_READ = "own:read"
    """A driver's own trips, events, scores, fuel and advice."""


_LOOKING = frozenset(
    {
        Scope.VEHICLES_READ,
        Scope.ADVICE_READ,
        Scope.RFMS_READ,
        Scope.REGISTERS_READ,
        Scope.WEBHOOKS_WRITE,
        Scope.CARE_WRITE,
    }
)

_RUNNING = _LOOKING | {
    Scope.DRIVERS_READ,
    Scope.FLEETS_READ,
    Scope.ADVICE_WRITE,
    Scope.REGISTERS_WRITE,
    Scope.DATASETS_READ,
    Scope.DATASETS_WRITE,
}

ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = {
    Role.MAKER: _RUNNING | {Scope.AUDIT_READ, Scope.MODELS_READ, Scope.OVERVIEW_READ},
    Role.DEALER: _LOOKING,
    Role.SERVICE_PROVIDER: _LOOKING,
    Role.OWNER: _RUNNING,
    Role.DRIVER: frozenset({Scope.OWN_READ}),
    Role.DATA_SCIENTIST: frozenset({Scope.DATASETS_READ, Scope.MODELS_READ}),
    Role.AUDITOR: frozenset({Scope.AUDIT_READ}),
    Role.ADMINISTRATOR: frozenset(
        {Scope.REGISTERS_READ, Scope.REGISTERS_WRITE, Scope.IDENTITY_MANAGE}
    ),
}
"""The most that somebody in a role may do. A token or key has these or fewer."""

EVERYTHING = frozenset(Scope) - {Scope.OWN_READ, Scope.IDENTITY_MANAGE}
"""What is open where nobody signs in: the party's grants alone say what is seen. Keys, which would
outlast that, are given out to nobody."""

_IDENTITY = ("/v1/registers/accounts", "/v1/registers/clients", "/v1/registers/keys")

_READ: tuple[tuple[str, Scope], ...] = (
    *((path, Scope.IDENTITY_MANAGE) for path in _IDENTITY),
    ("/v1/registers", Scope.REGISTERS_READ),
    ("/v1/vehicles", Scope.VEHICLES_READ),
    ("/v1/signals", Scope.VEHICLES_READ),
    ("/v1/service-points", Scope.VEHICLES_READ),
    ("/v1/morning-list", Scope.VEHICLES_READ),
    ("/v1/service-due", Scope.VEHICLES_READ),
    ("/v1/silent-vehicles", Scope.VEHICLES_READ),
    ("/v1/fuel-price", Scope.VEHICLES_READ),
    ("/v1/overview", Scope.OVERVIEW_READ),
    ("/v1/data-quality", Scope.OVERVIEW_READ),
    ("/v1/ingest", Scope.OVERVIEW_READ),
    ("/v1/drivers", Scope.DRIVERS_READ),
    ("/v1/fleets", Scope.FLEETS_READ),
    ("/v1/advice", Scope.ADVICE_READ),
    ("/v1/datasets", Scope.DATASETS_READ),
    ("/v1/catalogue/signals", Scope.DATASETS_READ),
    ("/catalogue", Scope.DATASETS_READ),
    ("/datasets", Scope.DATASETS_READ),
    ("/v1/models", Scope.MODELS_READ),
    ("/models", Scope.MODELS_READ),
    ("/v1/audit", Scope.AUDIT_READ),
    ("/v1/webhooks", Scope.WEBHOOKS_WRITE),
    ("/rfms", Scope.RFMS_READ),
    ("/vehicles", Scope.VEHICLES_READ),
    ("/drivers", Scope.DRIVERS_READ),
    ("/advice", Scope.ADVICE_READ),
    ("/reports/fleets", Scope.FLEETS_READ),
    ("/reports", Scope.VEHICLES_READ),
    ("/settings/grants", Scope.REGISTERS_READ),
    ("/accounts", Scope.IDENTITY_MANAGE),
    ("/audit", Scope.AUDIT_READ),
    ("/settings", Scope.VEHICLES_READ),
    ("/morning", Scope.VEHICLES_READ),
    ("/service", Scope.VEHICLES_READ),
    ("/silent", Scope.VEHICLES_READ),
    ("/overview", Scope.OVERVIEW_READ),
    ("/quality", Scope.OVERVIEW_READ),
    ("/ingest", Scope.OVERVIEW_READ),
)

_WRITE: tuple[tuple[str, Scope], ...] = (
    *((path, Scope.IDENTITY_MANAGE) for path in _IDENTITY),
    ("/v1/registers", Scope.REGISTERS_WRITE),
    ("/v1/advice", Scope.ADVICE_WRITE),
    ("/v1/vehicles", Scope.REGISTERS_WRITE),
    ("/v1/drivers", Scope.REGISTERS_WRITE),
    ("/v1/fleets", Scope.REGISTERS_WRITE),
    ("/v1/fuel-price", Scope.REGISTERS_WRITE),
    ("/v1/webhooks", Scope.WEBHOOKS_WRITE),
    ("/v1/datasets", Scope.DATASETS_WRITE),
    ("/datasets", Scope.DATASETS_WRITE),
    ("/advice", Scope.ADVICE_WRITE),
    ("/settings", Scope.REGISTERS_WRITE),
    ("/v1/morning-list", Scope.CARE_WRITE),
    ("/morning", Scope.CARE_WRITE),
)

READING = frozenset({HTTPMethod.GET, HTTPMethod.HEAD})
"""Methods that change nothing."""


def needed(method: str, route: str) -> Scope | None:
    """The scope an address needs; None: no rule names it, so that nobody may use it.

    Args:
        method: GET, say.
        route: the address with the names of its parameters: /v1/vehicles/{vin}/state.
    """
    if route.endswith("/advice") and method in READING:
        return Scope.ADVICE_READ
    if route == "/":
        return Scope.VEHICLES_READ
    for path, scope in _READ if method in READING else _WRITE:
        if route == path or route.startswith(f"{path}/"):
            return scope
    return None


def held(role: str, scopes: Iterable[str]) -> frozenset[Scope]:
    """Those of `scopes` that somebody in that role may have; unknown ones are nothing."""
    return ROLE_SCOPES[Role(role)].intersection(scopes)
