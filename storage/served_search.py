"""What the API reads to find vehicles and to follow them, through `storage.served.Reader`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from storage.answers import Latest
from storage.answers_search import ChangedState, Changes, FoundVehicle, Search, VehicleContact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class _FoundRow:
    vin: str
    model: str | None
    plate: str | None
    region: str | None
    registered_at: datetime
    last_seen: datetime | None
    distance_m: float | None
    values: Sequence[float | None]
    times: Sequence[datetime | None]
    is_current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _ChangedRow:
    snapshot: str | None
    answered_at: datetime | None
    vin: str | None
    of_fleets: Sequence[int] | None
    model: str | None
    plate: str | None
    region: str | None
    registered_at: datetime | None
    last_seen: datetime | None
    values: Sequence[float | None] | None
    times: Sequence[datetime | None] | None
    is_current: bool | None


class SearchReader:
    """A method for each question about where vehicles are and what they do."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def contact(self, principal: int, vin: str) -> VehicleContact:
        """A vehicle of the register, and when it was last heard.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        (found,) = await self._reader.records(
            VehicleContact, "served_vehicle_contact", principal=principal, vin=vin
        )
        return found

    async def vehicles(
        self, principal: int, search: Search, names: Sequence[str], *, limit: int
    ) -> list[FoundVehicle]:
        """At most `limit` vehicles that are as asked for, with their latest named values.

        They come by VIN, or by their distance to the point that is given.

        Raises:
            UnknownFleetError: there is no such fleet that the principal may see.
        """
        box = dict.fromkeys(("west", "south", "east", "north"))
        near = search.near
        rows = await self._reader.records(
            _FoundRow,
            "served_search_vehicles",
            principal=principal,
            max_rows=limit,
            names=list(names),
            after_vin=search.after_vin,
            after_m=search.after_m,
            vin_part=search.vin_part,
            plate_part=search.plate_part,
            model_part=search.model_part,
            region=search.region,
            dealer=search.dealer,
            fleet=search.fleet_id,
            doing=None if search.doing is None else list(search.doing),
            rules=Jsonb(dict(search.rules)),
            asked_at=search.asked_at,
            near_latitude=None if near is None else near.latitude,
            near_longitude=None if near is None else near.longitude,
            radius_m=None if near is None else near.radius_m,
            **(box if search.box is None else asdict(search.box)),
        )
        return [
            FoundVehicle(
                vin=row.vin,
                model=row.model,
                plate=row.plate,
                region=row.region,
                registered_at=row.registered_at,
                last_seen=row.last_seen,
                distance_m=row.distance_m,
                latest=_latest(names, row.values, row.times),
                is_current=row.is_current,
            )
            for row in rows
        ]

    async def changes(
        self,
        principal: int,
        names: Sequence[str],
        *,
        vins: Sequence[str],
        fleets: Sequence[int],
        since: datetime,
        seen: str | None,
    ) -> Changes:
        """The states of vehicles, by VIN or as those of fleets, that were written since.

        Args:
            principal: as whom to look; what it may not see never changes for it.
            names: the signals whose latest values are told.
            vins: vehicles to watch.
            fleets: fleets to watch the vehicles of.
            since: a time of the database's clock.
            seen: the snapshot of the answer before: what that answer could see is left out.
        """
        rows = await self._reader.records(
            _ChangedRow,
            "served_changed_states",
            principal=principal,
            vins=list(vins),
            fleets=list(fleets),
            since=since,
            seen=seen,
            names=list(names),
        )
        head = next(row for row in rows if row.vin is None)
        return Changes(
            snapshot=str(head.snapshot),
            answered_at=head.answered_at or since,
            states=[
                ChangedState(
                    vehicle=FoundVehicle(
                        vin=row.vin,
                        model=row.model,
                        plate=row.plate,
                        region=row.region,
                        registered_at=row.registered_at,
                        last_seen=row.last_seen,
                        latest=_latest(names, row.values or (), row.times or ()),
                        is_current=bool(row.is_current),
                    ),
                    fleets=row.of_fleets or (),
                )
                for row in rows
                if row.vin is not None and row.registered_at is not None
            ],
        )


def _latest(
    names: Sequence[str], values: Sequence[float | None], times: Sequence[datetime | None]
) -> Mapping[str, Latest]:
    return {
        name: Latest(name=name, value=value, time=time)
        for name, value, time in zip(names, values, times, strict=True)
        if value is not None and time is not None
    }
