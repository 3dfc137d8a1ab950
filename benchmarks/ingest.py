"""Ingest, end to end, against the fastest and the slowest way to the same rows in the same tables.

- raw COPY: the rows encoded beforehand, over one connection or two, nothing but COPY and COMMIT;
- ingest: a worker process on a filled topic: fetch, decode, check, encode, COPY, state, commit;
- with repeats: every hundredth message comes again three hundred messages later;
- JSON: the same frames as JSON;
- one lane: a worker that writes over one connection, where it would write over two by default;
- two workers of one group, each with one lane: what a second process adds;
- naive: a consumer as a first one is written: json.loads, one executemany a table and message.

The frames: 420 signals of which 363 are present, 60 a message, of 1,000 vehicles; and the same `by
period`: each second what is measured every second, each tenth second the rest. Three rounds, each
with all contenders in turn, each on a new database; medians are compared. `busy` is the share of
all cores' time in which they worked: near 1 the machine is the bound, and `_us` says for whom it
worked.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.copying import encoded, naive, raw_copy, steps_of_server
from benchmarks.databases import servers
from benchmarks.frames import PRESENT, SIGNALS, full_messages, messages_by_period
from benchmarks.streaming import drain, filled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.streaming import Drained
    from schemas.wire import Message

ROUNDS = 3
VEHICLES = 1000
MESSAGES = 6000
"""Messages of a round: 360,000 frames, so that joining the group is a small part of it."""
MESSAGES_BY_PERIOD = 16_000
"""Likewise where a frame takes a third of the time."""
JSON_MESSAGES, FEW_AS_JSON = 1000, 3000
NAIVE_MESSAGES, FEW_FOR_NAIVE = 600, 1800
"""The slow ones get fewer; the naive one so many that its round is as long as a worker's."""
REPEATED_EVERY = 100
REPEATED_AFTER = 300


def run() -> dict[str, float]:
    """Measure; frames a second unless the name says otherwise."""
    sent = list(full_messages(vehicles=VEHICLES, messages=MESSAGES))
    few = list(messages_by_period(vehicles=VEHICLES, messages=MESSAGES_BY_PERIOD))
    rates: defaultdict[str, list[float]] = defaultdict(list)
    peaks: list[float] = []
    usage: defaultdict[str, list[Drained]] = defaultdict(list)
    with (
        servers() as bootstrap,
        filled(bootstrap, sent) as full,
        filled(bootstrap, _repeating(sent)) as repeating,
        filled(bootstrap, sent[:JSON_MESSAGES], json_format=True) as as_json,
        filled(bootstrap, sent[:NAIVE_MESSAGES], json_format=True) as for_naive,
        filled(bootstrap, few) as by_period,
        filled(bootstrap, _repeating(few)) as by_period_repeating,
        filled(bootstrap, few[:FEW_AS_JSON], json_format=True) as by_period_as_json,
        filled(bootstrap, few[:FEW_FOR_NAIVE], json_format=True) as by_period_for_naive,
    ):
        steps = steps_of_server()
        batches, few_batches = encoded(sent, steps), encoded(few, steps)
        for number in range(1, ROUNDS + 1):
            rates["raw_copy"].append(raw_copy(batches))
            for name, drained in (
                ("ingest", drain(full)),
                ("repeats", drain(repeating)),
                ("json", drain(as_json)),
                ("one_lane", drain(full, lanes=1)),
                ("two_workers", drain(full, workers=2, lanes=1)),
                ("by_period", drain(by_period)),
                ("by_period_repeats", drain(by_period_repeating)),
                ("by_period_json", drain(by_period_as_json)),
                ("by_period_one_lane", drain(by_period, lanes=1)),
                ("by_period_two_workers", drain(by_period, workers=2, lanes=1)),
            ):
                rates[name].append(drained.frames_per_s)
                usage[name].append(drained)
            peaks.append(usage["ingest"][-1].peak_mb)
            rates["raw_copy_2"].append(raw_copy(batches, connections=2))
            rates["by_period_raw_copy"].append(raw_copy(few_batches))
            rates["by_period_raw_copy_2"].append(raw_copy(few_batches, connections=2))
            rates["naive"].append(naive(for_naive))
            rates["by_period_naive"].append(naive(by_period_for_naive))
            print(
                f"round {number}: "
                + ", ".join(f"{name} {values[-1]:,.0f}/s" for name, values in rates.items()),
                flush=True,
            )
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "frames": full.frames,
        "signals_a_frame": SIGNALS,
        "present_a_frame": PRESENT,
        **{f"{name}_frames_per_s": rate for name, rate in medians.items()},
        "ingest_values_per_s": medians["ingest"] * PRESENT,
        "ingest_peak_memory_mb": statistics.median(peaks),
        **{f"{what}_of_{base}": _ratio(rates, what, base) for what, base in _COMPARED},
        **{
            figure: value
            for name in ("ingest", "two_workers", "by_period")
            for figure, value in _bound(name, usage[name]).items()
        },
    }


def _bound(name: str, rounds: list[Drained]) -> dict[str, float]:
    """How busy the cores were, and for whom: processor time a frame [µs]."""
    kinds = ("python", "database", "kafka")
    return {
        f"{name}_busy": statistics.median(drained.cpu.busy for drained in rounds),
        **{
            f"{name}_{kind}_us": statistics.median(
                1e6 * drained.cpu.seconds.get(kind, 0.0) / drained.frames for drained in rounds
            )
            for kind in kinds
        },
    }


_COMPARED = (
    ("ingest", "raw_copy"),
    ("repeats", "raw_copy"),
    ("ingest", "naive"),
    ("json", "ingest"),
    ("two_workers", "one_lane"),
    ("two_workers", "ingest"),
    ("two_workers", "raw_copy_2"),
    ("by_period", "by_period_raw_copy"),
    ("by_period_repeats", "by_period_raw_copy"),
    ("by_period", "by_period_naive"),
    ("by_period_json", "by_period"),
    ("by_period_two_workers", "by_period_one_lane"),
    ("by_period_two_workers", "by_period_raw_copy_2"),
)


def _ratio(rates: dict[str, list[float]], what: str, base: str) -> float:
    """The median of the rounds' ratios: what slows a round slows both of them."""
    return statistics.median(a / b for a, b in zip(rates[what], rates[base], strict=True))


def _repeating(sent: Iterable[Message]) -> Iterator[Message]:
    """Each hundredth message again, a little later, as a producer sends it that got no answer."""
    waiting: dict[int, Message] = {}
    for number, message in enumerate(sent):
        if number in waiting:
            yield waiting.pop(number)
        if number % REPEATED_EVERY == 0:
            waiting[number + REPEATED_AFTER] = message
        yield message
    yield from waiting.values()
