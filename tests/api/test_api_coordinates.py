"""Whoever asks for GCJ-02 gets it from every answer with positions, marked, in every format."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from schemas.gcj02 import to_gcj02
from tests.asking.api_fixture import record, served_as
from tests.worlds.personal_world import START, derive

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VIN, ABROAD = "LSGAA11112A000001", "LSGAA11112A000002"
VEHICLE = f"/v1/vehicles/{VIN}"
SPAN = {"start": "2026-10-20T00:00:00Z", "end": "2026-10-21T00:00:00Z"}
GCJ = {"coordinates": "gcj-02"}
HERE, THERE = (31.2, 121.2), (37.5665, 126.978)


@pytest.fixture(scope="module")
def client(migrated: Migrated) -> Iterator[httpx2.Client]:
    index = pd.date_range(START, periods=120, freq="s", tz="UTC")
    for driver, (vin, (latitude, longitude)) in enumerate(((VIN, HERE), (ABROAD, THERE)), 17):
        along = np.arange(len(index)) / 1e5
        recorded = record(
            migrated,
            vin,
            pd.DataFrame(
                {"latitude": latitude + along, "longitude": longitude, "wheel_speed": 60.0},
                index=index,
            ),
        )
        derive(migrated.connection, recorded.vehicle_id, driver, START)
    with served_as(migrated) as opened:
        yield opened


def _get(client: httpx2.Client, address: str, **params: Any) -> dict[str, Any]:
    """The answer in GCJ-02, which says so; without being asked it does not."""
    plain = client.get(address, params=params)
    assert plain.status_code == 200, plain.text
    assert "x-coordinates" not in plain.headers
    answer = client.get(address, params={**params, **GCJ})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-coordinates"] == "gcj-02"
    return {"kept": plain.json(), "told": answer.json()}


def _is_moved(kept: dict[str, Any], told: dict[str, Any]) -> bool:
    wanted = tuple(map(float, to_gcj02(kept["latitude"], kept["longitude"])))
    assert (told["latitude"], told["longitude"]) == pytest.approx(wanted, abs=1e-9)
    return bool(kept["latitude"] != told["latitude"])


@pytest.mark.parametrize(
    ("address", "params", "path"),
    [
        ("/v1/vehicles", {}, ("vehicles", 0, "position")),
        (f"{VEHICLE}/trips", SPAN, ("trips", 0, "start_position")),
        (f"{VEHICLE}/trips", SPAN, ("trips", 0, "end_position")),
        (f"{VEHICLE}/events", SPAN, ("events", 0, "position")),
        (f"{VEHICLE}/tank-events", SPAN, ("events", 0, "position")),
        (f"{VEHICLE}/status", {}, ("last_trips", 0, "start_position")),
    ],
)
def test_positions_are_moved(
    client: httpx2.Client, address: str, params: dict[str, str], path: tuple[str | int, ...]
) -> None:
    answers = _get(client, address, **params)
    kept, told = answers["kept"], answers["told"]
    for step in path:
        kept, told = kept[step], told[step]
    assert _is_moved(kept, told)


def test_abroad_they_are_the_same(client: httpx2.Client) -> None:
    answers = _get(client, "/v1/vehicles", vin=ABROAD)
    assert not _is_moved(
        answers["kept"]["vehicles"][0]["position"], answers["told"]["vehicles"][0]["position"]
    )


@pytest.mark.parametrize("address", [f"{VEHICLE}/state", f"{VEHICLE}/status"])
def test_latest_values_are_moved(client: httpx2.Client, address: str) -> None:
    def position(answer: dict[str, Any]) -> dict[str, float]:
        groups = answer["groups"] if "groups" in answer else answer["systems"]
        readings = [one for group in groups for one in group.get("signals", group.get("values"))]
        return {one["signal"]: one["value"] for one in readings if one["unit"] == "deg"}

    answers = _get(client, address)
    assert _is_moved(position(answers["kept"]), position(answers["told"]))


def test_what_is_asked_about_is_meant_in_the_same_coordinates(client: httpx2.Client) -> None:
    answers = _get(client, "/v1/vehicles", vin=VIN)
    told = answers["told"]["vehicles"][0]["position"]
    around = f"{told['latitude']},{told['longitude']}"
    found = client.get("/v1/vehicles", params={"near": around, "radius": 1, **GCJ}).json()
    assert [vehicle["vin"] for vehicle in found["vehicles"]] == [VIN]
    elsewhere = client.get("/v1/vehicles", params={"near": around, "radius": 100}).json()
    assert elsewhere["vehicles"] == []
    edges = (
        f"{told['longitude'] - 1e-5},{told['latitude'] - 1e-5},"
        f"{told['longitude'] + 1e-5},{told['latitude'] + 1e-5}"
    )
    boxed = client.get("/v1/vehicles", params={"box": edges, **GCJ}).json()
    assert [vehicle["vin"] for vehicle in boxed["vehicles"]] == [VIN]
    assert client.get("/v1/vehicles", params={"box": edges}).json()["vehicles"] == []


@pytest.mark.parametrize("step", [None, 60])
def test_signals_are_moved_together(client: httpx2.Client, step: int | None) -> None:
    params = {**SPAN, "names": "wheel_speed,longitude,latitude", "limit": 100}
    answers = _get(
        client, f"{VEHICLE}/signals", **params, **({} if step is None else {"step": step})
    )
    kept, told = (
        {one["name"]: one for one in answers[name]["signals"]} for name in ("kept", "told")
    )
    assert told["wheel_speed"] == kept["wheel_speed"]
    north, east = to_gcj02(kept["latitude"]["values"], kept["longitude"]["values"])
    assert told["latitude"]["values"] == pytest.approx(north.tolist(), abs=1e-9)
    assert told["longitude"]["values"] == pytest.approx(east.tolist(), abs=1e-9)
    if step is not None:
        lows, means = np.array(told["latitude"]["min"]), np.array(told["latitude"]["values"])
        assert (lows < means).all()
        assert (means < np.array(told["latitude"]["max"])).all()
    if step is None:
        assert "coordinates=gcj-02" in answers["told"]["next"]


def test_tables_are_moved_and_marked_too(client: httpx2.Client) -> None:
    params = {**SPAN, "names": "latitude,longitude", **GCJ}
    answer = client.get(f"{VEHICLE}/signals", params=params, headers={"Accept": "text/csv"})
    assert answer.headers["x-coordinates"] == "gcj-02"
    table = pd.read_csv(io.StringIO(answer.text))
    north, _ = to_gcj02(*HERE)
    assert table["latitude"][0] == pytest.approx(float(north), abs=1e-9)
    answer = client.get(f"{VEHICLE}/trips", params={**SPAN, **GCJ}, headers={"Accept": "text/csv"})
    assert answer.headers["x-coordinates"] == "gcj-02"
    trips = pd.read_csv(io.StringIO(answer.text))
    assert trips["start_position_latitude"][0] == pytest.approx(
        float(to_gcj02(31, 121)[0]), abs=1e-9
    )


def test_half_a_position_and_unknown_coordinates_are_refused(client: httpx2.Client) -> None:
    params = {**SPAN, "names": "latitude", **GCJ}
    answer = client.get(f"{VEHICLE}/signals", params=params)
    assert answer.status_code == 422
    assert "together" in answer.text
    answer = client.get("/v1/vehicles", params={"coordinates": "bd-09\r\nX-Evil: 1"})
    assert answer.status_code == 422
    assert not {"x-coordinates", "x-evil"} & set(answer.headers)
    assert client.get("/v1/fleets", params=GCJ).status_code == 422, "it has no positions"


def test_a_stream_is_moved_and_marked(client: httpx2.Client) -> None:
    with client.stream("GET", f"{VEHICLE}/stream", params=GCJ) as answer:
        assert answer.headers["x-coordinates"] == "gcj-02"
        data = next(line for line in answer.iter_lines() if line.startswith("data: "))
    position = json.loads(data.removeprefix("data: "))["position"]
    kept = client.get("/v1/vehicles", params={"vin": VIN}).json()["vehicles"][0]["position"]
    assert _is_moved(kept, position)
