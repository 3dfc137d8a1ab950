-- What a signal says of whoever drives (hours at the wheel, tiredness, what the driver monitor saw) is
-- told only to those who may know who drove then, like a driver's number: the maker, and who owned the
-- vehicle. To all others (a dealer, a workshop) such a signal is absent.
-- works with: 6

ALTER TABLE signal ADD COLUMN of_driver boolean NOT NULL
    GENERATED ALWAYS AS (name ~ '^driver[12]?_') STORED;
COMMENT ON COLUMN signal.of_driver IS 'Says something of the person at the wheel.';
CREATE INDEX signal_of_driver ON signal (signal_group) WHERE of_driver;

CREATE OR REPLACE FUNCTION dataset_signal_rule(of_signal signal) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN of_signal.of_driver OR of_signal.name = 'heading' THEN 'refused'
        WHEN of_signal.name IN ('yaw_rate', 'steering_angle', 'lateral_acceleration',
                                'articulation_angle') THEN 'coarse'
        WHEN of_signal.name IN ('latitude', 'longitude') THEN 'grid'
        WHEN of_signal.name = 'altitude' THEN 'tens'
        WHEN of_signal.kind = 'counter' THEN 'shifted'
    END
$$;

-- 1. Latest values. In a list of vehicles, a driver's are told to nobody.

CREATE OR REPLACE FUNCTION latest_named(of_vehicle bigint, data tstzmultirange, names text[])
RETURNS TABLE ("values" double precision[], times timestamptz[])
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT array_agg(CASE WHEN is_opened THEN value END ORDER BY place),
           array_agg(CASE WHEN is_opened THEN time END ORDER BY place)
    FROM (
        SELECT wanted.place, state.values[signal.position], state.times[signal.position],
               state.values[signal.position] <> 'NaN' AND data @> state.times[signal.position]
        FROM unnest(names) WITH ORDINALITY AS wanted (name, place)
        LEFT JOIN signal ON signal.name = wanted.name AND NOT signal.of_driver
        LEFT JOIN vehicle_state AS state
          ON state.vehicle_id = of_vehicle AND state.signal_group = signal.signal_group
    ) AS cell (place, value, time, is_opened)
$$;

-- (Lists are read by served.search_vehicles.)
DROP FUNCTION served.vehicles(bigint, text, integer, text[]);

CREATE OR REPLACE FUNCTION served.vehicle_state(principal bigint, wanted_vin text)
RETURNS TABLE (name text, value double precision, "time" timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT signal.name, cell.value, cell.time
    FROM visible_vehicle(principal, wanted_vin) AS visible
    CROSS JOIN LATERAL opened(principal, visible.vehicle_id) AS known
    JOIN vehicle_state AS state USING (vehicle_id)
    CROSS JOIN LATERAL unnest(state.values, state.times)
        WITH ORDINALITY AS cell (value, time, position)
    JOIN signal ON signal.signal_group = state.signal_group AND signal.position = cell.position
    WHERE cell.value <> 'NaN'
      AND CASE WHEN signal.of_driver THEN known.drivers ELSE visible.data END @> cell.time
    ORDER BY signal.signal_id
$$;

CREATE OR REPLACE FUNCTION served.vehicle_now(
    principal bigint, wanted_vin text, max_codes integer
)
RETURNS TABLE (
    model text, last_seen timestamptz, trouble_codes jsonb, groups text[], sizes integer[],
    "values" double precision[], times timestamptz[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    visible record;
    part record;
    whole boolean;
    drivers tstzmultirange;
    of_driver bigint[];
BEGIN
    SELECT * INTO visible FROM visible_vehicle(principal, wanted_vin);
    drivers := (SELECT known.drivers FROM opened(principal, visible.vehicle_id) AS known);
    whole := visible.data * drivers @> tstzrange(NULL, NULL);
    model := (SELECT v.model FROM vehicle AS v WHERE v.vehicle_id = visible.vehicle_id);
    trouble_codes := (
        SELECT jsonb_agg(jsonb_build_array(
                   code.spn, code.fmi, code.source_address, code.lamp, code.count,
                   (extract(epoch FROM code.time) * 1000000)::bigint)
                   ORDER BY code.time DESC, code.spn, code.fmi)
        FROM (
            SELECT * FROM (
                SELECT DISTINCT ON (code.spn, code.fmi, code.source_address) code.*
                FROM trouble_code AS code
                WHERE code.vehicle_id = visible.vehicle_id AND visible.data @> code.time
                ORDER BY code.spn, code.fmi, code.source_address, code.time DESC
            ) AS latest
            WHERE latest.active
            ORDER BY latest.time DESC, latest.spn, latest.fmi
            LIMIT max_codes
        ) AS code);
    groups := '{}';
    sizes := '{}';
    "values" := '{}';
    times := '{}';
    FOR part IN
        SELECT state.* FROM vehicle_state AS state WHERE state.vehicle_id = visible.vehicle_id
    LOOP
        IF visible.data @> part.time THEN
            last_seen := greatest(last_seen, part.time);
        END IF;
        IF NOT whole THEN
            of_driver := ARRAY(SELECT signal.position FROM signal
                               WHERE signal.signal_group = part.signal_group AND signal.of_driver);
            SELECT array_agg(CASE WHEN is_opened THEN cell.value ELSE 'NaN' END ORDER BY cell.place),
                   array_agg(CASE WHEN is_opened THEN cell.time ELSE '-infinity' END
                             ORDER BY cell.place)
            INTO part."values", part.times
            FROM unnest(part."values", part.times) WITH ORDINALITY AS cell (value, time, place)
            CROSS JOIN LATERAL (
                SELECT CASE WHEN cell.place = ANY (of_driver) THEN drivers
                            ELSE visible.data END @> cell.time
            ) AS rule (is_opened);
        END IF;
        groups := groups || part.signal_group;
        sizes := sizes || cardinality(part."values");
        "values" := "values" || part."values";
        times := times || part.times;
    END LOOP;
    RETURN NEXT;
END $$;

-- 2. Signals over time. `whom` says what is told of a driver's: 'all', 'some' (those of rows within
-- $6; only of rows, for a rollup's bucket is told as a whole or not) or 'none'. All else is as
-- 0023_local_steps.sql has it.

DROP FUNCTION signals_statement(text[], integer, boolean, boolean, text, integer);
CREATE FUNCTION signals_statement(
    names text[], step_s integer, rolled_up boolean, cut boolean, zone text, fineness_s integer,
    whom text
)
RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    source record;
    columns text;
    relation text;
    sources text := '';
BEGIN
    FOR source IN
        SELECT coalesce(rolled.relation, 'signal_' || signal.signal_group) AS relation,
               rolled.relation IS NOT NULL AS is_rollup,
               bool_or(signal.of_driver) AND whom = 'some' AS is_partly,
               array_agg(wanted.place) AS places
        FROM unnest(names) WITH ORDINALITY AS wanted (name, place)
        JOIN signal USING (name)
        LEFT JOIN LATERAL (
            SELECT rollup.relation FROM rollup
            WHERE rolled_up AND rollup.name = signal.name AND step_s % rollup.bucket_s = 0 AND fineness_s % rollup.bucket_s = 0
            ORDER BY rollup.bucket_s DESC LIMIT 1
        ) AS rolled ON true
        GROUP BY 1, 2
    LOOP
        relation := format('%I', source.relation);
        IF source.is_partly THEN
            SELECT format('(SELECT vehicle_id, time, %s FROM %s) AS told',
                          string_agg(CASE WHEN signal.of_driver
                                          THEN format('CASE WHEN $6 @> time THEN %1$I END AS %1$I',
                                                      signal.name)
                                          ELSE format('%I', signal.name) END, ', '), relation)
            INTO relation
            FROM (SELECT DISTINCT names[place] AS name FROM unnest(source.places) AS place) AS wanted
            JOIN signal USING (name);
        END IF;
        IF step_s IS NULL THEN
            SELECT string_agg(
                       CASE WHEN signal.of_driver AND whom = 'none' THEN 'NULL::double precision'
                            WHEN signal.type = 'boolean'
                            THEN format('%I::integer::double precision', signal.name)
                            ELSE format('%I::double precision', signal.name) END
                       || format(' AS v%s', place), ', ' ORDER BY place)
            INTO columns
            FROM unnest(source.places) AS place JOIN signal ON signal.name = names[place];
            columns := format(
                'SELECT time, %s FROM %s WHERE vehicle_id = $1 AND time >= $2 AND time < $3'
                '%s ORDER BY time LIMIT $4', columns, relation,
                CASE WHEN cut THEN ' AND $5 @> time' ELSE '' END);
        ELSE
            SELECT string_agg(
                       CASE WHEN signal.of_driver AND whom = 'none'
                            THEN format('NULL::double precision AS v%1$s,'
                                        ' NULL::double precision AS l%1$s,'
                                        ' NULL::double precision AS h%1$s', place)
                            ELSE format(
                                '(%2$s)::double precision AS v%1$s,'
                                ' (%3$s)::double precision AS l%1$s,'
                                ' (%4$s)::double precision AS h%1$s',
                                place, bucket.value, bucket.minimum, bucket.maximum) END,
                       ', ' ORDER BY place)
            INTO columns
            FROM unnest(source.places) AS place JOIN signal ON signal.name = names[place]
            CROSS JOIN LATERAL bucket_expressions(
                signal.name, signal.kind, signal.type, source.is_rollup) AS bucket;
            columns := format(
                'SELECT %1$s AS time, %3$s'
                ' FROM %4$s WHERE vehicle_id = $1 AND %2$I >= $2 AND %2$I < $3%5$s'
                ' GROUP BY 1 ORDER BY 1 LIMIT $4',
                bucket_of(CASE WHEN source.is_rollup THEN 'bucket' ELSE 'time' END, step_s, zone),
                CASE WHEN source.is_rollup THEN 'bucket' ELSE 'time' END,
                columns, relation, CASE WHEN cut THEN ' AND $5 @> time' ELSE '' END);
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

-- A day that is rolled up is read so only where all of it, or nothing of it, may be told of a driver.
CREATE OR REPLACE FUNCTION served.signals(
    principal bigint, wanted_vin text, names text[], start timestamptz, stop timestamptz,
    step_s integer, max_rows integer, zone text DEFAULT 'UTC'
)
RETURNS TABLE (
    "time" timestamptz, "values" double precision[],
    minima double precision[], maxima double precision[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    visible record;
    drivers tstzmultirange;
    wanted tstzmultirange := tstzmultirange(tstzrange(start, stop));
    with_data tstzmultirange;
    from_rollups tstzmultirange;
    fineness_s integer;
    window_days integer := least(ceil(max_rows::numeric * step_s / 86400), 3660);
    piece record;
    got bigint;
    wanted_rows integer := max_rows;
BEGIN
    SELECT * INTO visible FROM visible_vehicle(principal, wanted_vin);
    drivers := CASE
        WHEN EXISTS (SELECT FROM signal WHERE signal.of_driver AND signal.name = ANY (names))
        THEN (SELECT known.drivers FROM opened(principal, visible.vehicle_id) AS known)
        ELSE visible.data END;
    SELECT coalesce(range_agg(local.span), '{}') * wanted,
           coalesce(range_agg(local.span) FILTER (
               WHERE step_s % 60 = 0 AND local.is_rolled_up
                 AND local.span <@ wanted AND local.span <@ visible.data
                 AND (local.span <@ drivers OR NOT local.span && drivers)), '{}'),
           CASE WHEN bool_and(extract(epoch FROM lower(local.span))::bigint % 3600 = 0)
                THEN 3600 ELSE 60 END
    INTO with_data, from_rollups, fineness_s
    FROM (
        SELECT tstzrange(days.day::timestamp AT TIME ZONE zone,
                         (days.day + 1)::timestamp AT TIME ZONE zone) AS span,
               bool_and(touched.rolled_up = touched.touched) AS is_rolled_up
        FROM touched_day AS touched
        CROSS JOIN LATERAL (
            SELECT (touched.day::timestamptz AT TIME ZONE zone)::date + after
            FROM generate_series(0, 2) AS after
            WHERE ((touched.day::timestamptz AT TIME ZONE zone)::date + after)::timestamp
                      AT TIME ZONE zone < touched.day::timestamptz + interval '1 day'
        ) AS days (day)
        WHERE touched.vehicle_id = visible.vehicle_id
          AND touched.day BETWEEN start::date AND stop::date
        GROUP BY days.day
    ) AS local;
    -- Cut at whole days, so that no bucket is cut; raw rows need no window, their LIMIT ends them.
    FOR piece IN
        SELECT windows.piece AS span, spans.is_rolled_up, NOT windows.piece <@ visible.data AS cut,
               CASE WHEN tstzmultirange(windows.piece) * visible.data <@ drivers THEN 'all'
                    WHEN windows.piece && drivers THEN 'some'
                    ELSE 'none' END AS whom
        FROM (
            SELECT span, true AS is_rolled_up FROM unnest(from_rollups * drivers) AS span
            UNION ALL
            SELECT span, true FROM unnest(from_rollups - drivers) AS span
            UNION ALL
            SELECT span, false FROM unnest(with_data - from_rollups) AS span
        ) AS spans
        CROSS JOIN LATERAL (
            SELECT spans.span AS piece WHERE step_s IS NULL
            UNION ALL
            SELECT spans.span * tstzrange(
                       day AT TIME ZONE zone,
                       (day + window_days * interval '1 day') AT TIME ZONE zone)
            FROM generate_series(
                date_trunc('day', lower(spans.span) AT TIME ZONE zone),
                upper(spans.span) AT TIME ZONE zone,
                window_days * interval '1 day') AS day
            WHERE step_s IS NOT NULL
        ) AS windows
        WHERE NOT isempty(windows.piece) AND windows.piece && visible.data
        ORDER BY span
    LOOP
        EXIT WHEN wanted_rows <= 0;
        RETURN QUERY EXECUTE signals_statement(
                names, step_s, piece.is_rolled_up, piece.cut, zone, fineness_s, piece.whom)
            USING visible.vehicle_id, lower(piece.span), upper(piece.span), wanted_rows,
                  visible.data, drivers;
        GET DIAGNOSTICS got = ROW_COUNT;
        wanted_rows := wanted_rows - got;
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
