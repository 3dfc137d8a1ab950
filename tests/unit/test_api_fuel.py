"""Fuel as it is told, the language of texts, and the words of refusals, without a database."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from analytics.advice import KINDS
from analytics.fuel.prices import FuelPrices
from api import problem_answers
from api.advice import told as advice_told
from api.advice.evidence import evidence
from api.advice.text import Unit
from api.app import create_app
from api.codes import Code
from api.fuel import consumption
from api.fuel.consumption import Cause, Consumption
from api.language import CODES
from api.settings import ApiSettings
from storage.answers_fuel import Advice
from storage.served_errors import UnknownAdviceError
from tests.asking.api_fixture import UNREACHABLE

NOTHING: dict[str, Any] = {
    "parts": 1,
    "fuel_parts": 0,
    "distance_km": None,
    "fuel_l": None,
    "fuel_km": None,
    "fuel_of_km_l": None,
    "fuel_sources": None,
    "counter_l": None,
    "rate_l": None,
    "tank_l": None,
    "disagreement_percent": None,
    "idle_fuel_l": None,
    "pto_fuel_l": None,
    "moving_fuel_l": None,
    "regeneration_fuel_l": None,
    "mass_t_km": None,
    "payload_t_km": None,
    "payload_fuel_l": None,
    "fuelled_t_km": None,
    "empty_km": 0,
    "loaded_km": 0,
    "load_known_km": 0,
    "engine_s": 0,
    "idle_s": 0,
    "driving_s": 0,
    "stops": 0,
    "ascent_m": None,
    "compared_l": None,
    "expected_l": None,
    "expected_low_l": None,
    "expected_high_l": None,
    "expected_by": None,
    "attributed_l": None,
    "missing": [],
}
"""What fuel_sums says of a part of which nothing is known."""


def told(causes: list[dict[str, Any]] | None = None, **sums: Any) -> Consumption:
    return Consumption(**consumption.told(NOTHING | sums, causes or [], FuelPrices()))


def test_of_nothing_nothing_is_told() -> None:
    answer = told()
    assert answer.unmeasured_parts == 1
    for name in ("fuel_l", "source", "l_per_100km", "l_per_100tkm", "co2_kg", "cost", "expected"):
        assert getattr(answer, name) is None, name
    assert (answer.excess_l, answer.causes, answer.missing) == (None, [], [])


@pytest.mark.parametrize(
    ("sums", "l_per_100km"),
    [
        ({"fuel_of_km_l": 30.0, "fuel_km": 100.0}, 30.0),
        ({"fuel_of_km_l": 0.0, "fuel_km": 100.0}, 0.0),
        ({"fuel_of_km_l": 2.0, "fuel_km": 0.0}, None),  # it idled
        ({"fuel_of_km_l": 2.0, "fuel_km": None}, None),
    ],
)
def test_nothing_is_divided_by_nothing(sums: dict[str, Any], l_per_100km: float | None) -> None:
    assert told(**sums).l_per_100km == l_per_100km


@pytest.mark.parametrize(
    ("sources", "source"),
    [(None, None), (["tank"], "tank"), (["counter", "rate"], "mixed")],
)
def test_several_sources_are_mixed(sources: list[str] | None, source: str | None) -> None:
    assert told(fuel_sources=sources).source == source


def test_a_ratio_is_as_unsure_as_what_was_expected() -> None:
    answer = told(
        expected_by=["model"],
        compared_l=110.0,
        expected_l=100.0,
        expected_low_l=0.0,
        expected_high_l=220.0,
    ).expected
    assert answer is not None
    assert answer.ratio == pytest.approx(1.1)
    assert answer.ratio_low == pytest.approx(0.5)
    assert answer.ratio_high is None  # nothing at all may have been expected: there is no end


@given(
    st.lists(
        st.tuples(st.sampled_from(Cause), st.floats(-50, 50), st.floats(0, 20)),
        min_size=1,
        max_size=10,
        unique_by=lambda one: one[0],
    ),
    st.floats(1, 1000),
)
def test_causes_add_up_and_their_percents_with_them(
    causes: list[tuple[Cause, float, float]], fuel_l: float
) -> None:
    rows = [
        {"cause": cause, "litres": litres, "low_l": litres - reach, "high_l": litres + reach}
        for cause, litres, reach in causes
    ]
    answer = told(rows, attributed_l=fuel_l)
    excess_l = math.fsum(one.excess_l for one in answer.causes)
    assert answer.excess_l == pytest.approx(excess_l)
    percents = [one.percent for one in answer.causes if one.percent is not None]
    assert math.fsum(percents) == pytest.approx(100 * excess_l / fuel_l, abs=1e-9)
    assert all(one.low_l <= one.excess_l <= one.high_l for one in answer.causes)


def test_every_cause_and_unit_of_analysis_has_its_word_here() -> None:
    of_fuel = {name for name, kind in KINDS.items() if kind.unit == "l"} - {"stops"}
    assert set(Cause) == of_fuel | {"rest"}
    assert {kind.unit for kind in KINDS.values()} <= set(Unit)


@pytest.mark.parametrize(
    ("name", "value"),
    [("FUEL_PRICE", "-1"), ("FUEL_CURRENCY", "yuan"), ("FUEL_CO2_KG_L", "nan")],
)
def test_a_price_that_is_none_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"TELEMETRY_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        ApiSettings()


def test_prices_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_FUEL_PRICE", "1.62")
    monkeypatch.setenv("TELEMETRY_FUEL_CURRENCY", "EUR")
    settings = ApiSettings()
    assert (settings.fuel_price, settings.fuel_currency) == (1.62, "EUR")
    assert settings.fuel_co2_kg_l == FuelPrices().fuel_co2_kg_l


def advice(**others: Any) -> Advice:
    fields: dict[str, Any] = {
        "advice_id": 1,
        "vin": None,
        "driver_id": 17,
        "week": date(2026, 10, 26),
        "time_zone": "Asia/Shanghai",
        "start_time": datetime(2026, 10, 25, 16, tzinfo=UTC),
        "end_time": datetime(2026, 11, 1, 16, tzinfo=UTC),
        "cause": "idling",
        "variant": 0,
        "saving_l": 18.0,
        "low_l": 14.0,
        "high_l": 22.0,
        "distance_km": 2140.6,
        "fuel_l": 712.4,
        "confidence": "high",
        "effort": "low",
        "facts": {"idle_h": 5.2, "idle_fuel_l": 31.0, "share_percent": 2.6},
        "evidence": {},
        "status": "given",
        "status_at": datetime(2026, 11, 2, tzinfo=UTC),
        "given_at": datetime(2026, 11, 2, tzinfo=UTC),
        "may_answer": True,
        "result": None,
    }
    return Advice(**fields | others)


@pytest.mark.parametrize("language", CODES)
def test_every_variant_is_told_in_every_language(language: str) -> None:
    titles = set()
    for variant in range(3):
        piece = advice_told.summary(advice(variant=variant), language, FuelPrices())
        assert piece.text is not None
        titles.add(piece.text.title)
        assert piece.saving is not None
        assert (piece.saving.value, piece.saving.money) == (18.0, 18.0 * FuelPrices().fuel_price)
    assert len(titles) == 3


@pytest.mark.parametrize("others", [{"cause": "flying"}, {"saving_l": None}, {"facts": {}}])
def test_what_cannot_be_put_in_words_is_told_without(others: dict[str, Any]) -> None:
    piece = advice_told.summary(advice(**others), "en", FuelPrices())
    assert (piece.text, piece.saving) == (None, None)
    assert (piece.advice_id, piece.week) == (1, "2026-W44")


def test_evidence_may_be_missing() -> None:
    assert evidence({}).model_dump() == {"parts": [], "chart": None}


def test_advice_that_is_not_there_is_a_404_of_its_own() -> None:
    refusal = problem_answers.of_error(UnknownAdviceError("What was asked for is not there."))
    assert (refusal.status, refusal.code) == (404, Code.UNKNOWN_ADVICE)


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST", "DELETE"])
def test_an_address_names_the_methods_it_takes(method: str) -> None:
    app = create_app(ApiSettings(), SecretStr(UNREACHABLE))

    async def ask(address: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, address)

    answer = asyncio.run(ask("/v1/vehicles"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    of_a_piece = asyncio.run(ask("/v1/advice/1"))
    if method == "PATCH":
        assert of_a_piece.status_code == 503  # it is taken, and there is no database
    else:
        assert (of_a_piece.status_code, of_a_piece.headers["allow"]) == (405, "GET, PATCH")
