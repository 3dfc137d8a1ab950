"""`/v1/datasets/{dataset_id}/trips` and `…/events`: how its vehicles were driven, coarsely."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import cursors, tables
from api.accept import Accepted, responses
from api.codes import Code
from api.datasets.endpoints import ONE, PATH, of_it
from api.datasets.models import EXAMPLE_VEHICLE
from api.driving.events import KINDS, Severity, kinds_named
from api.driving.trips import TripKind
from api.parameters import (
    DatasetId,
    Paged,
    Time,
    from_microseconds,
    link,
    microseconds,
    require_order,
    time_within,
)
from api.principal import Principal
from api.problems import not_in_dataset
from api.services import App
from storage.served_datasets import CoarseEvent, CoarseTrip, Dataset, WantedRows

MAX_ROWS = 5000

router = APIRouter(tags=["datasets"])

_VEHICLE = Field(description="The vehicle's pseudonym.", examples=[EXAMPLE_VEHICLE])
_LATITUDE = "Middle of its cell of the grid, WGS 84 [degrees north]."
_LONGITUDE = "Middle of its cell of the grid, WGS 84 [degrees east]."


class TripOfDataset(BaseModel):
    """A trip, coarsely; null is what is not known."""

    vehicle: str = _VEHICLE
    start: AwareDatetime = Field(
        description="Beginning of the step in which it began, UTC.",
        examples=["2026-09-01T00:10:00Z"],
    )
    end: AwareDatetime = Field(
        description="Beginning of the step in which it ended, UTC.",
        examples=["2026-09-01T03:40:00Z"],
    )
    kind: TripKind = Field(description="drive, idle, tow or ferry.", examples=["drive"])
    distance_km: float | None = Field(description="To 0.1 km.", examples=[248.6])
    duration_s: float = Field(description="To a minute [s].", examples=[12600.0])
    driving_s: float | None = Field(description="In motion, to a minute [s].", examples=[11520.0])
    idle_s: float = Field(description="Engine on, standing, to a minute [s].", examples=[840.0])
    stop_count: int | None = Field(description="Stands between two moves.", examples=[12])
    fuel_l: float | None = Field(description="Fuel used, to 0.1 L.", examples=[71.9])
    idle_fuel_l: float | None = Field(description="Of this while idling, to 0.1 L.", examples=[0.5])
    max_speed_kmh: float | None = Field(description="To 1 km/h.", examples=[88.0])
    start_latitude: float | None = Field(description=_LATITUDE, examples=[31.235])
    start_longitude: float | None = Field(description=_LONGITUDE, examples=[121.475])
    end_latitude: float | None = Field(description=_LATITUDE, examples=[32.065])
    end_longitude: float | None = Field(description=_LONGITUDE, examples=[118.795])


class EventOfDataset(BaseModel):
    """A driving event, coarsely; null is what is not known."""

    vehicle: str = _VEHICLE
    kind: str = Field(
        description="What it is, as in /v1/vehicles/{vin}/events; fatigue is none of them.",
        examples=["harsh_braking"],
    )
    severity: Severity = Field(description="low, medium or high.", examples=["medium"])
    start: AwareDatetime = Field(
        description="Beginning of the step in which it began, UTC.",
        examples=["2026-09-01T02:13:00Z"],
    )
    trip_start: AwareDatetime | None = Field(
        description="`start` of its trip.", examples=["2026-09-01T00:10:00Z"]
    )
    duration_s: float = Field(description="To a second [s].", examples=[3.0])
    unit: str = Field(description="Of peak and limit.", examples=["m/s²"])
    peak: float | None = Field(description="How far it went.", examples=[4.1])
    limit: float | None = Field(description="The threshold that was crossed.", examples=[3.0])
    speed_kmh: float | None = Field(description="At the start, to 1 km/h.", examples=[63.0])
    distance_km: float | None = Field(description="Meanwhile, to 0.01 km.", examples=[0.04])
    fuel_l: float | None = Field(description="Meanwhile, to 0.01 L.", examples=[0.0])
    latitude: float | None = Field(description=_LATITUDE, examples=[31.405])
    longitude: float | None = Field(description=_LONGITUDE, examples=[120.905])


class TripsOfDataset(BaseModel):
    """A page of a dataset's trips by vehicle and start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dataset_id": 12,
                    "trips": [
                        {
                            "vehicle": EXAMPLE_VEHICLE,
                            "start": "2026-09-01T00:10:00Z",
                            "end": "2026-09-01T03:40:00Z",
                            "kind": "drive",
                            "distance_km": 248.6,
                            "duration_s": 12600.0,
                            "driving_s": 11520.0,
                            "idle_s": 840.0,
                            "stop_count": 12,
                            "fuel_l": 71.9,
                            "idle_fuel_l": 0.5,
                            "max_speed_kmh": 88.0,
                            "start_latitude": 31.235,
                            "start_longitude": 121.475,
                            "end_latitude": 32.065,
                            "end_longitude": 118.795,
                        }
                    ],
                    "next": "/v1/datasets/12/trips?limit=1&cursor="
                    "cTVmMWQwYzlhYjJlMzRjN2Y4ZDZlNWE0YjNjMmQxZTBmLDE3ODgyMjEwMDAwMDAwMDAuMQ",
                }
            ]
        }
    )

    dataset_id: int = Field(description="The dataset.", examples=[12])
    trips: list[TripOfDataset] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class EventsOfDataset(BaseModel):
    """A page of a dataset's driving events by vehicle and start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dataset_id": 12,
                    "events": [
                        {
                            "vehicle": EXAMPLE_VEHICLE,
                            "kind": "harsh_braking",
                            "severity": "medium",
                            "start": "2026-09-01T02:13:00Z",
                            "trip_start": "2026-09-01T00:10:00Z",
                            "duration_s": 3.0,
                            "unit": "m/s²",
                            "peak": 4.1,
                            "limit": 3.0,
                            "speed_kmh": 63.0,
                            "distance_km": 0.04,
                            "fuel_l": 0.0,
                            "latitude": 31.405,
                            "longitude": 120.905,
                        }
                    ],
                    "next": "/v1/datasets/12/events?limit=1&cursor="
                    "cTVmMWQwYzlhYjJlMzRjN2Y4ZDZlNWE0YjNjMmQxZTBmLDE3ODgyMjgzODAwMDAwMDAuMQ",
                }
            ]
        }
    )

    dataset_id: int = Field(description="The dataset.", examples=[12])
    events: list[EventOfDataset] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class DatasetTripsQuery(Paged):
    """What is asked of the listing: what starts from `start` on and before `end`."""

    start: Time | None = Field(
        default=None,
        description="From this time on; left out: where the data begin.",
        examples=["2026-09-01T00:00:00Z"],
    )
    end: Time | None = Field(
        default=None,
        description="Up to, not including, this time; left out: where the data end.",
        examples=["2026-09-02T00:00:00Z"],
    )
    limit: int = Field(default=1000, ge=1, le=MAX_ROWS, description="Rows a page.", examples=[1000])


class DatasetEventsQuery(DatasetTripsQuery):
    """What is asked of the listing of events."""

    kind: str | None = Field(
        default=None,
        max_length=1000,
        description="Only of these kinds, comma separated.",
        examples=["harsh_braking,idling"],
    )


@router.get(
    f"{ONE}/trips",
    operation_id="list_dataset_trips",
    summary="Trips of a dataset",
    response_model=TripsOfDataset,
    responses=responses(
        Code.UNKNOWN_DATASET, Code.NOT_IN_DATASET, Code.WITHHELD, Code.INVALID_PARAMETER
    ),
)
async def list_dataset_trips(
    dataset_id: DatasetId,
    query: Annotated[DatasetTripsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> TripsOfDataset | Response:
    """List the trips of a dataset's vehicles, by vehicle and start; nobody is told who drove."""
    found = await of_it(services, party, dataset_id)
    if not found.with_trips:
        raise not_in_dataset("Trips are", f"{PATH}/{dataset_id} says what is.")

    async def page(asked: DatasetTripsQuery) -> TripsOfDataset:
        place = _place(found, asked)
        rows = await services.datasets.trips(party, dataset_id, place)
        return TripsOfDataset(
            dataset_id=dataset_id,
            trips=[_trip(row) for row in rows[: asked.limit]],
            next=_next(f"{PATH}/{dataset_id}/trips", asked, place, rows),
        )

    return await tables.answer(accepted, query, page, rows="trips", of=TripOfDataset)


@router.get(
    f"{ONE}/events",
    operation_id="list_dataset_events",
    summary="Driving events of a dataset",
    response_model=EventsOfDataset,
    responses=responses(
        Code.UNKNOWN_DATASET, Code.NOT_IN_DATASET, Code.WITHHELD, Code.INVALID_PARAMETER
    ),
)
async def list_dataset_events(
    dataset_id: DatasetId,
    query: Annotated[DatasetEventsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> EventsOfDataset | Response:
    """List the driving events of a dataset's vehicles, by vehicle and start."""
    found = await of_it(services, party, dataset_id)
    if not found.with_events:
        raise not_in_dataset("Driving events are", f"{PATH}/{dataset_id} says what is.")
    kinds = kinds_named(query.kind)

    async def page(asked: DatasetEventsQuery) -> EventsOfDataset:
        place = _place(found, asked)
        rows = await services.datasets.events(party, dataset_id, place, kinds=kinds)
        return EventsOfDataset(
            dataset_id=dataset_id,
            events=[_event(row) for row in rows[: asked.limit]],
            next=_next(f"{PATH}/{dataset_id}/events", asked, place, rows),
        )

    return await tables.answer(accepted, query, page, rows="events", of=EventOfDataset)


class _Row(Protocol):
    @property
    def vehicle(self) -> str: ...

    @property
    def start_time(self) -> datetime: ...


def _place(found: Dataset, query: DatasetTripsQuery) -> WantedRows:
    start, stop = query.start or found.data_from, query.end or found.data_until
    require_order(start, stop)
    if query.cursor is None:
        return WantedRows(start=start, stop=stop, limit=query.limit + 1)
    vehicle, time_us, skipped = cursors.read_rows_of_vehicle(query.cursor)
    # A step may have begun before the span.
    from_start = time_within(time_us, min(start, from_microseconds(time_us)), stop)
    return WantedRows(
        start=start,
        stop=stop,
        limit=query.limit + 1,
        from_vehicle=vehicle,
        from_start=from_start,
        skipped=skipped,
    )


def _next(
    path: str, query: DatasetTripsQuery, place: WantedRows, rows: Sequence[_Row]
) -> str | None:
    if len(rows) <= query.limit:
        return None
    last = rows[query.limit - 1]
    at = (last.vehicle, last.start_time)
    passed = sum((row.vehicle, row.start_time) == at for row in rows[: query.limit])
    if at == (place.from_vehicle, place.from_start):
        # The page before ended in the same moment, and this one has not left it.
        passed += place.skipped
    cursor = cursors.after_rows_of_vehicle(last.vehicle, microseconds(last.start_time), passed)
    return link(path, query, cursor)


def _trip(row: CoarseTrip) -> TripOfDataset:
    return TripOfDataset(
        vehicle=row.vehicle,
        start=row.start_time,
        end=row.end_time,
        kind=TripKind(row.kind),
        distance_km=row.distance_km,
        duration_s=row.duration_s,
        driving_s=row.driving_s,
        idle_s=row.idle_s,
        stop_count=row.stop_count,
        fuel_l=row.fuel_l,
        idle_fuel_l=row.idle_fuel_l,
        max_speed_kmh=row.max_speed_kmh,
        start_latitude=row.start_latitude,
        start_longitude=row.start_longitude,
        end_latitude=row.end_latitude,
        end_longitude=row.end_longitude,
    )


def _event(row: CoarseEvent) -> EventOfDataset:
    return EventOfDataset(
        vehicle=row.vehicle,
        kind=row.kind,
        severity=tuple(Severity)[row.severity - 1],
        start=row.start_time,
        trip_start=row.trip_start,
        duration_s=row.duration_s,
        unit=KINDS[row.kind].unit,
        peak=row.peak,
        limit=row.limit_value,
        speed_kmh=row.speed_km_h,
        distance_km=row.distance_km,
        fuel_l=row.fuel_l,
        latitude=row.latitude,
        longitude=row.longitude,
    )
