"""Hours at the wheel: a driver's driving across vehicles against the rules of China or the EU.

A driver's day is a list of spans of driving (`driving_spans`). What lies between two of them is a
stop, and every rule is about how much driving lies between stops of some length, or within some
time. Only driving is known: a stop spent loading counts as rest here, so rules are broken at least
as often as `fatigue_events` finds.
"""

from analytics.fatigue.china import PASSENGER_KINDS
from analytics.fatigue.driving_spans import driving_spans
from analytics.fatigue.events import KINDS, RULES, FatigueError, fatigue_events

__all__ = ["KINDS", "PASSENGER_KINDS", "RULES", "FatigueError", "driving_spans", "fatigue_events"]
