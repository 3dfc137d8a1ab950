-- What is told of many vehicles together: how far a signal spreads and who has it, and how much a
-- dataset would hold before there is one. A maker's survey is over all vehicles, an owner's over its
-- own; a research party's over all, too, but it is told of no fewer vehicles than a dataset has, in
-- rounded numbers, and of no signal that no dataset tells. All of it looks at a bounded sample.
-- works with: 6

-- The fewest vehicles of which a principal is told something.
CREATE FUNCTION fewest_told(principal bigint) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN party.kind IN ('maker', 'owner') THEN 1 ELSE rule.min_vehicles END
    FROM dataset_rule AS rule LEFT JOIN party ON party.party_id = principal
$$;

-- At most so many vehicles, the same ones each time: differences between two questions tell nothing.
-- Of many it takes whole pages of the table, so that it need not read all of them.
CREATE FUNCTION surveyed(principal bigint, most integer)
RETURNS TABLE (vehicle_id bigint, model text, region text, data tstzmultirange)
LANGUAGE plpgsql STABLE ROWS 1000 AS $$
DECLARE
    percent double precision := (
        SELECT least(100, 150.0 * most / greatest(reltuples, 1)) FROM pg_class
        WHERE oid = 'vehicle'::regclass);
BEGIN
    IF (SELECT kind FROM party WHERE party_id = principal) IN ('maker', 'data_science') THEN
        RETURN QUERY
        SELECT v.vehicle_id, v.model, v.region, '{(,)}'::tstzmultirange
        FROM vehicle AS v TABLESAMPLE SYSTEM (percent) REPEATABLE (0)
        ORDER BY hashint8(v.vehicle_id), v.vehicle_id LIMIT most;
    ELSE
        RETURN QUERY
        SELECT v.vehicle_id, v.model, v.region, owned.drivers
        FROM (SELECT DISTINCT access.vehicle_id FROM vehicle_access AS access
              WHERE access.party_id = principal AND access.purpose = 'ownership'
                AND access.valid @> now()
              ORDER BY access.vehicle_id LIMIT most) AS own
        JOIN vehicle AS v USING (vehicle_id)
        CROSS JOIN LATERAL opened(principal, v.vehicle_id) AS owned
        WHERE NOT isempty(owned.drivers);
    END IF;
END $$;

-- A signal over the vehicles of a survey. `told` says what is: all; availability (whose values no
-- dataset tells as they are); few; nothing (nobody has it); never. Vehicles are up to 2,000; rows come
-- from at most 128 of them, 30 of each hour of the day before their last ones. Every edge and bar is
-- that of the fewest vehicles that are told, or of more: what lies beyond counts as the edge.
CREATE FUNCTION served.signal_spread(principal bigint, wanted_name text)
RETURNS TABLE (
    told text, vehicles bigint, with_it bigint, "rows" bigint, rows_with bigint,
    p1 double precision, p50 double precision, p99 double precision, bins jsonb, models jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    of_it signal := (SELECT one FROM signal AS one WHERE one.name = wanted_name);
    fewest integer := fewest_told(principal);
    rule text := CASE WHEN (SELECT kind FROM party WHERE party_id = principal) = 'data_science'
                      THEN dataset_signal_rule(of_it) END;
BEGIN
    IF of_it.signal_id IS NULL OR rule = 'refused' THEN
        RETURN QUERY VALUES (
            'never', NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::double precision,
            NULL::double precision, NULL::double precision, '[]'::jsonb, '[]'::jsonb);
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format($statement$
        WITH one AS MATERIALIZED (
            SELECT survey.vehicle_id, survey.model, survey.data, state.time AS last,
                   coalesce(state.values[%1$s] <> 'NaN' AND survey.data @> state.times[%1$s], false)
                       AS has
            FROM surveyed($1, 2000) AS survey
            LEFT JOIN vehicle_state AS state
              ON state.vehicle_id = survey.vehicle_id AND state.signal_group = %2$L
        ), picked AS MATERIALIZED (
            SELECT ranked.*, ranked.place <= 64 AS is_any
            FROM (SELECT one.*,
                         row_number() OVER (ORDER BY hashint8(vehicle_id), vehicle_id) AS place,
                         row_number() OVER (PARTITION BY has
                                            ORDER BY hashint8(vehicle_id), vehicle_id) AS of_with
                  FROM one WHERE last IS NOT NULL) AS ranked
            WHERE ranked.place <= 64 OR ranked.has AND ranked.of_with <= 64
        ), seen AS MATERIALIZED (
            SELECT picked.vehicle_id, picked.model, picked.is_any, found.value
            FROM picked
            CROSS JOIN generate_series(0, 23) AS hour
            CROSS JOIN LATERAL (
                SELECT %3$s AS value
                FROM %4$I AS told
                WHERE told.vehicle_id = picked.vehicle_id
                  AND told.time <= picked.last - hour * interval '1 hour'
                  AND told.time > picked.last - (hour + 1) * interval '1 hour'
                  AND picked.data @> told.time
                ORDER BY told.time DESC LIMIT 30
            ) AS found
        ), ranges AS (
            SELECT min(value) AS lowest, max(value) AS highest FROM seen
            WHERE value IS NOT NULL GROUP BY vehicle_id
        ), edge AS MATERIALIZED (
            SELECT (SELECT lowest FROM ranges ORDER BY lowest OFFSET $2 - 1 LIMIT 1) AS low,
                   (SELECT highest FROM ranges ORDER BY highest DESC OFFSET $2 - 1 LIMIT 1) AS high
        ), cut AS MATERIALIZED (
            SELECT seen.vehicle_id, greatest(edge.low, least(edge.high, seen.value)) AS value
            FROM seen CROSS JOIN edge WHERE seen.value IS NOT NULL AND edge.low <= edge.high
        ), bin AS (
            SELECT %5$s AS low, %6$s AS high, count(*) AS n, count(DISTINCT vehicle_id) AS of
            FROM cut CROSS JOIN edge GROUP BY 1, 2
        ), of_model AS (
            SELECT model, count(*) AS vehicles, count(*) FILTER (WHERE has) AS with_it,
                   count(*) >= $2 AS is_many
            FROM one GROUP BY model
        ), ordered AS (
            SELECT of_model.*, row_number() OVER (PARTITION BY is_many ORDER BY vehicles, model) AS place,
                   coalesce(sum(vehicles) FILTER (WHERE NOT is_many) OVER (), 0) AS rest
            FROM of_model
        ), named AS (
            -- Where the others are few, the smallest of the named is one of them: the difference to
            -- the whole would tell of them.
            SELECT model, vehicles, with_it,
                   is_many AND NOT (place = 1 AND rest > 0 AND rest < $2) AS is_named
            FROM ordered
        ), counted AS (
            SELECT CASE WHEN is_named THEN model END AS model, is_named,
                   sum(vehicles)::bigint AS vehicles, sum(with_it)::bigint AS with_it,
                   array_agg(named.model) AS of
            FROM named GROUP BY 1, 2 HAVING sum(vehicles) >= $2
        ), total AS (
            SELECT count(*) AS vehicles, count(*) FILTER (WHERE has) AS with_it FROM one
        )
        SELECT CASE WHEN total.vehicles < $2 THEN 'few'
                    WHEN total.with_it = 0 THEN 'nothing'
                    WHEN $3 THEN 'availability'
                    WHEN NOT EXISTS (SELECT FROM cut) THEN 'few'
                    ELSE 'all' END,
               CASE WHEN total.vehicles >= $2 THEN total.vehicles END,
               CASE WHEN total.vehicles >= $2 AND (total.with_it >= $2 OR total.with_it = 0)
                    THEN total.with_it END,
               row_sums.n, row_sums.with_it,
               quantile.of[1], quantile.of[2], quantile.of[3],
               coalesce((SELECT jsonb_agg(jsonb_build_object(
                                    'low', bin.low, 'high', bin.high,
                                    'share', CASE WHEN bin.of >= $2 THEN bin.n / all_of.n END)
                                ORDER BY bin.low)
                         FROM bin CROSS JOIN (SELECT count(*)::double precision AS n FROM cut) AS all_of
                         WHERE NOT $3 AND (%7$s OR bin.of >= $2)), '[]'),
               coalesce((SELECT jsonb_agg(jsonb_build_object(
                                    'model', counted.model, 'others', NOT counted.is_named,
                                    'vehicles', counted.vehicles,
                                    'with_it', CASE WHEN counted.with_it >= $2 OR counted.with_it = 0
                                                   THEN counted.with_it END,
                                    'rows', of_rows.n, 'rows_with', of_rows.with_it)
                                ORDER BY counted.is_named DESC, counted.vehicles DESC, counted.model)
                         FROM counted CROSS JOIN LATERAL (
                             SELECT nullif(count(*), 0) AS n, count(seen.value) AS with_it FROM seen
                             WHERE seen.is_any
                               AND EXISTS (SELECT FROM unnest(counted.of) AS model
                                           WHERE model IS NOT DISTINCT FROM seen.model)
                             HAVING count(DISTINCT seen.vehicle_id) >= $2) AS of_rows), '[]')
        FROM total
        CROSS JOIN (SELECT nullif(count(*) FILTER (WHERE is_any AND enough), 0) AS n,
                           count(value) FILTER (WHERE is_any AND enough) AS with_it
                    FROM seen CROSS JOIN (
                        SELECT count(DISTINCT vehicle_id) >= $2 AS enough FROM seen WHERE is_any
                    ) AS known) AS row_sums
        CROSS JOIN (SELECT CASE WHEN NOT $3 AND %7$s THEN
                        percentile_disc(ARRAY[0.01, 0.5, 0.99]) WITHIN GROUP (ORDER BY cut.value)
                    END AS of FROM cut) AS quantile
    $statement$,
        of_it.position, of_it.signal_group,
        CASE WHEN rule = 'tens' THEN format('round(told.%I / 10)::double precision * 10', wanted_name)
             WHEN of_it.type = 'boolean' THEN format('told.%I::integer::double precision', wanted_name)
             ELSE format('told.%I::double precision', wanted_name) END,
        'signal_' || of_it.signal_group,
        CASE WHEN of_it.kind = 'state' THEN 'cut.value'
             ELSE 'edge.low + (edge.high - edge.low) / 24 * CASE WHEN edge.low = edge.high THEN 0 '
                  'ELSE least(width_bucket(cut.value, edge.low, edge.high, 24), 24) - 1 END' END,
        CASE WHEN of_it.kind = 'state' THEN 'cut.value'
             ELSE 'edge.low + (edge.high - edge.low) / 24 * CASE WHEN edge.low = edge.high THEN 0 '
                  'ELSE least(width_bucket(cut.value, edge.low, edge.high, 24), 24) END' END,
        CASE WHEN of_it.kind = 'state' THEN 'false' ELSE 'true' END
    ) USING principal, fewest, coalesce(rule IN ('grid', 'shifted'), false);
END $$;

-- The vehicles of some models and regions (NULL: whichever) whose data of a span a dataset of the
-- principal's could hold; for a research party those that the maker could open. At most 100,001.
CREATE FUNCTION selected(
    principal bigint, of_models text[], of_regions text[], of_data tstzrange
)
RETURNS TABLE (vehicle_id bigint, vin text)
LANGUAGE sql STABLE AS $$
    SELECT open_to.vehicle_id, open_to.vin
    FROM (
        SELECT v.vehicle_id, v.vin, v.model, v.region FROM vehicle AS v
        WHERE (SELECT kind FROM party WHERE party_id = principal) IN ('maker', 'data_science')
        UNION ALL
        SELECT v.vehicle_id, v.vin, v.model, v.region
        FROM (SELECT DISTINCT access.vehicle_id FROM vehicle_access AS access
              WHERE access.party_id = principal AND access.purpose = 'ownership'
                AND access.valid @> now()) AS own
        JOIN vehicle AS v USING (vehicle_id)
        CROSS JOIN LATERAL opened(principal, v.vehicle_id) AS owned
        WHERE owned.drivers && of_data
          AND (SELECT kind FROM party WHERE party_id = principal) NOT IN ('maker', 'data_science')
    ) AS open_to
    WHERE (of_models IS NULL OR open_to.model = ANY (of_models))
      AND (of_regions IS NULL OR open_to.region = ANY (of_regions)
           OR split_part(open_to.region, '-', 1) = ANY (of_regions))
    LIMIT 100001
$$;

-- Models and regions that a dataset may be of, with how many vehicles of the survey have each.
CREATE FUNCTION served.dataset_choices(principal bigint)
RETURNS TABLE (kind text, name text, vehicles bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    WITH survey AS MATERIALIZED (SELECT * FROM surveyed(principal, 2000))
    SELECT found.kind, found.name, found.vehicles
    FROM (SELECT 'model' AS kind, model AS name, count(*) AS vehicles FROM survey GROUP BY model
          UNION ALL
          SELECT 'region', region, count(*) FROM survey GROUP BY region) AS found
    WHERE found.name IS NOT NULL AND found.vehicles >= fewest_told(principal)
    ORDER BY found.kind, found.vehicles DESC, found.name
    LIMIT 200
$$;

-- How much a dataset would hold: `told` is all; nothing (no vehicle is so); few (too few for a
-- dataset); many (too many). Days, steps of trips and availability are extrapolated from at most 200
-- of the vehicles; a research party is told the vehicles in steps of the fewest.
CREATE FUNCTION served.dataset_preview(
    principal bigint, of_models text[], of_regions text[], data_from timestamptz,
    data_until timestamptz, of_signals text[], of_resolution_s integer
)
RETURNS TABLE (
    told text, vehicles bigint, vehicle_days double precision, steps double precision,
    availability jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
    WITH rule AS (SELECT min_vehicles AS fewest, fewest_told(principal) AS told FROM dataset_rule),
    chosen AS MATERIALIZED (
        SELECT * FROM selected(principal, of_models, of_regions, tstzrange(data_from, data_until))
    ), total AS (
        SELECT found.n,
               CASE WHEN found.n = 0 THEN 'nothing' WHEN found.n < rule.fewest THEN 'few'
                    WHEN found.n > 100000 THEN 'many' ELSE 'all' END AS told
        FROM rule CROSS JOIN (SELECT count(*) AS n FROM chosen) AS found
    ), picked AS MATERIALIZED (
        SELECT chosen.vehicle_id FROM chosen
        ORDER BY hashint8(chosen.vehicle_id), chosen.vehicle_id LIMIT 200
    ), sums AS (
        SELECT (SELECT count(*) FROM picked) AS vehicles,
               (SELECT count(*) FROM picked JOIN touched_day AS day USING (vehicle_id)
                WHERE day.day >= data_from::date AND day.day < data_until) AS days,
               (SELECT coalesce(sum(1 + trip.duration_s / of_resolution_s), 0)
                FROM picked JOIN trip USING (vehicle_id)
                WHERE trip.start_time >= data_from AND trip.start_time < data_until) AS steps
    )
    SELECT total.told,
           CASE WHEN total.told = 'all' THEN total.n / rule.told * rule.told END,
           CASE WHEN total.told = 'all' THEN
               sums.days::double precision * total.n / sums.vehicles END,
           CASE WHEN total.told = 'all' THEN sums.steps * total.n / sums.vehicles END,
           CASE WHEN total.told = 'all' THEN coalesce(
               (SELECT jsonb_object_agg(has.name, CASE WHEN has.n >= rule.told THEN
                           round(has.n::numeric / sums.vehicles, 2) END)
                FROM (SELECT told.name, count(*) AS n
                      FROM picked CROSS JOIN LATERAL has_told(
                          picked.vehicle_id, data_from, of_signals) AS told
                      GROUP BY told.name) AS has), '{}') END
    FROM rule CROSS JOIN total CROSS JOIN sums
$$;

-- Define a dataset over what was selected; otherwise as served.define_dataset. `none`: no vehicle is so.
CREATE FUNCTION served.define_dataset_of(
    principal bigint, new_name text, new_purpose text, party_name text,
    valid_from timestamptz, valid_until timestamptz, data_from timestamptz, data_until timestamptz,
    of_models text[], of_regions text[], new_signals text[], new_resolution_s integer,
    new_grid_deg double precision, trips boolean, events boolean
)
RETURNS TABLE (dataset_id bigint, refusal text, about text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT defined.dataset_id,
           CASE WHEN chosen.vins IS NULL AND defined.refusal = 'few' THEN 'none'
                ELSE defined.refusal END, defined.about
    FROM (SELECT array_agg(one.vin) AS vins
          FROM selected(principal, of_models, of_regions, tstzrange(data_from, data_until)) AS one
         ) AS chosen
    CROSS JOIN LATERAL served.define_dataset(
        principal, new_name, new_purpose, party_name, valid_from, valid_until, data_from,
        data_until, chosen.vins, NULL, new_signals, new_resolution_s, new_grid_deg, trips, events
    ) AS defined
$$;

-- The first rows that such a dataset would tell to who may define it: it is defined over a few of its
-- vehicles, read, and undone; its pseudonyms were those of nothing that is there.
CREATE FUNCTION served.dataset_first_rows(
    principal bigint, party_name text, data_from timestamptz, data_until timestamptz,
    of_models text[], of_regions text[], of_signals text[], of_resolution_s integer,
    max_rows integer
)
RETURNS TABLE (vehicle text, "time" timestamptz, "values" double precision[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
    some_vins text[];
    made record;
    member text;
    found jsonb := '[]';
BEGIN
    SELECT array_agg(one.vin) INTO some_vins
    FROM (SELECT chosen.vin
          FROM selected(principal, of_models, of_regions, tstzrange(data_from, data_until)) AS chosen
          ORDER BY EXISTS (SELECT FROM touched_day AS day
                           WHERE day.vehicle_id = chosen.vehicle_id
                             AND day.day >= data_from::date AND day.day < data_until) DESC
          LIMIT (SELECT min_vehicles FROM dataset_rule)) AS one;
    BEGIN
        SELECT * INTO made FROM served.define_dataset(
            principal, 'preview ' || gen_random_uuid(), 'preview', party_name, NULL,
            now() + interval '1 hour', data_from, data_until, some_vins, NULL, of_signals,
            of_resolution_s, NULL, false, false);
        IF made.dataset_id IS NOT NULL THEN
            FOR member IN
                SELECT vehicle FROM served.dataset_pseudonyms(principal, made.dataset_id, '', 20)
            LOOP
                found := found || coalesce((
                    SELECT jsonb_agg(jsonb_build_object(
                        'vehicle', member, 'time', told.time,
                        'values', array_replace(told.values, 'NaN', NULL)) ORDER BY told.time)
                    FROM served.dataset_signals(
                        principal, made.dataset_id, member, of_signals, data_from, data_until,
                        of_resolution_s, max_rows) AS told), '[]');
                EXIT WHEN jsonb_array_length(found) >= max_rows;
            END LOOP;
        END IF;
        RAISE EXCEPTION 'seen' USING ERRCODE = 'TD001';
    EXCEPTION WHEN SQLSTATE 'TD001' THEN
        NULL;
    END;
    RETURN QUERY
    SELECT one.vehicle, one.time, one.values
    FROM jsonb_to_recordset(found) AS one (
        vehicle text, "time" timestamptz, "values" double precision[])
    LIMIT max_rows;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
