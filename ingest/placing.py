"""Blocks become rows of groups: those with the same columns together, checked and moved as arrays.

So a batch costs a number of numpy calls that does not grow with its values.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ingest.plan import columns_key
from ingest.record import Reason
from ingest.sparse import divide, unite, unknown_ids
from storage.batch import GroupRows
from storage.row_merge import by_vehicle_and_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.account import Account
    from ingest.assemble import Taken
    from ingest.plan import GroupPlan, Plan, Planner, Side
    from ingest.sparse import Member
    from schemas.wire import Block

Floating = TypeVar("Floating", bound=np.floating)

ROW_ORDER_STRIDE = 1 << 20
"""More than a message has blocks: message * stride + block puts rows in the order sent."""

PROBED_COLUMNS = 8
"""Columns that are looked at one by one before whole rows are."""


@dataclass(slots=True)
class _Part:
    """Rows of one group that came with one set of columns."""

    order: NDArray[np.int64]
    rows: GroupRows


class Placing:
    """Places the rows of one batch.

    Args:
        planner: says where columns go.
        known: (k,) the catalogue's ids, ascending.
        account: told what is not stored; holds the messages.
        earliest_us: the first instant of which frames are taken [µs since 1970].
        latest_us: the last one.
    """

    def __init__(
        self,
        planner: Planner,
        known: NDArray[np.int32],
        account: Account,
        *,
        earliest_us: int,
        latest_us: int,
    ) -> None:
        self._planner, self._known, self._account = planner, known, account
        self._earliest_us, self._latest_us = earliest_us, latest_us
        self._parts: defaultdict[tuple[str, bool], list[_Part]] = defaultdict(list)
        """By group and by whether they fill gaps."""

    def groups(self) -> tuple[GroupRows, ...]:
        """All messages' rows, each group once, and once more with rows that fill gaps."""
        account = self._account
        large, small = divide(_by_columns(account.taken).values())
        for members in large:
            plan = self._planner.plan(members[0][2])
            narrow = _stack([block.values for _, _, block in members])
            wide = _stack([block.wide_values for _, _, block in members])
            self._lay_out(plan, members, narrow, wide)
            names = [str(number) for number in plan.unknown]
            for place in {place for place, _, _ in members} if names else ():
                account.note_unknown(place, names)
        for replayed in (False, True):
            self._lay_out_united(
                [it for it in small if account.taken[it[0]].record.replayed is replayed]
            )
        return tuple(_join(parts) for parts in self._parts.values())

    def _lay_out_united(self, members: Sequence[Member]) -> None:
        """Check and place the rows of blocks of few rows, whatever their columns."""
        if not members:
            return
        table = unite([block for _, _, block in members], self._known)
        plan = self._planner.plan(table)
        narrow, wide = _stack([table.values]), _stack([table.wide_values])
        self._lay_out(plan, members, narrow, wide)
        unknown: defaultdict[int, set[int]] = defaultdict(set)
        for place, _, block in members:
            if numbers := unknown_ids(block, self._known):
                unknown[place].update(numbers)
        for place, found in unknown.items():
            self._account.note_unknown(place, [str(number) for number in sorted(found)])

    def _lay_out(
        self,
        plan: Plan,
        members: Sequence[Member],
        narrow: NDArray[np.float32],
        wide: NDArray[np.float64],
    ) -> None:
        """Check and place the rows of blocks, whose values have the columns of the plan.

        The last column of `narrow` and `wide` is absent in all rows (see `_stack`).
        """
        taken = self._account.taken
        fills_gaps = taken[members[0][0]].record.replayed
        sizes = [len(block.times_us) for _, _, block in members]
        times = np.concatenate([block.times_us for _, _, block in members])
        owners = np.repeat([place for place, _, _ in members], sizes)
        order = np.repeat([p * ROW_ORDER_STRIDE + b for p, b, _ in members], sizes)
        good = np.ones(len(times), dtype=np.bool_)
        for reason, wrong in (
            (Reason.TOO_FAR_AHEAD, times > self._latest_us),
            (Reason.TOO_OLD, times < self._earliest_us),
        ):
            for row in np.flatnonzero(wrong):
                self._account.refuse_frame(int(owners[row]), reason, int(times[row]))
            good &= ~wrong
        if not good.all():
            times, owners, order = times[good], owners[good], order[good]
            narrow, wide = narrow[good], wide[good]
        vehicle_ids = np.array([owner.vehicle_id for owner in taken], dtype=np.int64)[owners]
        for side, values in ((plan.narrow, narrow), (plan.wide, wide)):
            self._check_limits(side, values[:, :-1], times, owners)
        for group_plan in plan.groups:
            placed = _place(group_plan, times, vehicle_ids, narrow, wide, fills_gaps=fills_gaps)
            if placed is not None:
                rows, present = placed
                self._parts[group_plan.group.name, fills_gaps].append(
                    _Part(order=order[present], rows=rows)
                )

    def _check_limits(
        self,
        side: Side,
        values: NDArray[np.floating],
        times: NDArray[np.int64],
        owners: NDArray[np.intp],
    ) -> None:
        """Make values out of limits absent, in place, and keep account of them."""
        if _within_limits(side, values):
            return
        wrong = (values < side.lowest) | (values > side.highest)
        if wrong.any():
            self._account.note_out_of_limits(
                wrong, values, signals=side.signals, times=times, owners=owners
            )
            values[wrong] = np.nan


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
