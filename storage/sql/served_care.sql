-- :name served_care
-- What is known of vehicles that may want care.
SELECT vin, model, plate, region, registered_at, last_seen, "values", times, lit, trouble_codes,
       every_km, every_h, every_days, of_model, done_at, odometer_km, engine_h, handled,
       handled_at, handled_by
FROM served.care(%(principal)s, %(vin)s, %(max_rows)s, %(names)s, %(rules)s, %(asked_at)s)

-- :name served_handle_care
-- A vehicle was seen to, for these reasons.
SELECT handled_at FROM served.handle_care(%(principal)s, %(vin)s, %(reasons)s, %(by)s)

-- :name served_reopen_care
-- It was not, after all.
SELECT handled_at FROM served.reopen_care(%(principal)s, %(vin)s)

-- :name served_fleet_counts
-- Vehicles by what the maker asks of all of them.
SELECT what, key, vehicles FROM served.fleet_counts(%(principal)s, %(rules)s, %(asked_at)s)

-- :name served_data_quality
-- What ingest counted since a day.
SELECT measure, key, count, newest_day, vehicles
FROM served.data_quality(%(principal)s, %(first_day)s)

-- :name served_ingest_days
-- Day by day what ingest read and wrote.
SELECT day, messages, frames, "values", refused
FROM served.ingest_days(%(principal)s, %(first_day)s)

-- :name served_ingest_now
-- When ingest wrote last, and what waits behind it.
SELECT written_at, partitions, slowest_at, days_to_analyse, days_to_roll_up, oldest_day
FROM served.ingest_now(%(principal)s)
