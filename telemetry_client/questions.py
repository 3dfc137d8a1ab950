"""Kinds of question: for one thing, for a table in pages, for changes as they happen."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from telemetry_client.entries import Entry
from telemetry_client.errors import UnexpectedAnswerError
from telemetry_client.frames import joined, of_arrow, of_rows
from telemetry_client.messages import ARROW, Answer, Asks, Request, get

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_NEXT = re.compile(r'<(?P<url>[^>]*)>\s*;\s*rel="next"')


class Question(Protocol[T_co]):
    """What can be asked, and what comes of it."""

    def asks(self) -> Asks[T_co]:
        """Ask."""
        ...


@dataclass(frozen=True, kw_only=True)
class Bookmark:
    """Where a walk through a table's pages is."""

    request: Request
    """Asks for the next page."""
    left: int | None
    """Rows that are still wanted; None: all."""
    rows: int | None
    """Rows of each page that were wished for."""
    piece: int = 0
    """Of a question that is asked in pieces, which one."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of a table."""

    frame: pd.DataFrame
    next: Bookmark | None
    """Where to go on; None: it was the last."""


class Paged(Question[pd.DataFrame], Protocol):
    """What can be asked page by page too."""

    def first(self, rows: int | None = None) -> Bookmark:
        """Where its pages begin.

        Args:
            rows: of each page; None: as many as the API gives.
        """
        ...

    def page(self, place: Bookmark) -> Asks[Page]:
        """Ask for the page at a place."""
        ...


def body_of(answer: Answer) -> dict[str, Any]:
    """The object that an answer is.

    Raises:
        UnexpectedAnswerError: it is none.
    """
    try:
        body = json.loads(answer.content)
    except ValueError as error:
        raise UnexpectedAnswerError("The answer is no JSON.") from error
    if not isinstance(body, dict):
        raise UnexpectedAnswerError("The answer is no JSON object.")
    return body


def read_as(kind: type[T], content: bytes | str) -> T:
    """JSON as an object of a class; fields the class does not have are passed over.

    Raises:
        UnexpectedAnswerError: it is no such object.
    """
    try:
        # A class can be hashed, which mypy does not take for granted.
        read: T = _adapter(kind).validate_json(content)  # type: ignore[arg-type]
    except ValidationError as error:
        # From None: the error's own text quotes the answer.
        where = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
        raise UnexpectedAnswerError(
            f"The answer is no {kind.__name__} (look at {where or 'its JSON'}): "
            "is the client as new as the API?"
        ) from None
    return read


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@dataclass(frozen=True, kw_only=True)
class Single(Generic[T]):
    """A question for one thing."""

    request: Request
    of: type[T]

    def asks(self) -> Asks[T]:
        """Ask once."""
        answer = yield self.request
        found = read_as(self.of, answer.content)
        if isinstance(found, Entry):
            return replace(found, etag=answer.headers.get("etag"))
        return found


@dataclass(frozen=True, kw_only=True)
class Table:
    """A question for a table that comes whole."""

    request: Request
    frame: Callable[[Answer], pd.DataFrame]

    def asks(self) -> Asks[pd.DataFrame]:
        """Ask once."""
        return self.frame((yield self.request))


@dataclass(frozen=True, kw_only=True)
class Changes(Generic[T]):
    """A question for events as they happen."""

    request: Request
    event: str
    """Their name."""
    of: type[T]


class Walk(ABC):
    """A question for a table that comes in pages, each with a link to the next."""

    limit: int | None
    """So many rows at most; None: all."""

    def asks(self) -> Asks[pd.DataFrame]:
        """Ask for one page after the other."""
        frames = []
        place: Bookmark | None = self.first()
        while place is not None:
            page = yield from self.page(place)
            frames.append(page.frame)
            place = page.next
        return joined(frames)

    def first(self, rows: int | None = None) -> Bookmark:
        """Where its pages begin."""
        least = min((n for n in (rows, self.limit) if n is not None), default=None)
        return Bookmark(request=self.request(least), left=self.limit, rows=rows)

    def page(self, place: Bookmark) -> Asks[Page]:
        """Ask for the page at a place.

        Raises:
            UnexpectedAnswerError: its link leads elsewhere, where what says who asks must not go.
        """
        answer = yield place.request
        frame, link = self.frame(answer), self.link(answer)
        left = place.left
        if left is not None:
            frame = frame.head(left)
            left -= len(frame)
        following = None
        if link is not None and left != 0:
            following = replace(place, request=place.request.to(_own(link)), left=left)
        return Page(frame=frame, next=following)

    @abstractmethod
    def request(self, rows: int | None) -> Request:
        """Asks for the first page, of so many rows; None: as many as the API gives."""

    @abstractmethod
    def frame(self, answer: Answer) -> pd.DataFrame:
        """The rows of a page."""

    @abstractmethod
    def link(self, answer: Answer) -> str | None:
        """The address of the page after it."""


@dataclass(frozen=True, kw_only=True)
class ArrowListing(Walk):
    """A listing that the API tells in Arrow: whole, or in pages where only so much is wanted."""

    address: str
    index: str
    """The column that becomes the index."""
    most: int
    """Rows of the largest page."""
    of_path: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)
    limit: int | None = None
    lists: Sequence[str] = ()
    """Columns that have lists, as JSON text."""

    def asks(self) -> Asks[pd.DataFrame]:
        """Ask for all of it at once, or for pages until there is so much."""
        if self.limit is None:
            return self.frame((yield self._get(None)))
        return (yield from super().asks())

    def request(self, rows: int | None) -> Request:
        """Asks for the first page."""
        return self._get(self.most if rows is None else min(rows, self.most))

    def frame(self, answer: Answer) -> pd.DataFrame:
        """The rows of an Arrow stream."""
        return of_arrow(answer.content, self.index, self.lists)

    def link(self, answer: Answer) -> str | None:
        """What the header Link says."""
        found = _NEXT.search(answer.headers.get("link", ""))
        return None if found is None else found["url"]

    def _get(self, rows: int | None) -> Request:
        return get(self.address, {**self.params, "limit": rows}, ARROW, **self.of_path)


@dataclass(frozen=True, kw_only=True)
class JsonListing(Walk):
    """A listing that the API tells in JSON alone."""

    address: str
    index: str | None
    """The column that becomes the index; None: rows are numbered."""
    most: int
    """Rows of the largest page."""
    rows: str
    """The field that has the rows."""
    of: type
    """The class that describes a row."""
    of_path: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)
    limit: int | None = None
    about: Sequence[str] = ()
    """Fields beside the rows that go to the table's attrs."""

    def request(self, rows: int | None) -> Request:
        """Asks for the first page."""
        least = self.most if rows is None else min(rows, self.most)
        return get(self.address, {**self.params, "limit": least}, **self.of_path)

    def frame(self, answer: Answer) -> pd.DataFrame:
        """The rows, with what is said about all of them."""
        body = body_of(answer)
        frame = of_rows(rows_of(body, self.rows), self.of, self.index)
        frame.attrs |= {name: body.get(name) for name in self.about}
        return frame

    def link(self, answer: Answer) -> str | None:
        """What the field `next` says."""
        return body_of(answer).get("next")


def rows_of(body: Mapping[str, Any], *path: str) -> list[dict[str, Any]]:
    """The rows of a listing.

    Raises:
        UnexpectedAnswerError: there are none.
    """
    found: Any = body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise UnexpectedAnswerError(f"The answer has no list {'.'.join(path)}.")
    return found


def _own(url: str) -> str:
    """A link, if it leads to the API itself."""
    if not url.startswith("/") or url.startswith("//") or "\\" in url:
        raise UnexpectedAnswerError("The link to the next page leads away from the API.")
    return url
