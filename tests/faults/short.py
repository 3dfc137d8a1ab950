"""The short run: a fault of each of some families, always the same ones, and the judge judged.

A program of its own, for kafka-python leaves the sockets of failed connections open, which tests
must not.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import run as runs
from tests.faults.lane_faults import LANE, READER
from tests.faults.verdict import Judge
from tests.samples.storage_samples import change

if TYPE_CHECKING:
    import numpy as np

    from tests.faults.arena import Arena
    from tests.faults.fault import Fault

SEED = 20261124
"""Its faults are the same ones each time, as far as time repeats itself."""

FAULTS = 9
"""As many as fit into a minute and a half."""

ALWAYS = (LANE, READER)
"""Families that are among them whatever the seed says."""

TAMPERING = {
    "value nobody sent": "UPDATE telemetry.signal_counters SET engine_hours = 1"
    " WHERE engine_hours IS NULL",
    "vehicle_state differs": "UPDATE telemetry.vehicle_state SET times[1] = '2001-01-01'",
    "touched days of": "DELETE FROM telemetry.touched_day",
    "triggers of": "DELETE FROM telemetry.vehicle_event",
    "trouble codes of": "UPDATE telemetry.trouble_code SET count = 101",
    "interval without a report": "DELETE FROM telemetry.vehicle_report",
    "ingest_count": "UPDATE telemetry.ingest_count SET count = count + 1",
    "refused values kept": "DELETE FROM telemetry.refused_value",
    "offset moved wrongly": "UPDATE telemetry.offset_move SET went_to = went_to - 1",
    "registered vehicles": "INSERT INTO telemetry.vehicle (vin, check_digit_ok, registered_by)"
    " VALUES ('LVBV3ABB5PE999999', true, 'register')",
}
"""What the judge must see, by what it calls it."""

CHANGED = {
    "value lost": ("motion", "wheel_speed", "NULL", "{} = 0"),
    "wrong value": ("location", "altitude", "{} + 1", "true"),
}
"""Likewise: group, signal, new value and which rows."""


def _tamper(arena: Arena) -> None:
    """A judge who finds nothing now has found nothing before."""
    with arena.grounds.direct() as connection:
        for statement in TAMPERING.values():
            assert connection.execute(statement).rowcount > 0, statement
        for what in CHANGED.values():
            assert change(connection, *what) > 0, what
    refused = next(serial for serial, sent in arena.truth.sent.items() if sent.reason)
    kept = next(serial for serial, sent in arena.truth.sent.items() if not sent.reason)
    for serial, reason in ((refused, ""), (kept, "unreadable")):
        arena.truth.sent[serial] = replace(arena.truth.sent[serial], reason=reason)
    found = Judge(arena.grounds, arena.truth, arena.benches()).judge().differences
    for kind in (*TAMPERING, *CHANGED, "letter lost", "letter of nothing refused"):
        assert any(line.startswith(kind) for line in found), f"{kind} was not seen: {found}"


def _short(rng: np.random.Generator, arena: Arena) -> list[Fault]:
    possible = [each for each in runs.one_of_each_family(rng) if not each.why_not(arena)]
    chosen = sorted(possible, key=lambda each: each.family not in ALWAYS)[:FAULTS]
    return [each for each in possible if each in chosen]


def main() -> int:
    """Run, and print what came of it."""

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    folder = Path(tempfile.mkdtemp(prefix="telemetry-faults-logs-"))
    done = runs.execute(SEED, _short, folder, say, examine=_tamper)
    for line in done.lines():
        say(line)
    if not done.good:
        say(f"Evidence: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0 if done.struck.total() == FAULTS else 1


if __name__ == "__main__":
    sys.exit(main())
