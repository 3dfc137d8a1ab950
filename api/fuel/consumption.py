"""Fuel as the API tells it: litres and their source, what was to be expected, and causes."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import isnan
from typing import Any, TypeVar

from pydantic import BaseModel, Field
from pydantic.config import JsonDict

from analytics.fuel.measures import litres_per_100_km
from analytics.fuel.prices import FuelPrices

Word = TypeVar("Word", bound=StrEnum)


class FuelSource(StrEnum):
    """Where litres come from."""

    COUNTER = "counter"
    RATE = "rate"
    TANK = "tank"
    MIXED = "mixed"


class ExpectedBy(StrEnum):
    """Who expected it."""

    MODEL = "model"
    PHYSICS = "physics"
    MIXED = "mixed"


class Cause(StrEnum):
    """Why more was needed than good driving of a sound vehicle needs."""

    IDLING = "idling"
    SPEED = "speed"
    HARSH = "harsh"
    GEARS = "gears"
    COASTING = "coasting"
    CRUISE = "cruise"
    TYRES = "tyres"
    AUXILIARY = "auxiliary"
    FAULT = "fault"
    REST = "rest"


class FuelCause(BaseModel):
    """What one cause took; those of all causes add up to the excess."""

    cause: Cause = Field(
        description="idling; speed; harsh (acceleration and braking); gears (and engine speed); "
        "coasting and cruise (control) not used; tyres (pressure); auxiliary (load); fault (of the "
        "vehicle); rest (what none of these explains).",
        examples=["idling"],
    )
    excess_l: float = Field(
        description="Beyond a good reference [L]; below 0: less than it.", examples=[18.4]
    )
    low_l: float = Field(
        description="The lower end of where that lies, at 90 % [L].", examples=[14.1]
    )
    high_l: float = Field(description="The upper end [L].", examples=[22.9])
    percent: float | None = Field(
        description="Of the fuel of the parts that were looked into [%]; null: it is not known.",
        examples=[2.6],
    )


class Expected(BaseModel):
    """What is usual with this load, on this road, in this traffic."""

    by: ExpectedBy = Field(
        description="A model that learnt from vehicles; physics alone, where a vehicle has too "
        "little data; or mixed.",
        examples=["model"],
    )
    expected_l: float = Field(
        description="Litres of the parts whose fuel is measured too [L].", examples=[655.0]
    )
    low_l: float = Field(
        description="The lower end of where that lies, at 90 % [L].", examples=[622.0]
    )
    high_l: float = Field(description="The upper end [L].", examples=[688.0])
    actual_l: float = Field(description="What these parts did need [L].", examples=[712.4])
    ratio: float | None = Field(
        description="Actual to expected: 1.09 is 9 % more than is usual; null where nothing is "
        "expected.",
        examples=[1.088],
    )
    ratio_low: float | None = Field(
        description="The lower end of where it lies, at 90 %.", examples=[1.035]
    )
    ratio_high: float | None = Field(description="The upper end.", examples=[1.145])


class Consumption(BaseModel):
    """Fuel of parts of trips, added up; null is what no part of them tells."""

    parts: int = Field(
        description="Parts of trips in it: what one driver drove of one trip.", examples=[21]
    )
    distance_km: float | None = Field(description="Driven [km].", examples=[2140.6])
    fuel_l: float | None = Field(
        description="Fuel used by the parts whose fuel is known [L].", examples=[712.4]
    )
    unmeasured_parts: int = Field(
        description="Parts whose fuel is not known: they are not in fuel_l, nor in what is per "
        "distance or load.",
        examples=[0],
    )
    source: FuelSource | None = Field(
        description="Where fuel_l comes from: the fuel counter, the integrated fuel rate, the tank "
        "level, or mixed.",
        examples=["counter"],
    )
    counter_l: float | None = Field(
        description="By the fuel counter, where it tells [L].", examples=[712.4]
    )
    rate_l: float | None = Field(
        description="By the integrated fuel rate, where it tells [L].", examples=[716.0]
    )
    tank_l: float | None = Field(
        description="By the tank level, where it tells [L].", examples=[690.0]
    )
    disagreement_percent: float | None = Field(
        description="How far counter, rate and tank are apart, of fuel_l [%], beyond what the "
        "level's noise explains, on the average of the litres; null where only one of them tells.",
        examples=[0.5],
    )
    l_per_100km: float | None = Field(description="[L/100 km]", examples=[33.3])
    l_per_100tkm: float | None = Field(
        description="Per 100 tonne-kilometres of payload [L/100 t·km], empty running included; "
        "null where the load is not known, or nothing was carried.",
        examples=[1.9],
    )
    co2_kg: float | None = Field(
        description="Of burning fuel_l, tank to wheel [kg].", examples=[1880.7]
    )
    cost: float | None = Field(description="Of fuel_l, in `currency`.", examples=[5343.0])
    currency: str = Field(description="ISO 4217.", examples=["CNY"])
    idle_fuel_l: float | None = Field(
        description="Standing, without power take-off [L].", examples=[31.0]
    )
    pto_fuel_l: float | None = Field(
        description="Standing, with a power take-off [L].", examples=[0.0]
    )
    moving_fuel_l: float | None = Field(description="All else: in motion [L].", examples=[681.4])
    regeneration_fuel_l: float | None = Field(
        description="Into the exhaust, to clean its filter [L].", examples=[2.1]
    )
    mass_t_km: float | None = Field(
        description="Gross mass moved, where it is known [t·km].", examples=[66100.0]
    )
    payload_t_km: float | None = Field(
        description="Payload moved, where it is known [t·km].", examples=[37500.0]
    )
    empty_km: float = Field(
        description="Driven empty, where the load is known [km].", examples=[310.0]
    )
    loaded_km: float = Field(
        description="Driven loaded, where the load is known [km].", examples=[1830.0]
    )
    load_known_km: float = Field(description="Where the load is known [km].", examples=[2140.0])
    engine_s: float = Field(description="Engine on [s].", examples=[151_200.0])
    idle_s: float = Field(description="Engine on, standing [s].", examples=[18_700.0])
    driving_s: float = Field(description="In motion [s].", examples=[131_000.0])
    stops: int = Field(description="How often it came to a stand.", examples=[164])
    ascent_m: float | None = Field(description="Climbed [m].", examples=[5400.0])
    expected: Expected | None = Field(
        description="What was to be expected; null where no part's is known."
    )
    excess_l: float | None = Field(
        description="What was needed beyond a good reference, the sum of `causes` [L]; null where "
        "nothing was looked into.",
        examples=[57.4],
    )
    causes: list[FuelCause] = Field(description="Why, the dearest first; empty: not known.")
    missing: list[str] = Field(
        description="What could not be taken into account in some part, and makes all of it less "
        "sure: load, empty_mass (that payload needs), gradient, counter, rate, speed_limit, "
        "tyre_pressure, torque.",
        examples=[["gradient"]],
    )


EXAMPLE: JsonDict = {
    "parts": 21,
    "distance_km": 2140.6,
    "fuel_l": 712.4,
    "unmeasured_parts": 0,
    "source": "counter",
    "counter_l": 712.4,
    "rate_l": 716.0,
    "tank_l": 690.0,
    "disagreement_percent": 0.5,
    "l_per_100km": 33.3,
    "l_per_100tkm": 1.9,
    "co2_kg": 1880.7,
    "cost": 5343.0,
    "currency": "CNY",
    "idle_fuel_l": 31.0,
    "pto_fuel_l": 0.0,
    "moving_fuel_l": 681.4,
    "regeneration_fuel_l": 2.1,
    "mass_t_km": 66100.0,
    "payload_t_km": 37500.0,
    "empty_km": 310.0,
    "loaded_km": 1830.0,
    "load_known_km": 2140.0,
    "engine_s": 151_200.0,
    "idle_s": 18_700.0,
    "driving_s": 131_000.0,
    "stops": 164,
    "ascent_m": 5400.0,
    "expected": {
        "by": "model",
        "expected_l": 655.0,
        "low_l": 622.0,
        "high_l": 688.0,
        "actual_l": 712.4,
        "ratio": 1.088,
        "ratio_low": 1.035,
        "ratio_high": 1.145,
    },
    "excess_l": 57.4,
    "causes": [
        {"cause": "speed", "excess_l": 39.0, "low_l": 30.2, "high_l": 47.1, "percent": 5.5},
        {"cause": "idling", "excess_l": 18.4, "low_l": 14.1, "high_l": 22.9, "percent": 2.6},
    ],
    "missing": ["gradient"],
}

_AS_THEY_ARE = (
    "parts",
    "distance_km",
    "fuel_l",
    "counter_l",
    "rate_l",
    "tank_l",
    "disagreement_percent",
    "idle_fuel_l",
    "pto_fuel_l",
    "moving_fuel_l",
    "regeneration_fuel_l",
    "mass_t_km",
    "payload_t_km",
    "ascent_m",
    "missing",
)
_NONE_IS_0 = ("empty_km", "loaded_km", "load_known_km", "engine_s", "idle_s", "driving_s", "stops")


def told(
    sums: Mapping[str, Any], causes: Sequence[Mapping[str, Any]], prices: FuelPrices
) -> dict[str, Any]:
    """The fields of a Consumption.

    Args:
        sums: as fuel_sums of 0010_served_fuel.sql gives them.
        causes: rows of cause, litres, low_l, high_l.
        prices: what a litre costs and emits.
    """
    fuel_l = sums["fuel_l"]
    return {
        **{name: sums[name] for name in _AS_THEY_ARE},
        **{name: sums[name] or 0 for name in _NONE_IS_0},
        "unmeasured_parts": sums["parts"] - sums["fuel_parts"],
        "source": _one_of(FuelSource, sums["fuel_sources"]),
        "l_per_100km": over_distance(sums["fuel_of_km_l"], sums["fuel_km"]),
        "l_per_100tkm": _quotient(sums["payload_fuel_l"], sums["fuelled_t_km"], 100),
        "co2_kg": None if fuel_l is None else fuel_l * prices.fuel_co2_kg_l,
        "cost": None if fuel_l is None else fuel_l * prices.fuel_price,
        "currency": prices.fuel_currency,
        "expected": _expected(sums),
        "excess_l": sum(cause["litres"] for cause in causes) if causes else None,
        "causes": [_cause(cause, sums["attributed_l"]) for cause in causes],
    }


def over_distance(litres: float | None, km: float | None) -> float | None:
    """Litres for 100 km; None where one of the two is not known, or it did not drive."""
    if litres is None or km is None:
        return None
    found = litres_per_100_km(litres, km)
    return None if isnan(found) else found


def _expected(sums: Mapping[str, Any]) -> Expected | None:
    by = _one_of(ExpectedBy, sums["expected_by"])
    if by is None:
        return None
    actual_l = sums["compared_l"]
    return Expected(
        by=by,
        expected_l=sums["expected_l"],
        low_l=sums["expected_low_l"],
        high_l=sums["expected_high_l"],
        actual_l=actual_l,
        ratio=_quotient(actual_l, sums["expected_l"]),
        ratio_low=_quotient(actual_l, sums["expected_high_l"]),
        ratio_high=_quotient(actual_l, sums["expected_low_l"]),
    )


def _cause(cause: Mapping[str, Any], fuel_l: float | None) -> FuelCause:
    return FuelCause(
        cause=Cause(cause["cause"]),
        excess_l=cause["litres"],
        low_l=cause["low_l"],
        high_l=cause["high_l"],
        percent=_quotient(cause["litres"], fuel_l, 100),
    )


def _one_of(words: type[Word], names: Sequence[str] | None) -> Word | None:
    """The one word of these names, `mixed` of several, None of none."""
    if not names:
        return None
    return words(names[0] if len(names) == 1 else "mixed")


def _quotient(above: float | None, below: float | None, times: float = 1) -> float | None:
    """A quotient; None where one of the two is not known, or there is nothing to divide by."""
    if above is None or below is None or below <= 0:
        return None
    return times * above / below
