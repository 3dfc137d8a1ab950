-- The API tells of models their interval too, and how good they are by class of vehicle and by region;
-- the register keeps which module a model of one's own was trained by.
-- works with: 6

ALTER TABLE model ADD COLUMN module text;
COMMENT ON COLUMN model.module IS
    'Of a model of one''s own, the module it was trained by: imported only where it is allowed.';

DROP FUNCTION served.models(bigint, text, bigint, integer);
CREATE FUNCTION served.models(
    principal bigint, wanted_kind text, before_id bigint, max_rows integer
)
RETURNS TABLE (
    model_id bigint, kind text, stage text, created_at timestamptz, data_from date, data_to date,
    code_version text, checksum text, vehicles integer, rows bigint, error_percent double precision,
    error_low double precision, error_high double precision, bias_percent double precision,
    coverage_percent double precision, drifted integer, drift_week date
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT m.model_id, m.kind, m.stage, m.created_at, m.data_from, m.data_to, m.code_version,
           m.checksum, (m.dataset ->> 'vehicles')::integer, (m.dataset ->> 'rows')::bigint,
           told.error_percent, told.error_low, told.error_high, told.bias_percent,
           told.coverage_percent, last.drifted, last.week
    FROM model AS m
    LEFT JOIN LATERAL jsonb_to_record(m.evaluation -> 'all') AS told (
        vehicles integer, error_percent double precision, error_low double precision,
        error_high double precision, bias_percent double precision,
        coverage_percent double precision
    ) ON told.vehicles >= (SELECT min_vehicles FROM dataset_rule)
    LEFT JOIN LATERAL (
        SELECT d.week, count(*) FILTER (WHERE d.drifted)::integer AS drifted
        FROM model_drift AS d
        WHERE d.model_id = m.model_id
          AND d.vehicles >= (SELECT min_vehicles FROM dataset_rule)
        GROUP BY d.week ORDER BY d.week DESC LIMIT 1
    ) AS last ON true
    WHERE knows_models(principal) AND (wanted_kind IS NULL OR m.kind = wanted_kind)
      AND m.model_id < before_id
    ORDER BY m.model_id DESC LIMIT max_rows
$$;

-- Groups of few vehicles are not told, nor is the smallest of the others where all that is not told
-- would be of few: the whole less what is told would tell of them.
CREATE FUNCTION served.model_groups(principal bigint, wanted_model bigint)
RETURNS TABLE (
    grouped_by text, name text, vehicles integer, rows bigint, error_percent double precision,
    error_low double precision, error_high double precision, bias_percent double precision,
    coverage_percent double precision
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    least integer := (SELECT min_vehicles FROM dataset_rule);
BEGIN
    IF NOT knows_models(principal)
       OR NOT EXISTS (SELECT FROM model WHERE model_id = wanted_model) THEN
        RAISE EXCEPTION 'no model % that party % may know', wanted_model, principal
            USING ERRCODE = 'no_data_found', TABLE = 'model';
    END IF;
    RETURN QUERY
    WITH found AS (
        SELECT part.grouped_by, one.key AS name, figures.*
        FROM model AS m
        CROSS JOIN (VALUES ('vehicle_class'), ('region')) AS part (grouped_by)
        CROSS JOIN LATERAL jsonb_each(
            coalesce(m.evaluation -> ('by_' || part.grouped_by), '{}')
        ) AS one
        CROSS JOIN LATERAL jsonb_to_record(one.value) AS figures (
            vehicles integer, rows bigint, error_percent double precision,
            error_low double precision, error_high double precision,
            bias_percent double precision, coverage_percent double precision
        )
        WHERE m.model_id = wanted_model
    ), counted AS (
        SELECT f.*,
               sum(f.vehicles) FILTER (WHERE f.vehicles < least) OVER of_part AS untold,
               row_number() OVER (
                   PARTITION BY f.grouped_by, f.vehicles >= least ORDER BY f.vehicles, f.name
               ) AS place
        FROM found AS f
        WINDOW of_part AS (PARTITION BY f.grouped_by)
    )
    SELECT c.grouped_by, c.name, c.vehicles, c.rows, c.error_percent, c.error_low, c.error_high,
           c.bias_percent, c.coverage_percent
    FROM counted AS c
    WHERE c.vehicles >= least AND (coalesce(c.untold, least) >= least OR c.place > 1)
    ORDER BY c.grouped_by DESC, c.vehicles DESC, c.name;
END $$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
