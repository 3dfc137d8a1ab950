"""The sums of docs/scale.md: enough of everything, and a way out of whatever is full."""

from __future__ import annotations

from dataclasses import fields

import pytest

from benchmarks import scale_sums
from benchmarks.scale_sums import FLEETS, THEN, Costs, cell_limits, limits, needs, tables

COSTS = Costs(**dict.fromkeys((field.name for field in fields(Costs)), 2.0))
"""Two of each: seconds, bytes, megabytes."""


@pytest.mark.parametrize("vehicles", FLEETS)
def test_cells_are_as_many_as_what_fills_them_first_demands(vehicles: int) -> None:
    cells = needs(vehicles, COSTS).cells
    fewest = min(cell_limits(COSTS).values())
    assert cells * fewest >= vehicles
    assert (cells - 1) * fewest < vehicles


def test_what_is_full_is_told_in_its_order_with_what_to_do_then() -> None:
    full = limits(COSTS)
    assert [vehicles for _, vehicles in full] == sorted(vehicles for _, vehicles in full)
    assert {what for what, _ in full} == set(THEN)


def test_workers_are_half_idle_as_is_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    # 2 s a vehicle-day of days and of fuel, twice and four times a day: 12 s of 86,400.
    assert needs(72_000, COSTS).analysis_workers == 20
    monkeypatch.setitem(scale_sums.ASSUMPTIONS, "headroom", (1.0, "all of it"))
    assert needs(72_000, COSTS).analysis_workers == 10


def test_every_assumption_is_printed_with_what_it_is() -> None:
    printed = tables(COSTS)
    for name, (_, what) in scale_sums.ASSUMPTIONS.items():
        assert f"| {name} | " in printed
        assert what in printed
