"""What goes over the wire, without the wire: requests, and their answers."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar
from urllib.parse import quote, urlencode

T = TypeVar("T")

IDEMPOTENCY_KEY = "idempotency-key"
ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
CSV = "text/csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request; what may hold secrets or personal data is not shown by `repr`."""

    method: str
    address: str
    """The address with the names of its parameters: /v1/vehicles/{vin}/trips."""
    url: str = field(repr=False)
    """The address with their values and the query; relative to the API's own."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)
    repeatable: bool = True
    """Whether to send it twice does what it does once."""

    def to(self, url: str) -> Request:
        """The same, of another page."""
        return replace(self, url=url)

    def having(self, headers: Mapping[str, str]) -> Request:
        """The same with more headers."""
        return replace(self, headers={**self.headers, **headers})


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """By name in lower case."""
    content: bytes = field(repr=False)


Asks: TypeAlias = Generator[Request, Answer, T]
"""Asks one or several times, and makes the answers into one thing."""


def get(
    address: str,
    /,
    params: Mapping[str, object] | None = None,
    accept: str = JSON,
    **of_path: object,
) -> Request:
    """A question.

    Args:
        address: with the names of its parameters.
        params: the query; what is None is left out.
        accept: the media type of the answer.
        of_path: the address's parameters.
    """
    url = _filled(address, of_path) + _query(params)
    return Request(method="GET", address=address, url=url, headers={"accept": accept})


def write(
    method: str,
    address: str,
    /,
    body: object = None,
    params: Mapping[str, object] | None = None,
    *,
    idempotency_key: str,
    **of_path: object,
) -> Request:
    """A request that changes something, once, however often it is sent.

    Args:
        method: PATCH, say.
        address: with the names of its parameters.
        body: what JSON can hold, or lines of CSV as bytes; None: there is none.
        params: the query; what is None is left out.
        idempotency_key: under which the server knows a second one.
        of_path: the address's parameters.
    """
    headers = {"accept": JSON, IDEMPOTENCY_KEY: idempotency_key}
    content = b""
    if isinstance(body, bytes):
        headers["content-type"], content = CSV, body
    elif body is not None:
        headers["content-type"], content = JSON, json.dumps(body).encode()
    elif method == "POST":
        headers["content-type"] = JSON  # which no page elsewhere can send: the API asks for it
    return Request(
        method=method,
        address=address,
        url=_filled(address, of_path) + _query(params),
        headers=headers,
        content=content,
    )


def _query(params: Mapping[str, object] | None) -> str:
    given = {name: _said(value) for name, value in (params or {}).items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def _said(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _filled(address: str, of_path: Mapping[str, object]) -> str:
    return address.format_map({name: quote(str(it), safe="") for name, it in of_path.items()})


def listed(given: str | Iterable[str] | None) -> str | None:
    """One text, or several with commas between."""
    return given if given is None or isinstance(given, str) else ",".join(given)
