-- :name served_vehicle_events
-- Driving events of a vehicle by their start.
SELECT vin, kind, start_time, end_time, driver_id, trip_start, peak, peak_time, limit_value,
       severity, speed_km_h, distance_km, fuel_l, latitude, longitude, window_start, window_end
FROM served.vehicle_events(
    %(principal)s, %(vin)s, %(kinds)s, %(least_severity)s, %(start)s, %(stop)s,
    %(newest_first)s, %(skipped)s, %(max_rows)s)

-- :name served_driver_events
-- Driving events of a driver by their start.
SELECT vin, kind, start_time, end_time, driver_id, trip_start, peak, peak_time, limit_value,
       severity, speed_km_h, distance_km, fuel_l, latitude, longitude, window_start, window_end
FROM served.driver_events(
    %(principal)s, %(driver_id)s, %(kinds)s, %(least_severity)s, %(start)s, %(stop)s,
    %(newest_first)s, %(skipped)s, %(max_rows)s)

-- :name served_driver_trips
-- What a driver drove of trips, by the start of that part.
SELECT vin, trip_start, start_time, end_time, kind, distance_km, driving_s, idle_s, fuel_l, stops
FROM served.driver_trips(
    %(principal)s, %(driver_id)s, %(start)s, %(stop)s, %(newest_first)s, %(skipped)s,
    %(max_rows)s)

-- :name served_vehicle_scores
-- A vehicle's scores, by week or by trip, by their start.
SELECT start_time, end_time, week, time_zone, driver_id, vehicle_class, band, score, low, high,
       grade, reason, missing, difficulty, difficulty_missing, reference, distance_km, n_trips,
       trend, parts
FROM served.vehicle_scores(
    %(principal)s, %(vin)s, %(of_trips)s, %(start)s, %(stop)s, %(newest_first)s, %(skipped)s,
    %(max_rows)s)

-- :name served_driver_scores
-- A driver's scores by week.
SELECT start_time, end_time, week, time_zone, driver_id, vehicle_class, band, score, low, high,
       grade, reason, missing, difficulty, difficulty_missing, reference, distance_km, n_trips,
       trend, parts
FROM served.driver_scores(
    %(principal)s, %(driver_id)s, %(start)s, %(stop)s, %(newest_first)s, %(skipped)s,
    %(max_rows)s)

-- :name served_accumulated
-- A vehicle's counters.
SELECT layout_version, newest_day, counters, corrections, corrected, updated_at
FROM served.accumulated(%(principal)s, %(vin)s)

-- :name served_drivers
-- A page of drivers by their numbers.
SELECT driver_id, card_id, name, is_employee
FROM served.drivers(%(principal)s, %(after_id)s, %(max_rows)s)

-- :name served_fleets
-- A page of fleets by their numbers.
SELECT fleet_id, name, party, time_zone, vehicles
FROM served.fleets(%(principal)s, %(after_id)s, %(max_rows)s)

-- :name served_fleet
-- One fleet.
SELECT fleet_id, name, time_zone FROM served.fleet(%(principal)s, %(fleet_id)s)

-- :name served_fleet_scores
-- Scores of a fleet's vehicles or drivers of one week, the best first.
SELECT vin, driver_id, card_id, name, vehicle_class, band, score, low, high, grade, reason,
       difficulty, distance_km, n_trips, score_before, trend
FROM served.fleet_scores(%(principal)s, %(fleet_id)s, %(week)s, %(of_drivers)s)
