"""From a VIN to a vehicle's number, and what to do with a VIN nobody has registered."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from ingest.settings import UnknownVin
from schemas.vin import is_vin
from storage import cells, registers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from storage.connection import Connection

FORGET_REFUSED_AFTER_S = 30.0
"""A VIN that was refused is looked up again after this long [s]: it may be registered by then."""

REFUSED_REMEMBERED = 10_000
"""Refused VINs that are remembered: a hostile sender makes up any number."""

logger = logging.getLogger(__name__)


class VehicleNumbers:
    """Looks VINs up in the register and remembers them.

    Args:
        connection: gives an autocommit connection that is alive.
        unknown: whether a new VIN becomes a vehicle.
    """

    def __init__(self, connection: Callable[[], Connection], unknown: UnknownVin) -> None:
        self._connection = connection
        self._unknown = unknown
        self._numbers: dict[str, int] = {}
        self._refused: dict[str, float] = {}
        self._elsewhere: dict[str, int] = {}

    def look_up(self, keys: Iterable[bytes | None]) -> dict[bytes, int]:
        """Remember the registered ones among messages' keys, which should be VINs, at once.

        Whatever a key is, it is the message that says whose it is.

        Returns:
            The numbers of those keys that are VINs with one.
        """
        vin_of = {key: key.decode("ascii", "replace") for key in keys if key is not None}
        vins = [text for text in {*vin_of.values()} - self._numbers.keys() if is_vin(text)]
        if len(vins) > 1:
            self._numbers |= registers.find_vehicles(self._connection(), vins)
        return {key: self._numbers[vin] for key, vin in vin_of.items() if vin in self._numbers}

    def number(self, vin: str) -> int | None:
        """The vehicle's number; None where the VIN is unknown and stays so."""
        number = self._numbers.get(vin)
        if number is not None:
            return number
        if monotonic() < self._refused.get(vin, 0.0):
            return None
        number = registers.find_vehicle(self._connection(), vin)
        cell = cells.cell_of(self._connection(), vin) if number is None else None
        if number is None and cell is None and self._unknown is UnknownVin.REGISTER:
            vehicle = registers.register_vehicle(self._connection(), vin, registered_by="ingest")
            number = vehicle.vehicle_id
            if not vehicle.check_digit_ok:
                logger.info(
                    "VIN %s registered; its check digit does not fit", vin, extra={"vin": vin}
                )
        if number is None:
            if len(self._refused) >= REFUSED_REMEMBERED:
                self._refused.clear()
                self._elsewhere.clear()
            if cell is not None:
                self._elsewhere[vin] = cell
            self._refused[vin] = monotonic() + FORGET_REFUSED_AFTER_S
            return None
        self._refused.pop(vin, None)
        self._elsewhere.pop(vin, None)
        self._numbers[vin] = number
        return number

    def elsewhere(self, vin: str) -> int | None:
        """The other cell that keeps a vehicle for which `number` gave None, where one does."""
        return self._elsewhere.get(vin)
