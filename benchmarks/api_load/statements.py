"""The SQL that fills the benchmark's database: what analysis would have found, laid out by sums.

Signals and states are rows of simulated trucks, dealt out. What analysis derives is made up: its
content costs the API nothing, only its shape and number do, and these are a fleet's: four trips a
day, five events a trip, a score a week, fuel with ten causes a trip, two pieces of advice a week.
"""

from __future__ import annotations

TRIPS = 4
TRIP_MINUTES = 110
"""Each followed by ten minutes of rest: eight hours in which the engine runs, nearly."""

RUNNING_MINUTES = TRIPS * (TRIP_MINUTES + 10)

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS load;
CREATE TABLE IF NOT EXISTS load.vehicle (
    n integer PRIMARY KEY, vehicle_id bigint NOT NULL, vin text NOT NULL, driver_id bigint NOT NULL,
    owner_id bigint NOT NULL, fleet_id bigint NOT NULL, start_minute integer NOT NULL,
    is_dense boolean NOT NULL
);
CREATE TABLE IF NOT EXISTS load.filled (step text PRIMARY KEY);
"""

PARTIES = """
INSERT INTO party (kind, name)
SELECT 'owner', format('Haulage %%s', n) FROM generate_series(1, %(owners)s::integer) AS n
UNION ALL SELECT 'dealer', format('Truck Centre %%s', n) FROM generate_series(1, 5) AS n
UNION ALL SELECT 'service_provider', format('Workshop %%s', n) FROM generate_series(1, 4) AS n
UNION ALL SELECT 'maker', 'Truck Maker';

INSERT INTO fleet (party_id, name)
SELECT party_id, 'Line haul' FROM party WHERE kind = 'owner';

INSERT INTO vehicle (vin, check_digit_ok, model, registered_by, plate, region)
SELECT vin, true, (ARRAY['J6P 6x4', 'J7 6x4', 'JH6 4x2'])[n %% 3 + 1], 'register',
       format('沪A%%s', 10000 + n), 'CN-' || (ARRAY['31', '32', '33', '44'])[n %% 4 + 1]
FROM unnest(%(vins)s::text[]) WITH ORDINALITY AS v (vin, n);

WITH hired AS (
    INSERT INTO driver (card_id, party_id, name)
    SELECT format('CHN%%s', 1000000 + n), owner.party_id, format('Driver %%s', n)
    FROM generate_series(1, cardinality(%(vins)s::text[])) AS n
    JOIN (SELECT party_id, row_number() OVER (ORDER BY party_id) AS place
          FROM party WHERE kind = 'owner') AS owner
      ON owner.place = n %% %(owners)s::integer + 1
    RETURNING driver_id, card_id, party_id
)
INSERT INTO load.vehicle
SELECT v.n, vehicle.vehicle_id, v.vin, hired.driver_id, hired.party_id, fleet.fleet_id,
       (v.n * 37) %% 900, v.n %% 40 = 1
FROM unnest(%(vins)s::text[]) WITH ORDINALITY AS v (vin, n)
JOIN vehicle USING (vin)
JOIN hired ON hired.card_id = format('CHN%%s', 1000000 + v.n)
JOIN fleet ON fleet.party_id = hired.party_id;

INSERT INTO fleet_vehicle (fleet_id, vehicle_id, member)
SELECT fleet_id, vehicle_id, tstzrange(%(first)s::date, NULL) FROM load.vehicle;

INSERT INTO vehicle_access (party_id, vehicle_id, purpose)
SELECT owner_id, vehicle_id, 'ownership' FROM load.vehicle
UNION ALL
SELECT party.party_id, vehicle_id, 'sale' FROM load.vehicle
JOIN party ON party.name = format('Truck Centre %%s', n %% 5 + 1)
UNION ALL
SELECT party.party_id, vehicle_id, 'service' FROM load.vehicle
JOIN party ON party.name = format('Workshop %%s', n %% 8 + 1);
"""

FAST_ROWS = """
INSERT INTO {table} (vehicle_id, time, {columns})
SELECT v.vehicle_id, moment.at, {columns}
FROM load.vehicle AS v
CROSS JOIN LATERAL (
    SELECT %(day)s::date + v.start_minute * interval '1 minute' + s * interval '1 second', s
    FROM generate_series(
        0, {running_s} - 1,
        CASE WHEN v.is_dense AND %(is_last)s::boolean THEN {dense_s} ELSE {step_s} END) AS s
) AS moment (at, s)
JOIN load.template_{table} AS template
  ON template.place = (v.n * 7919 + moment.s) %% %(places)s::integer
WHERE moment.s BETWEEN %(from_s)s AND %(to_s)s
ORDER BY v.n, moment.s
"""

TOUCHED = """
INSERT INTO touched_day (vehicle_id, day, touched, analysed)
SELECT vehicle_id, %(day)s::date, 1, 1 FROM load.vehicle ON CONFLICT DO NOTHING
"""

_TRIP = f"""
FROM load.vehicle AS v
CROSS JOIN generate_series(0, {TRIPS} - 1) AS leg
CROSS JOIN LATERAL (
    SELECT %(day)s::date + (v.start_minute + leg * {TRIP_MINUTES + 10}) * interval '1 minute',
           %(day)s::date + (v.start_minute + leg * {TRIP_MINUTES + 10} + {TRIP_MINUTES})
                           * interval '1 minute'
) AS t (begins, ends)
"""

DERIVED = (
    f"""
INSERT INTO trip (vehicle_id, start_time, end_time, distance_km, duration_s, driving_s, idle_s,
                  stop_count, fuel_l, idle_fuel_l, l_per_100km, max_speed_kmh, start_latitude,
                  start_longitude, end_latitude, end_longitude, distance_source, fuel_source,
                  driver_id, method_version)
SELECT v.vehicle_id, begins, ends, 118.4 + leg, 6600, 6000, 420, 9, 37.9, 0.4, 32.0, 88.5,
       31.2304, 121.4737, 32.0603, 118.7969, 'odometer', 'fuel_used_total', v.driver_id, 1
{_TRIP}""",
    f"""
INSERT INTO trip_part (vehicle_id, trip_start, part_start, end_time, driver_id, time_zone,
                       driving_s, distance_km, engine_s, idle_s, fuel_l, fuel_known_km, stops,
                       method_version)
SELECT v.vehicle_id, begins, begins, ends, v.driver_id, 'Asia/Shanghai', 6000, 118.4, 6500, 420,
       37.9, 118.4, 9, 1
{_TRIP}""",
    f"""
INSERT INTO driving_event (vehicle_id, kind, start_time, end_time, driver_id, trip_start, peak,
                           peak_time, limit_value, severity, speed_km_h, distance_km, fuel_l,
                           latitude, longitude, window_start, window_end, method_version)
SELECT v.vehicle_id,
       (ARRAY['harsh_braking', 'overspeed_road', 'idling', 'coasting', 'late_braking'])[e],
       at, at + interval '9 seconds', v.driver_id, begins, 4.1, at + interval '2 seconds', 3.0,
       e %% 3 + 1, 63.2, 0.04, 0.1, 31.4, 120.9, at - interval '10 seconds',
       at + interval '20 seconds', 1
{_TRIP}
CROSS JOIN generate_series(1, 5) AS e
CROSS JOIN LATERAL (SELECT begins + e * interval '17 minutes') AS moment (at)""",
    f"""
INSERT INTO fuel_part (vehicle_id, trip_start, part_start, end_time, driver_id, time_zone,
                       distance_km, fuel_l, fuel_source, counter_l, rate_l, disagreement_percent,
                       idle_fuel_l, moving_fuel_l, mass_t_km, payload_t_km, loaded_km,
                       load_known_km, engine_s, idle_s, driving_s, stops, corridor, expected_l,
                       expected_low_l, expected_high_l, expected_by, method_version)
SELECT v.vehicle_id, begins, begins, ends, v.driver_id, 'Asia/Shanghai', 118.4, 37.9, 'counter',
       37.9, 38.1, 0.5, 0.4, 37.5, 3400, 1900, 118.4, 118.4, 6500, 420, 6000, 9,
       format('31.25N121.40E>%%sN118.80E', 30 + v.n %% 30), 35.0, 33.0, 37.0, 'model', 1
{_TRIP}""",
    f"""
INSERT INTO fuel_cause (vehicle_id, part_start, cause, litres, low_l, high_l)
SELECT v.vehicle_id, begins, cause, 0.29, 0.1, 0.5
{_TRIP}
CROSS JOIN unnest(ARRAY['idling', 'speed', 'harsh', 'gears', 'coasting', 'cruise', 'tyres',
                        'auxiliary', 'fault', 'rest']) AS cause""",
    """
INSERT INTO tank_event (vehicle_id, start_time, end_time, kind, litres, low_l, high_l,
                        level_before_l, level_after_l, latitude, longitude, method_version)
SELECT vehicle_id, %(day)s::date + start_minute * interval '1 minute',
       %(day)s::date + (start_minute + 8) * interval '1 minute', 'refuelling', 312, 301, 323, 85,
       397, 31.4, 120.9, 1
FROM load.vehicle WHERE n %% 2 = extract(day FROM %(day)s::date)::integer %% 2""",
    """
INSERT INTO vehicle_report (vehicle_id, trigger_type, created_time, received_time, latitude,
                            longitude, altitude, heading, gnss_speed, wheel_speed, engine_speed,
                            odometer, fuel_used_total, engine_hours, fuel_level_1, position_time)
SELECT v.vehicle_id, 'TIMER', at, at + v.n * interval '1 microsecond', 31.2 + v.n * 1e-4,
       121.4 + m * 1e-4, 12, 90, 62, 62, 1180, 200000 + m, 64000, 8000, 62, at
FROM load.vehicle AS v
CROSS JOIN generate_series(0, %(running)s::integer - 1, 15) AS m
CROSS JOIN LATERAL (
    SELECT %(day)s::date + (v.start_minute + m) * interval '1 minute') AS moment (at)""",
)
"""Statements for each day."""

SCORE_PARTS = ("anticipation", "coasting", "cruise", "green_band", "harsh", "idling", "overspeed")

WEEKLY = (
    """
INSERT INTO score (subject_kind, subject_id, start_time, end_time, week, time_zone, vehicle_class,
                   band, score, low, high, grade, difficulty, reference, distance_km, n_trips,
                   method_version)
SELECT kind, id, week::timestamp AT TIME ZONE 'Asia/Shanghai',
       (week + 7)::timestamp AT TIME ZONE 'Asia/Shanghai', week, 'Asia/Shanghai', 'heavy_truck',
       'middle', 50 + n %% 50, 45 + n %% 50, 55 + n %% 50, 'B', 41, 'peers', 2140.6, 19, 1
FROM load.vehicle
CROSS JOIN LATERAL (VALUES ('vehicle', vehicle_id), ('driver', driver_id)) AS subject (kind, id)
CROSS JOIN unnest(%(weeks)s::date[]) AS week""",
    """
INSERT INTO score_part (subject_kind, subject_id, start_time, metric, value, value_low, value_high,
                        worst, best, reference, peers, metric_score, weight, points, points_lost)
SELECT kind, id, week::timestamp AT TIME ZONE 'Asia/Shanghai', metric, 12.5, 11, 14, 30, 2, 'peers',
       120, 62, 5, 8.9, 5.4
FROM load.vehicle
CROSS JOIN LATERAL (VALUES ('vehicle', vehicle_id), ('driver', driver_id)) AS subject (kind, id)
CROSS JOIN unnest(%(weeks)s::date[]) AS week
CROSS JOIN unnest(%(metrics)s::text[]) AS metric""",
    """
INSERT INTO advice (vehicle_id, driver_id, week, time_zone, cause, variant, saving_l, low_l, high_l,
                    distance_km, fuel_l, confidence, effort, facts, evidence, method_version)
SELECT vehicle_id, driver_id, week, 'Asia/Shanghai', cause, 0, 18.2, 12.4, 25.1, 3456.7, 1200,
       'medium', 'low', %(facts)s, %(evidence)s, 1
FROM load.vehicle CROSS JOIN unnest(%(weeks)s::date[]) AS week
CROSS JOIN unnest(ARRAY['idling', 'speed']) AS cause""",
    """
INSERT INTO trouble_code (vehicle_id, time, spn, fmi, source_address, lamp, count, active)
SELECT vehicle_id, %(first)s::date + n * interval '1 second', 3251, 16, 0, 'AMBER_WARNING', 3, true
FROM load.vehicle WHERE n %% 3 = 0""",
)
"""Statements for the whole span."""
