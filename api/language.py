"""The languages: of pages a file of texts each, chosen by ?lang=, by a cookie, by the browser.

Answers under /v1 that hold texts are in the language that Accept-Language likes best.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

CODES = ("en", "zh")
"""English first: what a browser gets that speaks neither."""

NAMES = {"en": "English", "zh": "中文"}

HTML_CODES = {"en": "en", "zh": "zh-CN"}
"""As a page's lang attribute and JavaScript's Intl want them."""

COOKIE = "lang"
PARAMETER = "lang"
COOKIE_AGE_S = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Language:
    """A language and its texts."""

    code: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **filled_in: object) -> str:
        """The text of that key.

        Raises:
            KeyError: there is none.
        """
        text = self.texts[key]
        return text.format(**filled_in) if filled_in else text

    def beginning(self, start: str) -> dict[str, str]:
        """The texts whose keys begin so, for a script: it fills them in itself."""
        return {key: text for key, text in self.texts.items() if key.startswith(start)}


@cache
def language(code: str) -> Language:
    """The language of that code, one of CODES."""
    text = (files("api") / "languages" / f"{code}.toml").read_text(encoding="utf-8")
    return Language(code, tomllib.loads(text))


def chosen(request: Request) -> Language:
    """The language to answer a request in."""
    for wish in (request.query_params.get(PARAMETER), request.cookies.get(COOKIE)):
        if wish in CODES:
            return language(wish)
    return language(preferred(request.headers.get("accept-language", "")))


def preferred(accept_language: str) -> str:
    """The code that an Accept-Language header likes best (RFC 9110, 12.5.4)."""
    best, best_weight = CODES[0], 0.0
    for wish in accept_language.split(","):
        tag, _, parameter = wish.strip().partition(";")
        code = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if code in CODES and weight > best_weight:
            best, best_weight = code, weight
    return best


def _weight(parameter: str) -> float:
    name, _, number = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(number)
    except ValueError:
        return 0.0


async def _spoken(
    response: Response,
    accept_language: Annotated[
        str | None,
        Header(
            description="Language of the texts: en or zh; English where neither is wished for. "
            "The answer's Content-Language says which it is.",
            examples=["zh-CN,zh;q=0.9,en;q=0.5"],
        ),
    ] = None,
) -> str:
    code = preferred(accept_language or "")
    response.headers["Content-Language"] = HTML_CODES[code]
    response.headers.add_vary_header("Accept-Language")
    return code


Spoken = Annotated[str, Depends(_spoken)]
"""An endpoint's parameter that is the code of the language to answer in, one of CODES."""
