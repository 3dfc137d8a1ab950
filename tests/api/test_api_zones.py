"""The same moments by the clocks of a zone, in every format, and steps from its midnights."""

from __future__ import annotations

import io
import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from tests.asking.api_fixture import drive, record, served_as
from tests.worlds.behaviour_world import SPAN, A, fill, grants
from tests.worlds.served_fuel_world import fill_fuel

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

ZONE = {"time_zone": "Asia/Shanghai"}
EIGHT_HOURS = timedelta(hours=8)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

NOT_ASKED = {
    "/v1/audit": "who reads is written down: two answers are never the same",
}
DRIVEN, PUT_BACK = "LSGAA11112A000077", "LSGAA11112A000078"
DRIVE: dict[str, str | int] = {
    "start": "2026-11-01T22:30:00Z",
    "end": "2026-11-02T01:30:00Z",
    "names": "wheel_speed",
}


@pytest.fixture(scope="module")
def numbers(migrated: Migrated) -> dict[str, int]:
    found = fill(migrated)
    grants(migrated)
    record(migrated, DRIVEN, drive("2026-11-01T22:30:00", 3 * 3600))
    return {**found, **fill_fuel(migrated, found)}


@pytest.fixture(scope="module")
def client(numbers: dict[str, int], migrated: Migrated) -> Iterator[httpx2.Client]:
    assert numbers
    with served_as(migrated, "Maker", "maker") as client:
        yield client


def times(found: Any, way: str = "") -> dict[str, str]:
    """Every time in an answer, by the way to it."""
    if isinstance(found, dict):
        return {k: v for name in found for k, v in times(found[name], f"{way}/{name}").items()}
    if isinstance(found, list):
        return {
            k: v for place, one in enumerate(found) for k, v in times(one, f"{way}/{place}").items()
        }
    return {way: found} if isinstance(found, str) and TIME.fullmatch(found) else {}


def addresses(client: httpx2.Client) -> list[str]:
    """All that take a zone and are asked by a span."""
    found = [
        path
        for path, methods in client.get("/openapi.json").json()["paths"].items()
        for name in [{one["name"] for one in methods.get("get", {}).get("parameters", ())}]
        if {"time_zone", "start"} <= name and path not in NOT_ASKED and "signals" not in path
    ]
    assert len(found) > 8
    return found


def test_every_listing_tells_the_same_moments_by_local_clocks(
    client: httpx2.Client, numbers: dict[str, int]
) -> None:
    with_times = 0
    for path in addresses(client):
        address = path.format(vin=A, driver_id=numbers["wang"], fleet_id=numbers["fleet"])
        by_utc = client.get(address, params=SPAN)
        local = client.get(address, params=SPAN | ZONE)
        assert local.status_code == by_utc.status_code == 200, (address, local.text)
        expected, found = times(by_utc.json()), times(local.json())
        assert found.keys() == expected.keys(), address
        with_times += bool(found)
        for way, text in found.items():
            assert text.endswith("+08:00"), (address, way)
            assert datetime.fromisoformat(text) == datetime.fromisoformat(expected[way])
    assert with_times > 8


def test_tables_tell_times_by_local_clocks_too(client: httpx2.Client) -> None:
    address = f"/v1/vehicles/{A}/trips"
    told = [trip["start"] for trip in client.get(address, params=SPAN | ZONE).json()["trips"]]
    assert told

    def asked(media: str) -> bytes:
        answer = client.get(address, params=SPAN | ZONE, headers={"Accept": media})
        assert answer.status_code == 200
        return answer.content

    lines = asked("text/csv").decode().splitlines()
    place = lines[0].replace('"', "").split(",").index("start")
    assert [line.split(",")[place].strip('"') for line in lines[1:]] == told
    for table in (
        ipc.open_stream(asked("application/vnd.apache.arrow.stream")).read_all(),
        parquet.read_table(io.BytesIO(asked("application/vnd.apache.parquet"))),
    ):
        column = table.column("start")
        assert column.type == pa.timestamp("us", tz="Asia/Shanghai")
        assert column.to_pylist() == [datetime.fromisoformat(text) for text in told]


def test_a_step_of_a_day_is_a_local_day(client: httpx2.Client, numbers: dict[str, int]) -> None:
    """22:30 to 01:30 UTC are one morning in Shanghai, and two days in London."""
    assert numbers
    address = f"/v1/vehicles/{DRIVEN}/signals"
    rows = client.get(address, params={**DRIVE, "limit": 20_000}).json()["signals"][0]["values"]
    by_utc = client.get(address, params={**DRIVE, "step": 86_400}).json()
    local = client.get(address, params={**DRIVE, "step": 86_400, **ZONE}).json()
    assert by_utc["time"] == ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"]
    assert local["time"] == ["2026-11-02T00:00:00+08:00"]
    assert local["start"] == "2026-11-02T00:00:00+08:00"
    assert local["end"] == "2026-11-03T00:00:00+08:00"
    known = [value for value in rows if value is not None]
    assert local["signals"][0]["values"][0] == pytest.approx(sum(known) / len(known), rel=1e-6)


def test_pages_of_local_steps_follow_each_other(
    client: httpx2.Client, numbers: dict[str, int]
) -> None:
    assert numbers
    asked = {**DRIVE, "step": 3600, "time_zone": "Asia/Kolkata"}
    address = f"/v1/vehicles/{DRIVEN}/signals"
    whole = client.get(address, params=asked).json()
    assert whole["time"][0] == "2026-11-02T04:00:00+05:30"
    assert len(whole["time"]) == 3
    following: str | None = address
    found: list[str] = []
    params: dict[str, Any] | None = {**asked, "limit": 1}
    while following is not None:
        page = client.get(following, params=params).json()
        found += page["time"]
        following, params = page["next"], None
    assert found == whole["time"]
    table = client.get(address, params=asked, headers={"Accept": "text/csv"}).text
    assert [line.split(",")[0].strip('"') for line in table.splitlines()[1:]] == whole["time"]


def test_pages_of_an_hour_that_is_said_twice_are_those_of_one_answer(
    client: httpx2.Client, migrated: Migrated
) -> None:
    # In St John's, 2 o'clock was 1 o'clock again at 04:30 UTC; 27 s divide a day, and no half hour.
    record(migrated, PUT_BACK, drive("2026-11-01T03:00:00", 3 * 3600))
    address = f"/v1/vehicles/{PUT_BACK}/signals"
    asked: dict[str, str | int] = {
        "start": "2026-11-01T03:00:00Z",
        "end": "2026-11-01T06:00:00Z",
        "names": "wheel_speed",
        "step": 27,
        "time_zone": "America/St_Johns",
    }
    whole = client.get(address, params={**asked, "limit": 20_000}).json()
    assert len(set(whole["time"])) == len(whole["time"]) == math.ceil(2 * 3600 / 27) + 1
    seconds = sorted(map(datetime.fromisoformat, whole["time"]))
    assert whole["time"] == [second.isoformat() for second in seconds]
    for limit in (7, 50):
        times, values, following = [], [], f"{address}?{urlencode({**asked, 'limit': limit})}"
        while following:
            page = client.get(following).json()
            assert 0 < len(page["time"]) <= limit
            times += page["time"]
            values += page["signals"][0]["values"]
            following = page["next"]
        assert times == whole["time"]
        assert values == whole["signals"][0]["values"]
    # And a span that ends within it ends with it.
    for end in ("2026-11-01T03:40:00Z", "2026-11-01T04:40:00Z"):
        cut = client.get(address, params={**asked, "end": end}).json()
        assert cut["end"] == "2026-11-01T02:00:09-03:30"
        count = len(cut["time"])
        assert whole["time"][count] == cut["end"]
        assert cut["time"] == whole["time"][:count]
        assert cut["signals"][0]["values"] == whole["signals"][0]["values"][:count]


def test_curves_are_told_by_local_clocks(client: httpx2.Client, numbers: dict[str, int]) -> None:
    assert numbers
    by_utc = client.get("/v1/signals", params={**DRIVE, "vins": DRIVEN}).json()
    local = client.get("/v1/signals", params={**DRIVE, "vins": DRIVEN, **ZONE}).json()
    before, after = times(by_utc), times(local)
    assert before.keys() == after.keys()
    for way, text in after.items():
        moment = datetime.fromisoformat(text)
        assert moment.utcoffset() == EIGHT_HOURS
        assert moment == datetime.fromisoformat(before[way])


def test_curves_are_placed_in_the_coordinates_that_are_asked_for(
    client: httpx2.Client, numbers: dict[str, int]
) -> None:
    assert numbers
    asked = {**DRIVE, "vins": DRIVEN, "names": "latitude,longitude", "points": 100}
    kept = client.get("/v1/signals", params=asked).json()["series"]
    answer = client.get("/v1/signals", params=asked | {"coordinates": "gcj-02"})
    assert answer.headers["X-Coordinates"] == "gcj-02"
    for before, after in zip(kept, answer.json()["series"], strict=True):
        if before["name"] in {"latitude", "longitude"} and before["values"]:
            assert before["values"] != after["values"]
    half = client.get("/v1/signals", params=asked | {"coordinates": "gcj-02", "names": "latitude"})
    assert half.status_code == 422
    assert half.json()["faults"][0]["field"] == "coordinates"


@pytest.mark.parametrize(
    "zone",
    ["Mars/Olympus", "", "GMT+8", "../etc/passwd", "x" * 80, "right/UTC", "Factory", "localtime"],
)
def test_a_zone_that_is_none_is_refused(client: httpx2.Client, zone: str) -> None:
    answer = client.get(f"/v1/vehicles/{A}/trips", params=SPAN | {"time_zone": zone})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == "time_zone"
