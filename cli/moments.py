"""Days and times on the command line: a day is UTC's, a time of the day has its zone."""

from datetime import UTC, date, datetime

import typer

DAY, TIME = "YYYY-MM-DD", "TIME"
"""How help calls them."""


def day(text: str) -> datetime:
    """The moment at which a day begins, UTC.

    Raises:
        typer.BadParameter: it is no day.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day: write 2026-11-01") from error
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def time(text: str) -> datetime:
    """A moment.

    Raises:
        typer.BadParameter: it is none, or it is not told by which clock.
    """
    found = _read(text)
    if found.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no time zone: write 2026-11-01T08:00:00+08:00")
    return found


def day_or_time(text: str) -> datetime:
    """A moment; of a day, the one at which it begins. What has no zone is UTC's.

    Raises:
        typer.BadParameter: it is neither.
    """
    found = _read(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def require_order(first: datetime | None, last: datetime | None) -> None:
    """Refuse days that --from and --to have the wrong way round.

    Raises:
        typer.BadParameter: says so.
    """
    if first is not None and last is not None and first > last:
        raise typer.BadParameter(f"--from {first.date()} lies after --to {last.date()}: swap them")


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time: write 2026-11-01T08:00:00+08:00") from error
