"""Tasks spread over threads of this process, or over Dask's workers wherever they run.

A task is small (what to do, not the data) and its function reads and writes for itself; what it
returns is small, too. A worker that dies takes nothing along but time: what it was at is done again
by another one, so a function must be harmless to repeat. Only some tasks a worker's thread are
handed over at a time, so that two million take no more memory than two hundred.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
    from concurrent.futures import Executor, Future

    from distributed import Client

Task = TypeVar("Task")
Result = TypeVar("Result")

THREADS = 2
"""Threads of this process, where no scheduler is named: one reads while the other computes."""

AHEAD = 4
"""Tasks handed over for each thread of a worker: it never waits for the next one."""

ANSWERS_S = 10
"""How long a scheduler may take to answer, and its first worker to come [s]."""

COUNTED_S = 5.0
"""So often the threads of all workers are counted anew [s]: workers come and go."""

TRANSPORTS = ("tcp", "tls")
"""How a scheduler may be reached."""


class SchedulerError(TelemetryError):
    """A cluster cannot be used, or went away; what was done until then is stored."""


class SpreadSettings(BaseSettings):
    """Settings of whatever is spread, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    scheduler: str | None = Field(
        default=None,
        description="Dask's scheduler whose workers do the work, tcp://host:port or "
        "tls://host:port; unset: this process does it.",
    )

    @field_validator("scheduler")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        if address is not None:
            parts = urlsplit(address)
            if parts.scheme not in TRANSPORTS or not parts.hostname or parts.port is None:
                raise ValueError("a scheduler is named as tcp://host:port or tls://host:port")
        return address


class Workers:
    """Whoever works at tasks: made by `workers`.

    Args:
        executor: what takes tasks.
        threads: how many may be worked at side by side, asked again now and then.
        where: what they are, for people.
        dashboard: where a browser sees them at work; None: nowhere.
    """

    def __init__(
        self,
        executor: Executor,
        threads: Callable[[], int],
        *,
        where: str,
        dashboard: str | None = None,
    ) -> None:
        self.where = where
        self.dashboard = dashboard
        self._executor = executor
        self._count = threads
        self._threads, self._counted = threads(), monotonic()

    def run(
        self,
        tasks: Iterable[Task],
        function: Callable[[Task], Result],
        *,
        follows: Callable[[Task], Hashable] | None = None,
        lost: Callable[[Task, str], Result] | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Generator[Result]:
        """Do tasks, and yield what came of them as they are done; closed early, the rest is left.

        Args:
            tasks: taken one by one, as they are needed. Dask pickles them, and a worker that
                fails logs them: no secret belongs in one.
            function: does one; of a module that workers have, too. It may be called twice for a
                task whose worker died.
            follows: tasks of which it says the same, and that come one after the other, are done
                one after the other; None: all side by side.
            lost: what is said of a task that several workers died of, which is told why; None:
                the run ends.
            stopping: asked whether to leave the rest; what was begun is done first.

        Raises:
            SchedulerError: the scheduler went away, or workers died of a task.
            Exception: what a task raised; tasks that were not begun are left.
        """
        chains = _chains(tasks, follows)
        done: SimpleQueue[Future[Result]] = SimpleQueue()
        begun: dict[Future[Result], tuple[Task, deque[Task]]] = {}

        def begin(chain: deque[Task]) -> None:
            task = chain.popleft()
            future = self._executor.submit(function, task)
            begun[future] = (task, chain)
            future.add_done_callback(done.put)

        try:
            while True:
                while len(begun) < AHEAD * self.threads() and not stopping():
                    if (chain := next(chains, None)) is None:
                        break
                    begin(chain)
                if not begun:
                    return
                future = done.get()
                task, chain = begun.pop(future)
                result = self._result(future, task, lost)
                if chain and not stopping():
                    begin(chain)
                yield result
        finally:
            for future in begun:
                future.cancel()

    def threads(self) -> int:
        """How many tasks can be worked at side by side, as far as is known."""
        if monotonic() - self._counted >= COUNTED_S:
            self._threads, self._counted = max(1, self._count()), monotonic()
        return self._threads

    def _result(
        self, future: Future[Result], task: Task, lost: Callable[[Task, str], Result] | None
    ) -> Result:
        try:
            return future.result()
        except CancelledError:
            raise SchedulerError(
                f"{self.where} went away. What was done is stored: run the same again."
            ) from None
        except Exception as error:
            # By its name: where no scheduler is named, Dask is not imported.
            if type(error).__name__ != "KilledWorker":
                raise
            why = "the workers that were at it died, one after the other: see their logs"
            if lost is None:
                raise SchedulerError(f"A task cannot be done: {why}.") from error
            return lost(task, why)


def run(
    tasks: Iterable[Task],
    function: Callable[[Task], Result],
    scheduler: str | None = None,
    *,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _done: None,
) -> Iterator[Result]:
    """Do tasks that do not depend on each other, here or on a cluster: see `Workers.run`.

    Args:
        tasks: what there is to do.
        function: does one.
        scheduler: `SpreadSettings.scheduler`; None: threads of this process do them.
        stopping: asked whether to leave the rest.
        progress: called with the number of tasks that are done.

    Raises:
        SchedulerError: there is no such cluster, or it went away.
    """
    with workers(scheduler) as who:
        for number, result in enumerate(who.run(tasks, function, stopping=stopping), start=1):
            progress(number)
            yield result


@contextmanager
def workers(scheduler: str | None, *, threads: int = THREADS) -> Iterator[Workers]:
    """Whoever works: a cluster, or threads of this process.

    Args:
        scheduler: where the cluster's scheduler listens; None: there is none.
        threads: of this process, then.

    Raises:
        SchedulerError: the scheduler does not answer, or has no workers.
    """
    if scheduler is None:
        with ThreadPoolExecutor(threads) as pool:
            yield Workers(pool, lambda: threads, where=f"{threads} threads")
        return
    client = _client(scheduler)
    try:
        count = len(client.nthreads())
        yield Workers(
            client.get_executor(pure=False),
            lambda: sum(client.nthreads().values()),
            where=f"{count} {'worker' if count == 1 else 'workers'} of {scheduler}",
            dashboard=client.dashboard_link or None,
        )
    finally:
        client.close()


def _client(scheduler: str) -> Client:
    # Seconds to import, and of no use to whoever has no cluster.
    from distributed import Client  # noqa: PLC0415

    try:
        client: Client = Client(scheduler, timeout=ANSWERS_S, set_as_default=False)
    except OSError as error:
        raise SchedulerError(
            f"No scheduler answers at {scheduler}: start one with `dask scheduler`, or leave "
            "--scheduler and TELEMETRY_SCHEDULER out to work in this process."
        ) from error
    try:
        client.wait_for_workers(1, timeout=ANSWERS_S)
    except TimeoutError as error:
        client.close()
        raise SchedulerError(
            f"The scheduler at {scheduler} has no workers: start some with `dask worker "
            f"{scheduler} --nthreads 1`, where TELEMETRY_DATABASE_DSN names the database."
        ) from error
    return client


def _chains(
    tasks: Iterable[Task], follows: Callable[[Task], Hashable] | None
) -> Iterator[deque[Task]]:
    if follows is None:
        return (deque([task]) for task in tasks)
    return (deque(some) for _, some in groupby(tasks, follows))
