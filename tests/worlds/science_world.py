"""A data scientist beside the owner of the pages' world: models, regions, datasets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from storage.datasets import define
from storage.registers import ensure_party
from storage.served_datasets import Definition
from tests.asking.api_fixture import drive, record
from tests.samples.behaviour_samples import DAY
from tests.worlds.pages_world import MONDAY, VINS, PagesWorld, pages_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.database_fixture import Migrated

MODELS = {"J6P": VINS[:6], "JH6": VINS[6:]}
"""The second one is of too few vehicles to be told to a research party."""
SIGNALS = ["wheel_speed", "latitude", "fuel_rate"]
PURPOSE = "a model of brake lining wear"


@dataclass(kw_only=True)
class ScienceWorld:
    """What was made, by its numbers."""

    pages: PagesWorld
    institute: int
    dataset: int
    not_yet: int
    withheld: int
    foreign: int
    """For another institute."""


def science_world(database: Migrated, folder: Path) -> ScienceWorld:
    """Make it: accounts `lin` (data scientist), `maker` and the owner's `wu`."""
    made = pages_world(database, folder)
    connection = database.connection
    institute = ensure_party(connection, "Institute", "data_science")
    ensure_party(connection, "Lab", "data_science")
    made.account("lin", "data_scientist", party=institute)
    made.account("maker", "maker", party=made.maker)
    for model, vins in MODELS.items():
        connection.execute(
            "UPDATE vehicle SET model = %s, region = 'CN-31' WHERE vin = ANY (%s)", (model, vins)
        )
    connection.execute("UPDATE vehicle SET region = 'CN-11' WHERE vin = %s", (VINS[0],))

    recent = datetime.now(tz=UTC).replace(microsecond=0) - timedelta(hours=3)
    for number, vin in enumerate(VINS[:-1]):
        record(database, vin, drive(recent.isoformat()[:19], 900, seed=number))

    def defined(name: str, party: str = "Institute", later_days: int = 0) -> int:
        found = define(
            connection,
            made.owner,
            Definition(
                name=name,
                purpose=PURPOSE,
                party=party,
                valid_from=datetime.now(tz=UTC) + timedelta(days=later_days),
                valid_until=datetime(2090, 1, 1, tzinfo=UTC),
                data_from=MONDAY,
                data_until=MONDAY + 7 * DAY,
                vins=VINS,
                fleet_id=None,
                signals=SIGNALS,
                resolution_s=60,
                grid_deg=None,
                with_trips=True,
                with_events=True,
            ),
        )
        assert found.dataset_id is not None
        return found.dataset_id

    found = ScienceWorld(
        pages=made,
        institute=institute,
        dataset=defined("Autumn"),
        not_yet=defined("Winter", later_days=3),
        withheld=defined("Summer"),
        foreign=defined("Of the others", party="Lab"),
    )
    connection.execute(
        "DELETE FROM dataset_vehicle WHERE dataset_id = %s AND vehicle_id NOT IN"
        " (SELECT vehicle_id FROM vehicle WHERE vin = ANY (%s))",
        (found.withheld, VINS[:3]),
    )
    return found
