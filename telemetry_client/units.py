"""Units of columns that carry them in their names: `distance_km`, `idle_s`, `l_per_100km`."""

from __future__ import annotations

_BY_NAME = {
    "latitude": "deg",
    "longitude": "deg",
    "litres": "L",
    "l_per_100km": "L/100km",
    "l_per_100tkm": "L/(100 t·km)",
}

_BY_END = {
    **_BY_NAME,
    "t_km": "t·km",
    "percent": "%",
    "kmh": "km/h",
    "kg": "kg",
    "km": "km",
    "m": "m",
    "l": "L",
    "h": "h",
    "s": "s",
}
"""By the last words of a name; of several that fit, the first."""


def unit_of(column: str) -> str | None:
    """The unit that a column's name tells; None: it tells none."""
    return next(
        (
            unit
            for end, unit in _BY_END.items()
            if column.endswith(f"_{end}") or (column == end and end in _BY_NAME)
        ),
        None,
    )
