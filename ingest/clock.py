"""Times as the wire and the arrays hold them, and as Python and the database do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_time(microseconds: int) -> datetime:
    """Microseconds since 1970 UTC as a datetime."""
    return _EPOCH + timedelta(microseconds=microseconds)


def as_microseconds(time: datetime) -> int:
    """A datetime as microseconds since 1970 UTC."""
    return (time - _EPOCH) // timedelta(microseconds=1)
