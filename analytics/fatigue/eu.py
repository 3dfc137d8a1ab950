"""The European Union's rules on hours at the wheel: Regulation (EC) No 561/2006, Articles 6 to 8.

After 4 h 30 of driving a break of 45 min, or of 15 and later 30; 9 h of driving a day, 10 h twice a
week; 56 h a week and 90 h in two; within 24 h of the end of a rest a new one of 11 h (or 3 and
later 9), shortened to 9 h at most three times between two weekly rests. One driver a vehicle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.events.table import EventKind
from analytics.fatigue.driving import HOUR_S, Breach, exceeds, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analytics.fatigue.driving import Driving

MINUTE_S = 60.0
BREAK_S = 45 * MINUTE_S
"""A break that ends continuous driving [s]."""
FIRST_PART_S, SECOND_PART_S = 15 * MINUTE_S, 30 * MINUTE_S
"""The two parts it may be split into, in this order [s]."""
CONTINUOUS_H = 4.5
"""Driving between breaks [h]."""
DAY_H, LONG_DAY_H = 9.0, 10.0
"""Driving a day, and on two days a week [h]."""
LONG_DAYS = 2
WEEK_H, FORTNIGHT_H = 56.0, 90.0
"""Driving a calendar week, and in two on end [h]."""
REST_H, SHORT_REST_H = 11.0, 9.0
"""Daily rest, and shortened [h]."""
SPLIT_REST_H = (3.0, 9.0)
"""The two parts a daily rest may be split into, in this order [h]."""
SHORT_RESTS = 3
"""Shortened daily rests between two weekly rests."""
WEEKLY_REST_H = 24.0
"""A weekly rest, shortened, is at least so long [h]."""
DAY_ENDS_H = 7.0
"""A rest too short still ends the day's driving if it is this long: Commission decision of 7 June
2011 on calculating daily driving time [h]."""
FIRST_MONDAY_S = 4 * 86_400.0
"""The first Monday after 1970-01-01, a Thursday; tachographs run on UTC [s]."""
WEEK_S = 7 * 86_400.0

KINDS = {
    "fatigue_eu_4h30": EventKind(
        unit="h",
        title_en="More than 4 h 30 without a break",
        title_zh="连续驾驶超过4.5小时（欧盟）",
        description_en="Driving went on for more than 4 h 30 without a break of 45 minutes.",
        description_zh="连续驾驶超过4.5小时，未休息45分钟（或先15后30分钟）。",
    ),
    "fatigue_eu_daily": EventKind(
        unit="h",
        title_en="Too much driving in a day",
        title_zh="日驾驶时间超限（欧盟）",
        description_en="A day's driving was above 9 hours, or 10 hours twice a week.",
        description_zh="日驾驶时间超过9小时（每周两次可至10小时）。",
    ),
    "fatigue_eu_weekly": EventKind(
        unit="h",
        title_en="More than 56 h in a week",
        title_zh="周驾驶时间超过56小时（欧盟）",
        description_en="Driving added up to more than 56 hours in a calendar week.",
        description_zh="一个自然周内累计驾驶超过56小时。",
    ),
    "fatigue_eu_fortnight": EventKind(
        unit="h",
        title_en="More than 90 h in two weeks",
        title_zh="两周驾驶时间超过90小时（欧盟）",
        description_en="Driving added up to more than 90 hours in two weeks on end.",
        description_zh="连续两周内累计驾驶超过90小时。",
    ),
    "fatigue_eu_rest": EventKind(
        unit="h",
        title_en="Daily rest too short",
        title_zh="每日休息不足（欧盟）",
        description_en="Within 24 hours there was no rest of 11 hours, or 9 hours three times.",
        description_zh="24小时内未休息满11小时（两次周休之间可三次缩短至9小时）。",
    ),
}


def breaches(driving: Driving) -> list[Breach]:
    """What breaks the rules."""
    found = []
    for first, stop in _between_breaks(driving):
        found += too_long(driving, "fatigue_eu_4h30", first, stop, CONTINUOUS_H)
    return found + _daily(driving) + _weekly(driving) + _rests(driving)


def _between_breaks(driving: Driving) -> Iterator[tuple[int, int]]:
    """Half-open ranges of spans between breaks, whole or in two parts."""
    begun, part_taken = 0, False
    for span, stop_s in enumerate(driving.stops_s.tolist(), start=1):
        if stop_s >= BREAK_S or (part_taken and stop_s >= SECOND_PART_S):
            yield begun, span
            begun, part_taken = span, False
        elif stop_s >= FIRST_PART_S:
            part_taken = True
    if len(driving):
        yield begun, len(driving)


def _daily(driving: Driving) -> list[Breach]:
    """Days of more than 9 h, where 10 h are not allowed any more, or more than 10 h."""
    found = []
    long_days: dict[float, int] = {}
    for first, stop in driving.blocks(DAY_ENDS_H * HOUR_S):
        if not exceeds(float(driving.driven_s[first:stop].sum()), DAY_H):
            continue
        week = (float(driving.start_s[first]) - FIRST_MONDAY_S) // WEEK_S
        long_days[week] = long_days.get(week, 0) + 1
        limit_h = LONG_DAY_H if long_days[week] <= LONG_DAYS else DAY_H
        found += too_long(driving, "fatigue_eu_daily", first, stop, limit_h)
    return found


def _weekly(driving: Driving) -> list[Breach]:
    """Calendar weeks of more than 56 h, and pairs of them of more than 90 h."""
    if not len(driving):
        return []
    first = (driving.start_s[0] - FIRST_MONDAY_S) // WEEK_S
    last = (driving.end_s[-1] - FIRST_MONDAY_S) // WEEK_S
    found = []
    for week in range(int(first), int(last) + 1):
        begin_s = FIRST_MONDAY_S + week * WEEK_S
        for kind, since_s, limit_h in (
            ("fatigue_eu_weekly", begin_s, WEEK_H),
            ("fatigue_eu_fortnight", begin_s - WEEK_S, FORTNIGHT_H),
        ):
            inside = driving.within(np.array([since_s]), np.array([begin_s + WEEK_S]))
            found += too_long(inside, kind, 0, len(inside), limit_h)
    return found


def _rests(driving: Driving) -> list[Breach]:
    """Days after whose beginning no rest of the length that is due was taken within 24 h.

    After the last span the driver rests for all that is known.
    """
    found = []
    shortened = 0
    stops_h = np.append(driving.stops_s / HOUR_S, np.inf)
    day = 0
    while day < len(driving):
        begin_s = float(driving.start_s[day])
        until_s = begin_s + 24 * HOUR_S
        longest_h, part_taken, split, last = 0.0, False, False, day
        for span in range(day, len(driving)):
            if driving.end_s[span] >= until_s:
                break
            last = span
            rest_h = min(stops_h[span], (until_s - driving.end_s[span]) / HOUR_S)
            split |= part_taken and rest_h >= SPLIT_REST_H[1]
            part_taken |= rest_h >= SPLIT_REST_H[0]
            longest_h = max(longest_h, rest_h)
            if rest_h >= SHORT_REST_H:
                break
        weekly = stops_h[last] >= WEEKLY_REST_H
        due_h = SHORT_REST_H
        if SHORT_REST_H <= longest_h < REST_H and not split:
            shortened += 1
            due_h = REST_H if shortened > SHORT_RESTS else SHORT_REST_H
        if longest_h < due_h:
            found.append(
                Breach(
                    kind="fatigue_eu_rest",
                    since_s=begin_s,
                    at_s=until_s - due_h * HOUR_S,
                    until_s=until_s,
                    peak=longest_h,
                    limit=due_h,
                )
            )
        if weekly:
            shortened = 0
        day = last + 1
    return found
