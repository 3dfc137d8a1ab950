"""What an owner sets: the price that all money is counted by, how pages show things, grants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from api.pages import grants
from storage.registers import ensure_party
from tests.asking.api_fixture import serving
from tests.asking.browser_session import OURS, browser, entered, page_token
from tests.asking.page_numbers import api, data, week
from tests.worlds.identity_world import bearer, logged, signed_in
from tests.worlds.pages_world import FOREIGN_VIN, VINS, PagesWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2


DEFAULT_PRICE = 7.5
"""Of the setting."""

WORKSHOP = "Quay Workshop"


@pytest.fixture(scope="module")
def pages(pages: PagesWorld) -> PagesWorld:
    workshop = ensure_party(pages.database.connection, WORKSHOP, "service_provider")
    pages.account("workshop", "service_provider", party=workshop)
    pages.account("wangwei", "driver", driver=pages.drivers[0])
    return pages


@pytest.fixture(scope="module")
def workshop(served_pages: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served_pages, "workshop")


def sent(client: httpx2.Client, address: str, **form: str) -> httpx2.Response:
    token = page_token(client, "/settings")
    return client.post(address, data={"csrf": token, **form}, headers=OURS)


@pytest.fixture
def own_price(owner: httpx2.Client) -> Iterator[float]:
    assert sent(owner, "/settings/price", price="8,25", currency="EUR").status_code == 303
    yield 8.25
    assert sent(owner, "/settings/price", default="1").status_code == 303


def test_money_is_counted_by_the_price_that_the_owner_set(
    pages: PagesWorld, owner: httpx2.Client, own_price: float
) -> None:
    assert data(owner, "/settings").named["fuel_price"] == [own_price]
    total = api(owner, f"/v1/fleets/{pages.fleet}/fuel", **week())["total"]
    assert total["cost"] == pytest.approx(own_price * total["fuel_l"])
    assert total["currency"] == "EUR"
    assert data(owner, "/").named["cost"] == [total["cost"]]
    assert f"€{total['cost']:,.0f}" in owner.get("/").text
    report = f"/reports/fleets/{pages.fleet}"
    assert data(owner, report).named["total_cost"] == [total["cost"]]
    (vehicle,) = api(owner, f"/v1/vehicles/{VINS[0]}/fuel", by="total", **week())["periods"]
    assert vehicle["cost"] == pytest.approx(own_price * vehicle["fuel_l"])
    listed = api(owner, f"/v1/fleets/{pages.fleet}/advice", week="2026-W44")
    for told in (
        listed["advice"],
        listed["savings"],
        api(owner, f"/v1/advice/{pages.advice['speed']}"),
    ):
        assert "€" in str(told)
    for address in ("/advice", f"/advice/{pages.advice['speed']}", f"/drivers/{pages.drivers[0]}"):
        page = owner.get(address).text
        assert "€" in page, address
        assert "¥" not in page, address


def test_a_price_said_over_http_is_the_page_s(
    served_pages: httpx2.Client, owner: httpx2.Client
) -> None:
    price = "/v1/fuel-price"
    who = bearer(signed_in(served_pages, "wu")["access_token"])
    said = served_pages.put(price, json={"price": 9.25, "currency": "USD"}, headers=who)
    assert said.status_code == 200
    assert said.json() == api(owner, price)
    assert (said.json()["price"], said.json()["is_own"]) == (9.25, True)
    page = owner.get("/settings").text
    assert data(owner, "/settings").named["fuel_price"] == [9.25]
    assert "<option selected>USD</option>" in page
    forgotten = served_pages.delete(price, headers=who).json()
    assert (forgotten["price"], forgotten["is_own"]) == (DEFAULT_PRICE, False)
    assert data(owner, "/settings").named["fuel_price"] == [DEFAULT_PRICE]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"price": -1, "currency": "CNY"}, "price"),
        ({"price": 1e99, "currency": "CNY"}, "price"),
        ({"price": "cheap", "currency": "CNY"}, "price"),
        ({"price": 7, "currency": "yuan"}, "currency"),
        ({"price": 7}, "currency"),
        ({"price": 7, "currency": "CNY", "unit": "L"}, "unit"),
    ],
)
def test_what_is_no_price_is_refused_by_its_field(
    served_pages: httpx2.Client, body: dict[str, Any], field: str
) -> None:
    who = bearer(signed_in(served_pages, "wu")["access_token"])
    refused = served_pages.put("/v1/fuel-price", json=body, headers=who)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["faults"]] == [field]


def test_who_only_looks_reads_the_price_and_sets_none(served_pages: httpx2.Client) -> None:
    who = bearer(signed_in(served_pages, "workshop")["access_token"])
    assert served_pages.get("/v1/fuel-price", headers=who).status_code == 200
    body = {"price": 1, "currency": "CNY"}
    assert served_pages.put("/v1/fuel-price", json=body, headers=who).status_code == 403


def test_a_price_is_its_party_s_alone_and_its_drivers_count_by_it(
    pages: PagesWorld, served_pages: httpx2.Client, own_price: float
) -> None:
    south = bearer(signed_in(served_pages, "south")["access_token"])
    fuel = f"/v1/fleets/{pages.foreign_fleet}/fuel"
    total = served_pages.get(fuel, params=week(), headers=south).json()["total"]
    assert total["cost"] == pytest.approx(DEFAULT_PRICE * total["fuel_l"])
    own = bearer(signed_in(served_pages, "wangwei")["access_token"])
    address = f"/v1/drivers/{pages.drivers[0]}/fuel"
    asked = {**week(), "by": "total"}
    (driven,) = served_pages.get(address, params=asked, headers=own).json()["periods"]
    assert driven["cost"] == pytest.approx(own_price * driven["fuel_l"])


def test_without_an_own_price_the_setting_s_is_counted_by(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    assert data(owner, "/settings").named["fuel_price"] == [DEFAULT_PRICE]
    total = api(owner, f"/v1/fleets/{pages.fleet}/fuel", **week())["total"]
    assert total["cost"] == pytest.approx(DEFAULT_PRICE * total["fuel_l"])


@pytest.mark.parametrize(
    "form",
    [
        {"price": "cheap", "currency": "CNY"},
        {"price": "-1", "currency": "CNY"},
        {"price": "nan", "currency": "CNY"},
        {"price": "1e99", "currency": "CNY"},
        {"price": "7", "currency": "yuan"},
        {},
    ],
)
def test_what_is_no_price_is_told_beside_the_form(
    owner: httpx2.Client, form: dict[str, str]
) -> None:
    answer = sent(owner, "/settings/price", **form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert data(owner, "/settings").named["fuel_price"] == [DEFAULT_PRICE]


def test_a_price_that_no_page_of_ours_sent_is_not_taken(owner: httpx2.Client) -> None:
    form = {"price": "1", "currency": "CNY"}
    assert owner.post("/settings/price", data=form, headers=OURS).status_code == 403
    form["csrf"] = page_token(owner, "/settings")
    elsewhere = owner.post("/settings/price", data=form, headers={"sec-fetch-site": "cross-site"})
    assert elsewhere.status_code == 403
    assert data(owner, "/settings").named["fuel_price"] == [DEFAULT_PRICE]


def test_a_price_can_be_set_where_nobody_signs_in(pages: PagesWorld) -> None:
    with (
        serving(pages.database.dsn, api_party="North") as served,
        browser(served) as client,
    ):
        form = {"price": "9", "currency": "CNY"}
        assert client.post("/settings/price", data=form).status_code == 403  # no browser of ours
        assert client.post("/settings/price", data=form, headers=OURS).status_code == 303
        assert data(client, "/settings").named["fuel_price"] == [9.0]
        client.post("/settings/price", data={"default": "1"}, headers=OURS)


def test_consumption_is_shown_in_the_units_one_wishes(
    pages: PagesWorld, served_pages: httpx2.Client
) -> None:
    for client in entered(served_pages, "wu"):
        told = data(client, "/").named["l_per_100km"][0]
        assert f">{told:.1f}</data>" in client.get("/").text
        assert "km/L" in client.get("/settings?units=km_per_l").text
        page = client.get("/").text
        assert f'value="{told}" data-of="l_per_100km"' in page  # what it is stays the API's
        assert f">{100 / told:.2f}</data> <small>km/L" in page
        for address in (f"/reports/fleets/{pages.fleet}", f"/vehicles/{VINS[0]}"):
            assert "km/L" in client.get(address).text, address
        assert "km/L" not in client.get("/?units=l_per_100km").text
        assert "km/L" not in client.get("/?units=furlongs").text


def test_times_are_shown_by_the_clock_one_wishes(served_pages: httpx2.Client) -> None:
    for client in entered(served_pages, "wu"):
        assert "data-zone" not in client.get("/").text
        assert 'data-zone="Asia/Urumqi"' in client.get("/settings?zone=Asia/Urumqi").text
        assert 'data-zone="Asia/Urumqi"' in client.get("/vehicles").text
        for nonsense in ("Mars/Olympus", "../../etc/passwd", "x" * 200, '"><script>'):
            assert "data-zone" not in client.get("/", params={"zone": nonsense}).text
        assert "data-zone" not in client.get("/?zone=device").text


# Grants


def given(owner: httpx2.Client, **changed: str) -> httpx2.Response:
    form = {"vin": VINS[2], "party": WORKSHOP, "purpose": "service", "until": "2089-12-31"}
    return sent(owner, "/settings/grants", **(form | changed))


def test_a_grant_is_given_seen_and_ended(
    pages: PagesWorld, owner: httpx2.Client, workshop: httpx2.Client
) -> None:
    assert workshop.get(f"/vehicles/{VINS[2]}").status_code == 404
    assert "Nobody else may see" in owner.get("/settings/grants").text
    assert given(owner).status_code == 303
    page = owner.get("/settings/grants").text
    (told,) = [
        one
        for one in api(owner, "/v1/registers/grants", holds="true")["grants"]
        if one["purpose"] == "service"
    ]
    assert (told["vin"], told["party"]) == (VINS[2], WORKSHOP)
    assert told["valid_until"] == "2089-12-31T16:00:00Z"  # the last day ends in Shanghai
    assert f'id="grant-{told["grant_id"]}"' in page
    assert workshop.get(f"/vehicles/{VINS[2]}").status_code == 200
    assert "End</button>" not in workshop.get("/settings/grants").text
    logged(pages, 1, f"route = '/settings/grants' AND '{VINS[2]}' = ANY (vins)")
    ended = sent(owner, f"/settings/grants/{told['grant_id']}/end")
    assert ended.status_code == 303
    assert workshop.get(f"/vehicles/{VINS[2]}").status_code == 404
    assert f'id="grant-{told["grant_id"]}"' not in owner.get("/settings/grants").text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"vin": FOREIGN_VIN}, "None of your vehicles"),
        ({"vin": "nonsense"}, "None of your vehicles"),
        ({"vin": ""}, "or choose a fleet"),
        ({"fleet": "1"}, "one of the two"),
        ({"party": "Nobody"}, "cannot be given"),
        ({"party": "South"}, "cannot be given"),
        ({"purpose": "ownership"}, "cannot be given"),
        ({"purpose": "sale"}, "only its owner"),
        ({"until": "2020-01-01"}, "not past"),
        ({"until": "tomorrow"}, "not past"),
        ({"until": "9999-12-31"}, "not past"),
    ],
)
def test_a_grant_that_cannot_be_is_told_beside_the_form(
    owner: httpx2.Client, changed: dict[str, str], words: str
) -> None:
    answer = given(owner, **changed)
    assert answer.status_code == 422
    (told,) = re.findall(r'role="alert"[^>]*>([^<]+)<', answer.text)
    assert words in told
    assert f'value="{changed.get("vin", VINS[2]).upper()}"' in answer.text


def test_several_vehicles_or_a_fleet_are_given_in_one_go(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    def given_now() -> list[dict[str, Any]]:
        listed = api(owner, "/v1/registers/grants", holds="true")["grants"]
        return [one for one in listed if one["purpose"] == "service"]

    for changed in (
        {"vin": f"{VINS[0]}, {VINS[1].lower()}\n{VINS[0]}"},
        {"fleet": str(pages.fleet)},
    ):
        assert given(owner, **({"vin": ""} | changed)).status_code == 303
        found = given_now()
        assert {one["vin"] for one in found} >= set(VINS[:2])
        assert len(found) == len({one["vin"] for one in found})
        for one in found:
            ended = sent(owner, f"/settings/grants/{one['grant_id']}/end")
            assert ended.status_code == 303
    assert given(owner, vin=f"{VINS[0]} {FOREIGN_VIN}").status_code == 422
    assert given_now() == []  # all of them, or none


def test_of_more_grants_than_a_page_has_it_says_where_the_others_are(
    owner: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "MAX_GRANTS", 1)  # far fewer than vehicles that are one's own
    for vin in VINS[:2]:
        assert given(owner, vin=vin).status_code == 303
    page = owner.get("/settings/grants").text
    assert page.count('id="grant-') == 1
    assert "The first 1 are shown" in page
    for one in api(owner, "/v1/registers/grants", holds="true")["grants"]:
        if one["purpose"] == "service":
            sent(owner, f"/settings/grants/{one['grant_id']}/end")
    assert "are shown" not in owner.get("/settings/grants").text


def test_who_may_not_give_grants_is_offered_no_form(
    workshop: httpx2.Client, owner: httpx2.Client
) -> None:
    assert "<form" in owner.get("/settings/grants").text.split("<main")[1]
    assert "<form" not in workshop.get("/settings/grants").text.split("<main")[1]
    assert given(workshop).status_code == 403
    assert sent(workshop, "/settings/price", price="1", currency="CNY").status_code == 403
    refused: Any = owner.post("/settings/grants/1/end", data={}, headers=OURS)
    assert refused.status_code == 403
