"""Main paths of dealer, workshop and maker in a real browser, in both languages; axe is content.

Sign in, find, open, act, sign out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.asking.real_browser import NEEDS_CHROMIUM, checked
from tests.worlds.care_world import VINS, CareWorld
from tests.worlds.identity_world import PASSWORD

if TYPE_CHECKING:
    import httpx2
    from playwright.sync_api import Page

HEADINGS = {
    "en-GB": {"morning": "Morning list", "overview": "All vehicles", "codes": "SCR conversion"},
    "zh-CN": {"morning": "晨间清单", "overview": "全部车辆", "codes": "SCR 转化效率"},
}

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def address(care: tuple[CareWorld, httpx2.Client]) -> str:
    return str(care[1].base_url)


def sign_in(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")


def sign_out(page: Page) -> None:
    page.click("details.account summary")
    page.click("details.account button >> nth=0")
    expect(page.get_by_role("status")).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.locator("#name")).to_be_visible()


def act(page: Page, name: str) -> None:
    """Mark a vehicle as handled, and put it back."""
    case = page.locator(f"#case-{VINS[name]}")
    case.locator("button[value='handle']").click()
    expect(page.locator(".done-bar")).to_be_visible()
    expect(case).to_have_count(0)
    checked(page)
    page.click(".choices a[href='/morning?handled=true']")
    expect(case).to_be_visible()
    checked(page)
    case.locator("button[value='reopen']").click()
    page.click(".choices a[href='/morning']")
    expect(case).to_be_visible()


def find(page: Page, name: str) -> None:
    """Find a vehicle by the end of its VIN, and open its status."""
    page.click(".places a[href='/vehicles']")
    page.fill("input[name='vin']", VINS[name][-6:].lower())
    page.press("input[name='vin']", "Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    checked(page)
    page.click("tbody a")
    expect(page.locator("#systems")).to_be_visible()


def test_no_way_is_lost_on_a_small_phone_in_the_longer_language(browser: Any, address: str) -> None:
    for name in ("east", "maker"):
        context = browser.new_context(viewport={"width": 360, "height": 640}, locale="en-GB")
        page = context.new_page()
        sign_in(page, address, name)
        expect(page.locator(".places a[aria-current]")).to_be_visible()
        for way in page.locator(".places a").all():
            way.scroll_into_view_if_needed()
            expect(way).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        context.close()


def test_the_dealer_s_main_path(page: Page, address: str) -> None:
    words = HEADINGS[page.locale]  # type: ignore[attr-defined]
    sign_in(page, address, "east")
    expect(page.get_by_role("heading", name=words["morning"])).to_be_visible()
    expect(page.locator(".case")).to_have_count(10)
    checked(page)
    act(page, "stop")
    page.click(".choices a[href='/morning?kind=service_due']")
    expect(page.locator(".case")).to_have_count(2)

    for list_ in ("/service", "/silent"):
        page.click(f".places a[href='{list_}']")
        expect(page.locator("tbody tr")).to_have_count(3)
        checked(page)

    find(page, "filter")
    expect(page.locator(".in-words li >> nth=0")).to_contain_text(words["codes"])
    checked(page)
    page.click(".choices a >> nth=1")
    expect(page.locator("#chart-tools")).to_be_visible()
    checked(page)
    sign_out(page)


def test_the_workshop_s_main_path(page: Page, address: str) -> None:
    sign_in(page, address, "quay")
    expect(page.locator(".case")).to_have_count(7)
    checked(page)
    act(page, "brakes")
    find(page, "overdue")
    expect(page.locator(".dues .over")).to_be_visible()
    checked(page)
    page.click(".places a[href='/settings']")
    checked(page)
    sign_out(page)


def test_the_maker_s_main_path(page: Page, address: str) -> None:
    words = HEADINGS[page.locale]  # type: ignore[attr-defined]
    sign_in(page, address, "maker")
    expect(page.get_by_role("heading", name=words["overview"])).to_be_visible()
    checked(page)
    page.click(".places a[href='/ingest']")
    expect(page.locator(".by-day tbody tr")).to_have_count(5)
    checked(page)
    page.click(".places a[href='/quality']")
    checked(page)
    page.click(".section-heading a[href='/silent']")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.click("tbody a >> nth=0")
    expect(page.locator("#systems")).to_be_visible()
    checked(page)
    find(page, "lamp")
    sign_out(page)
