"""Time zones: by whose clock steps are counted and times are told.

Everything is kept in UTC and told in it. Who names a zone has the same moments told by its clocks,
each with its offset.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar, cast
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, StringConstraints

from schemas import time_zones
from schemas.time_zones import TimeZoneError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

UTC_NAME = "UTC"

_SECOND_US = 1_000_000


def _a_zone(name: str) -> str:
    try:
        return time_zones.zone(name).key
    except TimeZoneError as error:
        raise ValueError("no such time zone; use an IANA name such as Asia/Shanghai") from error


TimeZone = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$"), AfterValidator(_a_zone)
]
"""The IANA name of a zone that there is."""


def column_type(zone: str) -> pa.DataType:
    """The type of a column of times that are told by a zone's clocks."""
    return pa.timestamp("us", tz=zone)


def told_in(found: T, zone: str) -> T:
    """An answer with all its times told by a zone's clocks; UTC leaves it as it is.

    Args:
        found: a model, or what models are made of.
        zone: the zone's name.
    """
    return found if zone == UTC_NAME else cast("T", _told(found, ZoneInfo(zone)))


def _told(found: object, zone: ZoneInfo) -> object:
    if isinstance(found, datetime):
        return found.astimezone(zone)
    if isinstance(found, BaseModel):
        changes = {name: _told(getattr(found, name), zone) for name in type(found).model_fields}
        told = found.model_copy(update=changes)
        # What was left out stays so.
        told.__pydantic_fields_set__ = set(found.model_fields_set)
        return told
    if isinstance(found, list):
        return [_told(part, zone) for part in found]
    if isinstance(found, dict):
        return {name: _told(part, zone) for name, part in found.items()}
    return found


def written(times: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Times of a zone as RFC 3339: without a fraction where none of them has one; UTC is Z."""
    zone = times.type.tz
    with contextlib.suppress(pa.ArrowInvalid):  # there is a fraction: it stays
        times = times.cast(pa.timestamp("s", tz=zone))
    if zone == UTC_NAME:
        return pc.strftime(times, format="%Y-%m-%dT%H:%M:%SZ")
    texts = pc.strftime(times, format="%Y-%m-%dT%H:%M:%S%z")
    return pc.replace_substring_regex(texts, r"([+-]\d\d)(\d\d)$", r"\1:\2")


def texts(times_us: NDArray[np.int64], zone: str) -> NDArray[np.datetime64] | list[str]:
    """Microseconds since 1970-01-01 UTC as orjson takes them to write them in a zone.

    Those of UTC go there without a text each.
    """
    if zone == UTC_NAME:
        return as_times(times_us)
    times = pa.array(times_us.view("datetime64[us]")).cast(column_type(zone))
    return cast("list[str]", written(times).to_pylist())


def as_times(times_us: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """As numpy's times, in seconds where nothing is lost: these are written without a fraction."""
    if (times_us % _SECOND_US).any():
        return times_us.view("datetime64[us]")
    return (times_us // _SECOND_US).view("datetime64[s]")
