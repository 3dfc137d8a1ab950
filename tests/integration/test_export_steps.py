"""Steps that have one row each are read as rows: what is told is that of summing them up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from research.work import content
from storage.arrow_reads import ArrowReader
from storage.export_members import find_members
from storage.export_signals import SignalReader
from tests.worlds.export_world import FIRST, SIGNALS, SLOW, VINS, exported_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from storage.export_members import Members
    from tests.servers.database_fixture import Migrated
    from tests.worlds.export_world import Exported

DAY = (FIRST, FIRST + timedelta(days=1))
NAMES = (*SIGNALS, "altitude", *SLOW)


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Exported:
    """Rows of each second; of one vehicle also some between."""
    world = exported_world(migrated, days=1, seconds=500)
    at = FIRST + timedelta(hours=5)
    odd = pd.DataFrame(
        {"wheel_speed": [-0.0, 8.0], "altitude": [14.5, 25.0], "odometer": [9.0, 8.0]},
        index=pd.DatetimeIndex([at, at + timedelta(seconds=1)]),
    )
    for vin in VINS[:2]:
        world.write(vin, odd)
    between = odd.set_axis(odd.index + timedelta(milliseconds=300))
    world.write(VINS[1], between)
    return world


@pytest.fixture
def reader(world: Exported) -> Iterator[ArrowReader]:
    with ArrowReader(world.database.dsn) as reader:
        yield reader


def members_of(world: Exported, step_s: int) -> Members:
    asked = world.request().asked
    return find_members(world.database.connection, asked, NAMES, step_s)


def both(
    world: Exported, reader: ArrowReader, vin: str, step_s: int
) -> tuple[SignalReader, pa.Table, pa.Table]:
    """A vehicle's day as it is read, with who read it, and summed up in any case."""
    members = members_of(world, step_s)
    member = next(one for one in members.members if one.vin == vin)
    signals, summed = (
        SignalReader(reader, world.database.catalogue, members, NAMES) for _ in range(2)
    )
    summed._one_row_a_step = False
    return signals, signals.read(member, DAY), summed.read(member, DAY)


def test_a_row_alone_in_its_step_is_told_as_its_sum_would_be_to_the_bit(
    world: Exported, reader: ArrowReader
) -> None:
    signals, found, summed = both(world, reader, VINS[0], 1)
    assert signals._one_row_a_step
    assert len(found) > 100
    assert content(found) == content(summed)
    assert {name for name in NAMES if found[name].null_count < len(found)} == {*NAMES}


@pytest.mark.parametrize(("vin", "step_s"), [(VINS[1], 1), (VINS[0], 2)])
def test_where_a_step_has_several_rows_they_are_summed_up(
    world: Exported, reader: ArrowReader, vin: str, step_s: int
) -> None:
    signals, found, summed = both(world, reader, vin, step_s)
    assert not signals._one_row_a_step
    assert content(found) == content(summed)
    at = pd.Timestamp(FIRST + timedelta(hours=5))
    speed = found.to_pandas().set_index("time").loc[at, "wheel_speed"]
    assert speed == (0.0 if step_s == 1 else 4.0)
