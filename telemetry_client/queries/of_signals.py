"""Questions about signals; what is longer or wider than the API takes is asked in pieces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from telemetry_client import times
from telemetry_client.frames import joined, of_arrow, of_rows
from telemetry_client.messages import ARROW, Answer, Asks, get
from telemetry_client.questions import ArrowListing, Bookmark, Page, Table, body_of, rows_of
from telemetry_client.rows import SignalDescription

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from telemetry_client.queries.of_driving import Coordinates
    from telemetry_client.times import Moment

LONGEST_OF_ROWS = timedelta(days=7)
MOST_STEPS = 100_000
MOST_SIGNALS = 20
"""What the API takes in one question."""


def signals(
    vin: str,
    names: str | Iterable[str],
    start: Moment,
    end: Moment,
    *,
    step_s: int | None = None,
    time_zone: str = times.UTC_NAME,
    coordinates: Coordinates = "wgs-84",
    limit: int | None = None,
) -> Signals:
    """Signals of a vehicle over a span, a column each, by time.

    A span of any length and any number of signals are taken. With a step a sample's column is its
    mean, with `<name>_min` and `<name>_max` beside it; a switch's is the share in which it was on.

    Args:
        vin: the vehicle.
        names: signals by name or VSS path; in one text with commas, or several.
        start: from this time on.
        end: up to, not including, this time.
        step_s: sum up by so many seconds, a divisor of a day; None: every row.
        time_zone: IANA name of the zone from whose midnights steps are counted, and by which the
            times of the index are told.
        coordinates: of `latitude` and `longitude`.
        limit: so many times at most.
    """
    span = (times.moment(start, "start"), times.moment(end, "end"))
    step = None if step_s is None else timedelta(seconds=step_s)
    asked = {"step": step_s, "time_zone": time_zone, "coordinates": coordinates}
    longest = LONGEST_OF_ROWS if step is None else step * MOST_STEPS
    return Signals(
        groups=[
            [
                _piece(vin, group, begin, stop, asked, limit)
                for begin, stop in times.pieces(*span, longest, step, time_zone)
            ]
            for group in _grouped(_several(names))
        ],
        limit=limit,
    )


def signals_of_vehicles(
    vins: str | Iterable[str],
    names: str | Iterable[str],
    start: Moment,
    end: Moment,
    *,
    points: int = 500,
    coordinates: Coordinates = "wgs-84",
) -> Table:
    """Curves of several vehicles to be drawn, a row a point: `vin`, `signal`, `value`, by time.

    No series has more points than asked for; peaks survive.

    Args:
        vins: up to 20 vehicles.
        names: signals; vehicles times signals may be 50.
        start: from this time on.
        end: up to, not including, this time.
        points: of each series at most.
        coordinates: of `latitude` and `longitude`, which are then asked for together.
    """
    params = {
        "vins": ",".join(_several(vins)),
        "names": ",".join(_several(names)),
        "start": times.text(start, "start"),
        "end": times.text(end, "end"),
        "points": points,
        "coordinates": coordinates,
    }
    return Table(request=get("/v1/signals", params, ARROW), frame=_curves)


def catalogue(*, group: str | None = None, search: str | None = None) -> Table:
    """What may be asked for: signals by name, with unit, limits, PGN and SPN, and words.

    Args:
        group: signals of one group.
        search: words that are in the name, path or description.
    """
    params = {"group": group, "search": search}
    return Table(request=get("/v1/catalogue", params), frame=_catalogue)


@dataclass(frozen=True, kw_only=True)
class Signals:
    """A question for signals: of each group of them the pieces of the span."""

    groups: list[list[ArrowListing]]
    limit: int | None

    def asks(self) -> Asks[pd.DataFrame]:
        """Ask for one piece after the other until there are all times, or so many."""
        found = []
        for pieces in self.groups:
            frames: list[pd.DataFrame] = []
            for piece in pieces:
                frames.append((yield from piece.asks()))
                if self.limit is not None and sum(map(len, frames)) >= self.limit:
                    break
            found.append(joined(frames))
        frame = found[0]
        if len(found) > 1:
            frame = pd.concat(found, axis=1).sort_index()
            units = [one.attrs["units"] for one in found]
            frame.attrs["units"] = {name: unit for each in units for name, unit in each.items()}
        # The first so many times of all are among the first so many of each.
        return frame if self.limit is None else frame.head(self.limit)

    def first(self, rows: int | None = None) -> Bookmark:
        """Where its pages begin.

        Raises:
            ValueError: there are more signals than a page has.
        """
        if len(self.groups) > 1:
            raise ValueError(f"Page by page {MOST_SIGNALS} signals are told; all at once, any.")
        return self.groups[0][0].first(rows)

    def page(self, place: Bookmark) -> Asks[Page]:
        """Ask for the page at a place; a page ends where its piece of the span does."""
        pieces = self.groups[0]
        page = yield from pieces[place.piece].page(place)
        left = None if place.left is None else place.left - len(page.frame)
        number = place.piece + 1
        if page.next is not None or number == len(pieces) or left == 0:
            return page
        following = pieces[number].first(place.rows)
        return replace(page, next=replace(following, left=left, piece=number))


def _piece(
    vin: str,
    names: list[str],
    start: datetime,
    end: datetime,
    asked: Mapping[str, object],
    limit: int | None,
) -> ArrowListing:
    return ArrowListing(
        address="/v1/vehicles/{vin}/signals",
        index="time",
        most=20_000,
        of_path={"vin": vin},
        params={
            "names": ",".join(names),
            "start": times.text(start, "start"),
            "end": times.text(end, "end"),
            **asked,
        },
        limit=limit,
    )


def _several(given: str | Iterable[str]) -> list[str]:
    """Texts, each once: of one with commas, or of several."""
    texts = given.split(",") if isinstance(given, str) else given
    return list(dict.fromkeys(text.strip() for text in texts))


def _grouped(names: list[str]) -> list[list[str]]:
    starts = range(0, max(len(names), 1), MOST_SIGNALS)
    return [names[start : start + MOST_SIGNALS] for start in starts]


def _curves(answer: Answer) -> pd.DataFrame:
    frame = of_arrow(answer.content, "time")
    # A column has the values of several signals: units are by signal.
    units = frame[["signal", "unit"]].drop_duplicates()
    made = frame.drop(columns="unit")
    made.attrs["units"] = dict(zip(units["signal"], units["unit"], strict=True))
    return made


def _catalogue(answer: Answer) -> pd.DataFrame:
    body = body_of(answer)
    frame = of_rows(rows_of(body, "signals"), SignalDescription, "name")
    frame.attrs["version"] = body.get("version")
    return frame
