"""Advice: what to change, what it brings, in words people read, and whether it helped.

    fuel_part, fuel_cause ──advise──▶ advice ──render, card──▶ texts in English and Chinese
            │                           │
            └─────────weekly────────────┴──follow_up──▶ advice_result ──litres_saved──▶ the fleet's

All of it is pure: rows in, rows or texts out. Limits, each with its source, stand in rules.py, the
texts in texts/.
"""

from analytics.advice.advise import ADVICE_COLUMNS, advise
from analytics.advice.card import Bar, Card, card
from analytics.advice.follow_up import FollowUp, before_and_after, follow_up, weekly
from analytics.advice.kinds import KINDS, AdviceError, Kind
from analytics.advice.render import Rendered, render
from analytics.advice.saved import LitresSaved, litres_saved, tell_result, tell_saved
from analytics.advice.texts import LANGUAGES
from analytics.advice.week import AdviceWeek
from analytics.advice_rules import METHOD_VERSION, AdviceSettings

__all__ = [
    "ADVICE_COLUMNS",
    "KINDS",
    "LANGUAGES",
    "METHOD_VERSION",
    "AdviceError",
    "AdviceSettings",
    "AdviceWeek",
    "Bar",
    "Card",
    "FollowUp",
    "Kind",
    "LitresSaved",
    "Rendered",
    "advise",
    "before_and_after",
    "card",
    "follow_up",
    "litres_saved",
    "render",
    "tell_result",
    "tell_saved",
    "weekly",
]
