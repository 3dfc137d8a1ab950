"""The threat model names the tests that show what it says; these exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ROWS = [
    line
    for line in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and re.search(r"`test_\w+", line.rsplit("|", 2)[1])
]
FILES = {path.stem: path.read_text(encoding="utf-8") for path in ROOT.glob("tests/*/test_*.py")}
NAMES = re.findall(r"^ *(?:async )?def (test_\w+)", "\n".join(FILES.values()), re.MULTILINE)


def test_the_threat_model_was_read() -> None:
    assert len(ROWS) > 30


@pytest.mark.parametrize("row", ROWS)
def test_every_test_that_is_named_is_there(row: str) -> None:
    for named in re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1]):
        if named.startswith(("python ", "make ")):
            continue
        file, _, part = named.rpartition(": ")
        if not file and part in FILES:
            continue
        assert not file or file in FILES, f"there is no file {file}"
        pattern = ".*".join(re.escape(piece) for piece in part.split("…"))
        names = re.findall(r"def (test_\w+)", FILES[file]) if file else NAMES
        assert any(re.search(pattern, name) for name in names), f"there is no test {named}"
