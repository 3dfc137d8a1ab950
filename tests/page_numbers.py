"""What a page holds, read out of its HTML: its numbers, and its tags."""

from __future__ import annotations

from html.parser import HTMLParser


class Data(HTMLParser):
    """The numbers of a page: the values of its `data` elements, and those that have a name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: list[float] = []
        self.named: dict[str, list[float]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "data":
            value = float(attributes["value"] or "nan")
            self.values.append(value)
            if (name := attributes.get("data-of")) is not None:
                self.named.setdefault(name, []).append(value)


class Elements(HTMLParser):
    """Tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
