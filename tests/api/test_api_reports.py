"""Reports: page, PDF and CSV of a week and a month have the API's numbers, and nothing foreign."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

import pypdfium2
import pytest

from analytics.advice.numbers import Numbers
from api import identity as api_identity
from storage import queries, served
from tests.asking.page_numbers import api, data, week
from tests.worlds.pages_world import (
    DRIVERS,
    FOREIGN_DRIVER,
    FOREIGN_VIN,
    VINS,
    PagesWorld,
)

if TYPE_CHECKING:
    import httpx2


OCTOBER = {"start": "2026-09-30T16:00:00Z", "end": "2026-10-31T16:00:00Z"}
"""By the clock of Shanghai."""

MOST_STATEMENTS = 15
NUMBERS = ("distance_km", "fuel_l", "l_per_100km", "cost")


def table(client: httpx2.Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf"), "Excel takes it for UTF-8 by its mark alone"
    assert answer.content.count(b"\n") == answer.content.count(b"\r\n")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def paper(client: httpx2.Client, address: str, language: str = "en") -> str:
    """All that a PDF says."""
    answer = client.get(address, headers={"accept-language": language})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    file = pypdfium2.PdfDocument(answer.content)
    try:
        return "\n".join(page.get_textpage().get_text_bounded() for page in file)
    finally:
        file.close()


@pytest.mark.parametrize(
    ("period", "span"), [("week", week()), ("2026-W43", week(-1)), ("2026-10", OCTOBER)]
)
def test_a_fleet_s_report_has_the_numbers_of_the_api(
    pages: PagesWorld, owner: httpx2.Client, period: str, span: dict[str, str]
) -> None:
    shown = data(owner, f"/reports/fleets/{pages.fleet}?period={period}").named
    fuel = f"/v1/fleets/{pages.fleet}/fuel"
    by_vehicle, by_driver = (api(owner, fuel, **span, of=of) for of in ("vehicles", "drivers"))
    for name in NUMBERS:
        assert shown[f"total_{name}"] == [by_vehicle["total"][name]], name
        assert shown[f"vehicles_{name}"] == [row[name] for row in by_vehicle["rows"]], name
        assert shown[f"drivers_{name}"] == [row[name] for row in by_driver["rows"]], name


def test_a_vehicle_s_report_has_the_numbers_of_the_api_by_day(owner: httpx2.Client) -> None:
    shown = data(owner, f"/reports/vehicles/{VINS[0]}?period=2026-10").named
    fuel = f"/v1/vehicles/{VINS[0]}/fuel"
    days = api(owner, fuel, by="day", **OCTOBER)["periods"]
    (total,) = api(owner, fuel, by="total", **OCTOBER)["periods"]
    assert len(days) > 20
    for name in NUMBERS:
        assert shown[f"days_{name}"] == [day[name] for day in days], name
        assert shown[f"total_{name}"] == [total[name]], name


def test_the_table_has_the_api_s_numbers_to_the_last_digit(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    rows = table(owner, f"/reports/fleets/{pages.fleet}?period=2026-W44&as=csv")
    told = api(owner, f"/v1/fleets/{pages.fleet}/fuel", **week())
    vehicles = {row["Name"]: row for row in rows if row["What"] == "Vehicle"}
    assert set(vehicles) == set(VINS)
    for row in told["rows"]:
        written = vehicles[row["vin"]]
        assert float(written["Fuel [L]"]) == row["fuel_l"]
        assert float(written["Cost [CNY]"]) == row["cost"]
        assert float(written["Usual with the same work [L]"]) == row["expected"]["expected_l"]
    assert [row["Name"] for row in rows if row["What"] == "Driver"].count(DRIVERS[0]) == 1
    assert float(rows[-1]["Fuel [L]"]) == told["total"]["fuel_l"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_paper_says_what_the_api_says_in_words_that_can_be_read(
    pages: PagesWorld, owner: httpx2.Client, language: str
) -> None:
    said = paper(owner, f"/reports/fleets/{pages.fleet}?period=2026-W44&as=pdf", language)
    total = api(owner, f"/v1/fleets/{pages.fleet}/fuel", **week())["total"]
    numbers = Numbers(language)
    for words in (
        "华东干线",
        *DRIVERS,
        *VINS,
        numbers.amount(total["fuel_l"], "l"),
        numbers.money(total["cost"], "CNY"),
        "油耗周报" if language == "zh" else "Weekly fuel report",
    ):
        assert words in said, words


def test_a_name_that_a_spreadsheet_would_work_out_is_text(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    pages.database.connection.execute(
        "UPDATE driver SET name = '=1+1' WHERE driver_id = %s", (pages.drivers[5],)
    )
    try:
        rows = table(owner, f"/reports/fleets/{pages.fleet}?period=2026-W44&as=csv")
        names = [row["Name"] for row in rows]
        assert "'=1+1" in names
        assert "=1+1" not in names
    finally:
        pages.database.connection.execute(
            "UPDATE driver SET name = %s WHERE driver_id = %s", (DRIVERS[5], pages.drivers[5])
        )


def test_reports_lead_from_week_to_month_and_back(pages: PagesWorld, owner: httpx2.Client) -> None:
    page = owner.get(f"/reports/fleets/{pages.fleet}").text
    assert "period=2026-10&quot;" not in page
    for period in ("2026-W43", "2026-W45", "2026-10"):
        assert f"period={period}" in page, period
    month = owner.get(f"/reports/fleets/{pages.fleet}?period=2026-10").text
    for period in ("2026-W44", "2026-09", "2026-11"):
        assert f"period={period}" in month, period
    assert f"/reports/vehicles/{VINS[0]}?period=week" in owner.get("/reports").text


def test_a_time_without_trips_is_said_in_every_form(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    address = f"/reports/fleets/{pages.fleet}?period=2025-01"
    assert "Nothing was driven" in owner.get(address).text
    assert "Nothing was driven" in paper(owner, f"{address}&as=pdf")
    assert table(owner, f"{address}&as=csv") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("period=2026-W99", 422),
        ("period=2026-13", 422),
        ("period=never", 422),
        ("period=2099-12", 422),
        ("as=docx", 422),
    ],
)
def test_a_report_that_cannot_be_is_told_kindly(
    pages: PagesWorld, owner: httpx2.Client, query: str, status: int
) -> None:
    answer = owner.get(f"/reports/fleets/{pages.fleet}?{query}")
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_nothing_foreign_is_in_any_report(pages: PagesWorld, owner: httpx2.Client) -> None:
    foreign = (FOREIGN_VIN, FOREIGN_VIN[9:], FOREIGN_DRIVER, "South trucks")
    for address in (
        "/reports",
        f"/reports/fleets/{pages.fleet}?period=2026-10",
        f"/reports/vehicles/{VINS[0]}",
        f"/reports/fleets/{pages.fleet}?period=2026-10&as=csv",
    ):
        text = owner.get(address).text
        assert not [one for one in foreign if one in text], address
    said = paper(owner, f"/reports/fleets/{pages.fleet}?period=2026-10&as=pdf")
    assert not [one for one in foreign if one in said]
    for kind in ("page", "pdf", "csv"):
        for address in (f"fleets/{pages.foreign_fleet}", f"vehicles/{FOREIGN_VIN}"):
            answer = owner.get(f"/reports/{address}?period=2026-W44&as={kind}")
            assert answer.status_code == 404, (kind, address)


def test_a_report_asks_few_statements(
    pages: PagesWorld, owner: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_identity, "REMEMBERED_S", 0.0)
    asked: list[str] = []

    def counted(name: str) -> Any:
        asked.append(name)
        return queries.query(name)

    monkeypatch.setattr(served, "query", counted)
    for address in ("/reports", f"/reports/fleets/{pages.fleet}", f"/reports/vehicles/{VINS[0]}"):
        asked.clear()
        assert owner.get(address).status_code == 200
        own = [name for name in asked if name != "served_log_accesses"]
        assert 2 <= len(own) < MOST_STATEMENTS, (address, own)


def test_files_are_named_for_what_they_are(pages: PagesWorld, owner: httpx2.Client) -> None:
    answer = owner.get(f"/reports/fleets/{pages.fleet}?period=2026-10&as=pdf")
    told = answer.headers["content-disposition"]
    assert 'filename="report-2026-10.pdf"' in told
    assert re.search(r"filename\*=UTF-8''%E5%8D%8E.+2026-10\.pdf$", told)
