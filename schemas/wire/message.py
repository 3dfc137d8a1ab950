"""A decoded message: blocks of values as arrays, and events. One that exists is well-formed.

The checks of the shape are made when a record is built, so that both codecs, the simulator and a
replay obey the same rules and nobody downstream asks again. What the checks do not know is the
catalogue: an id may be unknown, a value out of limits, a time absurd. The ingest judges that value
by value, for one of them must not cost the others.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from schemas.vin import VinError, check_vin
from schemas.wire.event import Event
from schemas.wire.refusal import DecodeError, Refusal

MAX_FRAMES = 600  # distinct times in a message; ours: ten minutes at 1 Hz
MAX_ROWS = 10 * MAX_FRAMES  # rows of all blocks; ours: ten blocks may share every time
MAX_EVENTS = 10 * MAX_FRAMES  # events in a message; ours: ten a frame
MAX_SIGNAL_ID = 2**31 - 1  # what int32 holds
MAX_CATALOGUE_VERSION = 2**32 - 1  # what the wire's uint32 holds

REMEMBERED_SETS = 512  # sets of ids known to be well-formed; a fleet has a few a model
REMEMBERED_IDS = 4096  # ids of such a set, ten times the catalogue's: no sender fills our memory


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Block:
    """n rows that hold the same signals; n is at least 1, m and k may be 0.

    Narrow signals fit float32 exactly, wide ones need float64. Which is which is the sender's
    choice: a reader looks a signal up in both. Treat the arrays as read-only.

    Attributes:
        times_us: (n,) UTC microseconds since 1970, the vehicle's clock; in any order, and the same
            time may stand twice.
        signal_ids: (m,) catalogue ids of the columns of `values`.
        values: (n, m) in the catalogue's units, NaN absent, infinities out of limits.
        wide_signal_ids: (k,) catalogue ids of the columns of `wide_values`.
        wide_values: (n, k) likewise.
    """

    times_us: NDArray[np.int64]
    signal_ids: NDArray[np.int32]
    values: NDArray[np.float32]
    wide_signal_ids: NDArray[np.int32]
    wide_values: NDArray[np.float64]

    def __post_init__(self) -> None:
        rows = self.times_us.size
        if rows == 0:
            raise DecodeError(Refusal.SHAPE_MISMATCH, "a block has no times: leave it out")
        if rows > MAX_ROWS:
            raise too_many_rows(rows)
        _check_table("values", self.values.shape, (rows, self.signal_ids.size))
        _check_table("wide values", self.wide_values.shape, (rows, self.wide_signal_ids.size))
        _check_ids(self.signal_ids, self.wide_signal_ids)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Message:
    """1 to 600 frames of one vehicle, or events, or both.

    Attributes:
        vin: the vehicle, of the form of ISO 3779.
        catalogue_version: the catalogue that the sender took ids from; 0 not known.
        blocks: the values. Where two rows give a signal a value for the same time, the later
            block's, then the later row's holds; absent never erases.
        events: in the order sent.
        unknown_signals: names in a JSON message that the catalogue does not have, each once; their
            values are lost, the others are here.
    """

    vin: str
    catalogue_version: int
    blocks: tuple[Block, ...]
    events: tuple[Event, ...]
    unknown_signals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            check_vin(self.vin)
        except VinError as error:
            raise DecodeError(Refusal.BAD_VIN, str(error)) from error
        if not 0 <= self.catalogue_version <= MAX_CATALOGUE_VERSION:
            raise DecodeError(
                Refusal.BAD_FIELD,
                f"catalogue version {self.catalogue_version} of {self.vin} is not 0 to"
                f" {MAX_CATALOGUE_VERSION}; send 0 where you do not know it",
            )
        if not self.blocks and not self.events:
            raise DecodeError(
                Refusal.EMPTY, f"the message of {self.vin} has neither frames nor events"
            )
        if len(self.events) > MAX_EVENTS:
            raise too_many_events(len(self.events))
        rows = sum(block.times_us.size for block in self.blocks)
        if rows > MAX_ROWS:
            raise too_many_rows(rows)
        # Rows bound frames from above, so the usual message needs no sorting here.
        if rows > MAX_FRAMES and self.frame_count > MAX_FRAMES:
            raise DecodeError(
                Refusal.TOO_MANY_FRAMES,
                f"the message of {self.vin} has {self.frame_count} distinct times:"
                f" send at most {MAX_FRAMES} a message",
            )

    @property
    def frame_times_us(self) -> NDArray[np.int64]:
        """(f,) the distinct times of the rows, ascending, UTC microseconds since 1970."""
        if not self.blocks:
            return np.empty(0, dtype=np.int64)
        return np.unique(np.concatenate([block.times_us for block in self.blocks]))

    @property
    def frame_count(self) -> int:
        """How many distinct times the rows have."""
        # Of a message's few rows a set tells it in a fraction of the time that sorting takes.
        return len({time for block in self.blocks for time in block.times_us.tolist()})


def shape_mismatch(what: str, rows: int, columns: int, found: str) -> DecodeError:
    """The refusal of `found` where `rows` times of `columns` signals need their product."""
    return DecodeError(
        Refusal.SHAPE_MISMATCH,
        f"{rows} times of {columns} signals need {rows * columns} {what}, not {found}:"
        f" send NaN for what is absent",
    )


def too_many_rows(rows: int) -> DecodeError:
    """The refusal of `rows` rows in one message."""
    return DecodeError(
        Refusal.TOO_MANY_FRAMES,
        f"{rows} rows in one message: send at most {MAX_FRAMES} frames, {MAX_ROWS} rows in all",
    )


def too_many_events(events: int) -> DecodeError:
    """The refusal of `events` events in one message."""
    return DecodeError(
        Refusal.TOO_MANY_EVENTS, f"{events} events in one message: send at most {MAX_EVENTS}"
    )


def _check_table(what: str, shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    if shape != expected:
        raise shape_mismatch(what, *expected, " × ".join(map(str, shape)))


def _check_ids(narrow: NDArray[np.int32], wide: NDArray[np.int32]) -> None:
    size = narrow.size + wide.size
    if size == 0:
        return
    if size > REMEMBERED_IDS:
        _check_distinct(narrow, wide)
    else:
        _found_distinct(narrow.tobytes(), wide.tobytes())


@lru_cache(maxsize=REMEMBERED_SETS)
def _found_distinct(narrow: bytes, wide: bytes) -> None:
    """Remembers sets of ids that are as they should be: a vehicle sends the same ones all day."""
    _check_distinct(np.frombuffer(narrow, dtype=np.int32), np.frombuffer(wide, dtype=np.int32))


def _check_distinct(narrow: NDArray[np.int32], wide: NDArray[np.int32]) -> None:
    ids = np.sort(np.concatenate((narrow, wide)))
    if ids[0] < 1:
        raise DecodeError(
            Refusal.BAD_SIGNAL_ID, f"signal id {ids[0]} is outside of 1 to {MAX_SIGNAL_ID}"
        )
    twice = ids[1:] == ids[:-1]
    if twice.any():
        raise DecodeError(
            Refusal.BAD_SIGNAL_ID,
            f"signal {ids[1:][twice][0]} stands twice in a block: send it once",
        )
