"""The access rule, where it is enforced: in the database, for every question the API may ask."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import errors

from storage.batch import Batch
from storage.connection import API_ROLE, connect
from storage.errors import StorageError
from storage.queries import query
from storage.registers import ensure_party, grant_access, register_vehicle
from tests.samples.storage_samples import DAY_US, SECOND_US, SMALL, TODAY_US, group_rows, moment
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

Span = tuple["datetime | None", "datetime | None"]

NOW = moment(TODAY_US + DAY_US // 2)
START, STOP = moment(TODAY_US - 3 * DAY_US), moment(TODAY_US)
NAMES = ["speed", "gear"]
ANYTHING = dict.fromkeys(
    ("after_m", "vin_part", "plate_part", "model_part", "region", "dealer", "fleet", "doing",
     "rules", "asked_at", "west", "south", "east", "north", "near_latitude", "near_longitude",
     "radius_m")
)  # fmt: skip
"""A search that leaves nothing out."""
BEFORE, AFTER = timedelta(days=-400), timedelta(days=400)
"""Well before and well after any clock that runs this."""


@pytest.fixture
def vin(small: Migrated, vehicle: int) -> str:
    """A vehicle with a frame at noon of each of the last three days, which the speed counts."""
    vin = f"LTEST{vehicle:012d}"
    number = register_vehicle(small.connection, vin).vehicle_id
    noons = [TODAY_US - days * DAY_US + DAY_US // 2 for days in (3, 2, 1)]
    rows = [(number, noon, {"speed": 3.0 - n}) for n, noon in enumerate(noons)]
    writer = open_writer(small)
    writer.write(Batch(groups=(group_rows("motion", rows),)))
    writer.write(
        Batch(groups=(group_rows("motion", [(number, noons[0] + SECOND_US, {"gear": 7})]),))
    )
    writer.close()
    return vin


@pytest.fixture
def api(small: Migrated) -> Iterator[Connection]:
    """A connection as the API has it."""
    with connect(small.dsn, role=API_ROLE) as opened:
        yield opened


@pytest.fixture
def owner(small: Migrated, vehicle: int) -> int:
    return ensure_party(small.connection, f"owner {vehicle}", "owner")


def ask(api: Connection, name: str, **parameters: object) -> list[tuple[Any, ...]]:
    everything = {"names": NAMES, "start": START, "stop": STOP, "step_s": None, "max_rows": 1000}
    everything |= {"zone": "UTC"}
    everything |= {"newest_first": False, "after_vin": "", **ANYTHING}
    return api.execute(query(name), everything | parameters).fetchall()


def listed(api: Connection, party: int) -> list[str]:
    return [row[0] for row in ask(api, "served_search_vehicles", principal=party)]


def speeds(api: Connection, party: int, vin: str) -> list[float]:
    """By the day's number; what the principal may not see is not there."""
    (row,) = ask(api, "served_signals", principal=party, vin=vin)
    return [values[0] for values in row[1] or [] if values[0] == values[0]]


def sees(api: Connection, party: int, vin: str) -> bool:
    """Whether the vehicle is there for that party; every question must say the same."""
    answers = set()
    for name in ("vehicle", "vehicle_state", "active_trouble_codes", "trips", "signals"):
        try:
            ask(api, f"served_{name}", principal=party, vin=vin)
            answers.add(True)
        except errors.NoDataFound:
            answers.add(False)
    (answer,) = answers | {vin in listed(api, party)}
    return answer


def grant(
    small: Migrated, party: int, vin: str, *, valid: Span = (None, None), data: Span = (None, None)
) -> None:
    grant_access(
        small.connection, party_id=party, vin=vin, purpose="ownership", valid=valid, data=data
    )


def test_a_maker_sees_every_vehicle_and_all_its_data(
    small: Migrated, api: Connection, vin: str
) -> None:
    maker = ensure_party(small.connection, "maker", "maker")
    assert sees(api, maker, vin)
    assert speeds(api, maker, vin) == [3, 2, 1]


def test_a_party_without_a_grant_sees_no_vehicle(api: Connection, vin: str, owner: int) -> None:
    assert not sees(api, owner, vin)
    assert listed(api, owner) == []


def test_a_vehicle_one_may_not_see_answers_as_one_that_does_not_exist(
    api: Connection, vin: str, owner: int
) -> None:
    with pytest.raises(errors.NoDataFound) as hidden:
        ask(api, "served_vehicle", principal=owner, vin=vin)
    nowhere = "LTESTNOWHERE00000"
    with pytest.raises(errors.NoDataFound) as missing:
        ask(api, "served_vehicle", principal=owner, vin=nowhere)
    assert str(hidden.value).replace(vin, nowhere) == str(missing.value)


def test_a_party_nobody_has_heard_of_sees_nothing(api: Connection, vin: str) -> None:
    assert not sees(api, 10**9, vin)


def test_an_owner_sees_the_vehicle_that_was_granted_and_no_other(
    small: Migrated, api: Connection, vin: str, owner: int
) -> None:
    other = register_vehicle(small.connection, vin[:5] + "X" + vin[6:]).vin
    grant(small, owner, vin)
    assert sees(api, owner, vin)
    assert not sees(api, owner, other)
    assert listed(api, owner) == [vin]
    assert speeds(api, owner, vin) == [3, 2, 1]


@pytest.mark.parametrize(
    ("valid", "there"),
    [
        ((NOW + BEFORE, NOW + AFTER), True),
        ((NOW + BEFORE, NOW + BEFORE / 2), False),
        ((NOW + AFTER / 2, NOW + AFTER), False),
    ],
    ids=["holds", "has ended", "has not begun"],
)
def test_a_grant_holds_for_its_time(
    small: Migrated, api: Connection, vin: str, owner: int, valid: Span, *, there: bool
) -> None:
    grant(small, owner, vin, valid=valid)
    assert sees(api, owner, vin) == there


def test_a_grant_that_is_revoked_ends_at_once(
    small: Migrated, api: Connection, vin: str, owner: int
) -> None:
    grant(small, owner, vin)
    assert sees(api, owner, vin)
    small.connection.execute(
        "UPDATE vehicle_access SET valid = tstzrange(lower(valid), now()) WHERE party_id = %s",
        (owner,),
    )
    assert not sees(api, owner, vin)


def test_a_grant_opens_the_data_of_its_span_alone(
    small: Migrated, api: Connection, vin: str, owner: int
) -> None:
    grant(small, owner, vin, data=(START, START + timedelta(days=2)))
    assert speeds(api, owner, vin) == [3, 2]
    state = ask(api, "served_vehicle_state", principal=owner, vin=vin)
    assert [(name, value) for name, value, _ in state] == [("gear", 7)]  # the speed is newer
    (row,) = ask(api, "served_search_vehicles", principal=owner)
    assert row[7] == [None, 7]


def test_several_grants_open_what_each_of_them_opens(
    small: Migrated, api: Connection, vin: str, owner: int
) -> None:
    grant(small, owner, vin, data=(None, START + timedelta(days=1)))
    grant(small, owner, vin, data=(START + timedelta(days=2), None))
    grant(small, owner, vin, data=(None, None), valid=(NOW + BEFORE, NOW + BEFORE / 2))
    assert speeds(api, owner, vin) == [3, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": "curiosity"},
        {"party_id": 10**9},
        {"vin": "LTESTNOWHERE00000"},
        {"valid": (NOW, NOW - timedelta(days=1))},
        {"data": (NOW, NOW)},
    ],
    ids=["purpose", "party", "vehicle", "ends before it begins", "opens nothing"],
)
def test_a_grant_that_makes_no_sense_is_refused(
    small: Migrated, vin: str, owner: int, wrong: dict[str, Any]
) -> None:
    right: dict[str, Any] = {"party_id": owner, "vin": vin, "purpose": "sale"}
    with pytest.raises(StorageError):
        grant_access(small.connection, **right | wrong)


def test_the_api_role_can_read_nothing_but_what_is_served(small: Migrated, vin: str) -> None:
    assert vin  # there are rows to be seen, in chunks and aggregates too
    readable = small.connection.execute(
        "SELECT oid::regclass::text FROM pg_class AS class"
        " WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
        " AND has_table_privilege(%(role)s, oid, 'SELECT, INSERT, UPDATE, DELETE')"
        " AND has_schema_privilege(%(role)s, relnamespace, 'USAGE')"
        " AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
        # What an extension keeps about itself is not the platform's data.
        " AND NOT EXISTS (SELECT FROM pg_depend"
        "   WHERE objid = class.oid AND classid = 'pg_class'::regclass AND deptype = 'e')",
        {"role": API_ROLE},
    ).fetchall()
    assert readable == []
    runnable = small.connection.execute(
        "SELECT DISTINCT nspname FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace"
        " WHERE nspname IN ('telemetry', 'served', 'public')"
        " AND has_schema_privilege(%(role)s, nspname, 'USAGE')"
        " AND has_function_privilege(%(role)s, pg_proc.oid, 'EXECUTE')"
        " AND NOT EXISTS (SELECT FROM pg_depend"
        "   WHERE objid = pg_proc.oid AND classid = 'pg_proc'::regclass AND deptype = 'e')",
        {"role": API_ROLE},
    ).fetchall()
    assert runnable == [("served",)]


@pytest.mark.parametrize("group", list(SMALL.groups))
def test_the_api_role_is_refused_a_table(api: Connection, group: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        api.execute(f"SELECT * FROM telemetry.signal_{group}".encode())


def test_names_that_would_be_sql_find_no_signal(small: Migrated, api: Connection, vin: str) -> None:
    maker = ensure_party(small.connection, "maker", "maker")
    for name in ('speed" FROM signal_motion; --', "speed, vehicle_id", "vehicle_id", "%I", "'"):
        with pytest.raises(errors.Error):
            ask(api, "served_signals", principal=maker, vin=vin, names=[name])
