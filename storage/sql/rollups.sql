-- :name days_to_roll_up
-- Vehicle-days touched since they were last summed up, and the touch that was seen.
SELECT day, vehicle_id, touched
FROM touched_day
WHERE rolled_up < touched
ORDER BY day, vehicle_id

-- :name mark_rolled_up
-- Write down which touch a rollup has seen.
UPDATE touched_day SET rolled_up = %(seen)s
WHERE vehicle_id = %(vehicle_id)s AND day = %(day)s AND rolled_up < %(seen)s

-- :name forget_days
-- Days of which neither rows nor rollups are kept any longer.
DELETE FROM touched_day WHERE day < %(oldest)s::date

-- :name announced_rollups
-- The relations that readers know of.
SELECT DISTINCT relation FROM rollup

-- :name announce_rollup
-- Which relation holds a signal's rollup.
INSERT INTO rollup (name, bucket_s, relation) VALUES (%(name)s, %(bucket_s)s, %(relation)s)
ON CONFLICT DO NOTHING

-- :name days_rolled_up
-- Days of which any vehicle was summed up.
SELECT DISTINCT day FROM touched_day WHERE rolled_up > 0 ORDER BY day

-- :name roll_up_again
-- Forget that some of a day's vehicles were summed up; in the order in which ingest touches them.
UPDATE touched_day SET rolled_up = 0
FROM (SELECT vehicle_id FROM touched_day
      WHERE day = %(day)s AND rolled_up > 0
      ORDER BY vehicle_id LIMIT %(at_once)s FOR UPDATE) AS found
WHERE touched_day.vehicle_id = found.vehicle_id AND touched_day.day = %(day)s
