"""Where one may go, role by role: the first page of each answers the role's first question."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from api.scopes import Role, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.identity import Caller


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where one may go from every page."""

    address: str
    text: str
    """The key of its name."""
    scope: Scope
    """Who may not use it is not shown the way."""


WEEK = Destination(address="/", text="nav_week", scope=Scope.FLEETS_READ)
MORNING = Destination(address="/morning", text="nav_morning", scope=Scope.VEHICLES_READ)
OVERVIEW = Destination(address="/overview", text="nav_overview", scope=Scope.OVERVIEW_READ)
VEHICLES = Destination(address="/vehicles", text="nav_vehicles", scope=Scope.VEHICLES_READ)
SERVICE = Destination(address="/service", text="nav_service", scope=Scope.VEHICLES_READ)
SILENT = Destination(address="/silent", text="nav_silent", scope=Scope.VEHICLES_READ)
QUALITY = Destination(address="/quality", text="nav_quality", scope=Scope.OVERVIEW_READ)
INGEST = Destination(address="/ingest", text="nav_ingest", scope=Scope.OVERVIEW_READ)
DRIVERS = Destination(address="/drivers", text="nav_drivers", scope=Scope.DRIVERS_READ)
ADVICE = Destination(address="/advice", text="nav_advice", scope=Scope.ADVICE_READ)
REPORTS = Destination(address="/reports", text="nav_reports", scope=Scope.VEHICLES_READ)
CATALOGUE = Destination(address="/catalogue", text="nav_catalogue", scope=Scope.DATASETS_READ)
DATASETS = Destination(address="/datasets", text="nav_datasets", scope=Scope.DATASETS_READ)
MODELS = Destination(address="/models", text="nav_models", scope=Scope.MODELS_READ)
AUDIT = Destination(address="/audit", text="nav_audit", scope=Scope.AUDIT_READ)
ACCOUNTS = Destination(address="/accounts", text="nav_accounts", scope=Scope.IDENTITY_MANAGE)
GRANTS = Destination(address="/settings/grants", text="nav_grants", scope=Scope.REGISTERS_READ)
SETTINGS = Destination(address="/settings", text="nav_settings", scope=Scope.VEHICLES_READ)

DESTINATIONS: Mapping[str, tuple[Destination, ...]] = MappingProxyType(
    {
        Role.OWNER: (WEEK, VEHICLES, DRIVERS, ADVICE, REPORTS, SETTINGS),
        Role.DEALER: (MORNING, VEHICLES, SERVICE, SILENT, SETTINGS),
        Role.SERVICE_PROVIDER: (MORNING, VEHICLES, SERVICE, SILENT, SETTINGS),
        Role.MAKER: (
            OVERVIEW,
            QUALITY,
            INGEST,
            VEHICLES,
            SILENT,
            CATALOGUE,
            DATASETS,
            MODELS,
            AUDIT,
            SETTINGS,
        ),
        Role.DATA_SCIENTIST: (DATASETS, CATALOGUE, MODELS),
        Role.AUDITOR: (AUDIT,),
        Role.ADMINISTRATOR: (ACCOUNTS, GRANTS),
    }
)
"""A row a role; the first is where its people begin."""

OTHERS = (
    WEEK,
    MORNING,
    VEHICLES,
    DRIVERS,
    ADVICE,
    REPORTS,
    OVERVIEW,
    CATALOGUE,
    DATASETS,
    MODELS,
    SETTINGS,
)
"""Where nobody signs in."""

WORKS_ON_VEHICLES = frozenset({Role.DEALER, Role.SERVICE_PROVIDER, Role.MAKER})
"""Whose first question to a vehicle is how it is, not what it is doing."""


def destinations_of(who: Caller | None) -> list[Destination]:
    """Where somebody may go."""
    if who is None:
        return []
    if who.driver_id is not None:
        own = own_page(who.driver_id)
        return [
            Destination(address=own, text="nav_own", scope=Scope.OWN_READ),
            Destination(address=f"{own}/card", text="card_open", scope=Scope.OWN_READ),
        ]
    return [one for one in DESTINATIONS.get(who.role, OTHERS) if one.scope in who.scopes]


def own_page(driver_id: int) -> str:
    """Where a driver finds what is his."""
    return f"/drivers/{driver_id}"


def start_of(who: Caller) -> str:
    """The address of the page that somebody begins with."""
    if who.driver_id is not None:
        return own_page(who.driver_id)
    return DESTINATIONS.get(who.role, OTHERS)[0].address


def vehicle_page(who: Caller | None) -> str:
    """What follows a vehicle's address where a list leads to it."""
    return "/status" if who is not None and who.role in WORKS_ON_VEHICLES else ""
