-- :name served_greeting
-- What a reader has to know first: how new the database is, and the number of its party.
SELECT migration, catalogue, party_id FROM served.greeting(%(party_name)s)

-- :name served_vehicle
-- One vehicle of the register.
SELECT vin, model, check_digit_ok, registered_at, last_seen
FROM served.vehicle(%(principal)s, %(vin)s)

-- :name served_vehicle_state
-- The latest value of every signal of a vehicle.
SELECT name, value, time FROM served.vehicle_state(%(principal)s, %(vin)s)

-- :name served_vehicle_now
-- All that is known of a vehicle now, in one row.
SELECT model, last_seen, trouble_codes, groups, sizes, "values", times
FROM served.vehicle_now(%(principal)s, %(vin)s, %(max_rows)s)

-- :name served_active_trouble_codes
-- The newest trouble codes of a vehicle that came up and have not gone.
SELECT spn, fmi, source_address, lamp, count, since
FROM served.active_trouble_codes(%(principal)s, %(vin)s, %(max_rows)s)

-- :name served_trips
-- Trips of a vehicle by their start.
SELECT start_time, end_time, kind, driver_id, distance_km, duration_s, driving_s, idle_s,
       stop_count, fuel_l, idle_fuel_l, l_per_100km, max_speed_kmh, start_latitude,
       start_longitude, end_latitude, end_longitude, distance_source, fuel_source
FROM served.trips(%(principal)s, %(vin)s, %(start)s, %(stop)s, %(newest_first)s, %(max_rows)s)

-- :name served_signals
-- Signals of a vehicle, all rows in one: times (n), values, minima, maxima (n × m; NULL without rows,
-- minima and maxima without a step). One row of four arrays reads many times faster than n rows.
SELECT array_agg(time ORDER BY time), array_agg("values" ORDER BY time),
       array_agg(minima ORDER BY time) FILTER (WHERE %(step_s)s::integer IS NOT NULL),
       array_agg(maxima ORDER BY time) FILTER (WHERE %(step_s)s::integer IS NOT NULL)
FROM served.signals(
    %(principal)s, %(vin)s, %(names)s, %(start)s, %(stop)s, %(step_s)s, %(max_rows)s, %(zone)s)
