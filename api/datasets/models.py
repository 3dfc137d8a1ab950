"""What is told of a dataset, and what defines one."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from api.parameters import EXAMPLE_VIN, Time
from schemas.catalogue import Catalogue, Kind
from storage.served_datasets import Counts, Dataset

MAX_VINS = 20_000
MAX_NAME = 100
MAX_PURPOSE = 200
"""Characters, as in the log of reads."""

EXAMPLE_VEHICLE = "5f1d0c9ab2e34c7f8d6e5a4b3c2d1e0f"

_EXAMPLE: dict[str, JsonValue] = {
    "dataset_id": 12,
    "name": "Braking wear, autumn",
    "purpose": "a model of brake lining wear",
    "party": "Institute of Vehicles",
    "yours": True,
    "state": "open",
    "valid_from": "2026-11-01T00:00:00Z",
    "valid_until": "2027-05-01T00:00:00Z",
    "data_from": "2026-09-01T00:00:00Z",
    "data_until": "2026-11-01T00:00:00Z",
    "signals": ["wheel_speed"],
    "resolution_s": 60,
    "grid_deg": 0.01,
    "trips": True,
    "events": True,
}


class DatasetState(StrEnum):
    """Whether a dataset may be read."""

    OPEN = "open"
    NOT_YET = "not_yet"
    ENDED = "ended"
    WITHHELD = "withheld"


class DatasetSummary(BaseModel):
    """A dataset: vehicles under pseudonyms, for one party, one purpose and a time."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    dataset_id: int = Field(description="Its number.", examples=[12])
    name: str = Field(description="What it is called.", examples=["Braking wear, autumn"])
    purpose: str = Field(
        description="What it may be used for.", examples=["a model of brake lining wear"]
    )
    party: str | None = Field(
        description="Whom it is for; told to whom defined it.", examples=["Institute of Vehicles"]
    )
    yours: bool = Field(description="Whether you defined it, and may end it.", examples=[False])
    state: DatasetState = Field(
        description="open; not_yet; ended (told to whom defined it); withheld (fewer vehicles are "
        "left than a dataset must have).",
        examples=["open"],
    )
    valid_from: AwareDatetime = Field(
        description="It may be read from then on, UTC.", examples=["2026-11-01T00:00:00Z"]
    )
    valid_until: AwareDatetime = Field(
        description="Until then, if it is not ended before.", examples=["2027-05-01T00:00:00Z"]
    )
    data_from: AwareDatetime = Field(
        description="The data begin, UTC.", examples=["2026-09-01T00:00:00Z"]
    )
    data_until: AwareDatetime = Field(description="They end.", examples=["2026-11-01T00:00:00Z"])
    signals: list[str] = Field(description="Signals in it by name.", examples=[["wheel_speed"]])
    resolution_s: int = Field(
        description="The finest step [s]; times of trips and events begin such steps.",
        examples=[60],
    )
    grid_deg: float = Field(
        description="Positions are the middles of the cells of such a grid [degrees].",
        examples=[0.01],
    )
    trips: bool = Field(description="Whether trips are in it.", examples=[True])
    events: bool = Field(description="Whether driving events are in it.", examples=[False])


class SignalOfDataset(BaseModel):
    """A signal of a dataset, as the catalogue describes it."""

    name: str = Field(description="Its name.", examples=["wheel_speed"])
    path: str = Field(description="Its VSS path.", examples=["Vehicle.Speed"])
    unit: str = Field(description="Of its numbers.", examples=["km/h"])
    kind: Kind = Field(
        description="How a step sums it up; of a counter only differences mean something, for it "
        "is shifted.",
        examples=["sample"],
    )
    description_en: str = Field(description="What it is.", examples=["Wheel-based vehicle speed"])
    description_zh: str = Field(description="The same in Chinese.", examples=["车轮车速"])
    vehicles: int = Field(
        description="Vehicles that have told it since the data begin.", examples=[212]
    )


class DatasetCounts(BaseModel):
    """How much there is in a dataset."""

    vehicles: int = Field(description="Its vehicles.", examples=[240])
    vehicle_days: int = Field(description="Days with data of all of them.", examples=[13_920])
    trips: int | None = Field(description="Trips; null: not in it.", examples=[52_411])
    events: int | None = Field(description="Driving events; null: not in it.", examples=[8120])


class DatasetWithCounts(DatasetSummary):
    """A dataset with its catalogue of signals."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_EXAMPLE,
                    "counts": {
                        "vehicles": 240,
                        "vehicle_days": 13920,
                        "trips": 52411,
                        "events": 8120,
                    },
                    "catalogue": [
                        {
                            "name": "wheel_speed",
                            "path": "Vehicle.Speed",
                            "unit": "km/h",
                            "kind": "sample",
                            "description_en": "Wheel-based vehicle speed",
                            "description_zh": "车轮车速",
                            "vehicles": 212,
                        }
                    ],
                }
            ]
        }
    )

    counts: DatasetCounts | None = Field(
        description="How much there is; null where it is not open."
    )
    catalogue: list[SignalOfDataset] = Field(
        description="Its signals and how many vehicles have each; empty where it is not open."
    )


class Datasets(BaseModel):
    """A page of datasets by number."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"datasets": [_EXAMPLE], "next": "/v1/datasets?limit=1&cursor=bjEy"}]
        }
    )

    datasets: list[DatasetSummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class DatasetVehicle(BaseModel):
    """A vehicle of a dataset; null is what too few of its vehicles share, or nobody knows."""

    vehicle: str = Field(
        description="Its pseudonym, in this dataset alone.", examples=[EXAMPLE_VEHICLE]
    )
    vehicle_class: str | None = Field(
        description="heavy_truck, medium_truck, light_truck, bus or car.", examples=["heavy_truck"]
    )
    model: str | None = Field(description="Its model.", examples=["J6P 6×4"])
    signals: list[str] = Field(
        description="Signals of the dataset that it has told since the data begin.",
        examples=[["wheel_speed"]],
    )


class DatasetVehicles(BaseModel):
    """A page of a dataset's vehicles by pseudonym."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dataset_id": 12,
                    "vehicles": [
                        {
                            "vehicle": EXAMPLE_VEHICLE,
                            "vehicle_class": "heavy_truck",
                            "model": "J6P 6×4",
                            "signals": ["wheel_speed"],
                        }
                    ],
                    "next": "/v1/datasets/12/vehicles?limit=1&cursor="
                    "cDVmMWQwYzlhYjJlMzRjN2Y4ZDZlNWE0YjNjMmQxZTBm",
                }
            ]
        }
    )

    dataset_id: int = Field(description="The dataset.", examples=[12])
    vehicles: list[DatasetVehicle] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


def _one_line(text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable():
        raise ValueError("use one line of text")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
"""A line of text, with something in it."""


class DatasetDefinition(BaseModel):
    """A dataset that is to be; what it opens and what for cannot be changed later."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Braking wear, autumn",
                    "purpose": "a model of brake lining wear",
                    "party": "Institute of Vehicles",
                    "valid_until": "2027-05-01T00:00:00Z",
                    "data_from": "2026-09-01T00:00:00Z",
                    "data_until": "2026-11-01T00:00:00Z",
                    "fleet_id": 3,
                    "signals": ["wheel_speed", "latitude", "longitude"],
                    "resolution_s": 60,
                    "trips": True,
                }
            ]
        },
    )

    name: Line = Field(max_length=MAX_NAME, description="What it is called; no name of a person.")
    purpose: Line = Field(
        max_length=MAX_PURPOSE,
        description="What it may be used for; written down with every read.",
    )
    party: str = Field(
        min_length=1, max_length=200, description="The research party it is for, by its name."
    )
    valid_from: Time | None = Field(
        default=None, description="It may be read from then on; left out: from now on."
    )
    valid_until: Time = Field(description="Until then.")
    data_from: Time = Field(description="The data begin.")
    data_until: Time = Field(description="The data end; this time is not included.")
    vins: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_VINS,
        description="Vehicles by VIN; or `fleet_id`.",
        examples=[[EXAMPLE_VIN]],
    )
    fleet_id: int | None = Field(
        default=None,
        ge=1,
        lt=2**63,
        description="The vehicles that were in this fleet in the span of the data; or `vins`.",
    )
    models: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="In place of `vins` and `fleet_id`: all vehicles of these models, of those "
        "that are yours to open.",
        examples=[["J6P"]],
    )
    regions: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Likewise of these regions, ISO 3166-2 or a country alone; with `models` both.",
        examples=[["CN-31"]],
    )
    signals: list[str] = Field(
        min_length=1, max_length=500, description="Signals by name or VSS path."
    )
    resolution_s: int = Field(
        ge=1, le=86_400, description="The finest step [s], a divisor of a day."
    )
    grid_deg: float | None = Field(
        default=None,
        gt=0,
        le=10,
        description="Grid of positions [degrees]; left out: the finest there may be.",
    )
    trips: bool = Field(default=False, description="Whether trips are in it.")
    events: bool = Field(default=False, description="Whether driving events are in it.")


class DatasetChange(BaseModel):
    """Another name or end of a dataset."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"valid_until": "2027-02-01T00:00:00Z"}]},
    )

    name: Line | None = Field(
        default=None, max_length=MAX_NAME, description="Another name; left out: as it was."
    )
    valid_until: Time | None = Field(
        default=None, description="Another end; left out: as it was. DELETE ends it at once."
    )


def summary(found: Dataset) -> DatasetSummary:
    """A dataset as it is told."""
    return DatasetSummary(
        dataset_id=found.dataset_id,
        name=found.name,
        purpose=found.purpose,
        party=found.for_party,
        yours=found.is_yours,
        state=_state(found),
        valid_from=found.valid_from,
        valid_until=min(found.valid_until, found.ended_at or found.valid_until),
        data_from=found.data_from,
        data_until=found.data_until,
        signals=found.signals,
        resolution_s=found.resolution_s,
        grid_deg=found.grid_deg,
        trips=found.with_trips,
        events=found.with_events,
    )


def _state(found: Dataset) -> DatasetState:
    if not found.holds:
        has_ended = found.ended_at is not None or found.valid_from <= datetime.now(tz=UTC)
        return DatasetState.ENDED if has_ended else DatasetState.NOT_YET
    return DatasetState.WITHHELD if found.is_withheld else DatasetState.OPEN


def described(found: Dataset, counts: Counts | None, catalogue: Catalogue) -> DatasetWithCounts:
    """A dataset as it is told, with its signals; counts None: it is not open."""
    signals = []
    for name in found.signals if counts is not None else ():
        signal = catalogue.resolve(name)
        signals.append(
            SignalOfDataset(
                name=signal.name,
                path=signal.path,
                unit=signal.unit,
                kind=signal.kind,
                description_en=signal.description_en,
                description_zh=signal.description_zh,
                vehicles=0 if counts is None else counts.availability.get(name, 0),
            )
        )
    return DatasetWithCounts(
        **dict(summary(found)),
        counts=None
        if counts is None
        else DatasetCounts(
            vehicles=counts.vehicles,
            vehicle_days=counts.vehicle_days,
            trips=counts.trips,
            events=counts.events,
        ),
        catalogue=signals,
    )
