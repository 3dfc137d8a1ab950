-- Steps that are counted from local midnight: a day of Shanghai's is a day, not eight hours of one and
-- sixteen of the next. Bucket, window and rolled-up day follow the clock of a zone, which is UTC where
-- none is named; there the answers are what they were.

DROP FUNCTION signals_statement(text[], integer, boolean, boolean);
DROP FUNCTION served.signals(bigint, text, text[], timestamptz, timestamptz, integer, integer);

-- When the step began in which a time lies, by the clock on the wall. (Where clocks are put back, an
-- hour comes twice and is told once; UTC needs none of this, and is quicker without.)
CREATE FUNCTION bucket_of(time_column text, step_s integer, zone text)
RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN zone = 'UTC' THEN
            format('date_bin(interval ''%s seconds'', %I, timestamptz ''epoch'')',
                   step_s, time_column)
        ELSE
            format('date_bin(interval ''%s seconds'', %I AT TIME ZONE %3$L, timestamp ''2000-01-01'')'
                   ' AT TIME ZONE %3$L', step_s, time_column, zone)
    END
$$;

-- The statement that reads the named signals between $2 and $3 of vehicle $1, at most $4 rows, in
-- buckets of step_s seconds (NULL: every row) counted from midnight in zone. Signals of several
-- relations meet on their time. An absent value is NaN: rows of equal length are cheap to read.
-- `cut`: only rows within $5 count. `fineness_s`: what the zone's midnights lie at whole multiples of,
-- so that a rollup's buckets do not cross them.
CREATE FUNCTION signals_statement(
    names text[], step_s integer, rolled_up boolean, cut boolean, zone text, fineness_s integer
)
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
            WHERE rolled_up AND rollup.name = signal.name AND step_s % rollup.bucket_s = 0 AND fineness_s % rollup.bucket_s = 0
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
                'SELECT %1$s AS time, %3$s'
                ' FROM %4$I WHERE vehicle_id = $1 AND %2$I >= $2 AND %2$I < $3%5$s'
                ' GROUP BY 1 ORDER BY 1 LIMIT $4',
                bucket_of(CASE WHEN source.is_rollup THEN 'bucket' ELSE 'time' END, step_s, zone),
                CASE WHEN source.is_rollup THEN 'bucket' ELSE 'time' END,
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
-- of the zone that are rolled up are read from the rollups, all else from the rows: the answer is the
-- same, late data included. Only days that hold data are looked at, and no more of them than max_rows
-- needs. With a zone, start and stop lie at whole steps of it.
CREATE FUNCTION served.signals(
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
    SELECT coalesce(range_agg(local.span), '{}') * wanted,
           coalesce(range_agg(local.span) FILTER (
               WHERE step_s % 60 = 0 AND local.is_rolled_up
                 AND local.span <@ wanted AND local.span <@ visible.data), '{}'),
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
        SELECT windows.piece AS span, spans.is_rolled_up, NOT windows.piece <@ visible.data AS cut
        FROM (
            SELECT span, true AS is_rolled_up FROM unnest(from_rollups) AS span
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
                names, step_s, piece.is_rolled_up, piece.cut, zone, fineness_s)
            USING visible.vehicle_id, lower(piece.span), upper(piece.span), wanted_rows,
                  visible.data;
        GET DIAGNOSTICS got = ROW_COUNT;
        wanted_rows := wanted_rows - got;
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
