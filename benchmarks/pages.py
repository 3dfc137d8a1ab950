"""How heavy pages are and how soon they can be used, in a real Chromium at a quarter of its speed.

Every page is opened in a browser that has nothing of ours in its cache, three times and more. It
is *interactive* once its document is there, its deferred scripts have run, something is painted and
the last long task (above 50 ms) of the time it was watched has ended: what is clicked from then on
is answered. Bytes are what went over the wire, heads of answers included.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from benchmarks.databases import database, servers
from schemas import catalogue
from tests.asking.browser_session import browser as person
from tests.asking.browser_session import enter
from tests.servers.database_fixture import migrated_to
from tests.worlds.identity_world import PASSWORD
from tests.worlds.pages_world import TRIP, VINS, pages_world

if TYPE_CHECKING:
    import httpx2
    from playwright.sync_api import Browser, StorageState

    from tests.worlds.pages_world import PagesWorld

ROUNDS = 5
SLOWER = 4
"""The processor's slow-down, by the DevTools protocol's Emulation.setCPUThrottlingRate."""

QUIET_MS = 1500
"""How long a page is watched for long tasks after it has loaded [ms]."""

BLANK = "/healthz"
"""A few bytes without style or script: what they take is the browser's and the machine's."""

REQUESTS = 40
"""With which the server's own time for a page is taken, over one connection."""

MOBILE = {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""A slow mobile network: 150 ms a round trip, 1.6 Mbit/s down."""

WATCH = """
window.__long = [];
new PerformanceObserver(list => window.__long.push(
  ...list.getEntries().map(task => task.startTime + task.duration)
)).observe({ type: "longtask", buffered: true });
"""

INTERACTIVE = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const painted = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  return Math.max(painted, page.domContentLoadedEventEnd, ...window.__long);
}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What a view of a page took."""

    size: float
    """Bytes over the wire."""
    interactive_ms: float
    busy_ms: float
    """Processor time of the page's main thread, slowed down; whatever else the machine does."""


def run() -> dict[str, float]:
    """Measure every page of the owner's; figures in bytes and ms."""
    figures: dict[str, float] = {}
    with (
        servers(),
        database() as dsn,
        migrated_to(dsn, catalogue.default()) as migrated,
        tempfile.TemporaryDirectory() as home,
    ):
        made = pages_world(migrated, Path(home))
        with made.serving() as client:
            with person(client) as session:
                enter(session, "wu")
                for name, address in _pages(made).items():
                    figures[f"{name}_server_ms"] = _server_ms(session, address)
            figures |= _in_chromium(str(client.base_url), _pages(made))
    return figures


def _pages(made: PagesWorld) -> dict[str, str]:
    return {
        "week": "/",
        "vehicles": "/vehicles",
        "vehicle": f"/vehicles/{VINS[0]}",
        "trip": f"/vehicles/{VINS[0]}/trips/{int(TRIP.timestamp())}",
        "drivers": "/drivers",
        "driver": f"/drivers/{made.drivers[0]}",
        "advice": "/advice",
        "settings": "/settings",
    }


def _server_ms(session: httpx2.Client, address: str) -> float:
    """The median from a question to its whole answer [ms]."""
    took = []
    for _ in range(REQUESTS):
        began = perf_counter()
        session.get(address).raise_for_status()
        took.append(1000 * (perf_counter() - began))
    return statistics.median(took)


def _in_chromium(base: str, pages: dict[str, str]) -> dict[str, float]:
    figures: dict[str, float] = {}
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=os.environ.get("TELEMETRY_TEST_CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        signed_in = _sign_in(chromium, base)
        for name, address in {"blank": BLANK, **pages}.items():
            views = [_view(chromium, base + address, signed_in) for _ in range(ROUNDS)]
            figures[f"{name}_bytes"] = statistics.median(one.size for one in views)
            took = [one.interactive_ms for one in views]
            figures[f"{name}_interactive_ms"] = statistics.median(took)
            figures[f"{name}_interactive_best_ms"] = min(took)
            figures[f"{name}_busy_ms"] = statistics.median(one.busy_ms for one in views)
        views = [_view(chromium, base, signed_in, on_mobile=True) for _ in range(ROUNDS)]
        figures["week_on_mobile_interactive_ms"] = statistics.median(
            one.interactive_ms for one in views
        )
        again = [_view(chromium, base, signed_in, again=True) for _ in range(ROUNDS)]
        figures["week_again_bytes"] = statistics.median(one.size for one in again)
        chromium.close()
    return figures


def _sign_in(chromium: Browser, base: str) -> StorageState:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(base)
    page.fill("#name", "wu")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector(".sums")
    state = context.storage_state()
    context.close()
    return state


def _view(
    chromium: Browser,
    address: str,
    signed_in: StorageState,
    *,
    on_mobile: bool = False,
    again: bool = False,
) -> View:
    """One view of a page; `again`: the second one."""
    context = chromium.new_context(
        storage_state=signed_in, viewport={"width": 360, "height": 800}, locale="zh-CN"
    )
    page = context.new_page()
    page.add_init_script(WATCH)
    if again:
        page.goto(address, wait_until="load")
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.send("Performance.enable", {"timeDomain": "threadTicks"})
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    if on_mobile:
        protocol.send("Network.emulateNetworkConditions", {"offline": False, **MOBILE})
    sizes: list[float] = []
    protocol.on("Network.loadingFinished", lambda done: sizes.append(done["encodedDataLength"]))
    page.goto(address, wait_until="load")
    page.wait_for_timeout(QUIET_MS)
    interactive = float(page.evaluate(INTERACTIVE))
    told = protocol.send("Performance.getMetrics")["metrics"]
    busy = next(float(one["value"]) for one in told if one["name"] == "TaskDuration")
    context.close()
    return View(size=sum(sizes), interactive_ms=interactive, busy_ms=1000 * busy)
