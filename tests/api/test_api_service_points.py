"""Places are found by distance, from a point or a vehicle; a list brings them, line by line."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cli.app import app
from storage.registers import ensure_party, grant_access, register_vehicle
from storage.service import ServicePoint, known_points, put_points
from tests.asking.api_fixture import every_page, record, served_as

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2
    from typer.testing import Result

    from tests.servers.database_fixture import Migrated

VIN, SILENT, FOREIGN = "LSGAA11112A000001", "LSGAA11112A000002", "LSGAA11112A000003"
HERE = (31.2304, 121.4737)
NOW = datetime.now(tz=UTC).replace(microsecond=0)
PATH = "/v1/service-points"
NEAREST = f"/v1/vehicles/{VIN}/service-points/nearest"
COUNT = 400


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great circle by another formula than the database's: the angle between two vectors."""

    def vector(place: tuple[float, float]) -> tuple[float, float, float]:
        north, east = map(math.radians, place)
        return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)

    a, b = np.array(vector(one)), np.array(vector(other))
    return 6371008.8 * math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))


def places() -> list[ServicePoint]:
    """Some thousands of km around, some at the poles and on both sides of the 180th meridian."""
    random = np.random.default_rng(7)
    spots = [
        *zip(random.normal(31, 4, COUNT - 4), random.normal(121, 4, COUNT - 4), strict=True),
        (89.9, 10.0),
        (-89.9, 10.0),
        (10.0, 179.9),
        (10.0, -179.9),
    ]
    return [
        ServicePoint(
            code=f"P-{number:03}",
            party=f"Workshop {number % 7}" if number % 3 else f"Dealer {number % 5}",
            kind="service_provider" if number % 3 else "dealer",
            name=f"Place {number}",
            latitude=float(latitude),
            longitude=float(longitude),
            address=None,
            phone="+86 21 5555 0142",
            opening_hours=None,
            services=("brakes", "tyres") if number % 4 == 0 else ("tyres",),
        )
        for number, (latitude, longitude) in enumerate(spots)
    ]


PLACES = places()


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Migrated:
    put_points(migrated.connection, PLACES)
    for vin in (SILENT, FOREIGN):
        register_vehicle(migrated.connection, vin)
    moments = pd.DatetimeIndex([NOW - timedelta(hours=2), NOW - timedelta(seconds=2)])
    where = {"latitude": [20.0, HERE[0]], "longitude": [110.0, HERE[1]]}
    record(migrated, VIN, pd.DataFrame(where, index=moments))
    workshop = ensure_party(migrated.connection, "Workshop North", "service_provider")
    grant_access(migrated.connection, party_id=workshop, vin=VIN, purpose="service")
    late = ensure_party(migrated.connection, "Workshop Late", "service_provider")
    data = (None, NOW - timedelta(hours=3))
    grant_access(migrated.connection, party_id=late, vin=VIN, purpose="service", data=data)
    return migrated


@pytest.fixture(scope="module")
def client(world: Migrated) -> Iterator[httpx2.Client]:
    with served_as(world) as client:
        yield client


def nearest(where: tuple[float, float], among: list[ServicePoint]) -> list[tuple[str, float]]:
    found = [(p.code, distance_m(where, (p.latitude, p.longitude))) for p in among]
    return sorted(found, key=lambda one: one[1])


@pytest.mark.parametrize(
    "where", [HERE, (0.0, -179.99), (90.0, 0.0), (-90.0, 77.0), (-31.0, -59.0)]
)
def test_the_nearest_come_first_wherever_one_asks(
    client: httpx2.Client, where: tuple[float, float]
) -> None:
    params = {"near": f"{where[0]},{where[1]}", "limit": 60}
    pages = every_page(client, PATH, params)
    got = [point for page in pages for point in page["service_points"]]
    expected = nearest(where, PLACES)
    assert len(pages) > 5
    assert [point["code"] for point in got] == [code for code, _ in expected]
    assert [point["distance_m"] for point in got] == pytest.approx(
        [distance for _, distance in expected], abs=1.0
    )


def test_a_radius_a_service_and_a_kind_narrow_them_down(client: httpx2.Client) -> None:
    params: dict[str, Any] = {"near": f"{HERE[0]},{HERE[1]}", "limit": 500, "radius_km": 300}
    within = client.get(PATH, params=params).json()["service_points"]
    both = client.get(PATH, params={**params, "service": "tyres,brakes", "kind": "dealer"}).json()[
        "service_points"
    ]
    by_code = {point.code: point for point in PLACES}
    near = [code for code, distance in nearest(HERE, PLACES) if distance <= 300_000]
    assert 20 < len(near) < COUNT
    assert [point["code"] for point in within] == near
    assert [point["code"] for point in both] == [
        code
        for code in near
        if by_code[code].kind == "dealer" and "brakes" in by_code[code].services
    ]
    assert both


def test_without_a_point_all_come_by_number_and_as_a_table(client: httpx2.Client) -> None:
    pages = every_page(client, PATH, {"limit": 90})
    codes = [point["code"] for page in pages for point in page["service_points"]]
    assert sorted(codes) == [point.code for point in PLACES]
    table = client.get(PATH, headers={"Accept": "text/csv"}).text.splitlines()
    assert len(table) == 1 + COUNT
    # What a spreadsheet would work out is told as a text.
    assert '"\'+86 21 5555 0142"' in table[1]


def test_places_around_a_vehicle_are_those_around_its_newest_position(
    client: httpx2.Client,
) -> None:
    answer = client.get(NEAREST).json()
    assert (answer["position"]["latitude"], answer["position"]["longitude"]) == HERE
    codes = [point["code"] for point in answer["service_points"]]
    assert codes == [code for code, _ in nearest(HERE, PLACES)[:5]]
    pages = every_page(client, NEAREST, {"limit": 2, "radius_km": 150})
    told = [point["code"] for page in pages for point in page["service_points"]]
    assert told == [code for code, distance in nearest(HERE, PLACES) if distance <= 150_000]
    assert len(pages) > 1


def test_of_a_vehicle_that_nobody_has_seen_no_place_is_told(client: httpx2.Client) -> None:
    answer = client.get(NEAREST.replace(VIN, SILENT)).json()
    assert answer == {"vin": SILENT, "position": None, "service_points": [], "next": None}


def test_a_foreign_vehicle_is_one_that_is_not_there_and_what_is_not_opened_is_no_position(
    world: Migrated,
) -> None:
    with served_as(world, "Workshop North", "service_provider") as client:
        assert len(client.get(NEAREST).json()["service_points"]) == 5
        foreign = client.get(NEAREST.replace(VIN, FOREIGN))
        missing = client.get(NEAREST.replace(VIN, "LSGAA11112A000009"))
        assert (foreign.status_code, missing.status_code) == (404, 404)
        assert foreign.json()["code"] == missing.json()["code"] == "unknown_vehicle"
    with served_as(world, "Workshop Late", "service_provider") as client:
        assert client.get(NEAREST).json()["position"] is None
        assert client.get(PATH).json()["service_points"]


@pytest.mark.parametrize("kind", ["data_science", "auditor"])
def test_to_those_who_do_not_work_with_vehicles_no_place_is_told(
    world: Migrated, kind: str
) -> None:
    with served_as(world, f"Some {kind}", kind) as client:
        assert client.get(PATH).json()["service_points"] == []


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"near": "91,0"}, "near"),
        ({"near": "31,nan"}, "near"),
        ({"near": "31"}, "near"),
        ({"radius_km": "5"}, "radius_km"),
        ({"near": "31,121", "radius_km": "-5"}, "radius_km"),
        ({"near": "31,121", "radius_km": "inf"}, "radius_km"),
        ({"service": "Brakes'--"}, "service"),
        ({"service": ","}, "service"),
        ({"service": "%00"}, "service"),
        ({"kind": "maker"}, "kind"),
        ({"cursor": "bjE"}, None),
        ({"near": "31,121", "cursor": "bjE"}, "cursor"),
        ({"cursor": "cDEuMCwx"}, "cursor"),
        ({"limit": "501"}, "limit"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_way_out(
    client: httpx2.Client, params: dict[str, str], field: str | None
) -> None:
    answer = client.get(PATH, params=params)
    if field is None:
        assert answer.status_code == 200
        return
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["faults"]] == [field]


def read(world: Migrated, file: Path, *options: str) -> Result:
    return CliRunner().invoke(
        app,
        ["service-points", "import", str(file), *options],
        env={"TELEMETRY_DATABASE_DSN": world.dsn.get_secret_value()},
    )


def test_a_list_is_reported_by_line_and_read_as_a_whole_or_not_at_all(
    world: Migrated, tmp_path: Path
) -> None:
    file = tmp_path / "places.csv"
    header = "code,party,kind,name,latitude,longitude,services\n"
    good = [
        "N-1,Workshop 1,service_provider,=Place,31.5,121.5,tyres brakes\n",
        'N-2,New Dealer,dealer,"Two, and ""more""",-31.5,121.5,\n',
    ]
    bad = [
        "N-3,Workshop 1,dealer,Three,31,121,\n",
        "N-1,Workshop 1,service_provider,Again,31,121,\n",
        "N-5,Workshop 1,service_provider,Five,91,121,\n",
        "N-6,Workshop 1,service_provider,,31,121,\n",
        "N-7,Workshop 1,service_provider,Seven,31,121,Tyres!\n",
        "N-8,Workshop 1,maker,Eight,31,121,\n",
        "N-9,Workshop 1,service_provider,Nine,31,121,tyres,more\n",
    ]
    file.write_text("\ufeff" + header + "".join(good + bad), encoding="utf-8")
    done = read(world, file)
    assert done.exit_code == 1
    for line in range(4, 11):
        assert f"line {line}: refused" in done.stdout
    assert "2 new, 0 changed, 0 same, 7 refused; nothing was written" in done.stdout
    assert not known_points(world.connection, ["N-1", "N-2"])

    file.write_text(header + "".join(good), encoding="utf-8")
    done = read(world, file, "--dry-run")
    assert "2 new, 0 changed, 0 same, 0 refused; nothing was written" in done.stdout
    assert not known_points(world.connection, ["N-1", "N-2"])
    assert read(world, file).exit_code == 0
    assert known_points(world.connection, ["N-1", "N-2"])["N-2"].name == 'Two, and "more"'

    file.write_text(header + good[0] + good[1].replace("-31.5", "-31.6"), encoding="utf-8")
    done = read(world, file)
    assert "line 3: changed: N-2" in done.stdout
    assert "0 new, 1 changed, 1 same, 0 refused" in done.stdout
    assert known_points(world.connection, ["N-2"])["N-2"].latitude == -31.6


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"code,party\n", "lacks kind"),
        (b"code,party,kind,name,latitude,longitude,colour\n", "does not know colour"),
        (b"code,code,party,kind,name,latitude,longitude\n", "repeats code"),
        (b"\xff\xfe", "cannot be read as CSV in UTF-8"),
        (b"", "lacks code"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_a_sentence(
    world: Migrated, tmp_path: Path, content: bytes, told: str
) -> None:
    file = tmp_path / "places.csv"
    file.write_bytes(content)
    done = read(world, file)
    assert told in str(done.exception)
