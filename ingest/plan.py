"""Where each column of a message goes: worked out once for every set of columns that is sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.sparse import Table
    from schemas.catalogue import Catalogue, Group, Signal
    from schemas.wire import Block

PLANS_KEPT = 256
"""Sets of columns that are remembered; a fleet sends a handful, a hostile sender any number."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Side:
    """The columns of a message's narrow or wide values, as the catalogue knows them."""

    signals: tuple[Signal | None, ...]
    """By column; None where the catalogue does not know the id."""
    lowest: NDArray[np.floating]
    """By column; minus infinity, so that nothing is out of limits, where the id is not known."""
    highest: NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Transfer:
    """Columns that move together from one side of a message to one side of a group's table."""

    from_wide: bool
    to_wide: bool
    sources: NDArray[np.intp]
    targets: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GroupPlan:
    """What a message with these columns brings to one group."""

    group: Group
    narrow_width: int
    wide_width: int
    narrow_picks: NDArray[np.intp]
    """By column of the group's narrow side: the message's column, or -1 where it has none."""
    wide_picks: NDArray[np.intp]
    """Likewise."""
    transfers: tuple[Transfer, ...]
    """Where columns change sides, and picks do not tell: all moves, one after the other."""
    both_sides: bool
    """Whether a signal has a column on each side, of which a row has one."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plan:
    """What becomes of every column of a message with these columns."""

    narrow: Side
    wide: Side
    groups: tuple[GroupPlan, ...]
    unknown: tuple[int, ...]
    """Ids that the catalogue does not have."""


class Planner:
    """Makes plans for a catalogue and remembers them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._widths: dict[str, dict[bool, int]] = {}
        self._places: dict[int, int] = {}
        """By signal: its column among its group's narrow or wide ones."""
        for group in catalogue.groups.values():
            widths = self._widths[group.name] = {False: 0, True: 0}
            for signal in group.signals:
                self._places[signal.id] = widths[signal.wide]
                widths[signal.wide] += 1
        self._plans: dict[tuple[bytes, bytes], Plan] = {}

    def plan(self, block: Block | Table) -> Plan:
        """The plan for blocks with this one's columns."""
        key = columns_key(block)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
            plan = self._make(block.signal_ids.tolist(), block.wide_signal_ids.tolist())
            self._plans[key] = plan
        return plan

    def _make(self, narrow_ids: Sequence[int], wide_ids: Sequence[int]) -> Plan:
        narrow = _side(self._catalogue, narrow_ids, np.dtype(np.float32))
        wide = _side(self._catalogue, wide_ids, np.dtype(np.float64))
        moves: defaultdict[str, defaultdict[tuple[bool, bool], list[tuple[int, int]]]] = (
            defaultdict(lambda: defaultdict(list))
        )
        for from_wide, side in ((False, narrow), (True, wide)):
            for column, signal in enumerate(side.signals):
                if signal is not None:
                    pair = (column, self._places[signal.id])
                    moves[signal.group][from_wide, signal.wide].append(pair)
        groups = tuple(
            GroupPlan(
                group=self._catalogue.groups[name],
                narrow_width=self._widths[name][False],
                wide_width=self._widths[name][True],
                narrow_picks=_picks(self._widths[name][False], by_sides.get((False, False), ())),
                wide_picks=_picks(self._widths[name][True], by_sides.get((True, True), ())),
                transfers=()
                if by_sides.keys() <= {(False, False), (True, True)}
                else tuple(_transfer(*sides, pairs) for sides, pairs in sorted(by_sides.items())),
                both_sides=not set(narrow_ids).isdisjoint(wide_ids),
            )
            for name, by_sides in moves.items()
        )
        known = self._catalogue.by_id
        unknown = tuple(number for number in (*narrow_ids, *wide_ids) if number not in known)
        return Plan(narrow=narrow, wide=wide, groups=groups, unknown=unknown)


def columns_key(block: Block | Table) -> tuple[bytes, bytes]:
    """What blocks with the same columns in the same order have in common."""
    return block.signal_ids.tobytes(), block.wide_signal_ids.tobytes()


def _picks(width: int, pairs: Sequence[tuple[int, int]]) -> NDArray[np.intp]:
    picks = np.full(width, -1, dtype=np.intp)
    for source, target in pairs:
        picks[target] = source
    return picks


def _transfer(from_wide: bool, to_wide: bool, pairs: Sequence[tuple[int, int]]) -> Transfer:
    sources, targets = np.array(pairs, dtype=np.intp).T
    return Transfer(from_wide=from_wide, to_wide=to_wide, sources=sources, targets=targets)


def _side(catalogue: Catalogue, ids: Sequence[int], dtype: np.dtype[np.floating]) -> Side:
    signals = tuple(catalogue.by_id.get(number) for number in ids)
    lowest = np.array([-np.inf if s is None else s.minimum for s in signals], np.float64)
    highest = np.array([np.inf if s is None else s.maximum for s in signals], np.float64)
    near_lowest, near_highest = lowest.astype(dtype), highest.astype(dtype)
    # A limit that float32 does not hold is rounded to the value that a sender's float32 has, too;
    # but never outwards where the column is an integer, which may be unable to hold that value.
    wide = np.array([s is not None and s.wide for s in signals], dtype=np.bool_)
    return Side(
        signals=signals,
        lowest=np.where(
            wide & (near_lowest < lowest),
            np.nextafter(near_lowest, dtype.type(np.inf)),
            near_lowest,
        ),
        highest=np.where(
            wide & (near_highest > highest),
            np.nextafter(near_highest, dtype.type(-np.inf)),
            near_highest,
        ),
    )
