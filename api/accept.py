"""Which format an answer has: the one of ours that the Accept header likes best (RFC 9110, 12.5.1).

JSON is what one gets who accepts everything alike. The answer depends on the header, and says so
in Vary.
"""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from api.codes import Code
from api.openapi import problems
from api.problems import ProblemError


class Format(StrEnum):
    """A format of tables, by its media type; the first is preferred among equals."""

    JSON = "application/json"
    CSV = "text/csv"
    ARROW = "application/vnd.apache.arrow.stream"
    PARQUET = "application/vnd.apache.parquet"


def preferred(accept: str) -> Format | None:
    """The format that an Accept header likes best; None: it takes none of them."""
    ranges = [_range(text) for text in accept.split(",") if text.strip()]
    if not ranges:
        return Format.JSON
    best, best_weight = None, 0.0
    for offered in Format:
        # Of the ranges that fit, the most specific one speaks.
        weight = max(
            ((name.count("*"), weight) for name, weight in ranges if _fits(name, offered)),
            key=lambda found: -found[0],
            default=(0, 0.0),
        )[1]
        if weight > best_weight:
            best, best_weight = offered, weight
    return best


def _range(text: str) -> tuple[str, float]:
    name, *parameters = text.split(";")
    weight = 1.0
    for parameter in parameters:
        key, _, number = parameter.strip().partition("=")
        if key.strip().lower() == "q":
            try:
                weight = float(number)
            except ValueError:
                weight = 0.0
    return name.strip().lower(), weight


def _fits(name: str, offered: str) -> bool:
    return name in {"*/*", offered, f"{offered.partition('/')[0]}/*"}


async def _accepted(request: Request, response: Response) -> Format:
    response.headers.add_vary_header("Accept")
    accept = ", ".join(request.headers.getlist("accept"))
    found = preferred(accept)
    if found is None:
        raise ProblemError(
            code=Code.NOT_ACCEPTABLE,
            detail=f"None of what the Accept header names is what this is told in: {accept[:200]}",
            way_out=f"Accept {', '.join(Format)}, or */* for JSON.",
            headers={"Vary": "Accept"},
        )
    return found


Accepted = Annotated[Format, Depends(_accepted)]
"""An endpoint's parameter that is the format to answer in."""


def responses(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an endpoint that answers with a table in any format.

    Args:
        codes: the problems of its own.
    """
    text = {"schema": {"type": "string", "format": "binary"}}
    return {
        200: {
            "description": "What was found. JSON comes in pages; CSV, Arrow (IPC stream) and "
            "Parquet hold all that was asked for, and are streamed; with `limit` they hold one "
            "page, and the header Link says where the next one is.",
            "content": dict.fromkeys((Format.CSV, Format.ARROW, Format.PARQUET), text),
        },
        **problems(*codes, Code.NOT_ACCEPTABLE),
    }
