"""Both kinds of server have the same tables with the same columns: this written list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.catalogue import Catalogue, Kind, Signal, ValueType
from storage.report_writer import REPORT_SIGNALS
from storage.signal_tables import stored_table
from storage.steps import read_steps
from tests.samples.storage_samples import rows_table

if TYPE_CHECKING:
    from schemas.catalogue import Catalogue, Signal
    from tests.servers.database_fixture import Migrated

RELATIONS = {
    "access_log": "entry_id at party_id subject role method route vins driver_ids fleet_id purpose"
    " address status reads dataset_id",
    "access_log_loss": "since until reads",
    "account": "account_id party_id role name password_hash driver_id created_at disabled_at",
    "accumulated": "vehicle_id layout_version newest_day total served corrections corrected"
    " updated_at",
    "accumulated_at": "vehicle_id until layout_version counters",
    "accumulated_day": "vehicle_id day increments method_version",
    "advice": "advice_id vehicle_id driver_id week time_zone start_time end_time cause variant"
    " saving_l low_l high_l distance_km fuel_l confidence effort facts evidence status status_at"
    " given_at method_version",
    "advice_result": "advice_id weeks_before weeks_after saved_l_per_100km low high saved_l low_l"
    " high_l verdict measured_at",
    "api_key": "key_hash prefix party_id role name scopes created_at expires_at revoked_at",
    "browser_session": "session_hash family_id used_at idle",
    "care_handled": "party_id vehicle_id reasons handled_at handled_by",
    "cell": "cell regions is_here",
    "client": "client_id party_id role name scopes created_at disabled_at",
    "client_secret": "secret_hash client_id created_at expires_at",
    "dataset": "dataset_id defined_by for_party name purpose valid data signals resolution_s"
    " grid_deg with_trips with_events created_at ended_at",
    "dataset_key": "dataset_id key",
    "dataset_rule": "only_row min_vehicles finest_grid_deg",
    "dataset_vehicle": "dataset_id pseudonym vehicle_id",
    "drive_span": "vehicle_id start_time end_time driving_s driver_id method_version",
    "driver": "driver_id card_id party_id name first_seen employed",
    "driver_change": "vehicle_id time slot card_id",
    "driving_event": "vehicle_id kind start_time end_time driver_id trip_start peak peak_time"
    " limit_value severity speed_km_h distance_km fuel_l latitude longitude window_start"
    " window_end method_version",
    "erased_person": "person_hash erased_at",
    "erased_span": "vehicle_id span erasure_id done",
    "erasure": "erasure_id kind subject_hash asked_by began_at ended_at counts",
    "erasure_key": "one key",
    "export_purpose": "purpose key created_at",
    "fleet": "fleet_id party_id name time_zone",
    "fleet_vehicle": "fleet_id vehicle_id member",
    "fuel_cause": "vehicle_id part_start cause litres low_l high_l",
    "fuel_part": "vehicle_id trip_start part_start end_time driver_id time_zone day week"
    " distance_km fuel_l fuel_source counter_l rate_l tank_l disagreement_percent idle_fuel_l"
    " pto_fuel_l moving_fuel_l regeneration_fuel_l mass_t_km payload_t_km empty_km loaded_km"
    " load_known_km engine_s idle_s driving_s stops ascent_m corridor expected_l expected_low_l"
    " expected_high_l expected_by missing model_id method_version",
    "fuel_price": "party_id price currency set_at",
    "fuel_segment": "vehicle_id day start_time cells layout_version",
    "fuel_stats": "vehicle_id day stats stats_version",
    "ingest_count": "day topic partition measure key count",
    "ingest_offset": "cluster_id topic_id partition topic next_offset updated_at",
    "kept_answer": "key_hash request_hash begun_at status headers body",
    "model": "model_id kind created_at data_from data_to code_version note metrics reference"
    " checksum body stage evaluation inputs dataset markdown run_id module",
    "model_change": "change_id model_id stage changed_at reason",
    "model_drift": "model_id week of_what name value low high reference limit_value drifted"
    " vehicles rows computed_at",
    "model_error": "model_id vehicle_id day worked rows actual signed absolute",
    "party": "party_id kind name created_at",
    "provider_session": "session_hash subject party_id role driver_id scopes began_at expires_at"
    " used_at idle",
    "refresh_token": "token_hash family_id issued_at expires_at used_at",
    "refused_value": "refused_id vehicle_id time signal_id value",
    "revoked_token": "token_id expires_at",
    "rollup": "name bucket_s relation",
    "schema_version": "version name applied_at works_with",
    "score": "subject_kind subject_id start_time end_time week time_zone vehicle_class band score"
    " low high grade reason missing difficulty difficulty_missing reference distance_km n_trips"
    " past_score change change_low change_high past_weeks trend method_version",
    "score_part": "subject_kind subject_id start_time metric value value_low value_high worst best"
    " reference peers metric_score weight points points_lost",
    "score_reference": "week vehicle_class band metric worst best source peers method_version",
    "service_done": "vehicle_id done_at odometer_km engine_h noted_at",
    "service_plan": "service_plan_id vehicle_class model every_km every_h every_days",
    "service_point": "service_point_id code party_id name latitude longitude address phone"
    " opening_hours services updated_at",
    "sign_in": "family_id account_id client_id scopes began_at expires_at ended_at ended_by",
    "signal": "signal_id name path signal_group position kind type unit since of_driver",
    "signal_step": "name signal_group step",
    "tank_event": "vehicle_id start_time end_time kind litres low_l high_l level_before_l"
    " level_after_l latitude longitude method_version",
    "touched_day": "vehicle_id day touched analysed rolled_up analysed_by",
    "touched_duty": "driver_id vehicle_id start_time end_time touched",
    "touched_fuel_week": "vehicle_id week touched worked worked_by advised advised_days",
    "touched_week": "vehicle_id week touched scored scored_by",
    "trip": "vehicle_id start_time end_time distance_km duration_s idle_s fuel_l idle_fuel_l"
    " l_per_100km max_speed_kmh start_latitude start_longitude end_latitude end_longitude"
    " distance_source fuel_source method_version kind driving_s stop_count driver_id",
    "trip_part": "vehicle_id trip_start part_start end_time driver_id time_zone week driving_s"
    " distance_km engine_s idle_s pto_s cruise_s cruise_known_s coasting_s coasting_known_s"
    " high_torque_s high_torque_known_s green_band_s green_band_known_s brakings late_brakings"
    " overspeed_s overspeed_known_s harsh_brakings harsh_accelerations harsh_cornerings"
    " harsh_known_km retarder_s service_brake_s fuel_l fuel_known_km mass_t_km mass_known_km"
    " ascent_m ascent_known_km stops night_s method_version",
    "trouble_code": "vehicle_id time spn fmi source_address lamp count active",
    "vehicle": "vehicle_id vin check_digit_ok model registered_by registered_at vehicle_class"
    " plate region",
    "vehicle_access": "access_id party_id vehicle_id purpose valid data granted_at granted_by"
    " ended_at",
    "vehicle_elsewhere": "vin cell",
    "vehicle_event": "vehicle_id time trigger_type detail",
    "vehicle_report": "report_id vehicle_id trigger_type created_time received_time latitude"
    " longitude altitude heading gnss_speed wheel_speed engine_speed odometer fuel_used_total"
    " engine_hours gross_combination_weight fuel_level_1 ambient_temperature driver1_card_id"
    " derived detail position_time values_from driver2_card_id tachograph_speed fuel_level_2"
    " reagent_level fuel_range driver1_working_state driver2_working_state park_brake axle1_weight"
    " axle2_weight axle3_weight trailer_connected trailer_axle1_weight trailer_axle2_weight"
    " trailer_axle3_weight service_distance coolant_temperature brake_circuit_1_pressure"
    " brake_circuit_2_pressure alternator_charging bellow_pressure_front_left"
    " bellow_pressure_front_right bellow_pressure_rear_left bellow_pressure_rear_right"
    " tell_tale_red tell_tale_amber tell_tale_mil tell_tale_protect fuel_level_low"
    " reagent_level_low service_due dpf_lamp trailer_abs_warning light_high_beam light_low_beam"
    " light_hazard light_fog_front light_fog_rear light_parking parking_heater",
    "vehicle_state": "vehicle_id signal_group time values times updated_at",
    "webhook": "webhook_id party_id name url kinds least_severity fleet_id vehicle_ids language"
    " secret old_secret old_secret_until created_at disabled_at disabled_by failures failing_since"
    " last_error last_success_at retry_at answered_in_s leased_by leased_until",
    "webhook_delivery": "delivery_id webhook_id message_id subject source kind vehicle_id at"
    " number state attempts tries queued_at due_at attempted_at delivered_at last_status"
    " last_error",
}
TYPES = {
    ValueType.REAL: "real",
    ValueType.DOUBLE: "double precision",
    ValueType.SMALLINT: "smallint",
    ValueType.INTEGER: "integer",
    ValueType.BIGINT: "bigint",
    ValueType.BOOLEAN: "boolean",
}


def figures(signal: Signal) -> list[tuple[str, str]]:
    """What a rollup keeps of a signal."""
    own = TYPES[signal.type]
    mean = "double precision" if own in ("double precision", "integer", "bigint") else "real"
    if signal.kind is Kind.COUNTER:
        kept = {"min": own, "max": own}
    elif signal.type is ValueType.BOOLEAN:
        kept = {"n": "integer", "avg": "real"}
    elif signal.kind is Kind.STATE:
        kept = {"last": own}
    else:
        kept = {"n": "integer", "avg": mean, "min": own, "max": own}
    return [(f"{signal.name}_{suffix}", type_) for suffix, type_ in kept.items()]


def derived(catalogue: Catalogue) -> dict[str, list[tuple[str, str]]]:
    """The columns of the signal tables and rollups, sorted by name."""
    vehicle = ("vehicle_id", "bigint")
    moment = "timestamp with time zone"
    found = {}
    for name, group in catalogue.groups.items():
        raw = [(signal.name, TYPES[signal.type]) for signal in group.signals]
        found[f"signal_{name}"] = sorted([vehicle, ("time", moment), *raw])
        widths = ("1m", "1h") if name in ("motion", "location") else ("1h",)
        kept = [figure for signal in group.signals for figure in figures(signal)]
        for width in widths:
            found[f"signal_{name}_{width}"] = sorted([vehicle, ("bucket", moment), *kept])
    return found


def in_steps(database: Migrated) -> dict[str, list[tuple[str, str]]]:
    """The columns of the tables of steps, sorted by name; on plain PostgreSQL there are none."""
    kept = read_steps(database.connection)
    return {
        stored_table(group, kept): sorted(
            [
                *derived(database.catalogue)[f"signal_{group}"],
                *((f"{name}__steps", "integer") for name in names),
            ]
        )
        for group, names in kept.items()
    }


def columns(database: Migrated) -> dict[str, list[tuple[str, str]]]:
    rows = database.connection.execute(
        "SELECT relname, attname, format_type(atttypid, atttypmod)"
        " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'telemetry'::regnamespace AND relkind IN ('r', 'p', 'v')"
        " AND NOT relispartition AND attnum > 0 AND NOT attisdropped ORDER BY relname, attnum"
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for relation, column, type_ in rows:
        found.setdefault(relation, []).append((column, type_))
    return found


def test_the_relations_are_those_of_the_list_and_of_the_catalogue(migrated: Migrated) -> None:
    known = RELATIONS.keys() | derived(migrated.catalogue).keys() | in_steps(migrated).keys()
    assert columns(migrated).keys() == known


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_fixed_table_has_its_columns(migrated: Migrated, relation: str) -> None:
    assert [name for name, _ in columns(migrated)[relation]] == RELATIONS[relation].split()


def test_signal_tables_and_rollups_have_the_columns_of_the_catalogue(migrated: Migrated) -> None:
    found = columns(migrated)
    for relation, expected in (derived(migrated.catalogue) | in_steps(migrated)).items():
        assert sorted(found[relation]) == expected, relation


def test_reports_have_a_column_for_each_signal_they_carry(migrated: Migrated) -> None:
    assert set(REPORT_SIGNALS) < {name for name, _ in columns(migrated)["vehicle_report"]}
    assert set(REPORT_SIGNALS) < set(migrated.catalogue.by_name)


def test_a_signal_row_is_known_by_vehicle_and_time(migrated: Migrated) -> None:
    keys = migrated.connection.execute(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'p' AND connamespace = 'telemetry'::regnamespace"
        " AND conrelid::regclass::text = ANY (%s)",
        ([rows_table(migrated.connection, group) for group in migrated.catalogue.groups],),
    ).fetchall()
    assert len(keys) == len(migrated.catalogue.groups)
    assert {definition for _, definition in keys} == {'PRIMARY KEY (vehicle_id, "time")'}
