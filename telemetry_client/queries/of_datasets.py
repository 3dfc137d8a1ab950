"""Questions about data sets: which there are, what is in them, and their rows by pseudonym."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from telemetry_client import times
from telemetry_client.messages import get, listed
from telemetry_client.questions import ArrowListing, JsonListing, Single
from telemetry_client.registered import Dataset, DatasetWithCounts
from telemetry_client.writing import Done, change, removal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_client.bodies import DatasetChange, DatasetDefinition
    from telemetry_client.times import Moment


def datasets(*, limit: int | None = None) -> JsonListing:
    """The data sets one has defined, or may read, by number."""
    return JsonListing(
        address="/v1/datasets",
        index="dataset_id",
        most=500,
        rows="datasets",
        of=Dataset,
        limit=limit,
    )


def dataset(dataset_id: int) -> Single[DatasetWithCounts]:
    """One data set, with how much is in it and its signals."""
    return Single(request=get(_ONE, dataset_id=dataset_id), of=DatasetWithCounts)


def define_dataset(**definition: Unpack[DatasetDefinition]) -> Single[Dataset]:
    """Define a data set of vehicles that are one's own; `telemetry_client.bodies` has its keys."""
    return change("POST", "/v1/datasets", Dataset, definition)


def change_dataset(dataset_id: int, **changes: Unpack[DatasetChange]) -> Single[Dataset]:
    """Change a data set's name, or until when it may be read."""
    return change("PATCH", _ONE, Dataset, changes, dataset_id=dataset_id)


def end_dataset(dataset_id: int) -> Done:
    """End a data set: nobody reads it from now on."""
    return removal(_ONE, dataset_id=dataset_id)


def dataset_vehicles(dataset_id: int, *, limit: int | None = None) -> ArrowListing:
    """A data set's vehicles, by the pseudonyms that all its rows have."""
    return ArrowListing(
        address=f"{_ONE}/vehicles",
        index="vehicle",
        most=1000,
        of_path={"dataset_id": dataset_id},
        limit=limit,
        lists=("signals",),
    )


def dataset_signals(
    dataset_id: int,
    names: str | Iterable[str],
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    step_s: int | None = None,
    vehicles: str | Iterable[str] | None = None,
    limit: int | None = None,
) -> ArrowListing:
    """Signals of a data set in steps, one `vehicle` after the other, each by time.

    Columns are as in `signals` with a step.

    Args:
        dataset_id: the data set.
        names: signals by name or VSS path; in one text with commas, or several.
        start: from this time on; None: from where the data begin.
        end: up to, not including, this time; None: to where they end.
        step_s: sum up by so many seconds; None: as finely as the data set has them.
        vehicles: pseudonyms; None: all.
        limit: so many rows at most.
    """
    return ArrowListing(
        address=f"{_ONE}/signals",
        index="time",
        most=20_000,
        of_path={"dataset_id": dataset_id},
        params={
            **_span(start, end),
            "names": listed(names),
            "step": step_s,
            "vehicles": listed(vehicles),
        },
        limit=limit,
    )


def dataset_trips(
    dataset_id: int,
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    limit: int | None = None,
) -> ArrowListing:
    """A data set's trips that start within a span, one `vehicle` after the other."""
    return ArrowListing(
        address=f"{_ONE}/trips",
        index="start",
        most=5000,
        of_path={"dataset_id": dataset_id},
        params=_span(start, end),
        limit=limit,
    )


def dataset_events(
    dataset_id: int,
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    kind: str | Iterable[str] | None = None,
    limit: int | None = None,
) -> ArrowListing:
    """A data set's driving events that start within a span, one `vehicle` after the other."""
    return ArrowListing(
        address=f"{_ONE}/events",
        index="start",
        most=5000,
        of_path={"dataset_id": dataset_id},
        params={**_span(start, end), "kind": listed(kind)},
        limit=limit,
    )


_ONE = "/v1/datasets/{dataset_id}"


def _span(start: Moment | None, end: Moment | None) -> dict[str, str | None]:
    return {
        "start": None if start is None else times.text(start, "start"),
        "end": None if end is None else times.text(end, "end"),
    }
