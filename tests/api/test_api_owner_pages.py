"""The owner's pages: every number is the API's, nothing foreign is there, few statements each."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from api import identity as api_identity
from api.pages import choice, render
from storage import queries, served
from storage.registers import ensure_fleet
from tests.asking.browser_session import OURS, entered, page_token
from tests.asking.page_numbers import Data, Elements, api, data, week
from tests.worlds.identity_world import logged
from tests.worlds.pages_world import (
    DRIVERS,
    FOREIGN_DRIVER,
    FOREIGN_VIN,
    TRIP,
    VINS,
    PagesWorld,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2


TRIP_PAGE = f"/vehicles/{VINS[0]}/trips/{int(TRIP.timestamp())}"
MOST_STATEMENTS = 15


@pytest.fixture(scope="module")
def newcomer(served_pages: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served_pages, "newcomer")


def addresses(pages: PagesWorld) -> list[str]:
    return [
        "/",
        "/vehicles",
        f"/vehicles/{VINS[0]}",
        TRIP_PAGE,
        "/drivers",
        f"/drivers/{pages.drivers[0]}",
        f"/drivers/{pages.drivers[0]}/card",
        "/advice",
        "/reports",
        f"/reports/fleets/{pages.fleet}",
        f"/reports/vehicles/{VINS[0]}",
        f"/advice/{pages.advice['speed']}",
        "/settings",
    ]


# Numbers


def test_the_week_has_the_numbers_of_the_api(pages: PagesWorld, owner: httpx2.Client) -> None:
    shown = data(owner, "/").named
    fuel = f"/v1/fleets/{pages.fleet}/fuel"
    total = api(owner, fuel, **week())["total"]
    for name in ("fuel_l", "cost", "co2_kg", "distance_km", "l_per_100km"):
        assert shown[name] == [total[name]], name
    assert shown["ratio"] == [total["expected"]["ratio"]]
    before = api(owner, fuel, **week(-4, 4))["total"]["l_per_100km"]
    assert shown["past_l_per_100km"] == [pytest.approx(before, rel=1e-12)]
    change = 100 * (total["l_per_100km"] / before - 1)
    assert shown["change_percent"] == [pytest.approx(change, rel=1e-9)]
    savings = api(owner, f"/v1/fleets/{pages.fleet}/advice", week="2026-W44")["savings"]
    assert shown["saved_l"] == [savings["saved_l"]]


def test_the_causes_of_the_week_are_the_api_s_and_lead_to_what_was_used(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    page = owner.get("/").text
    rows = Data(page[page.index('class="waterfall"') :]).values
    total = api(owner, f"/v1/fleets/{pages.fleet}/fuel", **week())["total"]
    reference, *causes, used = rows
    assert causes == [cause["excess_l"] for cause in total["causes"]]
    assert used == total["fuel_l"]
    assert reference + sum(causes) == pytest.approx(used)


def test_another_week_is_asked_for_by_its_name(pages: PagesWorld, owner: httpx2.Client) -> None:
    shown = data(owner, f"/?fleet={pages.fleet}&week=2026-W43").named
    total = api(owner, f"/v1/fleets/{pages.fleet}/fuel", **week(-1))["total"]
    assert shown["fuel_l"] == [total["fuel_l"]]
    assert "Nothing was driven this week" in owner.get("/?week=2025-W01").text


def test_the_week_shows_the_three_pieces_that_save_most(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    page = owner.get("/").text
    shown = [int(number) for number in re.findall(r'id="advice-(\d+)"', page)]
    assert shown == [pages.advice[name] for name in ("speed", "idling", "tyres")]
    listed = api(owner, f"/v1/fleets/{pages.fleet}/advice", week="2026-W44")["advice"]
    for piece in listed[:3]:
        assert piece["text"]["title"] in page
        for line in piece["text"]["saving"]:
            assert line in page


def test_a_trip_has_the_numbers_of_the_api(owner: httpx2.Client) -> None:
    page = owner.get(TRIP_PAGE).text
    (trip,) = [
        one
        for one in api(owner, f"/v1/vehicles/{VINS[0]}/trips", **week())["trips"]
        if one["start"] == TRIP.isoformat().replace("+00:00", "Z")
    ]
    shown = Data(page).named
    for name in ("distance_km", "fuel_l", "l_per_100km", "idle_s", "max_speed_kmh"):
        assert shown[name] == [trip[name]], name
    assert f'data-kind="{trip["kind"]}">Drive<' in page
    (part,) = [
        one
        for one in api(owner, f"/v1/vehicles/{VINS[0]}/fuel", by="part", **week())["periods"]
        if one["trip_start"] == trip["start"]
    ]
    causes = Data(page[page.index('class="waterfall"') :]).values[1:-1]
    assert causes == [cause["excess_l"] for cause in part["causes"]]


def test_a_trip_s_events_are_on_its_track(owner: httpx2.Client) -> None:
    page = owner.get(TRIP_PAGE).text
    assert len(re.findall(r'<circle class="mark medium"', page)) == 3
    assert page.count("<b>Harsh braking</b>") == 3


def test_drivers_have_the_places_and_scores_of_the_api(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    ranking = api(owner, f"/v1/fleets/{pages.fleet}/ranking", week="2026-W44")["places"]
    assert data(owner, "/drivers").named["score"] == [place["score"] for place in ranking]
    page = owner.get("/drivers").text
    found = [page.index(f">{place['name']}<") for place in ranking]
    assert found == sorted(found)
    driver = pages.drivers[2]
    newest = api(owner, f"/v1/drivers/{driver}/scores", **week())["scores"][-1]
    shown = data(owner, f"/drivers/{driver}").named
    assert shown["score"] == [newest["score"]]
    assert shown["points_lost"] == [part["points_lost"] for part in newest["parts"]]


@pytest.mark.parametrize("page", ["/", "/drivers", "/advice"])
def test_all_fleets_are_reached_from_wherever_one_is_chosen(
    pages: PagesWorld, served_pages: httpx2.Client, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = pages.database.connection
    own = [ensure_fleet(connection, party_id=pages.south, name=f"Depot {n}") for n in range(3)]
    for south in entered(served_pages, "south"):
        shown = south.get(page).text
        for fleet in own:
            assert f'href="{page}?fleet={fleet}"' in shown
            there = south.get(page, params={"fleet": fleet}).text
            assert f'href="{page}?fleet={fleet}" aria-current="true"' in there
        monkeypatch.setattr(choice, "MAX_FLEETS", 2)  # those beyond are there by their address
        assert south.get(page, params={"fleet": own[-1]}).status_code == 200
        assert south.get(page, params={"fleet": pages.fleet}).status_code == 404


def test_many_fleets_are_a_list_to_choose_from_that_keeps_what_was_asked() -> None:
    many = [SimpleNamespace(fleet_id=n, name=f"Depot {n}") for n in range(1, 31)]
    macro: Any = render.macros("weeks.html")
    shown = str(
        macro.fleets(lambda key: key, "/advice", many[6], many, {"status": "seen", "none": None})
    )
    assert re.findall(r'<option value="(\d+)"', shown) == [str(n) for n in range(1, 31)]
    assert '<option value="7" selected>Depot 7<' in shown
    assert re.findall(r"<input.*?>", shown) == ['<input type="hidden" name="status" value="seen">']


def test_points_that_were_not_lost_have_no_minus() -> None:
    macro: Any = render.macros("score_parts.html")
    shown = [
        re.findall(r">(.*)<", str(macro.lost(points)))[0] for points in (0.0, 0.04, 0.05, 12.3)
    ]
    assert shown == ["0", "0", "−0.1", "−12.3"]


def test_the_price_is_the_one_that_is_counted_by(owner: httpx2.Client, pages: PagesWorld) -> None:
    (price,) = data(owner, "/settings").named["fuel_price"]
    total = api(owner, f"/v1/fleets/{pages.fleet}/fuel", **week())["total"]
    assert total["cost"] == pytest.approx(price * total["fuel_l"])


# What is whose


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_foreign_is_on_any_page(
    pages: PagesWorld, owner: httpx2.Client, language: str
) -> None:
    for address in addresses(pages):
        page = owner.get(address, headers={"accept-language": language})
        assert page.status_code == 200, address
        for foreign in (FOREIGN_VIN, FOREIGN_VIN[9:], FOREIGN_DRIVER, "South trucks"):
            assert foreign not in page.text, address


def test_what_is_foreign_is_answered_as_what_is_not_there(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    start = int(TRIP.timestamp())
    for pattern, foreign, unknown, what_it_is in (
        ("/?fleet={}", pages.foreign_fleet, 999_999, "fleet"),
        ("/advice?fleet={}", pages.foreign_fleet, 999_999, "fleet"),
        ("/drivers?fleet={}", pages.foreign_fleet, 999_999, "fleet"),
        ("/drivers/{}", pages.foreign_driver, 999_999, "driver"),
        ("/drivers/{}/card", pages.foreign_driver, 999_999, "driver"),
        ("/advice/{}", pages.foreign_advice, 999_999, "advice"),
        ("/vehicles/{}", FOREIGN_VIN, "LSGAA11112A000888", "vehicle"),
        (f"/vehicles/{{}}/trips/{start}", FOREIGN_VIN, "LSGAA11112A000888", "vehicle"),
    ):
        one, other = (owner.get(pattern.format(what)) for what in (foreign, unknown))
        assert (one.status_code, other.status_code) == (404, 404), pattern
        told, told_other = (answer.text[answer.text.index("<main") :] for answer in (one, other))
        assert told == told_other, pattern
        assert f"There is no such {what_it_is}" in told, pattern


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/?week=2026-W99", 422),
        ("/?week=44", 422),
        ("/?fleet=0", 404),
        ("/?fleet=x", 404),
        ("/advice?status=eaten", 422),
        ("/advice/0", 404),
        ("/drivers/-1", 404),
        (f"/vehicles/{VINS[0]}/trips/1", 404),
        (f"/vehicles/{VINS[0]}/trips/x", 404),
        (f"/vehicles/{VINS[0]}/trips/99999999999", 404),
    ],
)
def test_an_address_with_a_slip_is_told_kindly(
    owner: httpx2.Client, address: str, status: int
) -> None:
    answer = owner.get(address)
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_who_has_no_fleet_yet_is_told_what_to_expect(newcomer: httpx2.Client) -> None:
    for address, words in (
        ("/", "No vehicles yet"),
        ("/drivers", "No fleet yet"),
        ("/advice", "No fleet yet"),
        ("/settings", "a litre"),
    ):
        answer = newcomer.get(address)
        assert answer.status_code == 200, address
        assert words in answer.text, address


def test_a_role_without_scopes_sees_none_of_it(
    pages: PagesWorld, served_pages: httpx2.Client
) -> None:
    for auditor in entered(served_pages, "auditor"):
        for address in addresses(pages):
            assert auditor.get(address).status_code == (303 if address == "/" else 403), address


def test_a_driver_sees_his_own_page_and_card_and_no_colleague_s(
    pages: PagesWorld, served_pages: httpx2.Client
) -> None:
    own, colleague = pages.drivers[:2]
    pages.account("wangwei", "driver", driver=own)
    for driver in entered(served_pages, "wangwei"):
        for page in ("", "/card"):
            assert DRIVERS[0] in driver.get(f"/drivers/{own}{page}").text
            assert driver.get(f"/drivers/{colleague}{page}").status_code == 404
        refused = driver.get("/vehicles")
        assert refused.status_code == 403
        assert f'href="/drivers/{own}"' in refused.text


def test_a_driver_begins_with_his_own_page_and_it_has_the_api_s_numbers(
    pages: PagesWorld, served_pages: httpx2.Client
) -> None:
    own = pages.drivers[0]
    pages.account("wang.wei", "driver", driver=own)
    for driver in entered(served_pages, "wang.wei"):
        begun = driver.get("/")
        assert (begun.status_code, begun.headers["location"]) == (303, f"/drivers/{own}")
        shown = data(driver, f"/drivers/{own}").named
        path = f"/v1/drivers/{own}"
        newest = api(driver, f"{path}/scores", **week())["scores"][-1]
        assert shown["score"] == [newest["score"]]
        assert shown["points_lost"] == [part["points_lost"] for part in newest["parts"]]
        trips = api(driver, f"{path}/trips", **week(), order="newest_first", limit=10)["trips"]
        assert shown["trip_distance_km"] == [trip["distance_km"] for trip in trips]
        assert shown["trip_fuel_l"] == [trip["fuel_l"] for trip in trips if trip["fuel_l"]]
        for page in ("", "/card"):
            text = driver.get(f"/drivers/{own}{page}").text
            for piece in api(driver, f"{path}/advice", **week(-4, 8))["advice"]:
                told = piece["text"]["title"] in text
                assert told == (piece["status"] in {"given", "seen", "accepted"})
            others = [name for name in (*DRIVERS[1:], FOREIGN_DRIVER, FOREIGN_VIN) if name in text]
            assert others == []
            # Nothing leads to where he may not go.
            for address in re.findall(r'(?:href|action)="(/[^"#?]+)"', text):
                if not address.startswith("/static/") and address != "/sign-out":
                    assert driver.get(address).status_code in {200, 303}, address


def test_whom_a_page_tells_of_is_written_down(pages: PagesWorld, owner: httpx2.Client) -> None:
    owner.get(f"/drivers/{pages.drivers[3]}/card")
    card = "route = '/drivers/{driver_id}/card' AND driver_ids[1] = " + str(pages.drivers[3])
    ((subject, role, _, _, drivers, *_),) = logged(pages, 1, card)
    assert (subject, role, drivers) == ("account:wu", "owner", [pages.drivers[3]])


# What becomes of advice


def answered(client: httpx2.Client, advice_id: int, **form: str) -> httpx2.Response:
    return client.post(f"/advice/{advice_id}", data=form, headers=OURS)


def test_advice_is_accepted_and_dismissed_where_it_is_read(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    number = pages.advice["gears"]
    form = {"csrf": page_token(owner, f"/advice/{number}"), "back": "/advice?week=2026-W44"}
    for status, words in (("accepted", "Accepted"), ("dismissed", "Dismissed")):
        answer = answered(owner, number, status=status, **form)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/advice?week=2026-W44#advice-{number}"
        assert api(owner, f"/v1/advice/{number}")["status"] == status
        assert f">{words}</span>" in owner.get(f"/advice/{number}").text
    assert answered(owner, number, status="seen", **form).status_code == 409
    assert answered(owner, number, status="eaten", **form).status_code == 422


def test_an_answer_that_no_page_of_ours_sent_is_not_taken(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    number = pages.advice["idling"]
    before = api(owner, f"/v1/advice/{number}")["status"]
    assert answered(owner, number, status="dismissed").status_code == 403
    form = {"status": "dismissed", "csrf": page_token(owner)}
    elsewhere = owner.post(f"/advice/{number}", data=form, headers={"sec-fetch-site": "cross-site"})
    assert elsewhere.status_code == 403
    assert api(owner, f"/v1/advice/{number}")["status"] == before


def test_an_answer_to_foreign_advice_finds_none(pages: PagesWorld, owner: httpx2.Client) -> None:
    form = {"status": "accepted", "csrf": page_token(owner)}
    assert answered(owner, pages.foreign_advice, **form).status_code == 404


def test_an_answer_leads_nowhere_else(pages: PagesWorld, owner: httpx2.Client) -> None:
    number = pages.advice["tyres"]
    form = {"csrf": page_token(owner), "status": "accepted", "back": "//evil.example/"}
    assert answered(owner, number, **form).headers["location"] == f"/#advice-{number}"


# How they are made


def test_a_page_asks_few_statements(
    pages: PagesWorld, owner: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_identity, "REMEMBERED_S", 0.0)
    asked: list[str] = []
    counts: dict[str, int] = {}

    def counted(name: str) -> Any:
        asked.append(name)
        return queries.query(name)

    monkeypatch.setattr(served, "query", counted)
    for address in addresses(pages):
        asked.clear()
        assert owner.get(address).status_code == 200
        # The log of reads is written behind the answers, of whichever page.
        own = [name for name in asked if name != "served_log_accesses"]
        assert len(own) < MOST_STATEMENTS, (address, own)
        counts[address] = len(own)
    # They were counted: the week alone needs its fleets, fuel, advice, results and names.
    assert counts["/"] >= 5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_have_nothing_inline_and_load_nothing_from_elsewhere(
    pages: PagesWorld, owner: httpx2.Client, language: str
) -> None:
    for address in addresses(pages):
        page = owner.get(address, headers={"accept-language": language})
        ids = []
        for tag, attributes in Elements(page.text).found:
            assert "style" not in attributes, address
            assert not any(name.startswith("on") for name in attributes), address
            assert tag != "style", address
            for name in ("src", "href", "action"):
                where = attributes.get(name)
                assert not where or re.match(r"[#?]|/(?!/)", where), where
            if "action" in attributes:
                assert attributes["method"] == "post"
            if "id" in attributes:
                ids.append(attributes["id"])
        assert len(ids) == len(set(ids)), address
        # A page in one language has no text of the other but names of people, fleets, languages.
        other = "Accept" if language == "zh" else "采纳"
        assert f">{other}<" not in page.text, address


def test_the_first_view_of_the_owner_s_page_is_small(owner: httpx2.Client) -> None:
    # Below 150 KB compressed, with all that it loads; uncompressed it is less already.
    page = owner.get("/").text
    loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    size = len(page.encode()) + sum(len(owner.get(address).content) for address in loaded)
    assert size < 150_000
