"""A real browser: a page on a desk and on a small phone, and what every page keeps to.

Tests that use it carry `pytestmark = NEEDS_CHROMIUM`: where there is none they say so.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.asking.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("TELEMETRY_TEST_CHROMIUM") or shutil.which("chromium")
AXE = Path(__file__).parents[1] / "vendor" / "axe" / "axe.min.js"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENS = [(1280, "en-GB", "light"), (360, "zh-CN", "dark")]

NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium; TELEMETRY_TEST_CHROMIUM names one"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser; of one module, for its loop would be in the way of other tests'."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # (By itself it waits five seconds for what a page should show.)
    playwright.expect.set_options(timeout=PATIENCE_S * 1000)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(params=SCREENS, ids=str)
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page with its `locale`; whatever the console says fails the test."""
    width, locale, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, locale=locale, color_scheme=scheme
    )
    context.set_default_timeout(PATIENCE_S * 1000)
    page: Any = context.new_page()
    page.locale = locale
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


def overflow(page: Page) -> int:
    """By how much a page is wider than the screen [px]."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def checked(page: Page) -> None:
    """Nothing is wider than the screen, and axe finds nothing."""
    page.wait_for_load_state()
    assert overflow(page) <= 0, page.url
    # As a debugger would: what a page may load is not the question here.
    page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate("axe.run().then(found => found.violations)")
    told = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]
    assert told == [], page.url
