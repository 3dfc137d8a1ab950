"""Typed events of messages become rows: triggers, driver changes, trouble codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.clock import as_time
from schemas.wire import DriverChange, Trigger
from storage.batch import DriverChangeRow, TriggerRow, TroubleCodeRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.wire import Event


def event_rows(
    events: Iterable[tuple[int, Event, bool]],
) -> tuple[list[TriggerRow], list[DriverChangeRow], list[TroubleCodeRow]]:
    """The rows of events, by kind, in the order they come in.

    Args:
        events: each with its vehicle's number and whether it only fills gaps.
    """
    triggers: list[TriggerRow] = []
    driver_changes: list[DriverChangeRow] = []
    trouble_codes: list[TroubleCodeRow] = []
    for vehicle_id, event, fills_gaps in events:
        time = as_time(event.time_us)
        if isinstance(event, Trigger):
            triggers.append(
                TriggerRow(
                    vehicle_id=vehicle_id,
                    time=time,
                    trigger_type=event.type.value,
                    detail=event.detail,
                )
            )
        elif isinstance(event, DriverChange):
            driver_changes.append(
                DriverChangeRow(
                    vehicle_id=vehicle_id,
                    time=time,
                    slot=event.slot,
                    card_id=event.driver_id,
                    fills_gaps=fills_gaps,
                )
            )
        else:
            trouble_codes.append(
                TroubleCodeRow(
                    vehicle_id=vehicle_id,
                    time=time,
                    spn=event.spn,
                    fmi=event.fmi,
                    source_address=event.source_address,
                    lamp=event.lamp.value,
                    count=event.count,
                    active=event.active,
                    fills_gaps=fills_gaps,
                )
            )
    return triggers, driver_changes, trouble_codes
