"""Questions in rFMS 4.0, walked to the end; columns are those of its fields that are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pandas as pd

from telemetry_client import times
from telemetry_client.frames import as_times, indexed
from telemetry_client.messages import get, listed
from telemetry_client.questions import Walk, body_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from telemetry_client.messages import Answer, Request
    from telemetry_client.times import Moment

DateType: TypeAlias = Literal["received", "created"]


def rfms_vehicles(*, limit: int | None = None) -> RfmsListing:
    """The vehicles one may read by rFMS, by VIN."""
    return RfmsListing(resource="vehicles", path=("vehicleResponse", "vehicles"), limit=limit)


def rfms_positions(
    *,
    start: Moment | None = None,
    stop: Moment | None = None,
    date_type: DateType | None = None,
    vin: str | None = None,
    latest_only: bool = False,
    triggers: str | Iterable[str] | None = None,
    limit: int | None = None,
) -> RfmsListing:
    """Positions by vehicle: a history from `start` on, or the latest of each.

    `attrs["requestServerDateTime"]` is the next walk's `start`.

    Args:
        start: from this time on; left out with `latest_only`.
        stop: up to, not including, this time.
        date_type: which time these mean; None: when it was received.
        vin: of this vehicle alone.
        latest_only: each vehicle's latest.
        triggers: reports of these triggers alone.
        limit: so many at most.
    """
    return RfmsListing(
        resource="vehiclepositions",
        path=("vehiclePositionResponse", "vehiclePositions"),
        params=_asked(start, stop, date_type, vin, latest_only, triggers),
        limit=limit,
    )


def rfms_statuses(
    *,
    start: Moment | None = None,
    stop: Moment | None = None,
    date_type: DateType | None = None,
    vin: str | None = None,
    latest_only: bool = False,
    triggers: str | Iterable[str] | None = None,
    content: str | Iterable[str] | None = None,
    limit: int | None = None,
) -> RfmsListing:
    """Status reports by vehicle: a history from `start` on, or the latest of each.

    Args:
        start: from this time on; left out with `latest_only`.
        stop: up to, not including, this time.
        date_type: which time these mean; None: when it was received.
        vin: of this vehicle alone.
        latest_only: each vehicle's latest.
        triggers: reports of these triggers alone.
        content: of ACCUMULATED, SNAPSHOT and UPTIME these blocks alone.
        limit: so many at most.
    """
    return RfmsListing(
        resource="vehiclestatuses",
        path=("vehicleStatusResponse", "vehicleStatuses"),
        params={
            **_asked(start, stop, date_type, vin, latest_only, triggers),
            "contentFilter": listed(content),
        },
        limit=limit,
    )


@dataclass(frozen=True, kw_only=True)
class RfmsListing(Walk):
    """A walk through one of the resources of rFMS."""

    resource: str
    path: tuple[str, ...]
    """Fields that lead to the rows."""
    params: Mapping[str, object] = field(default_factory=dict)
    limit: int | None = None

    def request(self, rows: int | None) -> Request:  # noqa: ARG002 - pages are the API's
        """Asks for the first page."""
        accept = f"application/json; rfms={self.resource}.v4.0"
        return get(f"/rfms/{self.resource}", self.params, accept)

    def frame(self, answer: Answer) -> pd.DataFrame:
        """The rows; what is an object becomes a column a field, what is a list stays one."""
        body = body_of(answer)
        rows: list[dict[str, Any]] = rows_of(body, *self.path)
        frame = pd.json_normalize(rows, sep="_") if rows else pd.DataFrame(columns=["vin"])
        for name in frame.columns:
            if str(name).endswith("DateTime"):
                frame[name] = as_times(frame[name])
        made = indexed(frame, "vin", {})
        made.attrs["requestServerDateTime"] = body.get("requestServerDateTime")
        return made

    def link(self, answer: Answer) -> str | None:
        """What leads to the page after it."""
        body = body_of(answer)
        return body.get("moreDataAvailableLink") if body.get("moreDataAvailable") else None


def _asked(
    start: Moment | None,
    stop: Moment | None,
    date_type: DateType | None,
    vin: str | None,
    latest_only: bool,
    triggers: str | Iterable[str] | None,
) -> dict[str, object]:
    return {
        "starttime": None if start is None else times.text(start, "start"),
        "stoptime": None if stop is None else times.text(stop, "stop"),
        "datetype": date_type,
        "vin": vin,
        "latestOnly": "true" if latest_only else None,
        "triggerFilter": listed(triggers),
    }
