"""Events that are a state: how many seconds it held is their peak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.events.table import build, empty
from analytics.spans import held, total

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.samples import Samples
    from analytics.thresholds import LeastDuration

    Mask = NDArray[np.bool_]

CLOSE_S = 2.0
"""Rows so far apart carry any state that a person brings about [s]."""


def lasting(
    samples: Samples,
    kind: str,
    on: Mask,
    rules: LeastDuration,
    *,
    entered: Mask | None = None,
) -> pd.DataFrame:
    """The times a state held for `rules.least_s` at least; peak and limit in s.

    Spans less than `rules.join_s` apart are one event, whose peak is the seconds the state held in
    it. Rows further apart than half of `least_s`, and than two seconds, cannot tell: a state may
    be over between them.

    Args:
        samples: the vehicle's rows.
        kind: of EVENT_KINDS.
        on: (n,) where the state holds once it has begun.
        rules: from when on it is an event.
        entered: (n,) where it may begin; None: anywhere.
    """
    on = on & (samples.step_s <= max(rules.least_s / 2, CLOSE_S))
    spans = held(samples, on, entered=entered, join_s=rules.join_s)
    seconds = total(np.where(on, samples.step_s, 0.0), spans)
    long = seconds >= rules.least_s
    if not long.any():
        return empty()
    return build(
        samples,
        kind,
        spans[long],
        peak=seconds[long],
        limit=rules.least_s,
        severity=rules.severity,
    )
