"""The notebooks as they are kept, and what their reader is told before they run."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from schemas.errors import TelemetryError
from tests.asking.command_line import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the notebooks' folder, as they do."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_counts_and_its_writers_machine(
    path: Path, module: Any
) -> None:
    text = path.read_text("utf-8")
    nbformat.validate(nbformat.reads(text, as_version=4))
    assert text == module("clean").cleaned(text), "python docs/notebooks/clean.py makes it so"


def test_what_a_run_leaves_in_a_notebook_is_taken_out(module: Any) -> None:
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("stream", text="of a fleet that nobody may know")]
    cell.execution_count = 7
    cell.metadata = {"collapsed": True}
    notebook.metadata.language_info.version = "3.11.7"
    cleaned = module("clean").cleaned(nbformat.writes(notebook))
    assert cleaned == NOTEBOOKS[0].read_text("utf-8")


def test_the_readme_names_every_notebook_and_shows_pictures_that_are_there() -> None:
    told = (FOLDER / "README.md").read_text("utf-8")
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", told)
    assert len(shown) >= len(NOTEBOOKS) == 3
    for name in shown:
        assert (FOLDER / name).resolve().is_file()
    for notebook in NOTEBOOKS:
        assert f"({notebook.name})" in told


def test_without_a_database_they_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: Any
) -> None:
    monkeypatch.delenv("TELEMETRY_DATABASE_DSN", raising=False)
    monkeypatch.setenv("TELEMETRY_HOME", str(tmp_path))
    with pytest.raises(TelemetryError, match="`telemetry up` starts its database again"):
        module("fleet").open_fleet()
