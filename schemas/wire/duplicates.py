"""Finds a JSON member that is given twice: orjson keeps the last one and says nothing.

Each member and each string value costs two quotation marks; a dropped member, or an escaped mark
within a string, costs more than the parsed document accounts for. So counting marks tells at the
speed of memory that nothing was dropped. Only a document that fails the count is read again.
"""

import json
from typing import Any

import numpy as np

from schemas.wire.refusal import DecodeError, Refusal

_QUOTE = ord('"')
_NO_QUOTES = frozenset({int, float, bool, type(None)})


def quotes(value: object) -> int:
    """Quotation marks that a parsed value needs around its names and strings."""
    if type(value) is str:
        return 2
    if type(value) is list:
        return sum(map(quotes, value))
    if type(value) is dict:
        names = 2 * len(value)
        # A frame's values hold no strings as a rule: one pass in C sees it.
        if _NO_QUOTES.issuperset(map(type, value.values())):
            return names
        return names + sum(map(quotes, value.values()))
    return 0


def count_quotes(payload: bytes) -> int:
    """Quotation marks of a document."""
    return int(np.count_nonzero(np.frombuffer(payload, dtype=np.uint8) == _QUOTE))


def refuse_duplicates(payload: bytes, expected_quotes: int) -> None:
    """Refuse a document that gives a member twice.

    Args:
        payload: a document that orjson reads.
        expected_quotes: the quotation marks of what orjson made of it.

    Raises:
        DecodeError: `bad_field`, with the member's name.
    """
    if count_quotes(payload) == expected_quotes:
        return
    try:
        json.loads(payload, object_pairs_hook=_refuse_pairs)
    except (RecursionError, ValueError) as error:  # a dropped member may hold what json refuses
        raise DecodeError(Refusal.UNREADABLE, f"not JSON: {error}") from error


def _refuse_pairs(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for name, _ in pairs:
        if name in seen:
            raise DecodeError(
                Refusal.BAD_FIELD, f"the member {name[:80]!r} is given twice: send it once"
            )
        seen.add(name)
