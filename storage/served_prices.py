"""What a litre costs a party, as the party has said, through `Reader`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPrice:
    """What a litre costs."""

    price: float
    currency: str
    """ISO 4217."""


class PriceReader:
    """What a reader's database knows of prices, and the way to change them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def of(self, principal: int) -> StoredPrice | None:
        """What the principal counts by; None: it has not said."""
        found = await self._reader.records(StoredPrice, "served_fuel_price", principal=principal)
        return found[0] if found else None

    async def put(self, principal: int, price: float | None, currency: str) -> None:
        """Count by that price from now on; None: by the setting again."""
        await self._reader.change(
            StoredPrice,
            "served_set_fuel_price",
            principal=principal,
            price=price,
            currency=currency,
        )
