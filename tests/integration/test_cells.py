"""A vehicle is kept in the cell of its region: another one refuses it and names the right one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ingest.settings import UnknownVin
from ingest.vehicles import VehicleNumbers
from storage.cells import Cell, cell_of, directory, put_elsewhere, set_directory
from storage.errors import StorageError
from storage.registers import register_vehicle, set_vehicle_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

VIN, OTHER = "LSGAA11112A000001", "LSGAA11112A000002"
HERE = Cell(cell=0, regions=("CN-31", "DE"), is_here=True)
THERE = Cell(cell=2, regions=("CN-32",), is_here=False)


@pytest.fixture
def connection(small: Migrated) -> Iterator[Connection]:
    with _undone(small.connection) as used:
        yield used


@contextmanager
def _undone(connection: Connection) -> Iterator[Connection]:
    with connection.transaction(force_rollback=True):
        yield connection


def test_without_a_directory_there_is_one_cell_for_everything(connection: Connection) -> None:
    register_vehicle(connection, VIN)
    set_vehicle_home(connection, VIN, region="CN-32")
    assert directory(connection) == []


def test_a_vehicle_of_another_region_is_refused_and_its_cell_named(connection: Connection) -> None:
    set_directory(connection, [HERE, THERE])
    register_vehicle(connection, VIN)
    for region in ("CN-31", "DE", "DE-BY"):
        set_vehicle_home(connection, VIN, region=region)
    refused = pytest.raises(StorageError, match="region CN-32, which is kept in cell 2")
    with refused, connection.transaction():
        set_vehicle_home(connection, VIN, region="CN-32")
    refused = pytest.raises(StorageError, match="no cell of the directory holds")
    with refused, connection.transaction():
        set_vehicle_home(connection, VIN, region="CN")


def test_a_vehicle_that_is_kept_elsewhere_neither_registers_nor_is_taken_in(
    connection: Connection,
) -> None:
    set_directory(connection, [HERE, THERE])
    put_elsewhere(connection, [OTHER], 2)
    assert cell_of(connection, OTHER) == 2
    numbers = VehicleNumbers(lambda: connection, UnknownVin.REGISTER)
    assert numbers.number(OTHER) is None
    assert numbers.elsewhere(OTHER) == 2
    assert numbers.number(VIN) is not None
    assert numbers.elsewhere(VIN) is None


def test_the_database_itself_refuses_it(connection: Connection) -> None:
    set_directory(connection, [HERE, THERE])
    put_elsewhere(connection, [OTHER], 2)
    with pytest.raises(StorageError, match="kept in cell 2"), connection.transaction():
        register_vehicle(connection, OTHER)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([Cell(cell=0, regions=("Shanghai",), is_here=True)], "no region"),
        ([HERE, Cell(cell=3, regions=("DE",), is_here=False)], "two cells"),
    ],
)
def test_a_directory_that_cannot_be_is_refused(
    connection: Connection, cells: list[Cell], said: str
) -> None:
    with pytest.raises(StorageError, match=said):
        set_directory(connection, cells)


def test_vehicles_are_moved_before_their_region_is_given_away(connection: Connection) -> None:
    register_vehicle(connection, VIN)
    set_vehicle_home(connection, VIN, region="CN-32")
    with pytest.raises(StorageError, match="1 vehicles of other regions are here"):
        set_directory(connection, [HERE, THERE])
    set_directory(connection, [Cell(cell=0, regions=(), is_here=True), THERE])
    with pytest.raises(StorageError, match="Registered here"):
        put_elsewhere(connection, [VIN], 2)
    with pytest.raises(StorageError, match="no other cell 7"):
        put_elsewhere(connection, [OTHER], 7)
