"""Whom to call: each list has the vehicles that are due, in order, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.wire import Lamp
from tests.samples.behaviour_samples import DAY, HOUR
from tests.worlds.care_world import (
    FOREIGN_VIN,
    SERVICED,
    VINS,
    CareWorld,
    now,
    report_lamp,
    write_code,
)
from tests.worlds.identity_world import bearer, signed_in

if TYPE_CHECKING:
    import httpx2

LIST = "/v1/morning-list"
OF_THE_MAKER = ("/v1/overview", "/v1/data-quality", "/v1/ingest")


@pytest.fixture(scope="module")
def world(care: tuple[CareWorld, httpx2.Client]) -> CareWorld:
    return care[0]


@pytest.fixture(scope="module")
def client(care: tuple[CareWorld, httpx2.Client]) -> httpx2.Client:
    return care[1]


class Person:
    """Somebody who asks."""

    def __init__(self, client: httpx2.Client, name: str) -> None:
        self._client = client
        self._headers = bearer(signed_in(client, name)["access_token"])

    def ask(self, path: str, method: str = "GET", **more: Any) -> httpx2.Response:
        headers = self._headers | more.pop("headers", {})
        return self._client.request(method, path, headers=headers, **more)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.ask(path, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def listed(self, path: str = LIST, **params: Any) -> list[str]:
        by_vin = {vin: name for name, vin in VINS.items()}
        return [by_vin[one["vin"]] for one in self.get(path, **params)["vehicles"]]

    def case(self, name: str) -> dict[str, Any]:
        (found,) = [one for one in self.get(LIST)["vehicles"] if one["vin"] == VINS[name]]
        return dict(found)

    def handle(self, name: str, *keys: str) -> httpx2.Response:
        return self.ask(f"{LIST}/{VINS[name]}/handled", "PUT", json={"reasons": list(keys)})

    def reopen(self, name: str) -> httpx2.Response:
        return self.ask(f"{LIST}/{VINS[name]}/handled", "DELETE")


@pytest.fixture(scope="module")
def dealer(client: httpx2.Client) -> Person:
    return Person(client, "east")


@pytest.fixture(scope="module")
def colleague(client: httpx2.Client) -> Person:
    return Person(client, "east.second")


@pytest.fixture(scope="module")
def workshop(client: httpx2.Client) -> Person:
    return Person(client, "quay")


@pytest.fixture(scope="module")
def maker(client: httpx2.Client) -> Person:
    return Person(client, "maker")


def test_what_calls_first_comes_first(dealer: Person) -> None:
    assert dealer.listed() == [
        "stop",
        "brakes",
        "filter",
        "lamp",
        "overdue",
        "soon",
        "planned",
        "laid_up",
        "never",
        "lost",
    ]
    assert dealer.get(LIST)["counts"] == [
        {"kind": "red_lamp", "vehicles": 2},
        {"kind": "amber_lamp", "vehicles": 2},
        {"kind": "service_overdue", "vehicles": 1},
        {"kind": "service_due", "vehicles": 2},
        {"kind": "silent", "vehicles": 3},
    ]


def test_a_reason_says_what_since_when_and_what_to_do(dealer: Person) -> None:
    (code,) = dealer.case("stop")["reasons"]
    assert code["what"].startswith("Engine coolant temperature: above the normal range")
    assert (code["spn"], code["fmi"], code["is_new"]) == (110, 0, True)
    assert code["todo"].startswith("Call now")
    assert 3 * 3600 <= code["age_s"] < 3 * 3600 + 300
    (lamp,) = dealer.case("lamp")["reasons"]
    assert lamp["signal"] == "tell_tale_amber"
    assert lamp["since"] == (now() - 5 * HOUR).isoformat().replace("+00:00", "Z")


def test_codes_stand_for_the_lamps_they_light_and_name_what_is_no_signal(dealer: Person) -> None:
    reasons = dealer.case("filter")["reasons"]
    assert [(one["spn"], one["signal"]) for one in reasons] == [
        (4364, None),
        (3251, None),
        (None, "dpf_lamp"),
    ]
    assert reasons[0]["what"].startswith("SCR conversion efficiency: ")


def test_reasons_are_told_in_the_language_that_is_wished_for(dealer: Person) -> None:
    answer = dealer.ask(LIST, headers={"accept-language": "zh"})
    (code,) = answer.json()["vehicles"][0]["reasons"]
    assert "冷却液" in code["what"]
    assert code["todo"].startswith("立即致电")


def test_the_service_that_comes_first_is_the_status_s(dealer: Person) -> None:
    for name, measure in (("overdue", "distance"), ("soon", "day"), ("planned", "hours")):
        status = dealer.get(f"/v1/vehicles/{VINS[name]}/status")
        (reason,) = dealer.case(name)["reasons"]
        assert reason["due"] == status["service"]["next"][measure], name
    assert dealer.case("planned")["reasons"][0]["due"]["left"] == 80.0


def test_low_fuel_is_for_the_driver_and_no_reason(dealer: Person) -> None:
    assert "well" not in dealer.listed()


def test_the_list_comes_in_pages_and_by_kind(dealer: Person) -> None:
    first = dealer.get(LIST, limit=4)
    second = dealer.get(first["next"])
    third = dealer.get(second["next"])
    found = [*first["vehicles"], *second["vehicles"], *third["vehicles"]]
    assert [one["vin"] for one in found] == [VINS[name] for name in dealer.listed()]
    assert third["next"] is None
    assert dealer.listed(kind="silent") == ["laid_up", "never", "lost"]
    assert dealer.ask(LIST, params={"kind": "green"}).status_code == 422


def test_a_workshop_has_its_own_vehicles_and_no_driver(workshop: Person) -> None:
    assert set(workshop.listed()) == set(SERVICED)
    answer = workshop.ask(LIST).text
    assert "driver" not in answer.replace("driver_assistance", "")


def test_what_was_seen_to_is_off_the_list_of_the_party_alone(
    dealer: Person, colleague: Person, workshop: Person
) -> None:
    keys = [one["key"] for one in dealer.case("brakes")["reasons"]]
    assert dealer.handle("brakes", *keys).status_code == 200
    for person in (dealer, colleague):
        assert "brakes" not in person.listed()
        (handled,) = person.get(LIST, handled=True)["vehicles"]
        assert handled["handled_by"] == "account:east"
        assert handled["reasons"][0]["is_new"] is False
    assert "brakes" in workshop.listed()
    assert colleague.reopen("brakes").status_code == 200
    assert "brakes" in dealer.listed()
    assert dealer.get(LIST)["handled"] == 0


def test_what_was_seen_to_comes_back_with_something_new(dealer: Person, world: CareWorld) -> None:
    keys = [one["key"] for one in dealer.case("lamp")["reasons"]]
    dealer.handle("lamp", *keys)
    assert "lamp" not in dealer.listed()
    report_lamp(world.database.connection, "lamp", HOUR)  # it went out, and is lit again
    assert [one["is_new"] for one in dealer.case("lamp")["reasons"]] == [True]
    dealer.handle("lamp", *(one["key"] for one in dealer.case("lamp")["reasons"]))
    write_code(world.database, "lamp", HOUR / 2, 168, 1, Lamp.MALFUNCTION_INDICATOR)
    told = {one["spn"]: one["is_new"] for one in dealer.case("lamp")["reasons"]}
    assert told == {168: True, None: False}
    world.database.connection.execute("DELETE FROM trouble_code WHERE spn = 168")
    dealer.reopen("lamp")


def test_what_stays_for_a_month_is_on_the_list_again(dealer: Person, world: CareWorld) -> None:
    dealer.handle("brakes", *(one["key"] for one in dealer.case("brakes")["reasons"]))
    world.database.connection.execute(
        "UPDATE care_handled SET handled_at = %s", (now() - 31 * DAY,)
    )
    assert "brakes" in dealer.listed()
    dealer.reopen("brakes")


def test_a_reason_that_nobody_saw_stays_to_be_seen_to(dealer: Person) -> None:
    dealer.handle("filter", dealer.case("filter")["reasons"][0]["key"])
    assert [one["is_new"] for one in dealer.case("filter")["reasons"]] == [False, True, True]
    dealer.reopen("filter")


def test_nobody_sees_to_what_is_not_his_to_see(dealer: Person) -> None:
    for method, more in (("PUT", {"json": {"reasons": ["lamp:x"]}}), ("DELETE", {})):
        told = [
            dealer.ask(f"{LIST}/{vin}/handled", method, **more)
            for vin in (FOREIGN_VIN, "LSGDD11112D000998")
        ]
        assert [one.status_code for one in told] == [404, 404]
        assert told[0].text.replace(FOREIGN_VIN, "…") == told[1].text.replace(
            "LSGDD11112D000998", "…"
        )
    for wrong in ([], ["\x00"], ["x" * 101]):
        assert dealer.handle("stop", *wrong).status_code == 422


def test_services_that_are_due_are_those_of_the_status(dealer: Person) -> None:
    assert dealer.listed("/v1/service-due") == ["overdue", "soon", "planned"]
    answer = dealer.get("/v1/service-due")
    assert (answer["overdue"], answer["due"]) == (1, 2)
    for one in answer["vehicles"]:
        following = dealer.get(f"/v1/vehicles/{one['vin']}/status")["service"]["next"]
        for measure in ("distance", "hours", "day"):
            assert one[measure] == following[measure]
    assert dealer.listed("/v1/service-due", days=365, km=0, hours=0) == [
        "overdue",
        "soon",
        "planned",
        "well",
    ]
    assert dealer.listed("/v1/service-due", days=0, km=0, hours=0) == ["overdue", "soon"]


def test_silent_vehicles_are_those_of_the_search(dealer: Person) -> None:
    assert dealer.listed("/v1/silent-vehicles") == ["laid_up", "never", "lost"]
    searched = dealer.listed("/v1/vehicles", state="silent")
    assert sorted(searched) == ["laid_up", "lost", "never"]
    told = {one["vin"]: one for one in dealer.get("/v1/silent-vehicles")["vehicles"]}
    assert told[VINS["lost"]]["last_activity"] == "moving"
    assert told[VINS["laid_up"]]["last_activity"] == "parked"
    assert told[VINS["never"]]["last_activity"] is None


def test_a_vehicle_that_was_never_heard_is_silent_alike_wherever_it_is_told(
    world: CareWorld, dealer: Person, maker: Person
) -> None:
    """Only the morning list waits three days for a vehicle that has just been registered."""
    registered = "UPDATE vehicle SET registered_at = %s WHERE vin = %s"
    try:
        world.database.connection.execute(registered, (now(), VINS["never"]))
        assert "never" not in dealer.listed()
        assert dealer.listed("/v1/silent-vehicles") == ["laid_up", "lost", "never"]
        assert "never" in dealer.listed("/v1/vehicles", state="silent")
        counted = {one["state"]: one["vehicles"] for one in maker.get("/v1/overview")["by_state"]}
        assert counted["silent"] == maker.get("/v1/silent-vehicles")["silent"] == 3
    finally:
        world.database.connection.execute(registered, (now() - 10 * DAY, VINS["never"]))
    assert "never" in dealer.listed()


@pytest.mark.parametrize("path", ["/v1/service-due", "/v1/silent-vehicles"])
def test_lists_come_as_tables(dealer: Person, path: str) -> None:
    answer = dealer.ask(path, headers={"accept": "text/csv"})
    assert answer.status_code == 200
    assert len(answer.text.splitlines()) == 4
    assert answer.text.startswith('"vin"') or answer.text.startswith("vin")


def test_the_maker_counts_every_vehicle(maker: Person) -> None:
    overview = maker.get("/v1/overview")
    assert overview["vehicles"] == 12
    states = {one["state"]: one["vehicles"] for one in overview["by_state"]}
    for state, count in states.items():
        assert len(maker.get("/v1/vehicles", state=state)["vehicles"]) == count, state
    assert states["silent"] == 3
    silent = {one["silent_for"]: one["vehicles"] for one in overview["silent_for"]}
    assert silent == {"hours": 1, "weeks": 1, "never": 1}
    for field, parameter in (("by_model", "model"), ("by_region", "region")):
        for one in overview[field]:
            found = maker.get("/v1/vehicles", **{parameter: one["key"]})["vehicles"]
            assert len(found) == one["vehicles"], one
    assert overview["by_catalogue"] == [
        {"key": "1", "vehicles": 11},
        {"key": None, "vehicles": 1},
    ]


def test_the_maker_sees_what_ingest_met(maker: Person) -> None:
    quality = maker.get("/v1/data-quality")
    assert [(one["reason"], one["messages"]) for one in quality["refused"]] == [
        ("bad_vin", 17),
        ("too_old", 3),
    ]
    told = [(one["signal"], one["values"], one["vehicles"]) for one in quality["out_of_limits"]]
    assert told == [("coolant_temperature", 340, 2), ("battery_voltage", 9, None)]
    assert quality["repeated"] == 240
    assert len(maker.get("/v1/data-quality", days=90)["refused"]) == 3


def test_the_maker_sees_how_ingest_stands(maker: Person) -> None:
    state = maker.get("/v1/ingest", days=3)
    assert 40 <= state["age_s"] < 400
    assert [one["messages"] for one in state["days"]] == [860, 859, 858]
    assert [one["refused"] for one in state["days"]] == [12, 5, 3]
    assert state["partitions"] == 1


@pytest.mark.parametrize("path", OF_THE_MAKER)
def test_the_platform_is_the_maker_s_alone(
    dealer: Person, client: httpx2.Client, path: str
) -> None:
    assert dealer.ask(path).status_code == 403
    assert client.get(path).status_code == 401
