"""SQL statements live in files of their own (`storage/sql/*.sql`), each with a name, loaded here.

A file is a row of statements, each headed by `-- :name` and a line that says what it is for:

    -- :name read_offsets
    -- The next offset of every partition of a topic.
    SELECT partition, next_offset FROM ingest_offset WHERE ...
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString

_HEAD = re.compile(r"^-- :name (\w+)\n((?:--.*\n)*)", re.MULTILINE)


@cache
def query(name: str) -> LiteralString:
    """The statement of that name.

    Raises:
        KeyError: there is none.
    """
    return _queries()[name]


@cache
def _queries() -> dict[str, LiteralString]:
    found: dict[str, LiteralString] = {}
    for file in sorted(files("storage").joinpath("sql").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        text = file.read_text(encoding="utf-8")
        heads = list(_HEAD.finditer(text))
        for head, end in zip(heads, [*(h.start() for h in heads[1:]), len(text)], strict=True):
            name = head.group(1)
            if name in found:
                raise ValueError(f"{file.name}: statement {name} is there twice")
            # The text is packaged with the code: as good as a literal in it.
            found[name] = text[head.end() : end].strip()
    return found
