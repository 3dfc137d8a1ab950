"""Every read of personal data is written down, behind the answer; what could not be is counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from api import access_log
from api.access_log import AccessLog
from api.accesses import Access
from api.identity import Caller
from storage.errors import DatabaseUnreachableError
from tests.asking.patience import wait_for_lock
from tests.worlds.identity_world import (
    FOREIGN,
    SPAN,
    STATE,
    VIN,
    World,
    bearer,
    logged,
    signed_in,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(migrated, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def client(made: World) -> Iterator[httpx2.Client]:
    with made.serving() as opened:
        yield opened


def test_who_read_what_of_whom_what_for_and_from_where(made: World, client: httpx2.Client) -> None:
    made.account("reader")
    header = bearer(signed_in(client, "reader")["access_token"])
    told = {
        **header,
        "X-Purpose": "warranty%20claim%20%E7%B4%A2%E8%B5%94",
        "X-Forwarded-For": "2001:db8::7",
    }
    assert client.get(STATE, headers=told).status_code == 200
    assert client.get("/v1/vehicles", headers=header).status_code == 200
    assert client.get(f"/v1/vehicles/{FOREIGN}/state", headers=header).status_code == 404
    assert client.get("/v1/drivers", headers=header).status_code == 200
    assert client.get("/v1/audit", params=SPAN, headers=header).status_code == 403
    who = ("account:reader", "owner")
    assert logged(made, 5, "subject = 'account:reader'") == [
        (
            *who,
            "/v1/vehicles/{vin}/state",
            [VIN],
            [],
            None,
            "warranty claim 索赔",
            "2001:db8::7",
            200,
            1,
        ),
        (*who, "/v1/vehicles", [VIN], [], None, None, "127.0.0.1", 200, 1),
        (*who, "/v1/vehicles/{vin}/state", [FOREIGN], [], None, None, "127.0.0.1", 404, 1),
        (
            *who,
            "/v1/drivers",
            [],
            [made.driver, made.driver + 1],
            None,
            None,
            "127.0.0.1",
            200,
            1,
        ),
        (*who, "/v1/audit", [], [], None, None, "127.0.0.1", 403, 1),
    ]


@pytest.mark.parametrize("purpose", ["x" * 201, "%00", "two%0Alines", "%1b[31m"])
def test_a_purpose_that_cannot_be_written_down_is_refused(
    made: World, client: httpx2.Client, purpose: str
) -> None:
    answer = client.get(STATE, headers={"X-API-Key": made.key().key, "X-Purpose": purpose})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == "X-Purpose"


def test_an_auditor_pages_through_the_log_and_sees_no_vehicle(
    made: World, client: httpx2.Client
) -> None:
    key = made.key()
    subject = f"key:{key.prefix}"
    for number in range(7):
        header = {"X-API-Key": key.key, "X-Purpose": f"reason {number}"}
        assert client.get(STATE, headers=header).status_code == 200
    logged(made, 7, f"subject = '{subject}'")
    auditor = {"X-API-Key": made.key("audit:read", party=made.auditor, role="auditor").key}
    seen: list[dict[str, Any]] = []
    address: str | None = "/v1/audit"
    params: dict[str, Any] | None = {**SPAN, "vin": VIN, "limit": 3}
    while address is not None:
        answer = client.get(address, params=params, headers=auditor)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["reads"]) <= 3
        assert answer.json()["lost"] == []
        seen += answer.json()["reads"]
        address, params = answer.json()["next"], None
    mine = [one for one in seen if one["subject"] == subject]
    assert [one["purpose"] for one in mine] == [f"reason {n}" for n in range(6, -1, -1)]
    assert all(one["party"] == "North" and one["vins"] == [VIN] for one in mine)
    assert client.get(STATE, headers=auditor).status_code == 403
    assert client.get("/v1/vehicles", headers=auditor).status_code == 403
    by_driver = client.get("/v1/audit", params={**SPAN, "driver_id": 999}, headers=auditor)
    assert by_driver.json()["reads"] == []
    for wrong in ({"vin": "x"}, {"driver_id": 0}, {"limit": 1001}, {"cursor": "x"}):
        answer = client.get("/v1/audit", params={**SPAN, **wrong}, headers=auditor)
        assert answer.status_code == 422


def test_the_log_is_empty_to_whom_it_is_not_for(made: World) -> None:
    """Where nobody signs in the database alone decides."""
    for party, some in (("North", False), ("Authority", True), ("Maker", True)):
        with made.serving(api_sign_in="off", api_party=party) as opened:
            answer = opened.get("/v1/audit", params=SPAN)
            assert (answer.status_code, bool(answer.json()["reads"])) == (200, some)


def test_reads_that_are_alike_within_a_second_are_one_entry_with_their_number(
    made: World, client: httpx2.Client
) -> None:
    key = made.key()
    for _ in range(300):
        client.get(STATE, headers={"X-API-Key": key.key})
    rows = logged(made, 300, f"subject = 'key:{key.prefix}'")
    assert sum(row[-1] for row in rows) == 300
    assert len(rows) < 60


def test_answers_do_not_wait_for_the_log(made: World) -> None:
    connection = made.database.connection
    with made.serving() as client:
        header = {"X-API-Key": made.key().key}
        client.get(STATE, headers=header)
        with connection.transaction():
            connection.execute("LOCK TABLE access_log IN ACCESS EXCLUSIVE MODE")
            client.get(STATE, headers=header)
            wait_for_lock(made.database, "log_accesses")  # the writer
            for _ in range(20):  # none of them would be answered before the lock is given back
                assert client.get(STATE, headers=header).status_code == 200
        assert sum(row[-1] for row in logged(made, 22, "purpose IS NULL AND status = 200")) >= 22


def test_what_is_noted_before_the_end_is_written(made: World) -> None:
    key = made.key()
    with made.serving() as client:
        for _ in range(20):
            client.get(STATE, headers={"X-API-Key": key.key})
    (row,) = made.database.connection.execute(
        "SELECT sum(reads) FROM access_log WHERE subject = %s", (f"key:{key.prefix}",)
    )
    assert row == (20,)


class Recorder:
    """A database that takes reads, is away, or refuses them for good."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.written = 0
        self.lost = 0

    async def log_accesses(self, entries: list[dict[str, Any]], *, lost: int, **_: object) -> None:
        if self.error is not None:
            raise self.error
        self.written += sum(entry["reads"] for entry in entries)
        self.lost += lost


def read(number: int = 0) -> Access:
    caller = Caller(party_id=1, role="owner", subject=f"key:{number}", scopes=frozenset())
    return Access(caller=caller, method="GET", route="/", purpose=None, address=None, fleet_id=None)


def test_what_waits_is_bounded_and_what_is_lost_is_counted_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(access_log, "EVERY_S", 0.01)

    async def run() -> None:
        recorder = Recorder()
        recorder.error = DatabaseUnreachableError("away")
        log = AccessLog(recorder)  # type: ignore[arg-type]  # takes its place
        log.start()
        for number in range(access_log.WAITING + 25):
            log.add(read(number), 200)
        assert log.lost == 25
        await asyncio.sleep(0.2)
        assert recorder.written == 0
        recorder.error = None
        await log.stop()
        assert (recorder.written, recorder.lost) == (access_log.WAITING, 25)

    asyncio.run(run())
    assert "behind" in caplog.text


def test_what_can_never_be_written_does_not_hold_up_the_others() -> None:
    async def run() -> None:
        recorder = Recorder()
        recorder.error = ValueError("no such text")
        log = AccessLog(recorder)  # type: ignore[arg-type]  # takes its place
        log.add(read(), 200)
        assert await log._write()
        recorder.error = None
        log.add(read(), 200)
        assert await log._write()
        assert (recorder.written, recorder.lost) == (1, 1)

    asyncio.run(run())


def test_the_log_itself_says_what_it_lacks(made: World, client: httpx2.Client) -> None:
    made.database.connection.execute(
        "SELECT * FROM served.log_accesses('[]', 12, now() - interval '1 minute')"
    )
    maker = {"X-API-Key": made.key("audit:read", party=made.maker, role="maker").key}
    answer = client.get("/v1/audit", params=SPAN, headers=maker).json()
    assert [one["reads"] for one in answer["lost"]] == [12]
