"""JSON from a person's hand: what is meant is read, what cannot be meant is refused by name."""

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import catalogue as catalogues
from schemas.catalogue import CatalogueError
from schemas.wire import (
    DecodeError,
    DriverChange,
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
)
from schemas.wire.json import MAX_JSON_BYTES
from schemas.wire.message import MAX_EVENTS, MAX_ROWS

VIN = "LFWSRXSJ9M1F00001"
NEW_YEAR_2026 = "2026-01-01T00:00:00Z"
NEW_YEAR_2026_US = 1_767_225_600_000_000  # the same in microseconds since 1970
CATALOGUE = catalogues.default()


def read(document: object) -> Message:
    return decode_json(json.dumps(document).encode(), CATALOGUE)


def message(*frames: object, **others: object) -> dict[str, object]:
    return {"vin": VIN, "frames": list(frames), **others}


def frame(signals: object, time: object = NEW_YEAR_2026) -> dict[str, object]:
    return {"time": time, "signals": signals}


def happened(**kinds: object) -> dict[str, object]:
    return message(events=[{"time": NEW_YEAR_2026, **kinds}])


def refusal_of(payload: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode_json(payload, CATALOGUE)
    return caught.value


def test_a_first_try_needs_a_vin_a_time_and_a_value() -> None:
    decoded = read(message(frame({"wheel_speed": 82.5, "odometer": 1234567.005})))
    [block] = decoded.blocks
    assert decoded.vin == VIN
    assert decoded.catalogue_version == 0  # not stated
    assert block.times_us.tolist() == [NEW_YEAR_2026_US]
    assert block.signal_ids.tolist() == [CATALOGUE.by_name["wheel_speed"].id]
    assert block.values.tolist() == [[82.5]]
    assert block.wide_signal_ids.tolist() == [CATALOGUE.by_name["odometer"].id]
    assert block.wide_values.tolist() == [[1234567.005]]  # km; float32 would give 1234567.0


def test_a_signal_goes_by_its_vss_path_too() -> None:
    signal = CATALOGUE.by_name["wheel_speed"]
    [block] = read(message(frame({signal.path: 82.5}))).blocks
    assert block.signal_ids.tolist() == [signal.id]


def test_null_is_absent_and_a_boolean_is_0_or_1() -> None:
    signals = {"wheel_speed": None, "brake_switch": True, "park_brake": False}
    [block] = read(message(frame(signals))).blocks
    assert math.isnan(block.values[0, 0])
    assert block.values[0, 1:].tolist() == [1.0, 0.0]


def test_an_infinity_is_a_string_for_json_has_none() -> None:
    [block] = read(message(frame({"wheel_speed": "Infinity", "odometer": "-Infinity"}))).blocks
    assert block.values.tolist() == [[math.inf]]
    assert block.wide_values.tolist() == [[-math.inf]]


@pytest.mark.parametrize(
    ("time", "time_us"),
    [
        ("2026-01-01T00:00:00.000Z", NEW_YEAR_2026_US),
        ("2026-01-01T08:00:00+08:00", NEW_YEAR_2026_US),  # the same instant in Beijing
        ("2026-01-01T00:00:00.000001Z", NEW_YEAR_2026_US + 1),
        (NEW_YEAR_2026_US, NEW_YEAR_2026_US),
        (-(2**63), -(2**63)),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000_000),  # a day before year 1 in UTC
    ],
)
def test_a_time_is_rfc_3339_with_an_offset_or_microseconds(time: object, time_us: int) -> None:
    assert read(message(frame({"wheel_speed": 1}, time))).frame_times_us.tolist() == [time_us]


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T00:00:00",  # whose clock?
        "2026-02-30T00:00:00Z",
        "yesterday",
        1767225600.5,
        2**63,
        True,
        None,
        {},
    ],
)
def test_a_time_that_is_no_instant_is_refused(time: object) -> None:
    for document in (
        message(frame({"wheel_speed": 1}, time)),
        message(events=[{"time": time, "trigger": {"type": "TIMER"}}]),
    ):
        assert refusal_of(json.dumps(document).encode()).reason is Refusal.BAD_TIME


def test_frames_with_the_same_names_become_one_block() -> None:
    decoded = read(
        message(
            frame({"wheel_speed": 1, "odometer": 10}, 1),
            frame({"oil_pressure": 350}, 1),
            frame({"wheel_speed": 2, "odometer": 20}, 2),
        )
    )
    fast, slow = decoded.blocks
    assert decoded.frame_count == 2
    assert fast.times_us.tolist() == [1, 2]
    assert fast.values.tolist() == [[1.0], [2.0]]
    assert fast.wide_values.tolist() == [[10.0], [20.0]]
    assert slow.times_us.tolist() == [1]


def test_unknown_names_are_reported_and_cost_the_others_nothing() -> None:
    decoded = read(
        message(
            frame({"warp_factor": 9, "wheel_speed": 82.5, "odometer": 5.0}, 1),
            frame({"Vehicle.Warp": 9, "warp_factor": 1}, 2),
        )
    )
    assert decoded.unknown_signals == ("warp_factor", "Vehicle.Warp")
    assert decoded.frame_count == 2
    assert decoded.blocks[0].values.tolist() == [[82.5]]
    assert decoded.blocks[0].wide_values.tolist() == [[5.0]]
    assert decoded.blocks[1].values.shape == (1, 0)


def test_events_of_every_kind_are_read() -> None:
    decoded = read(
        message(
            events=[
                {"time": 1, "trigger": {"type": "TELL_TALE", "detail": "COOLANT"}},
                {"time": 2, "trigger": {"type": "TIMER"}},
                {"time": 3, "driverChange": {"slot": 2, "driverId": "王师傅"}},
                {"time": 4, "driverChange": {"slot": 2, "driverId": None}},
                {
                    "time": 5,
                    "troubleCode": {
                        "spn": 3226,
                        "fmi": 4,
                        "lamp": "AMBER_WARNING",
                        "count": 3,
                        "sourceAddress": 61,
                        "active": True,
                    },
                },
                {
                    "time": 6,
                    "troubleCode": {"spn": 1, "fmi": 2, "sourceAddress": 0, "active": False},
                },
            ]
        )
    )
    assert decoded.events == (
        Trigger(time_us=1, type=TriggerType.TELL_TALE, detail="COOLANT"),
        Trigger(time_us=2, type=TriggerType.TIMER),
        DriverChange(time_us=3, slot=2, driver_id="王师傅"),
        DriverChange(time_us=4, slot=2, driver_id=None),
        TroubleCode(
            time_us=5,
            spn=3226,
            fmi=4,
            lamp=Lamp.AMBER_WARNING,
            count=3,
            source_address=61,
            active=True,
        ),
        TroubleCode(
            time_us=6, spn=1, fmi=2, lamp=Lamp.NONE, count=None, source_address=0, active=False
        ),
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("82.5", "82.5"),  # numpy would read it
        ("NaN", "NaN"),
        ("nan", "nan"),
        ("inf", "inf"),
        ([82.5], "[82.5]"),
        ({"value": 82.5}, "value"),
    ],
)
def test_a_value_that_is_no_number_is_refused_by_its_name(value: object, shown: str) -> None:
    document = message(frame({"wheel_speed": 1}), frame({"odometer": 5, "wheel_speed": value}))
    error = refusal_of(json.dumps(document).encode())
    assert error.reason is Refusal.BAD_VALUE
    assert "frame 1" in str(error)
    assert "wheel_speed" in str(error)
    assert shown in str(error)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], Refusal.BAD_FIELD),
        (None, Refusal.BAD_FIELD),
        ({}, Refusal.BAD_FIELD),  # no VIN
        ({"vin": 17}, Refusal.BAD_FIELD),
        ({"vin": VIN.lower()}, Refusal.BAD_VIN),
        ({"vin": VIN}, Refusal.EMPTY),
        (message(), Refusal.EMPTY),
        (message(frame({}), catalogueVersion="1"), Refusal.BAD_FIELD),
        (message(frame({}), catalogueVersion=True), Refusal.BAD_FIELD),
        (message(frame({}), catalogueVersion=1.0), Refusal.BAD_FIELD),
        (message(frame({}), catalogueVersion=-1), Refusal.BAD_FIELD),
        (message(frame({}), catalogueVersion=2**32), Refusal.BAD_FIELD),
        (message(frame({}), event=[]), Refusal.BAD_FIELD),  # a slip for events
        ({"vin": VIN, "frames": None}, Refusal.BAD_FIELD),
        ({"vin": VIN, "frames": {}}, Refusal.BAD_FIELD),
        (message(17), Refusal.BAD_FIELD),
        (message({"time": 1}), Refusal.BAD_FIELD),
        (message({"time": 1, "signals": {}, "vin": VIN}), Refusal.BAD_FIELD),
        (message(frame([1, 2])), Refusal.BAD_FIELD),
        (message(frame({"\0": 1})), Refusal.BAD_FIELD),
        (message(frame({"x" * 201: 1})), Refusal.BAD_FIELD),
        (message(*[frame({}, 1)] * (MAX_ROWS + 1)), Refusal.TOO_MANY_FRAMES),
        (message(*(frame({}, time) for time in range(601))), Refusal.TOO_MANY_FRAMES),
        (message(events=[{}] * (MAX_EVENTS + 1)), Refusal.TOO_MANY_EVENTS),
        (
            message(frame({"wheel_speed": 1, CATALOGUE.by_name["wheel_speed"].path: 2})),
            Refusal.BAD_SIGNAL_ID,  # one signal by both of its names
        ),
        (happened(), Refusal.BAD_EVENT),
        (happened(collision={}), Refusal.BAD_EVENT),
        (happened(trigger={"type": "TIMER"}, driverChange={"slot": 1}), Refusal.BAD_EVENT),
        (happened(trigger={"type": "TIMER"}, note="x"), Refusal.BAD_FIELD),
        (happened(trigger="TIMER"), Refusal.BAD_FIELD),
        (happened(trigger={}), Refusal.BAD_FIELD),
        (happened(trigger={"type": "timer"}), Refusal.BAD_EVENT),
        (happened(trigger={"type": 1}), Refusal.BAD_FIELD),
        (happened(trigger={"type": "TIMER", "detail": None}), Refusal.BAD_FIELD),
        (happened(trigger={"type": "TIMER", "info": ""}), Refusal.BAD_FIELD),
        (happened(driverChange={"driverId": "A"}), Refusal.BAD_FIELD),
        (happened(driverChange={"slot": 0}), Refusal.BAD_EVENT),
        (happened(driverChange={"slot": 1, "driverId": "A\nB"}), Refusal.BAD_EVENT),
        (happened(troubleCode={"spn": 1, "fmi": 1, "active": True}), Refusal.BAD_FIELD),
        (
            happened(
                troubleCode={
                    "spn": 1,
                    "fmi": 1,
                    "sourceAddress": 0,
                    "active": True,
                    "lamp": "GREEN",
                }
            ),
            Refusal.BAD_EVENT,
        ),
        (
            happened(troubleCode={"spn": 1, "fmi": 1, "sourceAddress": 0, "active": 1}),
            Refusal.BAD_FIELD,
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Refusal) else str(value)[:60],
)
def test_a_document_that_breaks_a_rule_is_refused_with_its_reason(
    document: object, reason: Refusal
) -> None:
    assert refusal_of(json.dumps(document).encode()).reason is reason


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe{}",  # a byte order mark of UTF-16
        b'{"vin": "\xff"}',  # no UTF-8
        b'{"vin": "\\ud800"}',  # half a surrogate pair
        b'{"vin": NaN}',
        b'{"frames": [{"time": 1, "signals": {"wheel_speed": 1e999}}]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=lambda payload: payload[:20].decode("latin-1"),
)
def test_bytes_that_are_no_json_are_refused(payload: bytes) -> None:
    assert refusal_of(payload).reason is Refusal.UNREADABLE


def test_json_beyond_the_size_limit_is_refused_unread() -> None:
    assert refusal_of(b" " * (MAX_JSON_BYTES + 1)).reason is Refusal.TOO_LARGE


@pytest.mark.parametrize(
    "payload",
    [
        f'{{"vin":"{VIN}","vin":"{VIN}","frames":[{{"time":1,"signals":{{}}}}]}}',
        f'{{"vin":"{VIN}","frames":[{{"time":1,"time":2,"signals":{{}}}}]}}',
        f'{{"vin":"{VIN}","frames":[{{"time":1,"signals":{{"wheel_speed":1,"wheel_speed":2}}}}]}}',
        # Escapes: the same name in other letters, and a quotation mark within a string.
        f'{{"vin":"{VIN}","frames":[{{"time":1,"signals":{{"wheel_speed":1,"\\u0077heel_speed":2}}}}]}}',
        f'{{"vin":"{VIN}","frames":[{{"time":1,"signals":{{"a\\"":1,"a\\"":2}}}}]}}',
        f'{{"vin":"{VIN}","events":[{{"time":1,"trigger":{{"type":"TIMER","type":"TIMER"}}}}]}}',
    ],
)
def test_a_member_given_twice_is_refused_for_one_of_its_values_would_be_lost(payload: str) -> None:
    error = refusal_of(payload.encode())
    assert error.reason is Refusal.BAD_FIELD
    assert "twice" in str(error)


def test_a_dropped_member_that_nests_too_deep_is_refused() -> None:
    # orjson reads 1000 levels, the standard library fewer.
    nested = "[" * 1000 + "]" * 1000
    payload = f'{{"vin":{nested},"vin":"{VIN}","frames":[{{"time":1,"signals":{{}}}}]}}'
    assert refusal_of(payload.encode()).reason in {Refusal.UNREADABLE, Refusal.BAD_FIELD}


def test_escapes_and_quotation_marks_in_strings_are_no_second_members() -> None:
    detail = 'say "hi": 再见'
    decoded = read(happened(trigger={"type": "TIMER", "detail": detail}))  # json.dumps escapes both
    assert decoded.events == (
        Trigger(time_us=NEW_YEAR_2026_US, type=TriggerType.TIMER, detail=detail),
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["vin", "frames", "events", "time", "signals", "wheel_speed", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_random_bytes_and_random_json_raise_nothing_but_a_decode_error(payload: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode_json(payload, CATALOGUE)


@given(
    st.sampled_from(
        [
            ("vin",),
            ("catalogueVersion",),
            ("frames",),
            ("frames", 0),
            ("frames", 0, "time"),
            ("frames", 0, "signals"),
            ("frames", 0, "signals", "wheel_speed"),
            ("events",),
            ("events", 0),
            ("events", 0, "trigger"),
            ("events", 0, "trigger", "type"),
            ("events", 1, "driverChange", "slot"),
            ("events", 2, "troubleCode", "count"),
        ]
    ),
    json_values,
)
def test_a_member_replaced_by_anything_raises_nothing_but_a_decode_error(
    place: tuple[Any, ...], value: object
) -> None:
    code = {"spn": 1, "fmi": 1, "count": 1, "sourceAddress": 0, "active": True}
    document: Any = {
        "vin": VIN,
        "catalogueVersion": 1,
        "frames": [frame({"wheel_speed": 1.0})],
        "events": [
            {"time": 1, "trigger": {"type": "TIMER"}},
            {"time": 1, "driverChange": {"slot": 1}},
            {"time": 1, "troubleCode": code},
        ],
    }
    parent = document
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    with contextlib.suppress(DecodeError):
        read(document)


def test_a_message_cut_off_at_any_byte_is_refused() -> None:
    whole = encode_json(read(message(frame({"wheel_speed": 82.5, "odometer": 5.0}))), CATALOGUE)
    for length in range(len(whole)):
        assert refusal_of(whole[:length]).reason is Refusal.UNREADABLE


def test_an_id_that_the_catalogue_lacks_cannot_be_named_in_json() -> None:
    payload = bytes.fromhex("0a11") + VIN.encode()  # field 1, 17 bytes
    # One block: time 0; id 2**31 - 1; value 0.0.
    payload += bytes.fromhex(
        "1a17 0a080000000000000000 1205ffffffff07 1a0400000000".replace(" ", "")
    )
    with pytest.raises(CatalogueError, match="no signal has the id 2147483647"):
        encode_json(decode_protobuf(payload), CATALOGUE)


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"]
)
def test_the_content_type_chooses_the_codec_and_the_packaged_catalogue_is_the_default(
    content_type: str,
) -> None:
    payload = json.dumps(message(frame({"wheel_speed": 82.5}))).encode()
    assert decode(content_type, payload).unknown_signals == ()


@pytest.mark.parametrize("content_type", [None, "", "text/csv", "application/json2", "json"])
def test_an_unknown_content_type_is_refused_and_the_known_ones_named(
    content_type: str | None,
) -> None:
    with pytest.raises(DecodeError, match="application/x-protobuf or application/json") as caught:
        decode(content_type, b"{}")
    assert caught.value.reason is Refusal.UNKNOWN_CONTENT_TYPE
