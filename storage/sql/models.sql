-- :name lock_models
-- Be the only one that changes the stages of models, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('telemetry.model', 0))

-- :name models
-- All models, or those of a kind, the newest first.
SELECT model_id, kind, stage, created_at, data_from, data_to, code_version, note, metrics,
       reference, evaluation, inputs, dataset, checksum, octet_length(body) AS size, run_id,
       module
FROM model
WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(model_id)s::bigint IS NULL OR model_id = %(model_id)s)
  AND (%(stage)s::text IS NULL OR stage = %(stage)s)
ORDER BY model_id DESC

-- :name model_body
-- A model itself, and its checksum.
SELECT body, checksum FROM model WHERE model_id = %(model_id)s

-- :name model_card
-- What a model's card says.
SELECT markdown FROM model WHERE model_id = %(model_id)s

-- :name champion_before
-- The model of a kind that was champion last before the one that is.
SELECT model_id FROM model_change JOIN model USING (model_id)
WHERE kind = %(kind)s AND model_change.stage = 'champion' AND model.stage <> 'champion'
ORDER BY change_id DESC LIMIT 1

-- :name store_model
-- A new model: champion where its kind has none, else a candidate.
INSERT INTO model (kind, stage, data_from, data_to, code_version, note, metrics, reference,
                   evaluation, inputs, dataset, markdown, run_id, module, checksum, body)
SELECT %(kind)s,
       CASE WHEN EXISTS (SELECT FROM model WHERE kind = %(kind)s AND stage = 'champion')
            THEN 'candidate' ELSE 'champion' END,
       %(data_from)s, %(data_to)s, %(code_version)s, %(note)s, %(metrics)s, %(reference)s,
       %(evaluation)s, %(inputs)s, %(dataset)s, %(card)s, %(run_id)s, %(module)s,
       %(checksum)s, %(body)s
RETURNING model_id, stage

-- :name set_model_run
-- Name the run in MLflow that tells how a model came to be.
UPDATE model SET run_id = %(run_id)s WHERE model_id = %(model_id)s

-- :name archive_champion
-- Use none of a kind any more.
UPDATE model SET stage = 'archived' WHERE kind = %(kind)s AND stage = 'champion'
RETURNING model_id

-- :name set_model_stage
-- Move a model to another stage.
UPDATE model SET stage = %(stage)s WHERE model_id = %(model_id)s

-- :name note_model_change
-- Write down which stage a model came to, and why.
INSERT INTO model_change (model_id, stage, reason)
VALUES (%(model_id)s, %(stage)s, %(reason)s)

-- :name days_to_judge
-- Vehicle-days a model was not trained on and has not predicted yet, or not as they are now.
SELECT days.vehicle_id, vehicle_class, days.day, week.worked
FROM fuel_stats AS days
JOIN touched_fuel_week AS week
  ON week.vehicle_id = days.vehicle_id AND week.week = date_trunc('week', days.day)::date
JOIN vehicle ON vehicle.vehicle_id = days.vehicle_id
LEFT JOIN model_error AS told
  ON told.model_id = %(model_id)s AND told.vehicle_id = days.vehicle_id AND told.day = days.day
WHERE (%(after)s::date IS NULL OR days.day > %(after)s) AND told.worked IS DISTINCT FROM week.worked
ORDER BY days.vehicle_id, days.day
LIMIT %(most)s

-- :name store_model_errors
-- How a model did on vehicle-days; what was known of them before is replaced.
INSERT INTO model_error (model_id, vehicle_id, day, worked, rows, actual, signed, absolute)
SELECT %(model_id)s, given.*
FROM unnest(%(vehicle_id)s::bigint[], %(day)s::date[], %(worked)s::bigint[], %(rows)s::integer[],
            %(actual)s::float8[], %(signed)s::float8[], %(absolute)s::float8[]) AS given
ON CONFLICT (model_id, vehicle_id, day) DO UPDATE
SET worked = excluded.worked, rows = excluded.rows, actual = excluded.actual,
    signed = excluded.signed, absolute = excluded.absolute

-- :name errors_side_by_side
-- Of each vehicle, how two models did on the same days, which neither was trained on.
SELECT one.vehicle_id, count(*), sum(one.rows), sum(one.actual), sum(one.absolute),
       sum(other.absolute), sum(one.signed), sum(other.signed)
FROM model_error AS one
JOIN model_error AS other
  ON other.model_id = %(other)s AND other.vehicle_id = one.vehicle_id AND other.day = one.day
     AND other.worked = one.worked AND other.rows = one.rows
WHERE one.model_id = %(one)s AND one.rows > 0
  AND one.day > (SELECT coalesce(max(data_to), '-infinity') FROM model
                 WHERE model_id IN (%(one)s, %(other)s))
GROUP BY one.vehicle_id
ORDER BY one.vehicle_id

-- :name errors_of_week
-- Of each vehicle, how a model did in a week.
SELECT vehicle_id, sum(rows), sum(actual), sum(signed), sum(absolute)
FROM model_error
WHERE model_id = %(model_id)s AND day BETWEEN %(week)s AND %(week)s::date + 6 AND rows > 0
GROUP BY vehicle_id
ORDER BY vehicle_id

-- :name weeks_judged
-- Weeks in which a model predicted something, the oldest first.
SELECT DISTINCT date_trunc('week', day)::date AS week
FROM model_error
WHERE model_id = %(model_id)s AND rows > 0 AND day >= %(first)s
ORDER BY week

-- :name forget_drift_of_week
-- Forget what was said of a week's drift.
DELETE FROM model_drift WHERE model_id = %(model_id)s AND week = %(week)s

-- :name store_drift
-- What has drifted in a week.
INSERT INTO model_drift (model_id, week, of_what, name, value, low, high, reference, limit_value,
                         drifted, vehicles, rows)
VALUES (%(model_id)s, %(week)s, %(of_what)s, %(name)s, %(value)s, %(low)s, %(high)s,
        %(reference)s, %(limit)s, %(drifted)s, %(vehicles)s, %(rows)s)

-- :name drift
-- What has drifted since a week, the newest first.
SELECT week, of_what, name, value, low, high, reference, limit_value AS limit, drifted, vehicles,
       rows
FROM model_drift
WHERE model_id = %(model_id)s AND week >= %(first)s
ORDER BY week DESC, of_what, name
