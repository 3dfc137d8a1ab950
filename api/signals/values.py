"""A signal's stored number as the value a person or a program expects."""

import numpy as np
from pydantic import AwareDatetime, BaseModel, Field

from schemas.catalogue import Signal, ValueType
from storage.answers import Latest

Value = bool | int | float
"""A switch, a whole number (codes and counts included), or a measure."""


class Reading(BaseModel):
    """The latest value of a signal."""

    signal: str = Field(description="The signal's name.", examples=["wheel_speed"])
    value: Value = Field(description="In `unit`; switches are true and false.", examples=[83.5])
    unit: str = Field(
        description="The catalogue's unit; empty for switches and enumerations.", examples=["km/h"]
    )
    time: AwareDatetime = Field(
        description="When the vehicle measured it, UTC.", examples=["2026-11-01T08:00:00Z"]
    )


def reading(signal: Signal, latest: Latest) -> Reading:
    """A signal's latest value as it is told."""
    return Reading(
        signal=signal.name, value=told(signal, latest.value), unit=signal.unit, time=latest.time
    )


def told(signal: Signal, value: float) -> Value:
    """The value in the signal's own type.

    A float32 became a double on its way through the database (80.2 became 80.19999694824219): it is
    told with the digits it has.
    """
    match signal.type:
        case ValueType.BOOLEAN:
            return bool(value)
        case ValueType.REAL:
            return float(str(np.float32(value)))
        case ValueType.DOUBLE:
            return value
        case _:
            return int(value)
