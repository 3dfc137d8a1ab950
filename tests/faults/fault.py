"""What a fault is: a name, a family, and a strike that leaves the world in order behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from tests.faults.arena import Arena


class Strike(Protocol):
    """Does the harm and takes it away again; what it left broken is the workers' to mend."""

    def __call__(self, arena: Arena, rng: np.random.Generator, /) -> str | None:
        """Returns what a reader of the log should know besides."""


def _always(_: Arena) -> str:
    return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One kind of fault."""

    name: str
    family: str
    """Faults of a family resemble each other: the short run takes one of each."""
    strike: Strike
    why_not: Callable[[Arena], str] = _always
    """Why it cannot be had here, "" where it can."""


REGISTERED: dict[str, Fault] = {}
"""All kinds, by name, in the order in which they are written down."""


def fault(
    name: str, family: str, why_not: Callable[[Arena], str] = _always
) -> Callable[[Strike], Strike]:
    """Register the decorated strike under a name."""

    def register(strike: Strike) -> Strike:
        assert name not in REGISTERED, name
        REGISTERED[name] = Fault(name=name, family=family, strike=strike, why_not=why_not)
        return strike

    return register
