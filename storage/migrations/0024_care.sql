-- What dealers and workshops work by: which vehicles want somebody to call, and which of them were
-- seen to. And what the maker asks of all vehicles and of ingest.
-- works with: 6

-- A vehicle that a party has seen to, for these reasons: it is on the party's list again as soon as
-- there is another one.
CREATE TABLE care_handled (
    party_id    bigint NOT NULL REFERENCES party,
    vehicle_id  bigint NOT NULL REFERENCES vehicle,
    reasons     text[] NOT NULL CHECK (cardinality(reasons) BETWEEN 1 AND 250),
    handled_at  timestamptz NOT NULL DEFAULT now(),
    handled_by  text NOT NULL CHECK (handled_by <> ''),
    PRIMARY KEY (party_id, vehicle_id)
);
COMMENT ON COLUMN care_handled.reasons IS 'Those that were seen to, by the keys that api/care/cases.py gives.';
COMMENT ON COLUMN care_handled.handled_by IS 'Who said so: account:name, client:id and the like.';

-- 1. The list.

-- What is known of the vehicles of a principal that may want care: a warning or a trouble code, a
-- service that is counted down or planned, or silence. Which of it is a reason api/care/cases.py decides.
-- names begins with wheel_speed, gnss_speed, engine_running, engine_speed (which tell what a vehicle
-- does), service_due, service_distance, service_days; from the tenth on they are warnings, told where
-- they are lit.
CREATE FUNCTION served.care(
    principal bigint, wanted_vin text, max_rows integer, names text[], rules jsonb,
    asked_at timestamptz
)
RETURNS TABLE (
    vin text, model text, plate text, region text, registered_at timestamptz,
    last_seen timestamptz, "values" double precision[], times timestamptz[], lit jsonb,
    trouble_codes jsonb, every_km double precision, every_h double precision, every_days integer,
    of_model boolean, done_at timestamptz, odometer_km double precision,
    engine_h double precision, handled text[], handled_at timestamptz, handled_by text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    groups text[];
    positions smallint[];
BEGIN
    SELECT array_agg(signal.signal_group ORDER BY wanted.place),
           array_agg(signal.position ORDER BY wanted.place)
    INTO groups, positions
    FROM unnest(names) WITH ORDINALITY AS wanted (name, place) LEFT JOIN signal USING (name);
    RETURN QUERY
    WITH known AS (
        SELECT v.vehicle_id, v.vin, v.model, of_today(v.plate, visible.data) AS plate,
               of_today(v.region, visible.data) AS region, v.registered_at, v.vehicle_class,
               visible.data, heard.last_seen, latest.values, latest.times, codes.found
        FROM visible_vehicles(principal, '', 2147483647) AS visible
        JOIN vehicle AS v USING (vehicle_id)
        CROSS JOIN LATERAL (
            SELECT max(state.time) AS last_seen
            FROM vehicle_state AS state
            WHERE state.vehicle_id = v.vehicle_id AND visible.data @> state.time
        ) AS heard
        CROSS JOIN LATERAL (
            SELECT array_agg(CASE WHEN is_opened THEN value END ORDER BY place),
                   array_agg(CASE WHEN is_opened THEN time END ORDER BY place)
            FROM (
                SELECT wanted.place, state.values[wanted.position], state.times[wanted.position],
                       state.values[wanted.position] <> 'NaN'
                           AND (wanted.place < 10 OR state.values[wanted.position] <> 0)
                           AND visible.data @> state.times[wanted.position]
                FROM unnest(groups, positions) WITH ORDINALITY
                         AS wanted (signal_group, position, place)
                LEFT JOIN vehicle_state AS state
                  ON state.vehicle_id = v.vehicle_id AND state.signal_group = wanted.signal_group
            ) AS cell (place, value, time, is_opened)
        ) AS latest ("values", times)
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_array(
                       code.spn, code.fmi, code.source_address, code.lamp, code.count,
                       (extract(epoch FROM code.time) * 1000000)::bigint)
                       ORDER BY code.time DESC, code.spn, code.fmi) AS found
            FROM (
                SELECT DISTINCT ON (code.spn, code.fmi, code.source_address) code.*
                FROM trouble_code AS code
                WHERE code.vehicle_id = v.vehicle_id AND visible.data @> code.time
                ORDER BY code.spn, code.fmi, code.source_address, code.time DESC
            ) AS code
            WHERE code.active AND code.lamp <> 'NONE'
        ) AS codes
        WHERE wanted_vin IS NULL OR v.vin = wanted_vin
    )
    SELECT known.vin, known.model, known.plate, known.region, known.registered_at,
           known.last_seen, known.values, known.times, lamps.lit, known.found, plan.every_km,
           plan.every_h, plan.every_days, plan.model IS NOT NULL, last.done_at, last.odometer_km,
           last.engine_h, handled.reasons, handled.handled_at, handled.handled_by
    FROM known
    LEFT JOIN LATERAL (
        SELECT * FROM service_plan AS plan
        WHERE plan.vehicle_class = known.vehicle_class
          AND (plan.model = known.model OR plan.model IS NULL)
        ORDER BY plan.model NULLS LAST LIMIT 1
    ) AS plan ON true
    LEFT JOIN LATERAL (
        SELECT * FROM service_done AS done
        WHERE done.vehicle_id = known.vehicle_id AND known.data @> done.done_at
        ORDER BY done.done_at DESC LIMIT 1
    ) AS last ON true
    CROSS JOIN LATERAL (
        SELECT num_nonnulls(VARIADIC known.values[10:]) > 0
    ) AS any_lamp (is_lit)
    -- Since when: what a vehicle reported of its tell-tales. More than a month of it is not sought.
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(
                   told.detail, (extract(epoch FROM told.newest) * 1000000)::bigint) AS lit
        FROM (
            SELECT event.detail, max(event.time) AS newest
            FROM vehicle_event AS event
            WHERE any_lamp.is_lit AND event.vehicle_id = known.vehicle_id
              AND event.time > asked_at - interval '31 days' AND event.trigger_type = 'TELL_TALE'
              AND known.data @> event.time
            GROUP BY event.detail
        ) AS told
    ) AS lamps
    LEFT JOIN care_handled AS handled
      ON handled.party_id = principal AND handled.vehicle_id = known.vehicle_id
    WHERE known.found IS NOT NULL OR any_lamp.is_lit
       OR known.values[5] <> 0 OR num_nonnulls(known.values[6], known.values[7]) > 0
       OR num_nonnulls(plan.every_km, plan.every_h, plan.every_days) > 0
          AND last.done_at IS NOT NULL
       OR activity(known.values[1], known.values[2], known.values[3], known.values[4],
                   asked_at - known.last_seen, rules) = 'silent'
    ORDER BY known.vin
    LIMIT max_rows;
END $$;

-- Write down, or take back, that a principal has seen to a vehicle.
CREATE FUNCTION served.handle_care(principal bigint, wanted_vin text, reasons text[], by text)
RETURNS TABLE (handled_at timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    INSERT INTO care_handled AS known (party_id, vehicle_id, reasons, handled_by)
    SELECT handle_care.principal, visible.vehicle_id, handle_care.reasons, handle_care.by
    FROM visible_vehicle(principal, wanted_vin) AS visible
    ON CONFLICT (party_id, vehicle_id) DO UPDATE
    SET reasons = excluded.reasons, handled_at = now(), handled_by = excluded.handled_by
    RETURNING known.handled_at
$$;

CREATE FUNCTION served.reopen_care(principal bigint, wanted_vin text)
RETURNS TABLE (handled_at timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    DELETE FROM care_handled AS known
    USING visible_vehicle(principal, wanted_vin) AS visible
    WHERE known.party_id = principal AND known.vehicle_id = visible.vehicle_id
    RETURNING known.handled_at
$$;

-- 2. What only the maker is told: it is of every vehicle, and of the platform.

CREATE FUNCTION require_maker(principal bigint) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF kind_of(principal) <> 'maker' THEN
        PERFORM refuse(403, 'not_yours', 'What is counted over all vehicles is the maker''s to know.',
                       'Ask /v1/vehicles for those that are yours to see.');
    END IF;
END $$;

-- Vehicles by model, region, state, how long they have been silent, and the newest version of the
-- catalogue of which they have told a signal; key NULL: not known.
CREATE FUNCTION served.fleet_counts(principal bigint, rules jsonb, asked_at timestamptz)
RETURNS TABLE (what text, key text, vehicles bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    place jsonb;
    later jsonb;
    at_first integer := (SELECT min(since) FROM signal);
BEGIN
    PERFORM require_maker(principal);
    SELECT jsonb_object_agg(signal.name, signal.position) INTO place
    FROM signal
    WHERE signal.name IN ('wheel_speed', 'gnss_speed', 'engine_running', 'engine_speed');
    SELECT jsonb_object_agg(of_group.signal_group, of_group.cells) INTO later
    FROM (
        SELECT signal_group, jsonb_object_agg(position, since) AS cells
        FROM signal WHERE since > at_first GROUP BY signal_group
    ) AS of_group;
    RETURN QUERY
    WITH each AS (
        SELECT v.model, v.region, heard.last_seen, told.version,
               activity(
                   opened_value(motion.values, motion.times,
                                (place ->> 'wheel_speed')::smallint, always.data),
                   opened_value(location.values, location.times,
                                (place ->> 'gnss_speed')::smallint, always.data),
                   opened_value(motion.values, motion.times,
                                (place ->> 'engine_running')::smallint, always.data),
                   opened_value(motion.values, motion.times,
                                (place ->> 'engine_speed')::smallint, always.data),
                   asked_at - heard.last_seen, rules) AS state
        FROM vehicle AS v
        CROSS JOIN (SELECT tstzmultirange(tstzrange(NULL, NULL))) AS always (data)
        LEFT JOIN vehicle_state AS motion
          ON motion.vehicle_id = v.vehicle_id AND motion.signal_group = 'motion'
        LEFT JOIN vehicle_state AS location
          ON location.vehicle_id = v.vehicle_id AND location.signal_group = 'location'
        CROSS JOIN LATERAL (
            SELECT max(state.time) AS last_seen
            FROM vehicle_state AS state WHERE state.vehicle_id = v.vehicle_id
        ) AS heard
        CROSS JOIN LATERAL (
            SELECT CASE WHEN heard.last_seen IS NOT NULL
                        THEN greatest(at_first, max((cell.value)::integer)) END AS version
            FROM vehicle_state AS state
            CROSS JOIN LATERAL jsonb_each_text(later -> state.signal_group) AS cell
            WHERE later IS NOT NULL AND state.vehicle_id = v.vehicle_id
              AND state.values[cell.key::integer] <> 'NaN'
        ) AS told
    ), sorted AS (
        SELECT each.*,
               CASE WHEN state <> 'silent' THEN NULL
                    WHEN last_seen IS NULL THEN 'never'
                    WHEN asked_at - last_seen < interval '1 day' THEN 'hours'
                    WHEN asked_at - last_seen < interval '7 days' THEN 'days'
                    WHEN asked_at - last_seen < interval '30 days' THEN 'weeks'
                    ELSE 'longer' END AS silence
        FROM each
    )
    SELECT 'all', NULL, count(*) FROM sorted
    UNION ALL SELECT 'model', model, count(*) FROM sorted GROUP BY model
    UNION ALL SELECT 'region', region, count(*) FROM sorted GROUP BY region
    UNION ALL SELECT 'state', state, count(*) FROM sorted GROUP BY state
    UNION ALL SELECT 'catalogue', version::text, count(*) FROM sorted GROUP BY version
    UNION ALL SELECT 'silent', silence, count(*) FROM sorted
              WHERE silence IS NOT NULL GROUP BY silence;
END $$;

-- What ingest counted since a day, by measure and key; of values out of limits also how many vehicles
-- are among those that are kept.
CREATE FUNCTION served.data_quality(principal bigint, first_day date)
RETURNS TABLE (measure text, key text, count bigint, newest_day date, vehicles bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_maker(principal);
    RETURN QUERY
    SELECT counted.measure, counted.key, counted.count, counted.newest_day, kept.vehicles
    FROM (
        SELECT day.measure, day.key, sum(day.count)::bigint AS count, max(day.day) AS newest_day
        FROM ingest_count AS day
        WHERE day.day >= first_day AND day.measure NOT IN ('values')
        GROUP BY day.measure, day.key
    ) AS counted
    LEFT JOIN (
        SELECT signal.name, count(DISTINCT value.vehicle_id) AS vehicles
        FROM refused_value AS value JOIN signal USING (signal_id)
        GROUP BY signal.name
    ) AS kept ON counted.measure = 'out_of_limits' AND kept.name = counted.key
    ORDER BY counted.measure, counted.count DESC, counted.key;
END $$;

-- Day by day what was read and written, the days without anything left out.
CREATE FUNCTION served.ingest_days(principal bigint, first_day date)
RETURNS TABLE (day date, messages bigint, frames bigint, "values" bigint, refused bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_maker(principal);
    RETURN QUERY
    SELECT counted.day,
           coalesce(sum(counted.count) FILTER (WHERE counted.measure = 'messages'), 0)::bigint,
           coalesce(sum(counted.count) FILTER (WHERE counted.measure = 'frames'), 0)::bigint,
           coalesce(sum(counted.count) FILTER (WHERE counted.measure = 'values'), 0)::bigint,
           coalesce(sum(counted.count) FILTER (WHERE counted.measure = 'refused'), 0)::bigint
    FROM ingest_count AS counted
    WHERE counted.day >= first_day
    GROUP BY counted.day
    ORDER BY counted.day DESC;
END $$;

-- When ingest wrote last, and what waits behind it.
CREATE FUNCTION served.ingest_now(principal bigint)
RETURNS TABLE (
    written_at timestamptz, partitions bigint, slowest_at timestamptz, days_to_analyse bigint,
    days_to_roll_up bigint, oldest_day date
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    PERFORM require_maker(principal);
    RETURN QUERY
    SELECT (SELECT max(updated_at) FROM ingest_offset), (SELECT count(*) FROM ingest_offset),
           (SELECT min(updated_at) FROM ingest_offset),
           (SELECT count(*) FROM touched_day WHERE analysed < touched),
           (SELECT count(*) FROM touched_day WHERE rolled_up < touched),
           (SELECT min(touched_day.day) FROM touched_day WHERE analysed < touched);
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
