"""An auditor's and an administrator's main paths in a real browser, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.asking.real_browser import NEEDS_CHROMIUM, checked
from tests.worlds.identity_world import PASSWORD
from tests.worlds.kept_world import MANY, YESTERDAY, kept_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.servers.database_fixture import Migrated

HEADINGS = {
    "en-GB": {"audit": "Who has read what", "accounts": "Who may sign in"},
    "zh-CN": {"audit": "谁查看了什么", "accounts": "谁可以登录"},
}

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def address(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    made = kept_world(migrated, tmp_path_factory.mktemp("home"))
    with made.serving() as client:
        yield str(client.base_url)


def begin(page: Page, address: str, name: str, heading: str) -> None:
    page.goto(address)
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        HEADINGS[page.locale][heading]  # type: ignore[attr-defined]
    )
    checked(page)


def sign_out(page: Page) -> None:
    page.click("details.account summary")
    page.click("details.account button >> nth=0")
    expect(page.get_by_role("status")).to_be_visible()


def test_the_auditor_s_main_path(page: Page, address: str) -> None:
    begin(page, address, "auditor", "audit")
    expect(page.locator("tbody tr")).to_have_count(100)
    page.click("a[rel='next']")
    page.wait_for_url("**cursor=**")
    checked(page)
    page.fill("input[name='vin']", MANY[0].lower())
    page.fill("input[name='first']", f"{YESTERDAY:%Y-%m-%d}")
    page.press("input[name='vin']", "Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click(".whom summary")
    expect(page.locator(".whom")).to_contain_text(MANY[-1][9:])
    checked(page)
    page.fill("input[name='vin']", "none")
    page.press("input[name='vin']", "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    checked(page)
    sign_out(page)


def test_the_administrator_s_main_path(page: Page, address: str) -> None:
    begin(page, address, "admin", "accounts")
    expect(page.locator("tbody tr")).to_have_count(7)  # people, keys and a client
    page.click(".places a[href='/settings/grants']")
    expect(page.locator("#give-title")).to_be_visible()
    checked(page)
    sign_out(page)
