"""Parameters that several endpoints take, each with its check and its words."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from api import cursors, zones
from api.codes import Code
from api.problems import Fault, invalid, refused, unknown
from api.zones import TimeZone
from schemas.vin import VinError, check_vin

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Times outside are slips of the pen, and some of them no database can hold."""

EXAMPLE_VIN = "LSGAA11112A000001"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


async def _vin(
    vin: Annotated[
        str,
        Path(
            description="The vehicle's identification number, 17 characters, upper case. A VIN "
            "that is none, is not registered or is not yours to see is answered with the same 404.",
            examples=[EXAMPLE_VIN],
        ),
    ],
) -> str:
    try:
        check_vin(vin)
    except VinError as error:
        raise unknown(Code.UNKNOWN_VEHICLE) from error
    return vin


Vin = Annotated[str, Depends(_vin)]
"""A path's VIN, of the right form."""


NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
"""A number of ours; what is longer no database column holds."""


def number(text: str, otherwise: Code) -> int:
    """A number of ours, out of an address.

    Args:
        text: what the address has in its place.
        otherwise: what is unknown where that is none.

    Raises:
        ProblemError: 404, it is none.
    """
    if NUMBER.fullmatch(text) is None:
        raise unknown(otherwise)
    return int(text)


async def _driver_id(
    driver_id: Annotated[
        str,
        Path(
            description="The driver's number, from /v1/drivers. One that does not exist, or is not "
            "yours to know, is answered with the same 404.",
            examples=["17"],
        ),
    ],
) -> int:
    return number(driver_id, Code.UNKNOWN_DRIVER)


DriverId = Annotated[int, Depends(_driver_id)]
"""A path's driver, of the right form."""


async def _fleet_id(
    fleet_id: Annotated[
        str,
        Path(
            description="The fleet's number, from /v1/fleets. One that does not exist, or is not "
            "yours, is answered with the same 404.",
            examples=["3"],
        ),
    ],
) -> int:
    return number(fleet_id, Code.UNKNOWN_FLEET)


FleetId = Annotated[int, Depends(_fleet_id)]
"""A path's fleet, of the right form."""


def _plausible(time: datetime) -> datetime:
    if not EARLIEST <= time < LATEST:
        raise ValueError(f"use a time from {EARLIEST:%Y} and before {LATEST:%Y}")
    return time.astimezone(UTC)


Time = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""A time with its zone, within reason, in UTC."""


async def _advice_id(
    advice_id: Annotated[
        str,
        Path(
            description="The number of the advice, from a listing. One that does not exist, or is "
            "not yours to see, is answered with the same 404.",
            examples=["4711"],
        ),
    ],
) -> int:
    return number(advice_id, Code.UNKNOWN_ADVICE)


AdviceId = Annotated[int, Depends(_advice_id)]
"""A path's piece of advice, of the right form."""


def _dataset_id(
    dataset_id: Annotated[
        str,
        Path(
            description="The dataset's number, from /v1/datasets. One that does not exist, is not "
            "for you or has ended is answered with the same 404.",
            examples=["12"],
        ),
    ],
) -> int:
    return number(dataset_id, Code.UNKNOWN_DATASET)


DatasetId = Annotated[int, Depends(_dataset_id)]
"""A path's dataset, of the right form."""


class Parameters(BaseModel):
    """Query parameters; one that is not known is refused, because it is a known one misspelt."""

    model_config = ConfigDict(extra="forbid")


async def given_once(request: Request) -> None:
    """Refuse a parameter that is given twice: all but the last would be passed over in silence.

    Raises:
        ProblemError: 422.
    """
    given = Counter(name for name, _ in request.query_params.multi_items())
    faults = [
        Fault(
            field=name,
            reason=f"{name} is given {times} times.",
            way_out="Give it once; where it takes several values, put commas between them.",
        )
        for name, times in given.items()
        if times > 1
    ]
    if faults:
        raise refused(faults)


async def no_parameters(_: Annotated[Parameters, Query()]) -> None:
    """Refuse every parameter, as an address that takes none does."""


class Paged(Parameters):
    """Query parameters of a listing that comes in pages."""

    cursor: str | None = Field(
        default=None,
        max_length=cursors.MAX_LENGTH,
        description="Where the page before ended, from its `next` link.",
        examples=["dDE3OTU0MjA4MDAwMDAwMDA"],
    )


class Zoned(Parameters):
    """Query parameters of an answer with times."""

    time_zone: TimeZone = Field(
        default=zones.UTC_NAME,
        description="IANA name of the zone by whose clocks times are told, each with its offset; "
        "steps, where there are such, are counted from its midnights. Left out: UTC.",
        examples=["Asia/Shanghai"],
    )


class Span(Paged, Zoned):
    """Query parameters of a listing by time."""

    start: Time = Field(
        description="From this time on. RFC 3339 with its time zone; a + is written %2B.",
        examples=["2026-11-01T00:00:00Z"],
    )
    end: Time = Field(
        description="Up to, not including, this time.", examples=["2026-11-02T00:00:00Z"]
    )


class Order(StrEnum):
    """Which end of the span comes first."""

    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"


def require_order(start: datetime, end: datetime) -> None:
    """Refuse a span without a moment in it.

    Raises:
        ProblemError: 422.
    """
    if end <= start:
        raise invalid("end", "The span is empty: end is not after start.", "Let end be later.")


def microseconds(time: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(time_us: int) -> datetime:
    """The time of so many microseconds since 1970-01-01 UTC."""
    return _EPOCH + timedelta(microseconds=time_us)


def time_after(cursor: str, start: datetime, end: datetime) -> datetime:
    """The time of a cursor, which lies within the span that is asked for.

    Raises:
        ProblemError: 422.
    """
    return time_within(cursors.read_time(cursor), start, end)


def time_within(time_us: int, start: datetime, end: datetime) -> datetime:
    """The time that a cursor names, in microseconds since 1970, if it lies within the span.

    Raises:
        ProblemError: 422.
    """
    if not microseconds(start) <= time_us < microseconds(end):
        raise invalid(
            "cursor",
            "This cursor lies outside the span from start to end.",
            "Follow the `next` link of the page before, unchanged.",
        )
    return from_microseconds(time_us)


def link(path: str, query: Parameters, cursor: str) -> str:
    """The address of the next page: the same question, after the cursor.

    Args:
        path: the address without its query.
        query: what was asked.
        cursor: where this page ends.
    """
    asked: dict[str, object] = query.model_dump(mode="json", exclude_unset=True, exclude={"cursor"})
    return f"{path}?{urlencode({**asked, 'cursor': cursor})}"
