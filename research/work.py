"""A piece of an export's work: a partition, whose it is, and what tells that it has changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.export_members import Member


@dataclass(frozen=True, slots=True)
class Work:
    """A partition, its vehicles, and how often something was told of the day by each."""

    table: str
    day: date
    bucket: int
    members: Sequence[Member]
    touched: Mapping[int, int]

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From its midnight UTC to the next."""
        start = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        return start, start + timedelta(days=1)

    def source(self, resolution_s: int) -> str:
        """Changes whenever the database has something else of it, or other vehicles are in it."""
        told = hashlib.sha256()
        for member in self.members:
            if member.vehicle_id in self.touched:
                pieces = member.pieces(*self.span, resolution_s)
                told.update(f"{member.label} {self.touched[member.vehicle_id]} ".encode())
                told.update(
                    " ".join(f"{a.isoformat()}-{b.isoformat()}" for a, b in pieces).encode() + b"\n"
                )
        return told.hexdigest()


def content(table: pa.Table) -> str:
    """Changes whenever the rows of a table do.

    What lies in memory where a value is absent is anything, and no part of it.
    """
    told = hashlib.sha256(table.schema.serialize())
    for column in table.combine_chunks().columns:
        there = column.is_valid().cast(pa.uint8())
        for part in (there, column.drop_null()):
            sink = pa.BufferOutputStream()
            one = pa.table({"": part.combine_chunks()})
            with pa.ipc.new_stream(sink, one.schema) as stream:
                stream.write_table(one)
            told.update(sink.getvalue())
    return told.hexdigest()
