"""`python -m benchmarks.api_load`: two hundred clients on a fleet's fortnight while ingest writes.

The database is built once and kept (see `fill`). In each of three rounds, one after the other and
always with ingest beside them: fixed bytes and states as fast as some clients ask, a day of signals
and the same rows by bare SQL in turn, and the mix with all clients. Medians of the rounds are told.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics

from pydantic import SecretStr

from benchmarks.api_load import fill
from benchmarks.api_load.measure import Measured, Plan, measure
from benchmarks.api_load.questions import KINDS
from cli import context
from servers import launcher
from servers.settings import ServersSettings

NO_KAFKA = "127.0.0.1:1"
"""Named where no Kafka is needed, so that none is started."""


def main() -> None:
    """Build what is missing, measure, and print tables."""
    options = _options()
    settings = context.load(ServersSettings)
    settings = settings.model_copy(update={"kafka_bootstrap": settings.kafka_bootstrap or NO_KAFKA})
    running = launcher.up(settings)
    try:
        fleet = fill.ensure(
            SecretStr(running.database_dsn), options.vehicles, options.days, told=_say
        )
        load = os.getloadavg()[0]
        plan = Plan(
            clients=options.clients,
            pause_s=options.pause,
            busy=min(options.busy, options.clients),
            seconds=options.seconds,
            uploads_per_s=options.uploads,
            rounds=options.rounds,
        )
        measured = measure(fleet, plan, _say)
    finally:
        if running.started and not options.keep_running:
            launcher.down(settings)
    _say(
        f"\n{options.vehicles:,} vehicles × {options.days} days, {options.clients} clients with "
        f"{options.pause:g} s of pause, {measured.uploads_per_s:.0f} uploads a second beside them; "
        f"{os.cpu_count()} cores ({platform.machine()}), load {load:.1f} before it began; "
        f"medians of {options.rounds} rounds\n"
    )
    _say(tables(measured))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.api_load",
        description="Two hundred clients on a fleet's fortnight while ingest writes.",
    )
    parser.add_argument("--vehicles", type=int, default=2000)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--pause", type=float, default=2.0, help="of a client, on the average [s]")
    parser.add_argument("--busy", type=int, default=16, help="clients that ask without pause")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the mix, in each round")
    parser.add_argument("--uploads", type=int, default=20, help="that ingest writes a second")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep-running", action="store_true", help="leave the database running")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)


def tables(measured: Measured) -> str:
    """What was measured, as the tables of docs/performance.md."""
    figures = {name: statistics.median(found) for name, found in measured.figures.items()}
    lines = ["| figure | | asked |", "|---|---|---|"]
    asked = {
        "state_of_fixed": "≥ 0.40",
        "day_at_1_hz_of_bare": "≤ 2",
    }
    lines += [
        f"| `{name}` | {value:,.3g} | {asked.get(name, '')} |" for name, value in figures.items()
    ]
    lines.append(f"| `peak_memory_mb` | {measured.peak_mb:,.0f} | |")
    lines += [
        "",
        "| question | requests/s | median, ms | 99th percentile, ms |",
        "|---|---|---|---|",
    ]
    for name in (*KINDS, "all"):
        if name in measured.kinds:
            rate, median, worst = (
                statistics.median(part) for part in zip(*measured.kinds[name], strict=True)
            )
            lines.append(f"| {name} | {rate:,.1f} | {median:,.0f} | {worst:,.0f} |")
    return "\n".join(lines)


main()
