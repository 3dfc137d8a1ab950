"""Reads a JSON object member by member, strictly: a wrong type or a stray name is refused.

A misspelt member would otherwise lose data in silence, and a partner would never learn of it.
"""

from typing import Any

from schemas.wire.refusal import DecodeError, Refusal


class Members:
    """The members of one JSON object; each is taken once, and `nothing_else` may be left.

    Every method raises `DecodeError` with `bad_field` where a member is missing or of a wrong type.
    """

    def __init__(self, where: str, value: object) -> None:
        self._where = where
        if type(value) is not dict:
            raise self._refusal(f"must be an object, not {_kind(value)}")
        self._left = dict(value)

    def take(self, name: str) -> Any:
        """The member of any type, which must be there."""
        if name not in self._left:
            raise self._refusal(f"lacks the member {name!r}")
        return self._left.pop(name)

    def text(self, name: str, default: str | None = None) -> str:
        """A string; `default`, if given, stands for a missing one."""
        return str(self._typed(name, str, "a string", default))

    def integer(self, name: str, default: int | None = None) -> int:
        """An integer; `default`, if given, stands for a missing one."""
        return int(self._typed(name, int, "an integer", default))

    def absent(self, name: str) -> bool:
        """Whether the member is missing or null; a null counts as taken."""
        if self._left.get(name) is not None:
            return False
        self._left.pop(name, None)
        return True

    def boolean(self, name: str) -> bool:
        """A boolean."""
        return bool(self._typed(name, bool, "true or false", None))

    def array(self, name: str) -> list[Any]:
        """An array; a missing one is empty."""
        return list(self._typed(name, list, "an array", []))

    def nothing_else(self) -> None:
        """Refuse the object if a member was not taken."""
        if self._left:
            raise self._refusal(
                f"has the unknown member {next(iter(self._left))[:80]!r}: remove it"
            )

    def _typed(self, name: str, kind: type, article: str, default: Any) -> Any:
        if default is not None and name not in self._left:
            return default
        value = self.take(name)
        if type(value) is not kind:  # not isinstance: a boolean is no integer
            raise self._refusal(f"member {name!r} must be {article}, not {_kind(value)}")
        return value

    def _refusal(self, what: str) -> DecodeError:
        return DecodeError(Refusal.BAD_FIELD, f"{self._where} {what}; see docs/wire-format.md")


_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number with a fraction",
    type(None): "null",
}


def _kind(value: object) -> str:
    return _KINDS[type(value)]
