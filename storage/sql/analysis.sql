-- :name changed_days
-- Vehicle-days touched since they were last analysed, and the touch that was seen. What waits is
-- looked up first, by itself: the planner takes it for a third of all days, and would read them all.
WITH waiting AS MATERIALIZED (
    SELECT vehicle_id, day, touched
    FROM touched_day
    WHERE analysed < touched
      AND (%(vin)s::text IS NULL
           OR vehicle_id = (SELECT vehicle_id FROM vehicle WHERE vin = %(vin)s))
      AND (%(vehicle_id)s::bigint IS NULL OR vehicle_id = %(vehicle_id)s)
      AND (%(first)s::date IS NULL OR day >= %(first)s)
      AND (%(last)s::date IS NULL OR day <= %(last)s)
)
SELECT vehicle_id, day, touched
FROM waiting JOIN vehicle USING (vehicle_id)
ORDER BY vehicle_id, day

-- :name mark_analysed
-- Write down which touch an analysis has seen, and by which version of the method.
UPDATE touched_day SET analysed = %(seen)s, analysed_by = %(method_version)s
WHERE vehicle_id = %(vehicle_id)s AND day = %(day)s AND analysed < %(seen)s

-- :name trips_around
-- From the first start to the last end of the stored trips, and spans at the wheel, that overlap or
-- nearly touch a span. Of what begins further before it only the last may reach so far.
SELECT min(start_time), max(end_time)
FROM (
    SELECT start_time, end_time FROM trip
    WHERE vehicle_id = %(vehicle_id)s AND start_time <= %(stop)s + %(rest)s
      AND start_time >= coalesce(
          (SELECT max(start_time) FROM trip
           WHERE vehicle_id = %(vehicle_id)s AND start_time <= %(start)s - %(rest)s), '-infinity')
    UNION ALL
    SELECT start_time, end_time FROM drive_span
    WHERE vehicle_id = %(vehicle_id)s AND start_time <= %(stop)s + %(rest)s
      AND start_time >= coalesce(
          (SELECT max(start_time) FROM drive_span
           WHERE vehicle_id = %(vehicle_id)s AND start_time <= %(start)s - %(rest)s), '-infinity')
) AS driven
WHERE end_time >= %(start)s - %(rest)s

-- :name driven_before_rows
-- The last end of trips and spans at the wheel that begin within a span of which no rows are left.
SELECT max(end_time)
FROM (
    SELECT end_time FROM trip
    WHERE vehicle_id = %(vehicle_id)s AND start_time >= %(start)s AND start_time < %(first_row)s
    UNION ALL
    SELECT end_time FROM drive_span
    WHERE vehicle_id = %(vehicle_id)s AND start_time >= %(start)s AND start_time < %(first_row)s
) AS driven

-- :name rows_beside
-- The last row shortly before a span and the first shortly after it, of the groups that tell motion.
SELECT greatest(
           (SELECT max(time) FROM signal_motion WHERE vehicle_id = %(vehicle_id)s
              AND time < %(start)s AND time >= %(start)s - %(reach)s),
           (SELECT max(time) FROM signal_location WHERE vehicle_id = %(vehicle_id)s
              AND time < %(start)s AND time >= %(start)s - %(reach)s)),
       least(
           (SELECT min(time) FROM signal_motion WHERE vehicle_id = %(vehicle_id)s
              AND time >= %(stop)s AND time < %(stop)s + %(reach)s),
           (SELECT min(time) FROM signal_location WHERE vehicle_id = %(vehicle_id)s
              AND time >= %(stop)s AND time < %(stop)s + %(reach)s))
