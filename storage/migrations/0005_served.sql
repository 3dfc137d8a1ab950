-- The access rule, enforced once and here. The API's role may run these functions and touch no
-- table: whatever it reads, it reads as a principal (a party), and sees the vehicles and the span of
-- data that party may see now. A vehicle it may not see is a vehicle that is not there (P0002).
--
-- (Row-level security would be the obvious way; TimescaleDB refuses it on columnstore tables.)

CREATE SCHEMA served;

-- Roles are shared by a server's databases: another one may have brought it, or be about to.
DO $$
BEGIN
    IF to_regrole('telemetry_api') IS NULL THEN
        CREATE ROLE telemetry_api NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    GRANT telemetry_api TO CURRENT_USER;
EXCEPTION
    WHEN insufficient_privilege THEN
        IF NOT pg_has_role('telemetry_api', 'MEMBER') THEN
            RAISE insufficient_privilege USING MESSAGE = format(
                'role telemetry_api is there but not granted to %1$I: let an administrator run'
                ' GRANT telemetry_api TO %1$I', current_user);
        END IF;
END $$;
GRANT USAGE ON SCHEMA served TO telemetry_api;

-- Which relation holds a signal's rollup, by width of bucket. Written by migrate from the catalogue.
CREATE TABLE rollup (
    name      text NOT NULL REFERENCES signal (name) ON UPDATE CASCADE,
    bucket_s  integer NOT NULL CHECK (bucket_s > 0),
    relation  text NOT NULL,
    PRIMARY KEY (name, bucket_s)
);

-- The rule itself, now, for a page of vehicles by VIN, and for one. A maker sees all of every vehicle,
-- others what their grants open. (The branch that is not the principal's is never run.)
CREATE FUNCTION visible_vehicles(principal bigint, after_vin text, max_rows integer)
RETURNS TABLE (vehicle_id bigint, data tstzmultirange)
LANGUAGE sql STABLE ROWS 100 AS $$
    (SELECT vehicle.vehicle_id, tstzmultirange(tstzrange(NULL, NULL))
     FROM vehicle
     WHERE vehicle.vin > after_vin
       AND (SELECT kind FROM party WHERE party_id = principal) = 'maker'
     ORDER BY vehicle.vin LIMIT max_rows)
    UNION ALL
    (SELECT vehicle.vehicle_id, range_agg(access.data)
     FROM vehicle_access AS access JOIN vehicle USING (vehicle_id)
     WHERE access.party_id = principal AND access.valid @> now() AND vehicle.vin > after_vin
       AND (SELECT kind FROM party WHERE party_id = principal) <> 'maker'
     GROUP BY vehicle.vehicle_id
     ORDER BY vehicle.vin LIMIT max_rows)
$$;

CREATE FUNCTION visible_vehicle(
    principal bigint, wanted_vin text, OUT vehicle_id bigint, OUT data tstzmultirange
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT v.vehicle_id,
           CASE WHEN p.kind = 'maker' THEN tstzmultirange(tstzrange(NULL, NULL))
                ELSE (SELECT range_agg(access.data) FROM vehicle_access AS access
                      WHERE access.party_id = principal AND access.vehicle_id = v.vehicle_id
                        AND access.valid @> now())
           END
    INTO vehicle_id, data
    FROM vehicle AS v, party AS p
    WHERE v.vin = wanted_vin AND p.party_id = principal;
    IF data IS NULL THEN
        RAISE EXCEPTION 'no vehicle % that party % may see', wanted_vin, principal
            USING ERRCODE = 'no_data_found';
    END IF;
END $$;

-- What a reader has to know first: the newest migration and catalogue the database has seen, and the
-- number of the party of that name (NULL where there is none).
CREATE FUNCTION served.greeting(party_name text)
RETURNS TABLE (migration integer, catalogue integer, party_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT (SELECT max(version) FROM schema_version),
           (SELECT max(since) FROM signal),
           (SELECT party.party_id FROM party WHERE party.name = party_name)
$$;

-- The vehicles of a principal by VIN, each with the latest values of the named signals.
CREATE FUNCTION served.vehicles(
    principal bigint, after_vin text, max_rows integer, names text[]
)
RETURNS TABLE (
    vin text, model text, registered_at timestamptz, last_seen timestamptz,
    "values" double precision[], times timestamptz[]
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT v.vin, v.model, v.registered_at,
           (SELECT max(state.time) FROM vehicle_state AS state
            WHERE state.vehicle_id = v.vehicle_id AND visible.data @> state.time),
           latest.values, latest.times
    FROM visible_vehicles(principal, after_vin, max_rows) AS visible
    JOIN vehicle AS v USING (vehicle_id)
    CROSS JOIN LATERAL (
        SELECT array_agg(nullif(cell.value, 'NaN') ORDER BY wanted.place) AS "values",
               array_agg(cell.time ORDER BY wanted.place) AS times
        FROM unnest(names) WITH ORDINALITY AS wanted (name, place)
        LEFT JOIN LATERAL (
            SELECT state.values[signal.position] AS value, state.times[signal.position] AS time
            FROM signal
            JOIN vehicle_state AS state
              ON state.vehicle_id = v.vehicle_id AND state.signal_group = signal.signal_group
            WHERE signal.name = wanted.name AND visible.data @> state.times[signal.position]
              AND state.values[signal.position] <> 'NaN'
        ) AS cell ON true
    ) AS latest
    ORDER BY v.vin
$$;

CREATE FUNCTION served.vehicle(principal bigint, wanted_vin text)
RETURNS TABLE (
    vin text, model text, check_digit_ok boolean, registered_at timestamptz, last_seen timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT v.vin, v.model, v.check_digit_ok, v.registered_at,
           (SELECT max(state.time) FROM vehicle_state AS state
            WHERE state.vehicle_id = v.vehicle_id AND visible.data @> state.time)
    FROM visible_vehicle(principal, wanted_vin) AS visible
    JOIN vehicle AS v USING (vehicle_id)
$$;

-- The latest value of every signal of a vehicle, each with its own time.
CREATE FUNCTION served.vehicle_state(principal bigint, wanted_vin text)
RETURNS TABLE (name text, value double precision, "time" timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT signal.name, cell.value, cell.time
    FROM visible_vehicle(principal, wanted_vin) AS visible
    JOIN vehicle_state AS state USING (vehicle_id)
    CROSS JOIN LATERAL unnest(state.values, state.times)
        WITH ORDINALITY AS cell (value, time, position)
    JOIN signal ON signal.signal_group = state.signal_group AND signal.position = cell.position
    WHERE cell.value <> 'NaN' AND visible.data @> cell.time
    ORDER BY signal.signal_id
$$;

-- The newest trouble codes that came up and have not gone.
CREATE FUNCTION served.active_trouble_codes(
    principal bigint, wanted_vin text, max_rows integer
)
RETURNS TABLE (
    spn integer, fmi smallint, source_address smallint, lamp text, count smallint, since timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT latest.spn, latest.fmi, latest.source_address, latest.lamp, latest.count, latest.time
    FROM (
        SELECT DISTINCT ON (code.spn, code.fmi, code.source_address) code.*
        FROM visible_vehicle(principal, wanted_vin) AS visible
        JOIN trouble_code AS code USING (vehicle_id)
        WHERE visible.data @> code.time
        ORDER BY code.spn, code.fmi, code.source_address, code.time DESC
    ) AS latest
    WHERE latest.active
    ORDER BY latest.time DESC, latest.spn, latest.fmi
    LIMIT max_rows
$$;

-- Trips of a vehicle that start between start and stop, by their start, upwards or downwards.
CREATE FUNCTION served.trips(
    principal bigint, wanted_vin text, start timestamptz, stop timestamptz,
    newest_first boolean, max_rows integer
)
RETURNS SETOF trip
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT trip.*
    FROM visible_vehicle(principal, wanted_vin) AS visible
    JOIN trip USING (vehicle_id)
    WHERE trip.start_time >= start AND trip.start_time < stop
      AND visible.data @> tstzrange(trip.start_time, trip.end_time, '[]')
    ORDER BY CASE WHEN newest_first THEN trip.start_time END DESC, trip.start_time
    LIMIT max_rows
$$;

-- How a bucket of a signal is summed up, from raw rows and from a rollup: a sample by its mean
-- (weighted by how many rows stand behind it) with minimum and maximum, a boolean by the share of
-- rows in which it was on, another state by its last value, a counter by its highest.
CREATE FUNCTION bucket_expressions(
    name text, kind text, type text, is_rollup boolean,
    OUT value text, OUT minimum text, OUT maximum text
)
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
               WHEN kind = 'counter' AND is_rollup THEN format('max(%I)', name || '_max')
               WHEN kind = 'counter' THEN format('max(%I)', name)
               WHEN kind = 'sample' OR type = 'boolean' THEN
                   CASE WHEN is_rollup
                        THEN format('sum(%I * %I) / nullif(sum(%2$I), 0)',
                                    name || '_avg', name || '_n')
                        WHEN type = 'boolean' THEN format('avg(%I::integer)', name)
                        ELSE format('avg(%I)', name) END
               WHEN is_rollup THEN format(
                   '(array_agg(%I ORDER BY bucket DESC) FILTER (WHERE %1$I IS NOT NULL))[1]',
                   name || '_last')
               ELSE format(
                   '(array_agg(%I ORDER BY time DESC) FILTER (WHERE %1$I IS NOT NULL))[1]', name)
           END,
           CASE WHEN kind = 'sample' AND type <> 'boolean' THEN
                format('min(%I)', CASE WHEN is_rollup THEN name || '_min' ELSE name END)
                ELSE 'NULL' END,
           CASE WHEN kind = 'sample' AND type <> 'boolean' THEN
                format('max(%I)', CASE WHEN is_rollup THEN name || '_max' ELSE name END)
                ELSE 'NULL' END
$$;

-- The statement that reads the named signals between $2 and $3 of vehicle $1, at most $4 rows, in
-- buckets of step_s seconds (NULL: every row). Signals of several relations meet on their time. An
-- absent value is NaN: rows of equal length are cheap to read. `cut`: only rows within $5 count.
CREATE FUNCTION signals_statement(names text[], step_s integer, rolled_up boolean, cut boolean)
RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    source record;
    columns text;
    sources text := '';
BEGIN
    FOR source IN
        SELECT coalesce(rolled.relation, 'signal_' || signal.signal_group) AS relation,
               rolled.relation IS NOT NULL AS is_rollup,
               array_agg(wanted.place) AS places
        FROM unnest(names) WITH ORDINALITY AS wanted (name, place)
        JOIN signal USING (name)
        LEFT JOIN LATERAL (
            SELECT rollup.relation FROM rollup
            WHERE rolled_up AND rollup.name = signal.name AND step_s % rollup.bucket_s = 0
            ORDER BY rollup.bucket_s DESC LIMIT 1
        ) AS rolled ON true
        GROUP BY 1, 2
    LOOP
        IF step_s IS NULL THEN
            SELECT string_agg(
                       CASE WHEN signal.type = 'boolean'
                            THEN format('%I::integer::double precision', signal.name)
                            ELSE format('%I::double precision', signal.name) END
                       || format(' AS v%s', place), ', ' ORDER BY place)
            INTO columns
            FROM unnest(source.places) AS place JOIN signal ON signal.name = names[place];
            columns := format(
                'SELECT time, %s FROM %I WHERE vehicle_id = $1 AND time >= $2 AND time < $3'
                '%s ORDER BY time LIMIT $4', columns, source.relation,
                CASE WHEN cut THEN ' AND $5 @> time' ELSE '' END);
        ELSE
            SELECT string_agg(format(
                       '(%2$s)::double precision AS v%1$s, (%3$s)::double precision AS l%1$s,'
                       ' (%4$s)::double precision AS h%1$s',
                       place, bucket.value, bucket.minimum, bucket.maximum),
                       ', ' ORDER BY place)
            INTO columns
            FROM unnest(source.places) AS place JOIN signal ON signal.name = names[place]
            CROSS JOIN LATERAL bucket_expressions(
                signal.name, signal.kind, signal.type, source.is_rollup) AS bucket;
            columns := format(
                'SELECT date_bin(interval ''%1$s seconds'', %2$I, timestamptz ''epoch'') AS time, %3$s'
                ' FROM %4$I WHERE vehicle_id = $1 AND %2$I >= $2 AND %2$I < $3%5$s'
                ' GROUP BY 1 ORDER BY 1 LIMIT $4',
                step_s, CASE WHEN source.is_rollup THEN 'bucket' ELSE 'time' END,
                columns, source.relation, CASE WHEN cut THEN ' AND $5 @> time' ELSE '' END);
        END IF;
        sources := sources
            || CASE WHEN sources = '' THEN '' ELSE ' FULL JOIN ' END
            || format('(%s) AS %I', columns, source.relation)
            || CASE WHEN sources LIKE '(%' THEN ' USING (time)' ELSE '' END;
    END LOOP;
    RETURN format(
        'SELECT time, ARRAY[%s], ARRAY[%s]::double precision[], ARRAY[%s]::double precision[]'
        ' FROM %s ORDER BY time LIMIT $4',
        (SELECT string_agg(format('coalesce(v%s, ''NaN'')', place), ', ' ORDER BY place)
         FROM generate_subscripts(names, 1) AS place),
        CASE WHEN step_s IS NOT NULL THEN
            (SELECT string_agg(format('coalesce(l%s, ''NaN'')', place), ', ' ORDER BY place)
             FROM generate_subscripts(names, 1) AS place) ELSE '' END,
        CASE WHEN step_s IS NOT NULL THEN
            (SELECT string_agg(format('coalesce(h%s, ''NaN'')', place), ', ' ORDER BY place)
             FROM generate_subscripts(names, 1) AS place) ELSE '' END,
        sources);
END $$;

-- Signals of a vehicle over time, NaN where absent. With a step (which must divide a day), whole days
-- that are rolled up are read from the rollups, all else from the rows: the answer is the same, late
-- data included. Only days that hold data are looked at, and no more of them than max_rows needs.
CREATE FUNCTION served.signals(
    principal bigint, wanted_vin text, names text[], start timestamptz, stop timestamptz,
    step_s integer, max_rows integer
)
RETURNS TABLE (
    "time" timestamptz, "values" double precision[],
    minima double precision[], maxima double precision[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    visible record;
    wanted tstzmultirange := tstzmultirange(tstzrange(start, stop));
    with_data tstzmultirange;
    from_rollups tstzmultirange;
    window_days integer := least(ceil(max_rows::numeric * step_s / 86400), 3660);
    piece record;
    got bigint;
    wanted_rows integer := max_rows;
BEGIN
    SELECT * INTO visible FROM visible_vehicle(principal, wanted_vin);
    SELECT coalesce(range_agg(touched.span), '{}') * wanted,
           coalesce(range_agg(touched.span) FILTER (
               WHERE step_s % 60 = 0 AND touched.is_rolled_up
                 AND touched.span <@ wanted AND touched.span <@ visible.data), '{}')
    INTO with_data, from_rollups
    FROM (
        SELECT tstzrange(day, day + 1) AS span, rolled_up = touched AS is_rolled_up
        FROM touched_day
        WHERE vehicle_id = visible.vehicle_id AND day BETWEEN start::date AND stop::date
    ) AS touched;
    -- Cut at whole days, so that no bucket is cut; raw rows need no window, their LIMIT ends them.
    FOR piece IN
        SELECT windows.piece AS span, spans.is_rolled_up, NOT windows.piece <@ visible.data AS cut
        FROM (
            SELECT span, true AS is_rolled_up FROM unnest(from_rollups) AS span
            UNION ALL
            SELECT span, false FROM unnest(with_data - from_rollups) AS span
        ) AS spans
        CROSS JOIN LATERAL (
            SELECT spans.span AS piece WHERE step_s IS NULL
            UNION ALL
            SELECT spans.span * tstzrange(day, day + window_days * interval '1 day')
            FROM generate_series(
                date_trunc('day', lower(spans.span)), upper(spans.span),
                window_days * interval '1 day') AS day
            WHERE step_s IS NOT NULL
        ) AS windows
        WHERE NOT isempty(windows.piece) AND windows.piece && visible.data
        ORDER BY span
    LOOP
        EXIT WHEN wanted_rows <= 0;
        RETURN QUERY EXECUTE signals_statement(names, step_s, piece.is_rolled_up, piece.cut)
            USING visible.vehicle_id, lower(piece.span), upper(piece.span), wanted_rows,
                  visible.data;
        GET DIAGNOSTICS got = ROW_COUNT;
        wanted_rows := wanted_rows - got;
    END LOOP;
END $$;

REVOKE ALL ON SCHEMA telemetry FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
