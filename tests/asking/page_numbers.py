"""What a page holds, its numbers and tags, and what the API says to the same person."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from tests.asking.browser_session import OURS
from tests.worlds.pages_world import MONDAY

if TYPE_CHECKING:
    import httpx2


class Data(HTMLParser):
    """The numbers of a page: the values of its `data` elements, and those that have a name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: list[float] = []
        self.named: dict[str, list[float]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take up one of them."""
        attributes = dict(attrs)
        given = attributes.get("value") or "nan"
        if tag == "data" and " " not in given:  # a place on a map is two numbers
            value = float(given)
            self.values.append(value)
            if (name := attributes.get("data-of")) is not None:
                self.named.setdefault(name, []).append(value)


def data(client: httpx2.Client, address: str) -> Data:
    """The numbers of the page at an address."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return Data(answer.text)


def api(client: httpx2.Client, address: str, **params: Any) -> Any:
    """What the API says, asked by a page's script."""
    headers = OURS | {"accept": "application/json"}
    # Of no parameters httpx would take those of the address away.
    answer = client.get(address, params=params or None, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def week(number: int = 0, weeks: int = 1) -> dict[str, str]:
    """So many weeks that begin with the one that is `number` weeks from the newest."""
    start = MONDAY + timedelta(weeks=number)
    return {
        "start": start.isoformat().replace("+00:00", "Z"),
        "end": (start + timedelta(weeks=weeks)).isoformat().replace("+00:00", "Z"),
    }


class Elements(HTMLParser):
    """Tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
