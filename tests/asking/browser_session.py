"""A person in a browser, for tests over HTTP: keeps cookies and sends what pages send."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2

from tests.asking.patience import PATIENCE_S
from tests.worlds.identity_world import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = {"sec-fetch-site": "same-origin"}
"""What a browser says of what one of our pages asks."""

PAGE = {"accept": "text/html", "accept-language": "en"}


@contextmanager
def browser(served: httpx2.Client) -> Iterator[httpx2.Client]:
    """A browser of its own that asks what `served` asks."""
    with httpx2.Client(base_url=served.base_url, headers=PAGE, timeout=PATIENCE_S) as client:
        yield client


def enter(client: httpx2.Client, name: str, **more: str) -> httpx2.Response:
    """The answer to a person who signs in by the form."""
    return client.post("/sign-in", data={"name": name, "password": PASSWORD, **more}, headers=OURS)


def entered(served: httpx2.Client, name: str) -> Iterator[httpx2.Client]:
    """The browser of somebody who has signed in, for a fixture to hand on."""
    with browser(served) as client:
        assert enter(client, name).status_code == 303
        yield client


def page_token(client: httpx2.Client, path: str = "/") -> str:
    """The token that a page's forms send back."""
    found = re.search(r'name="csrf" value="([0-9a-f]{128})"', client.get(path).text)
    assert found is not None, f"{path} has no form"
    return found.group(1)


def leave(client: httpx2.Client, **more: str) -> httpx2.Response:
    """The answer to a person who signs out by a page's form."""
    return client.post("/sign-out", data={"csrf": page_token(client), **more}, headers=OURS)
