-- :name changed_days
-- Vehicle-days touched since they were last analysed, and the touch that was seen.
SELECT touched_day.vehicle_id, touched_day.day, touched_day.touched
FROM touched_day JOIN vehicle USING (vehicle_id)
WHERE touched_day.analysed < touched_day.touched
  AND (%(vin)s::text IS NULL OR vehicle.vin = %(vin)s)
  AND (%(first)s::date IS NULL OR touched_day.day >= %(first)s)
  AND (%(last)s::date IS NULL OR touched_day.day <= %(last)s)
ORDER BY touched_day.vehicle_id, touched_day.day

-- :name mark_analysed
-- Write down which touch an analysis has seen, and by which version of the method.
UPDATE touched_day SET analysed = %(seen)s, analysed_by = %(method_version)s
WHERE vehicle_id = %(vehicle_id)s AND day = %(day)s AND analysed < %(seen)s

-- :name trips_around
-- From the first start to the last end of the stored trips that overlap or nearly touch a span.
SELECT min(start_time), max(end_time)
FROM trip
WHERE vehicle_id = %(vehicle_id)s
  AND start_time <= %(stop)s + %(rest)s AND end_time >= %(start)s - %(rest)s

-- :name delete_trips
-- Trips that are about to be found again.
DELETE FROM trip
WHERE vehicle_id = %(vehicle_id)s AND start_time >= %(start)s AND start_time < %(stop)s

-- :name insert_trip
-- A trip.
INSERT INTO trip (
    vehicle_id, start_time, end_time, distance_km, duration_s, idle_s, fuel_l, idle_fuel_l,
    l_per_100km, max_speed_kmh, start_latitude, start_longitude, end_latitude, end_longitude,
    distance_source, fuel_source, method_version)
VALUES (
    %(vehicle_id)s, %(start_time)s, %(end_time)s, %(distance_km)s, %(duration_s)s, %(idle_s)s,
    %(fuel_l)s, %(idle_fuel_l)s, %(l_per_100km)s, %(max_speed_kmh)s, %(start_latitude)s,
    %(start_longitude)s, %(end_latitude)s, %(end_longitude)s, %(distance_source)s, %(fuel_source)s,
    %(method_version)s)

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
