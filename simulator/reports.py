"""What happened on board as the wire's events: triggers, driver changes, trouble codes."""

from schemas.wire import DriverChange, Event, Trigger, TriggerType, TroubleCode
from simulator.faults import FaultChange
from simulator.shift import Happening

MICROSECONDS = 1_000_000


def events_of(happening: Happening, start_s: int) -> list[Event]:
    """The trigger of `happening`, and the driver's coming or going with it.

    Args:
        happening: What a vehicle reports.
        start_s: The simulation's start, s since 1970.
    """
    time_us = (start_s + happening.time_s) * MICROSECONDS
    trigger = Trigger(time_us=time_us, type=happening.type, detail=happening.detail)
    if happening.type is TriggerType.DRIVER_LOGIN:
        return [trigger, DriverChange(time_us=time_us, slot=1, driver_id=happening.detail)]
    if happening.type is TriggerType.DRIVER_LOGOUT:
        return [trigger, DriverChange(time_us=time_us, slot=1, driver_id=None)]
    return [trigger]


def trouble_code(change: FaultChange, start_s: int) -> TroubleCode:
    """A code that became active or went, as DM1 and DM2 tell it."""
    return TroubleCode(
        time_us=(start_s + change.time_s) * MICROSECONDS,
        spn=change.fault.spn,
        fmi=change.fault.fmi,
        lamp=change.fault.lamp,
        count=change.count,
        source_address=change.fault.source_address,
        active=change.active,
    )
