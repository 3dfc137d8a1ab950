"""What a webhook may be told of: kinds, each of a source; `source.*` is all of a source."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from analytics.advice.kinds import KINDS as ADVICE_KINDS
from api.driving.events import KINDS as EVENT_KINDS
from api.fuel.tank import TankEventKind
from api.problems import Fault, refused
from api.scopes import Scope
from schemas.wire import Lamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DRIVING_EVENT, TANK_EVENT, TROUBLE_CODE, ADVICE = (
    "driving_event",
    "tank_event",
    "trouble_code",
    "advice",
)

TEST_SOURCE = "test"
"""Of what one asks for by trying a webhook, and not by its kinds."""

SOURCES: Mapping[str, tuple[str, ...]] = {
    DRIVING_EVENT: tuple(EVENT_KINDS),
    TANK_EVENT: tuple(TankEventKind),
    TROUBLE_CODE: tuple(lamp.lower() for lamp in Lamp),
    ADVICE: tuple(ADVICE_KINDS),
}
"""The kinds of each source."""

KINDS = tuple(f"{source}.{kind}" for source, kinds in SOURCES.items() for kind in ("*", *kinds))
"""What a webhook may ask for."""

SCOPES: Mapping[str, Scope] = {
    DRIVING_EVENT: Scope.VEHICLES_READ,
    TANK_EVENT: Scope.VEHICLES_READ,
    TROUBLE_CODE: Scope.VEHICLES_READ,
    ADVICE: Scope.ADVICE_READ,
}
"""What it takes to read the same by asking."""


def require_known(kinds: Iterable[str]) -> None:
    """Refuse kinds that there are not.

    Raises:
        ProblemError: 422, with a fault for each.
    """
    faults = []
    for kind in kinds:
        if kind in KINDS:
            continue
        close = get_close_matches(kind, KINDS, n=1)
        faults.append(
            Fault(
                field="kinds",
                reason=f"There is no kind {kind!r}.",
                way_out=f"Did you mean {close[0]}?"
                if close
                else f"Use some of {', '.join(KINDS)}.",
            )
        )
    if faults:
        raise refused(faults)


def scopes_of(kinds: Iterable[str]) -> list[Scope]:
    """What one must be allowed to read to be told of these."""
    return sorted({SCOPES[kind.partition(".")[0]] for kind in kinds})
