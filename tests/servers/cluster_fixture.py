"""A Dask cluster of two processes that know the module's database, and what one does to it."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client, LocalCluster

from analytics.runner.spread import Workers
from analytics.runner.workplace import leave

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from pathlib import Path

    from pydantic import SecretStr

    from tests.servers.database_fixture import Migrated


@pytest.fixture(scope="module")
def cluster(migrated: Migrated) -> Iterator[LocalCluster]:
    """Two processes that know the module's database by their environment."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        env={"TELEMETRY_DATABASE_DSN": migrated.dsn.get_secret_value()},
    ) as running:
        yield running


@contextmanager
def asked(cluster: LocalCluster) -> Iterator[Any]:
    """A client of one's own."""
    with Client(cluster, set_as_default=False) as client:
        yield client


class Killer:
    """Kills one of a cluster's workers that is at work, once; `killed` is its address."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.killed: str | None = None
        self._cluster = cluster

    def __call__(self, *_told: object) -> None:
        """Called while work goes on."""
        if self.killed is not None:
            return
        with asked(self._cluster) as client:
            at_work = {name for name, tasks in client.processing().items() if tasks}
            found = [worker for worker in client.run(os.getpid).items() if worker[0] in at_work]
        if found:  # else all are between two tasks: the next time
            self.killed, number = found[0]
            os.kill(number, signal.SIGKILL)

    @property
    def is_gone(self) -> bool:
        """Whether somebody was killed, and the scheduler has noticed."""
        with asked(self._cluster) as client:
            return self.killed not in {None, *client.scheduler_info(n_workers=-1)["workers"]}


def all_told(cluster: LocalCluster) -> str:
    """All that a cluster says of what it did: logs, events, the ways of tasks."""
    with asked(cluster) as client:
        told = (
            client.get_worker_logs(nanny=True),
            client.get_worker_logs(),
            client.get_scheduler_logs(),
            client.get_events(),
            client.scheduler_info(n_workers=-1),
            client.story(),
        )
        return "".join(map(repr, told))


@contextmanager
def one_here(dsn: SecretStr, seen: Callable[[Any], Any] = lambda task: task) -> Iterator[Workers]:
    """A thread of this process as if it were a worker somewhere.

    Args:
        dsn: the database it knows.
        seen: a task as it means something else where the worker is.
    """

    class Somewhere(Workers):
        def run(
            self, tasks: Iterable[Any], function: Callable[[Any], Any], **others: Any
        ) -> Generator[Any]:
            return super().run(map(seen, tasks), function, **others)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setenv("TELEMETRY_DATABASE_DSN", dsn.get_secret_value())
        yield Somewhere(pool, lambda: 1, where="one somewhere")
        pool.submit(leave).result()


def moved(place: str) -> Callable[[Any], Any]:
    """For `one_here`: the export's name leads to another place where the worker is."""
    return lambda task: replace(task, job=replace(task.job, place=place))


def moved_folder(folder: Path) -> Callable[[Any], Any]:
    """Likewise for a training: what it learns from is another folder there."""

    def seen(task: Any) -> Any:
        source = replace(task.job.source, folder=folder)
        return replace(task, job=replace(task.job, source=source))

    return seen
