-- :name redo_older_fuel
-- Let weeks wait again that an older method worked up.
UPDATE touched_fuel_week SET worked = 0, advised = 0, advised_days = 0
WHERE worked > 0 AND worked_by < %(method_version)s AND week >= %(first)s

-- :name fuel_vehicles
-- Vehicles with weeks that wait: that changed, or that are over since advice was given.
SELECT DISTINCT vehicle_id
FROM touched_fuel_week JOIN vehicle USING (vehicle_id)
WHERE week >= %(first)s AND (%(vin)s::text IS NULL OR vin = %(vin)s)
  AND (advised < touched OR advised_days < 7 AND week <= %(over)s)
ORDER BY vehicle_id

-- :name fuel_weeks
-- A vehicle's weeks that wait, the oldest first; whether the fuel is to be worked up, or only advice.
SELECT week, touched, worked < touched
FROM touched_fuel_week
WHERE vehicle_id = %(vehicle_id)s AND week >= %(first)s
  AND (advised < touched OR advised_days < 7 AND week <= %(over)s)
ORDER BY week

-- :name fuel_week_parts
-- Parts of a week's trips in which an engine may have run, by time.
SELECT part.trip_start, part.part_start, part.end_time, part.driver_id, part.time_zone,
       (part.trip_start AT TIME ZONE part.time_zone)::date AS day
FROM trip_part AS part
LEFT JOIN trip ON trip.vehicle_id = part.vehicle_id AND trip.start_time = part.trip_start
WHERE part.vehicle_id = %(vehicle_id)s AND part.week = %(week)s
  AND coalesce(trip.kind, 'drive') IN ('drive', 'idle')
ORDER BY part.part_start

-- :name fuel_masses
-- What a vehicle weighed over the parts of some weeks, and how far it drove so.
SELECT 1000 * mass_t_km / mass_known_km, mass_known_km
FROM trip_part
WHERE vehicle_id = %(vehicle_id)s AND week BETWEEN %(first)s AND %(last)s AND mass_known_km > 0
ORDER BY part_start

-- :name part_before
-- The last part of a vehicle's trips that began before a time, in which an engine may have run.
SELECT part.part_start, part.end_time
FROM trip_part AS part
LEFT JOIN trip ON trip.vehicle_id = part.vehicle_id AND trip.start_time = part.trip_start
WHERE part.vehicle_id = %(vehicle_id)s AND part.part_start < %(before)s
  AND coalesce(trip.kind, 'drive') IN ('drive', 'idle')
ORDER BY part.part_start DESC
LIMIT 1

-- :name read_fuel_stats
-- Sums of a vehicle's days.
SELECT day, stats FROM fuel_stats
WHERE vehicle_id = %(vehicle_id)s AND day BETWEEN %(first)s AND %(last)s
  AND stats_version = %(stats_version)s
ORDER BY day

-- :name lock_fuel
-- Be the only one that stores fuel of a vehicle, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('telemetry.fuel', %(vehicle_id)s))

-- :name fuel_overtaken
-- A week of which newer changes were worked up than this one.
SELECT FROM touched_fuel_week
WHERE vehicle_id = %(vehicle_id)s AND week = %(week)s AND worked > %(touched)s

-- :name delete_fuel_causes
-- Causes of parts that are about to be worked up again.
DELETE FROM fuel_cause USING fuel_part AS part
WHERE part.vehicle_id = %(vehicle_id)s AND part.week = %(week)s AND part.day >= %(first)s
  AND fuel_cause.vehicle_id = part.vehicle_id AND fuel_cause.part_start = part.part_start

-- :name delete_fuel_parts
-- Parts that are about to be worked up again.
DELETE FROM fuel_part
WHERE vehicle_id = %(vehicle_id)s AND week = %(week)s AND day >= %(first)s

-- :name delete_moved_fuel_parts
-- Parts that lay in another week when they were worked up: their trip began otherwise then.
WITH moved AS (
    DELETE FROM fuel_part
    WHERE vehicle_id = %(vehicle_id)s AND part_start = ANY (%(starts)s::timestamptz[])
    RETURNING part_start
)
DELETE FROM fuel_cause USING moved
WHERE fuel_cause.vehicle_id = %(vehicle_id)s AND fuel_cause.part_start = moved.part_start

-- :name delete_tank_events
-- What happened to the tank that is about to be found again, or stands in its way.
DELETE FROM tank_event
WHERE vehicle_id = %(vehicle_id)s
  AND (end_time >= %(start)s AND end_time < %(stop)s
       OR start_time = ANY (%(starts)s::timestamptz[]))

-- :name delete_fuel_stats
-- Sums of days that are about to be found again.
DELETE FROM fuel_stats
WHERE vehicle_id = %(vehicle_id)s AND day BETWEEN %(first)s AND %(last)s

-- :name delete_fuel_segments
-- Segments of days that are about to be found again, and of those whose raw rows are gone.
DELETE FROM fuel_segment
WHERE vehicle_id = %(vehicle_id)s
  AND (day BETWEEN %(first)s AND %(last)s OR day < %(kept_from)s)

-- :name touch_later_fuel_weeks
-- Let weeks wait again that were worked up with sums that were others.
UPDATE touched_fuel_week SET touched = touched + 1
WHERE vehicle_id = %(vehicle_id)s AND week > %(week)s AND week <= %(reach)s AND worked = touched

-- :name fuel_worked
-- Write down which touch of a week is worked up, and by which version of the method.
UPDATE touched_fuel_week
SET worked = greatest(worked, %(touched)s), worked_by = %(method_version)s
WHERE vehicle_id = %(vehicle_id)s AND week = %(week)s

-- :name touch_fuel_weeks
-- Let weeks from one on wait again: another model is there.
UPDATE touched_fuel_week SET touched = touched + 1 WHERE week >= %(first)s
