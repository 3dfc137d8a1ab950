"""Every address answers everybody about everything as tests/access_table.toml says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.scopes import Role
from api.settings import ApiSettings
from tests.asking.api_fixture import UNREACHABLE
from tests.asking.browser_session import OURS, browser, enter
from tests.worlds.access_rows import (
    ANSWERS,
    ROWS,
    SPAN_QUERY,
    Row,
    addresses,
    asked,
    missing_rows,
    rows_of_nothing,
)
from tests.worlds.access_world import CALLERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.worlds.access_rows import Told
    from tests.worlds.access_world import AccessWorld

APP = create_app(ApiSettings(), SecretStr(UNREACHABLE))
OBJECTS = {"own", "own_driver", "colleague", "foreign", "expired", "revoked", "unknown"}
OBJECTS |= {"ended", "makers", "mixed"}
KEPT = ("/v1/datasets", "/v1/webhooks", "/v1/registers")
"""Addresses of what each party keeps for itself."""


def test_every_address_has_a_row() -> None:
    missing = missing_rows(addresses(APP))
    assert not missing, (
        "These addresses are not in tests/access_table.toml. Write each into `rows`, with the"
        " pattern that says who is answered what (or a new pattern), and a query or body where it"
        " wants one:\n" + "\n".join(missing)
    )


def test_every_row_is_of_an_address() -> None:
    gone = rows_of_nothing(addresses(APP))
    assert not gone, f"tests/access_table.toml has rows of addresses that are no more: {gone}"


def test_a_new_address_fails_with_the_line_to_write() -> None:
    lines = missing_rows({"GET /v1/vehicles/{vin}/tyres", "GET /v1/vehicles/{vin}/state"})
    assert lines == ['    { call = "GET /v1/vehicles/{vin}/tyres", answers = "vehicle" },']
    assert rows_of_nothing({"GET /healthz"})[0] == "GET /readyz"


def test_every_pattern_names_everybody_and_is_used() -> None:
    assert {row.answers for row in ROWS} == set(ANSWERS)
    assert {*map(str, Role), "key", "client", "nobody"} == set(CALLERS)
    for name, pattern in ANSWERS.items():
        assert [*pattern] == ["objects", *CALLERS], f"{name} does not name everybody in order"
        assert set(pattern["objects"]) <= OBJECTS, name
        lengths = {len(statuses) for statuses in pattern.values()}
        assert len(lengths) == 1, f"{name} has lines of several lengths"


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.call} {row.query}".strip() for row in ROWS])
def test_an_address_answers_everybody_as_the_table_says(
    access_world: AccessWorld, row: Row
) -> None:
    differences = list(_differences(access_world, row))
    assert not differences, "\n".join(
        [f"{row.call} is not as pattern {row.answers}:", *differences]
    )


def _differences(world: AccessWorld, row: Row) -> Iterator[str]:
    tags: dict[str, str] = {}
    for caller, expected in row.expected.items():
        found = {what: asked(world, row, caller, what) for what in reversed(expected)}
        for what, told in found.items():
            if told.status != expected[what]:
                said = told.content[:200].decode(errors="replace")
                yield f"{caller}, {what}: {told.status}, not {expected[what]}: {said}"
            yield from (f"{caller}, {what}: {leak}" for leak in _leaks(world, row, caller, told))
            if told.status == 200:
                yield from _in_other_formats(world, row, caller, what)
        if caller == "maker":
            tags = {
                what: told.headers["etag"] for what, told in found.items() if "etag" in told.headers
            }
        # What one may not know of answers, header by header, as what is not there.
        nothing = found.get("unknown")
        for what, told in found.items():
            if nothing is None or told.status < 400 or expected[what] != expected["unknown"]:
                continue
            if what == "mixed":  # that one's own fleet is there is no secret
                continue
            if told != nothing:
                yield f"{caller}, {what}: {told} is not {nothing}"
            # Nor does a tag that holds for somebody else tell of it.
            if row.method == "GET":
                held = asked(world, row, caller, what, If_None_Match=f"*, {tags.get(what, 'W/x')}")
                if held != nothing:
                    yield f"{caller}, {what}, If-None-Match: {held} is not {nothing}"


def _in_other_formats(world: AccessWorld, row: Row, caller: str, what: str) -> Iterator[str]:
    for accepted in row.formats:
        told = asked(world, row, caller, what, Accept=accepted)
        if told.status != 200 or not told.headers["content-type"].startswith(accepted):
            yield f"{caller}, {what}, {accepted}: {told.status} {told.headers}"
        yield from (
            f"{caller}, {what}, {accepted}: {leak}" for leak in _leaks(world, row, caller, told)
        )


def _leaks(world: AccessWorld, row: Row, caller: str, told: Told) -> list[str]:
    text = told.text
    known = [world.trucks[what].vin for what in ("expired", "revoked") if row.ended_grants]
    hidden = [mark for mark in world.hidden(caller) if mark not in known]
    return [f"tells of {mark}" for mark in hidden if mark in text]


def test_a_driver_in_a_browser_sees_his_own_and_nothing_else(access_world: AccessWorld) -> None:
    own = access_world.names("own")["driver_id"]
    with browser(access_world.client) as client:
        assert enter(client, "the.driver").status_code == 303
        for path in ("/drivers/{}", "/drivers/{}/card", f"/v1/drivers/{{}}/trips?{SPAN_QUERY}"):
            headers = OURS | ({"accept": "application/json"} if path.startswith("/v1") else {})
            told = client.get(path.format(own), headers=headers)
            assert told.status_code == 200, path
            assert not [mark for mark in access_world.hidden("driver") if mark in told.text]
            for what in ("colleague", "foreign", "unknown"):
                other = access_world.names(what)["driver_id"]
                assert client.get(path.format(other), headers=headers).status_code == 404, what
        truck = access_world.names("own")["vin"]
        for path in ("/vehicles", f"/vehicles/{truck}", "/drivers", "/reports", "/v1/vehicles"):
            assert client.get(path, headers=OURS).status_code == 403, path
        assert client.get("/", headers=OURS).headers["location"] == f"/drivers/{own}"


def test_what_must_stay_hidden_is_there_to_be_found(access_world: AccessWorld) -> None:
    """The maker is told all of it, and whoever keeps something that: so a leak would be seen."""
    keepers = ("owner", "administrator", "stranger", "its_administrator")
    told = "".join(
        asked(access_world, row, caller, what).text
        for row in ROWS
        if row.method == "GET" and not row.stream
        for caller in ("maker", *(keepers if row.path.startswith(KEPT) else ()))
        for what in row.expected["maker"]
        if what != "unknown"
    )
    hidden = {mark for caller in CALLERS for mark in access_world.hidden(caller)}
    unseen = sorted(mark for mark in hidden if mark not in told)
    assert not unseen, f"no answer tells anybody of {unseen}: nothing would show that it leaks"
