"""Rows of table advice with everything there can be, for tests of what is told of them."""

from __future__ import annotations

from typing import Any

from analytics.advice import KINDS, LANGUAGES, render
from analytics.advice.texts import variants
from tests.samples.advice_weeks import COST, MONDAY, ZONE

FACTS: dict[str, Any] = {
    "share_percent": 2.04,
    "idle_h": 9.53,
    "idle_fuel_l": 31.0,
    "soft_percent": 12.3,
    "kw": 1.94,
    "rise_percent": 4.17,
    "overspeed_percent": 6.0,
    "harsh_count": 23,
    "green_band_percent": 61.0,
    "coasting_percent": 4.0,
    "cruise_percent": 12.0,
    "value": 4.0,
    "empty_km": 2000.0,
    "empty_percent": 50.0,
    "usual_percent": 20.0,
    "empty_fuel_l": 450.0,
    "payload_t": 10.4,
    "full_t": 32.0,
    "load_percent": 32.5,
    "loaded_km": 4000.0,
    "driving_h": 55.0,
    "stops": 38,
    "runs": 5,
    "window_h": [10, 16],
    "missing": ["load", "gradient", "counter", "rate", "speed_limit", "tyre_pressure", "torque"],
}


def row(cause: str, variant: int = 0, **columns: Any) -> dict[str, Any]:
    """A row of table advice with everything there can be."""
    litres = KINDS[cause].unit == "l"
    return {
        "cause": cause,
        "variant": variant,
        "week": MONDAY,
        "time_zone": ZONE,
        "saving_l": 18.2 if litres else None,
        "low_l": 12.4 if litres else None,
        "high_l": 25.1 if litres else None,
        "distance_km": 3456.7,
        "fuel_l": 1200.0,
        "confidence": "medium",
        "effort": KINDS[cause].effort,
        "facts": FACTS,
        "evidence": {
            "parts": [
                {
                    "trip_start": "2026-03-02T00:00:00Z",
                    "part_start": "2026-03-02T00:15:00Z",
                    "distance_km": 400.0,
                    {"l": "litres", "km": "km", "h": "hours", "days": "hours"}[
                        KINDS[cause].unit
                    ]: 4.0,
                }
            ],
            "chart": {
                "unit": "L",
                "days": [f"2026-03-0{day}" for day in range(2, 9)],
                "values": [4.0, 2.0, 0.0, 1.0, 8.0, 0.0, 3.0],
            },
        },
    } | columns


def told(cause: str, language: str, variant: int = 0, **columns: Any) -> Any:
    return render(row(cause, variant, **columns), language, currency="CNY", **COST)


EVERY = [
    (language, cause, variant)
    for language in LANGUAGES
    for cause in KINDS
    for variant in range(variants(cause))
]
