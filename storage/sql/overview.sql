-- :name overview
-- Vehicles, trips, the newest frame, and vehicle-days that wait for analysis.
SELECT (SELECT count(*) FROM vehicle),
       (SELECT count(*) FROM trip),
       (SELECT max(time) FROM vehicle_state),
       (SELECT count(*) FROM touched_day WHERE analysed < touched)

-- :name ingest_counts
-- The exact counts of ingest, over all days and partitions.
SELECT measure, key, sum(count)
FROM ingest_count
GROUP BY measure, key
ORDER BY measure, sum(count) DESC
