"""Messages in JSON: what a person writes first, and what a partner's gateway has at hand.

    {"vin": "...", "catalogueVersion": 1,
     "frames": [{"time": "2026-01-01T00:00:00.000Z", "signals": {"wheel_speed": 82.5}}],
     "events": [{"time": "2026-01-01T00:00:00.000Z", "trigger": {"type": "ENGINE_ON"}}]}

Frames with the same names in the same order become one block, so that Python looks at names once a
block and at values only as whole rows, each while it is still in the processor's cache. JSON has no
NaN and no infinities: null is absent, and the strings "Infinity" and "-Infinity" stand for values
out of limits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.catalogue import Catalogue
from schemas.wire.clock import read_time, write_time
from schemas.wire.columns import Columns, signal_of
from schemas.wire.duplicates import count_quotes, quotes, refuse_duplicates
from schemas.wire.event import (
    DriverChange,
    Event,
    Lamp,
    Trigger,
    TriggerType,
    TroubleCode,
    check_text,
)
from schemas.wire.members import Members
from schemas.wire.message import (
    MAX_EVENTS,
    MAX_ROWS,
    Block,
    Message,
    too_many_events,
    too_many_rows,
)
from schemas.wire.refusal import DecodeError, Refusal, brief

MAX_JSON_BYTES = 16 * 2**20  # bytes; ours: 600 frames of 600 signals by name

_FRAME_MEMBERS = {"time", "signals"}
_VALUE_TYPES = frozenset({int, float, bool, type(None)})
_Rows: TypeAlias = dict[tuple[str, ...], tuple[list[int], list[NDArray[np.float64]]]]
"""By names: times [µs], and the values of each."""

_INFINITIES = {"Infinity": np.inf, "-Infinity": -np.inf}


def decode_json(payload: bytes, catalogue: Catalogue) -> Message:
    """Read a message; a signal goes by its column name or its VSS path.

    Raises:
        DecodeError: the bytes are no JSON, or JSON that breaks a rule of docs/wire-format.md.
    """
    if len(payload) > MAX_JSON_BYTES:
        raise DecodeError(
            Refusal.TOO_LARGE,
            f"{len(payload)} bytes of JSON: send at most {MAX_JSON_BYTES} a message",
        )
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise DecodeError(Refusal.UNREADABLE, f"not JSON: {error}; check the encoder") from error
    members = Members("the message", document)
    vin = members.text("vin")
    catalogue_version = members.integer("catalogueVersion", default=0)
    frames, events = members.array("frames"), members.array("events")
    members.nothing_else()
    if len(frames) > MAX_ROWS:
        raise too_many_rows(len(frames))
    if len(events) > MAX_EVENTS:
        raise too_many_events(len(events))
    document["frames"] = []
    found, other_marks = count_quotes(payload), quotes(document)
    rows, marks = _read_plain_frames(frames)
    plain = other_marks + marks == found
    if not plain:
        rows, marks = _read_frames(frames, _read_row)
    blocks, unknown_signals = _make_blocks(rows, catalogue)
    message = Message(
        vin=vin,
        catalogue_version=catalogue_version,
        blocks=blocks,
        events=tuple(_read_event(f"event {index}", event) for index, event in enumerate(events)),
        unknown_signals=unknown_signals,
    )
    if not plain:
        refuse_duplicates(payload, other_marks + marks)
    return message


def encode_json(message: Message, catalogue: Catalogue) -> bytes:
    """Write a message with signals by their column names, nothing rounded.

    Reading it back gives every bit again where narrow and wide columns are the catalogue's choice,
    as `make_block` leaves them.

    Raises:
        CatalogueError: the message holds an id that the catalogue does not name.
    """
    return orjson.dumps(
        {
            "vin": message.vin,
            "catalogueVersion": message.catalogue_version,
            "frames": [
                frame for block in message.blocks for frame in _write_frames(block, catalogue)
            ],
            "events": [_write_event(event) for event in message.events],
        }
    )


def _read_plain_frames(frames: Sequence[Any]) -> tuple[_Rows, int]:
    """Frames as `_read_frames` gives them, if no value of them is a string.

    One that is a string is no number as a rule, and numpy may read it all the same: the quotation
    marks tell. Where they or anything else is odd, the frames are to be read again with care.
    """
    try:
        return _read_frames(frames, _read_plain_row)
    except (DecodeError, TypeError, ValueError, OverflowError):
        return {}, -1


def _read_plain_row(_: int, signals: Mapping[str, Any]) -> tuple[NDArray[np.float64], int]:
    return np.fromiter(signals.values(), dtype=np.float64, count=len(signals)), 0


def _read_row(index: int, signals: Mapping[str, Any]) -> tuple[NDArray[np.float64], int]:
    values = list(signals.values())
    marks = 0
    if not _VALUE_TYPES.issuperset(map(type, values)):
        marks = 2 * sum(type(value) is str for value in values)
        values = [_read_odd_value(index, name, value) for name, value in signals.items()]
    return np.array(values, dtype=np.float64), marks


def _read_frames(
    frames: Sequence[Any], read_row: Callable[[int, Mapping[str, Any]], tuple[Any, int]]
) -> tuple[_Rows, int]:
    """Gather frames by their names.

    The second is the quotation marks that the frames need, see `schemas.wire.duplicates`: they are
    most of a message, and here every value is looked at anyhow.
    """
    groups: _Rows = {}
    marks = 0
    for index, frame in enumerate(frames):
        if type(frame) is not dict or frame.keys() != _FRAME_MEMBERS:
            raise DecodeError(
                Refusal.BAD_FIELD, f"frame {index} must have the members time and signals, no other"
            )
        signals = frame["signals"]
        if type(signals) is not dict:
            raise DecodeError(
                Refusal.BAD_FIELD, f"frame {index}: signals must be an object of names and values"
            )
        row, more_marks = read_row(index, signals)
        marks += 2 * (len(frame) + len(signals)) + quotes(frame["time"]) + more_marks
        times, rows = groups.setdefault(tuple(signals), ([], []))
        times.append(read_time(frame["time"]))
        rows.append(row)
    return groups, marks


def _make_blocks(groups: _Rows, catalogue: Catalogue) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """A block for the frames of the same names; also the names that the catalogue has not."""
    blocks = []
    unknown: dict[str, None] = {}
    for names, (times, rows) in groups.items():
        signals = [catalogue.by_name.get(name) or catalogue.by_path.get(name) for name in names]
        unknown.update((name, None) for name, it in zip(names, signals, strict=True) if it is None)
        blocks.append(
            Columns.of(signals).block(
                np.array(times, dtype=np.int64), np.array(rows, dtype=np.float64)
            )
        )
    for name in unknown:
        check_text("a signal's name", name, Refusal.BAD_FIELD)
    return tuple(blocks), tuple(unknown)


def _read_odd_value(index: int, name: str, value: Any) -> Any:
    if type(value) in _VALUE_TYPES:
        return value
    if type(value) is str and value in _INFINITIES:
        return _INFINITIES[value]
    raise DecodeError(
        Refusal.BAD_VALUE,
        f"frame {index}: {name[:80]!r} is {brief(value)}: send a number, true or false,"
        f' null for absent, or "Infinity"',
    )


def _write_frames(block: Block, catalogue: Catalogue) -> Iterator[Mapping[str, Any]]:
    ids = (*block.signal_ids.tolist(), *block.wide_signal_ids.tolist())
    names = [signal_of(catalogue, number).name for number in ids]
    table = np.concatenate((_shortest(block.values), block.wide_values), axis=1)
    rows: list[list[Any]] = table.tolist()
    for row, column in np.argwhere(np.isinf(table)):
        rows[row][column] = "Infinity" if table[row, column] > 0 else "-Infinity"
    for time_us, values in zip(block.times_us.tolist(), rows, strict=True):
        # orjson writes NaN as null.
        yield {"time": write_time(time_us), "signals": dict(zip(names, values, strict=True))}


def _shortest(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The float64 with the fewest digits that rounds to each float32: 0.1 for float32(0.1).

    A reader makes a float64 of the shortest decimals and rounds again to float32. Of all float32
    only ±7.038531e-26 do not come back from that; there the float32's own, longer, value stands.
    """
    texts = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    short = np.array(orjson.loads(texts), dtype=np.float64).reshape(values.shape)
    with np.errstate(over="ignore"):
        exact = short.astype(np.float32) == values
    return np.where(exact, short, values.astype(np.float64))


def _read_event(where: str, value: object) -> Event:
    members = Members(where, value)
    time_us = read_time(members.take("time"))
    kinds = [kind for kind in _EVENT_READERS if not members.absent(kind)]
    if len(kinds) != 1:
        raise DecodeError(
            Refusal.BAD_EVENT, f"{where} must have exactly one of {', '.join(_EVENT_READERS)}"
        )
    content = Members(f"{where}'s {kinds[0]}", members.take(kinds[0]))
    members.nothing_else()
    event = _EVENT_READERS[kinds[0]](time_us, content)
    content.nothing_else()
    return event


def _read_trigger(time_us: int, content: Members) -> Trigger:
    name = content.text("type")
    kind = TriggerType.__members__.get(name)
    if kind is None:
        raise DecodeError(Refusal.BAD_EVENT, f"{name[:80]!r} is no trigger type of rFMS 4.0")
    return Trigger(time_us=time_us, type=kind, detail=content.text("detail", default=""))


def _read_driver_change(time_us: int, content: Members) -> DriverChange:
    return DriverChange(
        time_us=time_us,
        slot=content.integer("slot"),
        driver_id=None if content.absent("driverId") else content.text("driverId"),
    )


def _read_trouble_code(time_us: int, content: Members) -> TroubleCode:
    name = content.text("lamp", default=Lamp.NONE)
    lamp = Lamp.__members__.get(name)
    if lamp is None:
        raise DecodeError(Refusal.BAD_EVENT, f"{name[:80]!r} is no lamp: use {', '.join(Lamp)}")
    return TroubleCode(
        time_us=time_us,
        spn=content.integer("spn"),
        fmi=content.integer("fmi"),
        lamp=lamp,
        count=None if content.absent("count") else content.integer("count"),
        source_address=content.integer("sourceAddress"),
        active=content.boolean("active"),
    )


_EVENT_READERS: Mapping[str, Callable[[int, Members], Event]] = {
    "trigger": _read_trigger,
    "driverChange": _read_driver_change,
    "troubleCode": _read_trouble_code,
}


def _write_event(event: Event) -> Mapping[str, Any]:
    time = write_time(event.time_us)
    if isinstance(event, Trigger):
        return {"time": time, "trigger": {"type": event.type, "detail": event.detail}}
    if isinstance(event, DriverChange):
        return {
            "time": time,
            "driverChange": {"slot": event.slot, "driverId": event.driver_id},
        }
    return {
        "time": time,
        "troubleCode": {
            "spn": event.spn,
            "fmi": event.fmi,
            "lamp": event.lamp,
            "count": event.count,
            "sourceAddress": event.source_address,
            "active": event.active,
        },
    }
