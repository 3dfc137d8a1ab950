"""Which vehicles are wanted: the parameters of the search, and what they mean to the database."""

from dataclasses import replace
from datetime import datetime

from pydantic import Field

from api import cursors
from api.codes import Code
from api.coordinates import Coordinates, Placed, meant_in
from api.parameters import Paged, number
from api.problems import ProblemError, invalid
from api.vehicles import activity
from api.vehicles.activity import Activity
from storage.answers_search import Box, Near, Search

MAX_RADIUS_M = 20_100_000
"""Half way around the Earth: everything is within."""

_EXAMPLE_BOX = "120.8,30.6,122.0,31.9"


class SearchQuery(Paged, Placed):
    """By what vehicles are found; of several conditions all hold."""

    vin: str | None = Field(
        default=None,
        pattern="^[A-HJ-NPR-Za-hj-npr-z0-9]{1,17}$",
        description="A part of the VIN.",
        examples=["A000001"],
    )
    plate: str | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description="A part of the plate; blanks, dots, hyphens and case make no difference.",
        examples=["沪A"],
    )
    model: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="A part of the model's name; case makes no difference.",
        examples=["J6P"],
    )
    dealer: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Name of the dealer who sold them, as far as that is yours to know.",
        examples=["Truck Centre Shanghai"],
    )
    fleet: str | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description="Number of a fleet, from /v1/fleets: those that are in it now.",
        examples=["3"],
    )
    region: str | None = Field(
        default=None,
        pattern="^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
        description="Where they are at home, ISO 3166-2; a country alone is all of its regions.",
        examples=["CN-31"],
    )
    state: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description=f"What they are doing, comma separated: {', '.join(Activity)}.",
        examples=["moving,idling"],
    )
    box: str | None = Field(
        default=None,
        max_length=200,
        description="Where they were last: west,south,east,north [deg], as in GeoJSON. One "
        "whose west lies east of its east goes over the 180th meridian.",
        examples=[_EXAMPLE_BOX],
    )
    near: str | None = Field(
        default=None,
        max_length=100,
        description="Around this point: latitude,longitude [deg]. The nearest come first; "
        "with limit=5 they are the nearest five. Vehicles that move from page to page may be "
        "missed or come twice.",
        examples=["31.2304,121.4737"],
    )
    radius: float | None = Field(
        default=None,
        gt=0,
        le=MAX_RADIUS_M,
        description="With `near`: no further away than this, as the crow flies [m].",
        examples=[50_000],
    )


def search_of(query: SearchQuery, now: datetime) -> Search:
    """What is asked of the database.

    Raises:
        ProblemError: 422, something cannot be used; 404, the fleet is no number.
    """
    near = _near(query)
    after_vin, after_m = "", None
    if query.cursor is not None and near is None:
        after_vin = cursors.read_vin(query.cursor)
    elif query.cursor is not None:
        after_m, after_vin = cursors.read_place(query.cursor)
    return Search(
        asked_at=now,
        rules=activity.RULES,
        vin_part=None if query.vin is None else query.vin.upper(),
        plate_part=_text("plate", query.plate),
        model_part=_text("model", query.model),
        region=query.region,
        dealer=_text("dealer", query.dealer),
        fleet_id=_fleet(query.fleet),
        doing=_doing(query.state),
        box=_box(query),
        near=near,
        after_vin=after_vin,
        after_m=after_m,
    )


def _text(name: str, text: str | None) -> str | None:
    if text is not None and "\x00" in text:
        raise invalid(name, "It holds a character that no text has.", "Leave the NUL out.")
    return text


def _fleet(text: str | None) -> int | None:
    return None if text is None else number(text, Code.UNKNOWN_FLEET)


def _doing(text: str | None) -> list[Activity] | None:
    if text is None:
        return None
    try:
        return [Activity(name.strip()) for name in text.split(",")]
    except ValueError as error:
        raise invalid(
            "state", f"There is no state {text[:100]!r}.", f"Use some of {', '.join(Activity)}."
        ) from error


def _box(query: SearchQuery) -> Box | None:
    if query.box is None:
        return None
    refusal = invalid(
        "box",
        "This is no box on the Earth.",
        f"Write west,south,east,north in degrees, south below north: {_EXAMPLE_BOX}",
    )
    west, south, east, north = _numbers(query.box, 4, refusal)
    if not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        raise refusal
    south, west = meant_in(query.coordinates, south, west)
    north, east = meant_in(query.coordinates, north, east)
    return Box(west=west, south=south, east=east, north=north)


def _near(query: SearchQuery) -> Near | None:
    if query.near is None:
        if query.radius is not None:
            raise invalid(
                "radius", "A radius needs its point.", "Add near=latitude,longitude to it."
            )
        return None
    near = near_of(query.near, query.coordinates)
    return None if near is None else replace(near, radius_m=query.radius)


def near_of(text: str | None, coordinates: Coordinates = Coordinates.WGS_84) -> Near | None:
    """The point that a parameter `near` names, in these coordinates.

    Raises:
        ProblemError: 422, it is none.
    """
    if text is None:
        return None
    refusal = invalid(
        "near",
        "This is no point on the Earth.",
        "Write latitude,longitude in degrees: 31.2304,121.4737",
    )
    latitude, longitude = _numbers(text, 2, refusal)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise refusal
    latitude, longitude = meant_in(coordinates, latitude, longitude)
    return Near(latitude=latitude, longitude=longitude, radius_m=None)


def _numbers(text: str, count: int, refusal: ProblemError) -> list[float]:
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError as error:
        raise refusal from error
    if len(numbers) != count:
        raise refusal
    return numbers
