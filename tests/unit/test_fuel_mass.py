"""A vehicle that does not tell its load is weighed by its engine's pull."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.fuel.drive import USUAL_MASS_KG, drive_of
from analytics.fuel.signals import fuel_samples
from tests.samples import known_truck as world


@pytest.mark.parametrize("mass_kg", [16_000.0, 30_000.0, 42_000.0])
def test_the_load_is_found_by_the_pull(mass_kg: float) -> None:
    speed = world.town_and_country(times=4)
    rows = world.signals_of(
        speed, truck=world.Truck(mass_kg=mass_kg), slope=world.waves(len(speed))
    ).drop(columns="gross_combination_weight")

    drive = drive_of(fuel_samples(rows))

    assert "load" in drive.missing
    assert np.median(drive.mass_kg) == pytest.approx(mass_kg, rel=0.12)


def test_a_load_that_is_taken_on_at_a_stand_is_found() -> None:
    speed = np.concatenate([world.town_and_country(times=3), world.stop(900)])
    light, heavy = (
        world.signals_of(
            speed,
            truck=world.Truck(mass_kg=mass_kg),
            slope=world.waves(len(speed)),
            start=start,
        )
        for mass_kg, start in (
            (18_000.0, world.START),
            (40_000.0, world.START + pd.Timedelta(seconds=len(speed))),
        )
    )
    rows = pd.concat([light, heavy]).drop(columns="gross_combination_weight")

    drive = drive_of(fuel_samples(rows))

    half = len(rows) // 2
    assert np.median(drive.mass_kg[: half - 1000]) == pytest.approx(18_000.0, rel=0.15)
    assert np.median(drive.mass_kg[half + 1000 :]) == pytest.approx(40_000.0, rel=0.15)


def test_nothing_asked_of_the_engine_leaves_what_is_usual() -> None:
    rows = world.signals_of(world.stop(600)).drop(columns="gross_combination_weight")

    drive = drive_of(fuel_samples(rows))

    assert (drive.mass_kg == USUAL_MASS_KG["heavy_truck"]).all()


def test_a_load_that_is_told_is_believed() -> None:
    drive = drive_of(fuel_samples(world.signals_of(world.town_and_country(times=1))))

    assert (drive.mass_kg == world.MASS_KG).all()
