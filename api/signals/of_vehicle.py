"""`/v1/vehicles/{vin}/signals`: signals over time, raw or summed up by a step, in columns."""

import difflib
from datetime import datetime, timedelta
from typing import Annotated, Any

import numpy as np
import orjson
from fastapi import APIRouter, Query, Response
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import cursors, tables
from api.accept import Accepted, Format, responses
from api.codes import Code
from api.coordinates import Placed, require_both, rows_in
from api.parameters import (
    EXAMPLE_VIN,
    Span,
    Vin,
    link,
    microseconds,
    require_order,
    time_after,
)
from api.principal import Principal
from api.problems import Fault, refused
from api.services import App
from api.signals import resolution, signal_tables
from api.zones import UTC_NAME, texts, told_in
from schemas.catalogue import Catalogue, CatalogueError, Kind, Signal
from storage.answers import SignalRows

MAX_SIGNALS = 20
MAX_POINTS = 20_000
"""Times a page: of 20 signals with extremes that is 1.2 million numbers, some 10 MB."""

MAX_NAMES_LENGTH = 4000
"""Characters; 20 of the longest paths have half of that."""

JSON_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z

router = APIRouter(tags=["signals"])


class Series(BaseModel):
    """One signal's values, one for each of `time`."""

    name: str = Field(description="The signal's name.", examples=["wheel_speed"])
    path: str = Field(description="Its VSS path.", examples=["Vehicle.Speed"])
    unit: str = Field(description="Of all its numbers.", examples=["km/h"])
    kind: Kind = Field(description="How a step sums it up.", examples=["sample"])
    values: list[float | None] = Field(
        description="Raw values (switches: 0 and 1), or with a step: a sample's mean, the share of "
        "rows in which a switch was on, another state's last value, a counter's highest. Null is "
        "absent."
    )
    min: list[float | None] | None = Field(
        default=None, description="Lowest value in each step; only for samples and with a step."
    )
    max: list[float | None] | None = Field(
        default=None, description="Highest value in each step; only for samples and with a step."
    )


class Signals(BaseModel):
    """Signals of a vehicle over time, in columns."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "start": "2026-11-01T08:00:00Z",
                    "end": "2026-11-01T08:02:00Z",
                    "step_s": 60,
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
                    "time": ["2026-11-01T08:00:00Z", "2026-11-01T08:01:00Z"],
                    "next": f"/v1/vehicles/{EXAMPLE_VIN}/signals?start=2026-11-01T08%3A00%3A00Z"
                    "&end=2026-11-01T08%3A02%3A00Z&names=wheel_speed&step=60&limit=2"
                    "&cursor=dDE3OTM1MjAwNjAwMDAwMDA",
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    start: AwareDatetime = Field(
        description="The span that is answered, UTC; with a step widened to whole steps.",
        examples=["2026-11-01T08:00:00Z"],
    )
    end: AwareDatetime = Field(
        description="Its end, not included.", examples=["2026-11-01T08:02:00Z"]
    )
    step_s: int | None = Field(description="The step [s]; null: every row.", examples=[60])
    signals: list[Series] = Field(description="In the order they were asked for.")
    time: list[AwareDatetime] = Field(
        description="Times of the values, UTC, ascending; with a step, when each begins. Times "
        "without any value are left out."
    )
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class SignalsQuery(Span, Placed):
    """What is asked of the signals."""

    names: str = Field(
        min_length=1,
        max_length=MAX_NAMES_LENGTH,
        description=f"1 to {MAX_SIGNALS} signals by name or VSS path, comma separated; "
        "/v1/catalogue lists them.",
        examples=["wheel_speed,Vehicle.Powertrain.CombustionEngine.Speed"],
    )
    step: int | None = Field(
        default=None,
        ge=1,
        le=resolution.DAY_S,
        description="Sum up by so many seconds, a divisor of a day (1, 2, 5, 10, 15, 30, 60, ...); "
        "left out: every row, for "
        f"{resolution.MAX_RAW_SPAN.days} days at most.",
        examples=[60],
    )
    limit: int = Field(
        default=2000, ge=1, le=MAX_POINTS, description="Times a page.", examples=[2000]
    )


@router.get(
    "/v1/vehicles/{vin}/signals",
    operation_id="get_signals",
    summary="Signals over time",
    response_model=Signals,
    responses=responses(
        Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER, Code.UNKNOWN_SIGNAL, Code.SPAN_TOO_LONG
    ),
)
async def get_signals(
    vin: Vin,
    query: Annotated[SignalsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> Response:
    """Tell up to 20 signals of a vehicle over a span: every row, or summed up by a step.

    Values of different signals at one time stand at the same place of their columns.
    """
    signals = resolve(services.catalogue, query.names)
    require_both(query.coordinates, signals)
    require_order(query.start, query.end)
    start, end = query.start, query.end
    steps = None
    if query.step is not None:
        resolution.require_step(query.step)
        steps = resolution.Steps(query.step, query.time_zone, start, end)
        start, end = steps.aligned(start, end)
    resolution.require_span(start, end, query.step)

    async def read(past: datetime | None, limit: int) -> SignalRows:
        begin, again = start, 0
        if past is not None and steps is None:
            begin = past + timedelta(microseconds=1)
        elif past is not None and steps is not None:
            begin, again = steps.after(past), steps.again(past)
        names = [signal.name for signal in signals]
        rows = await services.vehicles.signals(
            party,
            vin,
            names,
            start=min(begin, end),
            stop=end,
            step_s=query.step,
            limit=limit + again,
            zone=UTC_NAME if steps is None else steps.clock,
        )
        if past is not None and again:
            rows = rows.later_than(microseconds(past), limit)
        return rows_in(query.coordinates, signals, rows)

    past = None if query.cursor is None else time_after(query.cursor, start, end)
    one_page = accepted is Format.JSON or "limit" in query.model_fields_set
    rows = await read(past, query.limit + 1 if one_page else MAX_POINTS)
    count = min(len(rows.times_us), query.limit)
    next_page = None
    if one_page and len(rows.times_us) > query.limit:
        cursor = cursors.after_time(int(rows.times_us[count - 1]))
        next_page = link(f"/v1/vehicles/{vin}/signals", query, cursor)
    if accepted is not Format.JSON:
        schema = signal_tables.schema_of(
            signals, stepped=query.step is not None, zone=query.time_zone
        )
        return tables.streamed(
            accepted,
            schema,
            signal_tables.batches(signals, rows, query.limit if one_page else None, read, schema),
            "signals",
            following=next_page,
        )
    # Numbers go from the database's bytes to the answer's without becoming Python objects.
    body = orjson.dumps(
        {
            "vin": vin,
            **told_in({"start": start, "end": end}, query.time_zone),
            "step_s": query.step,
            "signals": [
                series_of(signal, place, rows, count) for place, signal in enumerate(signals)
            ],
            "time": texts(rows.times_us[:count], query.time_zone),
            "next": next_page,
        },
        option=JSON_OPTIONS,
    )
    return Response(body, media_type="application/json", headers={"Vary": "Accept"})


def resolve(catalogue: Catalogue, names: str) -> list[Signal]:
    """The signals of a comma separated list of names and paths; one named twice is there once.

    Raises:
        ProblemError: 422, one is unknown, or there are none or too many.
    """
    asked = [name.strip() for name in names.split(",") if name.strip()]
    if not 1 <= len(asked) <= MAX_SIGNALS:
        reason = f"{len(asked)} signals are named; 1 to {MAX_SIGNALS} are answered at a time."
        raise refused(
            [Fault(field="names", reason=reason, way_out="Ask several times, for some each time.")]
        )
    found: dict[str, Signal] = {}
    faults: list[Fault] = []
    for name in asked:
        try:
            signal = catalogue.resolve(name)
        except CatalogueError:
            faults.append(_unknown(catalogue, name))
        else:
            found[signal.name] = signal
    if faults:
        raise refused(faults, code=Code.UNKNOWN_SIGNAL)
    return list(found.values())


def _unknown(catalogue: Catalogue, name: str) -> Fault:
    close = difflib.get_close_matches(name, [*catalogue.by_name, *catalogue.by_path], n=3)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    return Fault(
        field="names",
        reason=f"No signal is called {name[:100]!r}.",
        way_out=f"{hint}/v1/catalogue lists them all.",
    )


def series_of(signal: Signal, place: int, rows: SignalRows, count: int) -> dict[str, object]:
    """The first `count` values of one signal, as they are told."""

    def column(matrix: NDArray[np.float64]) -> NDArray[Any]:
        # What was stored as float32 is written with the digits a float32 has; NaN becomes null.
        precision = np.float64 if signal.wide else np.float32
        return np.ascontiguousarray(matrix[:count, place], dtype=precision)

    series: dict[str, object] = {
        "name": signal.name,
        "path": signal.path,
        "unit": signal.unit,
        "kind": signal.kind,
        "values": column(rows.values),
    }
    if signal_tables.has_extremes(signal) and rows.minima is not None and rows.maxima is not None:
        series |= {"min": column(rows.minima), "max": column(rows.maxima)}
    return series
