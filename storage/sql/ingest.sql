-- :name read_offsets
-- The next offset of every partition of a topic that the database has rows of.
SELECT partition, next_offset
FROM ingest_offset
WHERE cluster_id = %(cluster_id)s AND topic_id = %(topic_id)s

-- :name advance_offset
-- Compare-and-set: no row comes back where another worker owns the partition.
UPDATE ingest_offset
SET next_offset = %(next_offset)s, updated_at = now()
WHERE cluster_id = %(cluster_id)s AND topic_id = %(topic_id)s AND partition = %(partition)s
  AND next_offset = %(expected)s
RETURNING next_offset

-- :name begin_offset
-- The first batch of a partition; no row comes back where another worker was first.
INSERT INTO ingest_offset (cluster_id, topic_id, partition, topic, next_offset)
VALUES (%(cluster_id)s, %(topic_id)s, %(partition)s, %(topic)s, %(next_offset)s)
ON CONFLICT DO NOTHING
RETURNING next_offset

-- :name upsert_state
-- Newest value wins, each by its own time; at the same time the later message does, unless it only
-- fills gaps. In the order of the key, so that two writers never wait for each other in a circle.
-- The usual row is newer in every value and lacks none that is known: it takes the old one's place,
-- and only the others are put together value by value. Arrays that are unnested beside each other go
-- in step, so that what is made of them needs no sorting; where one is longer, the others are null.
INSERT INTO vehicle_state AS state (vehicle_id, signal_group, time, "values", times)
SELECT vehicle_id, signal_group, time, "values", times
FROM state_stage
ORDER BY vehicle_id, signal_group
ON CONFLICT (vehicle_id, signal_group) DO UPDATE
SET ("values", times) = (
        WITH usual AS (
            SELECT state.time < ALL (array_remove(excluded.times, '-infinity'))
                   AND cardinality(excluded.times) >= cardinality(state.times)
                   AND array_positions(excluded.times, '-infinity')
                       <@ array_positions(state.times, '-infinity') AS replaces
        )
        SELECT excluded.values, excluded.times FROM usual WHERE replaces
        UNION ALL
        SELECT array_agg(CASE WHEN cell.new_time > '-infinity'
                                   AND (cell.new_time > coalesce(cell.time, '-infinity')
                                        OR cell.new_time = cell.time AND NOT %(fills_gaps)s)
                              THEN cell.new_value ELSE coalesce(cell.value, 'NaN') END),
               array_agg(greatest(cell.time, cell.new_time))
        FROM (SELECT unnest(state.values) AS value, unnest(state.times) AS time,
                     unnest(excluded.values) AS new_value, unnest(excluded.times) AS new_time
             ) AS cell
        HAVING NOT (SELECT replaces FROM usual)
    ),
    time = greatest(state.time, excluded.time),
    updated_at = now()

-- :name newest_rows
-- Up to when each vehicle's rows of each group are known to be stored.
SELECT vehicle_id, signal_group, time
FROM vehicle_state
WHERE vehicle_id = ANY (%(vehicle_ids)s)

-- :name driven_days
-- Days already known of which cards in or out of the first slot say who drove: up to the next change.
SELECT DISTINCT vehicle_id, day - date 'epoch'
FROM unnest(%(vehicle_ids)s::bigint[], %(times)s::timestamptz[]) AS change (vehicle_id, time)
JOIN touched_day USING (vehicle_id)
WHERE day >= change.time::date
  AND day <= coalesce((SELECT min(later.time)::date FROM driver_change AS later
                       WHERE later.vehicle_id = change.vehicle_id AND later.slot = 1
                         AND later.time > change.time), 'infinity')

-- :name touch_days
-- Mark vehicle-days as changed; sorted, for the same reason as upsert_state.
INSERT INTO touched_day AS touched (vehicle_id, day)
SELECT vehicle_id, day
FROM unnest(%(vehicle_ids)s::bigint[], %(days)s::date[]) AS changed (vehicle_id, day)
ORDER BY vehicle_id, day
ON CONFLICT (vehicle_id, day) DO UPDATE SET touched = touched.touched + 1

-- :name raise_counts
-- Raise the exact counts of a batch; a row a partition, so that workers do not meet here.
INSERT INTO ingest_count AS total (day, topic, partition, measure, key, count)
SELECT current_date, topic, partition, measure, key, count
FROM unnest(%(topics)s::text[], %(partitions)s::integer[], %(measures)s::text[],
            %(keys)s::text[], %(counts)s::bigint[]) AS raised (topic, partition, measure, key, count)
ORDER BY topic, partition, measure, key
ON CONFLICT (day, topic, partition, measure, key) DO UPDATE SET count = total.count + EXCLUDED.count

-- :name insert_refused_value
-- Keep a value that was out of its signal's limits.
INSERT INTO refused_value (vehicle_id, time, signal_id, value)
VALUES (%(vehicle_id)s, %(time)s, %(signal_id)s, %(value)s)

-- :name bound_refused_values
-- The oldest make room; those that another worker is deleting are left to it.
DELETE FROM refused_value
WHERE refused_id IN (
    SELECT refused_id FROM refused_value
    WHERE refused_id <= (SELECT max(refused_id) FROM refused_value) - %(kept)s
    FOR UPDATE SKIP LOCKED)

-- :name insert_trigger
-- A vehicle's own event; the same event twice is one.
INSERT INTO vehicle_event (vehicle_id, time, trigger_type, detail)
VALUES (%(vehicle_id)s, %(time)s, %(trigger_type)s, %(detail)s)
ON CONFLICT DO NOTHING

-- :name insert_driver
-- Drivers are known by their card.
INSERT INTO driver (card_id, first_seen) VALUES (%(card_id)s, %(time)s)
ON CONFLICT (card_id) DO NOTHING

-- :name insert_driver_change
-- A card in or out of a slot; a later message about the same moment wins, unless it fills gaps.
INSERT INTO driver_change (vehicle_id, time, slot, card_id)
VALUES (%(vehicle_id)s, %(time)s, %(slot)s, %(card_id)s)
ON CONFLICT (vehicle_id, time, slot) DO UPDATE SET card_id = EXCLUDED.card_id
WHERE NOT %(fills_gaps)s

-- :name insert_trouble_code
-- A trouble code that came up or went; a later message about the same moment wins, unless it fills
-- gaps.
INSERT INTO trouble_code (vehicle_id, time, spn, fmi, source_address, lamp, count, active)
VALUES (%(vehicle_id)s, %(time)s, %(spn)s, %(fmi)s, %(source_address)s, %(lamp)s, %(count)s,
        %(active)s)
ON CONFLICT (vehicle_id, time, spn, fmi, source_address) DO UPDATE
SET lamp = EXCLUDED.lamp, count = EXCLUDED.count, active = EXCLUDED.active
WHERE NOT %(fills_gaps)s

-- :name insert_reports
-- Reports of vehicles, not yet published: publish_reports stamps their received time. Of a TIMER, the
-- interval's first one stays: a worker that has just begun does not know of it. Of a trigger that was
-- seen in the signals, the vehicle's own report stays. Each looks that up by the index (LIMIT keeps
-- it from becoming a join of whole tables), and does not see the others of the statement. A time that
-- there is none of is -infinity, a value NaN.
INSERT INTO vehicle_report (
    vehicle_id, created_time, trigger_type, derived, detail, position_time, values_from,
    latitude, longitude, altitude, heading, gnss_speed, wheel_speed, engine_speed, odometer,
    fuel_used_total, engine_hours, gross_combination_weight, fuel_level_1, ambient_temperature,
    tachograph_speed, fuel_level_2, reagent_level, fuel_range, driver1_working_state,
    driver2_working_state, park_brake, axle1_weight, axle2_weight, axle3_weight,
    trailer_connected, trailer_axle1_weight, trailer_axle2_weight, trailer_axle3_weight,
    service_distance, coolant_temperature, brake_circuit_1_pressure, brake_circuit_2_pressure,
    alternator_charging, bellow_pressure_front_left, bellow_pressure_front_right,
    bellow_pressure_rear_left, bellow_pressure_rear_right, tell_tale_red, tell_tale_amber,
    tell_tale_mil, tell_tale_protect, fuel_level_low, reagent_level_low, service_due, dpf_lamp,
    trailer_abs_warning, light_high_beam, light_low_beam, light_hazard, light_fog_front,
    light_fog_rear, light_parking, parking_heater, driver1_card_id, driver2_card_id)
SELECT
    vehicle_id, created_time, trigger_type, derived, detail,
    nullif(position_time, '-infinity'), nullif(values_from, '-infinity'),
    nullif(told[place][1], 'NaN'), nullif(told[place][2], 'NaN'), nullif(told[place][3], 'NaN'),
    nullif(told[place][4], 'NaN'), nullif(told[place][5], 'NaN'), nullif(told[place][6], 'NaN'),
    nullif(told[place][7], 'NaN'), nullif(told[place][8], 'NaN'), nullif(told[place][9], 'NaN'),
    nullif(told[place][10], 'NaN'), nullif(told[place][11], 'NaN'), nullif(told[place][12],
    'NaN'), nullif(told[place][13], 'NaN'), nullif(told[place][14], 'NaN'),
    nullif(told[place][15], 'NaN'), nullif(told[place][16], 'NaN'), nullif(told[place][17],
    'NaN'), nullif(told[place][18], 'NaN'), nullif(told[place][19], 'NaN'),
    nullif(told[place][20], 'NaN'), nullif(told[place][21], 'NaN'), nullif(told[place][22],
    'NaN'), nullif(told[place][23], 'NaN'), nullif(told[place][24], 'NaN'),
    nullif(told[place][25], 'NaN'), nullif(told[place][26], 'NaN'), nullif(told[place][27],
    'NaN'), nullif(told[place][28], 'NaN'), nullif(told[place][29], 'NaN'),
    nullif(told[place][30], 'NaN'), nullif(told[place][31], 'NaN'), nullif(told[place][32],
    'NaN'), nullif(told[place][33], 'NaN'), nullif(told[place][34], 'NaN'),
    nullif(told[place][35], 'NaN'), nullif(told[place][36], 'NaN'), nullif(told[place][37],
    'NaN'), nullif(told[place][38], 'NaN'), nullif(told[place][39], 'NaN'),
    nullif(told[place][40], 'NaN'), nullif(told[place][41], 'NaN'), nullif(told[place][42],
    'NaN'), nullif(told[place][43], 'NaN'), nullif(told[place][44], 'NaN'),
    nullif(told[place][45], 'NaN'), nullif(told[place][46], 'NaN'), nullif(told[place][47],
    'NaN'), nullif(told[place][48], 'NaN'), nullif(told[place][49], 'NaN'),
    nullif(told[place][50], 'NaN'), nullif(told[place][51], 'NaN'), nullif(told[place][52],
    'NaN'),
    (SELECT card_id FROM driver_change
     WHERE vehicle_id = new.vehicle_id AND slot = 1 AND time <= new.created_time
     ORDER BY time DESC LIMIT 1),
    (SELECT card_id FROM driver_change
     WHERE vehicle_id = new.vehicle_id AND slot = 2 AND time <= new.created_time
     ORDER BY time DESC LIMIT 1)
FROM (SELECT %(told)s::double precision[] AS told) AS table_of_values,
     unnest(%(vehicle_ids)s::bigint[], %(created_times)s::timestamptz[], %(trigger_types)s::text[],
            %(derived)s::boolean[], %(details)s::text[], %(position_times)s::timestamptz[],
            %(values_from)s::timestamptz[], %(only_one_from)s::timestamptz[],
            %(only_one_before)s::timestamptz[])
     WITH ORDINALITY AS new (
         vehicle_id, created_time, trigger_type, derived, detail, position_time, values_from,
         only_one_from, only_one_before, place)
WHERE (SELECT true FROM vehicle_report AS stored
       WHERE stored.vehicle_id = new.vehicle_id AND stored.trigger_type = new.trigger_type
         AND new.only_one_from > '-infinity' AND stored.created_time >= new.only_one_from
         AND stored.created_time < new.only_one_before
       LIMIT 1) IS NULL
ORDER BY place
ON CONFLICT (vehicle_id, created_time, trigger_type) DO NOTHING

-- :name last_known
-- Vehicles' latest values of the named signals, each with its time.
SELECT state.vehicle_id, signal.name, state.values[signal.position], state.times[signal.position]
FROM vehicle_state AS state
JOIN signal USING (signal_group)
WHERE state.vehicle_id = ANY (%(vehicle_ids)s) AND signal.name = ANY (%(names)s)
  AND state.values[signal.position] <> 'NaN'

-- :name publish_reports
-- Stamp committed reports with their received time.
SELECT publish_reports()
