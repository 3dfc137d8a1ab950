"""Why somebody should call about a vehicle: lamps and trouble codes, service, silence.

What calls first comes first. A reason has a key, by which it is known again: one that was seen to
is left alone, but for a month at the most: what is as it was is no news, and still not well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, Field

from analytics.advice.numbers import Numbers
from api import activity, display, systems
from api.activity import Activity
from api.language import language
from api.service_due import DueBy, NextService, next_service
from api.status import Teller
from schemas.tell_tales import TELL_TALES
from schemas.wire import Lamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.catalogue import Catalogue
    from storage.answers import Latest, TroubleCode
    from storage.served_care import VehicleInCare

SOON = {"km": 5000.0, "h": 100.0, "d": 14.0}
"""What is left of a service that is due soon: two weeks of a long-haul truck, by each measure."""

HANDLED_FOR = timedelta(days=30)
"""How long a reason that was seen to is left alone."""

FOR_THE_DRIVER = frozenset({"fuel_level_low", "reagent_level_low", "exhaust_high_temperature_lamp"})
"""Warnings that end at the next filling station, or with a regeneration: nobody calls for these."""

EMISSIONS = frozenset({"tell_tale_mil", "dpf_lamp"})
"""Lamps after which the engine's power is cut, if nothing is done."""

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


class Reason(BaseModel):
    """Why somebody should call."""

    key: str = Field(
        description="By which it is known again; opaque. To be sent back when it was seen to.",
        examples=["code:3251:16:0:1793502720000000"],
        max_length=100,
    )
    kind: CareKind = Field(
        description="red_lamp (stop); amber_lamp (any other lamp or code that lights one); "
        "service_overdue; service_due (within 14 days, 5000 km or 100 h, or the vehicle says so); "
        "silent (as in the listing of vehicles; never heard of: 3 days after it was registered).",
        examples=["amber_lamp"],
    )
    what: str = Field(
        description="What it is, in words.",
        examples=["Pressure drop across the particulate filter: above the normal range"],
    )
    todo: str = Field(
        description="What to do about it.", examples=["Call today and agree on a workshop slot."]
    )
    since: AwareDatetime | None = Field(
        description="Since when: a code came up, a lamp was reported lit (or told last, where no "
        "report says), the vehicle was heard last (or registered). Null for a service.",
        examples=["2026-11-01T03:12:00Z"],
    )
    age_s: float | None = Field(description="How long ago that was [s].", examples=[17282.0])
    signal: str | None = Field(
        default=None, description="The warning, if it is one.", examples=["dpf_lamp"]
    )
    spn: int | None = Field(default=None, description="Of a trouble code.", examples=[3251])
    fmi: int | None = Field(default=None, description="Of a trouble code.", examples=[16])
    due: DueBy | None = Field(
        default=None,
        description="Of a service: the measure that comes first; null where the vehicle only says "
        "that it is due.",
    )
    is_new: bool = Field(
        description="Whether it came up since somebody saw to the vehicle.", examples=[True]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cause:
    """A reason before it is put into words, which only those that are shown are."""

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
        self.activity: Activity = activity.activity(vehicle.latest, vehicle.last_seen, now)
        self._now = now
        handled = vehicle.handled
        holds = handled is not None and now - handled.at < HANDLED_FOR
        self._seen_to = handled.reasons if holds and handled is not None else frozenset[str]()
        found = [*self._codes(), *self._lamps(), *self._service(), *self._silence()]
        self._causes = sorted(found, key=lambda one: KINDS.index(one.kind))

    @property
    def is_one(self) -> bool:
        """Whether it has a reason."""
        return bool(self._causes)

    @property
    def kind(self) -> CareKind:
        """The gravest reason's; there is one."""
        return self._causes[0].kind

    @property
    def is_handled(self) -> bool:
        """Whether every reason was seen to."""
        return all(one.key in self._seen_to for one in self._causes)

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
        """When it was heard last, or registered; None: it is not silent, or new."""
        if self.activity is not Activity.SILENT:
            return None
        since = self.vehicle.last_seen or self.vehicle.registered_at
        if self.vehicle.last_seen is None and self._now - since < activity.SILENT_WHILE_PARKED:
            return None
        return since

    @property
    def last_activity(self) -> Activity | None:
        """What it was doing when it was heard last; None: never."""
        last = self.vehicle.last_seen
        return None if last is None else activity.activity(self.vehicle.latest, last, last)

    @property
    def place(self) -> tuple[int, float, str]:
        """Where it stands in a list to be worked through.

        Lamps and silence: what has waited longest is first. Services: what is most overdue.
        """
        first = self._causes[0]
        if first.since is not None:
            within = first.since.timestamp()
        else:
            within = 0.0 if first.due is None else self.urgency
        return KINDS.index(first.kind), within, self.vehicle.vin

    def reasons(self, catalogue: Catalogue, spoken: str) -> list[Reason]:
        """Its reasons in words of a language."""
        teller = Teller(catalogue, spoken, self._now)
        return [
            Reason(
                key=one.key,
                kind=one.kind,
                what=self._what(one, teller, spoken),
                todo=language(spoken)(f"care_todo_{self._todo(one)}"),
                since=one.since,
                age_s=None if one.since is None else teller.age_s(one.since),
                due=one.due,
                signal=None if one.lamp is None else one.lamp.name,
                spn=None if one.code is None else one.code.spn,
                fmi=None if one.code is None else one.code.fmi,
                is_new=one.key not in self._seen_to,
            )
            for one in self._causes
        ]

    def silence_todo(self, spoken: str) -> str:
        """What to do about its silence."""
        return language(spoken)(f"care_todo_{self._silence_todo()}")

    def _codes(self) -> Iterator[_Cause]:
        for code in self.vehicle.trouble_codes:
            red = code.lamp == Lamp.RED_STOP
            yield _Cause(
                key=f"code:{code.spn}:{code.fmi}:{code.source_address}:{_us(code.since)}",
                kind=CareKind.RED_LAMP if red else CareKind.AMBER_LAMP,
                since=code.since,
                code=code,
            )

    def _lamps(self) -> Iterator[_Cause]:
        by_codes = {code.lamp for code in self.vehicle.trouble_codes}
        for name in WARNINGS:
            told = self.vehicle.latest.get(name)
            if told is None or not told.value or _LAMP_OF.get(name) in by_codes:
                continue
            reported = self.vehicle.lit.get(_LIT.get(name, ""))
            yield _Cause(
                key=f"lamp:{name}" if reported is None else f"lamp:{name}:{_us(reported)}",
                kind=CareKind.RED_LAMP if name in systems.RED else CareKind.AMBER_LAMP,
                since=reported or told.time,
                lamp=told,
            )

    def _service(self) -> Iterator[_Cause]:
        first = min(self.dues, key=lambda due: due.left / SOON[due.unit], default=None)
        soon = first is not None and first.left <= SOON[first.unit]
        if not soon and not self.says_due:
            return
        due = first if soon else None
        overdue = due is not None and due.left < 0
        kind = CareKind.SERVICE_OVERDUE if overdue else CareKind.SERVICE_DUE
        last = self.service.last
        yield _Cause(
            key=f"{kind}" if last is None else f"{kind}:{_us(last.time)}", kind=kind, due=due
        )

    def _silence(self) -> Iterator[_Cause]:
        since = self.silent_since
        if since is not None:
            yield _Cause(key=f"silent:{_us(since)}", kind=CareKind.SILENT, since=since)

    def _what(self, one: _Cause, teller: Teller, spoken: str) -> str:
        words = language(spoken)
        if one.code is not None:
            told = teller.code(one.code)
            return words(
                "care_code",
                what=told.parameter or f"SPN {told.spn}",
                how=told.failure or f"FMI {told.fmi}",
            )
        if one.lamp is not None:
            reading = teller.reading_of({one.lamp.name: one.lamp}, one.lamp.name)
            return one.lamp.name if reading is None else display.label(reading.name).text
        if one.kind is CareKind.SILENT:
            return words(f"care_silent_{self.last_activity or 'never'}")
        if one.due is None:
            return words("care_due_said")
        left = due_words(one.due, Numbers(spoken))
        return words("care_overdue" if one.due.left < 0 else "care_due", left=left)

    def _todo(self, one: _Cause) -> str:
        match one.kind:
            case CareKind.RED_LAMP:
                parked = self.last_activity is Activity.PARKED
                return "red_parked" if parked else "red_lamp"
            case CareKind.AMBER_LAMP:
                by_code = one.code is not None and one.code.lamp == Lamp.MALFUNCTION_INDICATOR
                by_lamp = one.lamp is not None and one.lamp.name in EMISSIONS
                return "emissions" if by_code or by_lamp else "amber_lamp"
            case CareKind.SILENT:
                return self._silence_todo()
            case _:
                return one.kind

    def _silence_todo(self) -> str:
        last = self.last_activity
        how = "never" if last is None else "parked" if last is Activity.PARKED else "running"
        return f"silent_{how}"


def due_words(due: DueBy, numbers: Numbers) -> str:
    """What is left, or over, with its unit."""
    left = abs(due.left)
    if due.unit == "d":
        return numbers.count(round(left), "days")
    return numbers.amount(left, due.unit)


def _us(time: datetime) -> int:
    return round(time.timestamp() * 1_000_000)
