"""The pages in a real browser: the chart is drawn, the controls work, nothing is complained of."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.asking.api_fixture import drive, record, served_as
from tests.asking.real_browser import NEEDS_CHROMIUM, overflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.servers.database_fixture import Migrated

VIN = "LSGAA11112A000001"
SECONDS = 3600

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def address(migrated: Migrated) -> Iterator[str]:
    start = datetime.now(tz=UTC).replace(microsecond=0, tzinfo=None) - timedelta(seconds=SECONDS)
    record(migrated, VIN, drive(start.isoformat(), SECONDS))
    with served_as(migrated) as client:
        yield str(client.base_url)


def test_the_list_leads_to_a_vehicle_whose_chart_is_drawn(page: Page, address: str) -> None:
    page.goto(address)
    assert overflow(page) <= 0
    page.click(f"a[href='/vehicles/{VIN}']")
    # Of the three signals that are drawn first it sends one.
    expect(page.locator(".plots canvas")).to_have_count(1)
    assert overflow(page) <= 0
    # There is ink on it: some pixel is not transparent.
    ink = page.evaluate(
        "(() => { const c = document.querySelector('.plots canvas');"
        " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean); })()"
    )
    assert ink


def test_signals_are_chosen_and_taken_away(page: Page, address: str) -> None:
    page.goto(f"{address}/vehicles/{VIN}")
    expect(page.locator(".plots canvas")).to_have_count(1)
    page.click(".chip.add")
    page.fill("#chooser-search", "oil_pressure")
    page.click("#chooser-list button")
    page.keyboard.press("Escape")
    expect(page.locator(".plots canvas")).to_have_count(2)
    assert "oil_pressure" in page.url
    page.locator(".chip").first.click()
    expect(page.locator(".plots canvas")).to_have_count(1)
    page.reload()  # what is chosen is in the address
    expect(page.locator(".chip:not(.add)")).to_have_count(1)


def test_dragging_across_a_chart_zooms_in(page: Page, address: str) -> None:
    end = int(time.time())
    page.goto(f"{address}/vehicles/{VIN}?start={end - SECONDS}&end={end}")
    expect(page.locator(".plots canvas")).to_have_count(1)
    expect(page.locator("[data-span][aria-pressed='true']")).to_have_count(1)
    before = page.locator("#shown-span").inner_text()
    page.locator(".plots").scroll_into_view_if_needed()
    box = page.locator(".plots .u-over").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20, steps=4)
    page.mouse.up()
    page.mouse.move(0, 0)
    expect(page.locator("#shown-span")).not_to_have_text(before)
    expect(page.locator("[data-span][aria-pressed='true']")).to_have_count(0)


def test_a_span_without_data_says_so_and_leads_back(page: Page, address: str) -> None:
    page.goto(f"{address}/vehicles/{VIN}?start=1000000000&end=1000003600")
    expect(page.locator(".plots .nothing")).to_have_count(1)
    page.click("#latest")
    expect(page.locator(".plots canvas")).to_have_count(1)


def test_values_are_filtered_by_name(page: Page, address: str) -> None:
    page.goto(f"{address}/vehicles/{VIN}")
    page.fill("#filter", "odometer")
    shown = page.locator("[data-signal]:visible")
    expect(shown).to_have_count(1)
    expect(shown).to_have_attribute("data-signal", "odometer")
