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
SELECT vehicle_id, vehicle_class, region, count(*)
FROM fuel_segment JOIN vehicle USING (vehicle_id)
WHERE layout_version = %(layout_version)s
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
GROUP BY vehicle_id, vehicle_class, region
ORDER BY vehicle_id

-- :name fuel_segments
-- Segments of some vehicles: each array as long as the next.
SELECT vehicle_id, start_time, day, cells
FROM fuel_segment
WHERE vehicle_id = ANY (%(vehicle_ids)s::bigint[]) AND layout_version = %(layout_version)s
  AND cardinality(cells) = %(cells)s
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
ORDER BY vehicle_id, start_time
