"""From a stored report, in the catalogue's units, to the objects of rFMS, in theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from analytics.accumulated import LAYOUT_VERSION, accumulated_data
from api.driving.accumulated import AccumulatedData
from api.problems import not_ready
from api.rfms.blocks import (
    AlternatorInfo,
    DistanceToEmpty,
    SnapshotData,
    Trailer,
    TrailerAxle,
    UptimeData,
    VehicleAxle,
    WorkingState,
)
from api.rfms.objects import GnssPosition, TellTaleInfo, Trigger, driver
from schemas.tell_tales import OFF, STANDARD, STATES, TELL_TALES
from schemas.wire import TriggerType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.answers_reports import Report

METRES = 1000
"""A kilometre [m]."""

MILLILITRES = 1000
"""A litre [ml]."""

PASCALS = 1000
"""A kilopascal [Pa]."""

WORKING_STATES = get_args(WorkingState)
"""By the number that SPN 1612 and 1613 give them, from 0."""

_OEM = "OEM_SPECIFIC_TELL_TALE"


def scaled(values: Mapping[str, float], name: str, factor: float) -> int | None:
    """A value in a smaller unit, whole; None where it is not known."""
    return None if (value := values.get(name)) is None else round(value * factor)


def switch(values: Mapping[str, float], name: str) -> bool | None:
    """Whether a switch is on; None where that is not known."""
    return None if (value := values.get(name)) is None else bool(value)


def trigger(report: Report) -> Trigger:
    """Why the vehicle reported, and what of that is open: the driver, the tell-tale."""
    kind = TriggerType(report.trigger_type)
    who = None
    if kind in (TriggerType.DRIVER_LOGIN, TriggerType.DRIVER_LOGOUT):
        # After a logout nobody is in the slot: then the vehicle's own word is all there is.
        who = report.detail or report.driver1_card_id
    elif kind is TriggerType.DRIVER_1_WORKING_STATE_CHANGED:
        who = report.driver1_card_id
    elif kind is TriggerType.DRIVER_2_WORKING_STATE_CHANGED:
        who = report.driver2_card_id
    is_pto = kind in (TriggerType.PTO_ENABLED, TriggerType.PTO_DISABLED)
    return Trigger(
        trigger_type=kind,
        driver_id=driver(who),
        pto_id=report.detail or None if is_pto else None,
        tell_tale_info=_changed_tell_tale(report.detail) if kind is TriggerType.TELL_TALE else None,
    )


def _changed_tell_tale(detail: str) -> TellTaleInfo:
    """A tell-tale by what the trigger says of it: its name, and its state where that is said."""
    name, _, state = detail.rpartition(" ")
    if state not in STATES or not name:
        name, state = detail, "NOT_AVAILABLE"
    return _tell_tale(name or "UNKNOWN", state)


def _tell_tale(name: str, state: str) -> TellTaleInfo:
    known = name in STANDARD
    return TellTaleInfo.model_validate(
        {
            "tell_tale": name if known else _OEM,
            "oem_tell_tale": None if known else name,
            "state": state,
        }
    )


def gnss_position(report: Report) -> GnssPosition | None:
    """Where the vehicle was; None where that is not known."""
    values = report.reported
    if "latitude" not in values or "longitude" not in values:
        return None
    heading = values.get("heading")
    return GnssPosition(
        latitude=values["latitude"],
        longitude=values["longitude"],
        heading=None if heading is None else round(heading) % 360,
        altitude=scaled(values, "altitude", 1),
        speed=values.get("gnss_speed"),
        position_date_time=report.position_time,
    )


def snapshot(report: Report) -> SnapshotData | None:
    """What the vehicle was doing; None where nothing is known of that."""
    values = report.reported
    range_m = scaled(values, "fuel_range", METRES)
    found = SnapshotData(
        gnss_position=gnss_position(report),
        wheel_based_speed=values.get("wheel_speed"),
        tachograph_speed=values.get("tachograph_speed"),
        engine_speed=values.get("engine_speed"),
        fuel_level1=values.get("fuel_level_1"),
        fuel_level2=values.get("fuel_level_2"),
        catalyst_fuel_level=values.get("reagent_level"),
        driver1_working_state=_working_state(values, "driver1_working_state"),
        driver2_id=driver(report.driver2_card_id),
        driver2_working_state=_working_state(values, "driver2_working_state"),
        ambient_air_temperature=values.get("ambient_temperature"),
        parking_brake_switch=switch(values, "park_brake"),
        estimated_distance_to_empty=(
            None if range_m is None else DistanceToEmpty(total=range_m, fuel=range_m)
        ),
        vehicle_axles=[
            VehicleAxle(vehicle_axle_position=axle, vehicle_axle_load=load)
            for axle in (1, 2, 3)
            if (load := values.get(f"axle{axle}_weight")) is not None
        ]
        or None,
        trailers=_trailers(values),
    )
    # Who drove is no snapshot by itself (and not what contentFilter looks for, in the database).
    drivers = {"driver1_working_state", "driver2_id", "driver2_working_state"}
    return found if found.model_dump(exclude_none=True, exclude=drivers) else None


def _working_state(values: Mapping[str, float], name: str) -> Any:
    state = values.get(name)
    return None if state is None else WORKING_STATES[int(state)]


def _trailers(values: Mapping[str, float]) -> list[Trailer] | None:
    if not values.get("trailer_connected"):
        return None
    axles = [
        TrailerAxle(trailer_axle_position=axle, trailer_axle_load=load)
        for axle in (1, 2, 3)
        if (load := values.get(f"trailer_axle{axle}_weight")) is not None
    ]
    if not axles:
        return [Trailer(trailer_no=1)]
    total = round(sum(axle.trailer_axle_load for axle in axles))
    return [Trailer(trailer_no=1, trailer_axle_load_sum=total, trailer_axles=axles)]


def uptime(report: Report) -> UptimeData | None:
    """How the vehicle is; None where nothing is known of that."""
    values = report.reported
    charging = switch(values, "alternator_charging")
    found = UptimeData(
        tell_tale_info=_tell_tales(values),
        service_distance=scaled(values, "service_distance", METRES),
        engine_coolant_temperature=values.get("coolant_temperature"),
        service_brake_air_pressure_circuit1=scaled(values, "brake_circuit_1_pressure", PASCALS),
        service_brake_air_pressure_circuit2=scaled(values, "brake_circuit_2_pressure", PASCALS),
        alternator_info=(
            None
            if charging is None
            else AlternatorInfo(
                alternator_status="CHARGING" if charging else "NOT_CHARGING", alternator_number=1
            )
        ),
        bellow_pressure_front_axle_left=scaled(values, "bellow_pressure_front_left", PASCALS),
        bellow_pressure_front_axle_right=scaled(values, "bellow_pressure_front_right", PASCALS),
        bellow_pressure_rear_axle_left=scaled(values, "bellow_pressure_rear_left", PASCALS),
        bellow_pressure_rear_axle_right=scaled(values, "bellow_pressure_rear_right", PASCALS),
    )
    known = found.model_dump(exclude_none=True, exclude={"tell_tale_info"})
    return found if known or found.tell_tale_info else None


def _tell_tales(values: Mapping[str, float]) -> list[TellTaleInfo]:
    """The state of each tell-tale that is known: as its gravest lit signal says, or off."""
    states: dict[str, str] = {}
    for tell_tale in TELL_TALES:
        lit = values.get(tell_tale.signal)
        if lit is not None and states.get(tell_tale.name, OFF) == OFF:
            states[tell_tale.name] = tell_tale.lit if lit else OFF
    return [_tell_tale(name, state) for name, state in states.items()]


def accumulated(report: Report) -> AccumulatedData | None:
    """The counters as of the report; None where there are none.

    Raises:
        ProblemError: 503, they are laid out otherwise.
    """
    if report.counters is None:
        return None
    if report.layout_version != LAYOUT_VERSION:
        raise not_ready(
            f"Counters are laid out by version {report.layout_version}, this API knows "
            f"{LAYOUT_VERSION}."
        )
    data = accumulated_data(np.array(report.counters))
    return AccumulatedData.model_validate(data) if data else None
