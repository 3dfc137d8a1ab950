"""A fleet written straight into a database: a simulated one in whatever order, or a simple one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingest.assemble import Assembler
from ingest.record import Record
from schemas.wire import ContentType, encode_protobuf
from simulator import SimulationConfig, messages, simulate
from storage import registers
from tests.servers.database_fixture import open_writer
from tests.worlds.driven_vehicle import DrivenVehicle, driving

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.fleet import Vehicle
    from tests.servers.database_fixture import Migrated


def midnight_before(days: int) -> datetime:
    """Midnight UTC so many days ago."""
    today = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


def uploads(config: SimulationConfig) -> tuple[dict[str, Vehicle], list[bytes]]:
    """The fleet by VIN, and all of its messages in the order they were sent."""
    fleet: dict[str, Vehicle] = {}
    sent: list[bytes] = []
    for chunk in simulate(config):
        fleet = {vehicle.vin: vehicle for vehicle in chunk.fleet}
        sent += [encode_protobuf(message) for message in messages(chunk, upload_s=60)]
    return fleet, sent


def write(database: Migrated, payloads: Iterable[bytes]) -> None:
    """Write messages as ingest does; a vehicle nobody knows is registered."""
    numbers: dict[str, int] = {}

    def number(vin: str) -> int:
        if vin not in numbers:
            numbers[vin] = registers.register_vehicle(database.connection, vin).vehicle_id
        return numbers[vin]

    assembler = Assembler(
        database.catalogue,
        number,
        retention=timedelta(days=90),
        future_tolerance=timedelta(days=1),
        report_interval_s=60,
    )
    writer = open_writer(database)
    try:
        for offset, payload in enumerate(payloads):
            assembler.add(
                Record(
                    topic="driven",
                    partition=0,
                    offset=offset,
                    key=None,
                    value=payload,
                    content_type=ContentType.PROTOBUF,
                )
            )
            if assembler.weight >= 5000:
                writer.write(assembler.build(datetime.now(tz=UTC), ()).batch)
        if not assembler.empty:
            writer.write(assembler.build(datetime.now(tz=UTC), ()).batch)
    finally:
        writer.close()


def drive_fleet(
    database: Migrated, midnight: datetime, numbers: Iterable[int], days: int = 3
) -> None:
    """Vehicles that drive over so many midnights; odd ones by two drivers in turn."""
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    for number in numbers:
        vehicle = DrivenVehicle(database, f"LVBV3ABB5PK{number:06d}")
        for passed in range(days):
            start = midnight + passed * day - number * 10 * minute
            vehicle.write(driving(start, 75, km_h=50 + number), driving(start + 5 * hour, 20))
        if number % 2:
            vehicle.write((midnight - 5 * hour, f"KILLED{number // 2 % 2}"))
        vehicle.close()
