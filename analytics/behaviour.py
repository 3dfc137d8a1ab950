"""How one vehicle was driven over a span of time: everything at once, from its signals.

Trips, events, sums and spans at the wheel are found by modules of their own, each in the same
prepared rows. Here they are put together: whose driving it was, and which trip an event is of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.events import events_of
from analytics.fatigue import driving_spans
from analytics.metrics import metric_sums
from analytics.samples import prepare
from analytics.trips import trip_of, trips_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from analytics.samples import Samples
    from analytics.thresholds import Thresholds
    from analytics.trips import TripRules

METHOD_VERSION = 4
"""Raised when the same signals would give other results."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Behaviour:
    """What was found in one vehicle's rows.

    Attributes:
        samples: the rows, made ready.
        trips: as analytics.trips.COLUMNS, and driver: who drove most of the trip.
        parts: a row a trip and driver: trip_start, part_start, end_time (UTC), driver, and the
            columns analytics.metrics.SUMS.
        events: as analytics.events.table.EVENT_COLUMNS, and driver and trip_start (NaT: in none).
        spans: at the wheel: driver, start_time, end_time (UTC), driving_s.
    """

    samples: Samples
    trips: pd.DataFrame
    parts: pd.DataFrame
    events: pd.DataFrame
    spans: pd.DataFrame

    def reach(self, start: datetime, stop: datetime) -> tuple[datetime, datetime]:
        """A span, widened to the trips and spans at the wheel that lie over its edges."""
        for frame in (self.trips, self.spans):
            over = frame[(frame["start_time"] < stop) & (frame["end_time"] > start)]
            if len(over):
                start = min(start, over["start_time"].min().to_pydatetime())
                stop = max(stop, over["end_time"].max().to_pydatetime())
        return start, stop

    def starting_in(self, start: datetime, stop: datetime) -> Behaviour:
        """What starts from `start` on and before `stop`; the rows stay as they are."""

        def within(frame: pd.DataFrame, column: str = "start_time") -> pd.DataFrame:
            times = frame[column]
            return frame[(times >= start) & (times < stop)].reset_index(drop=True)

        return Behaviour(
            samples=self.samples,
            trips=within(self.trips),
            parts=within(self.parts, "trip_start"),
            events=within(self.events),
            spans=within(self.spans),
        )


def behaviour(
    signals: pd.DataFrame,
    thresholds: Thresholds,
    *,
    drivers: Sequence[tuple[datetime, str | None]] = (),
    time_zone: str = "UTC",
    rules: TripRules | None = None,
) -> Behaviour:
    """Find out how one vehicle was driven.

    Args:
        signals: rows by time (a UTC DatetimeIndex), any of the columns
            analytics.samples.SIGNALS in the catalogue's units, NaN absent.
        thresholds: those of the vehicle's class.
        drivers: the tachograph cards that came into the driver's slot, by time; None: it was taken
            out. Before the first of them nobody is known.
        time_zone: the fleet's IANA zone, for night.
        rules: where trips begin and end.

    Raises:
        TimeZoneError: there is no such time zone.
        UnreadableSignalsError: the index is no time, or a column is no number.
    """
    samples = prepare(signals)
    at_wheel = _AtWheel.of(samples, drivers)
    trips = trips_of(samples, rules)
    trip = trip_of(samples, trips)
    events = events_of(samples, thresholds)
    parts = _parts(samples, trips, trip, at_wheel)
    sums = metric_sums(samples, parts, events, thresholds, time_zone)
    parts = pd.concat([parts[["part_start", "end_time"]], sums], axis=1)
    row = np.searchsorted(samples.time_us, _microseconds(events["start_time"]), side="right") - 1
    starts = np.append(trips["start_time"].to_numpy("datetime64[us]"), np.datetime64("NaT", "us"))
    events = events.assign(
        driver=at_wheel.card[at_wheel.of_row[row]],
        trip_start=pd.DatetimeIndex(starts[trip[row]], tz="UTC"),
    )
    return Behaviour(
        samples=samples,
        trips=trips.assign(driver=_main_driver(trips, parts)),
        parts=parts,
        events=events,
        spans=driving_spans(samples, at_wheel.stretches()),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _AtWheel:
    """Who drove: (k,) cards, None for nobody known, and (n,) the place among them of each row's."""

    card: NDArray[np.object_]
    of_row: NDArray[np.intp]

    @classmethod
    def of(cls, samples: Samples, drivers: Sequence[tuple[datetime, str | None]]) -> _AtWheel:
        times_us = _microseconds(
            pd.Series([time for time, _ in drivers], dtype="datetime64[us, UTC]")
        )
        card = np.array([None, *(card for _, card in drivers)], dtype=object)
        return cls(card=card, of_row=np.searchsorted(times_us, samples.time_us, side="right"))

    def stretches(self) -> pd.DataFrame:
        """Rows with the same card: driver, first_row and stop_row (half-open)."""
        begins = np.flatnonzero(np.diff(self.of_row, prepend=-1))
        return pd.DataFrame(
            {
                "driver": pd.Series(self.card[self.of_row[begins]], dtype=object),
                "first_row": begins,
                "stop_row": np.append(begins[1:], len(self.of_row))[: len(begins)],
            }
        )


def _parts(
    samples: Samples, trips: pd.DataFrame, trip: NDArray[np.intp], at_wheel: _AtWheel
) -> pd.DataFrame:
    """Trips cut where the driver changes: trip_start, part_start, end_time, driver, rows."""
    changes = (np.diff(trip, prepend=-1) != 0) | (np.diff(at_wheel.of_row, prepend=-1) != 0)
    begins = np.flatnonzero(changes)
    stops = np.append(begins[1:], len(trip))[: len(begins)]
    inside = trip[begins] >= 0
    begins, stops = begins[inside], stops[inside]
    return pd.DataFrame(
        {
            "trip_start": trips["start_time"].to_numpy()[trip[begins]],
            "part_start": _utc(samples.time_us[begins]),
            "end_time": _utc(samples.end_us[stops - 1]),
            "driver": pd.Series(at_wheel.card[at_wheel.of_row[begins]], dtype=object),
            "first_row": begins,
            "stop_row": stops,
        }
    ).astype({"trip_start": "datetime64[us, UTC]"})


def _main_driver(trips: pd.DataFrame, parts: pd.DataFrame) -> pd.Series[str]:
    """By trip: the card of who drove most of it, None where that is nobody known."""
    by_driver = (
        parts.assign(driver=parts["driver"].fillna(""))
        .groupby(["trip_start", "driver"], sort=True)["driving_s"]
        .sum()
        .reset_index()
        .sort_values("driving_s", kind="stable")
        .drop_duplicates("trip_start", keep="last")
        .set_index("trip_start")["driver"]
    )
    main = by_driver.reindex(trips["start_time"]).replace("", None)
    return pd.Series(main.to_numpy(), index=trips.index, dtype=object)


def _utc(microseconds: NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(microseconds.view("datetime64[us]"), tz="UTC")


def _microseconds(times: pd.Series[pd.Timestamp]) -> NDArray[np.int64]:
    return times.to_numpy(dtype="datetime64[us]").astype(np.int64)
