"""Moments as people give them, and as the API takes them: with a time zone, always."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Moment: TypeAlias = datetime | str
"""A datetime with its time zone (pandas' Timestamp is one), or RFC 3339 text with it."""

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
    start: datetime, end: datetime, longest: timedelta, step: timedelta | None
) -> Iterator[tuple[datetime, datetime]]:
    """A span cut into spans of at most that length, each beginning where the one before ends.

    Args:
        start: where it begins.
        end: where it ends; if that is not later, it comes as it is, for the API to refuse.
        longest: of a piece; a multiple of `step`.
        step: cuts lie between whole steps, which are counted from midnight UTC, so that no step is
            in two pieces; None: anywhere.
    """
    begin = start
    # The API widens a span to whole steps before it measures it.
    edge = start if step is None else start - (start - EPOCH) % step
    while edge + longest < end:
        edge += longest
        yield begin, edge
        begin = edge
    yield begin, end
