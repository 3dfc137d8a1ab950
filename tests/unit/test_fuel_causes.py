"""Excess by cause: each habit is found where it is, costs what physics says, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.fuel import habits
from analytics.fuel.calibration import STATS_VERSION, calibrate, day_statistics
from analytics.fuel.causes import CAUSES, attribute
from analytics.fuel.drive import drive_of
from analytics.fuel.figures import figures
from analytics.fuel.reference import Reference, default_reference, learn_reference
from analytics.fuel.signals import fuel_samples
from tests.samples import known_truck as world

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.calibration import Calibration
    from analytics.fuel.reference import Peers

    Floats = NDArray[np.floating[Any]]

FORESIGHT = 0.2
"""How the good drivers of these tests slow down, m/s²."""

GOOD: dict[str, Any] = {"brake": FORESIGHT, "pull": 0.5, "speed": 22.0}


def _part(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"part_start": [rows.index[0]], "end_time": [rows.index[-1]]})


def _reference(peers: int = 8) -> Reference:
    """Of good drivers, each a little different."""
    stats = []
    for n in range(peers):
        speed = world.town_and_country(
            speed=GOOD["speed"] * (1 + 0.002 * (n - 4)), brake=GOOD["brake"], pull=GOOD["pull"]
        )
        rows = world.signals_of(speed, slope=world.waves(len(speed)))
        stats.append(day_statistics(fuel_samples(rows)))
    return learn_reference(
        pd.DataFrame(
            {
                "vehicle": range(peers),
                "vehicle_class": "heavy_truck",
                "group": "LVBV3JBB",
                "stats": stats,
            }
        )
    )


REFERENCE = _reference()


def _litres(
    speed: Floats,
    truck: world.Truck | None = None,
    baseline: Calibration | None = None,
    **how: object,
) -> tuple[dict[str, float], float]:
    """Litres by cause, and all that was burnt."""
    rows = world.signals_of(speed, truck=truck, slope=world.waves(len(speed)), **how)  # type: ignore[arg-type]
    samples = fuel_samples(rows)
    found = attribute(
        samples,
        calibrate(day_statistics(samples)),
        REFERENCE.of("LVBV3JBB", "heavy_truck"),
        _part(rows),
        baseline=baseline,
    )
    assert list(found["cause"]) == list(CAUSES)
    return dict(zip(found["cause"], found["litres"], strict=True)), drive_of(samples).fuel_l.sum()


def test_a_good_driver_has_next_to_no_excess() -> None:
    litres, burnt = _litres(world.town_and_country(**GOOD))

    assert sum(litres.values()) < 0.01 * burnt


def test_idling_costs_what_the_engine_burns_at_idle() -> None:
    long = np.concatenate([world.town_and_country(**GOOD), world.stop(1_800)])

    litres, _ = _litres(long)

    omega = world.IDLE_RPM * 2 * np.pi / 60
    watts = world.AUXILIARY_W + world.FRICTION_NM * omega
    per_hour = watts * 3600 / (world.EFFICIENCY * world.DIESEL_J_L)
    # A minute is nobody's fault; the others are peers that idle no longer than that at all.
    assert litres["idling"] == pytest.approx(per_hour * (1_800 - 60 + 20) / 3600, rel=0.05)


@settings(max_examples=15, deadline=None)
@given(st.integers(120, 3_000), st.integers(10, 2_000))
def test_more_idling_never_saves(seconds: int, more: int) -> None:
    drive = world.town_and_country(**GOOD, times=3)

    some, _ = _litres(np.concatenate([drive, world.stop(seconds)]))
    most, _ = _litres(np.concatenate([drive, world.stop(seconds + more)]))

    assert most["idling"] > some["idling"]


def test_speed_costs_air() -> None:
    litres, burnt = _litres(world.town_and_country(**{**GOOD, "speed": 25.0}))

    slow, _ = _litres(world.town_and_country(**GOOD))
    force = 0.5 * world.AIR * world.DRAG_M2 * (25.0**2 - 22.0**2)
    way_m = 8 * 300 * 25.0
    least = force * way_m / (world.DRIVELINE * world.EFFICIENCY * world.DIESEL_J_L)
    assert litres["speed"] > 0.8 * least
    assert litres["speed"] < 0.2 * burnt
    assert slow["speed"] < 0.005 * burnt


def test_a_truck_in_low_gears_loses_in_gears_alone() -> None:
    litres, burnt = _litres(world.town_and_country(**GOOD), world.Truck(least_rpm=1_500.0))

    assert litres["gears"] > 0.05 * burnt
    assert litres["gears"] == max(litres.values())


def test_late_braking_is_coasting_not_used() -> None:
    litres, burnt = _litres(world.town_and_country(**{**GOOD, "brake": 0.75}))

    assert litres["coasting"] > 0.02 * burnt
    assert litres["coasting"] == max(litres.values())


def test_an_emergency_braking_costs_the_speed_that_is_taken_up_again() -> None:
    calm = world.town_and_country(**GOOD)
    at = int(np.flatnonzero(calm == 22.0)[150])
    dip = np.concatenate([world.ramp(22.0, 7.0, 5.0), world.ramp(7.0, 22.0, 0.5)])
    hasty = np.concatenate([calm[:at], dip, calm[at:]])

    litres, _ = _litres(hasty)

    kinetic = 0.5 * world.MASS_KG * (22.0**2 - 7.0**2)
    least = kinetic / (world.DRIVELINE * world.EFFICIENCY * world.DIESEL_J_L)
    # Meanwhile it rolled a little way without the engine.
    assert litres["harsh"] == pytest.approx(least, rel=0.35)


def test_who_brakes_late_for_a_bend_would_not_have_driven_through_it_at_full_speed() -> None:
    """A dip is an emergency only where the vehicle braked as in one; else the road asked for it."""
    calm = world.town_and_country(**GOOD)
    at = int(np.flatnonzero(calm == 22.0)[150])

    def harsh(braking: float) -> float:
        bend = [world.ramp(22.0, 7.0, braking), np.full(10, 7.0), world.ramp(7.0, 22.0, 0.5)]
        return _litres(np.concatenate([calm[:at], *bend, calm[at:]]))[0]["harsh"]

    assert 0.0 < harsh(2.8) < 0.5 * harsh(5.0)


def test_a_drive_in_many_parts_costs_what_it_costs_in_one() -> None:
    """Parts on which a hurried driver burnt less than a calm one are set off against the others."""
    speed = world.town_and_country(speed=22.0, brake=1.4, pull=1.2)
    rows = world.signals_of(speed, slope=world.waves(len(speed)))
    samples = fuel_samples(rows)
    edges = pd.DatetimeIndex(rows.index)[np.linspace(0, len(rows) - 1, 40).astype(int)]
    many = pd.DataFrame({"part_start": edges[:-1], "end_time": edges[1:] - pd.Timedelta("1us")})

    whole, cut = (
        attribute(
            samples,
            calibrate(day_statistics(samples)),
            REFERENCE.of("LVBV3JBB", "heavy_truck"),
            parts,
        )
        .groupby("cause")["litres"]
        .sum()
        for parts in (_part(rows), many)
    )

    assert whole["harsh"] > 0
    for cause in ("harsh", "coasting", "gears", "speed"):
        assert cut[cause] == pytest.approx(whole[cause], rel=0.02, abs=1e-6), cause


def test_soft_tyres_cost_rolling_resistance() -> None:
    soft = world.Truck(rolling=world.ROLLING * 0.8**-0.4)
    speed = world.town_and_country(**GOOD)
    pressed = {"tyre_pressure_axle1_left": 850.0, "tyre_pressure_axle2_left_outer": 850.0}
    peers = _with_tyres(pressed)
    rows = world.signals_of(speed, truck=soft, slope=world.waves(len(speed)))
    rows = rows.assign(**{name: 0.8 * kpa for name, kpa in pressed.items()})
    samples = fuel_samples(rows)

    found = attribute(
        samples,
        calibrate(day_statistics(samples)),
        peers.of("LVBV3JBB", "heavy_truck"),
        _part(rows),
    ).set_index("cause")["litres"]

    firm, soft_l = (
        drive_of(
            fuel_samples(world.signals_of(speed, truck=each, slope=world.waves(len(speed))))
        ).fuel_l.sum()
        for each in (world.Truck(), soft)
    )
    assert found["tyres"] == pytest.approx(soft_l - firm, rel=0.15)


def test_a_hot_tyre_is_no_full_one() -> None:
    """Gas law: filled to 850 kPa at 20 °C, a tyre shows 972 at 57 °C."""
    place = "tyre_pressure_axle1_left"
    inside = place.replace("pressure", "temperature")
    peers = _with_tyres({place: 850.0, inside: 20.0})
    speed = world.town_and_country(**GOOD)
    rows = world.signals_of(speed, slope=world.waves(len(speed)))

    def tyres(kpa: float, inside_c: float) -> float:
        samples = fuel_samples(rows.assign(**{place: kpa, inside: inside_c}))
        own = calibrate(day_statistics(samples))
        found = attribute(samples, own, peers.of("LVBV3JBB", "heavy_truck"), _part(rows))
        return float(found.set_index("cause")["litres"]["tyres"])

    hot = (850.0 + 101.3) * (57.0 + 273.15) / (20.0 + 273.15) - 101.3
    assert tyres(hot, 57.0) == pytest.approx(0.0, abs=1e-3)
    assert tyres(850.0, 57.0) > 0.01


def _with_tyres(pressures: dict[str, float]) -> Reference:
    speed = world.town_and_country(**GOOD)
    rows = world.signals_of(speed, slope=world.waves(len(speed))).assign(**pressures)
    stats = day_statistics(fuel_samples(rows))
    return learn_reference(
        pd.DataFrame(
            {
                "vehicle": range(8),
                "vehicle_class": "heavy_truck",
                "group": "LVBV3JBB",
                "stats": [stats] * 8,
            }
        )
    )


def test_what_a_wandering_foot_burns_beyond_a_steady_one_is_cruise_not_used() -> None:
    begin = [world.stop(60), world.ramp(0.0, 22.0, 0.5), np.full(60, 22.0)]
    steady = np.concatenate([*begin, np.full(2_000, 22.0)])
    # 3 km/h to either side, there and back in 22 s.
    wave = 0.85 * np.sin(2 * np.pi * np.arange(2_000) / 22.0)
    wandering = np.concatenate([*begin, 22.0 + wave])

    def driven(speed: Floats, *, cruise: bool) -> tuple[float, float]:
        rows = world.signals_of(speed, cruise=cruise)
        samples = fuel_samples(rows)
        own, peers = calibrate(day_statistics(samples)), default_reference().of(None, "heavy_truck")
        return float(_causes_of(rows, own, peers)["cruise"]), drive_of(samples).fuel_l.sum()

    found, burnt = driven(wandering, cruise=False)
    none, least = driven(steady, cruise=False)
    more = 1.0 - figures()["reference"]["heavy_truck"]["cruise"]
    assert burnt - least > 0.3
    assert found == pytest.approx(more * (burnt - least), rel=0.1)
    assert none == pytest.approx(0.0, abs=1e-4)
    assert driven(wandering, cruise=True)[0] == 0.0


def test_what_cruise_control_sways_itself_is_not_the_foots_loss() -> None:
    """Over hills the speed of cruise control is not even, either."""
    begin = np.concatenate([world.stop(60), world.ramp(0.0, 22.0, 0.5), np.full(60, 22.0)])

    def rows_of(sway: float, *, cruise: bool) -> pd.DataFrame:
        wave = sway * np.sin(2 * np.pi * np.arange(2_000) / 22.0)
        return world.signals_of(np.concatenate([begin, 22.0 + wave]), cruise=cruise)

    def peers_of(sway: float) -> Peers:
        stats = [day_statistics(fuel_samples(rows_of(sway, cruise=True)))] * 8
        told = {"vehicle": range(8), "vehicle_class": "heavy_truck", "group": None, "stats": stats}
        return learn_reference(pd.DataFrame(told)).of(None, "heavy_truck")

    even, uneven = peers_of(0.0), peers_of(0.85)
    found = {}
    for sway in (0.85, 1.2):
        rows = rows_of(sway, cruise=False)
        own = calibrate(day_statistics(fuel_samples(rows)))
        found[sway] = [float(_causes_of(rows, own, peers)["cruise"]) for peers in (even, uneven)]
    assert even.kept_j_tkm == pytest.approx(0.0, abs=1.0)
    assert uneven.kept_j_tkm > 1_000.0
    # Who sways no more than cruise control loses nothing, and who does loses what it is more.
    assert found[0.85][0] > 0.3
    assert found[0.85][1] < 0.05 * found[0.85][0]
    assert found[1.2][1] == pytest.approx(found[1.2][0] - found[0.85][0], rel=0.1)


def test_a_foot_that_is_held_up_or_brakes_hard_wanders_not() -> None:
    def drive(down: float, wait: int, *, silent: bool = False) -> float:
        dip = [world.ramp(23.5, 20.5, down), np.full(wait, 20.5), world.ramp(20.5, 23.5, 0.3)]
        begin = [world.stop(60), world.ramp(0.0, 23.5, 0.5), np.full(600, 23.5)]
        rows = world.signals_of(np.concatenate([*begin, *([*dip, np.full(60, 23.5)] * 20)]))
        slowest = rows["wheel_speed"].diff().shift(-1).gt(0) & rows["wheel_speed"].diff().le(0)
        if silent:  # half an hour without data between slowing down and what comes after
            rows.index += pd.to_timedelta(1800 * slowest.shift(fill_value=False).cumsum(), unit="s")
        samples = fuel_samples(rows)
        own, peers = calibrate(day_statistics(samples)), default_reference().of(None, "heavy_truck")
        return float(_causes_of(rows, own, peers)["cruise"])

    assert drive(0.6, 0) > 0.05
    # A minute at the lower speed is not the foot's doing, and nobody wanders at 3 m/s².
    assert drive(0.6, 60) < 0.2 * drive(0.6, 0)
    assert drive(3.0, 0) < 0.03 * drive(0.6, 0)
    # Who was not seen meanwhile may have stood.
    assert drive(0.6, 0, silent=True) < 0.03 * drive(0.6, 0)


def test_cruise_control_unused_on_one_drive_of_two_may_be_chance() -> None:
    """The same litres, surer the more drives they are of; a throw of a coin tells none."""
    wave = 0.85 * np.sin(2 * np.pi * np.arange(1_500) / 22.0)
    wandering = np.concatenate([world.stop(700), world.ramp(0.0, 22.0, 0.5), 22.0 + wave])
    published = default_reference().of(None, "heavy_truck")

    def driven(drives: int, by_foot: int) -> dict[str, float]:
        rows = world.signals_of(np.concatenate([wandering] * drives))
        part = len(rows) // drives
        rows["cruise_active"] = np.arange(len(rows)) >= by_foot * part
        samples = fuel_samples(rows)
        own = calibrate(day_statistics(samples))
        assert habits.drives(own.style) == pytest.approx(drives, rel=0.05)
        found = attribute(samples, own, published, _part(rows))
        row = found[found["cause"] == "cruise"].iloc[0]
        return {name: float(row[name]) for name in ("litres", "low_l", "high_l")}

    one, four, eight, half = driven(1, 1), driven(4, 4), driven(8, 8), driven(4, 2)
    assert (one["low_l"], half["low_l"]) == (0.0, 0.0)
    assert min(one["litres"], half["litres"]) > 0.1
    parts = [told["low_l"] / told["litres"] for told in (four, eight)]
    assert 0.2 < parts[0] < parts[1] < 0.8
    # Chance may have made a habit seem worse, never better: it did cost what it cost.
    highs = [told["high_l"] / told["litres"] for told in (four, eight)]
    assert highs[0] == pytest.approx(highs[1], rel=0.01)


def _causes_of(rows: pd.DataFrame, own: Calibration, peers: Peers) -> pd.Series:
    """Litres by cause of all that was driven."""
    found = attribute(fuel_samples(rows), own, peers, _part(rows))
    return found.set_index("cause")["litres"]


def test_auxiliaries_that_take_more_than_the_peers_cost_it() -> None:
    speed = world.town_and_country(**GOOD)

    litres, burnt = _litres(speed, world.Truck(auxiliary_w=9_000.0))
    _, usual = _litres(speed)

    assert litres["auxiliary"] == pytest.approx(burnt - usual, rel=0.1)


def test_an_engine_that_burns_more_than_it_used_to_is_a_fault() -> None:
    speed = world.town_and_country(**GOOD)
    before = fuel_samples(world.signals_of(speed, slope=world.waves(len(speed))))
    baseline = calibrate(day_statistics(before))

    litres, burnt = _litres(speed, world.Truck(efficiency=0.95 * world.EFFICIENCY), baseline)
    sound, _ = _litres(speed, None, baseline)

    assert litres["fault"] == pytest.approx(0.05 * burnt, rel=0.1)
    assert sound["fault"] == 0.0


def test_parts_share_what_the_whole_costs() -> None:
    speed = world.town_and_country(**{**GOOD, "speed": 25.0, "brake": 0.8}, times=8)
    rows = world.signals_of(speed, slope=world.waves(len(speed)))
    samples = fuel_samples(rows)
    calibration = calibrate(day_statistics(samples))
    peers = REFERENCE.of("LVBV3JBB", "heavy_truck")
    middle = rows.index[len(rows) // 2]
    halves = pd.DataFrame(
        {
            "part_start": [rows.index[0], middle],
            "end_time": [middle - pd.Timedelta("1s"), rows.index[-1]],
        }
    )

    whole = attribute(samples, calibration, peers, _part(rows))
    apart = attribute(samples, calibration, peers, halves)

    assert apart.groupby("cause")["litres"].sum().sum() == pytest.approx(
        whole["litres"].sum(), rel=0.02
    )
    assert (apart["litres"] >= 0).all()
    assert (apart["low_l"] <= apart["litres"]).all()
    assert (apart["litres"] <= apart["high_l"]).all()


def test_without_peers_only_published_figures_judge() -> None:
    speed = np.concatenate([world.town_and_country(**GOOD), world.stop(3_600)])
    rows = world.signals_of(speed, slope=world.waves(len(speed)))
    samples = fuel_samples(rows)

    found = attribute(
        samples,
        calibrate(day_statistics(samples)),
        default_reference().of("LVBV3JBB", "heavy_truck"),
        _part(rows),
    ).set_index("cause")["litres"]

    assert found["idling"] > 0
    assert found["speed"] == found["gears"] == found["tyres"] == 0


@pytest.mark.parametrize(
    "absent",
    [
        ["road_gradient", "altitude"],
        ["gross_combination_weight"],
        ["fuel_rate"],
        ["fuel_rate", "fuel_used_total"],
        ["speed_limit"],
        ["engine_torque", "engine_friction_torque"],
        ["engine_speed"],
        ["wheel_speed"],
    ],
)
def test_what_is_absent_degrades_and_fails_nothing(absent: list[str]) -> None:
    speed = world.town_and_country(**{**GOOD, "speed": 25.0}, times=3)
    rows = world.signals_of(speed, slope=world.waves(len(speed)))
    rows = rows.drop(columns=[name for name in absent if name in rows])
    samples = fuel_samples(rows)

    found = attribute(
        samples,
        calibrate(day_statistics(samples)),
        REFERENCE.of("LVBV3JBB", "heavy_truck"),
        _part(rows),
    )

    assert np.isfinite(found[["litres", "low_l", "high_l"]]).all().all()
    assert (found["litres"] >= 0).all()


def test_no_parts_are_no_rows() -> None:
    rows = world.signals_of(world.town_and_country(times=1))
    samples = fuel_samples(rows)

    found = attribute(
        samples,
        calibrate(day_statistics(samples)),
        REFERENCE.of(None, "heavy_truck"),
        _part(rows)[:0],
    )

    assert found.empty


def test_a_reference_is_the_same_after_json() -> None:
    told = REFERENCE.to_dict()

    assert Reference.from_dict(told).to_dict() == told


def test_a_reference_of_other_sums_is_refused() -> None:
    """A rate that meant joules a metre must not be read as a share."""
    told = REFERENCE.to_dict()
    others: list[dict[str, Any]] = [
        {**told, "stats_version": STATS_VERSION - 1},
        {"groups": {}, "classes": {}},
    ]

    for other in others:
        with pytest.raises(ValueError, match=f"these are of {STATS_VERSION}"):
            Reference.from_dict(other)
