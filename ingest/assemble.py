"""Messages become one batch of rows: decoded, checked, laid out as the tables want them.

Messages with the same columns are worked up together, so that a batch costs a number of numpy calls
that does not grow with its values. What cannot be stored becomes a dead letter: a whole message, or
the frames of it that were refused (the others are stored). Rows of a replayed message only fill
gaps, so they go in groups of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ingest.clock import as_microseconds, as_time
from ingest.events import event_rows
from ingest.known_values import Memory
from ingest.plan import Planner, columns_key
from ingest.record import DeadLetter, Reason, Record
from ingest.reports import TRACKED, ReportTimer, reports
from ingest.sparse import divide, unite, unknown_ids
from schemas.wire import DecodeError, Message, Refusal, decode
from schemas.wire.json import MAX_JSON_BYTES
from storage.batch import Batch, CountKey, GroupRows, OffsetAdvance, RefusedValue
from storage.row_merge import by_vehicle_and_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime, timedelta

    from numpy.typing import NDArray

    from ingest.known_values import Learn
    from ingest.plan import GroupPlan, Plan, Side
    from ingest.sparse import Member
    from schemas.catalogue import Catalogue
    from schemas.wire import Block, Event

Floating = TypeVar("Floating", bound=np.floating)

REFUSED_VALUES_PER_BATCH = 1000
"""Values out of limits that one batch keeps to look at; all of them are counted."""

UNKNOWN_SIGNALS_PER_BATCH = 100
"""Unknown signals that one batch counts by their id or name; the rest are counted together."""

OTHER_SIGNALS = "(other)"
"""The key under which those are counted."""

NAME_LENGTH = 80
"""An unknown signal's name is cut here in the counts [characters]."""

ROW_ORDER_STRIDE = 1 << 20
"""More than a message has blocks: message * stride + block puts rows in the order sent."""

FRAME_VALUES = 120
"""A message weighs a frame for each of these values at least, absent ones too: so a batch of full
frames is bounded in bytes, and one of frames that hold little is worth its transaction."""

FRAME_BYTES = 4 << 10
"""Likewise for each of these [bytes]: JSON's frames are the largest."""

LETTER_BYTES = 1 << 10
"""A refused message weighs a frame for each of these [bytes]: a batch of them is held in memory."""


PROBED_COLUMNS = 8
"""Columns that are looked at one by one before whole rows are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A message that was read and whose vehicle is known."""

    record: Record
    message: Message
    vehicle_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What was added for one batch, before it is laid out."""

    records: tuple[Record, ...]
    """All that was read, in the order read."""
    taken: Sequence[Taken]
    """By vehicle, those of one in the order read."""
    dead: list[DeadLetter]
    counts: Counter[CountKey]
    frames: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembled:
    """A batch and the letters of what is not in it."""

    batch: Batch
    dead: tuple[DeadLetter, ...]
    frames: int
    records: tuple[Record, ...]
    """All that was read for it, in the order read."""
    now: datetime
    """Our clock, which frames were checked against."""


@dataclass(slots=True)
class _Part:
    """Rows of one group that came with one set of columns."""

    order: NDArray[np.int64]
    rows: GroupRows


@dataclass(slots=True)
class _Progress:
    """What has been gathered while a batch is laid out."""

    taken: Sequence[Taken]
    earliest_us: int
    latest_us: int
    counts: Counter[CountKey]
    dead: list[DeadLetter]
    parts: defaultdict[tuple[str, bool], list[_Part]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By group and by whether they fill gaps."""
    refused_values: list[RefusedValue] = field(default_factory=list)
    refused_times: defaultdict[tuple[int, Reason], set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )
    """Times of refused frames [µs], by the message's place and the reason; empty: no whole one."""
    unknown_signals: Counter[CountKey] = field(default_factory=Counter)


class Assembler:
    """Gathers messages until a batch is full, then lays it out.

    One thread may gather while another one lays out what was taken before.

    Args:
        catalogue: the signals that are known, and their limits.
        number: gives a VIN's vehicle number, None where the VIN is refused.
        retention: how far back a frame may lie.
        future_tolerance: how far ahead of our clock a frame may lie.
        report_interval_s: how often a vehicle's TIMER report is kept [s].
        last_known: what is known of vehicles by number: value and time by signal.
        elsewhere: gives the other cell that keeps a VIN that `number` refuses, None: none is known.
        message_bytes: a larger message is refused unread.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        number: Callable[[str], int | None],
        *,
        retention: timedelta,
        future_tolerance: timedelta,
        report_interval_s: int,
        last_known: Learn = lambda _vehicle_ids: {},
        elsewhere: Callable[[str], int | None] = lambda _vin: None,
        message_bytes: int = MAX_JSON_BYTES,
    ) -> None:
        self._catalogue = catalogue
        self._message_bytes = message_bytes
        self._number = number
        self._elsewhere = elsewhere
        self._retention = retention
        self._future_tolerance = future_tolerance
        self._timer = ReportTimer(report_interval_s)
        self._memory = Memory(TRACKED, last_known)
        self._planner = Planner(catalogue)
        self._known = np.array(sorted(catalogue.by_id), dtype=np.int32)
        self._begin()

    def _begin(self) -> None:
        self._records: list[Record] = []
        self._taken: list[Taken] = []
        self._dead: list[DeadLetter] = []
        self._counts: Counter[CountKey] = Counter()
        self.frames = 0
        """Frames of the messages that were taken."""
        self.weight = 0
        """The work gathered, in frames: a block, an event and a refused message cost one, too."""

    def meet(self, vehicle_ids: Collection[int]) -> None:
        """Learn at once what is known of vehicles whose messages are to be added.

        Whatever `last_known` raises passes through.
        """
        self._memory.meet(vehicle_ids)

    def add(self, record: Record) -> None:
        """Read one message; one that cannot be used becomes a dead letter and stops nothing.

        Whatever `number` or `last_known` raises passes through, and then nothing was added.
        """
        payload = record.value or b""
        if record.unread:
            self.refuse(record, Reason.UNREADABLE_BATCH, record.unread)
            return
        if len(payload) > self._message_bytes:
            detail = f"{len(payload)} bytes, at most {self._message_bytes} are read: send fewer"
            self.refuse(record, Refusal.TOO_LARGE, f"{detail} frames a message")
            return
        try:
            message = decode(record.content_type, payload, self._catalogue)
            vehicle_id = self._number(message.vin)
        except DecodeError as error:
            self.refuse(record, error.reason, str(error))
            return
        if vehicle_id is None and (cell := self._elsewhere(message.vin)) is not None:
            detail = f"is kept in cell {cell}: send its messages there"
            self.refuse(record, Reason.OTHER_CELL, f"{message.vin} {detail}", message.vin)
            return
        if vehicle_id is None:
            detail = "is not registered: register it (telemetry register) and send again"
            self.refuse(record, Reason.UNKNOWN_VEHICLE, f"{message.vin} {detail}", message.vin)
            return
        self._memory.meet((vehicle_id,))
        self._taken.append(Taken(record=record, message=message, vehicle_id=vehicle_id))
        frames, pieces = message.frame_count, len(message.blocks) + len(message.events)
        values = sum(block.values.size + block.wide_values.size for block in message.blocks)
        if frames:
            self._counts[CountKey(record.topic, record.partition, "frames")] += frames
        self.frames += frames
        self._note(
            record,
            max(1, frames, pieces, values // FRAME_VALUES, len(payload) // FRAME_BYTES),
        )

    def refuse(self, record: Record, reason: str, detail: str, vin: str | None = None) -> None:
        """Make a message a dead letter as it is."""
        self._dead.append(DeadLetter(record=record, reason=reason, detail=detail, vin=vin))
        size = len(record.value or b"") + len(record.key or b"")
        self._note(record, max(1, size // LETTER_BYTES))

    def _note(self, record: Record, weight: int) -> None:
        self._records.append(record)
        self._counts[CountKey(record.topic, record.partition, "messages")] += 1
        self.weight += weight

    @property
    def empty(self) -> bool:
        """Whether nothing has been added since the last batch."""
        return not self._taken and not self._dead

    def clear(self) -> None:
        """Forget what was added; of what was built before, it may be that nothing was written."""
        self._begin()
        self._timer.forget()
        self._memory.forget()

    def build(self, now: datetime, offsets: Sequence[OffsetAdvance]) -> Assembled:
        """Take what was added and lay it out."""
        return self.lay_out(self.take(), now, offsets)

    def take(self) -> Gathered:
        """Hand over what was added and begin anew."""
        gathered = Gathered(
            records=tuple(self._records),
            # By vehicle, each one's in the order read: then rows need hardly be sorted any more.
            taken=sorted(self._taken, key=attrgetter("vehicle_id")),
            dead=self._dead,
            counts=self._counts,
            frames=self.frames,
        )
        self._begin()
        return gathered

    def lay_out(
        self, gathered: Gathered, now: datetime, offsets: Sequence[OffsetAdvance]
    ) -> Assembled:
        """Make a batch of what was taken; once, and in the order in which it was taken.

        Args:
            gathered: what `take` gave.
            now: our clock, which frames are checked against.
            offsets: how far the partitions have been read with it.
        """
        progress = _Progress(
            taken=gathered.taken,
            earliest_us=as_microseconds(now - self._retention),
            latest_us=as_microseconds(now + self._future_tolerance),
            counts=gathered.counts,
            dead=gathered.dead,
        )
        large, small = divide(_by_columns(progress.taken).values())
        for members in large:
            plan = self._planner.plan(members[0][2])
            narrow = _stack([block.values for _, _, block in members])
            wide = _stack([block.wide_values for _, _, block in members])
            self._lay_out(plan, members, narrow, wide, progress)
            names = [str(number) for number in plan.unknown]
            for place in {place for place, _, _ in members} if names else ():
                _note_unknown(place, names, progress)
        for replayed in (False, True):
            self._lay_out_united(
                [it for it in small if progress.taken[it[0]].record.replayed is replayed], progress
            )
        groups = tuple(_join(parts) for parts in progress.parts.values())
        if offsets:
            # Under one partition of the batch, whichever: what people read is the sum of all.
            home = CountKey(offsets[0].topic, offsets[0].partition, "values")
            progress.counts[home] = sum(rows.value_count for rows in groups)
        triggers, driver_changes, trouble_codes = event_rows(_events_in_time(progress))
        _write_letters(progress)
        return Assembled(
            batch=Batch(
                groups=groups,
                triggers=tuple(triggers),
                driver_changes=tuple(driver_changes),
                trouble_codes=tuple(trouble_codes),
                reports=tuple(
                    reports(groups, triggers, self._catalogue, self._timer, self._memory)
                ),
                refused_values=tuple(progress.refused_values),
                counts=dict(progress.counts),
                offsets=tuple(offsets),
            ),
            dead=tuple(progress.dead),
            frames=gathered.frames,
            records=gathered.records,
            now=now,
        )

    def _lay_out_united(self, members: Sequence[Member], progress: _Progress) -> None:
        """Check and place the rows of blocks of few rows, whatever their columns."""
        if not members:
            return
        table = unite([block for _, _, block in members], self._known)
        plan = self._planner.plan(table)
        narrow, wide = _stack([table.values]), _stack([table.wide_values])
        self._lay_out(plan, members, narrow, wide, progress)
        unknown: defaultdict[int, set[int]] = defaultdict(set)
        for place, _, block in members:
            if numbers := unknown_ids(block, self._known):
                unknown[place].update(numbers)
        for place, found in unknown.items():
            _note_unknown(place, [str(number) for number in sorted(found)], progress)

    def _lay_out(
        self,
        plan: Plan,
        members: Sequence[Member],
        narrow: NDArray[np.float32],
        wide: NDArray[np.float64],
        progress: _Progress,
    ) -> None:
        """Check and place the rows of blocks, whose values have the columns of the plan.

        The last column of `narrow` and `wide` is absent in all rows (see `_stack`).
        """
        taken = progress.taken
        fills_gaps = taken[members[0][0]].record.replayed
        sizes = [len(block.times_us) for _, _, block in members]
        times = np.concatenate([block.times_us for _, _, block in members])
        owners = np.repeat([place for place, _, _ in members], sizes)
        order = np.repeat([p * ROW_ORDER_STRIDE + b for p, b, _ in members], sizes)
        good = np.ones(len(times), dtype=np.bool_)
        for reason, wrong in (
            (Reason.TOO_FAR_AHEAD, times > progress.latest_us),
            (Reason.TOO_OLD, times < progress.earliest_us),
        ):
            for row in np.flatnonzero(wrong):
                progress.refused_times[int(owners[row]), reason].add(int(times[row]))
            good &= ~wrong
        if not good.all():
            times, owners, order = times[good], owners[good], order[good]
            narrow, wide = narrow[good], wide[good]
        vehicle_ids = np.array([owner.vehicle_id for owner in taken], dtype=np.int64)[owners]
        for side, values in ((plan.narrow, narrow), (plan.wide, wide)):
            _check_limits(side, values[:, :-1], times, vehicle_ids, owners, progress)
        for group_plan in plan.groups:
            placed = _place(group_plan, times, vehicle_ids, narrow, wide, fills_gaps=fills_gaps)
            if placed is not None:
                rows, present = placed
                progress.parts[group_plan.group.name, fills_gaps].append(
                    _Part(order=order[present], rows=rows)
                )


def _by_columns(
    taken: Sequence[Taken],
) -> dict[tuple[bool, bytes, bytes], list[Member]]:
    """Blocks by their columns, each with its message's place and its own within the message.

    Those of replayed messages stand apart, and backwards within the message: where rows fill gaps
    the first value holds, and of a message's own values the last one must.
    """
    found: dict[tuple[bool, bytes, bytes], list[Member]] = {}
    for place, owner in enumerate(taken):
        replayed, blocks = owner.record.replayed, owner.message.blocks
        if replayed:
            blocks = tuple(_backwards(block) for block in reversed(blocks))
        for number, block in enumerate(blocks):
            found.setdefault((replayed, *columns_key(block)), []).append((place, number, block))
    return found


def _stack(tables: Sequence[NDArray[Floating]]) -> NDArray[Floating]:
    """Tables one below the other, and a column beside them that is absent in all rows."""
    rows, columns = sum(map(len, tables)), tables[0].shape[1]
    stacked = np.empty((rows, columns + 1), dtype=tables[0].dtype)
    np.concatenate(tables, out=stacked[:, :-1])
    stacked[:, -1] = np.nan
    return stacked


def _backwards(block: Block) -> Block:
    return replace(
        block,
        times_us=block.times_us[::-1],
        values=block.values[::-1],
        wide_values=block.wide_values[::-1],
    )


def _check_limits(
    side: Side,
    values: NDArray[np.floating],
    times: NDArray[np.int64],
    vehicle_ids: NDArray[np.int64],
    owners: NDArray[np.intp],
    progress: _Progress,
) -> None:
    """Make values out of limits absent, in place, and keep account of them."""
    if _within_limits(side, values):
        return
    wrong = (values < side.lowest) | (values > side.highest)
    if not wrong.any():
        return
    # Owners ascend, so that each one's rows stand together.
    places, firsts = np.unique(owners, return_index=True)
    by_owner = np.add.reduceat(wrong, firsts, axis=0, dtype=np.int64)
    for owner, column in np.argwhere(by_owner):
        record, signal = progress.taken[places[owner]].record, side.signals[column]
        if signal is not None:
            key = CountKey(record.topic, record.partition, "out_of_limits", signal.name)
            progress.counts[key] += int(by_owner[owner, column])
    room = REFUSED_VALUES_PER_BATCH - len(progress.refused_values)
    for row, column in np.argwhere(wrong)[:room]:
        signal = side.signals[column]
        if signal is not None:
            progress.refused_values.append(
                RefusedValue(
                    vehicle_id=int(vehicle_ids[row]),
                    time=as_time(int(times[row])),
                    signal_id=signal.id,
                    value=float(values[row, column]),
                )
            )
    values[wrong] = np.nan


def _within_limits(side: Side, values: NDArray[np.floating]) -> bool:
    """Whether all values are; two reductions are cheaper than comparing every value.

    A column with an absent value has no lowest one (NaN): such columns are compared by value.
    """
    if not values.size:
        return True
    lowest, highest = values.min(axis=0), values.max(axis=0)
    if (lowest < side.lowest).any() or (highest > side.highest).any():
        return False
    gappy = np.flatnonzero(np.isnan(lowest))
    if not len(gappy):
        return True
    rest = values[:, gappy]
    return not ((rest < side.lowest[gappy]) | (rest > side.highest[gappy])).any()


def _place(
    plan: GroupPlan,
    times: NDArray[np.int64],
    vehicle_ids: NDArray[np.int64],
    narrow: NDArray[np.float32],
    wide: NDArray[np.float64],
    *,
    fills_gaps: bool,
) -> tuple[GroupRows, NDArray[np.bool_]] | None:
    """One group's rows, and which these are: those that lack all its signals are left out."""
    if plan.transfers:
        to_narrow = np.full((len(times), plan.narrow_width), np.nan, dtype=np.float32)
        to_wide = np.full((len(times), plan.wide_width), np.nan, dtype=np.float64)
    else:
        to_narrow, to_wide = narrow[:, plan.narrow_picks], wide[:, plan.wide_picks]
    for transfer in plan.transfers:
        source = wide if transfer.from_wide else narrow
        target = to_wide if transfer.to_wide else to_narrow
        moved = source[:, transfer.sources]
        if plan.both_sides:
            moved = np.where(np.isnan(moved), target[:, transfer.targets], moved)
        target[:, transfer.targets] = moved
    present = _rows_present(to_narrow, to_wide)
    if not present.any():
        return None
    rows = GroupRows(
        group=plan.group.name,
        vehicle_ids=vehicle_ids,
        times_us=times,
        narrow=to_narrow,
        wide=to_wide,
        fills_gaps=fills_gaps,
    )
    return (rows if present.all() else rows.take(present)), present


def _rows_present(narrow: NDArray[np.float32], wide: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) which rows hold a value; the first columns usually tell, as most rows hold most."""
    absent = np.ones(len(narrow), dtype=np.bool_)
    for matrix in (narrow, wide):
        for column in matrix[:, :PROBED_COLUMNS].T:
            absent &= np.isnan(column)
            if not absent.any():
                return ~absent
    some = np.flatnonzero(absent)
    absent[some] = np.isnan(narrow[some]).all(axis=1) & np.isnan(wide[some]).all(axis=1)
    return ~absent


def _join(parts: Sequence[_Part]) -> GroupRows:
    """One group's rows by vehicle and time, those of the same moment in the order sent."""
    return by_vehicle_and_time([part.rows for part in parts], [part.order for part in parts])


def _events_in_time(progress: _Progress) -> Iterator[tuple[int, Event, bool]]:
    """Events that are neither too old nor ahead, as `event_rows` takes them; notes the others."""
    for place, owner in enumerate(progress.taken):
        replayed, events = owner.record.replayed, owner.message.events
        # As with rows: the first one fills the gap, and it is to be the message's last.
        for event in reversed(events) if replayed else events:
            if event.time_us < progress.earliest_us:
                progress.refused_times[place, Reason.TOO_OLD] |= set()
            elif event.time_us > progress.latest_us:
                progress.refused_times[place, Reason.TOO_FAR_AHEAD] |= set()
            else:
                yield owner.vehicle_id, event, replayed


def _note_unknown(place: int, names: Sequence[str], progress: _Progress) -> None:
    """Count a message's unknown signals and see to it that a letter keeps them."""
    record = progress.taken[place].record
    progress.refused_times[place, Reason.UNKNOWN_SIGNAL] |= set()
    named = [name[:NAME_LENGTH] for name in names[:UNKNOWN_SIGNALS_PER_BATCH]]
    for name, count in Counter({OTHER_SIGNALS: len(names) - len(named), **Counter(named)}).items():
        key = CountKey(record.topic, record.partition, "unknown_signal", name)
        progress.unknown_signals[key] += count


def _write_letters(progress: _Progress) -> None:
    """Make letters of what was refused in messages that were taken, and count all that was."""
    counts = progress.counts
    for place, owner in enumerate(progress.taken):
        if owner.message.unknown_signals:
            _note_unknown(place, owner.message.unknown_signals, progress)
    for rank, (key, count) in enumerate(progress.unknown_signals.most_common()):
        name = key.key if rank < UNKNOWN_SIGNALS_PER_BATCH else OTHER_SIGNALS
        if count:
            counts[CountKey(key.topic, key.partition, key.measure, name)] += count
    for (place, reason), times in sorted(progress.refused_times.items()):
        owner = progress.taken[place]
        frames = np.flatnonzero(np.isin(owner.message.frame_times_us, list(times)))
        progress.dead.append(
            DeadLetter(
                record=owner.record,
                reason=reason,
                detail=_DETAILS[reason],
                vin=owner.message.vin,
                frames=tuple(frames.tolist()),
            )
        )
    for letter in progress.dead:
        record = letter.record
        key = CountKey(record.topic, record.partition, "refused", str(letter.reason))
        counts[key] += len(letter.frames) or 1


_DETAILS = {
    Reason.TOO_FAR_AHEAD: "the vehicle's clock is ahead of ours: set it right",
    Reason.TOO_OLD: "older than the retention: load history in bulk instead",
    Reason.UNKNOWN_SIGNAL: "signals this catalogue does not know; the others were stored",
}
