"""`telemetry catalogue`: filters, formats that pipe, and the check of a file."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.catalogue import app
from schemas.catalogue import COLUMNS, default, load
from schemas.docs import signals_markdown


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, prog_name="catalogue")


def names(*arguments: str) -> set[str]:
    result = run(*arguments, "--format", "csv")
    assert result.exit_code == 0
    return {row["name"] for row in csv.DictReader(io.StringIO(result.stdout))}


def test_the_csv_loads_back_as_the_same_catalogue(tmp_path: Path) -> None:
    file = tmp_path / "exported.csv"
    file.write_text(run("--format", "csv").stdout, encoding="utf-8")
    assert load(file) == default()


def test_json_has_the_same_columns_with_numbers_as_numbers() -> None:
    rows = json.loads(run("--format", "json").stdout)
    assert len(rows) == len(default().signals)
    assert all(tuple(row) == COLUMNS for row in rows)
    speed = next(row for row in rows if row["name"] == "wheel_speed")
    assert (speed["spn"], speed["max"], speed["description_zh"]) == (84, 250, "车轮车速")


def test_the_table_shows_every_signal_whole_where_it_is_piped() -> None:
    output = run().stdout
    assert all(signal.name in output for signal in default().signals)


@pytest.mark.parametrize(
    ("search", "name"),
    [
        ("wheel_speed", "wheel_speed"),
        ("TraveledDistance", "odometer"),
        ("Accelerator PEDAL position", "accelerator_pedal"),
        ("尿素箱液位", "reagent_level"),
        ("5054", "fuel_used_total"),
        ("spn5054", "fuel_used_total"),
    ],
)
def test_search_looks_in_name_path_both_descriptions_and_spn(search: str, name: str) -> None:
    assert name in names("--search", search)


def test_search_wants_every_word_and_an_spn_whole() -> None:
    assert names("--search", "tyre pressure trailer axle2") == {
        "tyre_pressure_trailer_axle2_left",
        "tyre_pressure_trailer_axle2_right",
    }
    assert names("--search", "spn84") == {"wheel_speed"}  # and not 841 or 184


def test_group_and_search_narrow_together() -> None:
    assert names("--group", "location") == {
        signal.name for signal in default().groups["location"].signals
    }
    assert names("--group", "location", "--search", "speed") >= {"gnss_speed", "speed_limit"}
    assert "wheel_speed" not in names("--group", "location", "--search", "speed")


def test_a_search_that_finds_nothing_says_so_beside_the_data() -> None:
    result = run("--search", "warp drive", "--format", "json")
    assert json.loads(result.stdout) == []
    assert "no signal matches" in result.stderr


def test_an_unknown_group_is_refused_with_those_there_are() -> None:
    result = run("--group", "engine")
    assert result.exit_code == 2  # the command line's own code for a wrong argument
    assert "powertrain" in result.stderr


def test_check_says_that_the_shipped_catalogue_is_right() -> None:
    result = run("check")
    assert result.exit_code == 0
    assert f"{len(default().signals)} signals in 7 groups" in result.stdout


def test_check_prints_each_problem_of_a_file_and_fails(tmp_path: Path) -> None:
    lines = run("--format", "csv").stdout.splitlines()
    lines[2] = lines[2].replace("km/h", "knots")
    file = tmp_path / "mine.csv"
    file.write_text("\n".join([*lines, lines[1]]), encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 1
    printed = result.stdout.splitlines()
    assert printed[0].startswith(f"{file}:3: unknown unit 'knots'")
    end = len(lines) + 1  # the row appended once more reuses the id, name and path of line 2
    assert f"{file}:{end}: id 1 is reused: line 2 has it" in printed
    assert len(printed) == 4


def test_check_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = run("check", str(tmp_path / "absent.csv"))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "absent.csv" in result.stderr


def test_docs_prints_the_page_or_writes_it(tmp_path: Path) -> None:
    page = signals_markdown(default())
    assert run("docs").stdout == page
    file = tmp_path / "signals.md"
    assert run("docs", "--output", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8") == page


@pytest.mark.parametrize("command", [[], ["check"], ["docs"]])
def test_every_command_has_help_with_an_example(command: list[str]) -> None:
    assert "Example: telemetry catalogue" in run(*command, "--help").stdout
