"""Cursors: where a page ended, as a text that clients hand back and do not read.

A cursor says which listing it is of and after what to go on. It opens nothing: what the principal
may see is decided anew for each page.
"""

from __future__ import annotations

import base64
import binascii
import re

from api.problems import ProblemError, invalid
from schemas.errors import TelemetryError
from schemas.vin import check_vin

MAX_LENGTH = 64
"""Characters; what we make is shorter than half of that."""

_TIME_US = re.compile(r"-?[0-9]{1,17}", re.ASCII)


def after_vin(vin: str) -> str:
    """A cursor that goes on after a VIN."""
    return _write("v", vin)


def read_vin(cursor: str) -> str:
    """The VIN to go on after.

    Raises:
        ProblemError: 422, it is no cursor of a listing of vehicles.
    """
    vin = _read("v", cursor)
    try:
        check_vin(vin)
    except TelemetryError as error:
        raise _no_cursor() from error
    return vin


def after_time(time_us: int) -> str:
    """A cursor that goes on after a time, in microseconds since 1970-01-01 UTC."""
    return _write("t", str(time_us))


def read_time(cursor: str) -> int:
    """The time to go on after, in microseconds since 1970-01-01 UTC.

    Raises:
        ProblemError: 422, it is no cursor of a listing by time.
    """
    text = _read("t", cursor)
    if _TIME_US.fullmatch(text) is None:
        raise _no_cursor()
    return int(text)


def _write(kind: str, position: str) -> str:
    return base64.urlsafe_b64encode(f"{kind}{position}".encode()).decode().rstrip("=")


def _read(kind: str, cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise _no_cursor() from error
    # One position has one spelling: anything else did not come from us.
    if not text.startswith(kind) or _write(kind, text[len(kind) :]) != cursor:
        raise _no_cursor()
    return text[len(kind) :]


def _no_cursor() -> ProblemError:
    return invalid(
        "cursor",
        "This cursor is not one that this listing has given.",
        "Follow the `next` link of the page before, unchanged; without `cursor` it begins anew.",
    )
