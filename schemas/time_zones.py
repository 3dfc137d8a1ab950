"""Time zones by the names that people, Python and PostgreSQL share: those of the IANA database."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from schemas.errors import TelemetryError

_NO_PLACES = {"Factory", "localtime"}
"""In the database's folder, and no names of zones: PostgreSQL does not know them."""


class TimeZoneError(TelemetryError):
    """There is no such time zone; the message names it and shows what one looks like."""


def zone(name: str) -> ZoneInfo:
    """The time zone of that name.

    `ZoneInfo` alone opens any file below the database's folder: rules with leap seconds, the
    machine's own clock. PostgreSQL also takes abbreviations and POSIX rules (GMT+8 lies west of
    Greenwich there).

    Raises:
        TimeZoneError: there is none.
    """
    if name not in _names():
        raise TimeZoneError(
            f"No time zone {name!r}: give an IANA name such as Asia/Shanghai or Europe/Berlin."
        )
    return ZoneInfo(name)


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones() - _NO_PLACES)
