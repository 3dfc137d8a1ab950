"""The catalogue that ships: that it holds what the platform and its users rely on."""

import re

import pytest

from schemas.catalogue import (
    GROUP_NAMES,
    MAX_GROUP_WIDTH,
    CatalogueError,
    Kind,
    Origin,
    ValueType,
    default,
)

# What analysis, the simulator and rFMS read by name, in the group where they look for it.
RELIED_ON = {
    "motion": """
        wheel_speed tachograph_speed engine_speed engine_torque engine_demand_torque
        engine_friction_torque engine_reference_torque engine_load accelerator_pedal
        kickdown_switch idle_switch brake_switch brake_pedal clutch_switch park_brake
        cruise_active cruise_set_speed cruise_state pto_state retarder_torque gear_current
        gear_selected gear_ratio fuel_rate fuel_economy output_shaft_speed
        longitudinal_acceleration lateral_acceleration yaw_rate steering_angle ignition_on
        engine_running odometer fuel_used_total gross_combination_weight coolant_temperature
        ambient_temperature barometric_pressure seat_belt_driver tell_tale_red overspeed
        abs_active asr_active reverse driver1_working_state driver2_working_state driver1_present
        driver2_present
    """,
    "location": "latitude longitude altitude heading gnss_speed road_gradient satellites hdop pdop",
    "fuel_aftertreatment": "fuel_level_1 fuel_level_2 reagent_level nox_inlet nox_outlet",
    "counters": "engine_hours idle_hours idle_fuel service_distance",
}

# SAE J1939-71: parameter group, its parameters, the resolution in our unit where it is the same.
J1939: dict[int, dict[int, float]] = {
    61444: {190: 0.125, 512: 1, 513: 1, 899: 1},
    61443: {91: 0.4, 92: 1, 558: 1},
    65247: {514: 1},
    65265: {84: 1 / 256, 86: 1, 595: 1, 597: 1, 598: 1, 70: 1, 527: 1, 976: 1},
    65262: {110: 1, 174: 1, 175: 1 / 32},
    65263: {100: 4, 98: 0.4, 111: 0.4},
    65266: {183: 0.05, 184: 1 / 512, 185: 1 / 512},
    65257: {182: 0.5, 250: 0.5},
    64777: {5054: 0.001},
    65253: {247: 0.05},
    65244: {235: 0.05, 236: 0.5},
    65217: {917: 0.005, 918: 0.005},
    65248: {245: 0.125},
    65276: {96: 0.4, 38: 0.4},
    65269: {171: 1 / 32, 108: 0.5},
    65270: {102: 2, 105: 1, 107: 0.05, 173: 1 / 32},
    61450: {132: 0.05, 2659: 0.05},
    61445: {523: 1, 524: 1, 526: 0.001},
    61442: {191: 0.125, 560: 1, 573: 1, 574: 1},
    61440: {520: 1},
    61441: {521: 0.4, 561: 1, 563: 1},
    61449: {1809: 1 / 2048, 1810: 0.1},
    65132: {1624: 1 / 256, 1612: 1, 1613: 1},
    65136: {1760: 10},
    65258: {582: 0.5, 180: 2},
    65198: {1087: 8, 1088: 8},
    65110: {1761: 0.4, 3031: 1},
    61454: {3216: 0.05},
    61455: {3226: 0.05},
    64946: {3251: 0.1},
    64891: {3719: 1, 3720: 1},
    65272: {177: 1 / 32, 127: 16},
    65271: {168: 0.05, 158: 0.05, 167: 0.05},
    65251: {544: 1, 188: 0.125},
    65216: {914: 5},
    65268: {241: 4, 242: 1 / 32},
    65256: {165: 1 / 128, 580: 0.125},
}


def test_it_holds_the_signals_of_a_whole_truck() -> None:
    assert len(default().signals) >= 420  # what a frame of a truck carries


def test_signals_are_ordered_by_id_and_the_version_is_the_newest_signals() -> None:
    catalogue = default()
    ids = [signal.id for signal in catalogue.signals]
    assert ids == sorted(set(ids))
    assert catalogue.version == max(signal.since for signal in catalogue.signals)


def test_every_group_has_signals_and_room_in_its_table() -> None:
    groups = default().groups
    assert tuple(groups) == GROUP_NAMES
    assert all(0 < len(group.signals) <= MAX_GROUP_WIDTH for group in groups.values())
    assert sum(len(group.signals) for group in groups.values()) == len(default().signals)


def test_only_motion_and_location_come_every_second() -> None:
    fast = {signal.group for signal in default().signals if signal.period_s < 10}
    assert fast == {"motion", "location"}
    assert {name for name, group in default().groups.items() if group.period_s == 1} == fast


def test_an_upload_of_ten_seconds_holds_about_sixty_fast_signals() -> None:
    fast = sum(signal.period_s == 1 for signal in default().signals)
    assert 60 <= fast <= 75  # the sizing of ingest and storage counts on it


@pytest.mark.parametrize("group", RELIED_ON)
def test_names_others_rely_on_lie_in_their_group(group: str) -> None:
    names = {signal.name for signal in default().groups[group].signals}
    assert set(RELIED_ON[group].split()) <= names


def test_parameter_groups_and_resolutions_are_those_of_sae_j1939() -> None:
    expected = {(pgn, spn): step for pgn, spns in J1939.items() for spn, step in spns.items()}
    found = {
        (signal.pgn, signal.spn): signal.resolution
        for signal in default().signals
        if (signal.pgn, signal.spn) in expected
    }
    assert found == pytest.approx(expected, rel=1e-9)


def test_one_parameter_number_belongs_to_one_parameter_group() -> None:
    pairs = {(signal.spn, signal.pgn) for signal in default().signals if signal.spn is not None}
    assert len({spn for spn, _ in pairs}) == len(pairs)


def test_what_vss_defines_is_marked_so_and_what_it_lacks_is_ours() -> None:
    by_path = default().by_path
    for path in (
        "Vehicle.Speed",
        "Vehicle.TraveledDistance",
        "Vehicle.CurrentLocation.Latitude",
        "Vehicle.Chassis.Axle.Row1.Wheel.Left.Tire.Pressure",
        "Vehicle.Powertrain.CombustionEngine.DieselExhaustFluid.Level",
    ):
        assert by_path[path].origin is Origin.VSS
    ours = re.compile(r"Vehicle\.(Tachograph|Powertrain\.(Retarder|PTO)|Chassis\.AirSupply)\.")
    overlay = [signal for signal in default().signals if ours.match(signal.path)]
    assert overlay
    assert all(signal.origin is Origin.OVERLAY for signal in overlay)


def test_position_distance_fuel_and_hours_are_wide_and_nothing_at_one_hertz_else_is() -> None:
    wide = {signal.name for signal in default().signals if signal.wide and signal.period_s == 1}
    assert wide == {"latitude", "longitude", "odometer", "fuel_used_total"}
    assert all(
        default().by_name[name].wide for name in ("engine_hours", "idle_fuel", "engine_starts")
    )


def test_counters_start_at_zero_and_are_wide() -> None:
    counters = [signal for signal in default().signals if signal.kind is Kind.COUNTER]
    assert counters
    assert all(signal.minimum == 0 and signal.wide for signal in counters)


def test_switches_are_states() -> None:
    switches = [signal for signal in default().signals if signal.type is ValueType.BOOLEAN]
    assert switches
    assert all(signal.kind is Kind.STATE for signal in switches)


def test_every_code_of_an_enumeration_is_explained_in_both_languages() -> None:
    for signal in default().signals:
        if signal.type is ValueType.SMALLINT and signal.unit == "" and "gear" not in signal.name:
            for description in (signal.description_en, signal.description_zh):
                assert re.search(r"\b0 \w+", description), signal.name


def test_chinese_descriptions_are_chinese() -> None:
    for signal in default().signals:
        assert re.search(r"[\u4e00-\u9fff]", signal.description_zh), signal.name
        assert not re.search(r"[\u4e00-\u9fff]", signal.description_en), signal.name


def test_signals_of_the_driver_are_known_by_their_names_as_by_their_paths() -> None:
    """The database hides them by name: column `of_driver` of its table of signals."""
    paths = ("Vehicle.Driver.", "Vehicle.Tachograph.Driver", "Vehicle.ADAS.DMS.")
    by_path = [signal.name for signal in default().signals if signal.path.startswith(paths)]
    by_name = [one.name for one in default().signals if re.match(r"driver[12]?_", one.name)]
    assert by_path == by_name != []


def test_no_two_signals_are_described_alike() -> None:
    for attribute in ("description_en", "description_zh"):
        texts = [getattr(signal, attribute) for signal in default().signals]
        assert len(set(texts)) == len(texts)


def test_a_signal_is_found_by_name_by_path_and_by_id() -> None:
    catalogue = default()
    odometer = catalogue.by_name["odometer"]
    assert catalogue.resolve("odometer") is odometer
    assert catalogue.resolve("Vehicle.TraveledDistance") is odometer
    assert catalogue.by_id[odometer.id] is odometer


def test_a_misspelt_name_gets_the_closest_ones() -> None:
    with pytest.raises(CatalogueError, match=r"'odometre'.*did you mean odometer\?"):
        default().resolve("odometre")


def test_a_name_like_no_other_gets_the_way_to_search() -> None:
    with pytest.raises(CatalogueError, match="telemetry catalogue --search"):
        default().resolve("xyzzy")
