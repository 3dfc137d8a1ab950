"""What the API reads of one vehicle: how it is now, its trips and its signals, through `Reader`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from storage.answers import (
    GroupNow,
    Latest,
    SignalRows,
    Trip,
    TroubleCode,
    Vehicle,
    VehicleNow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.served import Reader

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MAX_TROUBLE_CODES = 200
"""Active trouble codes of a vehicle that are read, the newest; a truck has a dozen on a bad day."""


class VehicleReader:
    """What a reader's database knows of a vehicle."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def vehicle(self, principal: int, vin: str) -> Vehicle:
        """The register's row of a vehicle.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        (vehicle,) = await self._reader.records(
            Vehicle, "served_vehicle", principal=principal, vin=vin
        )
        return vehicle

    async def now(self, principal: int, vin: str) -> VehicleNow:
        """All that is known of a vehicle now, with at most MAX_TROUBLE_CODES trouble codes.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        model, last_seen, codes, groups, sizes, values, times_us = await self._reader.arrays(
            "served_vehicle_now", principal=principal, vin=vin, max_rows=MAX_TROUBLE_CODES
        )
        ends = list(accumulate(sizes, initial=0))
        return VehicleNow(
            model=model,
            last_seen=last_seen,
            trouble_codes=[
                TroubleCode(
                    spn=spn,
                    fmi=fmi,
                    source_address=address,
                    lamp=lamp,
                    count=count,
                    since=_EPOCH + timedelta(microseconds=since_us),
                )
                for spn, fmi, address, lamp, count, since_us in codes or ()
            ],
            groups={
                group: GroupNow(values=values[start:end], times_us=times_us[start:end])
                for group, start, end in zip(groups, ends, ends[1:], strict=False)
            },
        )

    async def state(self, principal: int, vin: str) -> list[Latest]:
        """The latest value of every signal of a vehicle, in the order of their ids.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        return await self._reader.records(
            Latest, "served_vehicle_state", principal=principal, vin=vin
        )

    async def active_trouble_codes(self, principal: int, vin: str) -> list[TroubleCode]:
        """The newest active trouble codes of a vehicle, at most MAX_TROUBLE_CODES.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        return await self._reader.records(
            TroubleCode,
            "served_active_trouble_codes",
            principal=principal,
            vin=vin,
            max_rows=MAX_TROUBLE_CODES,
        )

    async def trips(
        self,
        principal: int,
        vin: str,
        *,
        start: datetime,
        stop: datetime,
        newest_first: bool,
        limit: int,
    ) -> list[Trip]:
        """Trips that start at `start` or later and before `stop`, by their start.

        Raises:
            UnknownVehicleError: there is no vehicle of that VIN that the principal may see.
        """
        return await self._reader.records(
            Trip,
            "served_trips",
            principal=principal,
            vin=vin,
            start=start,
            stop=stop,
            newest_first=newest_first,
            max_rows=limit,
        )

    async def signals(
        self,
        principal: int,
        vin: str,
        names: Sequence[str],
        *,
        start: datetime,
        stop: datetime,
        step_s: int | None,
        limit: int,
        zone: str = "UTC",
    ) -> SignalRows:
        """Signals with start <= time < stop, at most `limit` times.

        With a step (seconds, a divisor of a day) a time is the beginning of a bucket, and a value
        sums it up: a sample by its mean, a boolean by the share of rows in which it was on, another
        state by its last value, a counter by its highest. Buckets are counted from midnight in
        `zone`, an IANA time zone, at whole buckets of which start and stop lie.

        Raises:
            UnknownVehicleError: there is no vehicle of that VIN that the principal may see.
        """
        return await signal_rows(
            self._reader,
            "served_signals",
            len(names),
            principal=principal,
            vin=vin,
            names=list(names),
            start=start,
            stop=stop,
            step_s=step_s,
            max_rows=limit,
            zone=zone,
        )


async def signal_rows(reader: Reader, name: str, width: int, **parameters: object) -> SignalRows:
    """The one row of a named statement that has times, values, minima and maxima as arrays.

    Args:
        reader: asks.
        name: the statement's.
        width: how many signals it tells.
        parameters: the statement's; `step_s` None: it has no minima and maxima.
    """
    times_us, values, minima, maxima = await reader.arrays(name, **parameters)
    if times_us is None:
        nothing = np.empty((0, width))
        times_us, values = np.empty(0, dtype=np.int64), nothing
        minima = maxima = None if parameters["step_s"] is None else nothing
    return SignalRows(times_us=times_us, values=values, minima=minima, maxima=maxima)
