"""Vehicles and parties get a number once, and vehicles one that no other cell gives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from schemas.vin import VinError
from storage.connection import Connection, connect
from storage.errors import StorageError
from storage.migrate import CELL_BITS, migrate
from storage.registers import ensure_party, find_vehicle, register_vehicle
from storage.settings import StorageSettings
from tests.samples.storage_samples import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from tests.servers.database_fixture import Migrated

FITS, DOES_NOT = (
    "1M8GDM9AXKP042788",
    "1M8GDM9A1KP042788",
)  # check digit X (49 CFR 565), and a wrong one


@pytest.fixture
def connection(fresh_database: SecretStr) -> Iterator[Connection]:
    with connect(fresh_database) as opened:
        yield opened


def number(connection: Connection, serial: int) -> int:
    return register_vehicle(connection, f"LTEST{serial:012d}").vehicle_id


def test_a_vehicle_keeps_the_number_it_was_first_given(small: Migrated) -> None:
    assert find_vehicle(small.connection, FITS) is None
    first = register_vehicle(small.connection, FITS)
    assert register_vehicle(small.connection, FITS, registered_by="ingest") == first
    assert find_vehicle(small.connection, FITS) == first.vehicle_id
    assert register_vehicle(small.connection, DOES_NOT).vehicle_id != first.vehicle_id


def test_a_check_digit_that_does_not_fit_is_noted_and_no_more(small: Migrated) -> None:
    for vin, fits in ((FITS, True), (DOES_NOT, False)):
        assert register_vehicle(small.connection, vin).check_digit_ok == fits
        row = small.connection.execute(
            "SELECT check_digit_ok FROM vehicle WHERE vin = %s", (vin,)
        ).fetchone()
        assert row == (fits,)


@pytest.mark.parametrize(
    "vin", ["", "SHORT", "LTEST00000000000O", "ltest000000000001", "' OR 1=1 --"]
)
def test_what_is_no_vin_is_not_registered(small: Migrated, vin: str) -> None:
    with pytest.raises(VinError):
        register_vehicle(small.connection, vin)
    assert find_vehicle(small.connection, vin) is None


def test_a_vin_that_several_register_at_once_has_one_number(small: Migrated) -> None:
    def register(_: int) -> int:
        with connect(small.dsn) as connection:
            return register_vehicle(connection, "LTEST000000000099").vehicle_id

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert len(set(pool.map(register, range(4)))) == 1


def test_the_cell_stands_in_a_vehicle_number_s_upper_bits(connection: Connection) -> None:
    migrate(connection, SMALL, StorageSettings(cell=5))
    assert [number(connection, n) for n in (1, 2)] == [(5 << CELL_BITS) + 1, (5 << CELL_BITS) + 2]


def test_the_first_cell_s_numbers_begin_at_one(connection: Connection) -> None:
    migrate(connection, SMALL, StorageSettings())
    assert number(connection, 1) == 1


def test_the_last_cell_s_numbers_fit(connection: Connection) -> None:
    migrate(connection, SMALL, StorageSettings(cell=2**22 - 1))
    assert number(connection, 1) >> CELL_BITS == 2**22 - 1


def test_a_changed_cell_counts_for_new_vehicles_and_never_gives_a_number_twice(
    connection: Connection,
) -> None:
    given = []
    for serial, cell in enumerate((3, 3, 7, 3, 0, 3, 0, 7)):
        migrate(connection, SMALL, StorageSettings(cell=cell))
        given.append(number(connection, serial))
        assert given[-1] >> CELL_BITS == cell
    within = [one & ((1 << CELL_BITS) - 1) for one in given]
    # Cells 3, 7 and 0 each count on from where they were.
    assert within == [1, 2, 1, 3, 1, 4, 2, 2]
    assert len(set(given)) == len(given)


def test_a_party_is_known_by_its_name_and_stays_what_it_is(small: Migrated) -> None:
    first = ensure_party(small.connection, "Haulage", "owner")
    assert ensure_party(small.connection, "Haulage", "maker") == first
    kinds = small.connection.execute("SELECT kind FROM party WHERE name = 'Haulage'").fetchall()
    assert kinds == [("owner",)]


@pytest.mark.parametrize(("name", "kind"), [("Somebody", "pirate"), ("", "owner")])
def test_a_party_of_no_known_kind_or_name_is_refused(small: Migrated, name: str, kind: str) -> None:
    with pytest.raises(StorageError, match=f"party {name} of kind {kind}"):
        ensure_party(small.connection, name, kind)
