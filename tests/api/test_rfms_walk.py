"""A client walks a fleet's week, and goes on while reports are written: every record comes once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING

import pytest

from api.rfms import positions, statuses
from storage.batch import Batch, ReportRow
from storage.registers import DEMO_PARTY, ensure_party, grant_access, register_vehicle
from tests.asking.api_fixture import serving
from tests.asking.rfms_client import RfmsClient
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

VEHICLES, STEP = 10, timedelta(hours=1)
WEEK = timedelta(days=7)
START = datetime.now(tz=UTC).replace(microsecond=0) - WEEK
HERE = {"latitude": 31.0, "longitude": 121.0}


@pytest.fixture(scope="module")
def vehicles(migrated: Migrated) -> list[int]:
    owner = ensure_party(migrated.connection, "Owner", "owner")
    ensure_party(migrated.connection, DEMO_PARTY, "maker")
    numbers = []
    for place in range(2 * VEHICLES):
        vin = f"LSGAA11112A0004{place:02d}"
        numbers.append(register_vehicle(migrated.connection, vin).vehicle_id)
        if place < VEHICLES:
            grant_access(migrated.connection, party_id=owner, vin=vin, purpose="ownership")
    return numbers


@pytest.fixture(scope="module", params=[DEMO_PARTY, "Owner"])
def client(
    request: pytest.FixtureRequest, migrated: Migrated, vehicles: list[int]
) -> Iterator[RfmsClient]:
    """Of one who sees all vehicles, and of one who sees half of them."""
    assert vehicles
    with serving(
        migrated.dsn, api_party=request.param, api_rfms_requests_per_minute=1_000_000
    ) as http:
        http.headers["X-Party"] = request.param
        yield RfmsClient(http)


def seen_by(client: RfmsClient, vehicles: list[int]) -> list[int]:
    return vehicles if client.http.headers["X-Party"] == DEMO_PARTY else vehicles[:VEHICLES]


def test_a_walk_through_a_week_of_a_fleet_returns_every_record_once(
    migrated: Migrated, client: RfmsClient, vehicles: list[int]
) -> None:
    migrated.connection.execute("TRUNCATE vehicle_report")
    count = WEEK // STEP
    writer = open_writer(migrated)
    for number in vehicles:
        writer.write(
            Batch(
                reports=tuple(
                    ReportRow(
                        vehicle_id=number,
                        created_time=START + step * STEP,
                        trigger_type="TIMER",
                        values=HERE,
                    )
                    for step in range(count)
                )
            )
        )
        writer.publish_reports()
    writer.close()
    # As a week of ingest would have received them: each two seconds after it was sent.
    migrated.connection.execute("UPDATE vehicle_report SET received_time = NULL")
    migrated.connection.execute(
        "UPDATE vehicle_report AS report SET received_time = created_time + interval '2 seconds'"
        " + place * interval '1 microsecond' FROM (SELECT report_id, row_number() OVER (ORDER BY"
        " created_time, report_id) AS place FROM vehicle_report) AS placed"
        " WHERE placed.report_id = report.report_id"
    )
    expected = count * len(seen_by(client, vehicles))
    for resource in ("vehiclepositions", "vehiclestatuses"):
        for datetype in ("received", "created"):
            client.pages = 0
            found = client.walk(resource, starttime=START.isoformat(), datetype=datetype)
            assert len({(it["vin"], it["createdDateTime"]) for it in found}) == expected
            assert len(found) == expected
            assert client.pages > 1
            received = [it["receivedDateTime"] for it in found]
            assert all(earlier < later for earlier, later in pairwise(received))


def test_who_adds_a_second_as_the_standard_says_misses_nothing(
    migrated: Migrated, client: RfmsClient, vehicles: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert migrated
    monkeypatch.setattr(positions, "MAX_POSITIONS", 150)  # of reports by twenties in a second
    found, start = 0, START
    while True:
        body = client.ask("/rfms/vehiclepositions", {"starttime": start.isoformat()}).json()
        page = body["vehiclePositionResponse"]["vehiclePositions"]
        found += len(page)
        if not body["moreDataAvailable"]:
            break
        last = datetime.fromisoformat(page[-1]["receivedDateTime"])
        start = last + timedelta(seconds=1)
    assert found == WEEK // STEP * len(seen_by(client, vehicles))


def test_while_frames_are_ingested_no_record_is_skipped_or_comes_twice(
    migrated: Migrated, client: RfmsClient, vehicles: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three writers with late frames, each publishing too; a client polls, paging by sevens."""
    monkeypatch.setattr(statuses, "MAX_STATUSES", 7)
    migrated.connection.execute("TRUNCATE vehicle_report")
    done = Event()
    batches, size = 40, 5
    share = 2 * VEHICLES // 3

    def work(place: int) -> None:
        writer = open_writer(migrated)
        for number in range(batches):
            # Every other batch is of yesterday: created before what has been read already.
            late = timedelta(days=number % 2)
            writer.write(
                Batch(
                    reports=tuple(
                        ReportRow(
                            vehicle_id=vehicles[place * share + n % share],
                            created_time=START
                            + 3 * timedelta(days=1)
                            - late
                            + timedelta(seconds=number * size + n),
                            trigger_type="TIMER",
                            values=HERE,
                        )
                        for n in range(size)
                    )
                )
            )
            writer.publish_reports()
        writer.close()

    def read() -> list[str]:
        seen: list[str] = []
        client.next_start = "2020-01-01T00:00:00Z"
        while True:
            finished = done.is_set()
            seen += [
                it["receivedDateTime"] + it["vin"]
                for it in client.walk(
                    "vehiclestatuses", starttime=client.next_start, contentFilter="SNAPSHOT"
                )
            ]
            if finished:
                return seen

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read)
        for worker in [pool.submit(work, place) for place in range(3)]:
            worker.result()
        last_writer = open_writer(migrated)
        last_writer.publish_reports()
        last_writer.close()
        done.set()
        seen = reader.result()
    rows = migrated.connection.execute(
        "SELECT to_char(received_time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        " || vin FROM vehicle_report JOIN vehicle USING (vehicle_id) WHERE vehicle_id = ANY (%s)"
        " ORDER BY received_time",
        (seen_by(client, vehicles),),
    ).fetchall()
    assert len(rows) > batches
    assert seen == [text for (text,) in rows]
