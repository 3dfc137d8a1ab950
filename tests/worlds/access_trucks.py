"""Trucks of which all is there that can be known, and of which nothing looks like another's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.accumulated import LAYOUT, LAYOUT_VERSION
from storage.batch import Batch, DriverChangeRow, ReportRow, TroubleCodeRow
from storage.registers import employ_driver, set_vehicle_home
from tests.asking.api_fixture import record
from tests.samples.behaviour_samples import DAY, HOUR, store
from tests.servers.database_fixture import open_writer
from tests.worlds.behaviour_world import MONDAY, WEEK
from tests.worlds.served_fuel_world import expected, part, piece, tank_event

if TYPE_CHECKING:
    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated


@dataclass(frozen=True, kw_only=True)
class Person:
    """A driver."""

    driver_id: int
    card: str
    name: str

    @property
    def marks(self) -> tuple[str, ...]:
        """What gives him away in an answer."""
        return (str(self.driver_id), self.card, self.name)


@dataclass(frozen=True, kw_only=True)
class Truck:
    """A vehicle, who drives it, and two pieces of advice."""

    vin: str
    vehicle_id: int
    plate: str
    place: tuple[float, float]
    driver: Person
    advice_id: int
    """Of the vehicle."""
    driver_advice_id: int
    """For its driver."""

    @property
    def marks(self) -> tuple[str, ...]:
        """What gives the vehicle away in an answer; who drives it has his own."""
        return (
            self.vin,
            self.plate,
            *map(str, self.place),
            str(self.advice_id),
            str(self.driver_advice_id),
        )


def new_person(connection: Connection, card: str, name: str, party: int) -> Person:
    """A driver of an employer's."""
    number = employ_driver(connection, card_id=card, party_id=party, name=name)
    return Person(driver_id=number, card=card, name=name)


def new_truck(database: Migrated, n: int, driver: Person, hired: Person) -> Truck:
    """All that can be known of a vehicle: an hour of its driver's, and one of who is hired."""
    connection = database.connection
    vin, plate = f"LSGCC22222B00000{n}", f"沪A-{n}{n}{n}{n}{n}"
    latitude, longitude = 31 + n / 64, 121 + n / 64  # the middle of no cell of a dataset's
    index = pd.date_range(MONDAY + 2 * HOUR, periods=120, freq="s")
    signals = {
        "wheel_speed": 50.0 + n,
        "latitude": latitude,
        "longitude": longitude,
        "odometer": 200_000.0 + n,
        "fuel_level_1": 40.0,
        "tell_tale_amber": 1.0,
        "trouble_code_count": 1.0,
    }
    number = record(database, vin, pd.DataFrame(signals, index=index)).vehicle_id
    set_vehicle_home(connection, vin, plate=plate, region="CN-31")
    start = MONDAY + 2 * HOUR
    place = {
        "start_latitude": latitude,
        "start_longitude": longitude,
        "end_latitude": latitude,
        "end_longitude": longitude,
    }
    store(
        connection,
        number,
        (MONDAY, MONDAY + 7 * DAY),
        (start, 60, driver.card),
        (start + 10 * HOUR, 60, hired.card),
        braked=[(start, driver.card), (start + 10 * HOUR, hired.card)],
        of_trips=place,
        days=[(WEEK, np.arange(1.0, len(LAYOUT) + 1).tolist(), True)],
        layout_version=LAYOUT_VERSION,
    )
    connection.execute(
        "UPDATE driving_event SET latitude = %s, longitude = %s WHERE vehicle_id = %s",
        (latitude, longitude, number),
    )
    measured = {"fuel_l": 18.0, "counter_l": 18.0, **expected(16.0, 1.0, "physics")}
    part(connection, number, start, driver.driver_id, causes={"idling": (1.5, 0.5)}, **measured)
    part(connection, number, start + 10 * HOUR, hired.driver_id, **measured)
    tank_event(connection, number, MONDAY + DAY, "refuelling")
    connection.execute(
        "UPDATE tank_event SET latitude = %s, longitude = %s WHERE vehicle_id = %s",
        (latitude, longitude, number),
    )
    tyres = piece(connection, number, None, "tyres", 3.0)
    idling = piece(connection, number, driver.driver_id, "idling", 1.5)
    _write_reports(database, number, driver, signals)
    return Truck(
        vin=vin,
        vehicle_id=number,
        plate=plate,
        place=(latitude, longitude),
        driver=driver,
        advice_id=tyres,
        driver_advice_id=idling,
    )


def _write_reports(
    database: Migrated, number: int, driver: Person, signals: dict[str, float]
) -> None:
    """A trouble code, the driver's card, and reports as rFMS has them."""
    start = datetime.now(tz=UTC).replace(microsecond=0) - 2 * HOUR
    values = {"latitude": signals["latitude"], "longitude": signals["longitude"]}
    values |= {"wheel_speed": 50.0, "driver1_working_state": 3.0}
    code = TroubleCodeRow(
        vehicle_id=number,
        time=start,
        spn=110,
        fmi=0,
        source_address=0,
        lamp="AMBER_WARNING",
        count=1,
        active=True,
    )
    card = DriverChangeRow(vehicle_id=number, time=start - HOUR, slot=1, card_id=driver.card)
    writer = open_writer(database)
    writer.write(
        Batch(
            trouble_codes=(code,),
            driver_changes=(card,),
            reports=tuple(
                ReportRow(
                    vehicle_id=number,
                    created_time=start + timedelta(minutes=n),
                    trigger_type=trigger,
                    values=values,
                    detail=detail,
                )
                for n, (trigger, detail) in enumerate(
                    (("TIMER", ""), ("DRIVER_LOGIN", driver.card)), start=1
                )
            ),
        )
    )
    writer.publish_reports()
    writer.close()
