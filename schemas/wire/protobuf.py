"""Messages in Protobuf, the layout of `frame.proto`, with no Python loop over values.

A packed field that is read as an array is one copy of memory. Written, its bytes are the array's
behind a tag and a length: they are merged into the generated message as they are, for extending it
value by value takes sixty times as long.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from google.protobuf.message import DecodeError as ProtobufDecodeError
from numpy.typing import NDArray

from schemas import frame_pb2
from schemas.wire.event import DriverChange, Event, Lamp, Trigger, TriggerType, TroubleCode
from schemas.wire.message import (
    MAX_EVENTS,
    MAX_ROWS,
    MAX_SIGNAL_ID,
    Block,
    Message,
    shape_mismatch,
    too_many_events,
    too_many_rows,
)
from schemas.wire.refusal import DecodeError, Refusal

MAX_PROTOBUF_BYTES = 4 * 2**20  # bytes; ours: 600 frames of 1700 narrow signals

_TRIGGER_PREFIX = "TRIGGER_TYPE_"
_LAMP_PREFIX = "LAMP_"

_TRIGGER_TYPES = {
    frame_pb2.TriggerType.Value(f"{_TRIGGER_PREFIX}{member}"): member for member in TriggerType
}
_LAMPS = {frame_pb2.Lamp.Value(f"{_LAMP_PREFIX}{member}"): member for member in Lamp}

_LENGTH_DELIMITED = 2  # wire type; Protobuf encoding specification
_VARINT_BITS = 7  # payload bits a byte; Protobuf encoding specification

_Array: TypeAlias = NDArray[np.int64] | NDArray[np.float32] | NDArray[np.float64]


def decode_protobuf(payload: bytes) -> Message:
    """Read a message; work and memory are linear in the bytes, whatever they claim.

    Raises:
        DecodeError: the bytes are no `FrameBatch`, or one that breaks a rule of `frame.proto`.
    """
    if len(payload) > MAX_PROTOBUF_BYTES:
        raise DecodeError(
            Refusal.TOO_LARGE,
            f"{len(payload)} bytes of Protobuf: send at most {MAX_PROTOBUF_BYTES} a message",
        )
    try:
        batch = frame_pb2.FrameBatch.FromString(payload)
    except ProtobufDecodeError as error:
        raise DecodeError(
            Refusal.UNREADABLE, f"not a telemetry.v1.FrameBatch ({error}): check the encoder"
        ) from error
    if len(batch.events) > MAX_EVENTS:
        raise too_many_events(len(batch.events))
    # Each block has a row at least: this bounds both before any array is made.
    if len(batch.blocks) > MAX_ROWS:
        raise too_many_rows(len(batch.blocks))
    return Message(
        vin=batch.vin,
        catalogue_version=batch.catalogue_version,
        blocks=tuple(_block(block) for block in batch.blocks),
        events=tuple(_event(event) for event in batch.events),
    )


def encode_protobuf(message: Message) -> bytes:
    """Write a message; absent values stay NaN, nothing is rounded."""
    batch = frame_pb2.FrameBatch(
        vin=message.vin,
        catalogue_version=message.catalogue_version,
        events=map(_write_event, message.events),
    )
    for block in message.blocks:
        sent = batch.blocks.add(
            signal_ids=block.signal_ids.tolist(), wide_signal_ids=block.wide_signal_ids.tolist()
        )
        sent.MergeFromString(
            _packed(frame_pb2.FrameBlock.TIMES_US_FIELD_NUMBER, block.times_us, "<i8")
            + _packed(frame_pb2.FrameBlock.VALUES_FIELD_NUMBER, block.values, "<f4")
            + _packed(frame_pb2.FrameBlock.WIDE_VALUES_FIELD_NUMBER, block.wide_values, "<f8")
        )
    return batch.SerializeToString()


def _block(block: frame_pb2.FrameBlock) -> Block:
    rows = len(block.times_us)
    columns, wide_columns = len(block.signal_ids), len(block.wide_signal_ids)
    if len(block.values) != rows * columns:
        raise shape_mismatch("values", rows, columns, str(len(block.values)))
    if len(block.wide_values) != rows * wide_columns:
        raise shape_mismatch("wide values", rows, wide_columns, str(len(block.wide_values)))
    return Block(
        times_us=np.asarray(block.times_us, dtype=np.int64),
        signal_ids=_ids(np.asarray(block.signal_ids, dtype=np.uint32)),
        values=np.asarray(block.values, dtype=np.float32).reshape(rows, columns),
        wide_signal_ids=_ids(np.asarray(block.wide_signal_ids, dtype=np.uint32)),
        wide_values=np.asarray(block.wide_values, dtype=np.float64).reshape(rows, wide_columns),
    )


def _ids(ids: NDArray[np.uint32]) -> NDArray[np.int32]:
    if ids.size and ids.max() > MAX_SIGNAL_ID:
        raise DecodeError(
            Refusal.BAD_SIGNAL_ID, f"signal id {ids.max()} is outside of 1 to {MAX_SIGNAL_ID}"
        )
    return ids.view(np.int32)


def _event(event: frame_pb2.Event) -> Event:
    kind = event.WhichOneof("kind")
    if kind is None:
        raise DecodeError(
            Refusal.BAD_EVENT,
            "an event of no known kind: send trigger, driver_change or trouble_code",
        )
    return _EVENT_READERS[kind](event)


def _trigger(event: frame_pb2.Event) -> Trigger:
    kind = _TRIGGER_TYPES.get(event.trigger.type)
    if kind is None:
        raise DecodeError(
            Refusal.BAD_EVENT,
            f"trigger type {event.trigger.type} is not one of frame.proto's TriggerType",
        )
    return Trigger(time_us=event.time_us, type=kind, detail=event.trigger.detail)


def _driver_change(event: frame_pb2.Event) -> DriverChange:
    change = event.driver_change
    return DriverChange(
        time_us=event.time_us,
        slot=change.slot,
        driver_id=change.driver_id if change.HasField("driver_id") else None,
    )


def _trouble_code(event: frame_pb2.Event) -> TroubleCode:
    code = event.trouble_code
    lamp = _LAMPS.get(code.lamp)
    if lamp is None:
        raise DecodeError(Refusal.BAD_EVENT, f"lamp {code.lamp} is not one of frame.proto's Lamp")
    return TroubleCode(
        time_us=event.time_us,
        spn=code.spn,
        fmi=code.fmi,
        lamp=lamp,
        count=code.count if code.HasField("count") else None,
        source_address=code.source_address,
        active=code.active,
    )


_EVENT_READERS: dict[str, Callable[[frame_pb2.Event], Event]] = {
    "trigger": _trigger,
    "driver_change": _driver_change,
    "trouble_code": _trouble_code,
}


def _write_event(event: Event) -> frame_pb2.Event:
    if isinstance(event, Trigger):
        trigger = frame_pb2.Trigger(type=f"{_TRIGGER_PREFIX}{event.type}", detail=event.detail)
        return frame_pb2.Event(time_us=event.time_us, trigger=trigger)
    if isinstance(event, DriverChange):
        change = frame_pb2.DriverChange(slot=event.slot, driver_id=event.driver_id)
        return frame_pb2.Event(time_us=event.time_us, driver_change=change)
    code = frame_pb2.TroubleCode(
        spn=event.spn,
        fmi=event.fmi,
        lamp=f"{_LAMP_PREFIX}{event.lamp}",
        count=event.count,
        source_address=event.source_address,
        active=event.active,
    )
    return frame_pb2.Event(time_us=event.time_us, trouble_code=code)


def _packed(field_number: int, values: _Array, dtype: str) -> bytes:
    data = values.astype(dtype, copy=False).tobytes()
    return _varint(field_number << 3 | _LENGTH_DELIMITED) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number >> _VARINT_BITS:
        groups.append(number & 0x7F | 0x80)
        number >>= _VARINT_BITS
    groups.append(number)
    return bytes(groups)
