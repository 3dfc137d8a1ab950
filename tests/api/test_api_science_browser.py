"""The data scientist's main path in a real browser: find, see, put together, load, leave."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.asking.real_browser import NEEDS_CHROMIUM, checked
from tests.worlds.identity_world import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.worlds.science_world import ScienceWorld


expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = NEEDS_CHROMIUM

SEARCH = {"en-GB": "wheel speed", "zh-CN": "车轮车速"}
NOTHING = {"en-GB": "No signal has all these words", "zh-CN": "没有同时包含这些词的信号"}
ENOUGH = {"en-GB": "What it would hold", "zh-CN": "数据集内容预览"}
HANDED_OVER = {"en-GB": "Have it opened", "zh-CN": "申请开放"}
WITHHELD = {"en-GB": "Withheld", "zh-CN": "已隐去"}
COPIED = {"en-GB": "Copied", "zh-CN": "已复制"}
DEFINED = {"en-GB": "Open", "zh-CN": "可读取"}


@pytest.fixture(scope="module")
def address(science: ScienceWorld) -> Iterator[str]:
    with science.pages.serving() as client:
        yield str(client.base_url).rstrip("/")


def enter(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")


def seen(page: Page, name: str) -> None:
    """Nothing is wider than the screen, axe finds nothing; a picture where one is wished for."""
    checked(page)
    folder = os.environ.get("TELEMETRY_TEST_PICTURES")
    if folder:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def test_the_data_scientist_s_main_path(page: Page, address: str, science: ScienceWorld) -> None:
    locale = page.locale  # type: ignore[attr-defined]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    enter(page, address, "lin")
    expect(page).to_have_url(f"{address}/datasets")
    expect(page.locator(".datasets > li")).to_have_count(2)
    seen(page, "datasets")

    page.click(".places a[href='/catalogue']")
    page.fill("#q", "no such words")
    page.press("#q", "Enter")
    expect(page.get_by_text(NOTHING[locale])).to_be_visible()
    seen(page, "catalogue-nothing")
    page.fill("#q", SEARCH[locale])
    page.press("#q", "Enter")
    expect(page.locator("a[href='/catalogue/wheel_speed']")).to_be_visible()
    seen(page, "catalogue")
    page.click("a[href='/catalogue/wheel_speed']")
    expect(page.locator(".availability tbody tr")).not_to_have_count(0)
    seen(page, "signal")

    page.click(".heading .button")
    page.fill("#name", "Braking")
    page.fill("#purpose", "a model of brake lining wear")
    page.fill("#party", "Institute")
    page.click(".builder .button")
    expect(page.get_by_role("heading", name=ENOUGH[locale])).to_be_visible()
    expect(page.get_by_role("heading", name=HANDED_OVER[locale])).to_be_visible()
    seen(page, "builder")

    page.goto(f"{address}/datasets/{science.withheld}")
    expect(page.get_by_text(WITHHELD[locale]).first).to_be_visible()
    seen(page, "dataset-withheld")
    page.goto(f"{address}/datasets/{science.dataset}")
    page.click("[data-copies='python']")
    expect(page.locator("[data-copies='python']")).to_have_text(COPIED[locale])
    assert page.evaluate("navigator.clipboard.readText()").startswith("from telemetry_client")
    seen(page, "dataset")

    page.click("details.account summary")
    page.click("details.account form button >> nth=0")
    expect(page.locator("#name")).to_be_visible()


def test_the_maker_sees_first_rows_and_defines(page: Page, address: str) -> None:
    locale = page.locale  # type: ignore[attr-defined]
    enter(page, address, "maker")
    page.goto(
        f"{address}/datasets/new?names=wheel_speed,fuel_rate&model=J6P&first=2026-10-25"
        f"&last=2026-11-01&name=Wear+{locale}&purpose=wear&party=Institute&valid_until=2089-01-01"
    )
    expect(page.locator("#rows-title")).to_be_visible()
    seen(page, "builder-maker")
    page.click(".create button")
    expect(page.locator(".dataset-state")).to_have_text(DEFINED[locale])
    seen(page, "dataset-maker")
