"""Media types of rFMS: an Accept header asks for a resource in a version, and gets it or 406."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

VERSION = "v4.0"

MAX_ACCEPT = 1_000
"""Characters of an Accept header that are read; browsers send a hundred."""


class Resource(StrEnum):
    """What rFMS serves; each has its own media type and its own rate limit."""

    VEHICLES = "vehicles"
    POSITIONS = "vehiclepositions"
    STATUSES = "vehiclestatuses"

    @property
    def media_type(self) -> str:
        """The one media type we answer with."""
        return f"application/json; rfms={self.value}.{VERSION}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Range:
    """A media range of an Accept header [RFC 9110, 12.5.1]."""

    type: str
    subtype: str
    rfms: str | None
    quality: float

    def fits(self, resource: Resource) -> bool:
        """Whether our answer lies within the range."""
        return (
            self.type in ("*", "application")
            and self.subtype in ("*", "json")
            and self.rfms in (None, f"{resource.value}.{VERSION}")
        )

    @property
    def precision(self) -> tuple[bool, bool, bool]:
        """The more precise range decides."""
        return self.rfms is not None, self.subtype != "*", self.type != "*"


def is_acceptable(accept: str | None, resource: Resource) -> bool:
    """Whether an Accept header takes our answer; one that names no version takes the newest."""
    if accept is None or not accept.strip():
        return True
    if len(accept) > MAX_ACCEPT:
        return False
    fitting = [
        found
        for text in accept.split(",")
        if (found := _read(text)) is not None and found.fits(resource)
    ]
    return bool(fitting) and max(fitting, key=lambda it: it.precision).quality > 0


def _read(text: str) -> _Range | None:
    """A media range; None where it is none."""
    media, *parameters = (part.strip() for part in text.split(";"))
    kind, slash, subtype = media.lower().partition("/")
    if not slash:
        return None
    rfms, quality = None, 1.0
    for parameter in parameters:
        name, _, value = (part.strip() for part in parameter.partition("="))
        match name.lower():
            case "rfms":
                rfms = value.strip('"').lower()
            case "q":
                try:
                    quality = float(value)
                except ValueError:
                    return None
    return _Range(type=kind, subtype=subtype, rfms=rfms, quality=quality)
