"""One driver's driving as time that adds up: what lies between stops, what was driven by when."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HOUR_S = 3600.0

ROUNDING_S = 1e-3
"""Sums of seconds differ in their last digits: a limit kept to so much is kept [s]."""

SHIFT_STOP_S = 5 * HOUR_S
"""A stop this long lies between two shifts; ours [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """A rule broken.

    Attributes:
        kind: of the event.
        since_s: when the driving began that counts, s since 1970.
        at_s: when the limit was crossed.
        until_s: when it ended.
        peak: hours at the end, in the rule's sense.
        limit: hours allowed.
    """

    kind: str
    since_s: float
    at_s: float
    until_s: float
    peak: float
    limit: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Driving:
    """Spans of driving by time that do not overlap, (k,); within a span driving is spread evenly.

    Attributes:
        start_s, end_s: s since 1970.
        driven_s: driving in each, at most its length.
    """

    start_s: Floats
    end_s: Floats
    driven_s: Floats

    @classmethod
    def of(cls, spans: pd.DataFrame) -> Driving:
        """From start_time, end_time (UTC) and driving_s.

        Where spans of two vehicles overlap, the later one counts from the end of the earlier: a
        person drives one at a time.
        """
        ordered = spans.sort_values(["start_time", "end_time"], kind="stable")
        start_s, end_s = (
            ordered[name].to_numpy(dtype="datetime64[us]").astype(np.int64) / 1e6
            for name in ("start_time", "end_time")
        )
        given_s = ordered["driving_s"].to_numpy(dtype=np.float64)
        before_s = np.append(-np.inf, np.maximum.accumulate(end_s)[:-1])
        clipped_s = np.minimum(np.maximum(start_s, before_s), end_s)
        length_s = end_s - start_s
        left = np.divide(
            end_s - clipped_s, length_s, out=np.zeros_like(length_s), where=length_s > 0
        )
        keep = end_s > clipped_s
        return cls(
            start_s=clipped_s[keep],
            end_s=end_s[keep],
            driven_s=np.minimum(given_s * left, end_s - clipped_s)[keep],
        )

    def __len__(self) -> int:
        return len(self.start_s)

    @property
    def stops_s(self) -> Floats:
        """(k - 1,) the stop after each span but the last."""
        return self.start_s[1:] - self.end_s[:-1]

    def driven_by(self, at_s: Floats) -> Floats:
        """Seconds driven until each of these times."""
        if not len(self):
            return np.zeros_like(at_s)
        knots = np.column_stack((self.start_s, self.end_s)).ravel()
        total = np.cumsum(self.driven_s)
        driven = np.column_stack((total - self.driven_s, total)).ravel()
        return np.interp(at_s, knots, driven)

    def when_driven(self, since_s: float, more_s: float) -> float:
        """When more than so much has been driven since a time."""
        goal = float(self.driven_by(np.array([since_s]))[0]) + more_s
        total = np.cumsum(self.driven_s)
        span = min(int(np.searchsorted(total, goal + ROUNDING_S, side="right")), len(self) - 1)
        share = (goal - (total[span] - self.driven_s[span])) / max(self.driven_s[span], 1e-9)
        length_s = self.end_s[span] - self.start_s[span]
        return float(self.start_s[span] + min(max(share, 0.0), 1.0) * length_s)

    def within(self, begin_s: Floats, stop_s: Floats) -> Driving:
        """Only what lies in these intervals (m,), which do not overlap and are in order."""
        edges_s = np.column_stack((begin_s, stop_s)).ravel()
        cuts_s = np.unique(np.concatenate((self.start_s, self.end_s, edges_s)))
        start_s, end_s = cuts_s[:-1], cuts_s[1:]
        middle_s = (start_s + end_s) / 2
        driven_s = np.diff(self.driven_by(cuts_s))
        inside = np.searchsorted(edges_s, middle_s, side="right") % 2 == 1
        keep = inside & (driven_s > 0)
        return Driving(start_s=start_s[keep], end_s=end_s[keep], driven_s=driven_s[keep])

    def blocks(self, stop_s: float) -> list[tuple[int, int]]:
        """Half-open ranges of spans between stops of at least `stop_s`."""
        if not len(self):
            return []
        edges = np.flatnonzero(self.stops_s >= stop_s) + 1
        bounds = [0, *edges.tolist(), len(self)]
        return list(pairwise(bounds))


def exceeds(driven_s: float, limit_h: float) -> bool:
    """Whether driving is above a limit."""
    return driven_s > limit_h * HOUR_S + ROUNDING_S


def too_long(driving: Driving, kind: str, first: int, stop: int, limit_h: float) -> list[Breach]:
    """The breach of a limit by the driving of some spans, if it is one."""
    driven_s = float(driving.driven_s[first:stop].sum())
    if not exceeds(driven_s, limit_h):
        return []
    since_s = float(driving.start_s[first])
    return [
        Breach(
            kind=kind,
            since_s=since_s,
            at_s=driving.when_driven(since_s, limit_h * HOUR_S),
            until_s=float(driving.end_s[stop - 1]),
            peak=driven_s / HOUR_S,
            limit=limit_h,
        )
    ]


def too_much_within(driving: Driving, kind: str, window_h: float, limit_h: float) -> list[Breach]:
    """Breaches of a limit of driving within any stretch of so many hours, one a shift at most.

    Driving within the last `window_h` hours is a line with corners where a span begins or ends, or
    did so a window ago: what it is at the corners says all.
    """
    window_s = window_h * HOUR_S
    edges_s = np.concatenate((driving.start_s, driving.end_s))
    corners_s = np.unique(np.concatenate((edges_s, edges_s + window_s)))
    recent_s = driving.driven_by(corners_s) - driving.driven_by(corners_s - window_s)
    found = []
    for first, stop in driving.blocks(SHIFT_STOP_S):
        since_s, until_s = driving.start_s[first], driving.end_s[stop - 1]
        shift = slice(*np.searchsorted(corners_s, [since_s, np.nextafter(until_s, np.inf)]))
        at_s, driven_s = corners_s[shift], recent_s[shift]
        highest = int(driven_s.argmax())
        if not exceeds(float(driven_s[highest]), limit_h):
            continue
        over = int((driven_s > limit_h * HOUR_S).argmax())
        crossed_s = at_s[over]
        if over:
            rise = driven_s[over] - driven_s[over - 1]
            left = (driven_s[over] - limit_h * HOUR_S) / rise
            crossed_s -= left * (at_s[over] - at_s[over - 1])
        found.append(
            Breach(
                kind=kind,
                since_s=max(float(at_s[highest]) - window_s, float(driving.start_s[0])),
                at_s=float(crossed_s),
                until_s=float(until_s),
                peak=float(driven_s[highest]) / HOUR_S,
                limit=limit_h,
            )
        )
    return found
