"""The data scientist's pages and what they show: aggregates alone, equal to the API's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import pytest

from tests.asking.browser_session import OURS, entered, page_token
from tests.asking.page_numbers import api
from tests.worlds.pages_world import FOREIGN_VIN, VINS
from tests.worlds.science_world import PURPOSE, SIGNALS, ScienceWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.worlds.pages_world import PagesWorld

SPAN = {"first": "2026-10-25", "last": "2026-11-01"}
API_SPAN = {"data_from": "2026-10-25T00:00:00Z", "data_until": "2026-11-02T00:00:00Z"}
WISH = {
    "names": "wheel_speed,latitude",
    **SPAN,
    "resolution": "60",
    "name": "Put together",
    "purpose": PURPOSE,
    "party": "Institute",
    "valid_until": "2089-01-01",
}


@pytest.fixture(scope="module")
def pages(science: ScienceWorld) -> PagesWorld:
    return science.pages


@pytest.fixture(scope="module")
def lin(served_pages: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served_pages, "lin")


@pytest.fixture(scope="module")
def maker(served_pages: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served_pages, "maker")


def spread(client: httpx2.Client, signal: str) -> dict[str, Any]:
    return dict(api(client, f"/v1/catalogue/signals/{signal}/spread"))


def numbers(page: str) -> dict[str, list[float]]:
    """The numbers of a page by what they are of."""
    found: dict[str, list[float]] = {}
    for value, name in re.findall(r'<data value="([^"]+)" data-of="(\w+)"', page):
        found.setdefault(name, []).append(float(value))
    return found


# What is told of signals


def test_an_owner_is_told_the_spread_of_its_own_vehicles(
    science: ScienceWorld, owner: httpx2.Client
) -> None:
    found = spread(owner, "wheel_speed")
    assert found["state"] == "told"
    assert found["vehicles"] == len(VINS)
    # The last truck has never told anything.
    assert found["vehicles_share"] == round((len(VINS) - 1) / len(VINS), 3)
    assert {one["model"]: one["vehicles"] for one in found["models"]} == {"J6P": 6, "JH6": 2}
    rows = science.pages.database.connection.execute(
        "SELECT wheel_speed FROM signal_motion JOIN vehicle USING (vehicle_id)"
        " WHERE vin = ANY (%s) AND wheel_speed IS NOT NULL",
        (VINS,),
    ).fetchall()
    values = np.array([row[0] for row in rows])
    assert values.min() <= found["p1"] <= found["p50"] <= found["p99"] <= values.max()
    assert found["bins"][0]["low"] >= values.min()
    assert found["bins"][-1]["high"] <= values.max() + 1e-3
    assert sum(one["share"] for one in found["bins"]) == pytest.approx(1, abs=1e-4)


def test_a_research_party_is_told_of_no_fewer_vehicles_than_a_dataset_has(
    lin: httpx2.Client,
) -> None:
    found = spread(lin, "wheel_speed")
    # JH6 has two vehicles, South's one has no model: with the smallest named model they are "all
    # others", for the difference would tell of three.
    assert [(one["model"], one["others"]) for one in found["models"]] == [(None, True)]
    assert all(one["vehicles"] >= 5 for one in found["models"])
    told = [found, *found["models"]]
    assert all(one["vehicles"] % 5 == 0 for one in told)
    assert all((one["vehicles"] * one["vehicles_share"]) % 5 == pytest.approx(0) for one in told)
    assert len(str(found["rows"]).rstrip("0")) <= 2
    assert all(one["share"] is None or one["share"] > 0 for one in found["bins"])


def digits(number: float) -> int:
    """Significant ones."""
    return len(f"{number:.12g}".replace(".", "").strip("0"))


def test_a_research_party_is_told_vehicles_and_what_is_of_them_in_steps(
    lin: httpx2.Client,
) -> None:
    # Nine vehicles, of which seven or eight have told a speed: as five of five.
    found = spread(lin, "wheel_speed")
    (others,) = found["models"]
    for told in (found, others):
        assert (told["vehicles"], told["vehicles_share"]) == (5, 1)
        assert told["rows_share"] is None or digits(told["rows_share"]) <= 2
    # No more than so many vehicles have in 30 rows of each of 24 hours.
    assert digits(found["rows"]) <= 2
    assert found["rows"] <= 5 * 30 * 24
    assert all(digits(one["share"]) <= 2 for one in found["bins"] if one["share"])
    choices = api(lin, "/v1/datasets/choices")
    assert [one["vehicles"] for one in (*choices["models"], *choices["regions"])] == [5, 5]


def test_one_vehicle_more_or_less_is_not_told_to_a_research_party(
    science: ScienceWorld, lin: httpx2.Client
) -> None:
    connection = science.pages.database.connection
    asked = {"names": "wheel_speed,latitude", "resolution": 60, **API_SPAN}

    def told() -> list[Any]:
        found = spread(lin, "latitude")
        seen = [found[key] for key in ("vehicles", "vehicles_share", "rows_share")]
        preview = api(lin, "/v1/datasets/preview", **asked)
        seen += [preview[key] for key in ("vehicles", "vehicle_days", "rows", "signals")]
        return [*seen, found["models"], api(lin, "/v1/datasets/choices")]

    def register(vin: str) -> None:
        connection.execute(
            "INSERT INTO vehicle (vin, check_digit_ok, registered_by)"
            " VALUES (%s, true, 'register')",
            (vin,),
        )

    vins = [f"LSGAA11112A0009{number:02}" for number in range(4)]
    try:
        register(vins[0])
        register(vins[1])
        eleven = told()
        assert eleven[:2] == [10, 0.5]
        for vin in vins[2:]:
            register(vin)
            assert told() == eleven
    finally:
        connection.execute("DELETE FROM vehicle WHERE vin = ANY (%s)", (vins,))


def test_the_ends_of_a_spread_are_reached_by_as_many_vehicles(
    science: ScienceWorld, lin: httpx2.Client, owner: httpx2.Client
) -> None:
    # One truck drove up to 87 km/h, all others told a value or two: what it alone told is cut off.
    connection = science.pages.database.connection
    highest = sorted(
        float(row[0])
        for row in connection.execute(
            "SELECT max(wheel_speed) FROM signal_motion WHERE wheel_speed IS NOT NULL"
            " GROUP BY vehicle_id"
        ).fetchall()
    )
    found = spread(lin, "wheel_speed")
    if found["state"] == "told":
        assert found["bins"][-1]["high"] <= highest[-5] + 1e-3
    else:
        assert found["state"] == "too_few"
    assert spread(owner, "wheel_speed")["bins"][-1]["high"] >= highest[-5]


@pytest.mark.parametrize(
    ("signal", "state"),
    [
        ("driver1_working_state", "never"),
        ("heading", "never"),
        ("latitude", "availability"),
        ("odometer", "availability"),
        ("axle_load_7", "nothing"),
    ],
)
def test_what_no_dataset_tells_no_spread_tells(lin: httpx2.Client, signal: str, state: str) -> None:
    if signal == "axle_load_7":
        listed = api(lin, "/v1/catalogue", group="body_electrics")["signals"]
        signal = next(
            one["name"]
            for one in listed
            if one["kind"] == "sample" and spread(lin, one["name"])["vehicles_share"] == 0
        )
    found = spread(lin, signal)
    assert found["state"] == state
    assert (found["p1"], found["p50"], found["p99"], found["bins"]) == (None, None, None, [])


def test_a_signal_s_page_says_what_the_api_says(lin: httpx2.Client, owner: httpx2.Client) -> None:
    for client in (lin, owner):
        found = spread(client, "wheel_speed")
        page = numbers(client.get("/catalogue/wheel_speed").text)
        assert page["vehicles"] == [found["vehicles"]]
        assert page.get("p50", [None]) == [found["p50"]]


@pytest.mark.parametrize("words", ["wheel speed", "车轮车速", "Vehicle.Speed", "SPN84", "84"])
def test_a_signal_is_found_by_either_language_its_path_or_its_spn(
    lin: httpx2.Client, words: str
) -> None:
    page = lin.get("/catalogue", params={"q": words}).text
    assert 'href="/catalogue/wheel_speed"' in page
    assert len(re.findall(r'href="/catalogue/\w+"', page)) == len(
        api(lin, "/v1/catalogue", search=words)["signals"][:60]
    )


# What is told of datasets that may be


def test_a_preview_is_what_the_dataset_then_is(maker: httpx2.Client) -> None:
    asked = {"names": "wheel_speed,latitude", "models": "J6P", "resolution": 60, **API_SPAN}
    found = api(maker, "/v1/datasets/preview", party="Institute", **asked)
    definition = {
        "name": "As previewed", "purpose": PURPOSE, "party": "Institute", "models": ["J6P"],
        "valid_until": "2089-01-01T00:00:00Z", "signals": ["wheel_speed", "latitude"],
        "resolution_s": 60, "trips": True, **API_SPAN,
    }  # fmt: skip
    headers = OURS | {"x-csrf-token": page_token(maker, "/datasets")}
    answer = maker.post("/v1/datasets", json=definition, headers=headers)
    assert answer.status_code == 201, answer.text
    address = answer.headers["location"]
    counts = api(maker, address)["counts"]
    assert (found["state"], found["vehicles"]) == ("enough", counts["vehicles"])
    assert found["vehicle_days"] == counts["vehicle_days"]
    trips = api(maker, f"{address}/trips")["trips"]
    steps = sum(1 + one["duration_s"] / 60 for one in trips)
    assert found["rows"] == pytest.approx(steps, rel=0.06)  # told to two digits
    # The first rows are those of some vehicle, but for its pseudonym.
    rows = api(
        maker, f"{address}/signals", names="wheel_speed,latitude", limit=5000
    )["vehicles"]  # fmt: skip
    real = {
        (time, *values)
        for one in rows
        for time, *values in zip(
            one["time"], *(series["values"] for series in one["signals"]), strict=True
        )
    }
    first = [(row["time"], *row["values"]) for row in found["first_rows"]]
    assert first
    assert set(first) <= real


def test_a_preview_leaves_no_dataset_behind(science: ScienceWorld, maker: httpx2.Client) -> None:
    count = "SELECT count(*) FROM dataset"
    before = science.pages.database.connection.execute(count).fetchall()
    asked = {"names": "wheel_speed", "resolution": 60, **API_SPAN}
    api(maker, "/v1/datasets/preview", party="Institute", **asked)
    assert science.pages.database.connection.execute(count).fetchall() == before


@pytest.mark.parametrize(
    ("models", "state"), [("JH6", "too_few"), ("no such model", "nothing"), ("J6P", "enough")]
)
def test_a_preview_of_few_vehicles_is_withheld(lin: httpx2.Client, models: str, state: str) -> None:
    asked = {"names": "wheel_speed", "resolution": 60, "models": models, **API_SPAN}
    found = api(lin, "/v1/datasets/preview", party="Institute", **asked)
    assert found["state"] == state
    assert (found["vehicles"] is None) == (state != "enough")
    assert found["first_rows"] == []  # no row of a vehicle before there is a dataset
    if state == "enough":
        assert found["vehicles"] % 5 == 0


def test_only_models_and_regions_of_enough_vehicles_are_named_to_a_research_party(
    lin: httpx2.Client, owner: httpx2.Client
) -> None:
    assert [one["name"] for one in api(lin, "/v1/datasets/choices")["models"]] == ["J6P"]
    assert [one["name"] for one in api(lin, "/v1/datasets/choices")["regions"]] == ["CN-31"]
    named = api(owner, "/v1/datasets/choices")
    assert {one["name"] for one in named["regions"]} == {"CN-31", "CN-11"}


def test_an_owner_s_survey_has_nothing_of_others(owner: httpx2.Client) -> None:
    asked = {"names": "wheel_speed", "resolution": 60, **API_SPAN}
    assert api(owner, "/v1/datasets/preview", **asked)["vehicles"] == len(VINS)


# The builder


def test_the_builder_shows_what_the_api_previews(lin: httpx2.Client, maker: httpx2.Client) -> None:
    for client in (lin, maker):
        asked = {"names": "wheel_speed,latitude", "resolution": 60, **API_SPAN}
        found = api(client, "/v1/datasets/preview", party="Institute", **asked)
        page = numbers(client.get("/datasets/new", params=WISH).text)
        for name in ("vehicles", "vehicle_days", "rows", "size_bytes"):
            assert page[name] == [found[name]], name


@pytest.mark.parametrize(
    ("model", "words"),
    [("JH6", "Withheld: too few vehicles"), ("No such", "Nothing matches")],
)
def test_the_builder_says_why_there_would_be_none(
    lin: httpx2.Client, model: str, words: str
) -> None:
    assert words in lin.get("/datasets/new", params=WISH | {"model": model}).text


def define(client: httpx2.Client, **others: str) -> httpx2.Response:
    address = f"/datasets/new?{urlencode(WISH | others)}"
    return client.post(address, data={"csrf": page_token(client, "/datasets")}, headers=OURS)


def test_who_may_open_data_defines_from_the_page(maker: httpx2.Client, lin: httpx2.Client) -> None:
    answer = define(maker, model="J6P")
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert "Put together" in lin.get(address).text
    found = api(lin, f"/v1{address}")
    assert (found["purpose"], found["counts"]["vehicles"]) == (PURPOSE, 6)
    again = define(maker, model="J6P")
    assert again.status_code == 422
    assert "has this name" in again.text


def test_a_data_scientist_hands_the_choice_over_and_defines_nothing(lin: httpx2.Client) -> None:
    page = lin.get("/datasets/new", params=WISH).text
    assert "Define it" not in page
    assert "purpose=a+model" in page  # the address to hand over
    assert define(lin).status_code == 403


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"names": "no_such_signal"}, "is not in the catalogue"),
        ({"names": "heading"}, "not what speaks of the driver"),
        ({"party": "Nobody"}, "no research party"),
        ({"name": ""}, "needs a name"),
        ({"first": "2026-11-09"}, "before the first"),
        ({"valid_until": "2020-01-01"}, "use a later day"),
        ({"model": "JH6"}, "too few vehicles"),
        ({"resolution": "7"}, "must divide a day"),
    ],
)
def test_what_is_wrong_with_a_wish_is_said_on_the_page(
    maker: httpx2.Client, wish: dict[str, str], words: str
) -> None:
    answer = define(maker, **{"name": "Another"} | wish)
    assert answer.status_code == 422
    fault = re.search(r'role="alert">(.*?)</p>', answer.text)
    assert fault is not None
    assert words in fault.group(1)


# How pages are sent


def test_pages_come_compressed_and_their_token_looks_different_in_each(
    lin: httpx2.Client,
) -> None:
    assert lin.get("/datasets").headers["content-encoding"] == "gzip"
    tokens = {page_token(lin, "/datasets") for _ in range(3)}
    assert len(tokens) == 3


# Datasets


def test_the_first_page_of_a_data_scientist_is_the_datasets(lin: httpx2.Client) -> None:
    answer = lin.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/datasets")


def test_the_list_has_each_dataset_with_its_state(
    science: ScienceWorld, lin: httpx2.Client
) -> None:
    page = lin.get("/datasets").text
    shown = {int(number) for number in re.findall(r'href="/datasets/(\d+)"', page)}
    listed = {one["dataset_id"] for one in api(lin, "/v1/datasets")["datasets"]}
    assert shown == listed
    assert science.foreign not in shown
    assert lin.get(f"/datasets/{science.foreign}").status_code == 404


def test_a_dataset_that_is_being_prepared_is_told_to_who_defined_it(
    science: ScienceWorld, owner: httpx2.Client
) -> None:
    assert "Being prepared" in owner.get(f"/datasets/{science.not_yet}").text


def test_a_dataset_of_too_few_vehicles_is_withheld(
    science: ScienceWorld, lin: httpx2.Client
) -> None:
    page = lin.get(f"/datasets/{science.withheld}").text
    assert "Withheld" in page
    assert "<pre" not in page
    assert numbers(page) == {}


def test_a_dataset_s_page_says_what_the_api_says(science: ScienceWorld, lin: httpx2.Client) -> None:
    counts = api(lin, f"/v1/datasets/{science.dataset}")["counts"]
    text = lin.get(f"/datasets/{science.dataset}").text
    assert numbers(text) == {name: [value] for name, value in counts.items()}
    for vin in (*VINS, FOREIGN_VIN):
        assert vin not in text
    # Its first rows are of a pseudonym, and what the API has first of it.
    vehicle = re.search(r'title="([0-9a-f]{32})"', text)
    assert vehicle is not None
    rows = api(
        lin,
        f"/v1/datasets/{science.dataset}/signals",
        names=",".join(SIGNALS),
        vehicles=vehicle.group(1),
        limit=1,
    )["vehicles"][0]
    assert rows["time"][0][:16].replace("T", " ") in text


def test_the_code_of_a_dataset_s_page_loads_it(science: ScienceWorld, lin: httpx2.Client) -> None:
    page = lin.get(f"/datasets/{science.dataset}").text
    code = re.search(r'<pre id="curl"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert code is not None
    address = re.search(r"'http://[^/]*(/v1/[^']*)'", code.group(1))
    assert address is not None
    answer = lin.get(
        address.group(1).replace("&amp;", "&"),
        headers=OURS | {"accept": "application/vnd.apache.parquet"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.content[:4] == b"PAR1"
    python = re.search(r'<pre id="python"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert python is not None
    compile(python.group(1).replace("&#34;", '"'), "page", "exec")
