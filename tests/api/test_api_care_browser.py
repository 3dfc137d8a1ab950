"""Main paths of dealer, workshop and maker in a real browser, in both languages; axe is content.

Sign in, find, open, act, sign out.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.care_world import VINS, CareWorld
from tests.worlds.identity_world import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2
    from playwright.sync_api import Page

CHROMIUM = os.environ.get("TELEMETRY_TEST_CHROMIUM") or shutil.which("chromium")
AXE = Path(__file__).parents[1] / "vendor" / "axe" / "axe.min.js"
HEADINGS = {
    "en-GB": {"morning": "Morning list", "overview": "All vehicles", "codes": "SCR conversion"},
    "zh-CN": {"morning": "晨间清单", "overview": "全部车辆", "codes": "SCR 转化效率"},
}

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium; TELEMETRY_TEST_CHROMIUM names one"
)


@pytest.fixture(scope="module")
def address(care: tuple[CareWorld, httpx2.Client]) -> str:
    return str(care[1].base_url)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, "en-GB", "light"), (360, "zh-CN", "dark")], ids=str)
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on a desk and on a small phone; whatever the console says fails the test."""
    width, locale, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, locale=locale, color_scheme=scheme
    )
    page: Page = context.new_page()
    page.words = HEADINGS[locale]  # type: ignore[attr-defined]
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


def checked(page: Page) -> None:
    """Nothing is wider than the screen, and axe finds nothing."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, page.url
    # As a debugger would: what a page may load is not the question here.
    page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate("axe.run().then(found => found.violations)")
    told = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]
    assert told == [], page.url


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
    words = page.words  # type: ignore[attr-defined]
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
    words = page.words  # type: ignore[attr-defined]
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
