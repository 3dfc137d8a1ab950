-- :name served_datasets
-- The datasets of a principal by their numbers.
SELECT * FROM served.datasets(%(principal)s, %(after_id)s, %(max_rows)s)

-- :name served_dataset
-- One dataset.
SELECT * FROM served.dataset(%(principal)s, %(dataset_id)s)

-- :name served_dataset_counts
-- How much there is in a dataset.
SELECT vehicles, vehicle_days, trips, events, availability
FROM served.dataset_counts(%(principal)s, %(dataset_id)s)

-- :name served_dataset_vehicles
-- A page of a dataset's vehicles by pseudonym.
SELECT vehicle, vehicle_class, model, signals
FROM served.dataset_vehicles(%(principal)s, %(dataset_id)s, %(after_vehicle)s, %(max_rows)s)

-- :name served_dataset_pseudonyms
-- A page of their pseudonyms alone.
SELECT vehicle
FROM served.dataset_pseudonyms(%(principal)s, %(dataset_id)s, %(from_vehicle)s, %(max_rows)s)

-- :name served_dataset_signals
-- Signals of a vehicle of a dataset, all rows in one, as served_signals has them.
SELECT array_agg(time ORDER BY time), array_agg("values" ORDER BY time),
       array_agg(minima ORDER BY time), array_agg(maxima ORDER BY time)
FROM served.dataset_signals(
    %(principal)s, %(dataset_id)s, %(vehicle)s, %(names)s, %(start)s, %(stop)s, %(step_s)s,
    %(max_rows)s)

-- :name served_dataset_trips
-- Trips of a dataset by vehicle and start.
SELECT vehicle, start_time, end_time, kind, distance_km, duration_s, driving_s, idle_s, stop_count,
       fuel_l, idle_fuel_l, max_speed_kmh, start_latitude, start_longitude, end_latitude,
       end_longitude
FROM served.dataset_trips(
    %(principal)s, %(dataset_id)s, %(start)s, %(stop)s, %(from_vehicle)s, %(from_start)s,
    %(skipped)s, %(max_rows)s)

-- :name served_dataset_events
-- Driving events of a dataset by vehicle and start.
SELECT vehicle, kind, start_time, trip_start, duration_s, severity, peak, limit_value, speed_km_h,
       distance_km, fuel_l, latitude, longitude
FROM served.dataset_events(
    %(principal)s, %(dataset_id)s, %(kinds)s, %(start)s, %(stop)s, %(from_vehicle)s,
    %(from_start)s, %(skipped)s, %(max_rows)s)

-- :name served_define_dataset
-- Define a dataset; says what is refused, and then defines none.
SELECT dataset_id, refusal, about
FROM served.define_dataset(
    %(principal)s, %(new_name)s, %(purpose)s, %(party)s, %(valid_from)s, %(valid_until)s,
    %(data_from)s, %(data_until)s, %(vins)s, %(fleet_id)s, %(signals)s, %(resolution_s)s,
    %(grid_deg)s, %(with_trips)s, %(with_events)s)

-- :name served_change_dataset
-- Give a dataset another name or end; no row: it has ended.
SELECT * FROM served.change_dataset(%(principal)s, %(dataset_id)s, %(new_name)s, %(valid_until)s)

-- :name served_end_dataset
-- Let a dataset be read no more.
SELECT ended_at FROM served.end_dataset(%(principal)s, %(dataset_id)s)
