"""`/v1/datasets/{dataset_id}/signals`: signals of many vehicles in steps, one after the other."""

from collections.abc import AsyncIterator
from typing import Annotated

import orjson
import pyarrow as pa
from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import cursors, tables
from api.accept import Accepted, Format, responses
from api.codes import Code
from api.datasets.endpoints import ONE, PATH, of_it
from api.datasets.models import EXAMPLE_VEHICLE
from api.datasets.rows import DatasetRows
from api.parameters import (
    DatasetId,
    Paged,
    Time,
    link,
    microseconds,
    require_order,
)
from api.principal import Principal
from api.problems import invalid, not_in_dataset
from api.services import App, Services
from api.signals import resolution
from api.signals.of_vehicle import JSON_OPTIONS, MAX_NAMES_LENGTH, Series, resolve, series_of
from api.zones import UTC_NAME, as_times
from storage.served_datasets import Dataset

MAX_POINTS = 20_000
"""Times a page."""

MAX_NAMED = 50
MAX_VEHICLES = 100_000

router = APIRouter(tags=["datasets"])


class SignalsOfVehicle(BaseModel):
    """Signals of one vehicle, in columns."""

    vehicle: str = Field(description="Its pseudonym.", examples=[EXAMPLE_VEHICLE])
    time: list[AwareDatetime] = Field(
        description="When each step begins, UTC, ascending; steps without any value are left out."
    )
    signals: list[Series] = Field(description="In the order they were asked for.")


class SignalsOfDataset(BaseModel):
    """A page of signals by vehicle and time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dataset_id": 12,
                    "start": "2026-09-01T00:00:00Z",
                    "end": "2026-09-02T00:00:00Z",
                    "step_s": 60,
                    "vehicles": [
                        {
                            "vehicle": EXAMPLE_VEHICLE,
                            "time": ["2026-09-01T08:00:00Z", "2026-09-01T08:01:00Z"],
                            "signals": [
                                {
                                    "name": "wheel_speed",
                                    "path": "Vehicle.Speed",
                                    "unit": "km/h",
                                    "kind": "sample",
                                    "values": [82.4, None],
                                    "min": [80.1, None],
                                    "max": [84.0, None],
                                }
                            ],
                        }
                    ],
                    "next": "/v1/datasets/12/signals?names=wheel_speed&limit=2&cursor="
                    "cTVmMWQwYzlhYjJlMzRjN2Y4ZDZlNWE0YjNjMmQxZTBmLDE3ODgyMjEwMDAwMDAwMDAuMQ",
                }
            ]
        }
    )

    dataset_id: int = Field(description="The dataset.", examples=[12])
    start: AwareDatetime = Field(
        description="The span that is answered, UTC, in whole steps.",
        examples=["2026-09-01T00:00:00Z"],
    )
    end: AwareDatetime = Field(
        description="Its end, not included.", examples=["2026-09-02T00:00:00Z"]
    )
    step_s: int = Field(description="The step [s].", examples=[60])
    vehicles: list[SignalsOfVehicle] = Field(description="By pseudonym.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class DatasetSignalsQuery(Paged):
    """What is asked of the signals."""

    names: str = Field(
        min_length=1,
        max_length=MAX_NAMES_LENGTH,
        description="1 to 20 signals of the dataset by name or VSS path, comma separated.",
        examples=["wheel_speed,latitude,longitude"],
    )
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
    step: int | None = Field(
        default=None,
        ge=1,
        le=resolution.DAY_S,
        description="Sum up by so many seconds: a multiple of the dataset's resolution that "
        "divides a day; left out: that resolution.",
        examples=[60],
    )
    vehicles: str | None = Field(
        default=None,
        max_length=33 * MAX_NAMED + 40,
        description=f"Up to {MAX_NAMED} vehicles by pseudonym, comma separated; left out: all.",
        examples=[EXAMPLE_VEHICLE],
    )
    limit: int = Field(
        default=2000, ge=1, le=MAX_POINTS, description="Times a page.", examples=[2000]
    )


@router.get(
    f"{ONE}/signals",
    operation_id="get_dataset_signals",
    summary="Signals of a dataset",
    response_model=SignalsOfDataset,
    responses=responses(
        Code.UNKNOWN_DATASET,
        Code.NOT_IN_DATASET,
        Code.WITHHELD,
        Code.INVALID_PARAMETER,
        Code.UNKNOWN_SIGNAL,
        Code.SPAN_TOO_LONG,
    ),
)
async def get_dataset_signals(
    dataset_id: DatasetId,
    query: Annotated[DatasetSignalsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> Response:
    """Tell signals of a dataset's vehicles, summed up by steps: by vehicle, then by time.

    As a table all vehicles are one answer, streamed, of 10 million steps at most: ask day by day.
    Positions are middles of cells; counters are shifted, so that only differences mean something.
    """
    found = await of_it(services, party, dataset_id)
    rows = await _asked(services, party, found, query)
    at = (rows.vehicles[0], rows.start) if rows.vehicles else None
    if query.cursor is not None:
        at = rows.place(query.cursor)
    if accepted is not Format.JSON and "limit" not in query.model_fields_set:
        rows.require_bounds()
        batches = rows.batches(at)
        first = await anext(batches, None)
        return tables.streamed(accepted, rows.schema, _chained(first, batches), "signals")
    pieces, following = await rows.page(at, query.limit)
    next_page = None
    if following is not None:
        vehicle, time = following
        cursor = cursors.after_rows_of_vehicle(vehicle, microseconds(time), 0)
        next_page = link(f"{PATH}/{dataset_id}/signals", query, cursor)
    if accepted is not Format.JSON:
        batch = rows.batch(pieces)
        return tables.streamed(
            accepted, rows.schema, _chained(batch, None), "signals", following=next_page
        )
    body = orjson.dumps(
        {
            "dataset_id": dataset_id,
            "start": rows.start,
            "end": rows.end,
            "step_s": rows.step_s,
            "vehicles": [
                {
                    "vehicle": vehicle,
                    "time": as_times(piece.times_us),
                    "signals": [
                        series_of(signal, place, piece, len(piece.times_us))
                        for place, signal in enumerate(rows.signals)
                    ],
                }
                for vehicle, piece in pieces
            ],
            "next": next_page,
        },
        option=JSON_OPTIONS,
    )
    return Response(body, media_type="application/json", headers={"Vary": "Accept"})


async def _chained(
    first: pa.RecordBatch | None, others: AsyncIterator[pa.RecordBatch] | None
) -> AsyncIterator[pa.RecordBatch]:
    if first is not None:
        yield first
    if others is not None:
        async for batch in others:
            yield batch


async def _asked(
    services: Services, party: int, found: Dataset, query: DatasetSignalsQuery
) -> DatasetRows:
    """What is asked for, once it is clear that the dataset holds it."""
    signals = resolve(services.catalogue, query.names)
    for signal in signals:
        if signal.name not in found.signals:
            raise invalid(
                "names",
                f"{signal.name} is not in this dataset.",
                f"{PATH}/{found.dataset_id} lists its signals.",
                code=Code.UNKNOWN_SIGNAL,
            )
    step_s = found.resolution_s if query.step is None else query.step
    resolution.require_step(step_s)
    if step_s % found.resolution_s:
        fitting = [str(step) for step in resolution.STEPS if step % found.resolution_s == 0]
        raise invalid(
            "step",
            f"This dataset is told in steps of {found.resolution_s} s or multiples of them.",
            f"Use one of {', '.join(fitting[:12])}, or leave step out.",
        )
    start, end = query.start or found.data_from, query.end or found.data_until
    require_order(start, end)
    start = max(start, found.data_from)
    end = max(min(end, found.data_until), found.data_from)
    start, end = resolution.Steps(step_s, UTC_NAME, start, end).aligned(start, end)
    resolution.require_span(start, end, step_s)
    if query.vehicles is None:
        vehicles = await services.datasets.pseudonyms(
            party, found.dataset_id, from_vehicle="", limit=MAX_VEHICLES
        )
    else:
        vehicles = sorted({name.strip() for name in query.vehicles.split(",") if name.strip()})
        for vehicle in vehicles[:MAX_NAMED]:
            # Says at once that one is not there, not in the middle of an answer.
            known = await services.datasets.pseudonyms(
                party, found.dataset_id, from_vehicle=vehicle, limit=1
            )
            if known != [vehicle]:
                raise not_in_dataset(
                    f"A vehicle {vehicle[:40]!r} is",
                    f"{PATH}/{found.dataset_id}/vehicles lists its.",
                )
        if not 1 <= len(vehicles) <= MAX_NAMED:
            raise invalid(
                "vehicles",
                f"{len(vehicles)} vehicles are named.",
                f"Name 1 to {MAX_NAMED}, or leave vehicles out for all.",
            )
    return DatasetRows(services, party, found.dataset_id, signals, vehicles, start, end, step_s)
