"""Why a message is refused: one stable code for machines, one sentence for people."""

import reprlib
from enum import StrEnum

from schemas.errors import TelemetryError


class Refusal(StrEnum):
    """The reasons, as dead letters and counters name them; a code never changes its meaning."""

    UNKNOWN_CONTENT_TYPE = "unknown_content_type"
    """The content type is missing, or none that is spoken here."""

    TOO_LARGE = "too_large"
    """More bytes than any message may have."""

    UNREADABLE = "unreadable"
    """The bytes are neither Protobuf nor JSON of this layout."""

    BAD_FIELD = "bad_field"
    """A JSON member is missing, unknown, given twice or of a wrong type."""

    BAD_VIN = "bad_vin"
    """The VIN has not the form of one."""

    EMPTY = "empty"
    """Neither a frame nor an event."""

    TOO_MANY_FRAMES = "too_many_frames"
    """More distinct times, or more rows, than a message may hold."""

    TOO_MANY_EVENTS = "too_many_events"
    """More events than a message may hold."""

    SHAPE_MISMATCH = "shape_mismatch"
    """The number of values is not times × signals."""

    BAD_SIGNAL_ID = "bad_signal_id"
    """An id that no catalogue can have, or one that stands twice in a block."""

    BAD_TIME = "bad_time"
    """A time that is no instant, or lies outside of 64-bit microseconds."""

    BAD_VALUE = "bad_value"
    """A signal value in JSON that is neither number, boolean, null nor an infinity."""

    BAD_EVENT = "bad_event"
    """An event of no known kind, or one whose content cannot be."""


class DecodeError(TelemetryError):
    """Bytes that are no message, or a message that contradicts itself.

    Attributes:
        reason: the stable code; the text of the error is for people and may change.
    """

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def brief(value: object) -> str:
    """The beginning of a JSON value, for a sentence; however deep it is nested."""
    text = reprlib.repr(value) if isinstance(value, dict | list) else str(value)
    return repr(text[:40])
