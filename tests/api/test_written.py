"""A write under an idempotency key is done once, however often and however many at once send it."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage import served_writes
from storage.connection import connect
from tests.asking.api_fixture import serving
from tests.asking.patience import wait_for_lock
from tests.worlds.registers_world import PASSWORD, PATH, Registers, registers_world, vin

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

PARTIES = f"{PATH}/parties"

_numbers = itertools.count()


@pytest.fixture(scope="module")
def world(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registers]:
    with registers_world(migrated, tmp_path_factory.mktemp("home")) as made:
        made.account("North", "north.admin")
        yield made


def unused() -> str:
    return f"key-{next(_numbers)}"


def party(name: str) -> dict[str, str]:
    return {"kind": "owner", "name": name}


def created(client: httpx2.Client, name: str, key: str) -> httpx2.Response:
    return client.post(PARTIES, json=party(name), headers={"Idempotency-Key": key})


def is_replay(answer: httpx2.Response) -> bool:
    return answer.headers.get("Idempotent-Replayed") == "true"


@contextmanager
def nobody_writes(world: Registers, table: str) -> Iterator[None]:
    """Writes to a table wait as long as the block lasts."""
    with connect(world.database.dsn) as other, other.transaction():
        other.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE".encode())
        yield


def test_a_write_that_is_sent_twice_is_done_once_and_answered_alike(world: Registers) -> None:
    maker, key = world.as_("Maker"), unused()
    first, second = (created(maker, "Twice", key) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert (is_replay(first), is_replay(second)) == (False, True)
    assert first.headers["Content-Type"] == second.headers["Content-Type"]
    assert world.scalar("SELECT count(*) FROM party WHERE name = 'Twice'") == 1


def test_the_headers_of_an_answer_are_told_again(world: Registers) -> None:
    headers = {"Idempotency-Key": unused()}
    maker = world.as_("Maker")
    first, second = (
        maker.post(f"{PATH}/vehicles", json={"vin": vin(700)}, headers=headers) for _ in range(2)
    )
    assert is_replay(second)
    for name in ("Location", "ETag"):
        assert first.headers[name] == second.headers[name]


def test_a_refusal_is_told_again(world: Registers) -> None:
    maker, key = world.as_("Maker"), unused()
    created(maker, "There", unused())
    first, second = (created(maker, "There", key) for _ in range(2))
    assert first.status_code == second.status_code == 409
    assert first.content == second.content
    assert second.headers["Content-Type"] == "application/problem+json"
    assert is_replay(second)


def test_a_key_is_for_one_request(world: Registers) -> None:
    maker, key = world.as_("Maker"), unused()
    created(maker, "Reused", key)
    headers = {"Idempotency-Key": key}
    for answer in (
        created(maker, "Reused 2", key),
        maker.post(f"{PATH}/vehicles", json=party("Reused"), headers=headers),
        maker.delete(f"{PATH}/grants/1", headers=headers),
        maker.post(f"{PARTIES}?x=1", json=party("Reused"), headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert world.scalar("SELECT count(*) FROM party WHERE name = 'Reused 2'") == 0


def test_keys_are_each_callers_own(world: Registers) -> None:
    key = unused()
    fleets = f"{PATH}/fleets"
    headers = {"Idempotency-Key": key}
    answers = [
        world.as_(name).post(fleets, json={"name": "Mine"}, headers=headers)
        for name in ("North", "South")
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert not any(map(is_replay, answers))


def test_without_a_key_every_request_is_a_write_of_its_own(world: Registers) -> None:
    maker = world.as_("Maker")
    assert [maker.post(PARTIES, json=party("No key")).status_code for _ in range(2)] == [201, 409]


def test_of_many_at_once_one_is_done(world: Registers) -> None:
    maker, key = world.as_("Maker"), unused()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: created(maker, "At once", key), range(8)))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.content for answer in answers}) == 1
    assert sorted(map(is_replay, answers)) == [False, *[True] * 7]
    assert world.scalar("SELECT count(*) FROM party WHERE name = 'At once'") == 1


def test_a_twin_that_would_wait_too_long_is_told_so(
    world: Registers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_writes, "WAIT", timedelta(milliseconds=100))
    maker, key = world.as_("Maker"), unused()
    # The one asks where the first does, the other at another server of the same platform.
    with ThreadPoolExecutor(1) as pool, serving(world.database.dsn, **world.settings) as other:
        other.headers.update(maker.headers)
        with nobody_writes(world, "party"):
            first = pool.submit(created, maker, "Slow", key)
            wait_for_lock(world.database, "served.create_party")
            for client in (maker, other):
                twin = created(client, "Slow", key)
                assert (twin.status_code, twin.json()["code"]) == (409, "write_under_way")
                assert twin.headers["Retry-After"] == "1"
        assert first.result().status_code == 201
        assert all(is_replay(created(client, "Slow", key)) for client in (maker, other))


def test_twins_at_several_servers_are_one_write(world: Registers) -> None:
    maker, key = world.as_("Maker"), unused()
    with ThreadPoolExecutor(8) as pool, serving(world.database.dsn, **world.settings) as other:
        other.headers.update(maker.headers)
        asked = [pool.submit(created, client, "Both", key) for client in (maker, other) * 4]
        answers = [one.result() for one in asked]
    assert [answer.status_code for answer in answers] == [201] * 8
    assert sorted(map(is_replay, answers)) == [False, *[True] * 7]


def test_twins_leave_connections_to_others(world: Registers) -> None:
    maker, key = world.as_("Maker"), unused()
    with ThreadPoolExecutor(9) as pool:
        with nobody_writes(world, "party"):
            twins = [pool.submit(created, maker, "Waiting", key) for _ in range(9)]
            wait_for_lock(world.database, "served.create_party")
            # There are 8 connections: one works, and the twins have none of the others.
            assert world.as_("North").get("/v1/vehicles").status_code == 200
            assert world.scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
            ) == 1  # fmt: skip
        assert {one.result().status_code for one in twins} == {201}


def test_what_failed_on_our_side_is_done_when_it_is_sent_again(world: Registers) -> None:
    maker, key = world.as_("Maker"), unused()
    hurried = {**world.settings, "api_statement_timeout_s": 0.5}
    with serving(world.database.dsn, **hurried) as other, nobody_writes(world, "party"):
        other.headers.update(maker.headers)
        failed = created(other, "Failed", key)
    assert (failed.status_code, failed.json()["code"]) == (503, "too_slow")
    again = created(maker, "Failed", key)
    assert (again.status_code, is_replay(again)) == (201, False)


def test_a_write_and_its_answer_are_one(world: Registers) -> None:
    maker, key = world.as_("Maker"), unused()
    # The party is written, and then its answer cannot be put down: neither is there.
    world.database.connection.execute(
        "ALTER TABLE kept_answer ADD CONSTRAINT never CHECK (status IS NULL) NOT VALID"
    )
    try:
        assert created(maker, "Half", key).status_code == 500
        assert world.scalar("SELECT count(*) FROM party WHERE name = 'Half'") == 0
    finally:
        world.database.connection.execute("ALTER TABLE kept_answer DROP CONSTRAINT never")
    assert created(maker, "Half", key).status_code == 201


def test_a_key_holds_for_a_day_and_old_ones_go(world: Registers) -> None:
    maker, key, other = world.as_("Maker"), unused(), unused()
    created(maker, "Yesterday", key)
    created(maker, "Yesterday too", other)
    world.database.connection.execute(
        "UPDATE kept_answer SET begun_at = begun_at - interval '24 hours 1 second'"
    )
    again = created(maker, "Yesterday", key)
    assert (again.status_code, is_replay(again)) == (409, False)  # done anew: it is there
    assert is_replay(created(maker, "Yesterday", key))
    assert (
        world.scalar("SELECT count(*) FROM kept_answer WHERE begun_at < now() - interval '1 d'")
        == 0
    )


def test_a_secret_is_not_kept(world: Registers) -> None:
    admin = world.signed_in("north.admin")
    for path, name in (("keys", "key"), ("clients", "client_secret")):
        headers = {"Idempotency-Key": unused()}
        first, second = (
            admin.post(f"{PATH}/{path}", json={"name": f"once {path}"}, headers=headers)
            for _ in range(2)
        )
        assert first.status_code == 201
        assert (second.status_code, second.json()["code"]) == (409, "answer_not_kept")
        secret = first.json()[name]
        assert secret not in second.text
        found = [one["name"] for one in admin.get(f"{PATH}/{path}").json()[path]]
        assert found.count(f"once {path}") == 1
        kept = world.scalar(
            "SELECT string_agg(concat(headers::text, convert_from(body, 'UTF8')), ' ')"
            " FROM kept_answer"
        )
        assert secret not in kept
        # A refusal holds no secret.
        refused = {"Idempotency-Key": unused()}
        bad = {"name": "more", "scopes": ["audit:read"]}
        answers = [admin.post(f"{PATH}/{path}", json=bad, headers=refused) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [422, 422]
        assert is_replay(answers[1])


def test_nothing_of_a_password_is_kept(world: Registers) -> None:
    admin = world.signed_in("north.admin")
    headers = {"Idempotency-Key": unused()}
    entry = {"name": "kept.out", "role": "owner"}
    first, second = (
        admin.post(f"{PATH}/accounts", json={**entry, "password": password}, headers=headers)
        for password in (PASSWORD, "quite another password")
    )
    # The hash of the request leaves the password out, so nobody can try passwords on it.
    assert (first.status_code, is_replay(second)) == (201, True)
    other = {**entry, "name": "kept.out.too", "password": PASSWORD}
    answer = admin.post(f"{PATH}/accounts", json=other, headers=headers)
    assert answer.json()["code"] == "idempotency_key_reused"


def test_the_answer_to_advice_is_a_write_like_others(world: Registers) -> None:
    north, headers = world.as_("North"), {"Idempotency-Key": unused()}
    first, second = (
        north.patch("/v1/advice/4711", json={"status": "seen"}, headers=headers) for _ in range(2)
    )
    assert (first.status_code, first.content) == (404, second.content)
    assert is_replay(second)


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "ключ"])
def test_what_is_no_key_is_refused(world: Registers, key: str) -> None:
    answer = world.as_("Maker").post(
        PARTIES, json=party("No"), headers={b"Idempotency-Key": key.encode()}
    )
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == "Idempotency-Key"


def test_strangers_write_nothing_and_keep_nothing(world: Registers) -> None:
    before = world.scalar("SELECT count(*) FROM kept_answer")
    answer = created(world.nobody, "Stranger", unused())
    assert answer.status_code == 401
    assert created(world.as_("Workshop"), "Stranger", unused()).status_code == 403
    assert world.scalar("SELECT count(*) FROM kept_answer") == before


def test_a_body_is_bounded_and_says_what_it_is(world: Registers) -> None:
    maker = world.as_("Maker")
    huge = maker.post(PARTIES, json={"kind": "owner", "name": "x" * 70_000})
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")
    # What a page elsewhere may send through its visitor's browser is not taken.
    for media_type in ("text/plain", "application/x-www-form-urlencoded"):
        answer = maker.post(
            PARTIES, content=b'{"kind": "owner", "name": "X"}', headers={"Content-Type": media_type}
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    bad = maker.post(PARTIES, content=b"{", headers={"Content-Type": "application/json"})
    assert bad.status_code == 422
