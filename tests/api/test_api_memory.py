"""However long an answer is, it is never in memory as a whole."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from tests.asking.api_fixture import drive, record, served_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VIN = "LSGAA11112A000001"
ROWS = 60_000
"""Three batches of a table, give or take."""


@pytest.fixture(scope="module")
def client(migrated: Migrated) -> Iterator[httpx2.Client]:
    record(migrated, VIN, drive("2026-10-20T00:00:00", ROWS))
    with served_as(migrated) as client:
        yield client


def peak_of(client: httpx2.Client, end: str) -> tuple[int, int]:
    """The most that is allocated while a table up to `end` is sent, and its length [bytes]."""
    params = {"names": "wheel_speed,odometer,latitude", "start": "2026-10-20T00:00:00Z", "end": end}
    address = f"/v1/vehicles/{VIN}/signals"
    length = 0
    tracemalloc.start()
    try:
        with client.stream("GET", address, params=params, headers={"Accept": "text/csv"}) as answer:
            assert answer.status_code == 200
            for piece in answer.iter_raw():
                length += len(piece)
        return tracemalloc.get_traced_memory()[1], length
    finally:
        tracemalloc.stop()


def test_a_longer_table_takes_no_more_memory(client: httpx2.Client) -> None:
    peak_of(client, "2026-10-20T00:10:00Z")  # what is made once is made
    one_batch, short = peak_of(client, "2026-10-20T05:30:00Z")
    all_of_them, long = peak_of(client, "2026-10-21T00:00:00Z")
    assert long > 2.5 * short
    # One batch is read while the one before is sent: two at a time, and never three.
    assert all_of_them < 2 * one_batch, f"{one_batch} and then {all_of_them} bytes"
