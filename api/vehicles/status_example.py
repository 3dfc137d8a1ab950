"""What a vehicle's status may look like, for the OpenAPI document."""

from pydantic.config import JsonDict

from api.parameters import EXAMPLE_VIN

_NOW: JsonDict = {"time": "2026-11-01T08:00:00Z", "age_s": 2.0}

_NEXT: JsonDict = {
    "next": {
        "distance": {"left": 8200.0, "unit": "km", "at": 211_318.4, "source": "vehicle"},
        "hours": {"left": 376.5, "unit": "h", "at": 8500.0, "source": "plan"},
        "day": {"left": 31.0, "unit": "d", "on": "2026-12-02", "source": "vehicle"},
        "plan": {"every_km": 60_000.0, "every_h": 1500.0, "every_days": 365, "of_model": False},
        "last": {"time": "2026-06-01T00:00:00Z", "odometer_km": 155_458.4, "engine_h": 7000.0},
    }
}

EXAMPLE: JsonDict = {
    "vin": EXAMPLE_VIN,
    "model": "J6P 6×4",
    "plate": "沪A12345",
    "region": "CN-31",
    "answered_at": "2026-11-01T08:00:02Z",
    "contact": {
        "last_seen": "2026-11-01T08:00:00Z",
        "received_at": "2026-11-01T08:00:01Z",
        "age_s": 2.0,
    },
    "activity": "moving",
    "systems": [
        {
            "system": "engine",
            "condition": "ok",
            "newest": "2026-11-01T08:00:00Z",
            "values": [
                {
                    "signal": "coolant_temperature",
                    "name": "Engine coolant temperature",
                    "value": 88.0,
                    "unit": "°C",
                    "time": "2026-11-01T08:00:00Z",
                    "age_s": 2.0,
                }
            ],
        },
    ],
    "trouble_codes": [
        {
            "spn": 3251,
            "fmi": 16,
            "parameter": "Pressure drop across the particulate filter",
            "failure": "above the normal range, moderately severe",
            "system": "fuel_aftertreatment",
            "signals": ["dpf_differential_pressure"],
            "source_address": 0,
            "lamp": "AMBER_WARNING",
            "count": 3,
            "since": "2026-11-01T03:12:00Z",
            "age_s": 17282.0,
        }
    ],
    "tell_tales": [
        {
            "signal": "tell_tale_amber",
            "name": "Amber warning lamp",
            "value": True,
            "unit": "",
            "time": "2026-11-01T08:00:00Z",
            "age_s": 2.0,
            "lit": True,
        }
    ],
    "service": {
        **{
            name: {"signal": signal, "name": words, "value": value, "unit": unit, **_NOW}
            for name, signal, words, value, unit in (
                ("distance", "service_distance", "Distance to the next service", 8200.0, "km"),
                ("days", "service_days", "Days to the next service", 31.0, "d"),
                ("due", "service_due", "Service due", False, ""),
                ("engine_hours", "engine_hours", "Engine running time", 8123.5, "h"),
            )
        },
        **_NEXT,
    },
    "last_trips": [],
}
