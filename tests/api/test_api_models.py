"""Makers and data scientists are told which models there are and what has drifted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from storage.registers import ensure_party
from telemetry_client import Client, NotFoundError
from tests.samples.model_rows import a_model, drift, drifted, evaluation
from tests.worlds.identity_world import World, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

TODAY = datetime.now(tz=UTC).date()
WEEK = TODAY - timedelta(days=TODAY.weekday() + 7)
"""The last whole one."""


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(migrated, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def client(made: World) -> Iterator[httpx2.Client]:
    with made.serving() as serving:
        yield serving


@pytest.fixture(scope="module")
def scientist(made: World) -> dict[str, str]:
    party = ensure_party(made.database.connection, "Institute", "data_science")
    return {"X-API-Key": made.key("models:read", party=party, role="data_scientist").key}


@pytest.fixture(scope="module")
def numbers(made: World) -> tuple[int, int]:
    """The champion, of which drift is known, and a candidate that few vehicles tell of."""
    connection = made.database.connection
    champion = a_model(connection)
    few = {"all": evaluation(vehicles=3)}
    candidate = a_model(connection, body=b"another", evaluation=few)
    a_model(connection, body=b"of one's own", kind="cruise")
    bias = {"of_what": "error", "name": "bias", "low": 2.1, "high": 3.9, "reference": -0.25}
    drifted(
        connection,
        champion,
        WEEK,
        drift(WEEK),
        drift(WEEK, name="ambient_c", value=0.41, drifted=True),
        drift(WEEK, **bias, value=3.0, limit=2.0, drifted=True),
    )
    before = WEEK - timedelta(weeks=12)
    drifted(connection, champion, before, drift(before))
    lately = WEEK + timedelta(weeks=1)
    drifted(connection, champion, lately, drift(lately, vehicles=2, drifted=None))
    return champion, candidate


def get(client: httpx2.Client, address: str, header: dict[str, str], **query: Any) -> Any:
    answer = client.get(address, headers=header, params=query or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_models_are_listed_the_newest_first_page_by_page(
    client: httpx2.Client, scientist: dict[str, str], numbers: tuple[int, int]
) -> None:
    listed = get(client, "/v1/models", scientist, kind="fuel", limit=1)
    (candidate,) = listed["models"]
    assert (candidate["model_id"], candidate["stage"]) == (numbers[1], "candidate")
    withheld = ("error_percent", "error_low", "error_high", "bias_percent", "coverage_percent")
    assert {candidate[name] for name in withheld} == {None}  # three vehicles would be recognised
    rest = get(client, listed["next"], scientist)
    assert rest["next"] is None
    (champion,) = rest["models"]
    assert champion | {"created_at": None} == {
        "model_id": numbers[0],
        "kind": "fuel",
        "stage": "champion",
        "created_at": None,
        "data_from": "2026-10-01",
        "data_to": "2026-10-28",
        "code_version": "0.1.0",
        "checksum": champion["checksum"],
        "vehicles": 12,
        "rows": 900,
        "error_percent": 4.5,
        "error_low": 4.0,
        "error_high": 5.0,
        "bias_percent": -0.25,
        "coverage_percent": 91.0,
        "drift_week": str(WEEK),
        "drifted": 2,
    }
    assert len(get(client, "/v1/models", scientist)["models"]) == 3


def test_drift_is_told_by_week_and_withheld_where_few_vehicles_tell(
    client: httpx2.Client, scientist: dict[str, str], numbers: tuple[int, int]
) -> None:
    address = f"/v1/models/{numbers[0]}/drift"
    told = get(client, address, scientist)["drift"]
    assert [(row["week"], row["of_what"], row["name"]) for row in told] == [
        (str(WEEK), "error", "bias"),
        (str(WEEK), "input", "ambient_c"),
        (str(WEEK), "input", "mass_t"),
    ]
    assert [row["drifted"] for row in told] == [True, True, False]
    assert (told[0]["low"], told[0]["high"], told[0]["reference"]) == (2.1, 3.9, -0.25)
    assert len(get(client, address, scientist, weeks=20)["drift"]) == 4
    assert get(client, f"/v1/models/{numbers[1]}/drift", scientist)["drift"] == []


def groups(told: Any, grouped_by: str) -> dict[str, int]:
    return {
        one["name"]: one["vehicles"] for one in told["groups"] if one["grouped_by"] == grouped_by
    }


def test_a_model_is_told_by_group_and_no_group_of_few_can_be_reckoned(
    made: World, client: httpx2.Client, scientist: dict[str, str]
) -> None:
    def told(classes: dict[str, int], regions: dict[str, int]) -> Any:
        """A model of so many vehicles in each class and region, as the API tells it."""
        of_it: dict[str, Any] = {"all": evaluation(vehicles=sum(classes.values()))}
        for key, found in (("by_vehicle_class", classes), ("by_region", regions)):
            of_it[key] = {name: evaluation(vehicles=number) for name, number in found.items()}
        number = a_model(
            made.database.connection, kind="groups", body=repr(of_it).encode(), evaluation=of_it
        )
        return get(client, f"/v1/models/{number}", scientist)

    found = told({"bus": 7, "heavy_truck": 30}, {"CN-31": 32, "CN-32": 3, "CN-33": 2})
    assert (found["error_percent"], found["error_low"], found["error_high"]) == (4.5, 4.0, 5.0)
    assert [one["grouped_by"] for one in found["groups"]] == ["vehicle_class"] * 2 + ["region"]
    assert groups(found, "vehicle_class") == {"heavy_truck": 30, "bus": 7}
    assert groups(found, "region") == {"CN-31": 32}  # five together are many enough
    assert found["groups"][0] == {
        "grouped_by": "vehicle_class", "name": "heavy_truck", "vehicles": 30, "rows": 900,
        "error_percent": 4.5, "error_low": 4.0, "error_high": 5.0, "bias_percent": -0.25,
        "coverage_percent": 91.0,
    }  # fmt: skip
    # What all are, less what is told, would be the three of Beijing: Zhejiang goes, too.
    found = told({"bus": 4, "car": 33}, {"CN-11": 3, "CN-33": 9, "CN-31": 25})
    assert groups(found, "vehicle_class") == {}
    assert groups(found, "region") == {"CN-31": 25}
    assert told({"bus": 4}, {})["groups"] == []


def test_the_python_client_is_told_the_same(
    made: World, client: httpx2.Client, numbers: tuple[int, int]
) -> None:
    party = ensure_party(made.database.connection, "Institute", "data_science")
    key = made.key("models:read", party=party, role="data_scientist").key
    with Client(str(client.base_url), api_key=key) as asking:
        listed = asking.models(kind="fuel")
        assert listed.index.tolist() == [numbers[1], numbers[0]]
        assert listed.loc[numbers[0], "error_high"] == 5.0
        assert listed.attrs["units"]["error_percent"] == "%"
        one = asking.model(numbers[0])
        assert (one.stage, one.error_low, one.groups) == ("champion", 4.0, [])
        drift = asking.model_drift(numbers[0], weeks=20)
        assert list(drift.index.unique()) == [
            pd.Timestamp(WEEK), pd.Timestamp(WEEK - timedelta(weeks=12))
        ]  # fmt: skip
        of_week = drift[drift.index == pd.Timestamp(WEEK)].set_index("name")
        air = of_week.loc["ambient_c"]
        assert (air["value"], air["drifted"]) == (0.41, True)
        assert of_week["vehicles"].tolist() == [9, 9, 9]
        assert asking.model_drift(numbers[1]).empty
        with pytest.raises(NotFoundError):
            asking.model(999999)


def test_to_nobody_else_is_there_a_model(
    made: World, client: httpx2.Client, scientist: dict[str, str], numbers: tuple[int, int]
) -> None:
    address = f"/v1/models/{numbers[0]}/drift"
    owner = {"X-API-Key": made.key("vehicles:read", "fleets:read").key}
    one = f"/v1/models/{numbers[0]}"
    for path in ("/v1/models", one, address):
        assert client.get(path, headers=owner).status_code == 403
    absent = client.get("/v1/models/999999999999/drift", headers=scientist)
    assert (absent.status_code, absent.json()["code"]) == (404, "unknown_model")
    for number in ("0", "abc", "9" * 19, "999999999999", str(2**63 - 1)):
        for path in (f"/v1/models/{number}", f"/v1/models/{number}/drift"):
            answer = client.get(path, headers=scientist)
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_model")
    # The database itself tells no other kind of party, whatever its key may do.
    told = made.database.connection.execute(
        "SELECT count(*) FROM served.models(%s, NULL, 9223372036854775807, 10)", (made.owner,)
    ).fetchone()
    assert told == (0,)
    for wrong in ({"weeks": 0}, {"weeks": "many"}, {"stage": "champion"}):
        answer = client.get(address, headers=scientist, params=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
