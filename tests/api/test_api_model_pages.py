"""The pages on models say what the API says: how good they are, and what drifts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from api.pages.model_figures import limited, spanned
from storage.registers import ensure_party
from tests.asking.browser_session import entered
from tests.asking.page_numbers import api, data
from tests.worlds.identity_world import world
from tests.worlds.models_world import DRIFTED, Models, models_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated
    from tests.worlds.identity_world import World

FIGURES = ("error_percent", "error_low", "error_high", "bias_percent", "coverage_percent")


@pytest.fixture(scope="module")
def identity(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    made = world(migrated, tmp_path_factory.mktemp("home"))
    institute = ensure_party(migrated.connection, "Institute", "data_science")
    made.account("lin", "data_scientist", party=institute)
    made.account("wu", "owner", party=made.owner)
    return made


@pytest.fixture(scope="module")
def served(identity: World) -> Iterator[httpx2.Client]:
    with identity.serving() as client:
        yield client


@pytest.fixture(scope="module")
def lin(served: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served, "lin")


@pytest.fixture(scope="module")
def nothing_yet(lin: httpx2.Client) -> str:
    """The page before there was a model."""
    return lin.get("/models").text


@pytest.fixture(scope="module")
def made(identity: World, nothing_yet: str) -> Models:
    assert nothing_yet
    return models_world(identity.database.connection)


def shown(told: dict[str, Any]) -> dict[str, list[float]]:
    """Figures of the API as the page has them; what is not known is no number there."""
    return {name: [told[name]] for name in FIGURES if told[name] is not None}


def test_before_a_model_is_trained_the_page_says_how(nothing_yet: str) -> None:
    assert "No model has been trained yet" in nothing_yet
    assert "telemetry train fuel" in nothing_yet
    assert "<table" not in nothing_yet


def test_all_models_are_shown_by_kind_with_the_numbers_of_the_api(
    lin: httpx2.Client, made: Models
) -> None:
    page = lin.get("/models").text
    order = [int(number) for number in re.findall(r'href="/models/(\d+)"', page)]
    assert order == [
        made.champion,
        made.candidate,
        made.own,
    ]  # the product's first, champions first
    told = {one["model_id"]: one for one in api(lin, "/v1/models")["models"]}
    assert told[made.champion]["error_high"] == 6.78
    found = data(lin, "/models").named
    for name in FIGURES:
        expected = [told[number][name] for number in order if told[number][name] is not None]
        assert found[name] == expected, name
    assert found["drifted"] == [told[made.champion]["drifted"]] == [len(DRIFTED) + 1]


def test_a_model_s_page_has_the_numbers_of_the_api(lin: httpx2.Client, made: Models) -> None:
    address = f"/models/{made.champion}"
    told, found = api(lin, f"/v1{address}"), data(lin, address).named
    assert {name: found[name] for name in FIGURES} == shown(told)
    for grouped_by, names in (("vehicle_class", ["heavy_truck", "bus"]), ("region", None)):
        groups = [one for one in told["groups"] if one["grouped_by"] == grouped_by]
        # Three cars are not told, nor are the 49 buses beside which they could be reckoned.
        if names is not None:
            assert [one["name"] for one in groups] == names[:1]
        for mine, theirs in (
            ("vehicles", "vehicles"),
            ("error", "error_percent"),
            ("error_low", "error_low"),
            ("error_high", "error_high"),
            ("bias", "bias_percent"),
            ("covered", "coverage_percent"),
        ):
            assert found[f"{grouped_by}_{mine}"] == [one[theirs] for one in groups]


def test_drift_is_shown_by_week_as_the_api_tells_it(lin: httpx2.Client, made: Models) -> None:
    address = f"/models/{made.champion}"
    drift = api(lin, f"/v1{address}/drift", weeks=12)["drift"]
    text, found = lin.get(address).text, data(lin, address).named
    by_name: dict[str, list[dict[str, Any]]] = {}
    for one in reversed(drift):
        by_name.setdefault(one["name"], []).append(one)
    for name, rows in by_name.items():
        assert [row["week"] for row in rows] == [str(week) for week in made.weeks]
        assert found[name] == [row["value"] for row in rows], name
    last = {name: rows[-1] for name, rows in by_name.items()}
    inputs = {name for name, one in last.items() if one["of_what"] == "input"}
    assert sorted(found["input_value"]) == sorted(last[name]["value"] for name in inputs)
    assert set(found["input_limit"]) == {0.2}
    assert found["input_value"][: len(DRIFTED)] == [last[name]["value"] for name in DRIFTED]
    for name in ("error", "bias"):
        one = last[name]
        mine = [found[f"{name}_{what}"][0] for what in ("now", "now_low", "now_high", "then")]
        assert mine == [one[key] for key in ("value", "low", "high", "reference")]
        assert found[f"{name}_limit"] == [one["limit"]]
    # The words are there before the picture, and name what has drifted.
    words = text[text.index('class="drifted-ones"') : text.index("<svg class")]
    assert "Air temperature: index" in words
    assert "Posted speed: index" in words
    assert "The bias is" in words
    assert words.count("<li>") == sum(one["drifted"] is True for one in last.values())


def test_where_nothing_is_known_of_drift_it_says_why(lin: httpx2.Client, made: Models) -> None:
    assert "Each run of analysis lets the champion" in lin.get(f"/models/{made.own}").text
    page = lin.get(f"/models/{made.candidate}").text
    assert "Drift is told by week of champions alone" in page
    assert "Nothing is told of groups" in page
    assert "<svg class" not in page


def test_an_owner_is_shown_no_way_and_no_page(served: httpx2.Client, made: Models) -> None:
    for wu in entered(served, "wu"):
        assert 'href="/models"' not in wu.get("/vehicles").text
        for address in ("/models", f"/models/{made.champion}"):
            assert wu.get(address).status_code == 403


# Pictures


def test_a_column_above_the_limit_reaches_above_its_line() -> None:
    picture = limited([0.1, None, 0.3, 0.0], 0.2)
    low, high, none = picture.columns
    assert high.y < picture.limit < low.y
    assert none.height > 0  # it is known, and seen
    assert low.x < high.x
    assert all(0 <= column.y <= 100 for column in picture.columns)


def test_an_interval_spans_from_its_low_to_its_high_around_its_value() -> None:
    picture = spanned([(5.0, 6.0, 8.0), None, (9.0, 9.0, 9.0)], [6.0, 7.5])
    span, point = picture.spans
    mark = picture.marks[0]
    assert span.y < mark.y + mark.height / 2 < span.y + span.height
    # The value of the first is the first level.
    assert mark.y + mark.height / 2 == pytest.approx(picture.levels[0], abs=0.1)
    assert point.height > 0
    assert picture.levels[1] < picture.levels[0]
