"""Which fleet and which week a page shows: as its address asks, or the first and the newest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Query

from api.codes import Code
from api.driving import fleets
from api.parameters import number
from api.problems import unknown
from api.scopes import Scope
from schemas.time_zones import zone

if TYPE_CHECKING:
    from api.identity import Caller
    from api.services import Services
    from storage.answers_behaviour import ListedFleet

MAX_FLEETS = 1000
"""Fleets one may choose from on the page; further ones are there by their address."""


def _fleet(fleet: Annotated[str | None, Query(max_length=18)] = None) -> int | None:
    return None if fleet is None else number(fleet, Code.UNKNOWN_FLEET)


FleetChoice = Annotated[int | None, Depends(_fleet)]
"""The fleet that is asked for; None: the first."""

WeekChoice = Annotated[str | None, Query(alias="week", max_length=10)]
"""The ISO week that is asked for; None: the newest with trips."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """The weeks before and after one, as addresses have them."""

    this: str
    previous: str
    following: str | None
    """None: it has not begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a page shows, and where one may go from it."""

    fleets: list[ListedFleet]
    """Those one may choose from."""
    fleet: ListedFleet
    first_day: date
    """The week's Monday."""
    steps: Steps


async def choice(
    services: Services, who: Caller, fleet: int | None, week: str | None
) -> Choice | None:
    """What is asked for; None: one has no fleet, and has asked for none.

    Raises:
        ProblemError: 404, the fleet is none of one's own; 422, that is no week.
    """
    known = await fleets_of(services, who)
    if not known and fleet is None:
        return None
    chosen = await _chosen(services, who, known, fleet)
    first_day = await _first_day(services, who.party_id, chosen, week)
    return Choice(fleets=known, fleet=chosen, first_day=first_day, steps=_steps(first_day, chosen))


def midnight(day: date, fleet: ListedFleet) -> datetime:
    """When a day begins where a fleet is."""
    return datetime(day.year, day.month, day.day, tzinfo=zone(fleet.time_zone)).astimezone(UTC)


async def fleets_of(services: Services, who: Caller) -> list[ListedFleet]:
    """Somebody's fleets; none for who may not see fleets: the page is still theirs."""
    if Scope.FLEETS_READ not in who.scopes:
        return []
    return await services.behaviour.fleets(who.party_id, after_id=0, limit=MAX_FLEETS)


async def _chosen(
    services: Services, who: Caller, known: list[ListedFleet], wanted: int | None
) -> ListedFleet:
    for fleet in known:
        if wanted in (None, fleet.fleet_id):
            return fleet
    if wanted is not None and len(known) == MAX_FLEETS:
        further = await services.behaviour.fleets(who.party_id, after_id=wanted - 1, limit=1)
        if further and further[0].fleet_id == wanted:
            return further[0]
    raise unknown(Code.UNKNOWN_FLEET)


async def _first_day(services: Services, party: int, fleet: ListedFleet, week: str | None) -> date:
    if week is not None:
        return fleets.read_week(week)
    newest = await services.fuel.fleet_newest(party, fleet.fleet_id)
    local = (newest or datetime.now(tz=UTC)).astimezone(zone(fleet.time_zone)).date()
    return local - timedelta(days=local.weekday())


def _steps(first_day: date, fleet: ListedFleet) -> Steps:
    before, after = first_day - timedelta(weeks=1), first_day + timedelta(weeks=1)
    has_begun = midnight(after, fleet) <= datetime.now(tz=UTC)
    return Steps(
        this=f"{first_day:%G-W%V}",
        previous=f"{before:%G-W%V}",
        following=f"{after:%G-W%V}" if has_begun else None,
    )
