"""When something is worth saying: the limits of advice, each with its unit and source."""

from __future__ import annotations

from dataclasses import dataclass

METHOD_VERSION = 1
"""Raised when the same weeks would give other advice."""

MEMORY_WEEKS = 8  # weeks back that count for what was said before (contract of the tables)
PAST_WEEKS = 4  # weeks before, with which corridors and loads are compared (Motive's span)

HIGH_CONFIDENCE = 0.2  # half the interval over the saving (ours: "18 L, give or take 4")
MEDIUM_CONFIDENCE = 0.4  # likewise (ours: "18 L, give or take 7")

EFFICIENCY = 0.40  # of the engine under load (FIELD: 29-30.5 L/100 km at 31.4 t need it)

ROLLING = 0.00676  # Crr of firm tyres (MOVES' long-haul combination, FIELD)
ROLLING_SHARE = 0.4  # of the fuel, where the mass is unknown (ours: half on level trunk roads)
SOFTEST_PERCENT = 40.0  # %, softer tyres would have failed (ours)

EMPTY_SHARE = 0.20  # of a fleet's way that is empty (Eurostat 2020, all transport; 0.216 in 2024)
EMPTY_SHARE_TOLD = 0.30  # told from half as much again on (ours)
FULL_SHARE = 0.75  # of the largest load that a well planned week carries on average (ours)
FULL_SHARE_TOLD = 0.60  # told below (ours)
LEAST_LOAD_KM = 300.0  # km of known load, of which one may speak (ours: a day's work)
LEAST_LOAD_COVERAGE = 0.8  # of the week's way on which the load is known (ours)
LEAST_SPARED_KM = 100.0  # km a week; less is not worth a planner's call (ours)
LEAST_PAYLOAD_T = 1.0  # t; a largest load below is a scale's error (ours)
LEAST_RUN_KM = 20.0  # km of one load, from which on it may be the largest (ours)

LEAST_IDLE_DAYS = 3  # of seven: more than a weekend (ours)

DAY_WINDOWS_H = ((6, 10), (10, 16), (16, 22))  # departures that are compared, local hours (ours)
"""Departures at night are never proposed: people are tired then."""
LEAST_RUNS = 4  # of one corridor in each of two windows, to compare them (ours)
LEAST_CORRIDOR_KM = 5.0  # km; on less a stop more or less is chance (ours)
STOP_ERROR = 0.4  # relative, of a stop's litres: how fast before, how much was coasted (ours)
LEAST_HOURS = 1.0  # h a week that another departure must spare (ours)
LEAST_HOURS_SHARE = 0.03  # of the driving hours (ours)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdviceSettings:
    """What a fleet may set about its advice.

    Attributes:
        least_l: no advice for fewer litres a week (setting ADVICE_LEAST_L).
        least_share: nor for less than this share of the fuel.
        sure: how many times wider than its 90 % interval downwards a saving must be to count as
            one. Nine causes are looked at a week; that a perfect driver is told nothing in 98 of
            100 weeks needs 2.85 deviations each (1 - 0.98^(1/9) = 0.22 % above), and the interval
            has 1.645.
        most: pieces a week for one driver, and for one vehicle: people change one thing at a time.
        accepted_rest_weeks: an accepted piece rests so long: it takes effect, and is measured.
        dismissed_rest_weeks: a dismissed one so long.
        grew: unless its share of the fuel has grown by this factor meanwhile.
    """

    least_l: float = 2.0
    least_share: float = 0.01
    sure: float = 2.85 / 1.645
    most: int = 3
    accepted_rest_weeks: int = 4
    dismissed_rest_weeks: int = 8
    grew: float = 1.5
