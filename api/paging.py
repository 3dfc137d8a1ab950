"""Pages of listings: which rows are asked for, and the address of the next page.

One row more than a page shows is read, which says whether there is another page. In listings by
time several rows may begin at the same moment: a cursor by time alone would pass over the rest of
them, so it says how many of that moment's rows have been shown.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from api import cursors
from api.parameters import Order, link, microseconds, require_order, time_within
from storage.served_behaviour import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from api.parameters import Paged, Span

_MICROSECOND = timedelta(microseconds=1)

_BEYOND = 2**63 - 1
"""Before this number lies every row of a table."""

Row = TypeVar("Row")


def number_after(query: Paged) -> int:
    """After which number a listing by number goes on; 0: it begins.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    return 0 if query.cursor is None else cursors.read_number(query.cursor)


def number_before(query: Paged) -> int:
    """Before which number a listing by number goes on that has the newest first.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    return _BEYOND if query.cursor is None else cursors.read_number(query.cursor)


def link_if_more(
    path: str,
    query: Paged,
    found: Sequence[Row],
    limit: int,
    cursor: Callable[[Sequence[Row]], str],
) -> str | None:
    """The address of the next page; None where all that was found is on this one.

    Args:
        path: the address without its query.
        query: what was asked.
        found: the rows that were found, in their order.
        limit: how many of them are shown.
        cursor: makes the cursor that goes on after the rows that are shown.
    """
    return link(path, query, cursor(found[:limit])) if len(found) > limit else None


def wanted(query: Span, order: Order, limit: int) -> Page:
    """The rows that a question asks for, and one more, which says whether there is another page.

    Raises:
        ProblemError: 422, the span is empty or the cursor is none of ours.
    """
    require_order(query.start, query.end)
    start, stop, skipped = query.start, query.end, 0
    newest_first = order is Order.NEWEST_FIRST
    if query.cursor is not None:
        time_us, skipped = cursors.read_rows(query.cursor)
        at = time_within(time_us, start, stop)
        start, stop = (start, at + _MICROSECOND) if newest_first else (at, stop)
    return Page(start=start, stop=stop, newest_first=newest_first, limit=limit + 1, skipped=skipped)


def cursor_after(starts: Sequence[datetime], page: Page) -> str:
    """The cursor that goes on after a page.

    Args:
        starts: those of the rows that are shown, in their order; at least one.
        page: what was asked for.
    """
    last = starts[-1]
    rows = sum(start == last for start in starts)
    edge = page.stop - _MICROSECOND if page.newest_first else page.start
    if last == edge:
        # The page before ended in the same moment, and this one has not left it.
        rows += page.skipped
    return cursors.after_rows(microseconds(last), rows)


def next_link(path: str, query: Span, page: Page, starts: Sequence[datetime]) -> str | None:
    """The address of the next page of a listing by time; None where there is none.

    Args:
        path: the address without its query.
        query: what was asked.
        page: what was asked of the database.
        starts: those of all the rows that were found, in their order.
    """
    return link_if_more(
        path, query, starts, page.limit - 1, lambda shown: cursor_after(shown, page)
    )
