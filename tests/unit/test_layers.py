"""The layout is the architecture, so the architecture is a test."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_dependencies_point_one_way() -> None:
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Contracts: 5 kept, 0 broken." in checked.stdout


def test_every_package_of_ours_is_in_the_contracts() -> None:
    packages = {
        folder.name
        for folder in ROOT.iterdir()
        if (folder / "__init__.py").exists() and folder.name != "tests"
    }
    layers = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    roots = layers.split("root_packages = [")[1].split("]")[0]
    assert packages == {name.strip(' "') for name in roots.split(",")}
