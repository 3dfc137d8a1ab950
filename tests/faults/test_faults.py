"""The short run of `make faults`: some families' faults, and nothing lost or doubled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.faults import run as runs
from tests.faults.fault import REGISTERED

ROOT = Path(__file__).parents[2]


def test_every_fault_is_drawn_before_any_comes_again() -> None:
    kinds = list(REGISTERED.values())
    drawn = runs.draw(kinds, 2 * len(kinds), np.random.default_rng(1))
    assert {each.name for each in drawn[: len(kinds)]} == set(REGISTERED)
    assert {each.name for each in drawn[len(kinds) :]} == set(REGISTERED)
    again = runs.draw(kinds, 2 * len(kinds), np.random.default_rng(1))
    assert [each.name for each in drawn] == [each.name for each in again]


def test_faults_lose_nothing_and_double_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.short"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GOOD: nothing lost, nothing doubled" in done.stdout
