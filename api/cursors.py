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

MAX_LENGTH = 96
"""Characters; what we make is shorter than that."""

_TIME_US = re.compile(r"-?[0-9]{1,17}", re.ASCII)
_ROWS_OF_TIME = re.compile(r"(-?[0-9]{1,17})\.([0-9]{1,6})", re.ASCII)
_DISTANCE = r"([0-9]{1,8}(?:\.[0-9]{1,20})?(?:e-[0-9]{2})?)"
_PLACE = re.compile(_DISTANCE + r",(.{17})", re.ASCII)
_PSEUDONYM = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ROWS_OF_VEHICLE = re.compile(r"([0-9a-f]{32}),(-?[0-9]{1,17})\.([0-9]{1,6})", re.ASCII)
_POINT = re.compile(_DISTANCE + r",([0-9]{1,18})", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_NAME = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)


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


def after_place(distance_m: float, vin: str) -> str:
    """A cursor that goes on after a vehicle at a distance [m], in a listing by distance."""
    return _write("d", f"{distance_m!r},{vin}")  # written so, a double comes back as it was


def read_place(cursor: str) -> tuple[float, str]:
    """The distance [m] and the VIN to go on after.

    Raises:
        ProblemError: 422, it is no cursor of a listing by distance.
    """
    found = _PLACE.fullmatch(_read("d", cursor))
    if found is None:
        raise _no_cursor()
    try:
        check_vin(found.group(2))
    except TelemetryError as error:
        raise _no_cursor() from error
    return float(found.group(1)), found.group(2)


def after_point(distance_m: float, number: int) -> str:
    """A cursor that goes on after something of that number at a distance [m]."""
    return _write("s", f"{distance_m!r},{number}")


def read_point(cursor: str) -> tuple[float, int]:
    """The distance [m] and the number to go on after.

    Raises:
        ProblemError: 422, it is no cursor of a listing of places by distance.
    """
    found = _POINT.fullmatch(_read("s", cursor))
    if found is None:
        raise _no_cursor()
    return float(found.group(1)), int(found.group(2))


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


def after_rows(time_us: int, rows: int) -> str:
    """A cursor that goes on after so many rows of a time, in microseconds since 1970-01-01 UTC.

    For listings in which several rows may have the same time.
    """
    return _write("r", f"{time_us}.{rows}")


def read_rows(cursor: str) -> tuple[int, int]:
    """The time to go on at, and how many of its rows to pass over.

    Raises:
        ProblemError: 422, it is no cursor of such a listing.
    """
    found = _ROWS_OF_TIME.fullmatch(_read("r", cursor))
    if found is None:
        raise _no_cursor()
    return int(found.group(1)), int(found.group(2))


def after_number(number: int) -> str:
    """A cursor that goes on after a number: an id, or a place in a ranking."""
    return _write("n", str(number))


def read_number(cursor: str) -> int:
    """The number to go on after.

    Raises:
        ProblemError: 422, it is no cursor of a listing by number.
    """
    text = _read("n", cursor)
    if _NUMBER.fullmatch(text) is None:
        raise _no_cursor()
    return int(text)


def after_vehicle(pseudonym: str) -> str:
    """A cursor that goes on after a vehicle of a dataset."""
    return _write("p", pseudonym)


def read_vehicle(cursor: str) -> str:
    """The vehicle of a dataset to go on after.

    Raises:
        ProblemError: 422, it is no cursor of a listing of a dataset's vehicles.
    """
    pseudonym = _read("p", cursor)
    if _PSEUDONYM.fullmatch(pseudonym) is None:
        raise _no_cursor()
    return pseudonym


def after_rows_of_vehicle(pseudonym: str, time_us: int, rows: int) -> str:
    """A cursor that goes on after so many rows of a time of a vehicle of a dataset.

    The time is in microseconds since 1970-01-01 UTC.
    """
    return _write("q", f"{pseudonym},{time_us}.{rows}")


def read_rows_of_vehicle(cursor: str) -> tuple[str, int, int]:
    """The vehicle and the time to go on at, and how many of its rows to pass over.

    Raises:
        ProblemError: 422, it is no cursor of a listing by vehicle and time.
    """
    found = _ROWS_OF_VEHICLE.fullmatch(_read("q", cursor))
    if found is None:
        raise _no_cursor()
    return found.group(1), int(found.group(2)), int(found.group(3))


def after_name(name: str) -> str:
    """A cursor that goes on after a public name of ours: a client's or a key's."""
    return _write("k", name)


def read_name(cursor: str) -> str:
    """The name to go on after.

    Raises:
        ProblemError: 422, it is no cursor of a listing by name.
    """
    text = _read("k", cursor)
    if _NAME.fullmatch(text) is None:
        raise _no_cursor()
    return text


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
