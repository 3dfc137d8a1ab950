"""The words of advice: a file a language, whose keys are the same in all."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from analytics.advice.kinds import KINDS, AdviceError

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("en", "zh")
"""Those there are texts in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """One way to tell a piece of advice; {…} is filled in.

    Attributes:
        title: a line.
        sentence: what is, and what to do.
    """

    title: str
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KindTexts:
    """The texts on one kind of advice.

    Attributes:
        name: of the cause, as a heading.
        effort: what following it takes.
        detail: another sentence, for weeks that have its figures; empty: none.
        variants: ways to tell it, in turn.
    """

    name: str
    effort: str
    detail: str
    variants: tuple[Words, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Texts:
    """All texts of one language.

    Attributes:
        code: one of LANGUAGES.
        kinds: by cause.
        words: all other texts, by group and key.
    """

    code: str
    kinds: Mapping[str, KindTexts]
    words: Mapping[str, Mapping[str, str]]

    def word(self, group: str, key: str) -> str:
        """A text of a group, the key itself where there is none (a newer analysis' word)."""
        return self.words[group].get(key, key)


@cache
def texts(language: str) -> Texts:
    """The texts of a language.

    Raises:
        AdviceError: there are none, or the file lacks something.
    """
    if language not in LANGUAGES:
        raise AdviceError(f"No texts in {language!r}: there are {', '.join(LANGUAGES)}.")
    path = files("analytics.advice") / "texts" / f"{language}.toml"
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        kinds = {cause: _kind(read["kind"][cause]) for cause in KINDS}
    except (KeyError, TypeError) as error:
        raise AdviceError(f"{path.name} lacks {error}.") from error
    words = {group: values for group, values in read.items() if group != "kind"}
    return Texts(code=language, kinds=kinds, words=words)


def variants(cause: str) -> int:
    """In how many ways a kind of advice is told; in all languages as many."""
    return len(texts(LANGUAGES[0]).kinds[cause].variants)


def _kind(values: dict[str, Any]) -> KindTexts:
    return KindTexts(
        name=values["name"],
        effort=values["effort"],
        detail=values["detail"],
        variants=tuple(Words(**words) for words in values["variant"]),
    )
