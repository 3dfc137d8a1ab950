"""What goes into a message comes out of it, bit by bit, in Protobuf and in JSON."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from schemas import catalogue as catalogues
from schemas.catalogue import CatalogueError
from schemas.wire import (
    Block,
    DecodeError,
    DriverChange,
    Event,
    Lamp,
    Message,
    Refusal,
    Trigger,
    TriggerType,
    TroubleCode,
    decode,
    decode_json,
    decode_protobuf,
    encode_json,
    encode_protobuf,
    make_block,
)

VIN = "LFWSRXSJ9M1F00001"
NEW_YEAR_2026_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z

CATALOGUE = catalogues.default()
NARROW = [signal.id for signal in CATALOGUE.signals if not signal.wide]
WIDE = [signal.id for signal in CATALOGUE.signals if signal.wide]

# The one float32 whose shortest decimals, read as float64 and rounded again, miss it.
TWICE_ROUNDED = np.frombuffer(np.uint32(0x15AE43FD).tobytes(), dtype=np.float32)[0]

NASTY_FLOAT32 = [
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    float(np.finfo(np.float32).max),
    float(np.finfo(np.float32).smallest_subnormal),
    float(np.float32(0.1)),
    float(TWICE_ROUNDED),
]
NASTY_FLOAT64 = [
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    1_234_567.005,  # km: a metre's odometer step is lost in float32 from 16,777 km on
    2.0**53,  # the last float64 of which every integer below is exact
    float(np.finfo(np.float64).max),
    float(np.finfo(np.float64).smallest_subnormal),
    31.230_416_7,  # deg: a latitude with the resolution of GNSS
]

times = st.integers(-(2**63), 2**63 - 1) | st.integers(NEW_YEAR_2026_US, NEW_YEAR_2026_US + 10**13)
texts = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=200)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Trigger, time_us=times, type=st.sampled_from(TriggerType), detail=texts),
    st.builds(
        DriverChange,
        time_us=times,
        slot=st.integers(1, 2),
        driver_id=st.none() | texts.filter(bool),
    ),
    st.builds(
        TroubleCode,
        time_us=times,
        spn=st.integers(0, 2**19 - 1),
        fmi=st.integers(0, 31),
        lamp=st.sampled_from(Lamp),
        count=st.none() | st.integers(0, 126),
        source_address=st.integers(0, 255),
        active=st.booleans(),
    ),
)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    narrow = draw(st.lists(st.sampled_from(NARROW), max_size=5, unique=True))
    wide = draw(st.lists(st.sampled_from(WIDE), max_size=3, unique=True))
    row_times = draw(st.lists(times, min_size=1, max_size=4))

    def table(columns: int, values: st.SearchStrategy[float]) -> list[list[float]]:
        row = st.lists(values, min_size=columns, max_size=columns)
        return draw(st.lists(row, min_size=len(row_times), max_size=len(row_times)))

    float32 = st.sampled_from(NASTY_FLOAT32) | st.floats(width=32)
    float64 = st.sampled_from(NASTY_FLOAT64) | st.floats()
    return Block(
        times_us=np.array(row_times, dtype=np.int64),
        signal_ids=np.array(narrow, dtype=np.int32),
        values=np.array(table(len(narrow), float32), dtype=np.float32),
        wide_signal_ids=np.array(wide, dtype=np.int32),
        wide_values=np.array(table(len(wide), float64), dtype=np.float64),
    )


def columns_of(block: Block) -> tuple[int, ...]:
    return (*block.signal_ids.tolist(), *block.wide_signal_ids.tolist())


# JSON has no blocks: those with the same columns come back as one, so here each has its own.
messages = (
    st.tuples(
        st.lists(blocks(), max_size=3, unique_by=columns_of),
        st.lists(events, max_size=4),
        st.integers(0, 2**32 - 1),
    )
    .filter(lambda parts: bool(parts[0] or parts[1]))
    .map(
        lambda parts: Message(
            vin=VIN, blocks=tuple(parts[0]), events=tuple(parts[1]), catalogue_version=parts[2]
        )
    )
)


def bits(values: NDArray[np.float32] | NDArray[np.float64]) -> bytes:
    """The array's bytes with one NaN for all: -0.0 and 0.0 differ, NaN equals NaN."""
    return np.where(np.isnan(values), np.array(math.nan, dtype=values.dtype), values).tobytes()


def assert_same(left: Message, right: Message) -> None:
    assert left.vin == right.vin
    assert left.catalogue_version == right.catalogue_version
    assert left.events == right.events
    assert left.unknown_signals == right.unknown_signals
    assert len(left.blocks) == len(right.blocks)
    for one, other in zip(left.blocks, right.blocks, strict=True):
        for name in Block.__slots__:
            one_array, other_array = getattr(one, name), getattr(other, name)
            assert one_array.dtype == other_array.dtype, name
            assert one_array.shape == other_array.shape, name
        assert one.times_us.tolist() == other.times_us.tolist()
        assert one.signal_ids.tolist() == other.signal_ids.tolist()
        assert one.wide_signal_ids.tolist() == other.wide_signal_ids.tolist()
        assert bits(one.values) == bits(other.values)
        assert bits(one.wide_values) == bits(other.wide_values)


@given(messages)
def test_protobuf_gives_back_every_bit(message: Message) -> None:
    assert_same(decode("application/x-protobuf", encode_protobuf(message)), message)


@given(messages)
def test_json_gives_back_every_bit(message: Message) -> None:
    assert_same(decode("application/json", encode_json(message, CATALOGUE), CATALOGUE), message)


@settings(max_examples=30)
@given(messages)
def test_a_message_survives_a_change_of_format_on_the_way(message: Message) -> None:
    relayed = decode_protobuf(
        encode_protobuf(decode_json(encode_json(message, CATALOGUE), CATALOGUE))
    )
    assert_same(relayed, message)


def message_of(*parts: Block, events: Iterable[Event] = ()) -> Message:
    return Message(vin=VIN, catalogue_version=1, blocks=parts, events=tuple(events))


def block_of(
    times_us: Sequence[int], signals: Sequence[str], values: Sequence[Sequence[float]]
) -> Block:
    return make_block(
        CATALOGUE,
        [CATALOGUE.resolve(name).id for name in signals],
        np.array(times_us, dtype=np.int64),
        np.array(values, dtype=np.float64),
    )


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_ten_fast_rows_and_a_slow_one_travel_as_partial_groups(form: str) -> None:
    seconds = [NEW_YEAR_2026_US + second * 1_000_000 for second in range(10)]
    fast = block_of(seconds, ["wheel_speed", "odometer"], [[80.0, 1e6 + i / 45] for i in range(10)])
    slow = block_of(seconds[9:], ["oil_pressure"], [[350.0]])
    message = message_of(fast, slow)
    assert message.frame_count == 10  # the slow row shares the tenth time
    assert message.frame_times_us.tolist() == seconds
    if form == "protobuf":
        assert_same(decode_protobuf(encode_protobuf(message)), message)
    else:
        assert_same(decode_json(encode_json(message, CATALOGUE), CATALOGUE), message)


def test_events_alone_are_a_message_without_frames() -> None:
    message = message_of(
        events=[DriverChange(time_us=NEW_YEAR_2026_US, slot=1, driver_id="CN 320102 王师傅")]
    )
    assert message.frame_count == 0
    assert message.frame_times_us.dtype == np.int64
    assert_same(decode_protobuf(encode_protobuf(message)), message)
    assert_same(decode_json(encode_json(message, CATALOGUE), CATALOGUE), message)


def test_a_trouble_code_of_nothing_but_zeros_is_still_a_trouble_code() -> None:
    code = TroubleCode(
        time_us=0, spn=0, fmi=0, lamp=Lamp.NONE, count=None, source_address=0, active=False
    )
    assert decode_protobuf(encode_protobuf(message_of(events=[code]))).events == (code,)


def test_a_time_that_no_calendar_holds_stays_the_same_in_json() -> None:
    block = block_of([2**63 - 1, -(2**63), -1], ["wheel_speed"], [[1.0], [2.0], [3.0]])
    payload = encode_json(message_of(block), CATALOGUE)
    assert b'"1969-12-31T23:59:59.999999Z"' in payload
    assert_same(decode_json(payload, CATALOGUE), message_of(block))


def test_a_table_is_split_into_what_float32_holds_and_what_it_does_not() -> None:
    block = block_of(
        [NEW_YEAR_2026_US],
        ["odometer", "wheel_speed", "latitude", "engine_speed"],
        [[1_234_567.005, 82.5, 31.2304167, math.nan]],
    )
    named = [CATALOGUE.by_id[number].name for number in block.signal_ids.tolist()]
    named_wide = [CATALOGUE.by_id[number].name for number in block.wide_signal_ids.tolist()]
    assert named == ["wheel_speed", "engine_speed"]
    assert named_wide == ["odometer", "latitude"]
    assert block.values[0, 0] == 82.5  # exact in binary
    assert math.isnan(block.values[0, 1])
    assert block.wide_values.tolist() == [[1_234_567.005, 31.2304167]]


def test_json_shows_float32_with_the_digits_a_person_would_write() -> None:
    block = block_of([0], ["wheel_speed", "engine_speed"], [[82.05, 0.1]])
    payload = encode_json(message_of(block), CATALOGUE)
    assert b'{"wheel_speed":82.05,"engine_speed":0.1}' in payload


def test_the_float32_whose_shortest_decimals_miss_it_is_written_longer() -> None:
    assert np.float32(np.float64("7.038531e-26")) != TWICE_ROUNDED  # rounding twice
    block = block_of([0], ["wheel_speed"], [[float(TWICE_ROUNDED)]])
    again = decode_json(encode_json(message_of(block), CATALOGUE), CATALOGUE)
    assert again.blocks[0].values[0, 0] == TWICE_ROUNDED


def test_a_value_beyond_float32_becomes_an_infinity_and_so_out_of_limits() -> None:
    block = block_of([0], ["wheel_speed", "engine_speed"], [[1e39, -1e39]])
    assert block.values.tolist() == [[math.inf, -math.inf]]


def test_a_signal_that_the_catalogue_lacks_is_named_when_a_table_is_made() -> None:
    with pytest.raises(CatalogueError, match="no signal has the id 2147483647"):
        make_block(CATALOGUE, [2**31 - 1], np.zeros(1, dtype=np.int64), np.zeros((1, 1)))


def test_a_table_whose_height_is_not_the_number_of_times_is_refused() -> None:
    with pytest.raises(
        DecodeError, match="3 times of 1 signals need 3 values, not 2 × 1"
    ) as caught:
        block_of([1, 2, 3], ["wheel_speed"], [[1.0], [2.0]])
    assert caught.value.reason is Refusal.SHAPE_MISMATCH
