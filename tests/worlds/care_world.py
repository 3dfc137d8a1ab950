"""Trucks that want care, as a dealer, a workshop and the maker see them.

The dealer has sold eleven trucks, the workshop looks after seven of them; another owner's truck has
a red lamp that neither may know of. Every kind of reason is there once or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from schemas import catalogue as catalogues
from schemas.wire import Lamp
from storage.batch import Batch, TroubleCodeRow
from storage.registers import (
    add_to_fleet,
    employ_driver,
    ensure_fleet,
    ensure_party,
    grant_access,
    register_vehicle,
    set_vehicle_home,
)
from storage.service import ServicePlan, put_done, put_plan
from tests.asking.api_fixture import record
from tests.samples.behaviour_samples import DAY, HOUR, store
from tests.servers.database_fixture import migrated_to, new_database, open_writer
from tests.worlds.identity_world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

SECOND = timedelta(seconds=1)
NAMES = (
    "stop",
    "brakes",
    "filter",
    "lamp",
    "overdue",
    "soon",
    "planned",
    "lost",
    "laid_up",
    "never",
    "well",
)
VINS = {name: f"LSGCC11112C0002{number:02d}" for number, name in enumerate(NAMES)}
PLATES = {name: f"沪A·2{number:02d}88" for number, name in enumerate(NAMES)}
SERVICED = ("stop", "brakes", "filter", "lamp", "overdue", "soon", "lost")
"""Those of the workshop."""
FOREIGN_VIN, FOREIGN_PLATE = "LSGDD11112D000999", "京B·99999"
DRIVER, CARD = "王伟", "CHN0000000000001"


@cache
def now() -> datetime:
    """When the world was made."""
    return datetime.now(tz=UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def care(
    database_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CareWorld, httpx2.Client]]:
    """The world and the API over it; who changes something puts it back."""
    with (
        new_database(database_server) as dsn,
        migrated_to(dsn, catalogues.default()) as database,
    ):
        world = care_world(database, tmp_path_factory.mktemp("care"))
        with world.serving(api_connections=2) as client:
            yield world, client


@dataclass(kw_only=True)
class CareWorld(World):
    """What was made, by its numbers."""

    dealer: int
    workshop: int


def care_world(database: Migrated, folder: Path) -> CareWorld:
    """Make it."""
    connection = database.connection
    maker, dealer, workshop, owner, other = (
        ensure_party(connection, name, kind)
        for name, kind in (
            ("Maker", "maker"),
            ("East Trucks", "dealer"),
            ("Quay Workshop", "service_provider"),
            ("North", "owner"),
            ("South", "owner"),
        )
    )
    driver = employ_driver(connection, card_id=CARD, party_id=owner, name=DRIVER)
    fleet = ensure_fleet(connection, party_id=owner, name="North trucks")
    for name, vin in VINS.items():
        model = "J6P 6×4" if name in ("stop", "planned") else "J7 6×4"
        register_vehicle(connection, vin, model=model)
        set_vehicle_home(connection, vin, plate=PLATES[name], region="CN-31")
        grant_access(connection, party_id=owner, vin=vin, purpose="ownership")
        grant_access(connection, party_id=dealer, vin=vin, purpose="sale")
        add_to_fleet(connection, fleet_id=fleet, vin=vin)
        if name in SERVICED:
            grant_access(connection, party_id=workshop, vin=vin, purpose="service")
    register_vehicle(connection, FOREIGN_VIN, model="Other 4×2")
    set_vehicle_home(connection, FOREIGN_VIN, plate=FOREIGN_PLATE, region="CN-11")
    grant_access(connection, party_id=other, vin=FOREIGN_VIN, purpose="ownership")
    _states(database)
    _codes(database)
    _services(connection)
    _ingest(connection)
    connection.execute(
        "UPDATE vehicle SET registered_at = %s WHERE vin = %s", (now() - 10 * DAY, VINS["never"])
    )
    first = now() - 20 * HOUR
    stop = register_vehicle(connection, VINS["stop"]).vehicle_id
    store(connection, stop, (first - DAY, first + DAY), (first, 40, CARD))
    made = CareWorld(
        database=database,
        keys_file=folder / "identity" / "keys.json",
        maker=maker,
        owner=owner,
        auditor=maker,
        driver=driver,
        dealer=dealer,
        workshop=workshop,
    )
    made.account("east", "dealer", party=dealer)
    made.account("east.second", "dealer", party=dealer)
    made.account("quay", "service_provider", party=workshop)
    made.account("maker", "maker", party=maker)
    made.account("wu", "owner", party=owner)
    return made


def _states(database: Migrated) -> None:
    """The latest values of each: what it does, its counters, what warns."""
    running = {"wheel_speed": 72.0, "engine_running": 1.0}
    standing = {"wheel_speed": 0.0, "engine_running": 0.0}
    counters = {"odometer": 203_118.5, "engine_hours": 4123.5}
    place = {"latitude": 31.23, "longitude": 121.47, "coolant_temperature": 88.0}
    for name, age, values in (
        ("stop", 20 * SECOND, running | {"tell_tale_red": 1.0, "coolant_temperature": 112.0}),
        ("brakes", 2400 * SECOND, standing | {"ebs_red_warning": 1.0}),
        ("filter", 30 * SECOND, running | {"tell_tale_amber": 1.0, "dpf_lamp": 4.0}),
        ("lamp", 40 * SECOND, running | {"tell_tale_amber": 1.0}),
        ("overdue", 50 * SECOND, running | {"service_distance": -320.0, "service_days": 12.0}),
        ("soon", 60 * SECOND, running | {"service_days": 9.0, "service_due": 1.0}),
        ("planned", 70 * SECOND, running),
        ("lost", 6 * HOUR, running),
        ("laid_up", 12 * DAY, standing),
        ("well", 10 * SECOND, running | {"fuel_level_low": 1.0, "service_days": 200.0}),
    ):
        _record(database, VINS[name], now() - age, counters | place | values)
    _record(database, FOREIGN_VIN, now() - SECOND, running | {"tell_tale_red": 1.0})


def _record(database: Migrated, vin: str, at: datetime, values: dict[str, float]) -> None:
    row = {name: [value] for name, value in values.items()}
    record(database, vin, pd.DataFrame(row, index=pd.DatetimeIndex([at])))


def write_code(
    database: Migrated, name: str, age: timedelta, spn: int, fmi: int, lamp: Lamp
) -> None:
    """Let a truck report a trouble code that came up so long ago."""
    vehicle = register_vehicle(database.connection, VINS[name])
    writer = open_writer(database)
    row = TroubleCodeRow(
        vehicle_id=vehicle.vehicle_id,
        time=now() - age,
        spn=spn,
        fmi=fmi,
        source_address=0,
        lamp=lamp,
        count=2,
        active=True,
    )
    writer.write(Batch(trouble_codes=(row,)))
    writer.close()


def _codes(database: Migrated) -> None:
    write_code(database, "stop", 3 * HOUR, 110, 0, Lamp.RED_STOP)
    write_code(database, "filter", 30 * HOUR, 3251, 16, Lamp.AMBER_WARNING)
    write_code(database, "filter", 29 * HOUR, 4364, 18, Lamp.MALFUNCTION_INDICATOR)
    report_lamp(database.connection, "lamp", 5 * HOUR)


def report_lamp(connection: Connection, name: str, age: timedelta) -> None:
    """Let a truck have reported that its amber lamp was lit, so long ago."""
    connection.execute(
        "INSERT INTO vehicle_event (vehicle_id, time, trigger_type, detail)"
        " SELECT vehicle_id, %s, 'TELL_TALE', 'GENERAL_FAILURE YELLOW' FROM vehicle WHERE vin = %s",
        (now() - age, VINS[name]),
    )


def _services(connection: Connection) -> None:
    plan = ServicePlan(
        vehicle_class="heavy_truck", model="J6P 6×4", every_km=60_000, every_h=1500, every_days=365
    )
    put_plan(connection, plan)
    put_done(
        connection,
        VINS["planned"],
        now() - 100 * DAY,
        odometer_km=180_000.0,
        engine_h=2703.5,
    )


def _ingest(connection: Connection) -> None:
    """A week of counts: refused messages, values out of limits."""
    today = now().date()
    with connection.cursor() as cursor:
        for days, measure, key, count in (
            *((day, "messages", "", 860 - day) for day in range(5)),
            *((day, "frames", "motion", 51_600 - day) for day in range(5)),
            *((day, "values", "", 4_128_000) for day in range(5)),
            (0, "refused", "bad_vin", 12),
            (1, "refused", "bad_vin", 5),
            (2, "refused", "too_old", 3),
            (0, "out_of_limits", "coolant_temperature", 340),
            (3, "out_of_limits", "battery_voltage", 9),
            (0, "repeated", "motion", 240),
            (60, "refused", "empty", 99),
        ):
            cursor.execute(
                "INSERT INTO ingest_count (day, topic, partition, measure, key, count)"
                " VALUES (%s, 'vehicle.frames', 7, %s, %s, %s)",
                (today - timedelta(days=days), measure, key, count),
            )
        cursor.execute(
            "INSERT INTO ingest_offset (cluster_id, topic_id, partition, topic, next_offset,"
            " updated_at) VALUES ('c', gen_random_uuid(), 7, 'vehicle.frames', 4300, %s)",
            (now() - timedelta(seconds=40),),
        )
        cursor.execute(
            "INSERT INTO refused_value (vehicle_id, time, signal_id, value)"
            " SELECT vehicle_id, %s, signal_id, 300 FROM vehicle, signal"
            " WHERE vin = ANY (%s) AND signal.name = 'coolant_temperature'",
            (now(), [VINS["stop"], VINS["lamp"]]),
        )
