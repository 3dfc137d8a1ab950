"""The pages on models in a real browser: before there is one, all of them, and one that drifts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from storage.registers import ensure_party
from tests.asking.real_browser import NEEDS_CHROMIUM, checked
from tests.worlds.identity_world import PASSWORD, world
from tests.worlds.models_world import Models, models_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.servers.database_fixture import Migrated
    from tests.worlds.identity_world import World

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = NEEDS_CHROMIUM

NOTHING = {"en-GB": "No model has been trained yet", "zh-CN": "还没有训练过模型"}
AIR = {"en-GB": "Air temperature", "zh-CN": "环境温度"}
ALONE = {"en-GB": "Drift is told by week of champions alone", "zh-CN": "仅对在用模型按周给出漂移"}


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    found = world(migrated, tmp_path_factory.mktemp("home"))
    institute = ensure_party(migrated.connection, "Institute", "data_science")
    found.account("lin", "data_scientist", party=institute)
    return found


@pytest.fixture(scope="module")
def address(made: World) -> Iterator[str]:
    with made.serving() as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def trained(made: World) -> Iterator[Models]:
    """Models while a test looks at them: the next one begins without any."""
    yield models_world(made.database.connection)
    made.database.connection.execute("DELETE FROM model")


def seen(page: Page, name: str) -> None:
    """Nothing is wider than the screen, axe finds nothing; a picture where one is wished for."""
    checked(page)
    folder = os.environ.get("TELEMETRY_TEST_PICTURES")
    if folder:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def enter(page: Page, address: str) -> None:
    page.goto(address)
    page.fill("#name", "lin")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")


def test_before_there_is_a_model(page: Page, address: str) -> None:
    locale = page.locale  # type: ignore[attr-defined]
    enter(page, address)
    page.click(".places a[href='/models']")
    expect(page.get_by_role("heading", name=NOTHING[locale])).to_be_visible()
    seen(page, "models-none")


def test_from_all_models_to_what_drifts(page: Page, address: str, trained: Models) -> None:
    locale = page.locale  # type: ignore[attr-defined]
    enter(page, address)
    page.click(".places a[href='/models']")
    expect(page.locator(".models tbody tr")).to_have_count(3)
    seen(page, "models")
    page.click(f"a[href='/models/{trained.champion}']")
    expect(page.locator(".drifted-ones li").first).to_contain_text(AIR[locale])
    expect(page.locator(".watched").first.locator("tbody th").first).to_contain_text(AIR[locale])
    seen(page, "model")
    page.click(".all-weeks summary")
    expect(page.locator(".all-weeks table")).to_be_visible()
    seen(page, "model-weeks")
    page.goto(f"{address}/models/{trained.candidate}")
    expect(page.get_by_text(ALONE[locale])).to_be_visible()
    seen(page, "model-candidate")
