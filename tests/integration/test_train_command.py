"""`telemetry train fuel` as it is run: it says what it learnt, and what to do where it cannot."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.fuel_models import models
from tests.driven_fleet import midnight_before
from tests.driven_vehicle import DrivenVehicle, driving

if TYPE_CHECKING:
    from tests.command_line import CommandLine
    from tests.database_fixture import Migrated

M = midnight_before(9)


def test_without_days_or_models_it_says_what_to_do(
    migrated: Migrated, command_line: CommandLine
) -> None:
    assert "`telemetry train fuel` makes one" in command_line.run("train", "fuel", "--list").stdout
    refused = command_line.run("train", "fuel", fails=True)
    assert "analyse some days first" in refused.stderr
    refused = command_line.run("train", "fuel", "--roll-back", "7", fails=True)
    assert "There is no model 7: there are none" in refused.stderr
    assert models(migrated.connection) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--list", "--roll-back", "1"), "--list shows models"),
        (("--from", "2026-11-02", "--to", "2026-11-01"), "lies after"),
        (("--vehicles-held-out", "0.9"), "vehicles-held-out"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    command_line: CommandLine, options: tuple[str, ...], says: str
) -> None:
    refused = command_line.run("train", "fuel", *options, fails=True)
    assert refused.returncode == 2
    assert says in refused.stderr


def test_models_are_trained_listed_and_used_again(
    migrated: Migrated, command_line: CommandLine
) -> None:
    for number in range(3):
        vehicle = DrivenVehicle(migrated, f"LVBV3ABB5PT{number:06d}")
        vehicle.write(driving(M + timedelta(hours=2), 40, km_h=60 + 5 * number))
        vehicle.analyse()
        vehicle.close()
    trained = command_line.run("train", "fuel", "--note", "of three").stdout
    assert "of 3 vehicles, and is used from now on" in trained
    assert "published figures" in trained  # three are no peers
    first = models(migrated.connection)[0].model_id
    second = command_line.run("train", "fuel", "--from", f"{M.date()}").stdout
    assert f"Model {first + 1} learnt from" in second
    command_line.run("train", "fuel", "--roll-back", str(first))
    (newer, older) = command_line.run("train", "fuel", "--list").stdout.splitlines()
    assert older.split()[:2] == ["*", str(first)]
    assert older.endswith("of three")
    assert not newer.startswith("*")
    assert "fuel of 3 vehicle-weeks" in command_line.run("analyse").stdout
