"""Messages become the rows the tables want: placed, checked, in the order sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import account, assemble
from ingest.account import OTHER_SIGNALS, UNKNOWN_SIGNALS_PER_BATCH
from ingest.assemble import Assembler
from ingest.plan import PLANS_KEPT, Planner
from ingest.record import Reason, Record
from schemas import catalogue as catalogues
from schemas.wire import (
    Block,
    ContentType,
    DriverChange,
    Message,
    Trigger,
    TriggerType,
    encode_json,
    encode_protobuf,
    make_block,
)
from tests.asking.effort import calls_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ingest.assemble import Assembled
    from schemas.wire import Event
    from storage.batch import GroupRows

CATALOGUE = catalogues.default()
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
SECOND_US = 1_000_000
VIN = "LVBV3ABB5PE000001"

NARROW = [signal for signal in CATALOGUE.signals if not signal.wide]
WIDE = [signal for signal in CATALOGUE.signals if signal.wide]


def assembler(number: Callable[[str], int | None] = lambda _: 1) -> Assembler:
    return Assembler(
        CATALOGUE,
        number,
        retention=timedelta(days=90),
        future_tolerance=timedelta(minutes=10),
        report_interval_s=60,
    )


def block(columns: Mapping[str, Sequence[float]], times_us: Sequence[int]) -> Block:
    return make_block(
        CATALOGUE,
        [CATALOGUE.resolve(name).id for name in columns],
        np.array(times_us, dtype=np.int64),
        np.array(list(columns.values()), dtype=np.float64).T.reshape(len(times_us), len(columns)),
    )


def raw_block(narrow: Mapping[int, float], wide: Mapping[int, float], time_us: int) -> Block:
    """One row with each signal on the side the sender chose."""
    return Block(
        times_us=np.array([time_us]),
        signal_ids=np.array(list(narrow), dtype=np.int32),
        values=np.array([list(narrow.values())], dtype=np.float32).reshape(1, len(narrow)),
        wide_signal_ids=np.array(list(wide), dtype=np.int32),
        wide_values=np.array([list(wide.values())], dtype=np.float64).reshape(1, len(wide)),
    )


def message(*blocks: Block, vin: str = VIN, events: tuple[Event, ...] = ()) -> Message:
    return Message(vin=vin, catalogue_version=1, blocks=blocks, events=events)


def record(value: bytes, offset: int = 0, kind: str | None = ContentType.PROTOBUF) -> Record:
    return Record(topic="t", partition=0, offset=offset, key=b"k", value=value, content_type=kind)


def build(*messages: Message, into: Assembler | None = None) -> Assembled:
    into = into or assembler()
    for offset, sent in enumerate(messages):
        into.add(record(encode_protobuf(sent), offset))
    return into.build(NOW, ())


def cells(built: Assembled, *only: GroupRows) -> list[tuple[str, int, dict[str, float]]]:
    """Rows (or only those) as group, time and present values, in the batch's order."""
    found = []
    for rows in only or built.batch.groups:
        signals = CATALOGUE.groups[rows.group].signals
        names = [s.name for s in signals if not s.wide] + [s.name for s in signals if s.wide]
        table = np.concatenate([rows.narrow, rows.wide], axis=1)
        for time_us, row in zip(rows.times_us.tolist(), table.tolist(), strict=True):
            present = {
                name: value for name, value in zip(names, row, strict=True) if not np.isnan(value)
            }
            found.append((rows.group, time_us, present))
    return found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_value_lands_in_its_column_on_whichever_side_it_was_sent(data: st.DataObject) -> None:
    chosen = data.draw(
        st.lists(st.sampled_from(CATALOGUE.signals), min_size=1, max_size=40, unique=True)
    )
    narrow: dict[int, float] = {}
    wide: dict[int, float] = {}
    expected: dict[str, float] = {}
    for signal in chosen:
        # Whole numbers of this size are the same in float32 and float64.
        low, high = max(signal.minimum, -1000), min(signal.maximum, 1000)
        value = float(data.draw(st.integers(int(np.ceil(low)), int(np.floor(high)))))
        (wide if data.draw(st.booleans()) else narrow)[signal.id] = value
        expected[signal.name] = value
    unknown = {90_000 + number: 1.0 for number in range(data.draw(st.integers(0, 3)))}
    built = build(message(raw_block(narrow | unknown, wide, NOW_US)))
    found: dict[str, float] = {}
    for group, _, row in cells(built):
        assert {CATALOGUE.resolve(name).group for name in row} == {group}
        found |= row
    assert found == expected
    assert [letter.reason for letter in built.dead] == [Reason.UNKNOWN_SIGNAL] * bool(unknown)


def test_rows_of_one_moment_stand_in_the_order_of_blocks_and_messages() -> None:
    other = message(block({"engine_speed": [700.0]}, [NOW_US]))
    first = message(
        block({"wheel_speed": [1.0]}, [NOW_US]),
        block({"wheel_speed": [2.0], "engine_speed": [800.0]}, [NOW_US]),
        block({"wheel_speed": [3.0]}, [NOW_US]),
    )
    assert [row for _, _, row in cells(build(other, first, other))] == [
        {"engine_speed": 700.0},
        {"wheel_speed": 1.0},
        {"wheel_speed": 2.0, "engine_speed": 800.0},
        {"wheel_speed": 3.0},
        {"engine_speed": 700.0},
    ]


def test_group_without_a_present_value_gets_no_row() -> None:
    nothing = float("nan")
    built = build(
        message(block({"wheel_speed": [5.0, nothing], "latitude": [nothing] * 2}, [NOW_US] * 2))
    )
    assert cells(built) == [("motion", NOW_US, {"wheel_speed": 5.0})]


@pytest.mark.parametrize("wide_side", [False, True])
def test_limits_themselves_are_within_and_what_lies_beyond_is_absent(*, wide_side: bool) -> None:
    for signal in (*NARROW[:40], *WIDE[:20]):
        kind = np.float64 if wide_side else np.float32
        inside = [float(kind(signal.minimum)), float(kind(signal.maximum))]
        beyond = signal.maximum + abs(signal.maximum) * 0.01 + 1
        for value in (*inside, -np.inf, np.inf, float(kind(beyond))):
            sent = {signal.id: value}
            built = build(
                message(raw_block({}, sent, NOW_US) if wide_side else raw_block(sent, {}, NOW_US))
            )
            within = signal.minimum <= value <= signal.maximum or (
                value in inside and not signal.wide
            )
            assert bool(cells(built)) is within, (signal.name, value)
            assert len(built.batch.refused_values) == (not within)


def test_integer_column_never_gets_a_value_its_type_cannot_hold() -> None:
    # float32 has no 2147483647: the nearest is 2147483648, which an integer column cannot hold.
    counter = next(signal for signal in WIDE if signal.type == "integer")
    limited = catalogues.Catalogue(
        version=1,
        signals=tuple(
            _with_maximum(signal, 2**31 - 1) if signal is counter else signal
            for signal in CATALOGUE.signals
        ),
    )
    plan = Planner(limited).plan(raw_block({counter.id: 0.0}, {}, NOW_US))
    assert float(plan.narrow.highest[0]) <= 2**31 - 1


def _with_maximum(signal: catalogues.Signal, maximum: float) -> catalogues.Signal:
    fields = {name: getattr(signal, name) for name in signal.__slots__}
    return catalogues.Signal(**{**fields, "maximum": maximum})


def test_values_out_of_limits_are_all_counted_and_some_are_kept() -> None:
    count = account.REFUSED_VALUES_PER_BATCH // 500 + 1
    times = [NOW_US - second * SECOND_US for second in range(500)]
    sent = [message(block({"engine_speed": [9999.0] * 500}, times)) for _ in range(count)]
    built = build(*sent)
    counted = {
        key.key: n for key, n in built.batch.counts.items() if key.measure == "out_of_limits"
    }
    assert counted == {"engine_speed": count * 500}
    assert len(built.batch.refused_values) == account.REFUSED_VALUES_PER_BATCH
    assert built.batch.groups == ()


def test_frame_on_the_edge_of_its_time_is_good_and_one_beyond_it_is_refused() -> None:
    edges = {
        "ahead": NOW_US + 600 * SECOND_US,
        "old": NOW_US - 90 * 86_400 * SECOND_US,
    }
    times = [edges["old"] - 1, edges["old"], NOW_US, edges["ahead"], edges["ahead"] + 1]
    built = build(message(block({"wheel_speed": [1.0] * 5}, times)))
    assert [time_us for _, time_us, _ in cells(built)] == times[1:4]
    assert {letter.reason: letter.frames for letter in built.dead} == {
        Reason.TOO_OLD: (0,),
        Reason.TOO_FAR_AHEAD: (4,),
    }


def test_extreme_times_are_refused_and_break_nothing() -> None:
    times = [np.iinfo(np.int64).min, 0, np.iinfo(np.int64).max]
    event = Trigger(time_us=np.iinfo(np.int64).max, type=TriggerType.TIMER)
    built = build(message(block({"wheel_speed": [1.0] * 3}, times), events=(event,)))
    assert built.batch.groups == ()
    assert built.batch.triggers == ()
    assert {letter.reason: letter.frames for letter in built.dead} == {
        Reason.TOO_OLD: (0, 1),
        Reason.TOO_FAR_AHEAD: (2,),
    }


def test_json_gives_the_rows_that_protobuf_gives() -> None:
    sent = message(
        block({"wheel_speed": [80.5, float("nan")], "odometer": [1e6, 2e6]}, [NOW_US, NOW_US + 1]),
        block({"latitude": [31.25]}, [NOW_US]),
    )
    as_json = assembler()
    as_json.add(record(encode_json(sent, CATALOGUE), kind=ContentType.JSON))
    assert sorted(map(str, cells(as_json.build(NOW, ())))) == sorted(map(str, cells(build(sent))))


def test_unknown_signals_of_a_hostile_sender_do_not_fill_the_counts() -> None:
    ids = {100_000 + number: 1.0 for number in range(1000)}
    built = build(
        *(
            message(raw_block({signal_id + 1000 * n: 1.0 for signal_id in ids}, {}, NOW_US))
            for n in range(3)
        )
    )
    counted = {
        key.key: count
        for key, count in built.batch.counts.items()
        if key.measure == "unknown_signal"
    }
    assert len(counted) <= UNKNOWN_SIGNALS_PER_BATCH + 1
    assert sum(counted.values()) == 3000
    assert counted[OTHER_SIGNALS] >= 3000 - UNKNOWN_SIGNALS_PER_BATCH
    assert len(built.dead) == 3


def test_sets_of_columns_are_remembered_up_to_a_bound() -> None:
    planner = Planner(CATALOGUE)
    first = raw_block({1: 0.0}, {}, NOW_US)
    assert planner.plan(first) is planner.plan(first)
    for number in range(2 * PLANS_KEPT):
        planner.plan(raw_block({90_000 + number: 0.0}, {}, NOW_US))
    assert len(planner._plans) <= PLANS_KEPT


def test_weight_follows_what_a_message_costs_and_not_only_its_frames() -> None:
    event = Trigger(time_us=NOW_US, type=TriggerType.TIMER)
    weights = []
    for sent in (
        record(encode_protobuf(message(block({"wheel_speed": [1.0] * 60}, range(60))))),
        record(encode_protobuf(message(events=(event,) * 250))),
        record(b"\xff"),
        record(bytes(1 << 20)),
    ):
        gathered = assembler()
        gathered.add(sent)
        weights.append(gathered.weight)
        assert not gathered.empty
    assert weights == [60, 250, 1, (1 << 20) // assemble.LETTER_BYTES]


def test_message_whose_vin_could_not_be_looked_up_is_not_added() -> None:
    fails = True

    def number(_: str) -> int:
        if fails:
            raise ConnectionError
        return 1

    gathered = assembler(number)
    sent = record(encode_protobuf(message(block({"wheel_speed": [1.0]}, [NOW_US]))))
    for _ in range(2):
        with pytest.raises(ConnectionError):
            gathered.add(sent)
    assert gathered.empty
    fails = False
    gathered.add(sent)
    counts = gathered.build(NOW, ()).batch.counts
    assert {key.measure: count for key, count in counts.items()} == {"messages": 1, "frames": 1}


def test_counts_say_what_became_of_every_message() -> None:
    gathered = assembler(lambda vin: 1 if vin == VIN else None)
    stranger = message(block({"wheel_speed": [1.0]}, [NOW_US]), vin="LVBV3ABB5PE000002")
    late = message(block({"wheel_speed": [1.0] * 3}, [0, 1, NOW_US]))
    for offset, value in enumerate((b"\xff", encode_protobuf(stranger), encode_protobuf(late))):
        gathered.add(record(value, offset))
    built = gathered.build(NOW, ())
    assert {(key.measure, key.key): n for key, n in built.batch.counts.items()} == {
        ("messages", ""): 3,
        ("frames", ""): 3,
        ("refused", "unreadable"): 1,
        ("refused", "unknown_vehicle"): 1,
        ("refused", "too_old"): 2,
    }
    assert [letter.record.offset for letter in built.dead] == [0, 1, 2]


def test_building_begins_anew() -> None:
    gathered = assembler()
    sent = message(block({"wheel_speed": [1.0]}, [NOW_US]))
    assert len(build(sent, into=gathered).batch.groups) == 1
    assert gathered.empty
    assert (gathered.frames, gathered.weight) == (0, 0)
    assert gathered.build(NOW, ()).batch.groups == ()


def test_hostile_message_of_many_blocks_costs_little_more_than_its_weight() -> None:
    # Blocks with columns of their own: each is a plan and a few arrays.
    ids = [signal.id for signal in NARROW]

    def effort(number: int) -> int:
        blocks = [
            raw_block({ids[(n + k * 7) % len(ids)]: 0.0 for k in range(5)}, {}, NOW_US + n)
            for n in range(number)
        ]
        gathered = assembler()
        gathered.add(record(encode_protobuf(message(*blocks))))
        assert gathered.weight == number
        return calls_of(lambda: gathered.build(NOW, ()))

    few, many = effort(300), effort(600)
    assert many < 2.2 * few


def test_rows_of_replayed_messages_stand_apart_and_backwards_within_each() -> None:
    def sent(*values: float) -> Message:
        blocks = [
            block({"wheel_speed": [value, value + 0.5]}, [NOW_US, NOW_US]) for value in values
        ]
        return message(*blocks)

    into = assembler()
    for offset, (replayed, each) in enumerate(
        [(True, sent(1.0, 2.0)), (False, sent(3.0)), (True, sent(4.0))]
    ):
        headers = (("replayed-from", b"t/0/9"),) if replayed else ()
        into.add(replace(record(encode_protobuf(each), offset), headers=headers))
    built = into.build(NOW, ())
    found = {
        rows.fills_gaps: [value for group, _, row in cells(built, rows) for value in row.values()]
        for rows in built.batch.groups
    }
    # The first that fills a gap holds: of a message's own values that must be its last.
    assert found == {False: [3.0, 3.5], True: [2.5, 2.0, 1.5, 1.0, 4.5, 4.0]}
    (report,) = built.batch.reports
    assert report.values == {"wheel_speed": 3.5}  # the last of those that came as usual


def test_events_of_replayed_messages_only_fill_gaps() -> None:
    change = DriverChange(time_us=NOW_US, slot=1, driver_id="A")
    into = assembler()
    into.add(record(encode_protobuf(message(events=(change,)))))
    again = replace(record(encode_protobuf(message(events=(change,)))), offset=1)
    into.add(replace(again, headers=(("replayed-from", b"t/0/0"),)))
    changes = into.build(NOW, ()).batch.driver_changes
    assert [row.fills_gaps for row in changes] == [False, True]
