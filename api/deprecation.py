"""How an address goes: declared once, told in OpenAPI and in every answer long before it ends.

`@router.get(..., **deprecated(...))` marks the operation in the OpenAPI document, and lets all its
answers, refusals too, carry `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link`s to what takes
its place and to the policy (docs/api.md, What /v1 promises).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from starlette.types import Scope

NOTICE = timedelta(days=365)
"""How long an address goes on after it was declared deprecated, at least."""

POLICY = "/openapi.json"
"""Where it stands what is promised: in the description of the whole."""

_EXTENSION = "x-deprecation"
"""Under which an operation's declaration stands in the OpenAPI document."""


def deprecated(*, since: date, sunset: date, instead: str | None) -> dict[str, Any]:
    """What to give a route that is going, as its keyword arguments.

    Args:
        since: the day (UTC) from which on nobody should begin to use it.
        sunset: the day from which on it is gone.
        instead: the address that takes its place; None: nothing does.

    Raises:
        ValueError: it would be gone sooner than is promised.
    """
    if sunset - since < NOTICE:
        raise ValueError(
            f"an address goes on for {NOTICE.days} days after it is deprecated: from {since} it "
            f"may end on {since + NOTICE}, not on {sunset}"
        )
    declared = {"since": since.isoformat(), "sunset": sunset.isoformat()}
    return {
        "deprecated": True,
        "openapi_extra": {
            _EXTENSION: declared if instead is None else {**declared, "instead": instead}
        },
    }


def headers_of(scope: Scope) -> Iterator[tuple[str, str]]:
    """The headers that an answer carries where its address is going.

    Args:
        scope: the request's, once its route is known.
    """
    extra = getattr(scope.get("route"), "openapi_extra", None)
    declared = extra.get(_EXTENSION) if extra else None
    if declared is None:
        return
    since, sunset = (_midnight(declared[name]) for name in ("since", "sunset"))
    yield "Deprecation", f"@{int(since.timestamp())}"
    yield "Sunset", format_datetime(sunset, usegmt=True)
    yield "Link", f'<{POLICY}>; rel="deprecation"; type="application/json"'
    yield "Link", f'<{POLICY}>; rel="sunset"; type="application/json"'
    if "instead" in declared:
        yield "Link", f'<{declared["instead"]}>; rel="successor-version"'


def _midnight(day: str) -> datetime:
    return datetime.combine(datetime.fromisoformat(day).date(), time(), UTC)
