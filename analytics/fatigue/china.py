"""China's rules on hours at the wheel.

All drivers: more than 4 h of driving need a stop of at least 20 min (Regulation on the
Implementation of the Road Traffic Safety Law, Art. 62). Passenger transport besides (safety rules
for road passenger companies, 2018, Art. 38): 2 h at night, 8 h in any 24 h, 44 h in any 7 days.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np

from analytics.events.table import EventKind
from analytics.fatigue.driving import too_long, too_much_within
from schemas.time_zones import zone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from analytics.fatigue.driving import Breach, Driving

STOP_S = 20 * 60.0
"""A stop that ends continuous driving [s]."""
CONTINUOUS_H = 4.0
"""Continuous driving [h]."""
NIGHT_H = 2.0
"""Continuous driving at night, passenger transport [h]."""
DAY_H = 8.0
"""Driving in any 24 h, passenger transport [h]."""
WEEK_H = 44.0
"""Driving in any 7 days, passenger transport [h]."""
NIGHT = (time(22), time(6))
"""Night by local time; the rule does not say when it is, 22 to 6 is usual (unconfirmed)."""

KINDS = {
    "fatigue_china_4h": EventKind(
        unit="h",
        title_en="More than 4 h without a 20 min stop",
        title_zh="连续驾驶超过4小时",
        description_en="Driving went on for more than 4 hours without a stop of 20 minutes.",
        description_zh="连续驾驶超过4小时，未停车休息满20分钟。",
    ),
    "fatigue_china_night_2h": EventKind(
        unit="h",
        title_en="More than 2 h at night without a 20 min stop",
        title_zh="夜间连续驾驶超过2小时",
        description_en="A passenger vehicle was driven at night for more than 2 hours on end.",
        description_zh="客运车辆夜间连续驾驶超过2小时，未停车休息满20分钟。",
    ),
    "fatigue_china_24h": EventKind(
        unit="h",
        title_en="More than 8 h of driving in 24 h",
        title_zh="24小时内累计驾驶超过8小时",
        description_en="Driving a passenger vehicle added up to more than 8 hours in 24 hours.",
        description_zh="客运驾驶员24小时内累计驾驶超过8小时。",
    ),
    "fatigue_china_7d": EventKind(
        unit="h",
        title_en="More than 44 h of driving in 7 days",
        title_zh="连续7日内累计驾驶超过44小时",
        description_en="Driving a passenger vehicle added up to more than 44 hours in 7 days.",
        description_zh="客运驾驶员任意连续7日内累计驾驶超过44小时。",
    ),
}

PASSENGER_KINDS = frozenset(KINDS) - {"fatigue_china_4h"}
"""Those of passenger transport."""


def breaches(driving: Driving, *, passenger: bool, time_zone: str) -> list[Breach]:
    """What breaks the rules; `passenger` adds those of passenger transport."""
    found = []
    for first, stop in driving.blocks(STOP_S):
        found += too_long(driving, "fatigue_china_4h", first, stop, CONTINUOUS_H)
    if not passenger or not len(driving):
        return found
    at_night = _at_night(driving, zone(time_zone))
    for first, stop in at_night.blocks(STOP_S):
        found += too_long(at_night, "fatigue_china_night_2h", first, stop, NIGHT_H)
    found += too_much_within(driving, "fatigue_china_24h", 24.0, DAY_H)
    found += too_much_within(driving, "fatigue_china_7d", 7 * 24.0, WEEK_H)
    return found


def _at_night(driving: Driving, where: ZoneInfo) -> Driving:
    """The driving that lies in local nights."""
    first = datetime.fromtimestamp(float(driving.start_s[0]), where).date() - timedelta(days=1)
    last = datetime.fromtimestamp(float(driving.end_s[-1]), where).date()
    evenings = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    begin_s = [_at(datetime.combine(day, NIGHT[0], tzinfo=where)) for day in evenings]
    stop_s = [
        _at(datetime.combine(day + timedelta(days=1), NIGHT[1], tzinfo=where)) for day in evenings
    ]
    return driving.within(np.array(begin_s), np.array(stop_s))


def _at(local: datetime) -> float:
    return local.astimezone(UTC).timestamp()
