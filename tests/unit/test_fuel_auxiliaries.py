"""What auxiliaries take is told apart from friction, and a fan by how it turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from analytics.fuel import fan
from analytics.fuel.auxiliaries import told_auxiliaries, told_sums
from analytics.fuel.calibration import calibrate, day_statistics
from analytics.fuel.causes import attribute
from analytics.fuel.drive import drive_of
from analytics.fuel.idle import MOST_DIFFER, AtIdle, at_idle, idle_sums
from analytics.fuel.reference import Reference, learn_reference
from analytics.fuel.signals import fuel_samples
from tests.samples import known_truck as world

if TYPE_CHECKING:
    from analytics.samples import Samples

COLD_NM, WARM_NM = 260.0, 150.0
"""Friction of the engine as it starts, and warm."""

OMEGA = world.IDLE_RPM * 2 * np.pi / 60


def _idling(told: float, *, warms_up: bool = True, noise: float = 0.0) -> pd.DataFrame:
    """An hour at idle by an engine that tells so large a part of its friction."""
    n = 3_600
    warm = np.clip(np.arange(n) / 1_800.0, 0.0, 1.0) if warms_up else np.ones(n)
    friction = COLD_NM + (WARM_NM - COLD_NM) * warm
    torque = friction + world.AUXILIARY_W / OMEGA
    rows = world.signals_of(world.stop(n))
    luck = np.random.default_rng(5)
    percent = 100.0 / world.REFERENCE_NM
    return rows.assign(
        coolant_temperature=10.0 + 75.0 * warm,
        engine_torque=percent * torque + noise * luck.standard_normal(n),
        engine_friction_torque=percent * told * friction + noise * luck.standard_normal(n),
    )


def _at_idle(rows: pd.DataFrame) -> AtIdle:
    samples = fuel_samples(rows)
    return at_idle(idle_sums(drive_of(samples), samples["coolant_temperature"]))


@pytest.mark.parametrize("told", [0.9, 1.0, 1.1])
def test_a_friction_told_too_low_is_no_auxiliary_once_a_cold_engine_was_seen(told: float) -> None:
    found = _at_idle(_idling(told, noise=0.3))

    assert found.auxiliary_w == pytest.approx(world.AUXILIARY_W, rel=0.06)
    wrong_w = (1.0 - told) * WARM_NM * OMEGA
    assert found.beside_friction_w == pytest.approx(world.AUXILIARY_W + wrong_w, rel=0.12)


def test_an_engine_only_seen_warm_is_believed_as_it_tells() -> None:
    found = _at_idle(_idling(0.9, warms_up=False, noise=1.0))

    assert found.auxiliary_w == pytest.approx(found.beside_friction_w, rel=0.02)


def test_scales_differ_within_reason_only() -> None:
    found = _at_idle(_idling(0.4))

    most_w = (1.0 + MOST_DIFFER) * (COLD_NM + WARM_NM) / 2 * OMEGA * 0.4
    assert found.auxiliary_w > found.beside_friction_w - MOST_DIFFER * most_w
    assert found.auxiliary_w > 1.5 * world.AUXILIARY_W


def test_an_engine_that_hardly_idled_tells_nothing_of_it() -> None:
    found = _at_idle(_idling(1.0)[:20])

    assert found.seconds == 0.0


FAN_W = 2_000.0
"""Of a stuck fan at 1,000 rpm, on an engine of 2,000 Nm."""


def _parasitic(rows: pd.DataFrame, fan_w: float) -> pd.DataFrame:
    """The same rows with the engine's word on its auxiliaries, every ten seconds."""
    rpm = rows["engine_speed"].to_numpy()
    watts = world.AUXILIARY_W + fan_w * (rpm * 1e-3) ** 3
    percent = 100.0 * watts / (np.maximum(rpm, 1.0) * 2 * np.pi / 60) / world.REFERENCE_NM
    told = np.where(np.arange(len(rows)) % 10 == 0, percent, np.nan)
    return rows.assign(engine_parasitic_losses=told)


def test_a_held_word_on_auxiliaries_counts_for_the_engine_speed_it_was_told_at() -> None:
    rows = _parasitic(world.signals_of(world.town_and_country()), FAN_W)

    found = told_auxiliaries(told_sums(drive_of(fuel_samples(rows))))

    assert found is not None
    assert found.constant_w == pytest.approx(world.AUXILIARY_W, rel=0.03)
    assert found.cubic_w == pytest.approx(FAN_W, rel=0.03)


def _turning(fan_w: float, turns: float, *, tells: bool) -> pd.DataFrame:
    """A drive with a cool engine and a fan that takes and turns so much."""
    speed = world.town_and_country(speed=22.0, brake=0.2, pull=0.5)
    rows = world.signals_of(speed, slope=world.waves(len(speed)))
    rpm = rows["engine_speed"].to_numpy()
    omega = np.maximum(rpm, world.IDLE_RPM) * 2 * np.pi / 60
    # What the fan takes is torque and fuel on top, where the engine pulls.
    watts = fan_w * (rpm * 1e-3) ** 3 * (rows["engine_torque"] > 0)
    rows = rows.assign(
        coolant_temperature=70.0,
        fan_speed=turns * rpm,
        engine_torque=rows["engine_torque"] + 100.0 * watts / omega / world.REFERENCE_NM,
        fuel_rate=rows["fuel_rate"] + watts / (world.EFFICIENCY * world.DIESEL_J_L) * 3600.0,
    )
    return _parasitic(rows, fan_w) if tells else rows


def _learnt(*fleet: tuple[str, Samples]) -> Reference:
    return learn_reference(
        pd.DataFrame(
            {
                "vehicle": range(len(fleet)),
                "vehicle_class": "heavy_truck",
                "group": [group for group, _ in fleet],
                "stats": [day_statistics(samples) for _, samples in fleet],
            }
        )
    )


def test_a_fan_costs_what_it_costs_trucks_whose_engines_tell() -> None:
    mute = [("MUTEMUTE", fuel_samples(_turning(0.0, 0.25, tells=False)))] * 6
    telling = [("TELLTELL", fuel_samples(_turning(0.0, 0.25, tells=True)))] * 6
    halfway = [("TELLTELL", fuel_samples(_turning(FAN_W / 2, 0.7, tells=True)))] * 2
    stuck = [("TELLTELL", fuel_samples(_turning(FAN_W, 1.15, tells=True)))] * 2
    reference = _learnt(*mute, *telling, *halfway, *stuck)
    rows = _turning(FAN_W, 1.15, tells=False)
    samples = fuel_samples(rows)

    found = attribute(
        samples,
        calibrate(day_statistics(samples)),
        reference.of("MUTEMUTE", "heavy_truck"),
        pd.DataFrame({"part_start": [rows.index[0]], "end_time": [rows.index[-1]]}),
    ).set_index("cause")["litres"]

    more = drive_of(samples).fuel_l.sum() - drive_of(mute[0][1]).fuel_l.sum()
    assert found["auxiliary"] == pytest.approx(more, rel=0.12)


def test_where_nobody_tells_what_fans_take_the_published_figure_holds() -> None:
    nobody = fan.fan_law(np.full(5, np.nan), np.full(5, np.nan), np.full(5, 2_000.0))

    assert nobody == pytest.approx(fan.USUAL)
    locked_w = fan.extra_cubic_w(nobody, 1.0, 0.0, fan.LOCKED_OF_NM) * 1.2**3
    assert locked_w == pytest.approx(fan.LOCKED_W)


@pytest.mark.parametrize("turns", [0.25, 0.1, float("nan")])
def test_a_fan_that_lets_go_costs_nothing(turns: float) -> None:
    assert fan.extra_cubic_w(fan.USUAL, turns, 0.25, 2_000.0) == 0.0
