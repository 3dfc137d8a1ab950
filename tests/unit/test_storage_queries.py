"""SQL in files of its own: every statement is found by its name, described, and used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from storage.queries import query

ROOT = Path(__file__).parents[2]
SQL_FILES = sorted((ROOT / "storage" / "sql").glob("*.sql"))
HEADS = [
    head
    for file in SQL_FILES
    for head in re.findall(r"^-- :name (\w+)\n(-- .+)?", file.read_text("utf-8"), re.MULTILINE)
]
NAMES = [name for name, _ in HEADS]


def test_every_name_is_there_once() -> None:
    assert len(NAMES) == len(set(NAMES)) > 0


@pytest.mark.parametrize(("name", "description"), HEADS)
def test_every_statement_says_what_it_is_for(name: str, description: str) -> None:
    assert description, f"-- :name {name} is not followed by a line that describes it"


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_is_loaded_whole_and_without_its_head(name: str) -> None:
    statement = query(name)
    assert re.match(r"SELECT|INSERT|UPDATE|DELETE|WITH", statement)
    assert ":name" not in statement
    assert not statement.endswith(";")


def test_every_statement_is_used() -> None:
    used = {
        node.value
        for folder in ("storage", "ingest", "analytics", "api", "cli")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(NAMES) <= used


def test_a_name_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_such_statement"):
        query("no_such_statement")
