"""A worker of several processes: what one may not lose or double, several may not either."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
from pydantic import SecretStr

from ingest.errors import IngestError, OffsetOutOfRangeError
from ingest.lanes.reader import Reader
from schemas.catalogue import Catalogue
from storage.connection import connect
from storage.errors import DatabaseUnreachableError, SchemaError
from tests.asking.patience import PATIENCE_S, wait_until
from tests.servers.ingest_fixture import (
    SECOND_US,
    Ledger,
    ago_us,
    new_vins,
    running,
)

if TYPE_CHECKING:
    from tests.servers.ingest_fixture import Bench


Rows = dict[tuple[str, int], object]
"""Values by vehicle and time."""


IDLE_S = 3.0
"""Longer than a busy machine lets the first records of a partition wait [s]."""


def send(bench: Bench, vin: str, first_us: int, count: int) -> Rows:
    """Send frames a second apart; what the tables must hold of them."""
    rows = {
        first_us + second * SECOND_US: {"wheel_speed": float(second)} for second in range(count)
    }
    bench.send(bench.message(vin, rows))
    return {(vin, time_us): row for time_us, row in rows.items()}


def alive(reader: Reader) -> list[int]:
    """The processes of its lanes that still run."""
    return [lane.pid for lane in reader._lanes if psutil.pid_exists(lane.pid)]


def test_lanes_take_in_all_that_a_topic_holds_and_stop_when_nothing_comes(bench: Bench) -> None:
    vins = new_vins(8)
    expected: Rows = {}
    for number in range(5):
        for vin in vins:
            expected |= send(bench, vin, ago_us(3000) + number * 20 * SECOND_US, 20)
    bench.send_raw((b"k", b"\xff", []))
    reader = bench.reader(batch_frames=100)
    pids = alive(reader)
    seen: list[int] = []
    done = reader.run(
        threading.Event(), until_idle_s=IDLE_S, progress=lambda done: seen.append(done.frames)
    )
    assert len(pids) == 2
    assert not any(map(psutil.pid_exists, pids))
    assert (done.frames, done.messages, done.refused) == (800, 41, 1)
    assert seen == sorted(seen)
    assert bench.rows(*vins) == expected
    assert len(bench.letters()) == 1
    assert bench.offsets() == bench._ends()


def test_lanes_write_what_they_have_in_hand_when_told_to_stop(bench: Bench) -> None:
    vins = new_vins(4)
    expected: Rows = {}
    for vin in vins:
        expected |= send(bench, vin, ago_us(900), 7)
    reader = bench.reader(batch_seconds=60)  # frames wait for company that never comes
    with running(reader) as run:
        wait_until(
            lambda: (
                sum(sum(lane.handed.values()) for lane in reader._lanes) == len(vins)
                and all(lane.held == 0 for lane in reader._lanes)
            ),
            "all messages taken up",
        )
        time.sleep(0.3)
        assert run.done.frames == 0
    assert bench.rows(*vins) == expected


def test_a_lane_whose_vehicle_is_locked_does_not_hold_up_the_other(bench: Bench) -> None:
    reader = bench.reader()
    vins = iter(new_vins(64))
    with running(reader):
        wait_until(lambda: all(lane.begun for lane in reader._lanes), "the partitions")
        sides: dict[int, str] = {}  # by lane, a vehicle whose key goes to a partition of it
        while len(sides) < 2:
            vin = next(vins)
            message = bench.message(vin, {ago_us(900): {"wheel_speed": 1.0}})
            ((partition, _),) = bench.send(message)
            (lane,) = [one for one in reader._lanes if partition in one.partitions]
            sides[lane.number] = vin
        wait_until(lambda: len(bench.rows(*sides.values())) == 2, "a row of each")
        with connect(bench.dsn) as other, other.transaction():
            other.execute(
                "SELECT FROM vehicle_state JOIN vehicle USING (vehicle_id) WHERE vin = %s"
                " FOR UPDATE",
                (sides[0],),
            )
            for vin in sides.values():
                send(bench, vin, ago_us(600), 1)
            wait_until(lambda: len(bench.rows(sides[1])) == 2, "the free one")
            assert len(bench.rows(sides[0])) == 1
        wait_until(lambda: len(bench.rows(sides[0])) == 2, "the locked one")


def test_a_lane_that_does_not_keep_up_is_paused_and_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.lanes.lane.HANDED_BYTES", 4000)
    monkeypatch.setattr("ingest.lanes.lane.PIECE_BYTES", 1000)
    monkeypatch.setattr("ingest.kafka.source.POLL_RECORDS", 7)
    ledger, vins, rng = Ledger(bench.catalogue), new_vins(6), np.random.default_rng(5)
    for number in range(60):
        for vin in vins:
            bench.send(ledger.message(vin, ago_us(9000) + number * 20 * SECOND_US, 20, rng))
    reader = bench.reader(batch_frames=100)
    paused: set[int] = set()
    turn = reader._turn

    def watched() -> None:
        turn()
        paused.update(lane.number for lane in reader._lanes if lane.paused)

    monkeypatch.setattr(reader, "_turn", watched)
    reader.run(threading.Event(), until_idle_s=IDLE_S)
    assert paused == {0, 1}
    assert bench.offsets() == bench._ends()
    assert bench.rows(*vins) == ledger.values


def test_a_lane_that_is_killed_ends_the_worker_and_the_next_one_goes_on(bench: Bench) -> None:
    vins = new_vins(6)
    expected: Rows = {}
    reader = bench.reader(batch_frames=100)
    with pytest.raises(IngestError) as raised, running(reader) as run:  # noqa: PT012 - raised as it ends
        for vin in vins:
            expected |= send(bench, vin, ago_us(3000), 20)
        wait_until(lambda: run.done.frames == 120, "the first frames")
        os.kill(reader._lanes[1].pid, signal.SIGKILL)
        for vin in vins:
            expected |= send(bench, vin, ago_us(2000), 20)
        run.thread.join(timeout=PATIENCE_S)
        assert not run.thread.is_alive()
    assert "Lane 1 of this worker is gone" in str(raised.value)
    assert "start the worker again" in str(raised.value)
    assert not alive(reader)
    bench.reader().run(threading.Event(), until_idle_s=IDLE_S)
    assert bench.rows(*vins) == expected


def test_a_lane_that_hangs_does_not_keep_the_worker_from_ending(bench: Bench) -> None:
    reader = bench.reader(hung_after_s=0.5)
    lane = reader._lanes[0].pid
    with pytest.raises(IngestError, match="Lane 0 of this worker is gone"), running(reader):  # noqa: PT012 - raised as it ends
        wait_until(lambda: all(one.begun for one in reader._lanes), "the partitions")
        os.kill(lane, signal.SIGSTOP)
    assert not alive(reader)


@pytest.mark.parametrize("what", ["unreachable", "no tables"])
def test_lanes_that_cannot_start_say_why_and_leave_nothing_behind(bench: Bench, what: str) -> None:
    nowhere = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
    newer = Catalogue(version=bench.catalogue.version + 1, signals=bench.catalogue.signals)
    here = psutil.Process()
    before, children = here.num_fds(), set(here.children())
    with pytest.raises(
        DatabaseUnreachableError if what == "unreachable" else SchemaError
    ) as raised:
        Reader(
            bench.settings,
            bench.storage,
            bootstrap=bench.bootstrap,
            dsn=nowhere if what == "unreachable" else bench.dsn,
            catalogue=bench.catalogue if what == "unreachable" else newer,
        )
    assert ("127.0.0.1:1" if what == "unreachable" else "telemetry migrate") in str(raised.value)
    assert set(here.children()) <= children
    assert here.num_fds() <= before


def test_two_workers_of_lanes_share_the_partitions_anew(bench: Bench) -> None:
    vins = new_vins(6)
    expected: Rows = {}
    with running(bench.reader(batch_frames=100)) as first:
        for vin in vins:
            expected |= send(bench, vin, ago_us(3000), 20)
        wait_until(lambda: first.done.frames == 120, "the first frames")
        second = bench.reader(batch_frames=100)
        with running(second):
            wait_until(lambda: all(lane.begun for lane in second._lanes), "its partitions")
            for vin in vins:
                expected |= send(bench, vin, ago_us(2000), 20)
            wait_until(lambda: len(bench.rows(*vins)) == 240, "rows of both")
        for vin in vins:
            expected |= send(bench, vin, ago_us(1000), 20)
        wait_until(lambda: len(bench.rows(*vins)) == 360, "rows of the first again")
    assert bench.rows(*vins) == expected
    assert bench.counts("frames") == {"": 360}


def test_offsets_that_another_worker_moved_are_taken_over_by_the_lane(bench: Bench) -> None:
    (vin,) = new_vins(1)
    expected = send(bench, vin, ago_us(3000), 20)
    reader = bench.reader()
    with running(reader) as run:
        wait_until(lambda: run.done.frames == 20, "the first frames")
        # As if another worker had written one message more, which this one has not seen.
        bench.execute("UPDATE ingest_offset SET next_offset = next_offset + 1 RETURNING 1")
        send(bench, vin, ago_us(2000), 20)
        expected |= send(bench, vin, ago_us(1000), 20)
        wait_until(lambda: len(bench.rows(vin)) == 40, "the rest")
    assert bench.rows(vin) == expected


def test_a_log_that_does_not_reach_back_ends_lanes_and_reader(bench: Bench) -> None:
    (vin,) = new_vins(1)
    send(bench, vin, ago_us(3000), 20)
    with running(bench.reader()) as run:
        wait_until(lambda: run.done.frames == 20, "the frames")
    assert bench.execute("UPDATE ingest_offset SET next_offset = next_offset + 1000 RETURNING 1")
    reader = bench.reader()
    with pytest.raises(OffsetOutOfRangeError, match="move the row of table ingest_offset"):
        reader.run(threading.Event(), until_idle_s=60)
    assert not alive(reader)


def test_figures_of_lanes_are_those_of_one_worker(bench: Bench) -> None:
    vins = new_vins(8)
    for vin in vins:
        send(bench, vin, ago_us(3000), 20)
    reader = bench.reader()
    value = reader.metrics.registry.get_sample_value
    with running(reader) as run:
        wait_until(lambda: run.done.frames == 160, "all frames")
        reader.metrics.looked(dict.fromkeys(range(3), (0, 1000)))
        wait_until(lambda: value("telemetry_ingest_frames_total") == 160, "the figures")
        wait_until(
            lambda: all(
                value("telemetry_ingest_lag_messages", {"partition": str(partition)}) is not None
                for partition in range(3)
            ),
            "lag of all partitions",
        )
        assert value("telemetry_ingest_partitions") == 3
        assert value("telemetry_ingest_rebalances_total") == 1
        lag = sum(
            value("telemetry_ingest_lag_messages", {"partition": str(partition)}) or 0
            for partition in range(3)
        )
        assert lag == 3000 - 8
        up = {"server": "kafka"}
        assert value("telemetry_ingest_server_up", up) == 1
        reader.metrics.unanswered()
        wait_until(lambda: value("telemetry_ingest_server_up", up) == 0, "Kafka's absence")
        assert reader.metrics.fault(bench.settings) is None
        os.kill(reader._lanes[0].pid, signal.SIGSTOP)
        try:
            hung = bench.settings.model_copy(update={"hung_after_s": 0.5})
            wait_until(lambda: "lane 0" in (reader.metrics.fault(hung) or ""), "the fault")
        finally:
            os.kill(reader._lanes[0].pid, signal.SIGCONT)
