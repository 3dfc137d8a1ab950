"""A vehicle's state written straight from the arrays it is kept in: JSON without an object a value.

A state has some four hundred values, each with name, unit and path. What of their text never
changes is made once; numbers and times are written by orjson, an array at a time. The model in
`api.vehicles.state` describes the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from api import conditional
from api.coordinates import LATITUDE, LONGITUDE, Coordinates
from api.vehicles import activity
from api.zones import as_times
from schemas.catalogue import ValueType
from schemas.gcj02 import to_gcj02
from storage.answers import Latest

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from api.vehicles.activity import Activity
    from schemas.catalogue import Catalogue, Signal
    from storage.answers import VehicleNow

OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z

_SECOND_US = 1_000_000


_KINDS = {
    ValueType.BOOLEAN: np.bool_,
    ValueType.REAL: np.float32,  # written with the digits that a float32 has
    ValueType.DOUBLE: np.float64,
}
"""What the stored doubles are written as; all others are whole numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """A group's place among all signals."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    """The text of a state in which certain signals are there, but for what changes."""

    places: NDArray[np.intp]
    of_type: list[tuple[type[np.generic], NDArray[np.intp]]]
    pieces: list[str]
    """For each signal a text before its value, the value, a text, its time, a text, its age; then
    the end. What is to be filled in is empty."""


FORMS = 200
"""Forms that are kept, of some 100 kB each."""


class StateWriter:
    """Writes states of vehicles.

    Args:
        catalogue: the signals; a database migrated to a newer one may hold more.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._groups: list[_Group] = []
        signals: list[Signal] = []
        for group in catalogue.groups.values():
            start = len(signals)
            signals += group.signals
            self._groups.append(_Group(name=group.name, start=start, stop=len(signals)))
        self._pieces = [_pieces(signal) for signal in signals]
        self._places = {signal.name: place for place, signal in enumerate(signals)}
        self._forms: dict[bytes, _Form] = {}
        kinds = [_KINDS.get(signal.type, np.int64) for signal in signals]
        self._of_type = [
            (
                kind,
                np.array([place for place, one in enumerate(kinds) if one is kind], dtype=np.intp),
            )
            for kind in (*_KINDS.values(), np.int64)
        ]

    def laid_out(self, known: VehicleNow, coordinates: Coordinates = Coordinates.WGS_84) -> Laid:
        """What is known, as one array over all signals, positions in these coordinates."""
        values = np.full(len(self._pieces), np.nan)
        times_us = np.zeros(len(self._pieces), dtype=np.int64)
        for group in self._groups:
            found = known.groups.get(group.name)
            if found is not None:
                # A row of before the catalogue grew is shorter, one of a newer catalogue longer.
                count = min(group.stop - group.start, len(found.values))
                values[group.start : group.start + count] = found.values[:count]
                times_us[group.start : group.start + count] = found.times_us[:count]
        if coordinates is not Coordinates.WGS_84:
            both = [self._places[LATITUDE], self._places[LONGITUDE]]
            # Half a position cannot be told in these.
            half = np.isnan(values[both]).any()
            values[both] = np.nan if half else np.asarray(to_gcj02(*values[both])).ravel()
        return Laid(values=values, times_us=times_us)

    def activity(self, laid: Laid, known: VehicleNow, now: datetime) -> Activity:
        """What the vehicle is doing, or was when it was heard last within one's own time."""
        latest: dict[str, Latest] = {}
        for name in activity.SIGNALS:
            value = float(laid.values[self._places[name]])
            if not math.isnan(value):
                latest[name] = Latest(name=name, value=value, time=known.last_seen or now)
        return activity.activity(latest, known.last_seen, now, is_current=True)

    def written(
        self, vin: str, known: VehicleNow, laid: Laid, doing: Activity, now: datetime
    ) -> bytes:
        """The state as JSON.

        Args:
            vin: the vehicle.
            known: what is known of it.
            laid: the same, laid out.
            doing: what it is doing.
            now: the moment of the answer.
        """
        rest = {
            "vin": vin,
            "model": known.model,
            "answered_at": now,
            "last_seen": known.last_seen,
            "activity": doing,
        }
        codes = [
            {
                "spn": code.spn,
                "fmi": code.fmi,
                "source_address": code.source_address,
                "lamp": code.lamp,
                "count": code.count,
                "since": code.since,
            }
            for code in known.trouble_codes
        ]
        head = orjson.dumps(rest, option=OPTIONS)[:-1]
        body = f',"groups":[{self._written_groups(laid, now)}],"trouble_codes":'.encode()
        return head + body + orjson.dumps(codes, option=OPTIONS) + b"}"

    def _written_groups(self, laid: Laid, now: datetime) -> str:
        present = ~np.isnan(laid.values)
        form = self._form(present)
        texts = np.empty(len(self._pieces), dtype=object)
        for kind, places in form.of_type:
            texts[places] = _items(laid.values[places].astype(kind))
        times_us = laid.times_us[form.places]
        ages = np.round((now.timestamp() * _SECOND_US - times_us) / _SECOND_US, 1)
        filled = form.pieces.copy()
        filled[1::6] = texts[form.places].tolist()
        filled[3::6] = _items(as_times(times_us))
        filled[5::6] = _items(ages)
        return "".join(filled)

    def _form(self, present: NDArray[np.bool_]) -> _Form:
        """What is to be filled in where these signals are there; trucks of a kind have the same."""
        key = present.tobytes()
        form = self._forms.get(key)
        if form is None:
            if len(self._forms) >= FORMS:
                self._forms.clear()
            form = self._forms[key] = self._made_form(present)
        return form

    def _made_form(self, present: NDArray[np.bool_]) -> _Form:
        pieces: list[str] = []
        end = ""
        for group in self._groups:
            places = (group.start + np.flatnonzero(present[group.start : group.stop])).tolist()
            for place in places:
                if place == places[0]:
                    head = f'{{"group":"{group.name}","signals":['
                    end = f"{end}]}},{head}" if pieces else head
                else:
                    end += ","
                before, between, after = self._pieces[place]
                pieces += [end + before, "", between, "", after, ""]
                end = "}"
        if pieces:
            pieces.append("}]}")
        return _Form(
            places=np.flatnonzero(present),
            of_type=[
                (kind, chosen)
                for kind, places in self._of_type
                if len(chosen := places[present[places]])
            ],
            pieces=pieces,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Laid:
    """The latest values of all signals, in the catalogue's order."""

    values: NDArray[np.float64]
    """NaN: never seen, or not opened."""
    times_us: NDArray[np.int64]


def tag(known: VehicleNow, laid: Laid, doing: Activity) -> str:
    """What an answer is known by: ages and the moment of the answer do not count."""
    codes = [
        (code.spn, code.fmi, code.source_address, code.lamp, code.count, code.since)
        for code in known.trouble_codes
    ]
    still = (known.model, known.last_seen, doing, codes)
    return conditional.tag_of(
        orjson.dumps(still, option=OPTIONS), laid.values.tobytes(), laid.times_us.tobytes()
    )


def _pieces(signal: Signal) -> tuple[str, str, str]:
    """What is the same in every answer: before a value, from there to its time, and to its age."""

    def text(value: str) -> str:
        return orjson.dumps(value).decode()

    return (
        f'{{"signal":{text(signal.name)},"value":',
        f',"unit":{text(signal.unit)},"time":',
        f',"path":{text(signal.path)},"age_s":',
    )


def _items(array: NDArray[Any]) -> list[str]:
    """The elements of an array, none of which holds a comma, as JSON writes them."""
    text = orjson.dumps(array, option=OPTIONS).decode()[1:-1]
    return text.split(",") if text else []
