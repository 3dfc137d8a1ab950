"""Each party sees its vehicles and its span of their data; the rest does not exist for it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import psycopg
import pytest

from storage.connection import API_ROLE, connect
from storage.registers import ensure_party, grant_access
from storage.rollups import refresh
from tests.asking.api_fixture import as_frame, drive, every_page, record, served_as
from tests.samples.behaviour_samples import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

OPENED, FOREIGN, UNKNOWN = "LSGAA11112A000001", "LSGAA11112A000002", "LSGAA11112A000009"
NO_VINS = ("lsgaa11112a000001", "LSGAA11112A00000", "LSGAA11112A00000O", "%00", "'--", "真")
DAY = datetime(2026, 10, 20, tzinfo=UTC)
FROM, UNTIL = DAY + timedelta(hours=1), DAY + timedelta(hours=2, seconds=30)
NOW = datetime.now(tz=UTC)
SPAN = {"start": "2026-10-19T00:00:00Z", "end": "2026-10-22T00:00:00Z"}
PATHS = (
    "/v1/vehicles/{vin}/state",
    "/v1/vehicles/{vin}/signals?names=wheel_speed&start=2026-10-19T00:00:00Z&end=2026-10-22T00:00:00Z",
    "/v1/vehicles/{vin}/trips?start=2026-10-19T00:00:00Z&end=2026-10-22T00:00:00Z",
    "/vehicles/{vin}",
)


@pytest.fixture(scope="module")
def database(migrated: Migrated) -> Migrated:
    for vin in (OPENED, FOREIGN):
        vehicle = record(migrated, vin, drive("2026-10-20T00:00:00", 4 * 3600))
        drives = [(DAY + timedelta(minutes=minutes), 20, None) for minutes in (50, 70, 145)]
        store(migrated.connection, vehicle.vehicle_id, (DAY, DAY + timedelta(days=1)), *drives)
    return migrated


@contextmanager
def as_party(
    database: Migrated,
    name: str,
    *,
    valid: tuple[datetime | None, datetime | None] = (None, None),
    data: tuple[datetime | None, datetime | None] = (None, None),
) -> Iterator[httpx2.Client]:
    party_id = ensure_party(database.connection, name, "service_provider")
    grant_access(
        database.connection,
        party_id=party_id,
        vin=OPENED,
        purpose="service",
        valid=valid,
        data=data,
    )
    with served_as(database, name, "service_provider") as client:
        yield client


def test_a_grant_opens_its_vehicle_and_its_span_of_data(database: Migrated) -> None:
    with as_party(database, "Workshop", data=(FROM, UNTIL)) as client:
        listed = client.get("/v1/vehicles").json()["vehicles"]
        assert [vehicle["vin"] for vehicle in listed] == [OPENED]
        params = {"names": "wheel_speed,oil_pressure", **SPAN, "limit": 1000}
        rows = as_frame(every_page(client, f"/v1/vehicles/{OPENED}/signals", params))
        expected = drive("2026-10-20T00:00:00", 4 * 3600)
        opened = expected[(expected.index >= FROM) & (expected.index < UNTIL)]
        assert list(rows.index) == list(opened.index)
        trips = client.get(f"/v1/vehicles/{OPENED}/trips", params=SPAN).json()["trips"]
        # 00:50 begins too early, 02:25 ends too late.
        assert [trip["start"] for trip in trips] == ["2026-10-20T01:10:00Z"]
        # The latest values lie after the span.
        assert listed[0]["last_seen"] is None
        assert client.get(f"/v1/vehicles/{OPENED}/state").json()["groups"] == []


@pytest.mark.parametrize("step_s", [60, 3600, 86_400])
def test_a_step_sums_up_only_what_the_grants_open(database: Migrated, step_s: int) -> None:
    refresh(database.connection, database.server, database.catalogue)
    name = f"Workshop by {step_s} s"
    with as_party(database, name, data=(FROM, UNTIL)) as client:
        # A second grant, after a gap that lies within a step of an hour.
        party_id = ensure_party(database.connection, name, "service_provider")
        second = (UNTIL + timedelta(minutes=10), UNTIL + timedelta(minutes=20))
        grant_access(
            database.connection, party_id=party_id, vin=OPENED, purpose="service", data=second
        )
        params = {"names": "wheel_speed", **SPAN, "step": step_s}
        got = as_frame(every_page(client, f"/v1/vehicles/{OPENED}/signals", params))
        rows = drive("2026-10-20T00:00:00", 4 * 3600)["wheel_speed"]
        seen = pd.Series(False, index=rows.index)
        for start, stop in ((FROM, UNTIL), second):
            seen |= (rows.index >= start) & (rows.index < stop)
        expected = rows[seen].resample(f"{step_s}s", origin="epoch").mean().dropna()
        pd.testing.assert_series_equal(
            got["wheel_speed"],
            expected,
            rtol=1e-7,  # told as a float32
            check_freq=False,
            check_names=False,
            check_index_type=False,
        )


@pytest.mark.parametrize("path", PATHS)
def test_foreign_vehicles_answer_as_those_that_do_not_exist(database: Migrated, path: str) -> None:
    with as_party(database, "Dealer") as client:
        assert client.get(path.format(vin=OPENED)).status_code == 200
        unknown = client.get(path.format(vin=UNKNOWN))
        assert unknown.status_code == 404
        for vin in (FOREIGN, *NO_VINS):
            answer = client.get(path.format(vin=vin))
            assert (answer.status_code, answer.content) == (404, unknown.content), vin
            assert set(answer.headers) == set(unknown.headers)


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("Expired", (NOW - timedelta(days=9), NOW - timedelta(seconds=1))),
        ("Not yet", (NOW + timedelta(days=1), None)),
    ],
)
def test_a_grant_that_does_not_hold_now_opens_nothing(
    database: Migrated, name: str, valid: tuple[datetime, datetime | None]
) -> None:
    with as_party(database, name, valid=valid) as client:
        assert client.get("/v1/vehicles").json() == {"vehicles": [], "next": None}
        for path in PATHS:
            assert client.get(path.format(vin=OPENED)).status_code == 404


def test_a_maker_sees_every_vehicle(database: Migrated) -> None:
    with served_as(database) as client:
        listed = client.get("/v1/vehicles").json()["vehicles"]
        assert [vehicle["vin"] for vehicle in listed] == [OPENED, FOREIGN]


def test_a_party_that_is_not_there_reads_nothing(database: Migrated) -> None:
    with served_as(database, "Nobody's", "owner") as client:
        assert client.get("/v1/vehicles").json()["vehicles"] == []


def test_the_api_role_reads_no_table_and_runs_nothing_but_what_is_served(
    database: Migrated,
) -> None:
    relations = [
        row[0]
        for row in database.connection.execute(
            "SELECT format('%I.%I', nspname, relname) FROM pg_class"
            " JOIN pg_namespace AS n ON n.oid = relnamespace"
            " WHERE nspname IN ('telemetry', 'served', '_timescaledb_internal')"
            " AND relkind IN ('r', 'v', 'm', 'p')"
            # What the extension brought itself, such as the sizes of chunks, is not ours to hide.
            " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')"
        )
    ]
    assert len(relations) > 20  # there is something to be refused
    with connect(database.dsn, role=API_ROLE) as connection:
        for relation in relations:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {relation} LIMIT 1".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM telemetry.visible_vehicle(1, 'x')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE served.mine (x integer)")
