"""Write the notebooks as they are kept: `python docs/notebooks/clean.py`, before a commit.

Without outputs, counts and what an editor notes of its machine, so that a diff shows what somebody
changed. Cells are numbered by their place.
"""

from __future__ import annotations

from pathlib import Path

import nbformat

NOTEBOOKS = sorted(Path(__file__).parent.glob("*.ipynb"))


def cleaned(text: str) -> str:
    """A notebook's file as it is kept."""
    notebook = nbformat.reads(text, as_version=4)
    for place, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{place:02d}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


if __name__ == "__main__":
    for path in NOTEBOOKS:
        path.write_text(cleaned(path.read_text("utf-8")), "utf-8")
