"""What there is advice on: whom each piece is for, what it is counted in, how hard it is to follow.

The causes of `fuel_cause` are counted in litres. Of transport's efficiency only avoidable stops
are: a return load saves no litre on the truck that carries it, it saves another truck's trip. So
empty running and half loads are counted in kilometres, standing vehicles in days, slow roads in
hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.errors import TelemetryError

Audience = Literal["driver", "workshop", "fleet"]
Level = Literal["low", "medium", "high"]
Unit = Literal["l", "km", "days", "h"]


class AdviceError(TelemetryError):
    """Advice cannot be given or told as asked; the message names the frame, column or text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of advice.

    Attributes:
        audience: who can do it. What is the driver's is given to each driver of a vehicle, all
            else once a vehicle.
        effort: how hard it is to follow.
        unit: what its saving is counted in.
    """

    audience: Audience
    effort: Level
    unit: Unit = "l"


KINDS: dict[str, Kind] = {
    "idling": Kind(audience="driver", effort="low"),
    "speed": Kind(audience="driver", effort="low"),
    "harsh": Kind(audience="driver", effort="medium"),
    "gears": Kind(audience="driver", effort="medium"),
    "coasting": Kind(audience="driver", effort="medium"),
    "cruise": Kind(audience="driver", effort="low"),
    "tyres": Kind(audience="workshop", effort="low"),
    "auxiliary": Kind(audience="workshop", effort="medium"),
    "fault": Kind(audience="workshop", effort="high"),
    "stops": Kind(audience="fleet", effort="medium"),
    "empty_running": Kind(audience="fleet", effort="high", unit="km"),
    "load_factor": Kind(audience="fleet", effort="high", unit="km"),
    "idle_days": Kind(audience="fleet", effort="medium", unit="days"),
    "hours": Kind(audience="fleet", effort="medium", unit="h"),
}
"""By the name in column `cause`, in the order in which pieces of equal saving are told."""

NOBODYS = "rest"
"""The cause nobody can do anything about."""

OF_FUEL = ("idling", "speed", "harsh", "gears", "coasting", "cruise", "tyres", "auxiliary", "fault")
"""Those that are causes of `fuel_cause`."""
