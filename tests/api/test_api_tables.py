"""What is tabular comes as CSV, Arrow and Parquet too: the same values, all of them, streamed."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv, ipc, parquet

from storage.registers import ensure_party, grant_access, register_vehicle
from tests.asking.api_fixture import as_frame, drive, every_page, record, served_as
from tests.samples.behaviour_samples import DAY, HOUR, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VIN, FOREIGN = "LSGAA11112A000001", "LSGAA11112A000002"
CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
TRIPS = 23
SPAN = {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
HOURS = 7
SIGNALS = {
    "names": "wheel_speed,latitude,brake_switch,odometer,oil_pressure",
    "start": "2026-10-20T00:00:00Z",
    "end": "2026-10-21T00:00:00Z",
}
EVERY_FORMAT = pytest.mark.parametrize("media", [CSV, ARROW, PARQUET])


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Migrated:
    register_vehicle(migrated.connection, FOREIGN)
    # More rows than one batch has.
    vehicle = record(migrated, VIN, drive("2026-10-20T00:00:00", HOURS * 3600))
    first = datetime(2026, 10, 2, tzinfo=UTC)
    drives = [(first + n * HOUR, n + 1, None) for n in range(TRIPS)]
    places = {"start_latitude": 31.0, "start_longitude": 121.0, "max_speed_kmh": 87.6}
    store(migrated.connection, vehicle.vehicle_id, (first, first + DAY), *drives, of_trips=places)
    return migrated


@pytest.fixture(scope="module")
def client(world: Migrated) -> Iterator[httpx2.Client]:
    with served_as(world) as client:
        yield client


def table_of(answer: httpx2.Response) -> pa.Table:
    assert answer.status_code == 200, answer.text
    assert "Accept" in answer.headers["vary"]
    media = answer.headers["content-type"].partition(";")[0]
    match media:
        case "text/csv":
            return csv.read_csv(io.BytesIO(answer.content))
        case "application/vnd.apache.arrow.stream":
            return ipc.open_stream(answer.content).read_all()
        case "application/vnd.apache.parquet":
            return parquet.read_table(io.BytesIO(answer.content))
    raise AssertionError(media)


@EVERY_FORMAT
@pytest.mark.parametrize("step", [None, 60])
def test_signals_are_all_there_and_the_same_as_in_json(
    client: httpx2.Client, media: str, step: int | None
) -> None:
    params: dict[str, Any] = SIGNALS | ({} if step is None else {"step": step})
    answer = client.get(f"/v1/vehicles/{VIN}/signals", params=params, headers={"Accept": media})
    table = table_of(answer).to_pandas().set_index("time")
    pages = every_page(client, f"/v1/vehicles/{VIN}/signals", {**params, "limit": 20_000})
    for column, end in (("values", ""), ("min", "_min"), ("max", "_max")):
        if step is None and column != "values":
            continue
        expected = as_frame(pages, column)
        got = table[[f"{name}{end}" for name in expected.columns]].set_axis(
            expected.columns, axis=1
        )
        got.index = pd.DatetimeIndex(pd.to_datetime(got.index, utc=True))
        assert len(got) > (20_000 if step is None else 400)
        pd.testing.assert_frame_equal(
            got.astype(float),
            expected,
            rtol=1e-6,
            check_index_type=False,
            check_freq=False,
            check_names=False,
            check_column_type=False,
        )


def test_columns_carry_their_units(client: httpx2.Client) -> None:
    answer = client.get(f"/v1/vehicles/{VIN}/signals", params=SIGNALS, headers={"Accept": ARROW})
    field = ipc.open_stream(answer.content).schema.field("oil_pressure")
    assert field.metadata[b"unit"] == b"kPa"
    assert field.type == pa.float32()


@EVERY_FORMAT
def test_trips_come_as_a_flat_table(client: httpx2.Client, media: str) -> None:
    answer = client.get(f"/v1/vehicles/{VIN}/trips", params=SPAN, headers={"Accept": media})
    table = table_of(answer)
    assert table.num_rows == TRIPS
    row = table.to_pylist()[1]
    assert (row["vin"], row["distance_km"], row["kind"]) == (VIN, 2.0, "drive")
    assert row["start_position_latitude"] == 31.0
    # Where it ended is not known: an empty cell, as every reader of CSV shows it.
    assert row["end_position_latitude"] is None
    assert row["max_speed_kmh"] == 87.6
    assert pd.Timestamp(row["start"]).tz_convert("UTC") == pd.Timestamp("2026-10-02T01:00:00Z")


def test_times_in_csv_are_those_of_json(client: httpx2.Client) -> None:
    headers = {"Accept": CSV}
    text = client.get(f"/v1/vehicles/{VIN}/trips", params=SPAN, headers=headers).text
    assert text.splitlines()[0].startswith('"vin","start","end","kind"')
    assert "2026-10-02T00:00:00Z" in text.splitlines()[1]


@EVERY_FORMAT
@pytest.mark.parametrize("listing", ["events", "scores", "fuel"])
def test_every_listing_has_its_columns_even_without_rows(
    client: httpx2.Client, media: str, listing: str
) -> None:
    answer = client.get(f"/v1/vehicles/{VIN}/{listing}", params=SPAN, headers={"Accept": media})
    table = table_of(answer)
    assert table.num_rows == 0
    assert {"start", "end", "driver_id"} <= set(table.column_names)


@EVERY_FORMAT
def test_vehicles_come_as_a_table(client: httpx2.Client, media: str) -> None:
    table = table_of(client.get("/v1/vehicles", headers={"Accept": media}))
    assert [row["vin"] for row in table.to_pylist()] == [VIN, FOREIGN]
    assert {"position_latitude", "odometer_value", "odometer_time"} <= set(table.column_names)


def test_a_limit_makes_pages_that_a_link_leads_through(client: httpx2.Client) -> None:
    address: str | None = (
        f"/v1/vehicles/{VIN}/trips?start={SPAN['start']}&end={SPAN['end']}&limit=10"
    )
    sizes = []
    while address is not None:
        answer = client.get(address, headers={"Accept": ARROW})
        sizes.append(table_of(answer).num_rows)
        following = answer.links.get("next")
        address = None if following is None else following["url"]
    assert sizes == [10, 10, 3]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("text/csv", CSV),
        ("TEXT/CSV; q=0.5", CSV),
        ("text/*", CSV),
        ("application/json;q=0.1, text/csv;q=0.2", CSV),
        ("application/json;q=0, application/*", ARROW),
        (f"{PARQUET}, text/csv;q=0.9", PARQUET),
    ],
)
def test_the_format_is_the_one_that_is_liked_best(
    client: httpx2.Client, accept: str | None, expected: str
) -> None:
    request = client.build_request("GET", f"/v1/vehicles/{VIN}/trips", params=SPAN)
    del request.headers["Accept"]
    if accept is not None:
        request.headers["Accept"] = accept
    answer = client.send(request)
    assert answer.headers["content-type"].partition(";")[0] == expected
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "text/csv;q=0", "nonsense"])
def test_a_format_that_is_none_of_ours_is_refused(client: httpx2.Client, accept: str) -> None:
    answer = client.get(f"/v1/vehicles/{VIN}/trips", params=SPAN, headers={"Accept": accept})
    assert answer.status_code == 406
    assert answer.json()["code"] == "not_acceptable"
    assert CSV in answer.json()["way_out"]
    assert answer.headers["vary"] == "Accept"


@EVERY_FORMAT
@pytest.mark.parametrize("listing", ["signals", "trips", "events", "scores", "fuel"])
def test_foreign_vehicles_are_not_there_in_any_format(
    world: Migrated, media: str, listing: str
) -> None:
    with served_as(world, "Nobody's", "owner") as client:
        params: dict[str, Any] = dict(SPAN)
        if listing == "signals":
            params |= {"names": "wheel_speed", "step": 60}
        answers = [
            client.get(f"/v1/vehicles/{vin}/{listing}", params=params, headers={"Accept": media})
            for vin in (VIN, "LSGAA11112A000009")
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content


@EVERY_FORMAT
def test_a_table_holds_what_a_grant_opens(world: Migrated, media: str) -> None:
    party = ensure_party(world.connection, "Workshop", "service_provider")
    opened = datetime(2026, 10, 20, 1, tzinfo=UTC)
    grant_access(
        world.connection,
        party_id=party,
        vin=VIN,
        purpose="service",
        data=(opened, opened + timedelta(minutes=10)),
    )
    with served_as(world, "Workshop", "service_provider") as client:
        headers = {"Accept": media}
        answer = client.get(f"/v1/vehicles/{VIN}/signals", params=SIGNALS, headers=headers)
        assert table_of(answer).num_rows == 600
        assert table_of(client.get("/v1/vehicles", headers=headers)).num_rows == 1
