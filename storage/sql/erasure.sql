-- :name erase_alone
-- Whoever writes of people or places now is waited for; who begins after this finds them erased.
SELECT pg_advisory_xact_lock(hashtext('telemetry.erasure'))

-- :name write_beside_erasures
-- Whoever erases waits until this transaction ends.
SELECT pg_advisory_xact_lock_shared(hashtext('telemetry.erasure'))

-- :name find_driver_by_card
-- The driver of a tachograph card.
SELECT driver_id, card_id FROM driver WHERE card_id = %(card)s

-- :name find_driver_by_number
-- The driver of a number.
SELECT driver_id, card_id FROM driver WHERE driver_id = %(driver_id)s

-- :name was_erased
-- When somebody of that kind and name was erased.
SELECT erased_at FROM erased_person WHERE person_hash = person_hash(%(kind)s, %(name)s)

-- :name subjects_of_driver
-- How a driver's accounts are named in the log of reads.
SELECT coalesce(array_agg(subject), '{}') FROM (
    SELECT 'account:' || name AS subject FROM account WHERE driver_id = %(driver_id)s
    UNION SELECT 'oidc:' || subject FROM provider_session WHERE driver_id = %(driver_id)s
) AS known

-- :name begin_erasure
-- Write down that an erasure begins; one of the same that was broken off goes on.
INSERT INTO erasure AS begun (kind, subject_hash, asked_by)
VALUES (%(kind)s, person_hash(%(subject_kind)s, %(subject)s), %(asked_by)s)
ON CONFLICT (subject_hash) WHERE ended_at IS NULL DO UPDATE SET asked_by = EXCLUDED.asked_by
RETURNING erasure_id

-- :name remember_erased
-- Let a person's card, or number, not come back.
INSERT INTO erased_person (person_hash) VALUES (person_hash(%(kind)s, %(name)s))
ON CONFLICT DO NOTHING

-- :name readmit
-- Let a card be registered again.
DELETE FROM erased_person WHERE person_hash = person_hash('card', %(card)s)

-- :name erase_span
-- Let a vehicle's positions of a span not come back.
INSERT INTO erased_span (vehicle_id, span, erasure_id)
VALUES (%(vehicle_id)s, tstzrange(%(since)s, %(until)s), %(erasure_id)s)
ON CONFLICT (vehicle_id, span) DO UPDATE SET erasure_id = EXCLUDED.erasure_id, done = false

-- :name erase_driven_spans
-- Likewise of what a driver drove, with the moment at which it ended.
INSERT INTO erased_span (vehicle_id, span, erasure_id)
SELECT vehicle_id, span, %(erasure_id)s
FROM (SELECT vehicle_id, tstzrange(part_start, end_time, '[]') AS span
      FROM trip_part WHERE driver_id = %(driver_id)s
      UNION
      SELECT vehicle_id, tstzrange(start_time, end_time, '[]')
      FROM drive_span WHERE driver_id = %(driver_id)s) AS driven
ON CONFLICT (vehicle_id, span) DO UPDATE SET erasure_id = EXCLUDED.erasure_id, done = false

-- :name spans_to_erase
-- Spans of an erasure that are not done; an end that belongs to it is told a microsecond later.
SELECT vehicle_id, span::text, lower(span),
       upper(span) + CASE WHEN upper_inc(span) THEN interval '1 microsecond' ELSE interval '0' END
FROM erased_span
WHERE erasure_id = %(erasure_id)s AND NOT done
ORDER BY vehicle_id, span

-- :name span_done
-- Nothing is left of a span.
UPDATE erased_span SET done = true
WHERE vehicle_id = %(vehicle_id)s AND span = %(span)s::tstzrange

-- :name count_erased
-- Add to what an erasure has done.
UPDATE erasure SET counts = jsonb_set(
    counts, ARRAY[%(name)s], to_jsonb(coalesce((counts ->> %(name)s)::bigint, 0) + %(rows)s))
WHERE erasure_id = %(erasure_id)s

-- :name end_erasure
-- Write down that an erasure is through; whom it was of is not known any more.
UPDATE erasure SET ended_at = now(), subject_hash = NULL WHERE erasure_id = %(erasure_id)s
RETURNING counts

-- :name erasures
-- What was erased, the newest first.
SELECT erasure_id, kind, asked_by, began_at, ended_at, counts
FROM erasure ORDER BY erasure_id DESC LIMIT %(max_rows)s

-- :name forget_latest_positions
-- Latest values that say where a vehicle was in a span; how many.
WITH changed AS (
    UPDATE vehicle_state AS state
    SET ("values", times) = (
        SELECT array_agg(CASE WHEN erased THEN 'NaN' ELSE value END ORDER BY place),
               array_agg(CASE WHEN erased THEN '-infinity' ELSE at END ORDER BY place)
        FROM (SELECT cell.*, cell.at >= %(since)s AND cell.at < %(until)s
                     AND EXISTS (SELECT FROM signal
                                 WHERE signal.signal_group = state.signal_group
                                   AND signal.position = cell.place
                                   AND signal.name = ANY (%(names)s)) AS erased
              FROM unnest(state.values, state.times) WITH ORDINALITY AS cell (value, at, place)
             ) AS known)
    WHERE vehicle_id = %(vehicle_id)s
      AND EXISTS (SELECT FROM signal
                  WHERE signal.signal_group = state.signal_group AND signal.name = ANY (%(names)s)
                    AND state.times[signal.position] >= %(since)s
                    AND state.times[signal.position] < %(until)s)
    RETURNING 1
)
SELECT count(*) FROM changed

-- :name count_latest_positions
-- How many rows of latest values say where a vehicle was in a span.
SELECT count(DISTINCT state.signal_group)
FROM vehicle_state AS state JOIN signal USING (signal_group)
WHERE state.vehicle_id = %(vehicle_id)s AND signal.name = ANY (%(names)s)
  AND state.times[signal.position] >= %(since)s AND state.times[signal.position] < %(until)s

-- :name aggregate_table
-- The table behind a continuous aggregate.
SELECT materialization_hypertable_schema, materialization_hypertable_name
FROM timescaledb_information.continuous_aggregates
WHERE view_schema = 'telemetry' AND view_name = %(relation)s

-- :name erased_spans_of
-- Spans of some vehicles in which positions were erased, from and before [µs since 1970].
SELECT vehicle_id,
       coalesce((extract(epoch FROM lower(span)) * 1000000)::bigint, -9223372036854775808),
       coalesce((extract(epoch FROM upper(span)) * 1000000)::bigint + upper_inc(span)::integer,
                9223372036854775807)
FROM erased_span
WHERE vehicle_id = ANY (%(vehicle_ids)s)

-- :name erased_cards_of
-- Those of some cards that were erased.
SELECT card FROM unnest(%(cards)s::text[]) AS card WHERE is_erased('card', card)

-- :name forget_samples
-- What the planner had sampled of a table that is empty now.
SELECT pg_clear_attribute_stats('telemetry', %(table)s, attname, inherited)
FROM pg_stats
WHERE schemaname = 'telemetry' AND tablename = %(table)s
  AND NOT EXISTS (SELECT FROM pg_class
                  WHERE oid = to_regclass('telemetry.' || quote_ident(%(table)s)) AND reltuples > 0)

-- :name column_names
-- A table's columns, in their order.
SELECT attname FROM pg_attribute
WHERE attrelid = ('telemetry.' || quote_ident(%(table)s))::regclass AND attnum > 0
  AND NOT attisdropped
ORDER BY attnum

-- :name table_comment
-- What a table is for.
SELECT obj_description(to_regclass('telemetry.' || quote_ident(%(table)s)), 'pg_class')

-- :name driven_positions
-- Where a driver drove: raw rows of their spans at the wheel, by vehicle and time.
SELECT vin, row.time, row.latitude, row.longitude, row.altitude, row.heading
FROM drive_span
JOIN vehicle USING (vehicle_id)
JOIN {table} AS row ON row.vehicle_id = drive_span.vehicle_id
    AND row.time >= drive_span.start_time AND row.time <= drive_span.end_time
WHERE drive_span.driver_id = %(driver_id)s AND num_nonnulls(row.latitude, row.longitude) > 0
ORDER BY vin, row.time
