"""Rounds of a training as tasks, which any worker does that reaches what is learnt from.

A round reads the features by itself: from the database that a worker's own TELEMETRY_DATABASE_DSN
names, or from the folder that it sees under the same name. What comes back is small: of a share of
vehicles what is told of them, of the whole the model. Workers store nothing; a round that is done
twice gives the same.
"""

from __future__ import annotations

import hashlib
import pickle
import socket
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import uuid4

from analytics.runner.segments_kept import StoredSegments
from analytics.runner.spread import SchedulerError
from analytics.runner.workplace import connection_here
from analytics.training.dataset import ParquetFolder
from analytics.training.recipe import TrainingError
from analytics.training.trainer import Course, do_round
from storage.connection import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

    from analytics.runner.spread import Workers
    from analytics.training.dataset import Dataset
    from analytics.training.recipe import Recipe
    from analytics.training.trainer import Round
    from storage.connection import Connection
    from storage.fuel_models import TrainingData

CODE_VERSION = version("vehicle-telemetry")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a worker finds what is learnt from.

    Attributes:
        database: `storage.connection.identity` of the one it lies in; None: it is a folder.
        data: which days of the database.
        folder: whole path of the folder.
        files: what tells its files from others.
    """

    database: str | None
    data: TrainingData
    folder: Path | None = None
    files: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What all rounds of a training have in common.

    Attributes:
        source: what is learnt from.
        recipe: pickled: a model of one's own is not known to the scheduler.
        who: the vehicles.
        held_out, seed: as in `Course`.
        code_version: what worker and command must have in common.
        run: tells the run from others.
    """

    source: Source
    recipe: bytes
    who: pd.DataFrame
    held_out: float
    seed: int
    code_version: str = CODE_VERSION
    run: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundTask:
    """A round: which share of the vehicles is left out; None: none."""

    job: Job
    number: int | None


def spread_rounds(workers: Workers, source: Source) -> Callable[[Course], Iterator[Round]]:
    """Let workers do the rounds of a training: for `trained`."""

    def rounds(course: Course) -> Iterator[Round]:
        job = Job(
            source=source,
            recipe=pickle.dumps(course.recipe),
            who=course.who,
            held_out=course.held_out,
            seed=course.seed,
        )
        # The one that learns from all takes longest: it is begun first.
        tasks = [RoundTask(job=job, number=number) for number in reversed(course.rounds)]
        return workers.run(tasks, do_round_task)

    return rounds


def source_of(connection: Connection, data: TrainingData, dataset: Dataset | None) -> Source:
    """What is learnt from, as a worker finds it.

    Raises:
        TrainingError: it lies neither in the database nor in a folder.
    """
    if dataset is None:
        return Source(database=identity(connection), data=data)
    if not isinstance(dataset, ParquetFolder):
        raise TrainingError("workers learn from the database, or from a folder that they see")
    folder = dataset.folder.absolute()
    return Source(database=None, data=data, folder=folder, files=_files(folder))


def do_round_task(task: RoundTask) -> Round:
    """Do a round, where a worker is.

    Raises:
        SchedulerError: this worker is not one for this run.
        TrainingError: the folder is another one there, or a model of one's own is not known there.
        StorageError: the database is not there, or not as it must be.
    """
    job = task.job
    if job.code_version != CODE_VERSION:
        raise SchedulerError(
            f"A worker's version is {CODE_VERSION}, this training's {job.code_version}: let "
            "workers and whoever gives them work be of the same version."
        )
    course = Course(recipe=_recipe(job), who=job.who, held_out=job.held_out, seed=job.seed)
    return do_round(course, _dataset(job), task.number)


def _recipe(job: Job) -> Recipe:
    try:
        recipe: Recipe = pickle.loads(job.recipe)  # noqa: S301  # the scheduler's word is obeyed
    except (ImportError, AttributeError) as error:
        raise TrainingError(
            f"A worker on {socket.gethostname()} does not know the model ({error}): let its module "
            "be on PYTHONPATH, or its package installed, where `dask worker` is started."
        ) from error
    return recipe


def _dataset(job: Job) -> Dataset:
    source = job.source
    if source.database is not None:
        connection = connection_here(source.database, job.run)
        return StoredSegments(connection=connection, data=source.data, who=job.who)
    if source.folder is None or _files(source.folder) != source.files:
        raise TrainingError(
            f"A worker on {socket.gethostname()} does not see the same files in {source.folder}: "
            "let all see the same folder under the same name."
        )
    return ParquetFolder(folder=source.folder)


def _files(folder: Path) -> str:
    """Names and sizes: another folder, or one that is written to, has others."""
    told = hashlib.sha256()
    for file in sorted(folder.rglob("*.parquet")):
        told.update(f"{file.relative_to(folder)} {file.stat().st_size}\n".encode())
    return told.hexdigest()
