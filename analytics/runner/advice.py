"""Advice on a vehicle-week, and whether earlier advice helped, from what is stored of its fuel.

Advice on a week depends on what was said in the weeks before it, and its result on the weeks after.
So a week that is advised on measures anew whatever it lies before or after of.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from analytics.advice import AdviceWeek, advise, before_and_after, follow_up, weekly
from analytics.advice.follow_up import WEEKS_AFTER, WEEKS_BEFORE
from analytics.advice_rules import MEMORY_WEEKS, PAST_WEEKS
from storage import advice
from storage.behaviour import judged_as

if TYPE_CHECKING:
    from analytics.advice import AdviceSettings
    from storage.connection import Connection
    from storage.fuel import FuelWeek

WEEK = timedelta(weeks=1)


def advise_week(connection: Connection, week: FuelWeek, settings: AdviceSettings) -> int:
    """Give advice on a week and measure what it lies beside; how many pieces were given."""
    vehicle_id, monday = week.vehicle_id, week.week
    first, last = monday - (WEEKS_AFTER + WEEKS_BEFORE - 1) * WEEK, monday + WEEKS_AFTER * WEEK
    parts = advice.parts(connection, vehicle_id, first, last)
    causes = advice.causes(connection, vehicle_id, first, last)
    ours = parts[parts["week"] == monday]
    time_zone = (
        str(ours["time_zone"].iloc[-1])
        if len(ours)
        else judged_as(connection, vehicle_id).time_zone
    )
    over, in_fleet = advice.days_over(connection, week, time_zone)
    found = advise(
        AdviceWeek(
            vehicle_id=vehicle_id,
            week=monday,
            time_zone=time_zone,
            parts=ours,
            causes=causes[causes["week"] == monday],
            given=advice.given(connection, vehicle_id, monday - MEMORY_WEEKS * WEEK, monday - WEEK),
            past=parts[(parts["week"] < monday) & (parts["week"] >= monday - PAST_WEEKS * WEEK)],
            behaviour=advice.behaviour(connection, vehicle_id, monday, monday),
            days=in_fleet,
            settings=settings,
        )
    )
    advice.store_advice(connection, week, found)
    beside = advice.given(
        connection, vehicle_id, monday - WEEKS_AFTER * WEEK, monday + (WEEKS_BEFORE - 1) * WEEK
    )
    today = datetime.now(tz=ZoneInfo(time_zone)).date()
    whole = parts[[each + WEEK <= today for each in parts["week"]]]
    advice.store_results(
        connection, week, beside["advice_id"], _results(beside, whole, causes), days=over
    )
    return len(found)


def _results(
    pieces: pd.DataFrame, parts: pd.DataFrame, causes: pd.DataFrame
) -> list[dict[str, Any]]:
    """What came of pieces of advice, of those of which that can be told."""
    found = []
    for piece in pieces.to_dict("records"):
        for_vehicle = pd.isna(piece["driver_id"])
        driven = (
            parts
            if for_vehicle
            else parts[(parts["driver_id"] == piece["driver_id"]).fillna(False)]
        )
        weeks = weekly(driven, causes, str(piece["cause"]))
        result = follow_up(*before_and_after(weeks, piece["week"]))
        if result is not None:
            found.append({"advice_id": piece["advice_id"]} | result.to_dict())
    return found
