"""The register of models: where they are kept, in which stage each is, and which one is used.

One of a kind is the champion, which is used; candidates predict beside it; what is archived does
neither, and may be promoted again. A model is kept with a checksum of its body, what it was trained
on, how good it was, and its card. How models do on new days is in `storage.model_errors`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from storage.errors import StorageError, refusal_of
from storage.fuel import WEEK, touch_weeks
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.connection import Connection

FUEL = "fuel"
"""The kind of model that says what a segment of road needs; analysis compares with its champion."""

REDONE_WEEKS = 4
"""Weeks that are worked up again with another model, the present one among them."""


class Stage(StrEnum):
    """What a model is used for."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"
    ARCHIVED = "archived"


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model that is kept."""

    model_id: int
    kind: str
    stage: str
    created_at: datetime
    data_from: date | None
    data_to: date | None
    code_version: str
    note: str | None
    metrics: Mapping[str, Any]
    """What its own training says of it."""
    reference: Mapping[str, Any]
    """Of fuel, what a good vehicle and driver need, learnt from peers."""
    evaluation: Mapping[str, Any]
    """Errors on vehicles left out, by group: see `analytics.training.evaluation`."""
    inputs: Mapping[str, Any]
    """How its inputs were distributed: see `analytics.training.drift`."""
    dataset: Mapping[str, Any]
    """What it was trained on: see `analytics.training.dataset`."""
    checksum: str
    size: int
    """Of its body, bytes."""
    run_id: str | None
    """Of its run in MLflow."""
    module: str | None
    """Of a model of one's own, what it was trained by; never to be imported for being said here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewModel:
    """A model as it is stored; the fields as in `Model`."""

    kind: str = FUEL
    body: bytes
    data: tuple[date, date] | None
    """First and last day it was trained on."""
    code_version: str
    metrics: Mapping[str, Any]
    reference: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    inputs: Mapping[str, Any]
    dataset: Mapping[str, Any]
    card: str
    note: str | None = None
    module: str | None = None


def models(connection: Connection, kind: str | None = None) -> list[Model]:
    """All models, or those of a kind, the newest first."""
    return _models(connection, kind=kind)


def in_stage(connection: Connection, stage: Stage, kind: str | None = None) -> list[Model]:
    """The models of a stage, the newest first."""
    return _models(connection, kind=kind, stage=stage)


def champion(connection: Connection, kind: str = FUEL) -> Model | None:
    """The model that is used; None where none is."""
    return next(iter(in_stage(connection, Stage.CHAMPION, kind)), None)


def one(connection: Connection, model_id: int) -> Model:
    """A model by its number.

    Raises:
        StorageError: there is no such model.
    """
    for found in _models(connection, model_id=model_id):
        return found
    known = ", ".join(str(model.model_id) for model in models(connection)) or "none"
    raise StorageError(
        f"There is no model {model_id}: there are {known} (`telemetry models list`)."
    )


def body_of(connection: Connection, model_id: int) -> tuple[bytes, str]:
    """A model itself, and the checksum it was stored with.

    Raises:
        StorageError: there is no such model.
    """
    row = connection.execute(query("model_body"), {"model_id": model_id}).fetchone()
    if row is None:
        one(connection, model_id)
        raise StorageError(f"Model {model_id} went away meanwhile.")  # pragma: no cover
    return bytes(row[0]), row[1]


def card_of(connection: Connection, model_id: int) -> str:
    """A model's card, Markdown; empty for one that was stored before there were cards.

    Raises:
        StorageError: there is no such model.
    """
    one(connection, model_id)
    row = connection.execute(query("model_card"), {"model_id": model_id}).fetchone()
    return str(row[0]) if row else ""


def champion_before(connection: Connection, kind: str = FUEL) -> int | None:
    """The model that was champion last before the one that is; None: there was none."""
    row = connection.execute(query("champion_before"), {"kind": kind}).fetchone()
    return row[0] if row else None


def store_model(connection: Connection, new: NewModel) -> tuple[int, Stage]:
    """Keep a model: as champion where its kind has none, else as a candidate.

    Args:
        connection: an autocommit connection.
        new: the model.

    Returns:
        Its number, and its stage.

    Raises:
        StorageError: the database refuses it.
    """
    with refusal_of("a model"), connection.transaction():
        connection.execute(query("lock_models"))
        row = connection.execute(
            query("store_model"),
            {
                "kind": new.kind,
                "data_from": new.data[0] if new.data else None,
                "data_to": new.data[1] if new.data else None,
                "code_version": new.code_version,
                "note": new.note,
                "metrics": Jsonb(new.metrics),
                "reference": Jsonb(new.reference),
                "evaluation": Jsonb(new.evaluation),
                "inputs": Jsonb(new.inputs),
                "dataset": Jsonb(new.dataset),
                "card": new.card,
                "run_id": None,
                "module": new.module,
                "checksum": hashlib.sha256(new.body).hexdigest(),
                "body": new.body,
            },
        ).fetchone()
        if row is None:  # pragma: no cover - an INSERT that RETURNS gives a row
            raise StorageError("The database did not say the model's number.")
        model_id, stage = int(row[0]), Stage(row[1])
        _note(connection, model_id, stage, "trained")
        if stage is Stage.CHAMPION and new.kind == FUEL:
            _redo_last_weeks(connection)
    return model_id, stage


def note_run(connection: Connection, model_id: int, run_id: str) -> None:
    """Keep which run in MLflow tells how a model came to be."""
    connection.execute(query("set_model_run"), {"model_id": model_id, "run_id": run_id})


def promote(connection: Connection, model_id: int, reason: str = "") -> None:
    """Make a model the champion of its kind; the one that was is archived.

    Where it is of fuel, the last weeks of all vehicles wait again.

    Raises:
        StorageError: there is no such model; the champion stays.
    """
    model = one(connection, model_id)
    with connection.transaction():
        connection.execute(query("lock_models"))
        for (before,) in connection.execute(query("archive_champion"), {"kind": model.kind}):
            if before != model_id:
                _note(connection, before, Stage.ARCHIVED, f"model {model_id} is champion")
        _move(connection, model_id, Stage.CHAMPION, reason)
        if model.kind == FUEL:
            _redo_last_weeks(connection)


def archive(connection: Connection, model_id: int) -> None:
    """Let a candidate predict no more.

    Raises:
        StorageError: there is no such model, or it is the champion.
    """
    with connection.transaction():
        connection.execute(query("lock_models"))
        model = one(connection, model_id)
        if model.stage == Stage.CHAMPION:
            raise StorageError(
                f"Model {model_id} is the champion of {model.kind}: promote another one instead."
            )
        _move(connection, model_id, Stage.ARCHIVED, "by hand")


def _move(connection: Connection, model_id: int, stage: Stage, reason: str) -> None:
    connection.execute(query("set_model_stage"), {"model_id": model_id, "stage": stage})
    _note(connection, model_id, stage, reason)


def _note(connection: Connection, model_id: int, stage: Stage, reason: str) -> None:
    wanted = {"model_id": model_id, "stage": stage, "reason": reason}
    connection.execute(query("note_model_change"), wanted)


def _redo_last_weeks(connection: Connection) -> None:
    today = datetime.now().date()  # noqa: DTZ005 - a Monday more or less makes no difference
    touch_weeks(connection, today - today.weekday() * (WEEK / 7) - (REDONE_WEEKS - 1) * WEEK)


def _models(
    connection: Connection,
    *,
    kind: str | None = None,
    model_id: int | None = None,
    stage: Stage | None = None,
) -> list[Model]:
    wanted = {"kind": kind, "model_id": model_id, "stage": stage}
    cursor = connection.execute(query("models"), wanted)
    names = [column.name for column in cursor.description or ()]
    return [Model(**dict(zip(names, row, strict=True))) for row in cursor]
