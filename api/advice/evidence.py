"""What shows that a piece of advice is right: trips to look at, and a small chart."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field
from pydantic.config import JsonDict


class EvidencePart(BaseModel):
    """A part of a trip that cost much of it."""

    trip_start: AwareDatetime = Field(
        description="Start of the trip, UTC: what to ask of trips and signals.",
        examples=["2026-10-28T00:10:00Z"],
    )
    part_start: AwareDatetime = Field(
        description="From when on its driver drove, UTC.", examples=["2026-10-28T00:10:00Z"]
    )
    distance_km: float | None = Field(description="Driven [km]; null: not known.", examples=[248.6])
    litres: float | None = Field(
        default=None,
        description="What it took of the saving [L]; null: it is no fuel.",
        examples=[4.1],
    )
    km: float | None = Field(
        default=None, description="Likewise [km], where it is counted in km.", examples=[31.0]
    )
    hours: float | None = Field(
        default=None, description="Likewise [h], where it is counted in hours.", examples=[0.6]
    )


class Chart(BaseModel):
    """The week day by day."""

    unit: str = Field(description="Of the values: L, km or h.", examples=["L"])
    days: list[date] = Field(
        description="The week's seven, by its time zone.",
        examples=[["2026-10-26", "2026-10-27"]],
    )
    values: list[float] = Field(description="One a day.", examples=[[3.2, 0.0]])


class Evidence(BaseModel):
    """Trips to look at, and a small chart."""

    parts: list[EvidencePart] = Field(
        description="At most three parts of trips, those that took most first; empty where no trip "
        "shows it."
    )
    chart: Chart | None = Field(description="The week day by day; null: there is none.")


EXAMPLE_EVIDENCE: JsonDict = {
    "parts": [
        {
            "trip_start": "2026-10-28T00:10:00Z",
            "part_start": "2026-10-28T00:10:00Z",
            "distance_km": 248.6,
            "litres": 4.1,
        }
    ],
    "chart": {
        "unit": "L",
        "days": [*(f"2026-10-{day}" for day in range(26, 32)), "2026-11-01"],
        "values": [3.2, 2.4, 5.0, 1.9, 4.4, 1.5, 0.0],
    },
}


def evidence(stored: Mapping[str, Any]) -> Evidence:
    """Evidence as it is told, from the column of table `advice`."""
    chart = stored.get("chart")
    return Evidence(
        parts=[
            EvidencePart(
                trip_start=part["trip_start"],
                part_start=part["part_start"],
                distance_km=part.get("distance_km"),
                litres=part.get("litres"),
                km=part.get("km"),
                hours=part.get("hours"),
            )
            for part in stored.get("parts", [])
        ],
        chart=None
        if chart is None
        else Chart(unit=chart["unit"], days=chart["days"], values=chart["values"]),
    )
