"""Why somebody should call about a vehicle: lamps and trouble codes, service, silence.

What calls first comes first. A reason has a key, by which it is known again: one that was seen to
is left alone, but for a month at the most: what is as it was is no news, and still not well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from api.vehicles import activity, systems
from api.vehicles.activity import Activity
from api.vehicles.service_due import DueBy, NextService, next_service
from schemas.tell_tales import TELL_TALES
from schemas.wire import Lamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.answers import Latest, TroubleCode
    from storage.served_care import VehicleInCare

SOON = {"km": 5000.0, "h": 100.0, "d": 14.0}
"""What is left of a service that is due soon: two weeks of a long-haul truck, by each measure."""

HANDLED_FOR = timedelta(days=30)
"""How long a reason that was seen to is left alone."""

FOR_THE_DRIVER = frozenset({"fuel_level_low", "reagent_level_low", "exhaust_high_temperature_lamp"})
"""Warnings that end at the next filling station, or with a regeneration: nobody calls for these."""

WARNINGS = tuple(sorted(systems.WARNINGS - FOR_THE_DRIVER))

NAMES = (
    *activity.SIGNALS,
    "service_due",
    "service_distance",
    "service_days",
    "odometer",
    "engine_hours",
    *WARNINGS,
)
"""The signals that are read, in the order that served.care wants them."""

_LIT = {lamp.signal: f"{lamp.name} {lamp.lit}" for lamp in TELL_TALES}

_LAMP_OF = {
    "tell_tale_red": Lamp.RED_STOP,
    "tell_tale_amber": Lamp.AMBER_WARNING,
    "tell_tale_mil": Lamp.MALFUNCTION_INDICATOR,
    "tell_tale_protect": Lamp.PROTECT,
}
"""Lamps that trouble codes light: the codes say more."""


class CareKind(StrEnum):
    """What kind of reason; the first calls first."""

    RED_LAMP = "red_lamp"
    AMBER_LAMP = "amber_lamp"
    SERVICE_OVERDUE = "service_overdue"
    SERVICE_DUE = "service_due"
    SILENT = "silent"


KINDS = tuple(CareKind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """A reason, before it is put into words."""

    key: str
    kind: CareKind
    since: datetime | None = None
    lamp: Latest | None = None
    code: TroubleCode | None = None
    due: DueBy | None = None


class Case:
    """A vehicle with its reasons, the gravest first; without one it wants no care.

    Args:
        vehicle: what is known of it.
        now: the moment of the answer.
    """

    def __init__(self, vehicle: VehicleInCare, now: datetime) -> None:
        self.vehicle = vehicle
        self.service: NextService = next_service(vehicle.latest, vehicle.plan, now)
        self.activity: Activity = activity.activity(
            vehicle.latest, vehicle.last_seen, now, is_current=True
        )
        self.now = now
        handled = vehicle.handled
        holds = handled is not None and now - handled.at < HANDLED_FOR
        self._seen_to = handled.reasons if holds and handled is not None else frozenset[str]()
        found = [*self._codes(), *self._lamps(), *self._service(), *self._silence()]
        self.causes: list[Cause] = sorted(found, key=lambda one: KINDS.index(one.kind))

    @property
    def is_one(self) -> bool:
        """Whether it has a reason."""
        return bool(self.causes)

    @property
    def kind(self) -> CareKind:
        """The gravest reason's; there is one."""
        return self.causes[0].kind

    @property
    def is_handled(self) -> bool:
        """Whether every reason was seen to."""
        return not any(map(self.is_new, self.causes))

    def is_new(self, cause: Cause) -> bool:
        """Whether it came up since somebody saw to the vehicle."""
        return cause.key not in self._seen_to

    @property
    def urgency(self) -> float:
        """How much of the time until a service is left, by the measure that comes first."""
        left = [due.left / SOON[due.unit] for due in self.dues]
        return min(left, default=0.0)

    @property
    def dues(self) -> list[DueBy]:
        """The next service by every measure that is known."""
        of_service = (self.service.distance, self.service.hours, self.service.day)
        return [due for due in of_service if due is not None]

    @property
    def says_due(self) -> bool:
        """Whether the vehicle itself asks for its service."""
        told = self.vehicle.latest.get("service_due")
        return told is not None and bool(told.value)

    @property
    def silent_since(self) -> datetime | None:
        """When it was heard last, or registered; None: it is not silent."""
        if self.activity is not Activity.SILENT:
            return None
        return self.vehicle.last_seen or self.vehicle.registered_at

    @property
    def last_activity(self) -> Activity | None:
        """What it was doing when it was heard last; None: never."""
        last = self.vehicle.last_seen
        if last is None:
            return None
        return activity.activity(self.vehicle.latest, last, last, is_current=True)

    @property
    def place(self) -> tuple[int, float, str]:
        """Where it stands in a list to be worked through.

        Lamps and silence: what has waited longest is first. Services: what is most overdue.
        """
        first = self.causes[0]
        if first.since is not None:
            within = first.since.timestamp()
        else:
            within = 0.0 if first.due is None else self.urgency
        return KINDS.index(first.kind), within, self.vehicle.vin

    def _codes(self) -> Iterator[Cause]:
        for code in self.vehicle.trouble_codes:
            red = code.lamp == Lamp.RED_STOP
            yield Cause(
                key=f"code:{code.spn}:{code.fmi}:{code.source_address}:{_us(code.since)}",
                kind=CareKind.RED_LAMP if red else CareKind.AMBER_LAMP,
                since=code.since,
                code=code,
            )

    def _lamps(self) -> Iterator[Cause]:
        by_codes = {code.lamp for code in self.vehicle.trouble_codes}
        for name in WARNINGS:
            told = self.vehicle.latest.get(name)
            if told is None or not told.value or _LAMP_OF.get(name) in by_codes:
                continue
            reported = self.vehicle.lit.get(_LIT.get(name, ""))
            yield Cause(
                key=f"lamp:{name}" if reported is None else f"lamp:{name}:{_us(reported)}",
                kind=CareKind.RED_LAMP if name in systems.RED else CareKind.AMBER_LAMP,
                since=reported or told.time,
                lamp=told,
            )

    def _service(self) -> Iterator[Cause]:
        first = min(self.dues, key=lambda due: due.left / SOON[due.unit], default=None)
        soon = first is not None and first.left <= SOON[first.unit]
        if not soon and not self.says_due:
            return
        due = first if soon else None
        overdue = due is not None and due.left < 0
        kind = CareKind.SERVICE_OVERDUE if overdue else CareKind.SERVICE_DUE
        last = self.service.last
        yield Cause(
            key=f"{kind}" if last is None else f"{kind}:{_us(last.time)}", kind=kind, due=due
        )

    def _silence(self) -> Iterator[Cause]:
        since = self.silent_since
        if since is None:
            return
        is_new = self.vehicle.last_seen is None and self.now - since < activity.SILENT_WHILE_PARKED
        if not is_new:  # a vehicle that has just been registered is no reason to call
            yield Cause(key=f"silent:{_us(since)}", kind=CareKind.SILENT, since=since)


def _us(time: datetime) -> int:
    return round(time.timestamp() * 1_000_000)
