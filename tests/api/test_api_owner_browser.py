"""The owner's and a driver's main paths in a real browser, in both languages; axe finds nothing.

Of the owner: sign in, the week, a trip, a driver, advice accepted, a report, a grant given and
ended, sign out.
"""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from storage.registers import ensure_party
from tests.asking.api_fixture import record
from tests.asking.real_browser import NEEDS_CHROMIUM, checked
from tests.servers.oidc_provider import CLIENT_ID, CLIENT_SECRET, oidc_provider
from tests.servers.tile_server import tile_server
from tests.worlds.identity_world import PASSWORD
from tests.worlds.pages_world import TRIP, VINS, PagesWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page


ACCEPTED = {"en-GB": "Accepted", "zh-CN": "已采纳"}
LIVE = {"en-GB": "Live", "zh-CN": "实时更新中"}
LOST = {"en-GB": "Connection lost", "zh-CN": "连接已断开"}
WORKSHOP = "Quay Workshop"
WORDS = {"en-GB": "What is worth doing now", "zh-CN": "现在值得做的事"}

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def pages(pages: PagesWorld) -> PagesWorld:
    ensure_party(pages.database.connection, WORKSHOP, "service_provider")
    return pages


@pytest.fixture(scope="module")
def address(pages: PagesWorld) -> Iterator[str]:
    with pages.serving(api_stream_poll_s=0.1, api_stream_heartbeat_s=0.5) as client:
        yield str(client.base_url)


def test_the_owner_s_main_path(page: Page, address: str, pages: PagesWorld) -> None:
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
    piece = page.locator(f"#advice-{pages.advice['speed']}")
    if locale == "en-GB":  # the other language finds it accepted
        piece.locator("button[value='accepted']").click()
    expect(piece.locator(".standing")).to_have_text(ACCEPTED[locale])

    page.click(".places a[href='/reports']")
    checked(page)
    page.click(f"a[href='/reports/fleets/{pages.fleet}?period=month']")
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


def test_the_driver_s_main_path(page: Page, address: str, pages: PagesWorld) -> None:
    """Sign in, what is his, the card, nobody else's, sign out."""
    locale = page.locale  # type: ignore[attr-defined]
    name = f"wangwei.{locale.lower()}"
    own, colleague = pages.drivers[:2]
    pages.account(name, "driver", driver=own)
    page.goto(address)
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page).to_have_url(f"{address}/drivers/{own}")
    expect(page.locator(".contributions")).to_be_visible()
    checked(page)
    page.click(f".places a[href='/drivers/{own}/card']")
    expect(page.locator("#print")).to_be_visible()
    checked(page)
    assert page.request.get(f"{address}/drivers/{colleague}").status == 404
    page.click("details.account summary")
    page.click("details.account button >> nth=0")
    page.goto(address)
    expect(page).to_have_url(f"{address}/sign-in")


def test_a_page_goes_on_by_itself_and_says_when_it_does_not(
    page: Page, address: str, pages: PagesWorld
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
            drives(pages, VINS[5], speed)
            expect(page.locator(cell)).to_contain_text(str(speed))
        checked(page)
        page.context.set_offline(True)
        expect(page.locator("#live")).to_contain_text(LOST[locale])
        checked(page)
        drives(pages, VINS[5], 12)
        page.context.set_offline(False)
        expect(page.locator(cell)).to_contain_text("12")
        expect(page.locator("#live")).to_have_text(LIVE[locale])


def drives(pages: PagesWorld, vin: str, speed: float, **values: float) -> None:
    """Let a vehicle be heard of now."""
    index = pd.DatetimeIndex([datetime.now(tz=UTC)])
    record(pages.database, vin, pd.DataFrame({"wheel_speed": float(speed), **values}, index))


def test_a_person_signs_in_through_the_provider_and_leaves_everywhere(
    page: Page, pages: PagesWorld
) -> None:
    with (
        oidc_provider() as provider,
        pages.serving(
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


def alive(page: Page) -> Locator:
    """The map of a page, once it moves."""
    page.locator(".map").scroll_into_view_if_needed()
    found = page.locator(".map .alive")
    expect(found.locator(".ol-scale-line-inner")).to_contain_text("m")
    expect(page.locator(".map .stage > svg")).to_be_hidden()
    return found


def test_a_map_moves_leads_to_its_vehicles_and_asks_nobody_else(
    page: Page, address: str, pages: PagesWorld
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/sign-in")
    page.fill("#name", "wu")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.locator(".sums")).to_be_visible()
    assert not any("openlayers" in url for url in asked)  # not before there is a map
    page.goto(f"{address}/vehicles")
    shown = alive(page)
    bar, spot = shown.locator(".ol-scale-line-inner"), shown.locator(f"a[href$='{VINS[4]}']")
    whole, at_first = str(bar.text_content()), place(spot)
    closer, _, fit = shown.get_by_role("button").all()
    closer.click()
    expect(bar).not_to_have_text(whole)
    fit.click()
    expect(bar).to_have_text(whole)
    assert place(spot) == pytest.approx(at_first, abs=2)
    shown.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([spot, x]) => spot.getBoundingClientRect().x < x - 60",
        arg=[spot.element_handle(), at_first[0]],
    )
    fit.click()

    north = {"en-GB": 31.0, "zh-CN": 31.4}[page.locale]  # type: ignore[attr-defined]
    drives(pages, VINS[4], 55, latitude=north, longitude=121.5)
    page.wait_for_function(
        "([spot, y]) => Math.abs(spot.getBoundingClientRect().y - y) > 10",
        arg=[spot.element_handle(), at_first[1]],
    )
    expect(spot).to_have_class("spot moving")
    checked(page)

    # The keyboard: from the map to a dot, from dot to dot, and to its vehicle.
    shown.focus()
    page.keyboard.press("Tab")
    expect(shown.locator(f"a[href$='{VINS[0]}']")).to_be_focused()
    page.keyboard.press("ArrowRight")
    second = shown.locator(f"a[href$='{VINS[1]}']")
    expect(second).to_be_focused()
    expect(shown.locator(".told")).to_have_text(str(second.get_attribute("aria-label")))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/vehicles/{VINS[1]}"))
    page.go_back()
    alive(page).locator(f"a[href$='{VINS[4]}']").click()
    expect(page).to_have_url(re.compile(f"/vehicles/{VINS[4]}"))

    page.goto(f"{address}/vehicles/{VINS[0]}/trips/{int(TRIP.timestamp())}")
    event = alive(page).locator("a").nth(1)
    event.hover()
    entry = page.locator("#event-2")
    said = alive(page).locator(".told")
    expect(said).to_contain_text(str(entry.locator("b").text_content()))
    expect(said).to_contain_text("18:21")
    event.click()
    expect(page).to_have_url(re.compile("#event-2$"))
    assert {url for url in asked if not url.startswith(address)} == set()
    assert any("openlayers" in url for url in asked)


def place(spot: Locator) -> tuple[float, float]:
    """Where a dot is on the screen."""
    box = spot.bounding_box()
    assert box is not None
    return box["x"], box["y"]


def test_without_script_a_map_is_the_server_s_picture(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.fill("#name", "wu")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.goto(f"{address}/vehicles")
    expect(page.locator(".map .stage > svg")).to_be_visible()
    expect(page.locator(".map .of-picture")).to_be_visible()
    expect(page.locator(".map .of-map")).to_be_hidden()
    context.close()


def test_maps_have_the_ground_that_settings_name_and_nothing_else_from_there(
    page: Page, pages: PagesWorld
) -> None:
    with (
        tile_server() as tiles,
        pages.serving(
            map_tiles_url=f"{tiles.origin}/{{z}}/{{x}}/{{y}}.png",
            map_tiles_attribution="© who drew it",
            map_tiles_gcj02=True,
        ) as client,
        closing(page),  # whose stream would keep the server
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
            shown = alive(page)
            at_first = set(tiles.asked)
            assert 2 <= len(at_first) <= 60, path
            until = monotonic() + 15
            while set(tiles.asked) <= at_first and monotonic() < until:
                shown.get_by_role("button").nth(0).click()  # beyond what the picture had
                page.wait_for_timeout(400)
            assert set(tiles.asked) - at_first, path
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
