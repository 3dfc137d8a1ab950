-- :name advice_parts
-- Fuel of parts of a vehicle's trips in some weeks, by time.
SELECT week, trip_start, part_start, end_time, driver_id, time_zone, day, distance_km, fuel_l,
       idle_fuel_l, mass_t_km, payload_t_km, empty_km, loaded_km, load_known_km, engine_s, idle_s,
       driving_s, stops, corridor, expected_l, expected_low_l, expected_high_l, expected_by, missing
FROM fuel_part
WHERE vehicle_id = %(vehicle_id)s AND week BETWEEN %(first)s AND %(last)s
ORDER BY part_start

-- :name advice_causes
-- Causes of these parts.
SELECT part.week, cause.part_start, cause.cause, cause.litres, cause.low_l, cause.high_l
FROM fuel_part AS part JOIN fuel_cause AS cause USING (vehicle_id, part_start)
WHERE part.vehicle_id = %(vehicle_id)s AND part.week BETWEEN %(first)s AND %(last)s
ORDER BY cause.part_start, cause.cause

-- :name advice_behaviour
-- How a week's parts were driven.
SELECT part_start, cruise_s, cruise_known_s, coasting_s, coasting_known_s, green_band_s,
       green_band_known_s, overspeed_s, overspeed_known_s, harsh_brakings, harsh_accelerations
FROM trip_part
WHERE vehicle_id = %(vehicle_id)s AND week BETWEEN %(first)s AND %(last)s
ORDER BY part_start

-- :name advice_given
-- Advice on a vehicle and to its drivers, of some weeks.
SELECT advice_id, driver_id, week, cause, variant, saving_l, low_l, high_l, distance_km, fuel_l,
       facts, status, status_at
FROM advice
WHERE vehicle_id = %(vehicle_id)s AND week BETWEEN %(first)s AND %(last)s
ORDER BY week, advice_id

-- :name advice_days
-- How many days of a week are over, and on how many of them the vehicle belonged to a fleet.
SELECT count(*), count(*) FILTER (WHERE EXISTS (
    SELECT FROM fleet_vehicle
    WHERE fleet_vehicle.vehicle_id = %(vehicle_id)s
      AND member && tstzrange(day AT TIME ZONE %(time_zone)s,
                              (day + interval '1 day') AT TIME ZONE %(time_zone)s)))
FROM generate_series(%(week)s::timestamp, %(week)s::timestamp + interval '6 days', '1 day') AS day
WHERE day + interval '1 day' <= now() AT TIME ZONE %(time_zone)s

-- :name take_advice_back
-- Advice of a week that is no longer given, unless somebody has decided on it.
DELETE FROM advice
WHERE vehicle_id = %(vehicle_id)s AND week = %(week)s AND status IN ('given', 'seen')
  AND NOT EXISTS (SELECT FROM unnest(%(driver_ids)s::bigint[], %(causes)s::text[])
                      AS found (driver_id, cause)
                  WHERE found.driver_id IS NOT DISTINCT FROM advice.driver_id
                    AND found.cause = advice.cause)

-- :name give_advice
-- A piece of advice; what was given already keeps its number and status, and in whatever words
-- somebody may have read it.
INSERT INTO advice (vehicle_id, driver_id, week, time_zone, cause, variant, saving_l, low_l, high_l,
                    distance_km, fuel_l, confidence, effort, facts, evidence, method_version)
VALUES (%(vehicle_id)s, %(driver_id)s, %(week)s, %(time_zone)s, %(cause)s, %(variant)s,
        %(saving_l)s, %(low_l)s, %(high_l)s, %(distance_km)s, %(fuel_l)s, %(confidence)s,
        %(effort)s, %(facts)s, %(evidence)s, %(method_version)s)
ON CONFLICT (vehicle_id, driver_id, week, cause) DO UPDATE
SET time_zone = EXCLUDED.time_zone, saving_l = EXCLUDED.saving_l, low_l = EXCLUDED.low_l,
    high_l = EXCLUDED.high_l, distance_km = EXCLUDED.distance_km, fuel_l = EXCLUDED.fuel_l,
    confidence = EXCLUDED.confidence, effort = EXCLUDED.effort, facts = EXCLUDED.facts,
    evidence = EXCLUDED.evidence, method_version = EXCLUDED.method_version,
    variant = CASE WHEN advice.status = 'given' THEN EXCLUDED.variant ELSE advice.variant END

-- :name delete_advice_results
-- Results that are about to be measured again.
DELETE FROM advice_result WHERE advice_id = ANY (%(advice_ids)s)

-- :name store_advice_result
-- Whether a piece of advice helped.
INSERT INTO advice_result (advice_id, weeks_before, weeks_after, saved_l_per_100km, low, high,
                           saved_l, low_l, high_l, verdict)
VALUES (%(advice_id)s, %(weeks_before)s, %(weeks_after)s, %(saved_l_per_100km)s, %(low)s, %(high)s,
        %(saved_l)s, %(low_l)s, %(high_l)s, %(verdict)s)

-- :name week_advised
-- Write down which touch of a week advice has seen, and how many of its days were over.
UPDATE touched_fuel_week
SET advised = least(worked, %(touched)s), advised_days = %(days)s
WHERE vehicle_id = %(vehicle_id)s AND week = %(week)s AND advised <= %(touched)s
