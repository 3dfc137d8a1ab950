"""Real recordings go all the way, from a file to the API, and come out as they went in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings
from ingest.gateways.conversions import DIESEL_KG_L
from storage import registers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real vehicles' data is not here: it may not be copied"
)

START = "2026-11-01T00:00:00+00:00"


@dataclass(frozen=True, kw_only=True)
class Car:
    """A recording and the VIN it goes under."""

    file: str
    mapping: str
    vin: str


TRUCK = Car(file="hd_truck_1hz.parquet", mapping="vt_heavy_truck", vin="LVBV3ABB5PE000001")
DIESEL = Car(file="car_kit_leon_1hz.parquet", mapping="kit_diesel_car", vin="LVBV3ABB5PE000002")
FLEX = Car(
    file="car_etios_irregular.parquet", mapping="carobd_flex_fuel_car", vin="LVBV3ABB5PE000003"
)


@pytest.fixture(scope="module")
def client(command_line: CommandLine, migrated: Migrated) -> Iterator[TestClient]:
    """The API over a database that all three recordings went into."""
    # The recordings lie before the retention of a test that runs next year.
    command_line.environment["TELEMETRY_RETENTION_DAYS"] = "36500"
    for car in (TRUCK, DIESEL, FLEX):
        command_line.run(
            "replay", str(DATA / car.file), "--mapping", car.mapping, "--vin", car.vin,
            "--start", START,
        )  # fmt: skip
    command_line.run("ingest", "--until-idle", "3")
    command_line.run("analyse")
    registers.ensure_party(migrated.connection, registers.DEMO_PARTY, "maker")
    app = create_app(ApiSettings(), migrated.dsn)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def trips(client: TestClient, vin: str) -> pd.DataFrame:
    """All trips of a vehicle, page after page."""
    found, link = (
        [],
        f"/v1/vehicles/{vin}/trips?start=2026-01-01T00:00:00Z&end=2027-12-31T00:00:00Z",
    )
    while link:
        answer = client.get(link)
        assert answer.status_code == 200, answer.text
        found += answer.json()["trips"]
        link = answer.json()["next"]
    return pd.DataFrame(found)


def test_the_truck_comes_out_with_the_files_own_distance_idle_time_and_fuel(
    client: TestClient,
) -> None:
    rows = pd.read_parquet(DATA / TRUCK.file)
    idle = (rows["speed_kmh"] < 1) & (rows["engine_rpm"] > 300)
    found = trips(client, TRUCK.vin)
    # The file's rows are seconds; the issue is whether the way through the platform adds or loses.
    assert found["distance_km"].sum() == pytest.approx(rows["speed_kmh"].sum() / 3600, rel=0.01)
    assert found["idle_s"].sum() == pytest.approx(idle.sum(), rel=0.01)
    litres = rows["fuel_ecu_g_s"].sum() / 1000 / DIESEL_KG_L
    assert found["fuel_l"].sum() == pytest.approx(litres, rel=0.01)
    assert set(found["fuel_source"]) == {"fuel_rate"}
    assert len(found) == rows["segment"].nunique()  # the clock rests 15 min between segments


def test_the_trucks_last_values_are_the_files_last_row(client: TestClient) -> None:
    last = pd.read_parquet(DATA / TRUCK.file).iloc[-1]
    answer = client.get(f"/v1/vehicles/{TRUCK.vin}/state").json()
    values = {
        signal["signal"]: signal["value"]
        for group in answer["groups"]
        for signal in group["signals"]
    }
    assert values["wheel_speed"] == pytest.approx(last["speed_kmh"], rel=1e-6)  # float32
    assert values["engine_speed"] == pytest.approx(last["engine_rpm"], rel=1e-6)
    assert values["altitude"] == pytest.approx(last["elevation_m"], rel=1e-6)


@pytest.mark.parametrize("car", [DIESEL, FLEX], ids=["diesel", "flex_fuel"])
def test_the_cars_come_out_with_their_own_distance(client: TestClient, car: Car) -> None:
    rows = pd.read_parquet(DATA / car.file)
    clock = "t_s" if car is DIESEL else "engine_run_time_s"
    # Speed times the time until the next row; the last row of a trip stands for the usual step.
    steps = rows.groupby("trip", sort=False)[clock].diff().shift(-1)
    steps = steps.where(steps > 0, 1.0 if car is DIESEL else 2.0)
    driven_km = (rows["speed_kmh"] * steps).sum() / 3600
    found = trips(client, car.vin)
    assert found["distance_km"].sum() == pytest.approx(driven_km, rel=0.01)
    assert found["fuel_l"].isna().all()  # neither recording has fuel, so none may come out


def test_every_row_of_the_recordings_is_stored_once(migrated: Migrated, client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    stored: dict[str, int] = dict(
        migrated.connection.execute(
            "SELECT vin, count(*) FROM signal_motion JOIN vehicle USING (vehicle_id) GROUP BY vin"
        ).fetchall()
    )
    for car in (TRUCK, DIESEL, FLEX):
        assert stored[car.vin] == len(pd.read_parquet(DATA / car.file, columns=["speed_kmh"]))
