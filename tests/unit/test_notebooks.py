"""The notebooks as they are kept: without what a run leaves in them, so that a diff can be read."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING

import nbformat
import pytest

from schemas.errors import TelemetryError
from tests.asking.command_line import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_three() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == ["first_look", "fuel_model", "new_rule"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_counts_and_its_writers_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert text == nbformat.writes(notebook) + "\n"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    for cell in notebook.cells:
        assert cell.metadata == {}
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_the_notebooks_readme_shows_pictures_that_are_there() -> None:
    told = (FOLDER / "README.md").read_text("utf-8")
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", told)
    assert len(shown) >= 3
    for name in shown:
        assert (FOLDER / name).resolve().is_file()
    for notebook in NOTEBOOKS:
        assert f"({notebook.name})" in told


def test_without_a_database_they_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TELEMETRY_DATABASE_DSN", raising=False)
    monkeypatch.setenv("TELEMETRY_HOME", str(tmp_path))
    monkeypatch.syspath_prepend(FOLDER)
    fleet = importlib.import_module("fleet")
    with pytest.raises(TelemetryError, match="`telemetry up` starts its database again"):
        fleet.open_fleet()
