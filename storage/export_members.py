"""Which vehicles an export is of, what may be told of each, and how.

Told to whoever may know them (`identified`), vehicles have their VINs and values are as they are.
For a purpose, they have pseudonyms by the key of that purpose, and all that is told follows the
rules of datasets (`storage/migrations`, the one on datasets): the database makes both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from psycopg import errors

from storage.errors import StorageError
from storage.queries import query
from storage.registers import find_party, party_kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from storage.connection import Connection

    Span = tuple[datetime, datetime]

_ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """For whom and of which vehicles something is read.

    Attributes:
        party: whose vehicles: an owner's, or the maker's.
        purpose: what for, which makes the pseudonyms; None: vehicles are told by their VINs.
        vins, fleet_id: some vehicles; None: all that the party may open.
        start, stop: a span of data in which they must be the party's.
    """

    party: str
    purpose: str | None
    start: datetime
    stop: datetime
    vins: tuple[str, ...] | None = None
    fleet_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A vehicle of an export."""

    vehicle_id: int
    vin: str
    label: str
    """What it is called there: its VIN, or a pseudonym."""
    vehicle_class: str | None
    model: str | None
    opened: tuple[Span, ...]
    """The spans of data that may be told."""
    shifts: Mapping[str, float] = field(default_factory=dict)
    """By counter, what is added to it."""

    def pieces(self, start: datetime, stop: datetime, step_s: int) -> list[Span]:
        """What of a span may be told, in whole steps [s]; 0: to the microsecond."""
        found = []
        for first, last in self.opened:
            piece = whole_steps((max(first, start), min(last, stop)), step_s)
            if piece[0] < piece[1]:
                found.append(piece)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """How a signal is told.

    Attributes:
        rule: of datasets: grid, tens, shifted, coarse, or None for as it is.
        step: SQL that sums up a step's rows.
    """

    rule: str | None
    step: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Members:
    """The vehicles of an export, by what they are called there, and how all of them are told."""

    party_id: int
    members: tuple[Member, ...]
    signals: Mapping[str, Told]
    is_identified: bool
    min_vehicles: int
    grid_deg: float
    resolution_s: int
    """The steps in which all is told; 0: each row."""

    def only(self, labels: Collection[str]) -> Members:
        """Some of them, by what they are called."""
        some = tuple(member for member in self.members if member.label in labels)
        return replace(self, members=some)


def find_members(
    connection: Connection,
    asked: Asked,
    signals: Sequence[str],
    resolution_s: int,
    *,
    some: Sequence[int] | None = None,
) -> Members:
    """Find the vehicles, and what of them may be told.

    Args:
        connection: an autocommit connection.
        asked: for whom, what for, of which vehicles.
        signals: those that will be read.
        resolution_s: in what steps; 0: each row.
        some: by number, a part of the vehicles found before, however few; None: all of them.

    Raises:
        StorageError: the party may not have it, or the vehicles are too few to be told.
    """
    party_id = asked_party(connection, asked.party)
    key = None if asked.purpose is None else _key(connection, asked.purpose)
    rule = connection.execute(query("export_rule")).fetchone()
    least, grid = (int(rule[0]), float(rule[1])) if rule else (0, 0.0)
    told = {
        name: Told(rule=None if key is None else rule, step=step)
        for name, rule, step in connection.execute(query("export_signals"), {"names": [*signals]})
    }
    _require_tellable(told, resolution_s, pseudonymised=key is not None)
    wanted = {
        "party": party_id,
        "key": key,
        "start": asked.start,
        "stop": asked.stop,
        "vins": None if asked.vins is None else [*asked.vins],
        "fleet": asked.fleet_id,
        "vehicle_ids": None if some is None else [*some],
    }
    try:
        rows = connection.execute(query("export_members"), wanted).fetchall()
    except errors.NoDataFound as error:
        raise StorageError(
            f"{asked.party} has no fleet {asked.fleet_id}: name one of its own."
        ) from error
    if asked.vins is not None and (strange := set(asked.vins) - {row[1] for row in rows}):
        raise StorageError(
            f"{asked.party} has no vehicle {', '.join(sorted(strange))} with data of this span to "
            "tell: leave it out."
        )
    if key is not None and some is None and len(rows) < least:
        raise StorageError(
            f"These are {len(rows)} vehicles; of fewer than {least} nothing is told under "
            "pseudonyms, for one would be recognised (TELEMETRY_DATASET_MIN_VEHICLES). Name more."
        )
    shifts = _shifts(connection, key, [row[0] for row in rows], told)
    members = tuple(
        Member(
            vehicle_id=number,
            vin=vin,
            label=label,
            vehicle_class=vehicle_class,
            model=model,
            opened=tuple((one.lower or _ALWAYS[0], one.upper or _ALWAYS[1]) for one in opened),
            shifts=shifts.get(number, {}),
        )
        for number, vin, label, vehicle_class, model, opened in rows
    )
    return Members(
        party_id=party_id,
        members=members,
        signals=told,
        is_identified=key is None,
        min_vehicles=least,
        grid_deg=grid,
        resolution_s=resolution_s,
    )


def only_maker(connection: Connection) -> str:
    """The party that made the vehicles, where there is one such.

    Raises:
        StorageError: there are none, or several.
    """
    names = [str(name) for (name,) in connection.execute(query("makers"))]
    if len(names) != 1:
        known = ", ".join(names) or "none"
        raise StorageError(f"Say whose vehicles, by --party: the register has as makers {known}.")
    return names[0]


def asked_party(connection: Connection, name: str) -> int:
    """The number of a party that may have vehicles' data written out.

    Raises:
        StorageError: there is no such party, or it may not.
    """
    party_id = find_party(connection, name)
    kind = party_kind(connection, party_id)
    if kind not in ("maker", "owner"):
        raise StorageError(
            f"{name} is a party of kind {kind}: only a maker and owners have vehicles' data to "
            "write out. A research party reads a dataset (docs/datasets.md) or what they export."
        )
    return party_id


def touched_on(connection: Connection, day: date, members: Sequence[Member]) -> dict[int, int]:
    """By vehicle that has told anything of a day, what changes whenever more is told of it."""
    wanted = {"day": day, "vehicle_ids": [member.vehicle_id for member in members]}
    return dict(connection.execute(query("touched_on"), wanted).fetchall())


def note_read(connection: Connection, members: Members, purpose: str | None) -> None:
    """Write down, in the log of reads, whose data were read and what for."""
    connection.execute(
        query("log_export"),
        {
            "party": members.party_id,
            "vins": [member.vin for member in members.members],
            "purpose": purpose,
        },
    )


def _key(connection: Connection, purpose: str) -> bytes:
    row = connection.execute(query("purpose_key"), {"purpose": purpose}).fetchone()
    if row is None:  # pragma: no cover - an INSERT that RETURNS gives a row
        raise StorageError("The database did not say the purpose's key.")
    return bytes(row[0])


def _require_tellable(told: Mapping[str, Told], resolution_s: int, *, pseudonymised: bool) -> None:
    if not pseudonymised:
        return
    if resolution_s < 1:
        raise StorageError(
            "Under pseudonyms values are told in steps: give --resolution 1 or more."
        )
    if never := [name for name, how in told.items() if how.rule == "refused"]:
        raise StorageError(
            f"{', '.join(never)} would tell who drove or which way: leave it out, or export with "
            "--identified."
        )
    if fine := [name for name, how in told.items() if how.rule == "coarse" and resolution_s < 60]:
        raise StorageError(
            f"From {', '.join(fine)} the way can be drawn in steps of less than a minute: leave it "
            "out, or give --resolution 60 or more."
        )


def _shifts(
    connection: Connection, key: bytes | None, vehicles: list[int], told: Mapping[str, Told]
) -> dict[int, dict[str, float]]:
    counters = [name for name, how in told.items() if how.rule == "shifted"]
    found: dict[int, dict[str, float]] = {}
    if counters:
        wanted = {"key": key, "names": counters, "vehicle_ids": vehicles}
        for number, name, shift in connection.execute(query("export_shifts"), wanted):
            found.setdefault(number, {})[name] = shift
    return found


def whole_steps(span: Span, step_s: int) -> Span:
    """The whole steps that lie in a span; 0: each moment of it."""
    if not step_s:
        return span
    first, last = (_down(time, step_s) for time in span)
    return first if first == span[0] else first + timedelta(seconds=step_s), last


def _down(time: datetime, step_s: int) -> datetime:
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return time - (time - midnight) % timedelta(seconds=step_s)
