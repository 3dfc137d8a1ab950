"""`/v1/signals`: signals of several vehicles, each series with no more points than asked for."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import tables
from api.accept import Accepted, Format, responses
from api.codes import Code
from api.coordinates import Placed, require_both
from api.parameters import EXAMPLE_VIN, Time, Zoned, require_order
from api.principal import Principal
from api.problems import invalid
from api.services import App
from api.signals import downsampling, resolution
from api.signals.curves import MAX_RAW_S, Curves, Drawn, batches, schema_of, unknown_vin
from api.signals.of_vehicle import JSON_OPTIONS, MAX_NAMES_LENGTH, resolve
from api.zones import UTC_NAME, texts, told_in
from schemas.catalogue import Kind
from schemas.vin import VinError, check_vin

MAX_VEHICLES = 20
MAX_SERIES = 50
MAX_POINTS = 5000
"""Of a series; a screen has fewer columns."""

MAX_VALUES = 100_000
"""Points of all series together: some 5 MB of JSON."""

router = APIRouter(tags=["signals"])


class Method(StrEnum):
    """How points were limited."""

    ROWS = "rows"
    STEPS = "steps"


class CurveOfVehicle(BaseModel):
    """One signal of one vehicle."""

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    name: str = Field(description="The signal's name.", examples=["wheel_speed"])
    path: str = Field(description="Its VSS path.", examples=["Vehicle.Speed"])
    unit: str = Field(description="Of all its numbers.", examples=["km/h"])
    kind: Kind = Field(description="How a step sums it up.", examples=["sample"])
    read: int = Field(
        description="Values that there were, of which the points were chosen.", examples=[86_400]
    )
    time: list[AwareDatetime] = Field(
        description="Times of the values, UTC, ascending; with steps, when each begins."
    )
    values: list[float] = Field(
        description="Values at these times, or of steps as in /v1/vehicles/{vin}/signals."
    )
    min: list[float] | None = Field(
        default=None, description="Lowest value in each step; only for samples and with steps."
    )
    max: list[float] | None = Field(
        default=None, description="Highest value in each step; only for samples and with steps."
    )


class SignalsOfVehicles(BaseModel):
    """Signals of several vehicles over one span."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "start": "2026-11-01T08:00:00Z",
                    "end": "2026-11-01T09:00:00Z",
                    "method": "steps",
                    "step_s": 600,
                    "points": 500,
                    "series": [
                        {
                            "vin": EXAMPLE_VIN,
                            "name": "wheel_speed",
                            "path": "Vehicle.Speed",
                            "unit": "km/h",
                            "kind": "sample",
                            "read": 2,
                            "time": ["2026-11-01T08:00:00Z", "2026-11-01T08:10:00Z"],
                            "values": [82.4, 80.9],
                            "min": [0.0, 71.5],
                            "max": [88.9, 87.0],
                        }
                    ],
                }
            ]
        }
    )

    start: AwareDatetime = Field(
        description="The span that is answered, UTC; with steps widened to whole ones.",
        examples=["2026-11-01T08:00:00Z"],
    )
    end: AwareDatetime = Field(
        description="Its end, not included.", examples=["2026-11-01T09:00:00Z"]
    )
    method: Method = Field(
        description="rows: points were chosen among all rows (MinMaxLTTB; states by where they "
        "change), so peaks are among them; steps: the span is too long for that, each point sums "
        "up a step, and peaks are in `min` and `max`.",
        examples=["rows"],
    )
    step_s: int | None = Field(description="The step [s]; null: rows.", examples=[600])
    points: int = Field(description="Points of a series at most.", examples=[500])
    series: list[CurveOfVehicle] = Field(
        description="By vehicle, then by signal, in the order they were asked for."
    )


class SignalsOfVehiclesQuery(Zoned, Placed):
    """What is asked of the signals."""

    vins: str = Field(
        min_length=1,
        max_length=18 * MAX_VEHICLES + 40,
        description=f"1 to {MAX_VEHICLES} vehicles by VIN, comma separated.",
        examples=[f"{EXAMPLE_VIN},LSGAA11112A000002"],
    )
    names: str = Field(
        min_length=1,
        max_length=MAX_NAMES_LENGTH,
        description="Signals by name or VSS path, comma separated; vehicles times signals may be "
        f"{MAX_SERIES} at most.",
        examples=["wheel_speed,fuel_rate"],
    )
    start: Time = Field(
        description="From this time on. RFC 3339 with its time zone; a + is written %2B.",
        examples=["2026-11-01T00:00:00Z"],
    )
    end: Time = Field(
        description="Up to, not including, this time.", examples=["2026-11-02T00:00:00Z"]
    )
    points: int = Field(
        default=500,
        ge=downsampling.FEWEST,
        le=MAX_POINTS,
        description=f"Points of a series at most; of all together {MAX_VALUES}.",
        examples=[500],
    )


@router.get(
    "/v1/signals",
    operation_id="get_signals_of_vehicles",
    summary="Signals of several vehicles, with limited points",
    response_model=SignalsOfVehicles,
    responses=responses(
        Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER, Code.UNKNOWN_SIGNAL, Code.SPAN_TOO_LONG
    ),
)
async def get_signals_of_vehicles(
    query: Annotated[SignalsOfVehiclesQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> Response:
    """Tell signals of up to 20 vehicles over a span, to be drawn: peaks survive.

    How finely is chosen by the span. As a table a row is one point of one series.
    """
    signals = resolve(services.catalogue, query.names)
    require_both(query.coordinates, signals)
    vins = _vins(query, len(signals))
    require_order(query.start, query.end)
    step_s = _step(query.end - query.start, len(vins), query.points)
    start, end, clock = query.start, query.end, UTC_NAME
    if step_s is not None:
        steps = resolution.Steps(step_s, query.time_zone, start, end)
        start, end = steps.aligned(start, end)
        resolution.require_span(start, end, step_s)
        clock = steps.clock
    curves = Curves(
        services,
        party,
        signals,
        Drawn(
            start=start,
            end=end,
            step_s=step_s,
            clock=clock,
            points=query.points,
            coordinates=query.coordinates,
        ),
    )
    if accepted is not Format.JSON:
        first = await curves.of_vehicle(vins[0])
        schema = schema_of(query.time_zone)
        return tables.streamed(
            accepted, schema, batches(schema, curves, first, vins[1:]), "signals"
        )
    series = [curve for vin in vins for curve in await curves.of_vehicle(vin)]
    body = orjson.dumps(
        {
            **told_in({"start": start, "end": end}, query.time_zone),
            "method": Method.ROWS if step_s is None else Method.STEPS,
            "step_s": step_s,
            "points": query.points,
            "series": [
                {**curve, "time": texts(curve["time"], query.time_zone)} for curve in series
            ],
        },
        option=JSON_OPTIONS,
    )
    return Response(body, media_type="application/json", headers={"Vary": "Accept"})


def _vins(query: SignalsOfVehiclesQuery, signals: int) -> list[str]:
    vins = list(dict.fromkeys(vin.strip() for vin in query.vins.split(",") if vin.strip()))
    if not 1 <= len(vins) <= MAX_VEHICLES or len(vins) * signals > MAX_SERIES:
        raise invalid(
            "vins",
            f"{len(vins)} vehicles with {signals} signals are {len(vins) * signals} series.",
            f"Ask for 1 to {MAX_VEHICLES} vehicles and {MAX_SERIES} series at a time.",
        )
    most = MAX_VALUES // (len(vins) * signals)
    if query.points > most:
        raise invalid(
            "points",
            f"{query.points} points of {len(vins) * signals} series are more than {MAX_VALUES}.",
            f"Use points={most} or less, or ask for fewer series.",
        )
    for vin in vins:
        try:
            check_vin(vin)
        except VinError as error:
            raise unknown_vin(vin) from error
    return vins


def _step(span: timedelta, vehicles: int, points: int) -> int | None:
    """The step in which a span is read [s]; None: it is short enough to be read row by row."""
    span_s = span.total_seconds()
    if span_s * vehicles <= MAX_RAW_S:
        return None
    # One step more than fits: the span is widened at both ends.
    return next(
        (step for step in resolution.STEPS if span_s / step + 2 <= points), resolution.DAY_S
    )
