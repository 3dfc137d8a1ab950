"""Triggers of rFMS that are seen in the signals: of vehicles that report no events of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.tell_tales import OFF, TELL_TALES
from schemas.wire import TriggerType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ingest.known_values import Change, KnownValues

DISTANCE_KM = 50.0
"""DISTANCE_TRAVELLED is reported whenever the odometer passes a multiple of this [km]. How far is
each maker's own to say; at 80 km/h this is every 40 minutes."""

SWITCHES: Mapping[str, tuple[TriggerType, TriggerType]] = {
    "ignition_on": (TriggerType.IGNITION_ON, TriggerType.IGNITION_OFF),
    "engine_running": (TriggerType.ENGINE_ON, TriggerType.ENGINE_OFF),
    "pto_engaged": (TriggerType.PTO_ENABLED, TriggerType.PTO_DISABLED),
    "driver1_present": (TriggerType.DRIVER_LOGIN, TriggerType.DRIVER_LOGOUT),
    "driver2_present": (TriggerType.DRIVER_LOGIN, TriggerType.DRIVER_LOGOUT),
    "trailer_connected": (TriggerType.TRAILER_CONNECTED, TriggerType.TRAILER_DISCONNECTED),
    "park_brake": (
        TriggerType.PARKING_BRAKE_SWITCH_CHANGE,
        TriggerType.PARKING_BRAKE_SWITCH_CHANGE,
    ),
}
"""By signal: what it triggers when it comes on, and when it goes off."""

STATES: Mapping[str, TriggerType] = {
    "driver1_working_state": TriggerType.DRIVER_1_WORKING_STATE_CHANGED,
    "driver2_working_state": TriggerType.DRIVER_2_WORKING_STATE_CHANGED,
}
"""By signal: what any change of it triggers."""

WATCHED = frozenset({*SWITCHES, *STATES, *(it.signal for it in TELL_TALES), "odometer"})
"""The signals that trigger something. Of fuel type and charging the catalogue has none: these
triggers come from the vehicle alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """A trigger that was seen: somewhere after `since_us`, at the latest at `time_us`."""

    vehicle_id: int
    trigger_type: TriggerType
    since_us: int
    time_us: int
    detail: str = ""


def derived_triggers(known: KnownValues) -> Iterator[Derived]:
    """The triggers that a batch's values show."""
    for signal, (comes, goes) in SWITCHES.items():
        # A position that is neither on nor off is no signal of ours; from on to on is none.
        for change in known.changes(signal, _is_on):
            yield _derived(change, comes if change.now[0] else goes)
    for signal, trigger_type in STATES.items():
        for change in known.changes(signal):
            yield _derived(change, trigger_type)
    for tell_tale in TELL_TALES:
        if tell_tale.reported:
            for change in known.changes(tell_tale.signal, _is_on):
                state = tell_tale.lit if change.now[0] else OFF
                yield _derived(change, TriggerType.TELL_TALE, f"{tell_tale.name} {state}")
    for change in known.changes("odometer", _distances):
        if change.now[0] > change.before[0]:
            yield _derived(change, TriggerType.DISTANCE_TRAVELLED)


def _is_on(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(values != 0)


def _distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often DISTANCE_KM was driven."""
    return values // DISTANCE_KM


def _derived(change: Change, trigger_type: TriggerType, detail: str = "") -> Derived:
    return Derived(
        vehicle_id=change.vehicle_id,
        trigger_type=trigger_type,
        since_us=change.before[1],
        time_us=change.now[1],
        detail=detail,
    )
