"""Whatever bytes come: the wire's own refusal or a message, never another error, bounded work."""

from __future__ import annotations

import json
import math
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from subprocess import run

import lz4.frame
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.kafka.inflate import InflateError, inflate
from ingest.sparse import FEW_ROWS, MANY_SETS
from schemas.wire import Block, ContentType, DecodeError, Refusal, decode, encode_protobuf
from schemas.wire.message import MAX_ROWS
from tests.fuzz.way import CATALOGUE, NOW_US, VIN, check_rows, go, message, seeds

SEEDS = list(seeds())
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=5)
    | st.sampled_from(
        [VIN, "Infinity", "ENGINE_ON", "2026-11-01T00:00:00Z", "9999-12-31T23:59:59Z"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "vin",
                    "frames",
                    "events",
                    "time",
                    "signals",
                    "wheel_speed",
                    "trigger",
                    "type",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_a_refusal(data: bytes) -> None:
    go(data)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_changed_messages_raise_nothing_but_a_refusal(seed: bytes, data: st.DataObject) -> None:
    changed = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(1, len(changed) - 1))
        if data.draw(st.booleans()):
            changed[place] = data.draw(st.integers(0, 255))
        else:
            del changed[place : place + data.draw(st.integers(1, 8))]
            changed += b"\x00\x00"
    go(bytes(changed))


def test_numbers_that_are_none_in_any_of_their_bits_are_absent() -> None:
    # Of all that is no number some are "signalling": whoever widens one is told, or warned.
    narrow = [signal.id for signal in CATALOGUE.signals if not signal.wide]
    wide = [signal.id for signal in CATALOGUE.signals if signal.wide]
    bits = np.full((2, len(narrow)), 0x7FA00001, dtype=np.uint32)
    wide_bits = np.full((2, len(wide)), 0x7FF4000000000001, dtype=np.uint64)
    speed = narrow.index(CATALOGUE.resolve("wheel_speed").id)
    bits[0, speed] = np.float32(80.5).view(np.uint32)
    block = Block(
        times_us=np.array([NOW_US - 1_000_000, NOW_US]),
        signal_ids=np.array(narrow, dtype=np.int32),
        values=bits.view(np.float32),
        wide_signal_ids=np.array(wide, dtype=np.int32),
        wide_values=wide_bits.view(np.float64),
    )
    for twice in ([block], [block, block]):
        built = go(b"\x00" + encode_protobuf(message(*twice)))
        times = {int(time) for group in built.batch.groups for time in group.times_us}
        assert times == {NOW_US - 1_000_000}


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {"vin": st.just(VIN)},
        optional={
            "frames": st.lists(
                st.fixed_dictionaries({"time": JSON_VALUES, "signals": JSON_VALUES}), max_size=3
            ),
            "events": st.lists(JSON_VALUES, max_size=3),
        },
    )
)
def test_json_of_any_shape_raises_nothing_but_a_refusal(document: object) -> None:
    go(b"\x01" + json.dumps(document).encode())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("[" * 100_000 + "]" * 100_000, Refusal.UNREADABLE),
        ("[" * 1000 + "]" * 1000, Refusal.BAD_VALUE),
        ('{"a":' * 1000 + "1" + "}" * 1000, Refusal.BAD_VALUE),
        ('"' + "x" * 1_000_000 + '"', Refusal.BAD_VALUE),
        ("1" * 5000, Refusal.UNREADABLE),
        ("1e999", Refusal.UNREADABLE),
        ("NaN", Refusal.UNREADABLE),
        ('1,"wheel_speed":2', Refusal.BAD_FIELD),
    ],
)
def test_hostile_json_has_its_reason(value: str, reason: Refusal) -> None:
    frame = f'{{"time":{NOW_US},"signals":{{"wheel_speed":{value}}}}}'
    payload = f'{{"vin":"{VIN}","frames":[{frame}]}}'.encode()
    with pytest.raises(DecodeError) as refused:
        decode(ContentType.JSON, payload, CATALOGUE)
    assert refused.value.reason is reason
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    "vin", ["\0" * 17, VIN[:-1] + "\0", "L" * 1_000_000, "LVBV3ABB5PE00000１", "ＬVBV3ABB5PE000001"]
)
def test_vin_that_only_looks_like_one_is_refused_in_a_sentence(vin: str) -> None:
    payload = json.dumps({"vin": vin, "events": []}).encode()
    with pytest.raises(DecodeError) as refused:
        decode(ContentType.JSON, payload, CATALOGUE)
    assert refused.value.reason is Refusal.BAD_VIN
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    "claim", [b"\xff\xff\xff\xff\x07", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"]
)
def test_protobuf_that_claims_two_billion_frames_is_unreadable(claim: bytes) -> None:
    times = b"\x0a" + claim + b"\x00" * 64
    with pytest.raises(DecodeError) as refused:
        decode(ContentType.PROTOBUF, b"\x1a" + bytes([len(times)]) + times)
    assert refused.value.reason is Refusal.UNREADABLE


def test_blocks_that_all_have_columns_of_their_own_give_the_rows_they_would_give_alone() -> None:
    rng = np.random.default_rng(5)
    ids = np.array(sorted(CATALOGUE.by_id), dtype=np.int32)
    blocks = []
    for place in range(3 * MANY_SETS):
        some = rng.choice(ids, 8, replace=False)
        some[0] = 90_000 + place if place % 3 == 0 else some[0]  # a third have an unknown one
        rows = 1 + place % (FEW_ROWS // 4)
        blocks.append(
            Block(
                times_us=NOW_US - rng.integers(0, 500, rows) * 1_000_000,
                signal_ids=some[:5],
                values=rng.integers(0, 3, (rows, 5)).astype(np.float32),
                wide_signal_ids=some[5:],
                wide_values=rng.integers(0, 3, (rows, 3)).astype(np.float64),
            )
        )
    together = check_rows(ContentType.PROTOBUF, encode_protobuf(message(*blocks)))
    expected: dict[tuple[str, int], dict[int, float]] = {}
    for block in blocks:
        numbers = [*block.signal_ids.tolist(), *block.wide_signal_ids.tolist()]
        table = np.concatenate([block.values, block.wide_values], axis=1).tolist()
        for time_us, row in zip(block.times_us.tolist(), table, strict=True):
            for number, value in zip(numbers, row, strict=True):
                signal = CATALOGUE.by_id.get(number)
                if signal is not None and signal.minimum <= value <= signal.maximum:
                    expected.setdefault((signal.group, time_us), {})[number] = value
    found: dict[tuple[str, int], dict[int, float]] = {}
    for rows_ in together.batch.groups:
        signals = CATALOGUE.groups[rows_.group].signals
        order = [s.id for s in signals if not s.wide] + [s.id for s in signals if s.wide]
        table = np.concatenate([rows_.narrow, rows_.wide], axis=1).tolist()
        for time_us, row in zip(rows_.times_us.tolist(), table, strict=True):
            present = {n: v for n, v in zip(order, row, strict=True) if not math.isnan(v)}
            found.setdefault((rows_.group, time_us), {}).update(present)
    assert found == expected
    unknown = {k.key for k in together.batch.counts if k.measure == "unknown_signal"}
    assert len(unknown) == MANY_SETS
    assert {letter.reason for letter in together.dead} == {"unknown_signal"}


def test_message_of_as_many_blocks_as_rows_are_allowed_is_taken() -> None:
    ids = np.array(sorted(CATALOGUE.by_id), dtype=np.int32)
    blocks = [
        Block(
            times_us=np.array([NOW_US - place % 600 * 1_000_000]),
            signal_ids=ids[place % 400 : place % 400 + 1 + place % 7],
            values=np.zeros((1, len(ids[place % 400 : place % 400 + 1 + place % 7])), np.float32),
            wide_signal_ids=ids[:0],
            wide_values=np.zeros((1, 0)),
        )
        for place in range(MAX_ROWS)
    ]
    check_rows(ContentType.PROTOBUF, encode_protobuf(message(*blocks)))


PACK = {
    1: lambda data: zlib.compress(data, wbits=31),
    2: lambda data: pa.compress(data, codec="snappy", asbytes=True),
    3: lz4.frame.compress,
    4: lambda data: zstandard.ZstdCompressor().compress(data),
}


@pytest.mark.parametrize("codec", PACK)
def test_batch_inflates_to_its_limit_and_no_further(codec: int) -> None:
    packed = memoryview(PACK[codec](bytes(3_000_000)))
    assert inflate(codec, packed, 3_000_000) == bytes(3_000_000)
    with pytest.raises(InflateError, match="more than 2999999 bytes"):
        inflate(codec, packed, 2_999_999)


def test_zstd_frames_one_after_the_other_are_all_read_whether_they_say_their_size_or_not() -> None:
    said = zstandard.ZstdCompressor().compress(bytes(1000))
    writer = zstandard.ZstdCompressor().compressobj()
    unsaid = writer.compress(bytes(500)) + writer.flush()
    for frames, size in ((said, 1000), (unsaid, 500), (said + said, 2000), (said + unsaid, 1500)):
        assert inflate(4, memoryview(frames), size) == bytes(size)
        with pytest.raises(InflateError):
            inflate(4, memoryview(frames), size - 1)


@given(st.integers(-1, 8), st.binary(max_size=100), st.integers(0, 60))
def test_rubbish_inflates_to_an_error_or_little(codec: int, rubbish: bytes, kept: int) -> None:
    pack = PACK.get(codec)
    data = rubbish if pack is None else pack(b"abc" * 30)[:kept] + rubbish
    with suppress(InflateError):
        assert len(inflate(codec, memoryview(data), 1000)) <= 1000


def test_fuzzer_finds_nothing_in_a_couple_of_thousand_inputs(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this machine")
    options = ["-runs=2000", "-seed=1", f"-artifact_prefix={tmp_path}/"]
    done = run(
        [sys.executable, "-m", "tests.fuzz.harness", str(tmp_path / "corpus"), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-3000:]
