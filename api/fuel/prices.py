"""What a litre costs whoever asks: what their party has said, or else the setting.

It is remembered for some seconds: money stands in many answers, and prices change once a week.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analytics.fuel.prices import FuelPrices
    from storage.served_prices import PriceReader

REMEMBERED_S = 10.0
"""How late a price that was set over another process is felt [s]."""

REMEMBERED = 10_000


class Prices:
    """Prices by party.

    Args:
        reader: knows what parties have said.
        setting: what all others count by.
    """

    def __init__(self, reader: PriceReader, setting: FuelPrices) -> None:
        self._reader = reader
        self._setting = setting
        self._known: OrderedDict[int, tuple[float, FuelPrices]] = OrderedDict()

    async def of(self, principal: int) -> FuelPrices:
        """What a principal counts by.

        Args:
            principal: a party's number, or a driver's with a minus.
        """
        known = self._known.get(principal)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        said = await self._reader.of(principal)
        found = (
            self._setting
            if said is None
            else self._setting.model_copy(
                update={"fuel_price": said.price, "fuel_currency": said.currency}
            )
        )
        self._known[principal] = (time.monotonic() + REMEMBERED_S, found)
        self._known.move_to_end(principal)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def put(self, principal: int, price: float | None, currency: str) -> None:
        """Let a party count by that price; None: by the setting."""
        await self._reader.put(principal, price, currency)
        self._known.clear()  # its drivers count by it, too
