"""Questions about advice, what becomes of it, and who has read what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from telemetry_client import times
from telemetry_client.messages import get, listed
from telemetry_client.models import Advice
from telemetry_client.questions import ArrowListing, JsonListing, Single
from telemetry_client.rows import Erasure, Read
from telemetry_client.writing import change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_client.queries.of_driving import Order
    from telemetry_client.times import Moment

Status: TypeAlias = Literal["given", "seen", "accepted", "dismissed"]


def vehicle_advice(
    vin: str,
    start: Moment,
    end: Moment,
    *,
    status: Status | Iterable[Status] | None = None,
    order: Order = "oldest_first",
    limit: int | None = None,
) -> ArrowListing:
    """What to change on a vehicle and in how it is driven, by the advice's number."""
    return ArrowListing(
        address="/v1/vehicles/{vin}/advice",
        index="advice_id",
        most=500,
        of_path={"vin": vin},
        params={**times.span(start, end), "status": listed(status), "order": order},
        limit=limit,
        lists=_LISTS,
    )


def driver_advice(
    driver_id: int,
    start: Moment,
    end: Moment,
    *,
    status: Status | Iterable[Status] | None = None,
    order: Order = "oldest_first",
    limit: int | None = None,
) -> ArrowListing:
    """What a driver may change, by the advice's number."""
    return ArrowListing(
        address="/v1/drivers/{driver_id}/advice",
        index="advice_id",
        most=500,
        of_path={"driver_id": driver_id},
        params={**times.span(start, end), "status": listed(status), "order": order},
        limit=limit,
        lists=_LISTS,
    )


def fleet_advice(
    fleet_id: int,
    week: str,
    *,
    status: Status | Iterable[Status] | None = None,
    limit: int | None = None,
) -> JsonListing:
    """A week's advice by what it would save; `attrs["savings"]` is what advice has saved so far.

    Args:
        fleet_id: the fleet.
        week: an ISO week, 2026-W44.
        status: of these alone.
        limit: so many at most.
    """
    return JsonListing(
        address="/v1/fleets/{fleet_id}/advice",
        index="advice_id",
        most=500,
        rows="advice",
        of=Advice,
        of_path={"fleet_id": fleet_id},
        params={"week": week, "status": listed(status)},
        limit=limit,
        about=("fleet_id", "name", "week", "time_zone", "savings"),
    )


def advice(advice_id: int) -> Single[Advice]:
    """One piece of advice."""
    return Single(request=get("/v1/advice/{advice_id}", advice_id=advice_id), of=Advice)


def accept_advice(advice_id: int) -> Single[Advice]:
    """Say that a piece of advice will be followed; to say it again changes nothing."""
    return _answered(advice_id, "accepted")


def dismiss_advice(advice_id: int) -> Single[Advice]:
    """Say that a piece of advice will not be followed."""
    return _answered(advice_id, "dismissed")


def see_advice(advice_id: int) -> Single[Advice]:
    """Say that a piece of advice has been read."""
    return _answered(advice_id, "seen")


def audit(
    start: Moment,
    end: Moment,
    *,
    vin: str | None = None,
    driver_id: int | None = None,
    dataset_id: int | None = None,
    limit: int | None = None,
) -> JsonListing:
    """Who has read personal data, by time; `attrs["lost"]` says when how many entries were lost.

    Args:
        start: from this time on.
        end: up to, not including, this time.
        vin: of this vehicle alone.
        driver_id: of this driver alone.
        dataset_id: of this data set alone.
        limit: so many at most.
    """
    return JsonListing(
        address="/v1/audit",
        index="time",
        most=1000,
        rows="reads",
        of=Read,
        params={
            **times.span(start, end),
            "vin": vin,
            "driver_id": driver_id,
            "dataset_id": dataset_id,
        },
        limit=limit,
        about=("lost",),
    )


def erasures(*, limit: int | None = None) -> JsonListing:
    """What was erased on a driver's or an owner's demand: how many rows, of nobody's name."""
    return JsonListing(
        address="/v1/audit/erasures",
        index="began_at",
        most=1000,
        rows="erasures",
        of=Erasure,
        limit=limit,
    )


def _answered(advice_id: int, status: str) -> Single[Advice]:
    address = "/v1/advice/{advice_id}"
    return change("PATCH", address, Advice, {"status": status}, advice_id=advice_id)


_LISTS = (
    "text_caveats",
    "text_saving",
    "evidence_parts",
    "evidence_chart_days",
    "evidence_chart_values",
)
