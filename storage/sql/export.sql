-- :name export_rule
-- How few vehicles are told, and on what grid, where they are not to be known.
SELECT min_vehicles, finest_grid_deg FROM dataset_rule

-- :name makers
-- The parties that made the vehicles, by name.
SELECT name FROM party WHERE kind = 'maker' ORDER BY name

-- :name purpose_key
-- The key of a purpose; a new one where there is none yet. Many ask for one that is there at a time:
-- it is only read.
WITH there AS (
    SELECT key FROM export_purpose WHERE purpose = %(purpose)s
), made AS (
    INSERT INTO export_purpose AS known (purpose, key)
    SELECT %(purpose)s, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                               || uuid_send(gen_random_uuid()))
    WHERE NOT EXISTS (SELECT FROM there)
    ON CONFLICT (purpose) DO UPDATE SET purpose = known.purpose
    RETURNING key
)
SELECT key FROM there UNION ALL SELECT key FROM made

-- :name export_members
-- Vehicles whose driving a party may know, with the spans it may know of it. With a key they have
-- pseudonyms, and class and model only where enough of them share these.
WITH span AS (
    SELECT tstzrange(%(start)s, %(stop)s) AS wanted
), member AS (
    SELECT v.vehicle_id, v.vin, v.vehicle_class, v.model, owned.drivers AS opened
    FROM span
    CROSS JOIN vehicle AS v
    CROSS JOIN LATERAL opened(%(party)s, v.vehicle_id) AS owned
    WHERE owned.drivers && span.wanted
      AND (%(vins)s::text[] IS NULL OR v.vin = ANY (%(vins)s))
      AND (%(vehicle_ids)s::bigint[] IS NULL OR v.vehicle_id = ANY (%(vehicle_ids)s))
      AND (%(fleet)s::bigint IS NULL OR EXISTS (
          SELECT FROM visible_fleet(%(party)s, %(fleet)s) AS fleet
          JOIN fleet_vehicle AS belongs USING (fleet_id)
          WHERE belongs.vehicle_id = v.vehicle_id AND belongs.member && span.wanted))
), counted AS (
    SELECT member.*, %(key)s::bytea IS NULL AS known,
           count(*) OVER (PARTITION BY vehicle_class) AS of_class,
           count(*) OVER (PARTITION BY vehicle_class, model) AS of_model
    FROM member
)
SELECT vehicle_id, vin,
       CASE WHEN known THEN vin ELSE vehicle_pseudonym(%(key)s, vin) END AS label,
       CASE WHEN known OR of_class >= rule.min_vehicles THEN vehicle_class END AS vehicle_class,
       CASE WHEN known OR of_model >= rule.min_vehicles THEN model END AS model,
       opened
FROM counted CROSS JOIN dataset_rule AS rule
ORDER BY 3

-- :name export_signals
-- How signals are told: the dataset's rule for each, and how a step of it is summed up.
SELECT signal.name, dataset_signal_rule(signal), bucket.value
FROM signal
CROSS JOIN LATERAL bucket_expressions(signal.name, signal.kind, signal.type, false) AS bucket
WHERE signal.name = ANY (%(names)s)

-- :name export_shifts
-- By how much each counter of each vehicle is shifted.
SELECT v.vehicle_id, counter.name, counter_shift(%(key)s, v.vin, counter.name)
FROM vehicle AS v CROSS JOIN unnest(%(names)s::text[]) AS counter (name)
WHERE v.vehicle_id = ANY (%(vehicle_ids)s)

-- :name touched_on
-- The vehicles that have told anything of a day, and how often it was told since.
SELECT vehicle_id, touched FROM touched_day
WHERE day = %(day)s AND vehicle_id = ANY (%(vehicle_ids)s)

-- :name log_export
-- What was exported is a read of personal data, as any other.
INSERT INTO access_log (at, party_id, subject, role, method, route, vins, driver_ids, purpose, status,
                        reads)
VALUES (now(), %(party)s, 'telemetry export', 'administrator', 'GET', 'telemetry export', %(vins)s,
        '{}', %(purpose)s, 200, 1)
