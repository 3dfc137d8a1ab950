"""What cannot be stored is kept, said and counted, and what stands beside it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingest.settings import UnknownVin
from schemas.wire import (
    Block,
    DriverChange,
    Lamp,
    Message,
    Trigger,
    TriggerType,
    TroubleCode,
    encode_protobuf,
)
from storage.connection import connect
from storage.registers import register_vehicle
from tests.servers.ingest_fixture import SECOND_US, ago_us, header, sample_signals, source, vin

if TYPE_CHECKING:
    from tests.servers.ingest_fixture import Bench

DAY_S = 86_400
PROTOBUF: list[tuple[str, bytes]] = [("content-type", b"application/x-protobuf")]


def test_value_out_of_limits_is_absent_kept_and_counted(bench: Bench) -> None:
    begin = ago_us(60)
    rows = {
        begin: {"wheel_speed": 80.0, "engine_speed": 9000.0},  # the catalogue's limit is 8000 rpm
        begin + SECOND_US: {"wheel_speed": np.inf, "engine_speed": 1200.0},
        begin + 2 * SECOND_US: {"wheel_speed": np.nan, "engine_speed": -1.0},
    }
    bench.send(bench.message(vin(1), rows))
    done = bench.drain()
    assert done.refused == 0
    assert bench.rows(vin(1)) == {
        (vin(1), begin): {"wheel_speed": 80.0},
        (vin(1), begin + SECOND_US): {"engine_speed": 1200.0},
    }
    assert bench.counts("out_of_limits") == {"engine_speed": 2, "wheel_speed": 1}
    kept = bench.execute(
        "SELECT signal_id, value FROM refused_value JOIN vehicle USING (vehicle_id)"
        " WHERE vin = %s ORDER BY refused_id",
        vin(1),
    )
    speed, engine = bench.signal_id("wheel_speed"), bench.signal_id("engine_speed")
    assert kept == [(engine, 9000.0), (speed, np.inf), (engine, -1.0)]


def test_frames_out_of_time_become_a_letter_and_the_good_ones_are_stored(bench: Bench) -> None:
    good = ago_us(5)
    times = {
        "old": ago_us((bench.storage.retention_days + 1) * DAY_S),
        "ahead": ago_us(-11 * 60),  # the tolerance is 10 minutes
        "nearly ahead": ago_us(-9 * 60),
    }
    message = bench.message(
        vin(2), {time: {"wheel_speed": 50.0} for time in (times["ahead"], good, *times.values())}
    )
    (place,) = bench.send(message)
    assert bench.drain().refused == 2
    assert set(bench.rows(vin(2))) == {(vin(2), good), (vin(2), times["nearly ahead"])}
    letters = {header(letter, "reason"): letter for letter in bench.letters()}
    assert set(letters) == {"too_old", "too_far_ahead"}
    # Frames are counted by place among the message's distinct times: old, good, nearly, ahead.
    assert header(letters["too_old"], "frames") == "0"
    assert header(letters["too_far_ahead"], "frames") == "3"
    for letter in letters.values():
        assert letter.value == encode_protobuf(message)
        assert letter.key == vin(2).encode()
        assert source(letter) == place
        assert header(letter, "topic") == bench.settings.topic
        assert header(letter, "vin") == vin(2)
    assert bench.counts("refused") == {"too_old": 1, "too_far_ahead": 1}


def test_letter_holds_key_bytes_and_headers_as_they_came(bench: Bench) -> None:
    headers: list[tuple[str, bytes]] = [
        ("trace", b"\x00\xff"),
        ("content-type", b"text/\xff"),
        ("trace", b"second"),
        ("reason", b"the sender's own"),
    ]
    (place,) = bench.send_raw((b"\xfekey", b"\xff\x00 no message", headers))
    bench.drain()
    (letter,) = bench.letters()
    assert (letter.key, letter.value) == (b"\xfekey", b"\xff\x00 no message")
    assert letter.headers[: len(headers)] == headers
    assert header(letter, "reason") == "unknown_content_type"
    assert source(letter) == place


def test_unreadable_messages_become_letters_and_stop_nothing(bench: Bench) -> None:
    json = [("content-type", b"application/json; charset=utf-8")]
    refused: list[tuple[bytes | None, list[tuple[str, bytes]], str]] = [
        (b"\xff\xff", PROTOBUF, "unreadable"),
        (b"", PROTOBUF, "bad_vin"),
        (None, PROTOBUF, "bad_vin"),  # a tombstone
        (b"{", json, "unreadable"),
        (b'{"vin": "SHORT", "frames": []}', json, "bad_vin"),
        (b"x", [], "unknown_content_type"),
        (b"x", [("content-type", b"")], "unknown_content_type"),
    ]
    time_us = ago_us(30)
    places = bench.send_raw(*((b"k", value, headers) for value, headers, _ in refused), partition=0)
    good = encode_protobuf(bench.message(vin(3), {time_us: {"wheel_speed": 1.0}}))
    bench.send_raw((b"k", good, PROTOBUF), partition=0)
    bench.drain()
    assert bench.rows(vin(3)) == {(vin(3), time_us): {"wheel_speed": 1.0}}
    letters = bench.letters()
    assert [source(letter) for letter in letters] == places
    assert [(letter.value, header(letter, "reason")) for letter in letters] == [
        (value, reason) for value, _, reason in refused
    ]
    assert bench.counts("refused") == {
        "unreadable": 2,
        "bad_vin": 3,
        "unknown_content_type": 2,
    }


def test_unknown_vin_is_registered_or_refused_as_the_setting_says(bench: Bench) -> None:
    time_us = ago_us(10)
    message = bench.message(vin(4), {time_us: {"wheel_speed": 3.0}})
    bench.send(message)
    bench.drain(unknown_vin=UnknownVin.REFUSE)
    assert bench.rows(vin(4)) == {}
    (letter,) = bench.letters()
    assert header(letter, "reason") == "unknown_vehicle"
    assert "register" in header(letter, "detail")
    assert bench.execute("SELECT 1 FROM vehicle WHERE vin = %s", vin(4)) == []

    with connect(bench.dsn) as connection:
        register_vehicle(connection, vin(4))
    bench.send(message)
    bench.drain(unknown_vin=UnknownVin.REFUSE)
    assert set(bench.rows(vin(4))) == {(vin(4), time_us)}

    bench.send(bench.message(vin(5), {time_us: {"wheel_speed": 3.0}}))
    bench.drain(unknown_vin=UnknownVin.REGISTER)
    assert bench.execute("SELECT registered_by FROM vehicle WHERE vin = %s", vin(5)) == [
        ("ingest",)
    ]


def test_unknown_signal_keeps_a_letter_and_the_known_ones_are_stored(bench: Bench) -> None:
    time_us = ago_us(20)
    speed = bench.signal_id("wheel_speed")
    block = Block(
        times_us=np.array([time_us]),
        signal_ids=np.array([99_001, speed], dtype=np.int32),
        values=np.array([[5.0, 33.0]], dtype=np.float32),
        wide_signal_ids=np.array([99_002], dtype=np.int32),
        wide_values=np.array([[1e300]]),
    )
    bench.send(Message(vin=vin(6), catalogue_version=7, blocks=(block,), events=()))
    text = f'{{"vin": "{vin(7)}", "frames": [{{"time": {time_us}, "signals": '.encode()
    text += b'{"wheel_speed": 44, "flux_capacitor": 1}}]}'
    bench.send_raw((None, text, [("content-type", b"application/json")]))
    bench.drain()
    assert bench.rows(vin(6), vin(7)) == {
        (vin(6), time_us): {"wheel_speed": 33.0},
        (vin(7), time_us): {"wheel_speed": 44.0},
    }
    letters = bench.letters()
    assert [header(letter, "reason") for letter in letters] == ["unknown_signal"] * 2
    assert {header(letter, "vin") for letter in letters} == {vin(6), vin(7)}
    assert bench.counts("unknown_signal") == {"99001": 1, "99002": 1, "flux_capacitor": 1}


def test_message_of_events_alone_is_stored(bench: Bench) -> None:
    time_us = ago_us(40)
    events = (
        Trigger(time_us=time_us, type=TriggerType.ENGINE_ON),
        DriverChange(time_us=time_us, slot=1, driver_id="CN00001"),
        TroubleCode(
            time_us=time_us,
            spn=100,
            fmi=1,
            lamp=Lamp.RED_STOP,
            count=None,
            source_address=0,
            active=True,
        ),
        Trigger(time_us=ago_us(-3600), type=TriggerType.ENGINE_OFF),
    )
    bench.send(bench.message(vin(8), {}, events))
    bench.drain()
    of_vehicle = "JOIN vehicle USING (vehicle_id) WHERE vin = %s"
    assert bench.execute(f"SELECT trigger_type FROM vehicle_event {of_vehicle}", vin(8)) == [
        ("ENGINE_ON",)
    ]
    assert bench.execute(f"SELECT slot, card_id FROM driver_change {of_vehicle}", vin(8)) == [
        (1, "CN00001")
    ]
    assert bench.execute(
        f"SELECT spn, lamp, count, active FROM trouble_code {of_vehicle}", vin(8)
    ) == [(100, "RED_STOP", None, True)]
    (letter,) = bench.letters()
    assert (header(letter, "reason"), header(letter, "frames")) == ("too_far_ahead", "")


def test_json_and_protobuf_give_the_same_rows(bench: Bench) -> None:
    rng = np.random.default_rng(7)
    signals = sample_signals(bench.catalogue)
    begin = ago_us(600)
    table = {
        begin + second * SECOND_US: {
            signal.name: float(
                np.floor(rng.uniform(max(signal.minimum, 0), min(signal.maximum, 200)))
            )
            for signal in signals
            if rng.random() < 0.8
        }
        for second in range(50)
    }
    for number, json in ((9, False), (10, True)):
        bench.send(bench.message(vin(number), table), json=json)
    bench.drain()
    protobuf, from_json = bench.rows(vin(9)), bench.rows(vin(10))
    assert protobuf == {(vin(9), time_us): row for time_us, row in table.items() if row}
    assert {time: row for (_, time), row in from_json.items()} == {
        time: row for (_, time), row in protobuf.items()
    }
