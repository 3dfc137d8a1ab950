"""Tasks go to whoever works a few at a time, in their order where it matters."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from distributed import KilledWorker
from pydantic import ValidationError

from analytics.runner import spread
from analytics.runner.spread import AHEAD, SchedulerError, SpreadSettings, run, workers
from tests.asking.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_every_task_is_done_once_and_progress_told() -> None:
    told: list[int] = []
    assert sorted(run(range(50), lambda n: n * n, progress=told.append)) == [
        n * n for n in range(50)
    ]
    assert told == list(range(1, 51))


def test_tasks_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for n in range(1000):
            taken.append(n)
            yield n

    with workers(None, threads=2) as who:
        results = who.run(tasks(), lambda n: n)
        next(results)
        assert len(taken) <= 2 * AHEAD + 1
        results.close()


def test_what_follows_each_other_is_done_one_after_the_other_and_others_beside() -> None:
    tasks = [(vehicle, day) for vehicle in range(6) for day in range(5)]
    busy, lock, order, both = set(), threading.Lock(), [], threading.Barrier(2, timeout=PATIENCE_S)

    def work(task: tuple[int, int]) -> tuple[int, int]:
        vehicle, _ = task
        with lock:
            assert vehicle not in busy, "a vehicle's days side by side"
            busy.add(vehicle)
        if task in ((0, 0), (1, 0)):
            both.wait()  # neither ends before the other has begun
        with lock:
            order.append(task)
            busy.remove(vehicle)
        return task

    with workers(None, threads=2) as who:
        done = list(who.run(tasks, work, follows=lambda task: task[0]))
    assert sorted(done) == tasks
    for vehicle in range(6):
        assert [day for number, day in order if number == vehicle] == list(range(5))


def test_what_is_begun_when_it_is_to_stop_is_done_and_counts() -> None:
    stop = threading.Event()
    done = []
    with workers(None, threads=2) as who:
        for result in who.run(range(1000), lambda n: n, stopping=stop.is_set):
            done.append(result)
            stop.set()
    assert 1 <= len(done) <= 2 * AHEAD


def test_a_task_s_error_ends_the_run() -> None:
    begun = []

    def work(n: int) -> int:
        begun.append(n)
        if n == 3:
            raise ZeroDivisionError("three")
        return n

    with pytest.raises(ZeroDivisionError, match="three"):
        list(run(range(1000), work))
    assert len(begun) < 1000


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "ANSWERS_S", 0.2)
    with pytest.raises(SchedulerError, match=r"No scheduler answers at tcp://127\.0\.0\.1:9:"):
        list(run([1], abs, "tcp://127.0.0.1:9"))


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8786", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://:8786"]
)
def test_what_is_no_address_of_a_scheduler_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="tcp://host:port"):
        SpreadSettings(scheduler=address)
    assert SpreadSettings(scheduler="tls://cluster:8786").scheduler == "tls://cluster:8786"


def _kills(task: int) -> int:
    if task == 3:
        raise KilledWorker("a task", None, 3)
    return task


def test_a_task_that_workers_die_of_is_told_and_the_others_are_done() -> None:
    with workers(None) as who:
        done = list(who.run(range(6), _kills, lost=lambda task, why: -task if why else task))
    assert sorted(done) == [-3, 0, 1, 2, 4, 5]
    with pytest.raises(SchedulerError, match="died, one after the other"):
        list(run(range(6), _kills))
