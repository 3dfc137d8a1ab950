"""Times as people write them and as the arrays hold them: RFC 3339 and int64 microseconds."""

from datetime import UTC, datetime, timedelta

from schemas.wire.event import check_time
from schemas.wire.refusal import DecodeError, Refusal, brief

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def read_time(value: object) -> int:
    """Read a JSON time: RFC 3339 text with an offset, or integer microseconds since 1970 UTC.

    Raises:
        DecodeError: `bad_time`.
    """
    if type(value) is int:  # not isinstance: a boolean is no time
        check_time(value)
        return value
    if type(value) is str:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            return (moment - _EPOCH) // _MICROSECOND
    raise DecodeError(
        Refusal.BAD_TIME,
        f"{brief(value)} is no time: send RFC 3339 with an offset, such as"
        f" 2026-01-01T00:00:00.000Z, or integer microseconds since 1970",
    )


def write_time(time_us: int) -> str | int:
    """Write RFC 3339 in UTC, or the microseconds as they are where no calendar year holds them."""
    try:
        moment = _EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        return time_us
    digits = "milliseconds" if moment.microsecond % 1000 == 0 else "microseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=digits) + "Z"
