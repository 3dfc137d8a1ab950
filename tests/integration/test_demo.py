"""The demo's way, from simulated trucks to the page, gives what is true of the trucks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from servers.ports import free

if TYPE_CHECKING:
    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated


def _a_working_morning() -> datetime:
    """Eight o'clock in China on the last Wednesday but one: at night and on Sundays trucks rest."""
    midnight = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=(midnight.weekday() - 2) % 7 + 7)


def test_the_demo_ends_with_the_trips_its_trucks_have_driven(
    command_line: CommandLine, migrated: Migrated
) -> None:
    command_line.environment["TELEMETRY_API_PORT"] = str(free(1)[0])
    done = command_line.run(
        *("demo", "--once", "--vehicles", "4", "--days", "0.5", "--seed", "11"),
        *("--start", _a_working_morning().isoformat()),
    )
    assert "Look at http://127.0.0.1:" in done.stdout
    truth = Path(command_line.environment["TELEMETRY_HOME"]) / "truth" / "11"
    days = pd.read_parquet(truth / "days.parquet").groupby("vin").sum(numeric_only=True)
    found = pd.DataFrame(
        migrated.connection.execute(
            "SELECT vin, sum(distance_km), sum(fuel_l), sum(idle_s)"
            " FROM trip JOIN vehicle USING (vehicle_id) GROUP BY vin"
        ).fetchall(),
        columns=["vin", "distance_km", "fuel_l", "idle_s"],
    ).set_index("vin")
    driven = days[days["distance_m"] > 0]
    assert len(driven) > 0
    for vin in map(str, driven.index):
        day = driven.loc[vin]
        # Counters move in steps of 5 m and 1 ml; a trip begins with the first row that shows it.
        assert found.loc[vin, "distance_km"] == pytest.approx(day["distance_m"] / 1000, rel=0.01)
        assert found.loc[vin, "fuel_l"] == pytest.approx(day["fuel_l"], rel=0.01)
        # Idling at walking pace counts as moving here and as standing there.
        assert found.loc[vin, "idle_s"] == pytest.approx(day["idle_s"], rel=0.05, abs=30)


def test_the_demo_ends_with_fuel_and_causes_against_what_its_fleet_has_taught(
    migrated: Migrated, command_line: CommandLine
) -> None:
    (parts,) = migrated.connection.execute(
        "SELECT count(*) FROM fuel_part JOIN model USING (model_id)"
        " WHERE stage = 'champion' AND fuel_l > 0 AND expected_l > 0"
    ).fetchone() or (0,)
    assert parts > 0
    (of_parts,) = migrated.connection.execute(
        "SELECT count(*) FROM fuel_cause JOIN fuel_part USING (vehicle_id, part_start)"
    ).fetchone() or (0,)
    assert of_parts >= 10 * parts  # causes
    truth = Path(command_line.environment["TELEMETRY_HOME"]) / "truth" / "11"
    driven = pd.read_parquet(truth / "days.parquet")["fuel_l"].sum()
    burnt = migrated.connection.execute("SELECT sum(fuel_l) FROM fuel_part").fetchall()
    assert burnt == [(pytest.approx(driven, rel=0.01),)]


def test_every_frame_of_the_demo_is_stored(migrated: Migrated, command_line: CommandLine) -> None:
    status = command_line.run("status").stdout
    (frames,) = migrated.connection.execute(
        "SELECT sum(count) FROM ingest_count WHERE measure = 'frames'"
    ).fetchone() or (0,)
    (rows,) = migrated.connection.execute("SELECT count(*) FROM signal_motion").fetchone() or (0,)
    assert rows == frames > 0
    assert f"{frames:,}" in status
