"""The witness: watches every second and writes down trips, planted events and vehicle-days."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from simulator.fleet import Vehicle
from simulator.truth import DayTruth, EventTruth, TripTruth, Truth
from simulator.vehicle import Floats
from simulator.view import Column, Derived, View

MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """A kind of planted event: when it is on, what its peak is, and what is too short to note."""

    kind: str
    on: Derived
    peak: Derived
    least_s: int


WATCHES = (
    Watch(
        kind="harsh_braking", on=lambda d: d["harsh"], peak=lambda d: -d["acceleration"], least_s=1
    ),
    Watch(
        kind="idling",
        on=lambda d: d["standing"] - d["tipping"],
        peak=lambda d: d["standing"],
        least_s=60,
    ),
    Watch(kind="overspeed", on=lambda d: d["speeding"], peak=lambda d: d["kmh"], least_s=5),
)

DAY_SUMS: dict[str, Derived] = {
    "awake_s": lambda d: d.full(1.0),
    "engine_s": lambda d: d["running"],
    "moving_s": lambda d: d["moving"],
    "idle_s": lambda d: d["standing"],
    "pto_s": lambda d: d["tipping"],
    "distance_m": lambda d: d["step_m"],
    "fuel_l": lambda d: d["fuel_rate"] / 3600.0,
    "idle_fuel_l": lambda d: d["standing"] * d["fuel_rate"] / 3600.0,
    "coasting_s": lambda d: d["coasting"],
    "overspeed_s": lambda d: d["speeding"],
    "cruise_s": lambda d: d["cruising"],
    "brake_s": lambda d: d["braking"] * d["moving"],
    "harsh_brakings": lambda d: d["harsh_begins"],
    "mean_rpm": lambda d: d["moving"] * d["rpm"],
    "mean_mass_kg": lambda d: d["moving"] * d["mass"],
}
MEANS = ("mean_rpm", "mean_mass_kg")  # sums over moving seconds, divided by these at the day's end
TRIP_TOTALS = ("distance_m", "fuel_l", "standing_s", "moving_s")


@dataclass(kw_only=True, slots=True)
class _Open:
    """A span that began and has not ended."""

    start_s: int
    marks: Floats
    peak: float


class Witness:
    """Keeps what is still open between chunks; memory does not grow with time."""

    def __init__(self, fleet: tuple[Vehicle, ...], start_s: int) -> None:
        self._fleet = fleet
        self._start_s = start_s
        self._trips: dict[int, _Open] = {}
        self._spans: dict[tuple[str, int], _Open] = {}
        self._days: dict[int, Floats] = defaultdict(lambda: np.zeros(len(DAY_SUMS)))

    def watch(self, view: View, vehicles: NDArray[np.intp]) -> Truth:
        """Take in the rows of a chunk (vehicle by vehicle) and return what ended in them.

        Args:
            view: All seconds of the chunk.
            vehicles: Index in the fleet of each vehicle column of the view.
        """
        if len(view) == 0:
            return Truth()
        sums = [
            np.bincount(view.vehicle, np.asarray(each(view), dtype=np.float64), len(vehicles))
            for each in DAY_SUMS.values()
        ]
        for column in np.unique(view.vehicle).tolist():
            self._days[int(vehicles[column])] += np.array([each[column] for each in sums])
        return Truth(
            trips=tuple(self._watch_trips(view, vehicles)), events=self._events(view, vehicles)
        )

    def close_day(self, start_s: int) -> tuple[DayTruth, ...]:
        """The vehicle-days of the UTC day that `start_s` (since the simulation's start) lies in."""
        day = datetime.fromtimestamp(self._start_s + start_s, UTC).date().isoformat()
        records = []
        for index, sums in sorted(self._days.items()):
            row = dict(zip(DAY_SUMS, sums.tolist(), strict=True))
            for name in MEANS:
                row[name] /= max(row["moving_s"], 1.0)
            vehicle = self._fleet[index]
            records.append(DayTruth(vin=vehicle.vin, day=day, profile=vehicle.profile.key, **row))
        self._days.clear()
        return tuple(records)

    def close_trips(self, totals: dict[str, Floats], end_s: int) -> tuple[TripTruth, ...]:
        """Trips still under way when the simulation ends; `totals` are (N,) by name."""
        return tuple(
            self._trip(
                index,
                trip,
                end_s,
                np.array([totals[name][index] for name in TRIP_TOTALS]),
                complete=False,
            )
            for index, trip in sorted(self._trips.items())
        )

    def _watch_trips(self, view: View, vehicles: NDArray[np.intp]) -> list[TripTruth]:
        done = []
        edges = self._edges(view, view["ignition"], vehicles, dict.fromkeys(self._trips, 1))
        totals = [view[name] for name in TRIP_TOTALS]
        for row in edges:
            index, second = int(vehicles[view.vehicle[row]]), int(view["time_s"][row])
            marks = np.array([total[row] for total in totals])
            if view["ignition"][row] > 0:
                self._trips[index] = _Open(start_s=second, marks=marks, peak=0.0)
            else:
                trip = self._trips.pop(index)
                done.append(self._trip(index, trip, second, marks, complete=True))
        return done

    def _trip(
        self, index: int, trip: _Open, end_s: int, marks: Floats, *, complete: bool
    ) -> TripTruth:
        distance_m, fuel_l, idle_s, moving_s = (marks - trip.marks).tolist()
        return TripTruth(
            vin=self._fleet[index].vin,
            start_us=self._us(trip.start_s),
            end_us=self._us(end_s),
            distance_m=distance_m,
            fuel_l=fuel_l,
            idle_s=idle_s,
            moving_s=moving_s,
            complete=complete,
        )

    def _events(self, view: View, vehicles: NDArray[np.intp]) -> tuple[EventTruth, ...]:
        found = []
        for watch in WATCHES:
            on = np.asarray(watch.on(view), dtype=np.float64)
            peak = np.asarray(watch.peak(view), dtype=np.float64)
            open_ = {index: 1 for kind, index in self._spans if kind == watch.kind}
            edges = self._edges(view, on, vehicles, open_)
            found += self._spans_of(watch, view, vehicles, on, peak, edges)
        return tuple(sorted(found, key=lambda event: (event.start_us, event.vin, event.kind)))

    def _spans_of(
        self,
        watch: Watch,
        view: View,
        vehicles: NDArray[np.intp],
        on: Floats,
        peak: Floats,
        edges: list[int],
    ) -> list[EventTruth]:
        found = []
        time_s, before_l = view["time_s"], view["fuel_l"] - view["fuel_rate"] / 3600.0
        first_row = {
            int(vehicles[view.vehicle[r]]): r
            for r in np.flatnonzero(np.diff(view.vehicle, prepend=-1)).tolist()
        }
        began: dict[int, int] = {}
        for row in edges:
            index = int(vehicles[view.vehicle[row]])
            key = (watch.kind, index)
            if on[row] > 0:
                self._spans[key] = _Open(
                    start_s=int(time_s[row]), marks=before_l[row : row + 1].copy(), peak=0.0
                )
                began[index] = row
                continue
            span = self._spans.pop(key)
            first = began.pop(index, first_row[index])
            seconds = int(time_s[row]) - span.start_s
            if seconds < watch.least_s:
                continue
            inside = float(peak[first:row].max(initial=0.0))
            found.append(
                EventTruth(
                    vin=self._fleet[index].vin,
                    kind=watch.kind,
                    start_us=self._us(span.start_s),
                    end_us=self._us(int(time_s[row])),
                    peak=float(seconds) if watch.kind == "idling" else max(span.peak, inside),
                    fuel_l=float(before_l[row] - span.marks[0]),
                )
            )
        for (kind, index), span in self._spans.items():
            if kind == watch.kind and index in first_row:
                first = began.get(index, first_row[index])
                rows = slice(
                    first, first + int((view.vehicle[first:] == view.vehicle[first]).sum())
                )
                span.peak = max(span.peak, float(peak[rows].max(initial=0.0)))
        return found

    def _edges(
        self, view: View, on: Column, vehicles: NDArray[np.intp], open_: dict[int, int]
    ) -> list[int]:
        """Rows whose state differs from the vehicle's row before; `open_` were on before."""
        starts = np.flatnonzero(np.diff(view.vehicle, prepend=-1))
        before = np.concatenate([[0.0], on[:-1]])
        before[starts] = [open_.get(int(index), 0) for index in vehicles[view.vehicle[starts]]]
        rows: list[int] = np.flatnonzero((on > 0) != (before > 0)).tolist()
        return rows

    def _us(self, second: int) -> int:
        return (self._start_s + second) * MICROSECONDS
