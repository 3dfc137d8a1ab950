"""Slips on the command line are told in a sentence, before anything is read or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cli.app import app
from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from pathlib import Path

VIN = "LVBV3ABB5PE000001"


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TELEMETRY_HOME", str(tmp_path))
    monkeypatch.setenv("TELEMETRY_DATABASE_DSN", "postgresql://u:p@127.0.0.1:1/none")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("simulate --days nan", "cannot simulate nan days"),
        ("simulate --days inf", "cannot simulate inf days"),
        ("simulate --days 1e9", "36,525 at most"),
        ("simulate --start 0001-01-01T00:00:00Z --days 0.01", "before 1970"),
        (f"service-plans done {VIN} 2099-06-01", "2099-06-01 lies ahead of us"),
        (f"service-plans done {VIN} 2026-01-01 --odometer 99999999", "no reading of odometer"),
        (f"service-plans done {VIN} 2026-01-01 --engine-hours 1e12", "no reading of engine_hours"),
        ("identity forget --before 2099-01-01", "nothing was taken out"),
    ],
)
def test_a_slip_is_told_in_a_sentence(line: str, said: str) -> None:
    with pytest.raises(TelemetryError, match=said):
        CliRunner().invoke(app, line.split(), catch_exceptions=False)


@pytest.mark.parametrize(
    "option", ["--every-km -5", "--every-km 1e300", "--every-hours 0", "--every-days -1"]
)
def test_an_interval_of_services_is_above_nothing_and_within_a_vehicle_s_life(option: str) -> None:
    done = CliRunner().invoke(app, ["service-plans", "set", *option.split()])
    assert done.exit_code == 2
    assert "Input should be" in done.output


def test_a_file_of_vins_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "vins.parquet"
    file.write_bytes(b"PAR1\x15\x04\x80\xff")
    with pytest.raises(TelemetryError, match="is no text: write a VIN a line"):
        CliRunner().invoke(app, ["register", "--file", str(file)], catch_exceptions=False)
    with pytest.raises(TelemetryError, match="cannot be read"):
        CliRunner().invoke(app, ["register", "--file", f"{file}.none"], catch_exceptions=False)


@pytest.mark.parametrize(
    "line",
    [
        "models card",
        "models compare",
        "models promote",
        "models archive",
        "datasets end",
        "export --signals wheel_speed --from 2026-01-01 --to 2026-01-02 x --fleet-id",
        "identity users create --party North --name x --role driver --driver-id",
    ],
)
def test_a_number_that_the_database_gives_nobody_is_refused(line: str) -> None:
    done = CliRunner().invoke(app, [*line.split(), str(2**63)])
    assert done.exit_code == 2
    assert "Input should be" in done.output
