"""The database as a source, with what it no longer has read from an archive.

An archive is an export under VINs that was brought up to date while the database still had the
rows. Who asks does not see where an answer comes from.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from research.errors import ExportError
from research.files import Files
from research.tables import SIGNALS, VEHICLES
from schemas import catalogue as catalogues
from storage import export_members, export_rows
from storage.arrow_reads import ArrowReader
from storage.connection import connect
from storage.export_members import Asked
from storage.export_signals import SignalReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from pydantic import SecretStr

    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.export_members import Member, Members
    from storage.export_rows import Driven

    Span = tuple[datetime, datetime]

_DAY = timedelta(days=1)

_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
"""Any span in which a vehicle was the party's."""


class Database:
    """A fleet's database, as a party may read it.

    Args:
        dsn: where it is.
        party: whose vehicles: an owner's, or the maker's.
        purpose: what for: vehicles get pseudonyms and all is coarsened, as in an export; None: VINs
            and values as they are.
        archive: where history was exported to; None: there is none.
        hot_from: the first day of which the database still has its rows (`storage.policies`).
        resolution_s: under pseudonyms, steps in which trips and events are told [s].
        catalogue: of the signals; None: ours.

    Raises:
        ExportError: the archive is not this party's, or it is under pseudonyms.
    """

    def __init__(
        self,
        dsn: SecretStr,
        *,
        party: str,
        purpose: str | None = None,
        archive: str | Path | None = None,
        hot_from: date | None = None,
        resolution_s: int = 60,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._dsn = dsn
        self._party = party
        self._purpose = purpose
        self._catalogue = catalogue or catalogues.default()
        self._archive = None if archive is None else Files(archive, catalogue=self._catalogue)
        self._hot_from = hot_from
        self.resolution_s = 0 if purpose is None else resolution_s
        if self._archive is not None and (
            not self._archive.manifest.query.is_identified
            or self._archive.manifest.query.party != party
            or purpose is not None
        ):
            raise ExportError(
                f"{archive} cannot stand for the history of {party}: an archive is an export of "
                "the same party with --identified, read by who may know the vehicles."
            )

    @property
    def blurred_s(self) -> int:
        """By how much a time of trips and events may lie before the true one [s]."""
        return self.resolution_s

    def vehicles(self) -> pa.Table:
        """The vehicles there are now or were: columns of `research.tables.VEHICLES`.

        Raises:
            StorageError: the party may not have this.
        """
        with connect(self._dsn) as connection:
            members = self._members(connection, _EVER, None, (), self.resolution_s).members
        told = [(one.label, one.vehicle_class, one.model) for one in members]
        columns = [list(column) for column in zip(*told, strict=True)] or [[] for _ in VEHICLES]
        return pa.table(columns, schema=VEHICLES)

    def signals(
        self, names: Sequence[str], span: Span, vehicles: Sequence[str] | None, resolution_s: int
    ) -> Iterator[pa.Table]:
        """Signals in a span, a vehicle's day at a time.

        Raises:
            StorageError: the party may not have this.
        """
        with connect(self._dsn) as connection, ArrowReader(self._dsn) as reader:
            members = self._members(connection, span, vehicles, names, resolution_s)
            signals = SignalReader(reader, self._catalogue, members, names)
            for start, stop in _days(span):
                if self._is_archived(start, SIGNALS):
                    yield from self._from_archive(members, names, (start, stop), resolution_s)
                    continue
                touched = export_members.touched_on(connection, start.date(), members.members)
                for member in members.members:
                    if member.vehicle_id in touched:
                        yield signals.read(member, (start, stop))

    def driven(
        self, table: Driven, span: Span, vehicles: Sequence[str] | None
    ) -> Iterator[pa.Table]:
        """Trips, events, ... that begin in a span, a day at a time.

        Raises:
            StorageError: the party may not have this.
        """
        with connect(self._dsn) as connection, ArrowReader(self._dsn) as reader:
            members = self._members(connection, span, vehicles, (), self.resolution_s)
            for start, stop in _days(span):
                # Trips and events stay in the database; what they are made from does not.
                found = export_rows.read_driven(
                    reader, members, members.members, table, (start, stop)
                )
                if not len(found) and self._archive and self._is_archived(start, table.name):
                    labels = [member.label for member in members.members]
                    yield from self._archive.driven(table, (start, stop), labels)
                yield found

    def _members(
        self,
        connection: Connection,
        span: Span,
        vehicles: Sequence[str] | None,
        names: Sequence[str],
        resolution_s: int,
    ) -> Members:
        asked = Asked(
            party=self._party,
            purpose=self._purpose,
            start=span[0],
            stop=span[1],
            vins=None if vehicles is None or self._purpose is not None else tuple(vehicles),
        )
        members = export_members.find_members(connection, asked, names, resolution_s)
        export_members.note_read(connection, members, self._purpose)
        if vehicles is None:
            return members
        return members.only(set(vehicles))

    def _is_archived(self, start: datetime, table: str) -> bool:
        return (
            self._archive is not None
            and self._hot_from is not None
            and start.date() < self._hot_from
            and table in self._archive.manifest.query.tables
        )

    def _from_archive(
        self, members: Members, names: Sequence[str], span: Span, resolution_s: int
    ) -> Iterator[pa.Table]:
        """What the party may know of the archive's rows."""
        if self._archive is None:
            return
        by_label = {member.label: member for member in members.members}
        for table in self._archive.signals(names, span, [*by_label], resolution_s):
            whole = [label for label, one in by_label.items() if _is_whole(one, span)]
            yield table.filter(pc.is_in(table["vehicle"], pa.array(whole, pa.string())))
            for label in by_label.keys() - set(whole):
                rows = table.filter(pc.equal(table["vehicle"], label))
                for first, last in by_label[label].pieces(*span, resolution_s):
                    inside = pc.and_(
                        pc.greater_equal(rows["time"], pa.scalar(first)),
                        pc.less(rows["time"], pa.scalar(last)),
                    )
                    yield rows.filter(inside)


def _is_whole(member: Member, span: Span) -> bool:
    return member.pieces(*span, 0) == [span]


def _days(span: Span) -> Iterator[Span]:
    start, stop = (time.astimezone(UTC) for time in span)
    while start < stop:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        yield start, min(midnight, stop)
        start = midnight
