"""What must hold of every bytes there are, on their way from a message to rows.

Nothing but the wire's own refusal is raised; what is read can be written and read again; and the
rows that come of it are ones that the database takes.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ingest.assemble import Assembler
from ingest.clock import as_microseconds
from ingest.record import REPLAYED_FROM_HEADER, Record
from schemas import catalogue as catalogues
from schemas.wire import (
    Block,
    ContentType,
    DecodeError,
    DriverChange,
    Lamp,
    Message,
    Trigger,
    TriggerType,
    TroubleCode,
    decode,
    encode_json,
    encode_protobuf,
    make_block,
)
from storage.prepared import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.assemble import Assembled

CATALOGUE = catalogues.default()
VIN = "LVBV3ABB5PE000001"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOW_US = as_microseconds(NOW)
RETENTION, TOLERANCE = timedelta(days=90), timedelta(minutes=10)
KINDS = (ContentType.PROTOBUF, ContentType.JSON)

MODES = len(KINDS) * 2
"""Ways to speak: each kind, new or replayed."""


def go(data: bytes) -> Assembled:
    """Take an input the whole way; the first byte says how it is spoken."""
    mode = (data[0] if data else 0) % MODES
    kind, payload = KINDS[mode % len(KINDS)], data[1:]
    try:
        check_round_trip(kind, decode(kind, payload, CATALOGUE))
    except DecodeError as refusal:
        check_sentence(str(refusal))
    return check_rows(kind, payload, replayed=mode >= len(KINDS))


def check_sentence(text: str) -> None:
    """A refusal is a sentence, not the message again."""
    assert 10 < len(text) < 2000


def check_round_trip(kind: ContentType, message: Message) -> None:
    """What was read is written and read again, every bit of it."""
    written = encode_protobuf(message)
    assert encode_protobuf(decode(ContentType.PROTOBUF, written)) == written
    if kind is ContentType.JSON:
        # Frames that differ in an unknown name, or in how they name a signal, share a block now.
        again = decode(kind, encode_json(message, CATALOGUE), CATALOGUE)
        assert rows_of(again) == rows_of(message)
        assert again.events == message.events


def rows_of(message: Message) -> list[tuple[int, list[tuple[int, float]]]]:
    """Each row's time and present values by signal, whichever block they stand in."""
    found = []
    for block in message.blocks:
        ids = np.concatenate([block.signal_ids, block.wide_signal_ids]).tolist()
        table = np.concatenate([block.values, block.wide_values], axis=1).tolist()
        for time_us, row in zip(block.times_us.tolist(), table, strict=True):
            present = [pair for pair in zip(ids, row, strict=True) if not math.isnan(pair[1])]
            found.append((time_us, sorted(present)))
    return sorted(found)


def check_rows(kind: ContentType, payload: bytes, *, replayed: bool = False) -> Assembled:
    """A message and its twin become rows that are ready for the database, or letters."""
    assembler = Assembler(
        CATALOGUE,
        lambda _: 1,
        retention=RETENTION,
        future_tolerance=TOLERANCE,
        report_interval_s=60,
    )
    headers = ((REPLAYED_FROM_HEADER, b"t/0/0"),) if replayed else ()
    for offset in range(2):
        assembler.add(
            Record(
                topic="t",
                partition=0,
                offset=offset,
                key=None,
                value=payload,
                content_type=kind,
                headers=headers,
            )
        )
    built = assembler.build(NOW, ())
    earliest, latest = NOW_US - as_us(RETENTION), NOW_US + as_us(TOLERANCE)
    for prepared in prepare(built.batch, CATALOGUE).groups:
        rows = prepared.rows
        assert ((rows.times_us >= earliest) & (rows.times_us <= latest)).all()
        assert not np.isinf(rows.narrow).any()
        assert not np.isinf(rows.wide).any()
        assert not (np.isnan(rows.narrow).all(axis=1) & np.isnan(rows.wide).all(axis=1)).any()
    for letter in built.dead:
        assert letter.record.value == payload
        assert letter.headers()
    assert sum(n for key, n in built.batch.counts.items() if key.measure == "messages") == 2
    return built


def seeds() -> Iterator[bytes]:
    """Valid messages of both kinds, small ones: libFuzzer changes them."""
    for message in messages():
        yield b"\x00" + encode_protobuf(message)
        yield b"\x02" + encode_protobuf(message)
        if all(
            set(block.signal_ids.tolist()) <= CATALOGUE.by_id.keys() for block in message.blocks
        ):
            yield b"\x01" + encode_json(message, CATALOGUE)
            yield b"\x03" + encode_json(message, CATALOGUE)
    yield (
        b'\x01{"vin":"' + VIN.encode() + b'","frames":[{"time":"2026-11-01T12:00:00+08:00",'
        b'"signals":{"wheel_speed":"Infinity","Vehicle.Speed":null,"no such":true}}]}'
    )


def messages() -> Iterator[Message]:
    """One of each sort."""
    names = ["wheel_speed", "engine_speed", "odometer", "latitude"]
    ids = [CATALOGUE.resolve(name).id for name in names]
    table = np.array([[80.5, 1187.5, 1_234_567.005, 31.2], [np.nan, 9e9, np.inf, -91.0]])
    times = np.array([NOW_US - 1_000_000, NOW_US])
    block = make_block(CATALOGUE, ids, times, table)
    yield message(block)
    yield message(block, make_block(CATALOGUE, ids[:2], times[::-1], table[:, :2]))
    yield message(
        Block(
            times_us=np.array([NOW_US, -(2**63), 2**63 - 1, 0]),
            signal_ids=np.array([ids[2], 99_001], dtype=np.int32),
            values=np.ones((4, 2), dtype=np.float32),
            wide_signal_ids=np.array([ids[0]], dtype=np.int32),
            wide_values=np.ones((4, 1)),
        )
    )
    yield Message(
        vin=VIN,
        catalogue_version=0,
        blocks=(),
        events=(
            Trigger(time_us=NOW_US, type=TriggerType.TELL_TALE, detail="油"),
            DriverChange(time_us=NOW_US, slot=1, driver_id="CN1"),
            DriverChange(time_us=NOW_US, slot=2, driver_id=None),
            TroubleCode(
                time_us=NOW_US,
                spn=3226,
                fmi=4,
                lamp=Lamp.RED_STOP,
                count=1,
                source_address=61,
                active=True,
            ),
        ),
    )


def message(*blocks: Block) -> Message:
    """Blocks of one vehicle."""
    return Message(vin=VIN, catalogue_version=1, blocks=blocks, events=())


def as_us(span: timedelta) -> int:
    """Whole microseconds."""
    return span // timedelta(microseconds=1)
