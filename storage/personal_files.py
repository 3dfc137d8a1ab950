"""Looking for what names a driver in files: Parquet by columns of text, all else by bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from storage.personal_search import Found, Searched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BLOCK = 1 << 20
"""Read at a time [bytes]."""


def search_folder(folder: Path, texts: Iterable[str]) -> Searched:
    """Look for texts in every file below a folder: datasets, history, exports.

    Returns:
        Files as tables; of Parquet each column of text is one, of others the whole file.

    Raises:
        OSError: a file cannot be read.
    """
    wanted = list(texts)
    found: list[Found] = []
    files = columns = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        files += 1
        parquet = _is_parquet(path)
        for name, rows in _of_parquet(path, wanted) if parquet else _of_bytes(path, wanted):
            columns += 1
            if rows:
                found.append(Found(where=f"{path}{name}", rows=rows))
    return Searched(tables=files, columns=columns, found=tuple(found))


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            return False
    try:
        return pq.read_metadata(path) is not None
    except (pa.ArrowInvalid, OSError):  # cut off, or another's: it has bytes all the same
        return False


def _of_parquet(path: Path, texts: list[str]) -> Iterator[tuple[str, int]]:
    file = pq.ParquetFile(path)
    for column in file.schema_arrow:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            continue
        rows = 0
        for group in range(file.num_row_groups):
            values = file.read_row_group(group, columns=[column.name]).column(0).cast(pa.string())
            for text in texts:
                rows += pc.sum(pc.match_substring(values, text)).as_py() or 0
        yield f": {column.name}", rows
    footer = str(file.schema_arrow.metadata or {}) + str(file.metadata)
    yield " (metadata)", sum(text in footer for text in texts)


def _of_bytes(path: Path, texts: list[str]) -> Iterator[tuple[str, int]]:
    needles = [text.encode() for text in texts]
    keep = max(map(len, needles), default=1) - 1
    seen, tail = set[bytes](), b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            tail += block
            seen |= {needle for needle in needles if needle in tail}
            tail = tail[-keep:] if keep else b""
    yield "", len(seen)
