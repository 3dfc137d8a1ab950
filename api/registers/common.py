"""What the registers' addresses share: texts that may be written down, and conditions on writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header
from pydantic import AfterValidator, StringConstraints

from api.registers.vehicle_list import FORMULA, MAX_TEXT

if TYPE_CHECKING:
    from fastapi import Response

PATH = "/v1/registers"

MAX_ROWS = 500

_STRONG_TAG = re.compile(r'"([\x21\x23-\x7e]*)"', re.ASCII)


def one_line(text: str) -> str:
    """Refuse what is no line of text, for people will read it."""
    if not text.isprintable():
        raise ValueError("control characters are no text; write one line")
    return text


def no_formula(text: str) -> str:
    """Refuse what a spreadsheet that opens a list of ours would run."""
    if text.startswith(FORMULA):
        raise ValueError("it begins as a spreadsheet's formula does; begin with a letter or digit")
    return text


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT),
    AfterValidator(one_line),
]
"""A line of text that people give a thing as its name."""

CellText = Annotated[Text, AfterValidator(no_formula)]
"""Such a text that is also told in tables."""


def _expected(
    if_match: Annotated[
        str | None,
        Header(
            max_length=500,
            description="Only change it if this is still its ETag; several with commas, * is any.",
            examples=['"9c1185a5c5e9fc54"'],
        ),
    ] = None,
) -> list[str] | None:
    """The tags one of which an entry must have to be changed; None: whatever it has."""
    if if_match is None or if_match.strip() == "*":
        return None
    return _STRONG_TAG.findall(if_match.replace('W/"', "W/'"))  # a weak one fits nothing


Expected = Annotated["list[str] | None", Depends(_expected)]
"""An endpoint's parameter that is what If-Match asks for."""


def quoted(tag: str) -> str:
    """The tag as a strong ETag."""
    return f'"{tag}"'


def tagged(response: Response, tag: str) -> None:
    """Let an answer carry the ETag of the entry it tells."""
    response.headers["ETag"] = quoted(tag)
