"""Pages of dealer, workshop and maker: the API's numbers, nothing foreign, few statements each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from api import identity as api_identity
from storage import queries, served
from tests.asking.browser_session import OURS, entered, page_token
from tests.asking.page_numbers import Data, Elements, api
from tests.worlds.care_world import (
    CARD,
    DRIVER,
    FOREIGN_PLATE,
    FOREIGN_VIN,
    PLATES,
    SERVICED,
    VINS,
    CareWorld,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

MOST_STATEMENTS = 15
OF_THE_MAKER = ("/overview", "/quality", "/ingest")
OF_VEHICLES = (
    "/morning",
    "/morning?kind=silent",
    "/morning?handled=true",
    "/service",
    "/silent",
    "/vehicles",
    "/settings",
)
STATUS = f"/vehicles/{VINS['filter']}/status"


@pytest.fixture(scope="module")
def served_pages(care: tuple[CareWorld, httpx2.Client]) -> httpx2.Client:
    return care[1]


@pytest.fixture(scope="module")
def dealer(served_pages: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served_pages, "east")


@pytest.fixture(scope="module")
def workshop(served_pages: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served_pages, "quay")


@pytest.fixture(scope="module")
def maker(served_pages: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served_pages, "maker")


def addresses(role: str) -> list[str]:
    return [*OF_VEHICLES, STATUS, f"/vehicles/{VINS['stop']}"] + (
        list(OF_THE_MAKER) if role == "maker" else []
    )


def shown(page: str) -> list[str]:
    """The vehicles of the morning list, in their order."""
    return re.findall(r'id="case-(\w+)"', page)


# Where one begins


def test_each_role_begins_with_the_page_of_its_first_question(
    served_pages: httpx2.Client,
) -> None:
    for name, begins in (("east", "/morning"), ("quay", "/morning"), ("maker", "/overview")):
        for person in entered(served_pages, name):
            answer = person.get("/?lang=zh")
            assert answer.status_code == 303, name
            assert answer.headers["location"] == f"{begins}?lang=zh"
            assert f'href="{begins}" aria-current="page"' in person.get(begins).text
    for owner in entered(served_pages, "wu"):
        assert owner.get("/").status_code == 200


def test_each_role_is_shown_the_ways_it_may_go(dealer: httpx2.Client, maker: httpx2.Client) -> None:
    for person, start, foreign in (
        (dealer, "/morning", ("/overview", "/drivers", "/ingest")),
        (maker, "/overview", ("/drivers",)),
    ):
        page = person.get(start).text
        head = page[: page.index("<main")]
        ways = re.findall(r'<a href="(/\w*)"', head[head.index('class="places"') :])
        assert not set(ways) & set(foreign)
        for way in ways:
            assert person.get(way).status_code == 200, way


# Numbers


def test_the_morning_list_is_the_api_s(dealer: httpx2.Client) -> None:
    told = api(dealer, "/v1/morning-list")
    page = dealer.get("/morning").text
    assert shown(page) == [one["vin"] for one in told["vehicles"]]
    numbers = Data(page).named
    for one in told["counts"]:
        assert numbers[one["kind"]] == [one["vehicles"]]
    assert numbers["total"] == [len(told["vehicles"])]
    lefts = [
        one["reasons"][0]["due"]["left"] for one in told["vehicles"] if "service" in one["kind"]
    ]
    assert numbers["left"] == lefts
    for one in told["vehicles"]:
        for reason in one["reasons"]:
            assert reason["what"] in page
        assert one["reasons"][0]["todo"] in page.replace("&#39;", "'")


def test_services_and_silence_are_the_api_s(dealer: httpx2.Client) -> None:
    told = api(dealer, "/v1/service-due")
    page = dealer.get("/service").text
    expected = [
        one[measure]["left"]
        for one in told["vehicles"]
        for measure in ("distance", "hours", "day")
        if one[measure] is not None
    ]
    assert Data(page).named["left"] == expected
    assert "1 overdue, 2 due" in page
    silent = api(dealer, "/v1/silent-vehicles")
    page = dealer.get("/silent").text
    assert Data(page).named["silent"] == [silent["silent"]]
    found = [page.index(one["vin"]) for one in silent["vehicles"]]
    assert found == sorted(found)


def test_a_status_has_every_value_of_the_api(dealer: httpx2.Client) -> None:
    for name in ("stop", "brakes", "filter", "overdue", "planned"):
        status = api(dealer, f"/v1/vehicles/{VINS[name]}/status")
        page = dealer.get(f"/vehicles/{VINS[name]}/status").text
        numbers = Data(page).named
        for system in status["systems"]:
            for value in system["values"]:
                assert numbers[value["signal"]] == [float(value["value"])], value
        following = status["service"]["next"]
        lefts = [
            following[measure]["left"]
            for measure in ("distance", "hours", "day")
            if following[measure] is not None
        ]
        assert numbers.get("left", []) == lefts
        for code in status["trouble_codes"]:
            assert f"<b>{code['parameter']}</b>: {code['failure']}" in page


def test_codes_are_in_words_of_the_page_s_language(dealer: httpx2.Client) -> None:
    page = dealer.get(STATUS, headers={"accept-language": "zh"}).text
    assert "<b>SCR 转化效率</b>" in page
    assert "SCR conversion" not in page


def test_the_maker_s_counts_are_the_api_s(maker: httpx2.Client) -> None:
    told = api(maker, "/v1/overview")
    numbers = Data(maker.get("/overview").text).named
    assert numbers["vehicles"] == [told["vehicles"]]
    for field, name in (
        ("by_state", "by_state"),
        ("silent_for", "silent_for"),
        ("by_model", "overview_models"),
        ("by_region", "overview_regions"),
        ("by_catalogue", "overview_catalogues"),
    ):
        assert numbers[name] == [one["vehicles"] for one in told[field]], field


def test_the_maker_s_quality_and_ingest_are_the_api_s(maker: httpx2.Client) -> None:
    quality = api(maker, "/v1/data-quality")
    numbers = Data(maker.get("/quality").text).named
    assert numbers["refused"] == [one["messages"] for one in quality["refused"]]
    assert numbers["out_of_limits"] == [one["values"] for one in quality["out_of_limits"]]
    for name in ("frames", "unknown_signals", "repeated", "merged"):
        assert numbers[name] == [quality[name]], name
    state = api(maker, "/v1/ingest", days=14)
    numbers = Data(maker.get("/ingest").text).named
    for name in ("days_to_analyse", "days_to_roll_up"):
        assert numbers[name] == [state[name]], name
    for name in ("messages", "frames", "values", "refused"):
        assert numbers[name] == [one[name] for one in state["days"]], name


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("?vin=c000202", ["filter"]),
        ("?plate=%E6%B2%AAA20488", ["overdue"]),
        ("?model=j6p", ["stop", "planned"]),
        ("?state=silent", ["lost", "laid_up", "never"]),
        ("?region=cn-31&state=parked", ["brakes"]),
        ("?region=CN-44", []),
        ("?vin=IIII", []),
        ("?vin=&plate=&model=&region=&state=", list(VINS)),
    ],
)
def test_vehicles_are_found_by_what_is_typed(
    dealer: httpx2.Client, question: str, found: list[str]
) -> None:
    page = dealer.get(f"/vehicles{question}").text
    rows = re.findall(r'<th scope="row"><a href="/vehicles/(\w+)/status"', page)
    assert rows == [VINS[name] for name in found]
    assert ("No vehicle is like that" in page) == (not found)


# What is whose


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_foreign_is_on_a_page_and_no_driver(
    dealer: httpx2.Client, workshop: httpx2.Client, language: str
) -> None:
    for role, person in (("dealer", dealer), ("workshop", workshop)):
        for address in addresses(role):
            page = person.get(address, headers={"accept-language": language})
            assert page.status_code == 200, address
            for foreign in (FOREIGN_VIN, FOREIGN_VIN[9:], FOREIGN_PLATE, DRIVER, CARD):
                assert foreign not in page.text, (role, address)
            # How somebody drove is for who may know drivers.
            assert "/trips/" not in page.text, (role, address)
            if role == "workshop":
                others = set(VINS) - set(SERVICED)
                assert not any(VINS[name] in page.text for name in others), address


def test_what_is_foreign_is_answered_as_what_is_not_there(dealer: httpx2.Client) -> None:
    form = {"csrf": page_token(dealer, "/morning"), "do": "handle", "reasons": "lamp:x"}
    for vin in (FOREIGN_VIN, "LSGDD11112D000998"):
        assert dealer.get(f"/vehicles/{vin}/status").status_code == 404
        assert dealer.post(f"/morning/{vin}", data=form, headers=OURS).status_code == 404


def test_the_maker_s_pages_are_the_maker_s(dealer: httpx2.Client) -> None:
    for address in OF_THE_MAKER:
        answer = dealer.get(address)
        assert answer.status_code == 403
        assert "You may not see this" in answer.text


# Seen to


def test_a_vehicle_is_marked_where_it_is_read_and_put_back(
    dealer: httpx2.Client, workshop: httpx2.Client
) -> None:
    page = dealer.get("/morning?kind=red_lamp").text
    case = page[page.index(f'id="case-{VINS["stop"]}"') :]
    reasons = re.findall(r'name="reasons" value="([^"]+)"', case)[0]
    form = {"csrf": page_token(dealer, "/morning"), "back": "/morning?kind=red_lamp"}
    answer = dealer.post(
        f"/morning/{VINS['stop']}", data=form | {"do": "handle", "reasons": reasons}, headers=OURS
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/morning?kind=red_lamp&done={VINS['stop']}"
    after = dealer.get(answer.headers["location"]).text
    assert VINS["stop"] not in shown(after)
    assert f"<b>{PLATES['stop']}</b> · Handled" in after
    assert shown(dealer.get("/morning?handled=true").text) == [VINS["stop"]]
    assert VINS["stop"] in shown(workshop.get("/morning").text)
    dealer.post(f"/morning/{VINS['stop']}", data=form | {"do": "reopen"}, headers=OURS)
    assert VINS["stop"] in shown(dealer.get("/morning").text)


def test_a_mark_that_no_page_of_ours_sent_is_not_taken(dealer: httpx2.Client) -> None:
    form = {"do": "handle", "reasons": "lamp:x"}
    address = f"/morning/{VINS['brakes']}"
    assert dealer.post(address, data=form, headers=OURS).status_code == 403
    token = {"csrf": page_token(dealer, "/morning")}
    for wrong in ({"do": "eat", "reasons": "x"}, {"do": "handle"}):
        assert dealer.post(address, data=token | wrong, headers=OURS).status_code == 422
    away = token | form | {"back": "//evil.example/"}
    answer = dealer.post(address, data=away, headers=OURS)
    assert answer.headers["location"].startswith("/morning?done=")
    dealer.post(address, data=token | {"do": "reopen"}, headers=OURS)


# How they are made


def test_a_page_asks_few_statements(
    dealer: httpx2.Client, maker: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_identity, "REMEMBERED_S", 0.0)
    asked: list[str] = []

    def counted(name: str) -> Any:
        asked.append(name)
        return queries.query(name)

    monkeypatch.setattr(served, "query", counted)
    counts: dict[str, int] = {}
    for role, person in (("dealer", dealer), ("maker", maker)):
        for address in addresses(role):
            asked.clear()
            assert person.get(address).status_code == 200
            # The log of reads is written behind the answers, of whichever page.
            own = [name for name in asked if name != "served_log_accesses"]
            assert len(own) < MOST_STATEMENTS, (address, own)
            counts[address] = len(own)
    # They were counted: a status alone asks for contact, values, codes, trips and plan.
    assert counts[STATUS] >= 5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_have_nothing_inline_and_load_nothing_from_elsewhere(
    maker: httpx2.Client, language: str
) -> None:
    for address in addresses("maker"):
        page = maker.get(address, headers={"accept-language": language})
        ids = []
        for tag, attributes in Elements(page.text).found:
            assert "style" not in attributes, address
            assert not any(name.startswith("on") for name in attributes), address
            assert tag != "style", address
            for name in ("src", "href", "action"):
                where = attributes.get(name)
                assert not where or re.match(r"[#?]|/(?!/)", where), where
            if "id" in attributes:
                ids.append(attributes["id"])
        assert len(ids) == len(set(ids)), address
