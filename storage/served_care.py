"""What the API reads of vehicles that want care, and how it writes down that one was seen to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from storage.answers import Latest, TroubleCode
from storage.served_errors import UnknownVehicleError
from storage.served_service import PlanAndLast
from storage.served_vehicles import VehicleReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.served import Reader

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Handled:
    """That a vehicle was seen to."""

    reasons: frozenset[str]
    """By their keys."""
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleInCare:
    """What is known of a vehicle that may want care."""

    vin: str
    model: str | None
    plate: str | None
    region: str | None
    registered_at: datetime
    last_seen: datetime | None
    latest: Mapping[str, Latest]
    """The newest of the values that were asked for, by name; a missing one is absent."""
    lit: Mapping[str, datetime]
    """When it last reported a tell-tale's state, by tell-tale and state as rFMS has them."""
    trouble_codes: Sequence[TroubleCode]
    """Active ones that light a lamp, the newest first."""
    plan: PlanAndLast
    handled: Handled | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    vin: str
    model: str | None
    plate: str | None
    region: str | None
    registered_at: datetime
    last_seen: datetime | None
    values: Sequence[float | None]
    times: Sequence[datetime | None]
    lit: Mapping[str, int] | None
    trouble_codes: Sequence[tuple[int, int, int, str, int | None, int]] | None
    every_km: float | None
    every_h: float | None
    every_days: int | None
    of_model: bool
    done_at: datetime | None
    odometer_km: float | None
    engine_h: float | None
    handled: Sequence[str] | None
    handled_at: datetime | None
    handled_by: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    handled_at: datetime


class CareReader:
    """A method for each question about vehicles that want care."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def vehicles(
        self,
        principal: int,
        names: Sequence[str],
        rules: Mapping[str, float],
        asked_at: datetime,
        *,
        limit: int,
    ) -> list[VehicleInCare]:
        """At most `limit` vehicles that may want care, by VIN.

        Args:
            principal: as whom to look.
            names: signals in the order that served.care says, whose latest values are told.
            rules: of activity, as `Search` has them.
            asked_at: against which time silence is measured.
            limit: how many.
        """
        return await self._read(principal, None, names, rules, asked_at, limit)

    async def vehicle(
        self,
        principal: int,
        vin: str,
        names: Sequence[str],
        rules: Mapping[str, float],
        asked_at: datetime,
    ) -> VehicleInCare | None:
        """One vehicle; None: it wants none.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        await VehicleReader(self._reader).vehicle(principal, vin)
        found = await self._read(principal, vin, names, rules, asked_at, 1)
        return found[0] if found else None

    async def handle(self, principal: int, vin: str, reasons: Sequence[str], by: str) -> datetime:
        """Write down that a vehicle was seen to, for these reasons; returns when.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        written = await self._reader.change(
            _Written,
            "served_handle_care",
            principal=principal,
            vin=vin,
            reasons=list(reasons),
            by=by,
        )
        if not written:
            raise UnknownVehicleError("What was asked for is not there.")
        return written[0].handled_at

    async def reopen(self, principal: int, vin: str) -> None:
        """Take it back; where nothing was written down nothing changes.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        await self._reader.change(_Written, "served_reopen_care", principal=principal, vin=vin)

    async def _read(
        self,
        principal: int,
        vin: str | None,
        names: Sequence[str],
        rules: Mapping[str, float],
        asked_at: datetime,
        limit: int,
    ) -> list[VehicleInCare]:
        rows = await self._reader.records(
            _Row,
            "served_care",
            principal=principal,
            vin=vin,
            max_rows=limit,
            names=list(names),
            rules=Jsonb(dict(rules)),
            asked_at=asked_at,
        )
        return [_vehicle(names, row) for row in rows]


def _vehicle(names: Sequence[str], row: _Row) -> VehicleInCare:
    return VehicleInCare(
        vin=row.vin,
        model=row.model,
        plate=row.plate,
        region=row.region,
        registered_at=row.registered_at,
        last_seen=row.last_seen,
        latest={
            name: Latest(name=name, value=value, time=time)
            for name, value, time in zip(names, row.values, row.times, strict=True)
            if value is not None and time is not None
        },
        lit={detail: _time(time_us) for detail, time_us in (row.lit or {}).items()},
        trouble_codes=[
            TroubleCode(
                spn=spn, fmi=fmi, source_address=address, lamp=lamp, count=count, since=_time(us)
            )
            for spn, fmi, address, lamp, count, us in row.trouble_codes or ()
        ],
        plan=PlanAndLast(
            every_km=row.every_km,
            every_h=row.every_h,
            every_days=row.every_days,
            of_model=row.of_model,
            done_at=row.done_at,
            odometer_km=row.odometer_km,
            engine_h=row.engine_h,
        ),
        handled=None
        if row.handled is None or row.handled_at is None or row.handled_by is None
        else Handled(reasons=frozenset(row.handled), at=row.handled_at, by=row.handled_by),
    )


def _time(time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time_us)
