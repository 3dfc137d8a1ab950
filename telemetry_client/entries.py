"""Entries of registers: a change may depend on nobody else's having come first."""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a register says, and what that was known by when it was said."""

    etag: str | None = field(default=None, compare=False)
    """Given as `if_match`, a change is made only while the entry is as it is here."""


def told(of: type[Any]) -> list[Field[Any]]:
    """The fields of a record that an answer's body has."""
    beside = {one.name for one in fields(Entry)} if issubclass(of, Entry) else set()
    return [one for one in fields(of) if one.name not in beside]
