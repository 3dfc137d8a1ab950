-- :name columns_of_tables
-- Columns of tables and their types.
SELECT relname, attname, typname
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid
JOIN pg_type ON pg_type.oid = atttypid
WHERE relnamespace = 'telemetry'::regnamespace AND relname = ANY (%(tables)s)
  AND attnum > 0 AND NOT attisdropped
ORDER BY relname, attnum

-- :name driver_changes
-- Cards in the first slot by time, from the last change before a span on.
SELECT time, card_id
FROM driver_change
WHERE vehicle_id = %(vehicle_id)s AND slot = 1 AND time < %(stop)s
  AND time >= coalesce((SELECT max(time) FROM driver_change
                        WHERE vehicle_id = %(vehicle_id)s AND slot = 1 AND time <= %(start)s),
                       %(start)s)
ORDER BY time

-- :name judged_as
-- A vehicle's class, and the time zone of the fleet it belongs to now, or else first.
SELECT vehicle.vehicle_class, coalesce(zone.time_zone, %(otherwise)s)
FROM vehicle
LEFT JOIN LATERAL (
    SELECT fleet.time_zone
    FROM fleet_vehicle JOIN fleet USING (fleet_id)
    WHERE fleet_vehicle.vehicle_id = vehicle.vehicle_id
    ORDER BY fleet_vehicle.member @> now() DESC, fleet_id
    LIMIT 1
) AS zone ON true
WHERE vehicle.vehicle_id = %(vehicle_id)s

-- :name redo_older
-- Let some days wait again that an older method analysed, from a vehicle on, in the order in which
-- ingest touches them; how many, and of which vehicles.
WITH redone AS (
    UPDATE touched_day SET analysed = 0
    FROM (SELECT vehicle_id, day FROM touched_day
          WHERE vehicle_id >= %(from_vehicle)s AND day >= %(first)s
            AND analysed > 0 AND analysed_by < %(method_version)s
          ORDER BY vehicle_id, day LIMIT %(at_once)s FOR UPDATE) AS found
    WHERE touched_day.vehicle_id = found.vehicle_id AND touched_day.day = found.day
    RETURNING touched_day.vehicle_id
)
SELECT count(*), max(vehicle_id) FROM redone

-- :name lock_vehicle
-- Be the only one that stores results of a vehicle, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('telemetry.behaviour', %(vehicle_id)s))

-- :name last_stored
-- When a vehicle's results were last stored, in microseconds since 1970; 0: never.
SELECT coalesce(max(extract(epoch FROM updated_at) * 1000000)::bigint, 0)
FROM accumulated
WHERE vehicle_id = %(vehicle_id)s

-- :name overtaken
-- Days of which newer changes were analysed than these.
SELECT day.day
FROM touched_day AS day
JOIN unnest(%(days)s::date[], %(touches)s::bigint[]) AS seen (day, touched) USING (day)
WHERE day.vehicle_id = %(vehicle_id)s AND day.analysed > seen.touched

-- :name delete_trips
-- Trips that are about to be found again.
DELETE FROM trip
WHERE vehicle_id = %(vehicle_id)s AND start_time >= %(start)s AND start_time < %(stop)s

-- :name delete_trip_parts
-- Parts of trips that are about to be found again, and the weeks they counted in.
DELETE FROM trip_part
WHERE vehicle_id = %(vehicle_id)s AND part_start >= %(start)s
  AND trip_start >= %(start)s AND trip_start < %(stop)s
RETURNING week

-- :name delete_driving_events
-- Events that are about to be found again; fatigue comes from the hours of more than one vehicle.
DELETE FROM driving_event
WHERE vehicle_id = %(vehicle_id)s AND start_time >= %(start)s AND start_time < %(stop)s
  AND NOT starts_with(kind, 'fatigue_')

-- :name delete_drive_spans
-- Spans at the wheel that are about to be found again.
DELETE FROM drive_span
WHERE vehicle_id = %(vehicle_id)s AND start_time >= %(start)s AND start_time < %(stop)s
RETURNING driver_id, start_time, end_time

-- :name delete_trip_score_parts
-- What moved the scores of trips that are about to be found again.
DELETE FROM score_part
WHERE subject_kind = 'trip' AND subject_id = %(vehicle_id)s
  AND start_time >= %(start)s AND start_time < %(stop)s

-- :name delete_trip_scores
-- Scores of trips that are about to be found again.
DELETE FROM score
WHERE subject_kind = 'trip' AND subject_id = %(vehicle_id)s
  AND start_time >= %(start)s AND start_time < %(stop)s

-- :name find_drivers
-- The numbers of tachograph cards.
SELECT card_id, driver_id FROM driver WHERE card_id = ANY (%(cards)s)

-- :name read_increments
-- What days added to a vehicle's counters, as far as is known.
SELECT day, increments FROM accumulated_day
WHERE vehicle_id = %(vehicle_id)s AND day = ANY (%(days)s)

-- :name store_increments
-- What a day added to a vehicle's counters.
INSERT INTO accumulated_day (vehicle_id, day, increments, method_version)
VALUES (%(vehicle_id)s, %(day)s, %(increments)s, %(method_version)s)
ON CONFLICT (vehicle_id, day) DO UPDATE
SET increments = EXCLUDED.increments, method_version = EXCLUDED.method_version

-- :name change_counters
-- Bring a vehicle's counters up to its days.
SELECT change_counters(%(vehicle_id)s, %(layout_version)s, %(changes)s, %(newest_day)s)

-- :name touch_weeks
-- Mark a vehicle's weeks as changed: those of parts that went, and of those that are there now. Their
-- scores wait, and their fuel.
WITH changed AS (
    SELECT unnest(%(weeks)s::date[]) AS week
    UNION
    SELECT week FROM trip_part
    WHERE vehicle_id = %(vehicle_id)s AND part_start >= %(start)s
      AND trip_start >= %(start)s AND trip_start < %(stop)s
    ORDER BY week
), fuel AS (
    INSERT INTO touched_fuel_week AS touched (vehicle_id, week)
    SELECT %(vehicle_id)s, week FROM changed
    ON CONFLICT (vehicle_id, week) DO UPDATE SET touched = touched.touched + 1
)
INSERT INTO touched_week AS touched (vehicle_id, week)
SELECT %(vehicle_id)s, week FROM changed
ON CONFLICT (vehicle_id, week) DO UPDATE SET touched = touched.touched + 1

-- :name touch_duties
-- Mark drivers, and a vehicle without a known one, as having been at the wheel otherwise than known.
INSERT INTO touched_duty AS duty (driver_id, vehicle_id, start_time, end_time)
SELECT driver_id, CASE WHEN driver_id IS NULL THEN %(vehicle_id)s END,
       min(start_time), max(end_time)
FROM unnest(%(driver_ids)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
     AS span (driver_id, start_time, end_time)
GROUP BY driver_id
ORDER BY driver_id
ON CONFLICT (driver_id, vehicle_id) DO UPDATE
SET start_time = least(duty.start_time, EXCLUDED.start_time),
    end_time = greatest(duty.end_time, EXCLUDED.end_time), touched = DEFAULT

-- :name changed_duties
-- Drivers, and vehicles without a known one, whose hours wait to be counted.
SELECT driver_id, vehicle_id, start_time, end_time, touched
FROM touched_duty
ORDER BY driver_id, vehicle_id

-- :name drive_spans
-- Spans at the wheel that overlap a span: a driver's, or those of a vehicle nobody is known of.
SELECT vehicle_id, start_time, end_time, driving_s
FROM drive_span
WHERE (driver_id = %(driver_id)s OR vehicle_id = %(vehicle_id)s AND driver_id IS NULL)
  AND start_time < %(stop)s AND end_time > %(start)s
ORDER BY start_time, vehicle_id

-- :name delete_fatigue
-- Fatigue of a driver, or in a vehicle nobody is known of, that is about to be found again.
DELETE FROM driving_event
WHERE (driver_id = %(driver_id)s OR vehicle_id = %(vehicle_id)s AND driver_id IS NULL)
  AND start_time >= %(start)s AND start_time < %(stop)s AND starts_with(kind, 'fatigue_')

-- :name delete_events
-- Events that would stand in the way: found before it was known who drove.
DELETE FROM driving_event
USING unnest(%(vehicle_ids)s::bigint[], %(starts)s::timestamptz[], %(kinds)s::text[])
      AS found (vehicle_id, start_time, kind)
WHERE driving_event.vehicle_id = found.vehicle_id
  AND driving_event.start_time = found.start_time AND driving_event.kind = found.kind

-- :name duty_done
-- Take a duty off the list, unless it changed since.
DELETE FROM touched_duty
WHERE driver_id IS NOT DISTINCT FROM %(driver_id)s
  AND vehicle_id IS NOT DISTINCT FROM %(vehicle_id)s AND touched = %(touched)s

-- :name changed_weeks
-- Weeks that changed since they were scored, or that an older method scored, with their vehicles.
SELECT week, array_agg(vehicle_id ORDER BY vehicle_id), array_agg(touched ORDER BY vehicle_id)
FROM touched_week
WHERE scored < touched OR scored_by < %(method_version)s
GROUP BY week
ORDER BY week

-- :name time_zones_of_parts
-- The time zones by which these weeks were cut.
SELECT coalesce(array_agg(DISTINCT time_zone), '{}')
FROM trip_part WHERE week BETWEEN %(first)s AND %(last)s

-- :name week_parts
-- Parts of the trips of some weeks, by vehicle and time; texts by their place in lists.
SELECT part.vehicle_id, coalesce(part.driver_id, 0), part.week, part.trip_start, part.part_start,
       part.end_time, array_position(%(classes)s::text[], vehicle.vehicle_class),
       array_position(%(zones)s::text[], part.time_zone),
       array_position(%(kinds)s::text[], coalesce(trip.kind, 'drive')), {sums}
FROM trip_part AS part
JOIN vehicle USING (vehicle_id)
LEFT JOIN trip ON trip.vehicle_id = part.vehicle_id AND trip.start_time = part.trip_start
WHERE part.week BETWEEN %(first)s AND %(last)s
  AND (%(vehicle_ids)s::bigint[] IS NULL OR part.vehicle_id = ANY (%(vehicle_ids)s::bigint[]))
  AND (%(driver_ids)s::bigint[] IS NULL OR part.driver_id = ANY (%(driver_ids)s::bigint[]))
ORDER BY part.vehicle_id, part.part_start

-- :name lock_week
-- Be the only one that stores scores of a week, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('telemetry.score', %(week)s::date - date 'epoch'))

-- :name delete_week_score_parts
-- What moved a week's scores: of vehicles and drivers, or of these vehicles' trips.
DELETE FROM score_part USING score
WHERE score.week = %(week)s
  AND CASE WHEN %(vehicle_ids)s::bigint[] IS NULL THEN score.subject_kind <> 'trip'
           ELSE score.subject_kind = 'trip' AND score.subject_id = ANY (%(vehicle_ids)s) END
  AND score_part.subject_kind = score.subject_kind AND score_part.subject_id = score.subject_id
  AND score_part.start_time = score.start_time

-- :name delete_week_scores
-- A week's scores: of vehicles and drivers, or of these vehicles' trips.
DELETE FROM score
WHERE week = %(week)s
  AND CASE WHEN %(vehicle_ids)s::bigint[] IS NULL THEN subject_kind <> 'trip'
           ELSE subject_kind = 'trip' AND subject_id = ANY (%(vehicle_ids)s) END

-- :name delete_week_references
-- What a week's peers gave as references.
DELETE FROM score_reference WHERE week = %(week)s

-- :name week_scored
-- Write down which touches of a week's vehicles the scores have seen.
UPDATE touched_week AS touched
SET scored = greatest(touched.scored, coalesce(seen.touched, touched.scored)),
    scored_by = %(method_version)s
FROM touched_week AS week
LEFT JOIN unnest(%(vehicle_ids)s::bigint[], %(touches)s::bigint[]) AS seen (vehicle_id, touched)
    USING (vehicle_id)
WHERE touched.week = %(week)s AND week.week = touched.week
  AND week.vehicle_id = touched.vehicle_id

-- :name week_spans
-- When a week begins and ends in time zones.
SELECT zone, %(week)s::timestamp AT TIME ZONE zone,
       (%(week)s::timestamp + interval '7 days') AT TIME ZONE zone
FROM unnest(%(zones)s::text[]) AS zone

-- :name vehicles_of_weeks
-- Vehicles with trips in some weeks.
SELECT DISTINCT vehicle_id FROM trip_part WHERE week BETWEEN %(first)s AND %(last)s
ORDER BY vehicle_id
