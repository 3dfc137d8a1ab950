"""`/v1/webhooks`: a party's own, secrets told once, and nothing one may not read by asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from storage.connection import API_ROLE, connect
from tests.asking.api_fixture import serving
from tests.worlds.identity_world import bearer
from tests.worlds.identity_world import world as identity_world
from tests.worlds.webhook_world import FOREIGN, LOCAL, A, B, World

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

    from tests.servers.database_fixture import Migrated

URL = "https://example.com/hook"
NEW: dict[str, Any] = {"name": "Dispatch", "url": URL, "kinds": ["tank_event.theft"]}


@pytest.fixture
def owner(webhooks: World) -> httpx2.Client:
    return webhooks.clients["Owner"]


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_webhook_is_made_read_changed_and_deleted(webhooks: World, owner: httpx2.Client) -> None:
    wanted = {**NEW, "severity": "high", "fleet_id": webhooks.fleet, "vins": [B, A, A]}
    answer = owner.post("/v1/webhooks", json={**wanted, "language": "zh"})
    assert answer.status_code == 201
    made = answer.json()
    path = answer.headers["Location"]
    assert path == f"/v1/webhooks/{made['webhook_id']}"
    assert made.pop("secret").startswith("whsec_")
    assert made == owner.get(path).json()
    assert {name: made[name] for name in wanted} == {**wanted, "vins": [A, B]}
    assert (made["enabled"], made["language"], made["waiting"]) == (True, "zh", 0)
    change = {"name": "Other", "kinds": ["advice.*"], "fleet_id": None, "enabled": False}
    changed = owner.patch(path, json=change)
    assert changed.status_code == 200
    expected = {**made, **change, "disabled_by": "party"}
    assert changed.json() == {**expected, "disabled_at": changed.json()["disabled_at"]}
    assert owner.patch(path, json={"vins": None}).json()["vins"] is None
    assert owner.get("/v1/webhooks").json()["webhooks"] == [owner.get(path).json()]
    deleted = owner.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert code(owner.get(path)) == (404, "unknown_webhook")


def test_a_secret_is_told_when_it_is_made_and_never_again(
    webhooks: World, owner: httpx2.Client
) -> None:
    made = webhooks.make(URL)
    path = f"/v1/webhooks/{made['webhook_id']}"
    secrets = [made["secret"], owner.post(f"{path}/secret", json={}).json()["secret"]]
    assert len(set(secrets)) == 2
    answers = [owner.get(path), owner.get("/v1/webhooks"), owner.patch(path, json={})]
    answers += [owner.post(f"{path}/test", json={}), owner.get(f"{path}/deliveries")]
    for answer in answers:
        assert answer.is_success
        assert "whsec" not in answer.text
    assert owner.get(path).json()["old_secret_until"] is not None


def test_the_api_s_role_reads_neither_secrets_nor_what_waits(webhooks: World) -> None:
    webhooks.make(URL)
    with connect(webhooks.database.dsn, role=API_ROLE) as connection:
        for table in ("webhook", "webhook_delivery"):
            with pytest.raises(Exception, match="permission denied"):
                connection.execute(f"SELECT * FROM telemetry.{table}")


def test_listings_come_in_pages(webhooks: World, owner: httpx2.Client) -> None:
    numbers = [webhooks.make(URL)["webhook_id"] for _ in range(3)]
    page = owner.get("/v1/webhooks", params={"limit": 2}).json()
    rest = owner.get(page["next"]).json()
    assert [one["webhook_id"] for one in page["webhooks"] + rest["webhooks"]] == numbers
    assert rest["next"] is None
    path = f"/v1/webhooks/{numbers[0]}/deliveries"
    for _ in range(3):
        webhooks.event()
    page = owner.get(path, params={"limit": 2}).json()
    rest = owner.get(page["next"]).json()
    found = [one["delivery_id"] for one in page["deliveries"] + rest["deliveries"]]
    assert found == sorted(found, reverse=True)
    assert (len(found), rest["next"]) == (3, None)


# Foreign is unknown


def paths(webhooks: World) -> list[tuple[str, str, Any]]:
    hook = webhooks.make(URL, kinds=["driving_event.*"])
    webhooks.event()
    (waiting,) = webhooks.deliveries(hook)
    one = f"/v1/webhooks/{hook['webhook_id']}"
    return [
        ("GET", one, None),
        ("PATCH", one, {"enabled": False}),
        ("DELETE", one, None),
        ("POST", f"{one}/secret", {}),
        ("POST", f"{one}/test", {}),
        ("GET", f"{one}/deliveries", None),
        ("POST", f"{one}/deliveries/{waiting['delivery_id']}/redeliver", {}),
    ]


@pytest.mark.parametrize("party", ["Workshop", "Stranger", "Maker"])
def test_another_party_s_webhook_is_not_there(webhooks: World, party: str) -> None:
    client = webhooks.clients[party]
    for method, path, body in paths(webhooks):
        foreign = client.request(method, path, json=body)
        number = path.split("/")[3]
        nowhere = client.request(method, path.replace(number, "999999", 1), json=body)
        assert code(foreign) == (404, "unknown_webhook"), path
        assert foreign.content == nowhere.content
    assert client.get("/v1/webhooks").json()["webhooks"] == []


@pytest.mark.parametrize("number", ["0", "-1", "hook", "9" * 30, "%00", "1.5"])
def test_what_is_no_number_is_no_webhook(owner: httpx2.Client, number: str) -> None:
    assert code(owner.get(f"/v1/webhooks/{number}")) == (404, "unknown_webhook")
    path = f"/v1/webhooks/1/deliveries/{number}/redeliver"
    assert owner.post(path, json={}).status_code == 404


def test_a_message_of_another_webhook_is_not_there(webhooks: World, owner: httpx2.Client) -> None:
    one, other = (webhooks.make(URL, kinds=["driving_event.*"]) for _ in range(2))
    webhooks.event()
    (waiting,) = webhooks.deliveries(one)
    path = f"/v1/webhooks/{other['webhook_id']}/deliveries/{waiting['delivery_id']}/redeliver"
    assert code(owner.post(path, json={})) == (404, "unknown_delivery")


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"fleet_id": 999_999}, "unknown_fleet"),
        ({"vins": [FOREIGN]}, "unknown_vehicle"),
        ({"vins": [A, "LSGAA11112A000009"]}, "unknown_vehicle"),
        ({"vins": ["no VIN"]}, "unknown_vehicle"),
    ],
)
def test_filters_on_what_one_may_not_see_answer_as_those_on_what_there_is_not(
    webhooks: World, owner: httpx2.Client, wanted: dict[str, Any], problem: str
) -> None:
    assert code(owner.post("/v1/webhooks", json={**NEW, **wanted})) == (404, problem)
    hook = webhooks.make(URL)
    path = f"/v1/webhooks/{hook['webhook_id']}"
    assert code(owner.patch(path, json=wanted)) == (404, problem)


def test_another_party_s_fleet_is_no_filter(webhooks: World) -> None:
    answer = webhooks.clients["Stranger"].post(
        "/v1/webhooks", json={**NEW, "fleet_id": webhooks.fleet}
    )
    assert code(answer) == (404, "unknown_fleet")


# What cannot be used


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"url": "http://example.com/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://[::ffff:169.254.169.254]/latest/meta-data"}, "url"),
        ({"url": "https://user:password@example.com/"}, "url"),
        ({"url": "https://example.com/" + "a" * 3000}, "url"),
        ({"url": "https://example.com/\u0000"}, "url"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["tank_event.thefts"]}, "kinds"),
        ({"kinds": ["test.ping"]}, "kinds"),
        ({"kinds": ["*"]}, "kinds"),
        ({"kinds": ["advice.*"] * 51}, "kinds"),
        ({"kinds": "advice.*"}, "kinds"),
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"severity": "grave"}, "severity"),
        ({"vins": []}, "vins"),
        ({"vins": [A] * 201}, "vins"),
        ({"fleet_id": 0}, "fleet_id"),
        ({"fleet_id": 2**63}, "fleet_id"),
        ({"language": "fr"}, "language"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_field(
    webhooks: World, owner: httpx2.Client, wanted: dict[str, Any], field: str
) -> None:
    hook = webhooks.make(URL)
    made = owner.post("/v1/webhooks", json={**NEW, **wanted})
    changed = owner.patch(f"/v1/webhooks/{hook['webhook_id']}", json=wanted)
    for answer in (made, changed):
        assert code(answer) == (422, "invalid_parameter"), answer.text
        assert all(one["field"].startswith(field) for one in answer.json()["faults"])


def test_a_kind_that_is_misspelt_is_told_the_nearest(owner: httpx2.Client) -> None:
    answer = owner.post("/v1/webhooks", json={**NEW, "kinds": ["driving_event.harsh_brakin"]})
    assert "driving_event.harsh_braking" in answer.json()["way_out"]


@pytest.mark.parametrize("missing", ["name", "url", "kinds"])
def test_what_is_missing_is_named(owner: httpx2.Client, missing: str) -> None:
    body = {name: value for name, value in NEW.items() if name != missing}
    assert owner.post("/v1/webhooks", json=body).json()["faults"][0]["field"] == missing


def test_each_webhook_of_a_party_has_a_name_of_its_own(
    webhooks: World, owner: httpx2.Client
) -> None:
    assert owner.post("/v1/webhooks", json=NEW).status_code == 201
    assert code(owner.post("/v1/webhooks", json=NEW)) == (409, "name_taken")
    other = webhooks.make(URL)
    path = f"/v1/webhooks/{other['webhook_id']}"
    assert code(owner.patch(path, json={"name": "Dispatch"})) == (409, "name_taken")
    assert owner.patch(path, json={"name": other["name"]}).status_code == 200
    assert webhooks.clients["Stranger"].post("/v1/webhooks", json=NEW).status_code == 201


def test_there_are_so_many_webhooks_and_no_more(webhooks: World, owner: httpx2.Client) -> None:
    webhooks.execute(
        "INSERT INTO webhook (party_id, name, url, kinds, secret)"
        " SELECT %s, 'n' || n, 'https://example.com/', '{advice.*}', '' "
        "FROM generate_series(1, 50) AS n",
        webhooks.parties["Owner"],
    )
    assert code(owner.post("/v1/webhooks", json=NEW)) == (409, "too_many_webhooks")
    assert webhooks.clients["Maker"].post("/v1/webhooks", json=NEW).status_code == 201


def test_where_there_is_no_key_no_secret_is_made(webhooks: World) -> None:
    with serving(webhooks.database.dsn, api_party="Owner") as client:
        assert code(client.post("/v1/webhooks", json=NEW)) == (503, "webhooks_not_set_up")
        assert client.get("/v1/webhooks").status_code == 200


def test_a_test_is_not_sent_more_often_than_every_five_seconds(
    webhooks: World, owner: httpx2.Client
) -> None:
    hook = webhooks.make(URL)
    path = f"/v1/webhooks/{hook['webhook_id']}/test"
    first = owner.post(path, json={}).json()
    webhooks.execute(
        "UPDATE webhook_delivery SET state = 'failed', attempts = 1, attempted_at = now()"
    )
    second = owner.post(path, json={}).json()
    assert second["message_id"] != first["message_id"]
    ((early,),) = webhooks.execute(
        "SELECT max(due_at) - max(attempted_at) < interval '5 s' FROM webhook_delivery"
    )
    assert not early


# Who may


def test_to_be_told_takes_the_scopes_to_read_the_same(migrated: Migrated, tmp_path: Path) -> None:
    them = identity_world(migrated, tmp_path)
    mayor = ("registers:write", "vehicles:read")
    with them.serving(**LOCAL) as client:

        def made(*scopes: str, **wanted: Any) -> httpx2.Response:
            headers = bearer(them.key(*scopes).key)
            name = f"{scopes} {wanted}"[:100]
            body = {**NEW, "name": name, **wanted}
            return client.post("/v1/webhooks", json=body, headers=headers)

        assert client.post("/v1/webhooks", json=NEW).status_code == 401
        assert code(made(*mayor)) == (403, "missing_scope")
        assert "vehicles:read" in made("webhooks:write").json()["detail"]
        assert made("webhooks:write", "vehicles:read").status_code == 201
        everything = ["tank_event.*", "advice.*"]
        lacking = made("webhooks:write", "vehicles:read", kinds=everything)
        assert "advice:read" in lacking.json()["detail"]
        full = ("webhooks:write", "vehicles:read", "advice:read")
        path = made(*full, kinds=everything).headers["Location"]
        # Nor may somebody else send elsewhere what he may not read.
        elsewhere = {"url": "https://elsewhere.example/"}
        less = bearer(them.key(*full[:2]).key)
        answer = client.patch(path, json=elsewhere, headers=less)
        assert code(answer) == (403, "missing_scope")
        assert client.patch(path, json=elsewhere, headers=bearer(them.key(*full).key)).is_success
