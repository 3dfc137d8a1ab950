-- What a research party is told of many vehicles is told as if there were a whole number of steps of
-- them, a step being the fewest that a dataset has: not only their number, but also what is summed over
-- them, and every share. Shares of exact numbers would give the numbers back.
-- works with: 6

-- A number of vehicles in whole steps of the fewest.
CREATE FUNCTION in_steps(vehicles bigint, fewest integer) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT vehicles / fewest * fewest
$$;

-- What so many vehicles add up to, as the steps of them would on the average.
CREATE FUNCTION of_steps(amount double precision, vehicles bigint, fewest integer)
RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT amount * in_steps(vehicles, fewest) / nullif(vehicles, 0)
$$;

-- To two digits, where not everything is told.
CREATE FUNCTION told_digits(number double precision, fewest integer) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN fewest = 1 OR number = 0 THEN number
                ELSE round(number::numeric, 1 - floor(log(abs(number)))::integer)::double precision END
$$;

-- The share of rows of some vehicles in those of all, both as their steps would have it.
CREATE FUNCTION share_of_steps(part bigint, part_of bigint, whole bigint, whole_of bigint, fewest integer)
RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT told_digits(least(1, of_steps(part, part_of, fewest)
                                / nullif(of_steps(whole, whole_of, fewest), 0)), fewest)
$$;

-- Rows of some vehicles, and those of them that have a signal; NULL: of fewer than are told of.
CREATE FUNCTION rows_of_steps(n bigint, of bigint, with_it bigint, with_of bigint, fewest integer)
RETURNS TABLE ("rows" bigint, rows_with double precision)
LANGUAGE sql IMMUTABLE AS $$
    SELECT known.told::bigint,
           CASE WHEN with_of = 0 OR with_of >= fewest THEN
               known.told * coalesce(share_of_steps(with_it, with_of, n, of, fewest), 0) END
    FROM (SELECT told_digits(of_steps(n, of, fewest), fewest) AS told) AS known
    WHERE of >= fewest
    UNION ALL
    SELECT NULL, NULL WHERE of < fewest
$$;

-- As in 0026, in steps.
DROP FUNCTION served.signal_spread(bigint, text);
CREATE FUNCTION served.signal_spread(principal bigint, wanted_name text)
RETURNS TABLE (
    told text, vehicles bigint, with_it bigint, "rows" bigint, rows_with double precision,
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
            'never', NULL::bigint, NULL::bigint, NULL::bigint, NULL::double precision,
            NULL::double precision, NULL::double precision, NULL::double precision, '[]'::jsonb, '[]'::jsonb);
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
               CASE WHEN total.vehicles >= $2 THEN in_steps(total.vehicles, $2) END,
               CASE WHEN total.vehicles >= $2 AND (total.with_it >= $2 OR total.with_it = 0)
                    THEN in_steps(total.with_it, $2) END,
               row_sums."rows", row_sums.rows_with,
               quantile.of[1], quantile.of[2], quantile.of[3],
               coalesce((SELECT jsonb_agg(jsonb_build_object(
                                    'low', bin.low, 'high', bin.high,
                                    'share', CASE WHEN bin.of >= $2 THEN
                                        share_of_steps(bin.n, bin.of, all_of.n, all_of.of, $2) END)
                                ORDER BY bin.low)
                         FROM bin CROSS JOIN (SELECT count(*) AS n, count(DISTINCT vehicle_id) AS of
                                              FROM cut) AS all_of
                         WHERE NOT $3 AND (%7$s OR bin.of >= $2)), '[]'),
               coalesce((SELECT jsonb_agg(jsonb_build_object(
                                    'model', counted.model, 'others', NOT counted.is_named,
                                    'vehicles', in_steps(counted.vehicles, $2),
                                    'with_it', CASE WHEN counted.with_it >= $2 OR counted.with_it = 0
                                                   THEN in_steps(counted.with_it, $2) END,
                                    'rows', of_rows."rows", 'rows_with', of_rows.rows_with)
                                ORDER BY counted.is_named DESC, in_steps(counted.vehicles, $2) DESC,
                                         counted.model)
                         FROM counted CROSS JOIN LATERAL (
                             SELECT told.* FROM (
                                 SELECT count(*) AS n, count(DISTINCT seen.vehicle_id) AS of,
                                        count(seen.value) AS with_it,
                                        count(DISTINCT seen.vehicle_id)
                                            FILTER (WHERE seen.value IS NOT NULL) AS with_of
                                 FROM seen
                                 WHERE seen.is_any
                                   AND EXISTS (SELECT FROM unnest(counted.of) AS model
                                               WHERE model IS NOT DISTINCT FROM seen.model)
                                 HAVING count(DISTINCT seen.vehicle_id) >= $2) AS sums
                             CROSS JOIN LATERAL rows_of_steps(
                                 sums.n, sums.of, sums.with_it, sums.with_of, $2) AS told
                         ) AS of_rows), '[]')
        FROM total
        CROSS JOIN (SELECT told.* FROM (
                        SELECT count(*) AS n, count(DISTINCT vehicle_id) AS of,
                               count(value) AS with_it,
                               count(DISTINCT vehicle_id) FILTER (WHERE value IS NOT NULL) AS with_of
                        FROM seen WHERE is_any) AS sums
                    CROSS JOIN LATERAL rows_of_steps(
                        sums.n, sums.of, sums.with_it, sums.with_of, $2) AS told) AS row_sums
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

-- As in 0026, in steps.
CREATE OR REPLACE FUNCTION served.dataset_choices(principal bigint)
RETURNS TABLE (kind text, name text, vehicles bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    WITH survey AS MATERIALIZED (SELECT * FROM surveyed(principal, 2000))
    SELECT found.kind, found.name, in_steps(found.vehicles, rule.fewest) AS vehicles
    FROM (SELECT 'model' AS kind, model AS name, count(*) AS vehicles FROM survey GROUP BY model
          UNION ALL
          SELECT 'region', region, count(*) FROM survey GROUP BY region) AS found
    CROSS JOIN (SELECT fewest_told(principal) AS fewest) AS rule
    WHERE found.name IS NOT NULL AND found.vehicles >= rule.fewest
    ORDER BY found.kind, 3 DESC, found.name
    LIMIT 200
$$;

-- As in 0026, in steps.
CREATE OR REPLACE FUNCTION served.dataset_preview(
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
               (SELECT coalesce(of_steps(count(*), count(DISTINCT vehicle_id), rule.told), 0)
                FROM picked JOIN touched_day AS day USING (vehicle_id)
                WHERE day.day >= data_from::date AND day.day < data_until) AS days,
               (SELECT coalesce(of_steps(sum(1 + trip.duration_s / of_resolution_s),
                                         count(DISTINCT vehicle_id), rule.told), 0)
                FROM picked JOIN trip USING (vehicle_id)
                WHERE trip.start_time >= data_from AND trip.start_time < data_until) AS steps
        FROM rule
    ), scale AS (
        SELECT in_steps(total.n, rule.told)::double precision
               / nullif(in_steps(sums.vehicles, rule.told), 0) AS by
        FROM rule CROSS JOIN total CROSS JOIN sums
    )
    SELECT total.told,
           CASE WHEN total.told = 'all' THEN in_steps(total.n, rule.told) END,
           CASE WHEN total.told = 'all' THEN sums.days * scale.by END,
           CASE WHEN total.told = 'all' THEN sums.steps * scale.by END,
           CASE WHEN total.told = 'all' THEN coalesce(
               (SELECT jsonb_object_agg(has.name, CASE WHEN has.n >= rule.told THEN
                           round(least(1, in_steps(has.n, rule.told)::numeric
                                       / nullif(in_steps(sums.vehicles, rule.told), 0)), 2) END)
                FROM (SELECT told.name, count(*) AS n
                      FROM picked CROSS JOIN LATERAL has_told(
                          picked.vehicle_id, data_from, of_signals) AS told
                      GROUP BY told.name) AS has), '{}') END
    FROM rule CROSS JOIN total CROSS JOIN sums CROSS JOIN scale
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
