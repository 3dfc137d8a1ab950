"""Reasons to call in words of a language: what it is, and what to do about it."""

from pydantic import AwareDatetime, BaseModel, Field

from analytics.advice.numbers import Numbers
from api import display
from api.care.cases import CareKind, Case, Cause
from api.language import language
from api.vehicles.activity import Activity
from api.vehicles.service_due import DueBy
from api.vehicles.telling import Teller
from schemas.catalogue import Catalogue
from schemas.wire import Lamp

EMISSIONS = frozenset({"tell_tale_mil", "dpf_lamp"})
"""Lamps after which the engine's power is cut, if nothing is done."""

EXAMPLE_KEY = "code:3251:16:0:1793502720000000"


class Reason(BaseModel):
    """Why somebody should call."""

    key: str = Field(
        description="By which it is known again; opaque. To be sent back when it was seen to.",
        examples=[EXAMPLE_KEY],
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


def reasons(case: Case, catalogue: Catalogue, spoken: str) -> list[Reason]:
    """A vehicle's reasons in words of a language, the gravest first."""
    teller = Teller(catalogue, spoken, case.now)
    return [
        Reason(
            key=one.key,
            kind=one.kind,
            what=_what(case, one, teller, spoken),
            todo=language(spoken)(f"care_todo_{_todo(case, one)}"),
            since=one.since,
            age_s=None if one.since is None else teller.age_s(one.since),
            due=one.due,
            signal=None if one.lamp is None else one.lamp.name,
            spn=None if one.code is None else one.code.spn,
            fmi=None if one.code is None else one.code.fmi,
            is_new=case.is_new(one),
        )
        for one in case.causes
    ]


def silence_todo(case: Case, spoken: str) -> str:
    """What to do about a vehicle's silence."""
    return language(spoken)(f"care_todo_{_silence_todo(case)}")


def due_words(due: DueBy, numbers: Numbers) -> str:
    """What is left, or over, with its unit."""
    left = abs(due.left)
    if due.unit == "d":
        return numbers.count(round(left), "days")
    return numbers.amount(left, due.unit)


def _what(case: Case, one: Cause, teller: Teller, spoken: str) -> str:
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
        return words(f"care_silent_{case.last_activity or 'never'}")
    if one.due is None:
        return words("care_due_said")
    left = due_words(one.due, Numbers(spoken))
    return words("care_overdue" if one.due.left < 0 else "care_due", left=left)


def _todo(case: Case, one: Cause) -> str:
    match one.kind:
        case CareKind.RED_LAMP:
            return "red_parked" if case.last_activity is Activity.PARKED else "red_lamp"
        case CareKind.AMBER_LAMP:
            by_code = one.code is not None and one.code.lamp == Lamp.MALFUNCTION_INDICATOR
            by_lamp = one.lamp is not None and one.lamp.name in EMISSIONS
            return "emissions" if by_code or by_lamp else "amber_lamp"
        case CareKind.SILENT:
            return _silence_todo(case)
        case _:
            return one.kind


def _silence_todo(case: Case) -> str:
    last = case.last_activity
    how = "never" if last is None else "parked" if last is Activity.PARKED else "running"
    return f"silent_{how}"
