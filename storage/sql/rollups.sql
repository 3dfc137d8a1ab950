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
