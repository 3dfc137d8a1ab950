"""Not the same sentence every week: what was said before rests, or is said in other words.

Only weeks before the one advised on count, and only what people decided before it ended: so advice
that is made again for an old week stays what it was.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from analytics.advice.kinds import KINDS
from analytics.advice.piece import NAN, share
from analytics.advice.week import drivers
from analytics.advice_rules import MEMORY_WEEKS
from analytics.local_time import local_days, week_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from analytics.advice.piece import Piece
    from analytics.advice.week import AdviceWeek
    from analytics.advice_rules import AdviceSettings

DECIDED = ("accepted", "dismissed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What was said before.

    Attributes:
        week: its Monday.
        variant: in which words.
        decided: accepted or dismissed, None where nobody has decided.
        since: the Monday of the week in which that was decided.
        share: of the fuel (kilometres: of the way) it was then; NaN where unknown.
    """

    week: date
    variant: int
    decided: str | None
    since: date
    share: float


class Memory:
    """What was said of a vehicle and to its drivers in the weeks before."""

    def __init__(self, week: AdviceWeek) -> None:
        self._week = week
        self._said = _said(week)

    def rests(self, piece: Piece, settings: AdviceSettings) -> bool:
        """Whether a piece was accepted or dismissed so lately that it is not told again."""
        decided = [said for said in self._of(piece) if said.decided]
        if not decided:
            return False
        last = max(decided, key=lambda said: (said.since, said.week))
        weeks = (
            settings.accepted_rest_weeks
            if last.decided == "accepted"
            else settings.dismissed_rest_weeks
        )
        over = self._week.week - last.since >= timedelta(weeks=weeks)
        # An unknown share is no growth.
        return not over and not piece.grew(last.share, settings.grew)

    def variant(self, piece: Piece, variants: int) -> int:
        """In which words to tell a piece: the next ones; at first, others to each vehicle."""
        said = self._of(piece)
        if not said:
            return (self._week.vehicle_id + piece.driver_id) % variants
        return (max(said, key=lambda one: one.week).variant + 1) % variants

    def _of(self, piece: Piece) -> list[Said]:
        return self._said.get((piece.driver_id, piece.cause), [])


def _said(week: AdviceWeek) -> dict[tuple[int, str], list[Said]]:
    given = week.given
    if given is None or not len(given):
        return {}
    mondays = pd.to_datetime(given["week"])
    monday = pd.Timestamp(week.week)
    recent = (mondays < monday) & (mondays >= monday - pd.Timedelta(weeks=MEMORY_WEEKS))
    given, mondays = given[recent], mondays[recent]
    if not len(given):
        return {}
    ends = pd.Timestamp(week_bounds(week.week, week.time_zone)[1])
    at = pd.to_datetime(given["status_at"], utc=True)
    counts = given["status"].isin(DECIDED) & ~(at >= ends)
    # Nobody knows when: then since it was said.
    since = local_days(at.fillna(mondays.dt.tz_localize(week.time_zone)), week.time_zone)["week"]
    found: dict[tuple[int, str], list[Said]] = {}
    for driver, told, begins, is_decided, decided_in in zip(
        drivers(given), given.to_dict("records"), mondays, counts, since, strict=True
    ):
        said = Said(
            week=begins.date(),
            variant=int(told["variant"]),
            decided=str(told["status"]) if is_decided else None,
            since=decided_in.date(),
            share=_share(told),
        )
        found.setdefault((int(driver), str(told["cause"])), []).append(said)
    return found


def _share(told: Mapping[Any, Any]) -> float:
    """As Piece.share, of a row of table advice."""
    unit = KINDS[str(told["cause"])].unit if told["cause"] in KINDS else "l"
    facts = told["facts"]
    facts = json.loads(facts) if isinstance(facts, str) else facts
    value = told["saving_l"] if unit == "l" else (facts or {}).get("value")
    return share(
        unit,
        _number(value),
        fuel_l=_number(told["fuel_l"]),
        distance_km=_number(told["distance_km"]),
    )


def _number(value: Any) -> float:
    return NAN if value is None or pd.isna(value) else float(value)
