"""Protobuf from any hand: every legal encoding reads the same, everything else is refused."""

import contextlib
import struct
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import frame_pb2
from schemas.wire import (
    MAX_FRAMES,
    Block,
    DecodeError,
    Message,
    Refusal,
    Trigger,
    TriggerType,
    decode_protobuf,
    encode_protobuf,
)
from schemas.wire.message import MAX_EVENTS, MAX_ROWS
from schemas.wire.protobuf import MAX_PROTOBUF_BYTES

VIN = "LFWSRXSJ9M1F00001"
VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5  # wire types of the Protobuf encoding


def varint(number: int) -> bytes:
    head = b""
    while number > 0x7F:
        head += bytes([number & 0x7F | 0x80])
        number >>= 7
    return head + bytes([number])


def tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def delimited(number: int, data: bytes) -> bytes:
    return tag(number, LENGTH_DELIMITED) + varint(len(data)) + data


def batch_of(*blocks: bytes) -> bytes:
    return delimited(1, VIN.encode()) + b"".join(delimited(3, block) for block in blocks)


def block_bytes(**fields: Any) -> bytes:
    return frame_pb2.FrameBlock(**fields).SerializeToString()


def plain_message(rows: int, columns: int) -> Message:
    block = Block(
        times_us=np.arange(rows, dtype=np.int64),
        signal_ids=np.arange(1, columns + 1, dtype=np.int32),
        values=np.ones((rows, columns), dtype=np.float32),
        wide_signal_ids=np.empty(0, dtype=np.int32),
        wide_values=np.empty((rows, 0), dtype=np.float64),
    )
    return Message(vin=VIN, catalogue_version=1, blocks=(block,), events=())


def refusal_of(payload: bytes) -> Refusal:
    with pytest.raises(DecodeError) as caught:
        decode_protobuf(payload)
    return caught.value.reason


def split_packed(times: list[int], ids: list[int], values: list[float]) -> bytes:
    """Every packed field in two chunks, as an encoder may write them."""
    return (
        b"".join(delimited(1, struct.pack("<q", time)) for time in times)
        + b"".join(delimited(2, varint(number)) for number in ids)
        + delimited(3, struct.pack("<f", values[0]))
        + delimited(3, struct.pack(f"<{len(values) - 1}f", *values[1:]))
    )


def unpacked(times: list[int], ids: list[int], values: list[float]) -> bytes:
    """An element a tag, as proto2 encoders write them."""
    return b"".join(
        [tag(1, FIXED64) + struct.pack("<q", time) for time in times]
        + [tag(2, VARINT) + varint(number) for number in ids]
        + [tag(3, FIXED32) + struct.pack("<f", value) for value in values]
    )


def values_first(times: list[int], ids: list[int], values: list[float]) -> bytes:
    """The fields in another order."""
    return (
        delimited(3, struct.pack(f"<{len(values)}f", *values))
        + delimited(2, b"".join(map(varint, ids)))
        + delimited(1, struct.pack(f"<{len(times)}q", *times))
    )


@pytest.mark.parametrize("layout", [split_packed, unpacked, values_first])
def test_every_legal_encoding_reads_the_same(
    layout: Callable[[list[int], list[int], list[float]], bytes],
) -> None:
    [block] = decode_protobuf(batch_of(layout([5, -7], [3, 300], [1.5, 2.5, 3.5, 4.5]))).blocks
    assert block.times_us.tolist() == [5, -7]
    assert block.signal_ids.tolist() == [3, 300]
    assert block.values.tolist() == [[1.5, 2.5], [3.5, 4.5]]


def test_a_field_that_a_newer_sender_adds_is_passed_over() -> None:
    payload = batch_of(values_first([5], [3], [1.5]) + delimited(99, b"new")) + delimited(
        98, b"new"
    )
    assert decode_protobuf(payload).blocks[0].values.tolist() == [[1.5]]


def test_decoding_runs_no_more_python_for_600_frames_of_420_signals_than_for_one() -> None:
    def lines_run(payload: bytes) -> int:
        count = 0

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal count
            # Only ours: a garbage collection in between may run somebody else's call-backs.
            if "wire" not in Path(frame.f_code.co_filename).parts:
                return None
            count += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            decode_protobuf(payload)
        finally:
            sys.settrace(before)
        return count

    small = encode_protobuf(plain_message(1, 1))
    large = encode_protobuf(plain_message(MAX_FRAMES, 420))
    assert lines_run(large) == lines_run(small) > 0


@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_a_decode_error(payload: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode_protobuf(payload)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_valid_head_before_random_bytes_raises_nothing_but_a_decode_error(
    block: bytes, event: bytes
) -> None:
    with contextlib.suppress(DecodeError):
        decode_protobuf(batch_of(block) + delimited(4, event))


def test_a_message_cut_off_at_any_byte_is_refused_or_read_up_to_a_whole_part() -> None:
    trigger = Trigger(time_us=1, type=TriggerType.ENGINE_ON)
    [block] = plain_message(2, 3).blocks
    whole = encode_protobuf(
        Message(vin=VIN, catalogue_version=1, blocks=(block,), events=(trigger,))
    )
    readable = []
    for length in range(len(whole)):
        with contextlib.suppress(DecodeError):
            readable.append(decode_protobuf(whole[:length]))
    # Protobuf has no end mark: where the cut falls behind the block, the block is a message.
    assert [len(message.blocks) for message in readable] == [1]


@given(st.data())
def test_a_flipped_byte_raises_nothing_but_a_decode_error(data: st.DataObject) -> None:
    payload = bytearray(encode_protobuf(plain_message(2, 3)))
    payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DecodeError):
        decode_protobuf(bytes(payload))


def test_a_claim_of_two_billion_frames_costs_nothing() -> None:
    claim = tag(3, LENGTH_DELIMITED) + varint(2**31 - 1)  # a block of 2 GB, of which none follows
    times = tag(3, LENGTH_DELIMITED) + varint(7) + tag(1, LENGTH_DELIMITED) + varint(2**34)
    head = delimited(1, VIN.encode())
    tracemalloc.start()
    try:
        assert refusal_of(head + claim) is Refusal.UNREADABLE
        assert refusal_of(head + times) is Refusal.UNREADABLE
        assert (
            refusal_of(
                batch_of(block_bytes(times_us=range(MAX_ROWS), signal_ids=range(1, 100_001)))
            )
            is Refusal.SHAPE_MISMATCH
        )  # 600 million values are due, none is there
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20  # bytes; the 600 million would be 2.4 GB


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Refusal.BAD_VIN),
        (b"\xff", Refusal.UNREADABLE),
        (b'{"vin": "LFWSRXSJ9M1F00001"}', Refusal.UNREADABLE),  # JSON under the wrong type
        (bytes(MAX_PROTOBUF_BYTES + 1), Refusal.TOO_LARGE),
        (delimited(1, b"\xff" * 17), Refusal.UNREADABLE),  # no UTF-8
        (delimited(1, b"LFWSRXSJ9M1F0000O"), Refusal.BAD_VIN),  # the letter O
        (batch_of(), Refusal.EMPTY),
        (batch_of(b""), Refusal.SHAPE_MISMATCH),  # a block without times
        (batch_of(block_bytes(signal_ids=[1])), Refusal.SHAPE_MISMATCH),
        (batch_of(block_bytes(times_us=[1], signal_ids=[1])), Refusal.SHAPE_MISMATCH),
        (batch_of(block_bytes(times_us=[1], values=[1])), Refusal.SHAPE_MISMATCH),
        (
            batch_of(block_bytes(times_us=[1, 2], signal_ids=[1], values=[1, 2, 3])),
            Refusal.SHAPE_MISMATCH,
        ),
        (
            batch_of(block_bytes(times_us=[1, 2], wide_signal_ids=[1], wide_values=[1])),
            Refusal.SHAPE_MISMATCH,
        ),
        (
            batch_of(block_bytes(times_us=[1], signal_ids=[0], values=[1])),
            Refusal.BAD_SIGNAL_ID,
        ),
        (
            batch_of(block_bytes(times_us=[1], signal_ids=[2**31], values=[1])),
            Refusal.BAD_SIGNAL_ID,  # one more than int32 holds
        ),
        (
            batch_of(block_bytes(times_us=[1], signal_ids=[7, 8, 7], values=[1, 2, 3])),
            Refusal.BAD_SIGNAL_ID,
        ),
        (
            batch_of(
                block_bytes(
                    times_us=[1], signal_ids=[7], values=[1], wide_signal_ids=[7], wide_values=[1]
                )
            ),
            Refusal.BAD_SIGNAL_ID,  # in both halves of one block
        ),
        (batch_of(block_bytes(times_us=range(601))), Refusal.TOO_MANY_FRAMES),
        (
            batch_of(*(block_bytes(times_us=range(i, i + 301)) for i in (0, 300))),
            Refusal.TOO_MANY_FRAMES,  # 0 to 600 are 601 times
        ),
        (batch_of(block_bytes(times_us=[1] * (MAX_ROWS + 1))), Refusal.TOO_MANY_FRAMES),
        (
            batch_of(*[block_bytes(times_us=[1] * (MAX_ROWS // 2 + 1))] * 2),
            Refusal.TOO_MANY_FRAMES,
        ),
        (batch_of(*[b""] * (MAX_ROWS + 1)), Refusal.TOO_MANY_FRAMES),
        (batch_of() + delimited(4, b"") * (MAX_EVENTS + 1), Refusal.TOO_MANY_EVENTS),
        (batch_of() + delimited(4, b""), Refusal.BAD_EVENT),  # an event of no kind
        (batch_of() + delimited(4, delimited(9, b"")), Refusal.BAD_EVENT),  # of a newer kind
    ],
    ids=lambda value: value.value if isinstance(value, Refusal) else f"{len(value)} bytes",
)
def test_a_message_that_breaks_a_rule_is_refused_with_its_reason(
    payload: bytes, reason: Refusal
) -> None:
    assert refusal_of(payload) is reason


@pytest.mark.parametrize(
    "event",
    [
        frame_pb2.Event(trigger=frame_pb2.Trigger()),  # type unspecified
        frame_pb2.Event(
            trigger=frame_pb2.Trigger.FromString(
                tag(1, VARINT) + varint(20)
            )  # the first free number
        ),
        frame_pb2.Event(trigger=frame_pb2.Trigger(type="TRIGGER_TYPE_TIMER", detail="\0")),
        frame_pb2.Event(trigger=frame_pb2.Trigger(type="TRIGGER_TYPE_TIMER", detail="x" * 201)),
        frame_pb2.Event(driver_change=frame_pb2.DriverChange(driver_id="A")),  # slot 0
        frame_pb2.Event(driver_change=frame_pb2.DriverChange(slot=3)),
        frame_pb2.Event(driver_change=frame_pb2.DriverChange(slot=1, driver_id="")),
        frame_pb2.Event(trouble_code=frame_pb2.TroubleCode(spn=2**19)),
        frame_pb2.Event(trouble_code=frame_pb2.TroubleCode(fmi=32)),
        frame_pb2.Event(trouble_code=frame_pb2.TroubleCode(count=127)),  # not available
        frame_pb2.Event(trouble_code=frame_pb2.TroubleCode(source_address=256)),
        frame_pb2.Event(
            trouble_code=frame_pb2.TroubleCode.FromString(tag(3, VARINT) + varint(5))  # no lamp
        ),
    ],
    ids=lambda event: " ".join(str(event).split())[:60],
)
def test_an_event_that_cannot_be_is_refused(event: frame_pb2.Event) -> None:
    payload = frame_pb2.FrameBatch(vin=VIN, events=[event]).SerializeToString()
    assert refusal_of(payload) is Refusal.BAD_EVENT


def test_an_id_beyond_32_bits_signed_is_named_as_it_was_sent() -> None:
    with pytest.raises(DecodeError, match="signal id 4294967295 is outside of 1 to 2147483647"):
        decode_protobuf(batch_of(block_bytes(times_us=[1], signal_ids=[2**32 - 1], values=[1])))


def test_600_frames_in_ten_blocks_are_the_most_and_pass() -> None:
    [block] = plain_message(MAX_FRAMES, 2).blocks
    message = Message(vin=VIN, catalogue_version=1, blocks=(block,) * 10, events=())
    assert decode_protobuf(encode_protobuf(message)).frame_count == MAX_FRAMES
