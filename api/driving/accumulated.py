"""`/v1/vehicles/{vin}/accumulated`: counters since a vehicle was registered, as in rFMS 4.0."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from analytics.accumulated import LAYOUT_VERSION, accumulated_data
from api import tables
from api.accept import Accepted, Format, responses
from api.codes import Code
from api.parameters import EXAMPLE_VIN, Vin, no_parameters
from api.principal import Principal
from api.problems import not_ready
from api.services import App, Services
from api.signals.columns import batch_of, columns_of, schema_of

router = APIRouter(tags=["behaviour"])


class _Rfms(BaseModel):
    """Fields have the names of rFMS; what is not known is left out."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class CounterClass(_Rfms):
    """What was counted in one class: from (included) to (not included), open where left out."""

    start: float | None = Field(
        default=None, alias="from", description="In the field's unit.", examples=[80.0]
    )
    to: float | None = Field(default=None, description="In the field's unit.", examples=[84.0])
    label: str | None = Field(
        default=None, description="Of a class that is no range.", examples=["12"]
    )
    seconds: int | None = Field(default=None, description="[s]", examples=[360_120])
    meters: int | None = Field(default=None, description="[m]", examples=[8_201_733])
    milli_litres: int | None = Field(default=None, description="[ml]", examples=[2_401_200])


def _counter(description: str) -> Any:
    return Field(default=None, description=description, examples=[360_120])


def _classes(description: str) -> Any:
    return Field(default=None, description=description)


class AccumulatedData(_Rfms):
    """AccumulatedDataObject of rFMS 4.0; what the vehicle's signals never told is left out."""

    duration_wheelbased_speed_over_zero: int | None = _counter("In motion [s].")
    distance_cruise_control_active: int | None = _counter("With cruise control [m].")
    duration_cruise_control_active: int | None = _counter("With cruise control [s].")
    fuel_consumption_during_cruise_active: int | None = _counter("With cruise control [ml].")
    duration_wheelbased_speed_zero: int | None = _counter("Standing, engine on [s].")
    fuel_wheelbased_speed_zero: int | None = _counter("Standing, engine on [ml].")
    fuel_wheelbased_speed_over_zero: int | None = _counter("In motion [ml].")
    pto_active_class: list[CounterClass] | None = _classes("With a power take-off.")
    brake_pedal_counter_speed_over_zero: int | None = _counter("Times the brake was pressed.")
    distance_brake_pedal_active_speed_over_zero: int | None = _counter("Braked distance [m].")
    acceleration_pedal_position_class: list[CounterClass] | None = _classes("Accelerator [%].")
    brake_pedal_position_class: list[CounterClass] | None = _classes("Brake pedal [%].")
    acceleration_class: list[CounterClass] | None = _classes("Acceleration [m/s²].")
    high_acceleration_class: list[CounterClass] | None = _classes("High acceleration [m/s²].")
    retarder_torque_class: list[CounterClass] | None = _classes("Retarder torque [%].")
    driving_without_torque_class: list[CounterClass] | None = _classes("Rolling, no torque.")
    engine_torque_class: list[CounterClass] | None = _classes("Engine torque [%].")
    engine_torque_at_current_speed_class: list[CounterClass] | None = _classes(
        "Engine torque, of the most there is at that speed [%]."
    )
    vehicle_speed_class: list[CounterClass] | None = _classes("Speed [km/h].")
    engine_speed_class: list[CounterClass] | None = _classes("Engine speed [rpm].")
    acceleration_during_brake_class: list[CounterClass] | None = _classes(
        "Acceleration while braking [m/s²]."
    )
    selected_gear_class: list[CounterClass] | None = _classes(
        "Selected gear: 0 neutral, -1 reverse."
    )
    current_gear_class: list[CounterClass] | None = _classes("Current gear: 0 neutral, -1 reverse.")


class CounterRow(BaseModel):
    """A counter, or one class of one, as a row of a table."""

    counter: str = Field(description="Its rFMS name.")
    value: int | None = Field(default=None, description="In the counter's unit.")
    class_from: float | None = Field(default=None, description="Of a class, included.")
    class_to: float | None = Field(default=None, description="Not included.")
    class_label: str | None = Field(default=None, description="Of a class that is no range.")
    seconds: int | None = Field(default=None, description="[s]")
    meters: int | None = Field(default=None, description="[m]")
    milli_litres: int | None = Field(default=None, description="[ml]")


class Accumulated(BaseModel):
    """A vehicle's counters; a counter once told never falls."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "newest_day": "2026-11-01",
                    "updated_at": "2026-11-01T08:05:00Z",
                    "corrections": 0,
                    "corrected": 0.0,
                    "accumulated_data": {
                        "durationWheelbasedSpeedOverZero": 360_120,
                        "vehicleSpeedClass": [
                            {
                                "from": 80.0,
                                "to": 84.0,
                                "seconds": 201_440,
                                "meters": 4_588_355,
                                "milliLitres": 1_330_620,
                            }
                        ],
                    },
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    newest_day: date | None = Field(
        default=None,
        description="The newest day (UTC) in the counters; left out where there are none that you "
        "may see.",
        examples=["2026-11-01"],
    )
    updated_at: AwareDatetime | None = Field(
        default=None, description="When they changed last, UTC.", examples=["2026-11-01T08:05:00Z"]
    )
    corrections: int = Field(
        default=0,
        description="How often what was learnt later put a counter below what had been told.",
        examples=[0],
    )
    corrected: float = Field(
        default=0.0,
        description="By how much the counters, added up, are ahead of what is known now: they "
        "stand still until it has caught up.",
        examples=[0.0],
    )
    accumulated_data: AccumulatedData = Field(
        default_factory=AccumulatedData,
        description="The counters, under their rFMS names; empty where there are none.",
    )


@router.get(
    "/v1/vehicles/{vin}/accumulated",
    operation_id="get_accumulated",
    summary="Counters of a vehicle since it was registered",
    response_model=Accumulated,
    responses=responses(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
    response_model_exclude_none=True,
    dependencies=[Depends(no_parameters)],
)
async def get_accumulated(
    vin: Vin, services: App, party: Principal, accepted: Accepted
) -> Accumulated | Response:
    """Give the counters of rFMS 4.0 accumulatedData, up to the newest day that was worked up.

    As a table a row is one counter, or one class of one.
    """
    found = await _counters(services, party, vin)
    if accepted is Format.JSON:
        return found
    columns = columns_of(CounterRow)
    schema = schema_of(columns, {"vin": vin})

    async def batches() -> AsyncIterator[pa.RecordBatch]:
        yield batch_of(schema, columns, {"vin": vin}, _rows(found.accumulated_data))

    return tables.streamed(accepted, schema, batches(), "accumulated")


def _rows(data: AccumulatedData) -> list[CounterRow]:
    """Counters as rows of a table, in their order."""
    rows: list[CounterRow] = []
    for name, field in AccumulatedData.model_fields.items():
        told, counter = getattr(data, name), field.alias or name
        for cell in told if isinstance(told, list) else () if told is None else (told,):
            if isinstance(cell, CounterClass):
                rows.append(
                    CounterRow(
                        counter=counter,
                        class_from=cell.start,
                        class_to=cell.to,
                        class_label=cell.label,
                        seconds=cell.seconds,
                        meters=cell.meters,
                        milli_litres=cell.milli_litres,
                    )
                )
            else:
                rows.append(CounterRow(counter=counter, value=cell))
    return rows


async def _counters(services: Services, party: int, vin: str) -> Accumulated:
    found = await services.behaviour.accumulated(party, vin)
    if found is None:
        return Accumulated(vin=vin)
    if found.layout_version != LAYOUT_VERSION:
        raise not_ready(
            f"The counters are laid out by version {found.layout_version}, this API knows "
            f"{LAYOUT_VERSION}."
        )
    return Accumulated(
        vin=vin,
        newest_day=found.newest_day,
        updated_at=found.updated_at,
        corrections=found.corrections,
        corrected=found.corrected,
        accumulated_data=AccumulatedData.model_validate(accumulated_data(np.array(found.counters))),
    )
