"""Pages of listings by time in which several rows may begin at the same moment.

A cursor by time alone would pass over the rest of them, so it says how many of that moment's rows
have been shown.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from api import cursors
from api.parameters import Span, from_microseconds, link, microseconds, require_order
from api.problems import invalid
from api.trips import Order
from storage.served_behaviour import Page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_MICROSECOND = timedelta(microseconds=1)


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
        if not microseconds(start) <= time_us < microseconds(stop):
            raise invalid(
                "cursor",
                "This cursor lies outside the span from start to end.",
                "Follow the `next` link of the page before, unchanged.",
            )
        at = from_microseconds(time_us)
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
    """The address of the next page; None where all that was found is on this one.

    Args:
        path: the address without its query.
        query: what was asked.
        page: what was asked of the database.
        starts: those of all the rows that were found, in their order.
    """
    if len(starts) < page.limit:
        return None
    return link(path, query, cursor_after(starts[: page.limit - 1], page))
