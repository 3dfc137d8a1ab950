"""What one wishes of how pages show things: units of consumption, and by whose clock.

Kept in this browser, like the language: said once in an address, then by a cookie. What is stored
and what the API says stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.language import COOKIE_AGE_S
from schemas.time_zones import TimeZoneError, zone

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from analytics.advice.numbers import Numbers

L_PER_100KM, KM_PER_L = "l_per_100km", "km_per_l"
UNITS = (L_PER_100KM, KM_PER_L)
"""How consumption is told; the first unless one says otherwise."""

DEVICE = "device"
ZONES = (DEVICE, "Asia/Shanghai", "Asia/Urumqi", "UTC")
"""By which clock times are shown: this device's, or one for everybody who looks at the same page.
Urumqi keeps two hours behind Beijing by custom."""

ZONE_MAX = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """How one wants things to be shown."""

    units: str = L_PER_100KM
    zone: str = DEVICE

    def consumption(self, l_per_100km: float, numbers: Numbers) -> str:
        """Consumption over distance, without its unit.

        Args:
            l_per_100km: as the API says it [L/100 km].
            numbers: how the language writes figures.
        """
        if self.units == L_PER_100KM:
            return numbers.plain(l_per_100km, digits=1)
        return numbers.plain(100 / l_per_100km, digits=2) if l_per_100km > 0 else "–"


def wishes(request: Request) -> Wishes:
    """What whoever asks wishes."""
    units, where = (
        request.query_params.get(name, request.cookies.get(name, "")) for name in ("units", "zone")
    )
    return Wishes(
        units=units if units in UNITS else L_PER_100KM,
        zone=where if _is_zone(where) else DEVICE,
    )


def keep(request: Request, answer: Response, wished: Wishes) -> None:
    """Let the browser remember what its address says."""
    for name, value in (("units", wished.units), ("zone", wished.zone)):
        if request.query_params.get(name) == value:
            answer.set_cookie(
                name, value, max_age=COOKIE_AGE_S, httponly=True, samesite="lax", path="/"
            )


def _is_zone(name: str) -> bool:
    if name == DEVICE:
        return True
    if not name or len(name) > ZONE_MAX or not name.isascii():
        return False
    try:
        zone(name)
    except TimeZoneError:
        return False
    return True
