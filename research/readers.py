"""Connections for tables, one for each thread that asks."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storage.arrow_reads import ArrowReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import SecretStr


@contextmanager
def readers(dsn: SecretStr) -> Iterator[Callable[[], ArrowReader]]:
    """Yield what gives a thread its connection; all are closed at the end."""
    local, lock = threading.local(), threading.Lock()
    opened: list[ArrowReader] = []

    def mine() -> ArrowReader:
        reader: ArrowReader | None = getattr(local, "reader", None)
        if reader is None:
            reader = local.reader = ArrowReader(dsn)
            with lock:
                opened.append(reader)
        return reader

    try:
        yield mine
    finally:
        for reader in opened:
            reader.close()
