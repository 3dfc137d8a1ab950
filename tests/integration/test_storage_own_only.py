"""A driver is held to what is his own by the database itself, whatever the API asks for him."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from storage.connection import API_ROLE, connect
from storage.errors import StorageError
from storage.identity import create_account
from storage.registers import employ_driver, find_party
from tests.samples.behaviour_samples import DAY
from tests.worlds.behaviour_world import MONDAY, WANG, WEEK, A, fill, grants
from tests.worlds.served_fuel_world import fill_fuel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

OWN = ("driver_events", "driver_trips", "driver_scores", "fuel", "advice_of")
"""What answers a driver, of himself."""

NOBODY = 999_999
"""A number that no party has."""

GIVEN: dict[str, Any] = {
    "wanted_vin": A,
    "vins": [A],
    "of_week": WEEK,
    "start": MONDAY - 21 * DAY,
    "stop": MONDAY + 21 * DAY,
    "first_received": MONDAY - 21 * DAY,
    "before_received": MONDAY + 9999 * DAY,
    "names": ["wheel_speed"],
    "max_rows": 1000,
    "least_severity": 1,
    "skipped": 0,
    "newest_first": False,
    "of_trips": False,
    "of_drivers": True,
    "after_vin": "",
    "after_id": 0,
    "before_id": 2**62,
    "by_period": "part",
    "by_subject": "driver",
    "with_position": False,
    "with_counters": False,
    "by_received": True,
    "rules": "{}",
    "new_status": "dismissed",
    "asked_at": MONDAY,
}
"""What a question names, by parameter; what is not here is NULL."""


@pytest.fixture(scope="module")
def numbers(migrated: Migrated) -> dict[str, int]:
    found = fill(migrated)
    grants(migrated)
    found |= fill_fuel(migrated, found)
    connection = migrated.connection
    return {**found, **{name: find_party(connection, name) for name in ("Maker", "Employer")}}


@pytest.fixture(scope="module")
def api(migrated: Migrated) -> Iterator[Connection]:
    """A connection as the API has it."""
    with connect(migrated.dsn, role=API_ROLE) as connection:
        yield connection


def functions(database: Migrated) -> list[tuple[str, dict[str, str]]]:
    """Every function that is served to a principal, with its parameters' types by name."""
    return [
        (name, dict(zip(names, types, strict=True)))
        for name, names, types in database.connection.execute(
            "SELECT proname, proargnames[:pronargs],"
            " ARRAY(SELECT format_type(type, NULL) FROM unnest(proargtypes) WITH ORDINALITY"
            " AS given (type, place) ORDER BY place)"
            " FROM pg_proc WHERE pronamespace = 'served'::regnamespace"
            " AND proargnames[1] = 'principal' ORDER BY proname"
        )
    ]


def told(
    api: Connection, name: str, types: dict[str, str], principal: int, **given: Any
) -> list[tuple[Any, ...]] | str:
    """The rows of a served function, or how it refuses; nothing of it stays."""
    values = {**GIVEN, **given, "principal": principal}
    arguments = sql.SQL(", ").join(
        sql.SQL("{}::{}").format(sql.Literal(values.get(parameter)), sql.SQL(kind))
        for parameter, kind in types.items()
    )
    statement = sql.SQL("SELECT * FROM served.{}({})").format(sql.Identifier(name), arguments)
    try:
        with api.transaction(force_rollback=True):
            return api.execute(statement).fetchall()
    except psycopg.Error as error:
        return f"{error.sqlstate} {error.diag.table_name}"


def without_clock(rows: list[tuple[Any, ...]] | str) -> object:
    """What was told, but for snapshots and times of asking."""
    if isinstance(rows, str):
        return rows
    return [row for row in rows if str(row[0]).count(":") != 2]


def test_to_all_but_his_own_a_driver_is_a_stranger(
    migrated: Migrated, api: Connection, numbers: dict[str, int]
) -> None:
    wang = numbers["wang"]
    there = {
        "wanted_fleet": numbers["fleet"],
        "fleets": [numbers["fleet"]],
        "wanted_advice": numbers["tyres"],
        "wanted_dataset": 1,
    }
    asked, opened = functions(migrated), set()
    for name, types in asked:
        # Of a vehicle, of himself where that is not his own to ask, and of a colleague.
        for driver in (None, wang, numbers["li"]):
            if name in OWN and driver == wang:
                continue
            more = {**there, "wanted_driver": driver}
            if name in OWN and driver is not None:
                more["wanted_vin"] = None
            own = told(api, name, types, -wang, **more)
            stranger = told(api, name, types, NOBODY, **more)
            if name == "drivers":  # he is told his own name
                assert {row[0] for row in own} == {wang}
                assert stranger == []
            else:
                assert without_clock(own) == without_clock(stranger), (name, driver)
            maker = told(api, name, types, numbers["Maker"], **more)
            if without_clock(maker) != without_clock(stranger):
                opened.add(name)
    assert len(asked) > 30
    # The questions were such that they are answered to whom they may be.
    assert {"vehicle", "trips", "vehicle_events", "fleet_scores", "fleet_fuel", "drivers"} < opened
    assert {"advice", "answer_advice", "search_vehicles", "tank_events"} < opened


@pytest.mark.parametrize("name", OWN)
def test_of_himself_a_driver_is_told_what_his_employer_may_know(
    migrated: Migrated, api: Connection, numbers: dict[str, int], name: str
) -> None:
    types = dict(functions(migrated))[name]
    wang, li = numbers["wang"], numbers["li"]
    own = told(api, name, types, -wang, wanted_vin=None, wanted_driver=wang)
    employer = told(api, name, types, numbers["Employer"], wanted_vin=None, wanted_driver=wang)
    assert isinstance(own, list)
    if name == "advice_of":  # the employer answers it, he does not
        place = 21
        assert {row[place] for row in own} == {False}
        own = [(*row[:place], True, *row[place + 1 :]) for row in own]
    assert own == employer
    assert len(own) > 0
    colleague = told(api, name, types, -wang, wanted_vin=None, wanted_driver=li)
    absent = told(api, name, types, -wang, wanted_vin=None, wanted_driver=NOBODY)
    assert colleague == absent == "P0002 driver"
    # Nor is he somebody for asking without saying of whom, or with the number of nobody.
    for principal, driver in ((-wang, None), (-NOBODY, wang), (-NOBODY, NOBODY)):
        found = told(api, name, types, principal, wanted_vin=None, wanted_driver=driver)
        assert isinstance(found, str), (principal, driver)


def test_what_serves_a_party_is_not_served_past_the_rule(api: Connection) -> None:
    for name in OWN:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute(sql.SQL("SELECT telemetry.{}()").format(sql.Identifier(name)))


def account(database: Migrated, name: str, party: int, driver: int) -> None:
    create_account(
        database.connection,
        party_id=party,
        role="driver",
        name=name,
        password_hash="$argon2id$none",
        driver_id=driver,
    )


def test_the_api_is_told_of_a_driver_by_a_number_that_is_no_party_s(
    migrated: Migrated, api: Connection, numbers: dict[str, int]
) -> None:
    connection, wang = migrated.connection, numbers["wang"]
    account(migrated, "wang", numbers["Employer"], wang)
    family = "00000000-0000-0000-0000-000000000001"
    connection.execute(
        "INSERT INTO sign_in (family_id, account_id, client_id, scopes, expires_at)"
        " SELECT %s, account_id, 'telemetry', '{own:read}', now() + interval '1 day'"
        " FROM account WHERE name = 'wang'",
        (family,),
    )

    def signed_in() -> list[tuple[Any, ...]]:
        return api.execute(
            "SELECT party_id, driver_id FROM served.caller_of_sign_in(%s, gen_random_uuid())",
            (family,),
        ).fetchall()

    def vouched_for(party: str) -> list[tuple[Any, ...]]:
        return api.execute(
            "SELECT party_id, driver_id FROM served.caller_of_party(%s, 'driver', %s)",
            (party, wang),
        ).fetchall()

    assert signed_in() == vouched_for("Employer") == [(-wang, wang)]
    # An owner whose vehicles he drives is not his employer.
    assert vouched_for("Owner") == []
    owner = find_party(connection, "Owner")
    with pytest.raises(StorageError, match="employ the driver first"):
        account(migrated, "other.wang", owner, wang)
    # With his employment his account ends, and begins again with it.
    for party, found in ((owner, []), (numbers["Employer"], [(-wang, wang)])):
        employ_driver(connection, card_id=WANG, party_id=party)
        assert signed_in() == found


def test_the_log_of_reads_names_the_party_of_a_driver(
    migrated: Migrated, api: Connection, numbers: dict[str, int]
) -> None:
    entry = (
        '{"at": "2026-11-01T00:00:00Z", "party_id": %d, "subject": "account:wang", "role":'
        ' "driver", "method": "GET", "route": "/", "vins": [], "driver_ids": [], "status": 200,'
        ' "reads": 1}'
    )
    for principal in (-numbers["wang"], numbers["Maker"]):
        api.execute("SELECT served.log_accesses(%s, 0, NULL)", (f"[{entry % principal}]",))
    logged = migrated.connection.execute("SELECT party_id FROM access_log ORDER BY 1").fetchall()
    assert logged == sorted([(numbers["Employer"],), (numbers["Maker"],)])
