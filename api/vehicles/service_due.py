"""When a vehicle is to be serviced next: as it counts down itself, else by its plan.

What a vehicle says of itself goes before. A plan says something only where the vehicle was serviced
since it is written down, with what its counters read then; nothing is guessed.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, Field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from storage.answers import Latest
    from storage.served_service import PlanAndLast

_NO_MORE_DAYS = 36_500
"""A hundred years: no calendar of services goes further."""


class DueSource(StrEnum):
    """Who says so."""

    VEHICLE = "vehicle"
    PLAN = "plan"


class DueBy(BaseModel):
    """How much is left until the next service by one measure."""

    left: float = Field(description="In `unit`; below 0: overdue.", examples=[12_340.0])
    unit: str = Field(description="km, h or d.", examples=["km"])
    at: float | None = Field(
        default=None,
        description="What the odometer [km] or the engine's hours [h] will read then; null for "
        "days, or where the counter is not known.",
        examples=[215_458.4],
    )
    on: date | None = Field(
        default=None,
        description="The day (UTC); null for distance and hours, which know no day.",
        examples=["2026-12-01"],
    )
    source: DueSource = Field(
        description="vehicle (it counts down itself) or plan (its class's or model's, from the "
        "last service that was written down).",
        examples=["vehicle"],
    )


class Plan(BaseModel):
    """After how much of what it is to be serviced; null: not by that."""

    every_km: float | None = Field(description="[km]", examples=[60_000.0])
    every_h: float | None = Field(description="Of the engine [h].", examples=[1500.0])
    every_days: int | None = Field(description="[d]", examples=[365])
    of_model: bool = Field(
        description="Whether the plan is its model's own, or its class's.", examples=[False]
    )


class LastService(BaseModel):
    """The last service that was written down; null is what was not."""

    time: AwareDatetime = Field(description="When, UTC.", examples=["2026-06-01T00:00:00Z"])
    odometer_km: float | None = Field(description="Read then [km].", examples=[155_458.4])
    engine_h: float | None = Field(description="Read then [h].", examples=[6623.5])


class NextService(BaseModel):
    """The next service by each measure; null: neither the vehicle nor a plan tells."""

    distance: DueBy | None = Field(description="By distance.")
    hours: DueBy | None = Field(
        description="By the engine's hours, which no signal counts down: by the plan."
    )
    day: DueBy | None = Field(description="By the calendar.")
    plan: Plan | None = Field(description="Its plan; null: there is none.")
    last: LastService | None = Field(
        description="The last service; null: none was written down, or none that you may see."
    )


def next_service(latest: Mapping[str, Latest], known: PlanAndLast, now: datetime) -> NextService:
    """When a vehicle is to be serviced next.

    Args:
        latest: its latest values by signal.
        known: its plan and its last service.
        now: the moment of the answer.
    """
    distance = _told(latest, "service_distance", "odometer", "km") or _planned(
        known.every_km, known.odometer_km, latest.get("odometer"), "km"
    )
    has_plan = (known.every_km, known.every_h, known.every_days) != (None, None, None)
    return NextService(
        distance=distance,
        hours=_planned(known.every_h, known.engine_h, latest.get("engine_hours"), "h"),
        day=_told_day(latest.get("service_days"), now) or _planned_day(known, now),
        plan=Plan(
            every_km=known.every_km,
            every_h=known.every_h,
            every_days=known.every_days,
            of_model=known.of_model,
        )
        if has_plan
        else None,
        last=None
        if known.done_at is None
        else LastService(
            time=known.done_at, odometer_km=known.odometer_km, engine_h=known.engine_h
        ),
    )


def _told(latest: Mapping[str, Latest], name: str, counter: str, unit: str) -> DueBy | None:
    if name not in latest:
        return None
    left = round(latest[name].value, 3)
    at = round(latest[counter].value + left, 3) if counter in latest else None
    return DueBy(left=left, unit=unit, at=at, on=None, source=DueSource.VEHICLE)


def _planned(
    every: float | None, last: float | None, counter: Latest | None, unit: str
) -> DueBy | None:
    if every is None or last is None or counter is None:
        return None
    at = last + every
    return DueBy(
        left=round(at - counter.value, 3),
        unit=unit,
        at=round(at, 3),
        on=None,
        source=DueSource.PLAN,
    )


def _told_day(days: Latest | None, now: datetime) -> DueBy | None:
    """The day, counted from when the vehicle said so: an old word does not stay as it was."""
    if days is None:
        return None
    return _by_day(days.time.date() + timedelta(days=round(days.value)), now, DueSource.VEHICLE)


def _planned_day(known: PlanAndLast, now: datetime) -> DueBy | None:
    if known.every_days is None or known.done_at is None:
        return None
    days = min(known.every_days, _NO_MORE_DAYS)
    return _by_day(known.done_at.date() + timedelta(days=days), now, DueSource.PLAN)


def _by_day(due: date, now: datetime, source: DueSource) -> DueBy:
    left = float((due - now.date()).days)
    return DueBy(left=left, unit="d", at=None, on=due, source=source)
