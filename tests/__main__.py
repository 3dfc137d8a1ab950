"""Every test, in two lanes side by side, for one alone leaves a processor idle while servers work.

Each is a pytest of its own, told apart by the name before its lines; arguments are given to both:
`python -m tests -k fuel`. `python -m tests --fast` runs the unit tests alone, half of them a lane.
What failed in either is told once more at the end, where whoever sees only that will find it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from threading import Thread

LANES = {
    "answers": ("tests/unit", "tests/truth", "tests/api"),
    "servers": ("tests/integration", "tests/faults"),
}

FAST = "--fast"

ROOT = Path(__file__).parents[1]

NOTHING_CHOSEN = 5
"""How pytest ends where no test was asked for (its ExitCode.NO_TESTS_COLLECTED)."""

WIDTH = "240"
"""How long lines may be: pytest cuts off what does not fit of the reason for a failure."""

_FAILED = ("FAILED ", "ERROR ")
"""How lines of pytest's summary begin that tell of what failed."""

_CLOSING_LINE = re.compile(r"(?:=+ )?(\d+ [a-z].*) in [\d.]+s.*")
_COUNT = re.compile(r"(\d+) ([a-z]+)")


class Lane(Thread):
    """One pytest, whose lines are printed as they come.

    Args:
        name: said before each line.
        places: folders and files that it runs.
        arguments: further ones for pytest.
    """

    def __init__(self, name: str, places: tuple[str, ...], arguments: list[str]) -> None:
        super().__init__(name=name)
        self._command = [sys.executable, "-m", "pytest", *places, *arguments]
        self.exit_code = 1
        self.counts: Counter[str] = Counter()
        self.failed: list[str] = []

    def run(self) -> None:
        """Run it to its end."""
        with subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=os.environ | {"COLUMNS": WIDTH},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                # One write a line, so that the lanes' lines do not mix.
                sys.stdout.write(f"{self.name}: {line}")
                sys.stdout.flush()
                if line.startswith(_FAILED):
                    self.failed.append(line)
                if closing := _CLOSING_LINE.fullmatch(line.strip()):
                    self.counts = Counter(
                        {what: int(number) for number, what in _COUNT.findall(closing[1])}
                    )
        self.exit_code = process.returncode


def main(arguments: list[str]) -> int:
    """Run both lanes; returns the code to exit with, 0 where no test failed in either."""
    start = time.monotonic()
    chosen = _halves() if FAST in arguments else LANES
    given = [argument for argument in arguments if argument != FAST]
    lanes = [Lane(name, places, given) for name, places in chosen.items()]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    sys.stdout.writelines(f"{lane.name}: {line}" for lane in lanes for line in lane.failed)
    counts = sum((lane.counts for lane in lanes), Counter[str]())
    told = ", ".join(f"{number} {what}" for what, number in counts.items())
    sys.stdout.write(f"==== {told or 'no tests ran'} in {time.monotonic() - start:.0f}s ====\n")
    codes = {lane.exit_code for lane in lanes}
    if codes == {NOTHING_CHOSEN}:
        return NOTHING_CHOSEN
    return next((code for code in codes if code not in {0, NOTHING_CHOSEN}), 0)


def _halves() -> dict[str, tuple[str, ...]]:
    """The unit tests, every second file a lane: neighbours are of one subject and weigh alike."""
    files = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("tests/unit/test_*.py"))]
    return {"one half": tuple(files[::2]), "the other": tuple(files[1::2])}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
