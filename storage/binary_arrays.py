"""PostgreSQL's arrays as numpy's, where an answer comes in binary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg.adapt import Loader
from psycopg.pq import Format

from storage.binary_copy import POSTGRES_EPOCH_US

if TYPE_CHECKING:
    import psycopg
    from numpy.typing import NDArray
    from psycopg.abc import Buffer


async def arrays_as_numpy(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
    """Let arrays that come in binary be numpy's; only who asks for such answers gets them."""
    types = connection.adapters.types
    connection.adapters.register_loader(types["float8"].array_oid, _DoublesLoader)
    connection.adapters.register_loader(types["timestamptz"].array_oid, _TimesLoader)


def _array(data: Buffer, element: str) -> NDArray[Any]:
    """Read a binary array without NULLs into one of `element` (numpy's name) of its shape.

    [PostgreSQL source, array_send: dimensions, flags, element type, then length and lower bound of
    each dimension, then each element's length and bytes]
    """
    dimensions = int(np.frombuffer(data, dtype=">i4", count=1)[0])
    if dimensions == 0:
        return np.empty(0, dtype=element)
    shape = np.frombuffer(data, dtype=">i4", count=2 * dimensions, offset=12)[::2]
    cells = np.frombuffer(
        data, dtype=[("length", ">i4"), ("value", element)], offset=12 + 8 * dimensions
    )
    return cells["value"].reshape(shape)


class _DoublesLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float64]:
        return _array(data, ">f8").astype(np.float64)


class _TimesLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.int64]:
        return _array(data, ">i8").astype(np.int64) + POSTGRES_EPOCH_US
