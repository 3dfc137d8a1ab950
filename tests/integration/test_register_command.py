"""Vehicles are made known before they send, and only those get in where settings say so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from storage import registers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated

RECORDING = "t_s,speed\n" + "".join(f"{second},36\n" for second in range(120))

MAPPING = """
description = "a test's recording"
[time]
column = "t_s"
kind = "elapsed_s"
[[signal]]
column = "speed"
unit = "km/h"
name = "wheel_speed"
"""

KNOWN, STRANGER = "LVBV3ABB5PE000011", "LVBV3ABB5PE000012"


def test_a_registered_vehicle_gets_in_and_a_stranger_does_not(
    command_line: CommandLine, migrated: Migrated, tmp_path: Path
) -> None:
    command_line.environment["TELEMETRY_UNKNOWN_VIN"] = "refuse"
    (tmp_path / "drive.csv").write_text(RECORDING, encoding="utf-8")
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "vins.txt").write_text(f"{KNOWN}\n\n", encoding="utf-8")
    command_line.run("register", "--file", str(tmp_path / "vins.txt"), "--model", "GTL")
    for vin in (KNOWN, STRANGER):
        command_line.run(
            "replay", str(tmp_path / "drive.csv"), "--mapping", str(tmp_path / "mapping.toml"),
            "--vin", vin,
        )  # fmt: skip
    done = command_line.run("ingest", "--until-idle", "2")
    assert "2 refused" in done.stderr  # 120 rows of the stranger are two messages
    stored = migrated.connection.execute(
        "SELECT vin, model, count(*) FROM signal_motion JOIN vehicle USING (vehicle_id)"
        " GROUP BY vin, model"
    ).fetchall()
    assert stored == [(KNOWN, "GTL", 120)]


def test_vehicles_get_their_class_and_are_in_a_fleet_since_a_day(
    command_line: CommandLine, migrated: Migrated
) -> None:
    registers.ensure_party(migrated.connection, registers.DEMO_PARTY, "maker")
    for _ in range(2):  # said again it stays as it is
        command_line.run(
            "register", KNOWN, "--class", "medium_truck", "--fleet", "North",
            "--since", "2026-01-05", "--time-zone", "Europe/Berlin",
        )  # fmt: skip
    row = migrated.connection.execute(
        "SELECT vehicle_class, fleet.name, time_zone, lower(member)"
        " FROM vehicle JOIN fleet_vehicle USING (vehicle_id) JOIN fleet USING (fleet_id)"
        " WHERE vin = %s",
        (KNOWN,),
    ).fetchall()
    since = datetime(2026, 1, 5, tzinfo=UTC)
    assert row == [("medium_truck", "North", "Europe/Berlin", since)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--class", "lorry"), "medium_truck"),
        (("--fleet", "  "), "name"),
        (("--since", "2026-01-05"), "--fleet"),
        (("--fleet", "North", "--party", "Nobody"), "Nobody"),
        (("--fleet", "East", "--time-zone", "Mars/Olympus"), "Mars/Olympus"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(
    command_line: CommandLine, migrated: Migrated, options: tuple[str, ...], said: str
) -> None:
    registers.ensure_party(migrated.connection, registers.DEMO_PARTY, "maker")
    refused = command_line.run("register", KNOWN, *options, fails=True)
    assert said in refused.stderr


def test_nothing_is_registered_where_one_vin_is_none(
    command_line: CommandLine, migrated: Migrated
) -> None:
    refused = command_line.run("register", "LVBV3ABB5PE000021", "no-vin", fails=True)
    assert "no-vin" in refused.stderr
    (count,) = migrated.connection.execute(
        "SELECT count(*) FROM vehicle WHERE vin = 'LVBV3ABB5PE000021'"
    ).fetchone() or (None,)
    assert count == 0


def test_analysing_a_vehicle_that_is_not_registered_says_so(command_line: CommandLine) -> None:
    refused = command_line.run("analyse", "--vehicle", "LVBV3ABB5PE000099", fails=True)
    assert "LVBV3ABB5PE000099" in refused.stderr


def known(migrated: Migrated, *vins: str) -> list[tuple[str, str | None]]:
    return migrated.connection.execute(
        "SELECT vin, plate FROM vehicle WHERE vin = ANY (%s) ORDER BY vin", (list(vins),)
    ).fetchall()


def test_a_list_is_written_as_a_whole_or_where_that_is_said_in_part(
    command_line: CommandLine, migrated: Migrated, tmp_path: Path
) -> None:
    one, other = "LVBV3ABB5PE000031", "LVBV3ABB5PE000032"
    file = tmp_path / "vehicles.csv"
    file.write_text(f"vin,plate\n{one},A\nno,=B\n", encoding="utf-8")
    refused = command_line.run("register", "--csv", str(file), fails=True)
    assert "line 3, vin 'no': This is no VIN." in refused.stdout
    assert "line 3, plate '=B'" in refused.stdout
    assert "nothing was written" in refused.stderr
    assert known(migrated, one) == []
    command_line.run("register", "--csv", str(file), "--partial")
    assert known(migrated, one) == [(one, "A")]
    file.write_text(f"vin,plate\n{one},A2\n{other},B\n", encoding="utf-8")
    dry = command_line.run("register", "--csv", str(file), "--dry-run")
    assert "1 new, 1 changed" in dry.stdout
    assert known(migrated, one, other) == [(one, "A")]
    command_line.run("register", "--csv", str(file))
    assert known(migrated, one, other) == [(one, "A2"), (other, "B")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dry-run",), "--csv"),
        (("--csv", "vehicles.csv", KNOWN), "--csv"),
        (("--csv", "not-there.csv"), "not-there.csv"),
    ],
)
def test_a_list_comes_alone_and_from_a_file(
    command_line: CommandLine, options: tuple[str, ...], said: str
) -> None:
    assert said in command_line.run("register", *options, fails=True).stderr
