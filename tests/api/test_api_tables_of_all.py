"""Every listing comes as a table too, safe to open, and whom it tells of is written down whole."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import csv, ipc, parquet

from tests.asking.api_fixture import served_as
from tests.asking.patience import wait_until
from tests.worlds.behaviour_world import SPAN, A, fill, grants
from tests.worlds.served_fuel_world import fill_fuel

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
MANY = 1300
"""Vehicles: several batches, and more than one entry of the log names."""

WEEK = {"week": "2026-W44"}
LISTINGS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("/v1/vehicles/{A}/tank-events", "events", SPAN),
    ("/v1/vehicles/{A}/advice", "advice", SPAN),
    ("/v1/drivers/{wang}/advice", "advice", SPAN),
    ("/v1/fleets/{fleet}/advice", "advice", WEEK),
    ("/v1/fleets/{fleet}/ranking", "places", WEEK | {"of": "drivers"}),
    ("/v1/fleets/{fleet}/fuel", "rows", SPAN | {"of": "drivers"}),
    ("/v1/fleets", "fleets", {}),
    ("/v1/drivers", "drivers", {}),
)


@pytest.fixture(scope="module")
def numbers(migrated: Migrated) -> dict[str, int]:
    found = fill(migrated)
    grants(migrated)
    found |= fill_fuel(migrated, found)
    migrated.connection.execute(
        "UPDATE driver SET name = '=HYPERLINK(\"http://evil\")' WHERE driver_id = %s",
        (found["wang"],),
    )
    return found


@pytest.fixture(scope="module")
def client(numbers: dict[str, int], migrated: Migrated) -> Iterator[httpx2.Client]:
    assert numbers
    with served_as(migrated, "Maker", "maker") as client:
        yield client


def table_of(answer: httpx2.Response) -> pa.Table:
    assert answer.status_code == 200, answer.text
    media = answer.headers["content-type"].partition(";")[0]
    if media == CSV:
        return csv.read_csv(io.BytesIO(answer.content))
    if media == ARROW:
        return ipc.open_stream(answer.content).read_all()
    return parquet.read_table(io.BytesIO(answer.content))


@pytest.mark.parametrize("media", [CSV, ARROW, PARQUET])
@pytest.mark.parametrize(("path", "key", "asked"), LISTINGS, ids=[one[0] for one in LISTINGS])
def test_a_listing_has_the_same_rows_as_a_table(
    client: httpx2.Client,
    numbers: dict[str, int],
    path: str,
    key: str,
    asked: dict[str, str],
    media: str,
) -> None:
    address = path.format(A=A, **numbers)
    rows = client.get(address, params=asked).json()[key]
    assert rows
    table = table_of(client.get(address, params=asked, headers={"Accept": media}))
    assert table.num_rows == len(rows)
    for name, value in rows[0].items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert table.column(name)[0].as_py() == pytest.approx(value)
    # With a limit it is one page, and says where the next one is.
    page = client.get(address, params={**asked, "limit": 1}, headers={"Accept": media})
    assert table_of(page).num_rows == 1
    assert ("link" in page.headers) == (len(rows) > 1)


def test_counters_are_a_row_each_and_a_row_for_each_class(client: httpx2.Client) -> None:
    address = f"/v1/vehicles/{A}/accumulated"
    told = client.get(address).json()["accumulated_data"]
    rows = table_of(client.get(address, headers={"Accept": PARQUET})).to_pylist()
    assert len(rows) == sum(len(one) if isinstance(one, list) else 1 for one in told.values())
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_name.setdefault(row["counter"], []).append(row)
    one = by_name["durationWheelbasedSpeedOverZero"][0]
    assert one["value"] == told["durationWheelbasedSpeedOverZero"]
    classes = by_name["vehicleSpeedClass"]
    assert [row["seconds"] for row in classes] == [
        cell.get("seconds") for cell in told["vehicleSpeedClass"]
    ]


def test_a_cell_that_a_spreadsheet_would_work_out_is_a_text_and_only_in_csv(
    client: httpx2.Client, numbers: dict[str, int]
) -> None:
    name = '=HYPERLINK("http://evil")'
    for media, expected in ((CSV, f"'{name}"), (ARROW, name), (PARQUET, name)):
        table = table_of(client.get("/v1/drivers", headers={"Accept": media})).to_pylist()
        (row,) = (row for row in table if row["driver_id"] == numbers["wang"])
        assert row["name"] == expected


def test_advice_as_a_table_is_in_the_language_that_is_asked_for(
    client: httpx2.Client, numbers: dict[str, int]
) -> None:
    assert numbers
    answer = client.get(
        f"/v1/vehicles/{A}/advice", params=SPAN, headers={"Accept": CSV, "Accept-Language": "zh"}
    )
    assert answer.headers["content-language"].startswith("zh")
    assert {"Accept", "Accept-Language"} <= set(answer.headers["vary"].split(", "))
    titles = table_of(answer).column("text_title").to_pylist()
    assert any("一" <= letter <= "鿿" for title in titles if title for letter in title)


def test_everyone_whom_a_long_table_tells_of_is_in_the_log_of_reads(
    client: httpx2.Client, migrated: Migrated
) -> None:
    migrated.connection.execute(
        "INSERT INTO vehicle (vin, check_digit_ok, registered_by) SELECT"
        " 'LVBV3ABB5PE' || lpad(n::text, 6, '0'), true, 'register'"
        " FROM generate_series(1, %s) AS n",
        (MANY,),
    )
    answer = client.get("/v1/vehicles", headers={"Accept": CSV, "X-Purpose": "the whole register"})
    vins = set(table_of(answer).column("vin").to_pylist())
    assert len(vins) == MANY + 3

    def entries() -> list[list[str]]:
        asked = "SELECT vins FROM access_log WHERE purpose = 'the whole register'"
        return [row[0] for row in migrated.connection.execute(asked)]

    wait_until(lambda: sum(map(len, entries())) >= len(vins), "its entries in the log of reads")
    assert set().union(*entries()) == vins
    assert sum(map(len, entries())) == len(vins)
    assert max(map(len, entries())) <= 1000


def test_vehicles_whose_curves_are_drawn_together_are_in_the_log_of_reads(
    client: httpx2.Client, migrated: Migrated
) -> None:
    vins = [f"LVBV3ABB5PE{number:06}" for number in (1, 2)]
    params = {
        "vins": ",".join(vins),
        "names": "wheel_speed",
        "start": "2026-10-20T00:00:00Z",
        "end": "2026-10-21T00:00:00Z",
    }
    headers = {"X-Purpose": "two curves"}
    assert client.get("/v1/signals", params=params, headers=headers).status_code == 200

    def found() -> list[Any]:
        asked = "SELECT vins FROM access_log WHERE purpose = 'two curves'"
        return migrated.connection.execute(asked).fetchall()

    wait_until(lambda: bool(found()), "their entry in the log of reads")
    assert [sorted(row[0]) for row in found()] == [vins]
    span = {"start": "2026-01-01T00:00:00Z", "end": "2090-01-01T00:00:00Z"}
    log = table_of(client.get("/v1/audit", params=span, headers={"Accept": CSV})).to_pylist()
    (entry,) = (row for row in log if row["purpose"] == "two curves")
    assert all(vin in entry["vins"] for vin in vins)
