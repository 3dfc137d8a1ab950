"""The owner's main path in a real browser, in both languages; axe finds nothing to complain of.

Sign in, the week, a trip, a driver, advice accepted, a report, a grant given and ended, sign out.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from storage.registers import ensure_party
from tests.asking.api_fixture import record
from tests.servers.oidc_provider import CLIENT_ID, CLIENT_SECRET, oidc_provider
from tests.servers.tile_server import tile_server
from tests.worlds.identity_world import PASSWORD
from tests.worlds.pages_world import TRIP, VINS, PagesWorld, pages_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.servers.database_fixture import Migrated

CHROMIUM = os.environ.get("TELEMETRY_TEST_CHROMIUM") or shutil.which("chromium")
AXE = Path(__file__).parents[1] / "vendor" / "axe" / "axe.min.js"
ACCEPTED = {"en-GB": "Accepted", "zh-CN": "已采纳"}
LIVE = {"en-GB": "Live", "zh-CN": "实时更新中"}
LOST = {"en-GB": "Connection lost", "zh-CN": "连接已断开"}
WORKSHOP = "Quay Workshop"
WORDS = {"en-GB": "What is worth doing now", "zh-CN": "现在值得做的事"}

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium; TELEMETRY_TEST_CHROMIUM names one"
)


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> PagesWorld:
    ensure_party(migrated.connection, WORKSHOP, "service_provider")
    return pages_world(migrated, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def address(made: PagesWorld) -> Iterator[str]:
    with made.serving(api_stream_poll_s=0.1, api_stream_heartbeat_s=0.5) as client:
        yield str(client.base_url)


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
        viewport={"width": width, "height": 800},
        locale=locale,
        color_scheme=scheme,
    )
    page: Page = context.new_page()
    page.locale = locale  # type: ignore[attr-defined]
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


def test_the_owner_s_main_path(page: Page, address: str, made: PagesWorld) -> None:
    locale = page.locale  # type: ignore[attr-defined]
    page.goto(address)
    expect(page).to_have_url(f"{address}/sign-in")
    checked(page)
    page.fill("#name", "wu")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.get_by_role("heading", name=WORDS[locale])).to_be_visible()
    checked(page)

    page.click(".advice h3 a >> nth=0")
    expect(page.locator(".sentence")).to_be_visible()
    checked(page)
    page.click(".evidence a")
    expect(page.locator(".plots canvas")).to_have_count(2)
    expect(page.locator(".map .mark")).to_have_count(3)
    checked(page)

    page.click(".places a[href='/vehicles']")
    expect(page.locator(".map .place")).to_have_count(len(VINS) - 1)
    checked(page)
    page.click(f"tbody a[href='/vehicles/{VINS[0]}']")
    expect(page.locator("#chart-tools")).to_be_visible()
    checked(page)

    page.click("a[href='/drivers'] >> nth=0")
    page.click(".ranking tbody a >> nth=0")
    expect(page.locator(".contributions")).to_be_visible()
    checked(page)
    page.click("a[href$='/card'] >> nth=0")
    expect(page.locator("#print")).to_be_visible()
    checked(page)

    page.click(".places a[href='/advice']")
    checked(page)
    piece = page.locator(f"#advice-{made.advice['speed']}")
    if locale == "en-GB":  # the other language finds it accepted
        piece.locator("button[value='accepted']").click()
    expect(piece.locator(".standing")).to_have_text(ACCEPTED[locale])

    page.click(".places a[href='/reports']")
    checked(page)
    page.click(f"a[href='/reports/fleets/{made.fleet}?period=month']")
    expect(page.locator(".report .sums")).to_be_visible()
    checked(page)
    with page.expect_download() as download:
        page.click("a[href$='as=pdf']")
    assert download.value.suggested_filename.endswith(".pdf")

    page.click(".places a[href='/settings']")
    checked(page)
    page.click("a[href='/settings/grants']")
    page.fill("input[name='vin']", VINS[3])
    page.select_option("select[name='party']", WORKSHOP)
    page.click("form.grid-form button")
    expect(page.locator(".grants tbody tr")).to_have_count(1)
    checked(page)
    page.click(".grants tbody button")
    expect(page.locator(".grants")).to_have_count(0)
    page.click("details.account summary")
    page.click("details.account button[name='everywhere']")
    expect(page.get_by_role("status")).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.locator("#name")).to_be_visible()


def test_a_page_goes_on_by_itself_and_says_when_it_does_not(
    page: Page, address: str, made: PagesWorld
) -> None:
    locale = page.locale  # type: ignore[attr-defined]
    page.goto(f"{address}/sign-in")
    page.fill("#name", "wu")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    for path, cell in (
        ("/vehicles", f"[data-live='{VINS[5]}.speed']"),
        (f"/vehicles/{VINS[5]}", "[data-live='value.wheel_speed']"),
    ):
        page.goto(address + path)
        expect(page.locator("#live")).to_have_text(LIVE[locale])
        for speed in (41, 67):
            drives(made, VINS[5], speed)
            expect(page.locator(cell)).to_contain_text(str(speed))
        checked(page)
        page.context.set_offline(True)
        expect(page.locator("#live")).to_contain_text(LOST[locale])
        checked(page)
        drives(made, VINS[5], 12)
        page.context.set_offline(False)
        expect(page.locator(cell)).to_contain_text("12", timeout=15_000)
        expect(page.locator("#live")).to_have_text(LIVE[locale])


def drives(made: PagesWorld, vin: str, speed: float) -> None:
    """Let a vehicle be heard of now."""
    index = pd.DatetimeIndex([datetime.now(tz=UTC)])
    record(made.database, vin, pd.DataFrame({"wheel_speed": [float(speed)]}, index))


def test_a_person_signs_in_through_the_provider_and_leaves_everywhere(
    page: Page, made: PagesWorld
) -> None:
    with (
        oidc_provider() as provider,
        made.serving(
            oidc_issuer=provider.issuer,
            oidc_audience="telemetry-api",
            oidc_client_id=CLIENT_ID,
            oidc_client_secret=CLIENT_SECRET,
        ) as client,
    ):
        page.goto(str(client.base_url))
        checked(page)
        page.click(".entrance a")
        expect(page.locator(".sums")).to_be_visible()
        checked(page)
        page.click("details.account summary")
        page.click("details.account button[name='everywhere']")
        expect(page.get_by_role("status")).to_be_visible()
        page.goto(f"{client.base_url}/vehicles")
        expect(page.locator(".entrance")).to_be_visible()


def test_maps_have_the_ground_that_settings_name_and_nothing_else_from_there(
    page: Page, made: PagesWorld
) -> None:
    with (
        tile_server() as tiles,
        made.serving(
            map_tiles_url=f"{tiles.origin}/{{z}}/{{x}}/{{y}}.png",
            map_tiles_attribution="© who drew it",
            map_tiles_gcj02=True,
        ) as client,
    ):
        page.goto(str(client.base_url))
        page.fill("#name", "wu")
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        expect(page.locator(".sums")).to_be_visible()
        for path in ("/vehicles", f"/vehicles/{VINS[0]}/trips/{int(TRIP.timestamp())}"):
            tiles.asked.clear()
            with page.expect_response(lambda answer: answer.url.startswith(tiles.origin)) as first:
                page.goto(f"{client.base_url}{path}")
            assert first.value.ok
            expect(page.locator(".map figcaption")).to_contain_text("© who drew it")
            page.wait_for_load_state("load")
            assert 2 <= len(tiles.asked) <= 24, path
            checked(page)
        # It learns which site asks, and not of which vehicle.
        assert tiles.referers == {f"{client.base_url}/"}
        policy = client.get("/vehicles").headers["content-security-policy"]
        assert f"img-src 'self' {tiles.origin};" in policy
        assert policy.count(tiles.origin) == 1


def test_a_wrong_password_is_told_beside_the_form(browser: Any, address: str) -> None:
    page = browser.new_page(locale="en-GB")
    page.goto(f"{address}/sign-in")
    page.fill("#name", "wu")
    page.fill("#password", "not this one")
    page.press("#password", "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#name")).to_have_value("wu")
    checked(page)
    page.close()


def test_a_keyboard_gets_past_the_head_to_what_it_is_about(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/sign-in")
    page.fill("#name", "wu")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.locator(".sums")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.close()
