"""Finding signals by words, for people who do not know the name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.signal import Signal


def matches(signal: Signal, words: str) -> bool:
    """Whether all the words are in the signal's name, path or descriptions, or are its SPN."""
    described = f"{signal.description_en} {signal.description_zh}"
    text = f"{signal.name} {signal.path} {described}".casefold()
    return all(
        word in text or word.removeprefix("spn") == str(signal.spn)
        for word in words.casefold().split()
    )
