"""Tables as CSV, Arrow (IPC stream) or Parquet, streamed: a batch is read, written, forgotten.

However long the answer, no more than a batch of it and what its format holds back is in memory. The
first batch is read before anything is sent: what goes wrong until then is a problem as ever; later
the answer breaks off, which every client of a chunked answer notices.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

import anyio.to_thread
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, ipc, parquet
from starlette.responses import Response, StreamingResponse

from api.accept import Format
from api.language import HTML_CODES
from api.parameters import Zoned
from api.signals.columns import batch_of, columns_of, in_zone, schema_of
from api.zones import UTC_NAME, told_in, written

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pydantic import BaseModel

    from api.parameters import Paged

FORMULA = r"^([=+\-@\t\r])"
"""How a cell begins that a spreadsheet would work out."""

_EXTENSIONS = {Format.CSV: "csv", Format.ARROW: "arrows", Format.PARQUET: "parquet"}


class _Page(Protocol):
    """A page of a listing."""

    next: str | None


P = TypeVar("P", bound=_Page)
Q = TypeVar("Q", bound="Paged")


async def answer(
    accepted: Format,
    query: Q,
    page: Callable[[Q], Awaitable[P]],
    *,
    rows: str,
    of: type[BaseModel],
    spoken: str | None = None,
    **constants: str | int,
) -> P | Response:
    """A listing in the format that is accepted: a page of it as JSON, else all of it as a table.

    Args:
        accepted: the format.
        query: what was asked; with `limit` a table is one page too, and a Link says what follows.
        page: makes the page of a question.
        rows: the page's field that has the rows.
        of: the rows' model.
        spoken: the language of the texts in it, where there are such.
        constants: columns that are the same in all rows, such as the VIN.
    """
    zone = query.time_zone if isinstance(query, Zoned) else UTC_NAME
    if accepted is Format.JSON:
        return told_in(await page(query), zone)
    columns = in_zone(columns_of(of), zone)
    schema = schema_of(columns, constants)
    one_page = "limit" in query.model_fields_set
    if not one_page:
        query = query.model_copy(update={"limit": _most(type(query))})
    first = await page(query)

    async def batches() -> AsyncIterator[pa.RecordBatch]:
        asked, found = query, first
        while True:
            yield batch_of(schema, columns, constants, getattr(found, rows))
            if found.next is None or one_page:
                return
            (cursor,) = parse_qs(urlsplit(found.next).query)["cursor"]
            asked = asked.model_copy(update={"cursor": cursor})
            found = await page(asked)

    answered = streamed(
        accepted, schema, batches(), rows, following=first.next if one_page else None
    )
    if spoken is not None:
        answered.headers["Content-Language"] = HTML_CODES[spoken]
        answered.headers.add_vary_header("Accept-Language")
    return answered


def _most(query: type[Paged]) -> int:
    """The largest page that may be asked for."""
    limits = query.model_fields["limit"].metadata
    return next(int(limit.le) for limit in limits if hasattr(limit, "le"))


def streamed(
    accepted: Format,
    schema: pa.Schema,
    batches: AsyncIterator[pa.RecordBatch],
    name: str,
    *,
    following: str | None = None,
) -> Response:
    """Batches as the body of an answer.

    Args:
        accepted: the format; any but JSON.
        schema: that of all batches.
        batches: the table.
        name: what a browser calls the file.
        following: the address of the next page.
    """
    headers = {
        "Vary": "Accept",
        "Content-Disposition": f'attachment; filename="{name}.{_EXTENSIONS[accepted]}"',
    }
    if following is not None:
        headers["Link"] = f'<{following}>; rel="next"'
    media = "text/csv; charset=utf-8; header=present" if accepted is Format.CSV else accepted
    return StreamingResponse(_written(accepted, schema, batches), media_type=media, headers=headers)


async def _written(
    accepted: Format, schema: pa.Schema, batches: AsyncIterator[pa.RecordBatch]
) -> AsyncIterator[bytes]:
    outlet = _Outlet()
    writer = _open(accepted, schema, outlet)
    async for batch in batches:
        # Compressing takes a moment, in which others are to be answered.
        await anyio.to_thread.run_sync(_write, accepted, writer, batch)
        if piece := outlet.taken():
            yield piece
    writer.close()
    yield outlet.taken()


def _open(accepted: Format, schema: pa.Schema, outlet: _Outlet) -> _Writer:
    writer: _Writer
    match accepted:
        case Format.CSV:
            writer = csv.CSVWriter(outlet, _as_text(schema.empty_table()).schema)
        case Format.ARROW:
            writer = ipc.new_stream(outlet, schema)
        case _:
            writer = parquet.ParquetWriter(outlet, schema, compression="zstd")
    return writer


def _write(accepted: Format, writer: _Writer, batch: pa.RecordBatch) -> None:
    table = pa.Table.from_batches([batch])
    writer.write_table(_as_text(table) if accepted is Format.CSV else table)


def _as_text(table: pa.Table) -> pa.Table:
    """Times as RFC 3339, as in JSON: without a fraction where there is none; texts as mere texts.

    Spreadsheets take a cell for a formula that begins as one, and what a driver's name may say is
    not ours: an apostrophe before it says that it is text. [OWASP, CSV injection]
    """
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            text = pc.replace_substring_regex(table.column(place), FORMULA, r"'\1")
            table = table.set_column(place, field, text)
        if not pa.types.is_timestamp(field.type):
            continue
        table = table.set_column(place, field.name, written(table.column(place)))
    return table


class _Writer(Protocol):
    """What pyarrow's writers have in common."""

    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


class _Outlet(io.RawIOBase):
    """A file that keeps what was written until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: bytes) -> int:  # type: ignore[override]  # bytes are all it is given
        piece = bytes(data)
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since it was last taken."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
