"""Chunks on their way to the wire: messages, events, determinism, full frames."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

import numpy as np
import pytest

from schemas.catalogue import default
from schemas.wire import (
    DriverChange,
    Message,
    Trigger,
    TriggerType,
    TroubleCode,
    decode_protobuf,
    encode_protobuf,
)
from simulator import (
    Chunk,
    SimulationConfig,
    SimulationError,
    build_fleet,
    faults,
    full_frames,
    messages,
    simulate,
)

CONFIG = SimulationConfig(vehicles=5, days=1 / 24, seed=9, start=datetime(2026, 3, 2, tzinfo=UTC))


@pytest.fixture(scope="module")
def chunks() -> list[Chunk]:
    return list(simulate(CONFIG))


def sent(chunks: list[Chunk], upload_s: int) -> Iterator[Message]:
    for chunk in chunks:
        yield from messages(chunk, upload_s=upload_s)


def test_the_same_seed_gives_the_same_bytes(chunks: list[Chunk]) -> None:
    again = list(simulate(CONFIG))
    first = [encode_protobuf(message) for message in sent(chunks, 10)]
    assert first == [encode_protobuf(message) for message in sent(again, 10)]
    assert [chunk.truth for chunk in chunks] == [chunk.truth for chunk in again]


def test_another_seed_gives_other_data(chunks: list[Chunk]) -> None:
    other = next(iter(simulate(replace(CONFIG, seed=10))))
    assert other.tables[0].values.shape != chunks[0].tables[0].values.shape or not np.array_equal(
        other.tables[0].values, chunks[0].tables[0].values, equal_nan=True
    )


def test_chunks_follow_each_other_in_time_without_a_gap(chunks: list[Chunk]) -> None:
    starts = [chunk.start_us for chunk in chunks]
    assert np.diff(starts).tolist() == [600_000_000] * (len(chunks) - 1)


@pytest.mark.parametrize("upload_s", [10, 60])
def test_every_row_and_event_is_sent_once_and_in_time(chunks: list[Chunk], upload_s: int) -> None:
    found = list(sent(chunks, upload_s))
    rows = sum(len(block.times_us) for message in found for block in message.blocks)
    assert rows == sum(len(table.times_us) for chunk in chunks for table in chunk.tables)
    assert sum(len(message.events) for message in found) == sum(len(c.events) for c in chunks)
    for message in found:
        times = [t for block in message.blocks for t in block.times_us.tolist()]
        times += [event.time_us for event in message.events]
        assert len({t // (upload_s * 1_000_000) for t in times}) == 1


def test_a_ten_second_upload_has_ten_fast_rows_and_one_slow_one(chunks: list[Chunk]) -> None:
    shapes = [
        tuple(len(block.times_us) for block in message.blocks) for message in sent(chunks, 10)
    ]
    # Every sixth full upload also carries the row of the 60 s signals.
    assert shapes.count((10, 1)) > 4 * shapes.count((10, 1, 1)) > 0


def test_messages_survive_the_wire_and_hold_only_signals_the_vehicle_has(
    chunks: list[Chunk],
) -> None:
    by_vin = {vehicle.vin: vehicle.model for vehicle in chunks[0].fleet}
    for message in islice(sent(chunks, 60), 40):
        back = decode_protobuf(encode_protobuf(message))
        assert back.vin == message.vin
        for block, original in zip(back.blocks, message.blocks, strict=True):
            np.testing.assert_array_equal(block.values, original.values)
            np.testing.assert_array_equal(block.wide_values, original.wide_values)
            assert not np.isnan(block.values).any()
            for number in (*block.signal_ids.tolist(), *block.wide_signal_ids.tolist()):
                assert not by_vin[message.vin].lacks(default().by_id[number].name)


def test_an_interval_that_does_not_divide_a_chunk_is_refused(chunks: list[Chunk]) -> None:
    with pytest.raises(SimulationError, match="every 7 s"):
        next(messages(chunks[0], upload_s=7))


def test_key_engine_and_driver_are_reported_in_order(chunks: list[Chunk]) -> None:
    starter = next(vehicle for chunk in chunks for vehicle, _ in chunk.events)
    events = [event for chunk in chunks for vehicle, event in chunk.events if vehicle == starter]
    triggers = [event.type for event in events if isinstance(event, Trigger)]
    wanted = [TriggerType.IGNITION_ON, TriggerType.DRIVER_LOGIN, TriggerType.ENGINE_ON]
    assert triggers[:3] == wanted
    login = next(event for event in events if isinstance(event, DriverChange))
    assert login.driver_id == chunks[0].fleet[starter].driver_id
    times = [event.time_us for event in events]
    assert times == sorted(times)


def test_the_key_events_agree_with_the_ignition_signal(chunks: list[Chunk]) -> None:
    names = [signal.name for signal in chunks[0].tables[0].signals]
    for vehicle in range(CONFIG.vehicles):
        tables = [chunk.tables[0] for chunk in chunks]
        rows = [table.vehicles == vehicle for table in tables]
        on = np.concatenate(
            [t.values[r, names.index("ignition_on")] for t, r in zip(tables, rows, strict=True)]
        )
        times = np.concatenate([t.times_us[r] for t, r in zip(tables, rows, strict=True)])
        turned_on = times[1:][(on[1:] == 1) & (on[:-1] == 0)].tolist()
        reported = [
            event.time_us
            for chunk in chunks
            for owner, event in chunk.events
            if owner == vehicle
            and isinstance(event, Trigger)
            and event.type is TriggerType.IGNITION_ON
        ]
        assert turned_on == reported


def test_a_trouble_code_that_comes_also_goes() -> None:
    book = faults.FaultBook(50, seed=1)
    vehicles, driving = np.arange(50), np.ones(50, dtype=bool)
    changes = [
        change
        for number in range(144)  # a day of chunks
        for change in book.step(vehicles, driving, number * 600, 600)[1]
    ]
    began = [change for change in changes if change.active]
    ended = [change for change in changes if not change.active]
    # 50 vehicles × 24 h × 0.02 an hour is 24; the last ones may still be active at the end.
    assert 10 < len(began) < 45
    assert len(began) - 10 < len(ended) <= len(began)


def test_trouble_codes_reach_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "RATE_PER_H", 100.0)  # at once, for every truck under way
    found = [event for chunk in simulate(CONFIG) for _, event in chunk.events]
    codes = [event for event in found if isinstance(event, TroubleCode)]
    known = {(fault.spn, fault.fmi, fault.lamp) for fault in faults.FAULTS}
    assert codes
    assert {(code.spn, code.fmi, code.lamp) for code in codes} <= known
    assert all(code.active for code in codes)  # none ends within half an hour


def test_full_frames_hold_sixty_rows_of_every_signal_the_truck_has() -> None:
    models = {vehicle.vin: vehicle.model for vehicle in build_fleet(CONFIG)}
    for message in islice(full_frames(CONFIG), 5):
        (block,) = message.blocks
        assert len(block.times_us) == 60
        model = models[message.vin]
        present = sum(not model.lacks(signal.name) for signal in default().signals)
        assert len(block.signal_ids) + len(block.wide_signal_ids) == present
        slow = block.signal_ids.tolist().index(default().resolve("oil_temperature").id)
        # Noise of a step or more, so that a slow signal does not compress to nothing.
        assert float(np.std(block.values[:, slow])) >= 0.03125
