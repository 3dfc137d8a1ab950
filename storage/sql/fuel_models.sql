-- :name lock_fuel_models
-- Be the only one that changes which model is used, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('telemetry.fuel_model', 0))

-- :name fuel_models
-- All models of a kind, the newest first.
SELECT model_id, kind, created_at, data_from, data_to, code_version, note, metrics, reference,
       checksum, octet_length(body), active
FROM fuel_model WHERE kind = %(kind)s
ORDER BY model_id DESC

-- :name active_fuel_model
-- The model of a kind that is used, with its body.
SELECT model_id, kind, created_at, data_from, data_to, code_version, note, metrics, reference,
       checksum, octet_length(body), active, body
FROM fuel_model WHERE kind = %(kind)s AND active

-- :name fuel_model_body
-- A model itself, and its checksum.
SELECT body, checksum FROM fuel_model WHERE kind = %(kind)s AND model_id = %(model_id)s

-- :name active_fuel_model_id
-- Which model of a kind is used.
SELECT model_id FROM fuel_model WHERE kind = %(kind)s AND active

-- :name retire_fuel_model
-- Use none of a kind any more.
UPDATE fuel_model SET active = false WHERE kind = %(kind)s AND active

-- :name store_fuel_model
-- A new model, which is used from now on.
INSERT INTO fuel_model (kind, data_from, data_to, code_version, note, metrics, reference, checksum,
                        body, active)
VALUES (%(kind)s, %(data_from)s, %(data_to)s, %(code_version)s, %(note)s, %(metrics)s,
        %(reference)s, %(checksum)s, %(body)s, true)
RETURNING model_id

-- :name activate_fuel_model
-- Use a model again.
UPDATE fuel_model SET active = true WHERE kind = %(kind)s AND model_id = %(model_id)s

-- :name fuel_data_span
-- The days there are segments of.
SELECT min(day), max(day) FROM fuel_segment
WHERE layout_version = %(layout_version)s
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)

-- :name fuel_stats_of_vehicles
-- Sums of days, by vehicle.
SELECT vehicle_id, vin, vehicle_class, stats
FROM fuel_stats JOIN vehicle USING (vehicle_id)
WHERE stats_version = %(stats_version)s
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
ORDER BY vehicle_id, day

-- :name vehicles_with_segments
-- How many segments there are of each vehicle.
SELECT vehicle_id, vehicle_class, count(*)
FROM fuel_segment JOIN vehicle USING (vehicle_id)
WHERE layout_version = %(layout_version)s
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
GROUP BY vehicle_id, vehicle_class
ORDER BY vehicle_id

-- :name fuel_segments
-- Segments of some vehicles: each array as long as the next.
SELECT vehicle_id, start_time, cells
FROM fuel_segment
WHERE vehicle_id = ANY (%(vehicle_ids)s::bigint[]) AND layout_version = %(layout_version)s
  AND cardinality(cells) = %(cells)s
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
ORDER BY vehicle_id, start_time
