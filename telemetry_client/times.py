"""Moments as people give them, and as the API takes them: with a time zone, always."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

Moment: TypeAlias = datetime | str
"""A datetime with its time zone (pandas' Timestamp is one), or RFC 3339 text with it."""

UTC_NAME = "UTC"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(given: Moment, name: str) -> datetime:
    """A moment in UTC.

    Args:
        given: the moment.
        name: what it is called, for the error.

    Raises:
        ValueError: it is none, or has no time zone.
    """
    read = datetime.fromisoformat(given) if isinstance(given, str) else given
    if read.tzinfo is None:
        raise ValueError(
            f"The time {name} lacks its time zone: add tzinfo=UTC, or Z (or +08:00) to a text."
        )
    return read.astimezone(UTC)


def text(given: Moment, name: str) -> str:
    """A moment as the API takes it, in UTC."""
    return moment(given, name).isoformat().replace("+00:00", "Z")


def span(start: Moment, end: Moment) -> dict[str, str]:
    """The parameters that say a span."""
    return {"start": text(start, "start"), "end": text(end, "end")}


def pieces(
    start: datetime,
    end: datetime,
    longest: timedelta,
    step: timedelta | None,
    time_zone: str = UTC_NAME,
) -> Iterator[tuple[datetime, datetime]]:
    """A span cut into spans of at most that length, each beginning where the one before ends.

    Args:
        start: where it begins.
        end: where it ends; if that is not later, it comes as it is, for the API to refuse.
        longest: of a piece; a multiple of `step`.
        step: cuts lie between whole steps, so that no step is in two pieces; None: anywhere.
        time_zone: from whose midnights steps are counted; then cuts are midnights.
    """
    begin = start
    for edge in _edges(start, longest, step, time_zone):
        if edge >= end:
            break
        yield begin, edge
        begin = edge
    yield begin, end


def _edges(
    start: datetime, longest: timedelta, step: timedelta | None, time_zone: str
) -> Iterator[datetime]:
    if step is None or time_zone == UTC_NAME:
        # The API widens a span to whole steps before it measures it.
        edge = start if step is None else start - (start - EPOCH) % step
        while True:
            edge += longest
            yield edge
    zone = ZoneInfo(time_zone)
    # One day less: some are longer than others.
    days = timedelta(days=max(longest // timedelta(days=1) - 1, 1))
    midnight = datetime.combine(start.astimezone(zone).date(), time())
    while True:
        midnight += days
        yield midnight.replace(tzinfo=zone).astimezone(UTC)
