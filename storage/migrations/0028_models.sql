-- Models of every kind, not of fuel alone: in which stage each is, what it was trained on and how good
-- it was, how it does beside others on days it has not seen, and what has drifted since.
-- works with: 6

-- 1. The register.

ALTER TABLE fuel_model RENAME TO model;
ALTER TABLE model
    ADD COLUMN stage text NOT NULL DEFAULT 'candidate'
        CHECK (stage IN ('candidate', 'champion', 'archived')),
    ADD COLUMN evaluation jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN inputs jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN dataset jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN markdown text NOT NULL DEFAULT '',
    ADD COLUMN run_id text;
UPDATE model SET stage = CASE WHEN active THEN 'champion' ELSE 'archived' END,
                 kind = CASE kind WHEN 'segments' THEN 'fuel' ELSE kind END;
DROP INDEX fuel_model_active;
ALTER TABLE model DROP COLUMN active;
CREATE UNIQUE INDEX model_champion ON model (kind) WHERE stage = 'champion';
COMMENT ON COLUMN model.kind IS 'What it tells: fuel, or the name of a model of one''s own.';
COMMENT ON COLUMN model.stage IS
    'champion: the one that is used; candidate: it predicts beside it; archived: neither.';
COMMENT ON COLUMN model.evaluation IS 'Errors on vehicles left out of training, by group of them.';
COMMENT ON COLUMN model.inputs IS 'How what it looks at was distributed: what drift is told against.';
COMMENT ON COLUMN model.dataset IS 'What it was trained on: rows, vehicles, days, checksum.';
COMMENT ON COLUMN model.markdown IS 'The model card, Markdown.';
COMMENT ON COLUMN model.run_id IS 'Of the run in MLflow.';

-- Who was what when: a roll-back finds the champion before.
CREATE TABLE model_change (
    change_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id    bigint NOT NULL REFERENCES model ON DELETE CASCADE,
    stage       text NOT NULL CHECK (stage IN ('candidate', 'champion', 'archived')),
    changed_at  timestamptz NOT NULL DEFAULT now(),
    reason      text NOT NULL DEFAULT ''
);
CREATE INDEX model_change_by_model ON model_change (model_id);
INSERT INTO model_change (model_id, stage, changed_at, reason)
SELECT model_id, 'champion', created_at, 'in use before stages were kept'
FROM model ORDER BY model_id;

-- 2. How models do on days that none of their training had seen.

CREATE TABLE model_error (
    model_id    bigint NOT NULL REFERENCES model ON DELETE CASCADE,
    vehicle_id  bigint NOT NULL,
    day         date NOT NULL,
    worked      bigint NOT NULL,
    rows        integer NOT NULL CHECK (rows >= 0),
    actual      double precision NOT NULL,
    signed      double precision NOT NULL,
    absolute    double precision NOT NULL CHECK (absolute >= 0),
    PRIMARY KEY (model_id, vehicle_id, day)
);
CREATE INDEX model_error_by_day ON model_error (model_id, day);
COMMENT ON TABLE model_error IS
    'Of a vehicle-day, sums over rows: size of what was, predicted less actual, and how far off.';
COMMENT ON COLUMN model_error.worked IS
    'The touched_fuel_week.worked whose segments were predicted: of another, it is done again.';

-- 3. What has drifted.

CREATE TABLE model_drift (
    model_id     bigint NOT NULL REFERENCES model ON DELETE CASCADE,
    week         date NOT NULL CHECK (extract(isodow FROM week) = 1),
    of_what      text NOT NULL CHECK (of_what IN ('input', 'error')),
    name         text NOT NULL,
    value        double precision NOT NULL,
    low          double precision,
    high         double precision,
    reference    double precision,
    limit_value  double precision NOT NULL,
    drifted      boolean,
    vehicles     integer NOT NULL,
    rows         integer NOT NULL,
    computed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_id, week, of_what, name)
);
COMMENT ON COLUMN model_drift.value IS
    'Of an input its population stability index; of errors their size or bias [%].';
COMMENT ON COLUMN model_drift.limit_value IS 'Beyond it, it counts as drifted.';
COMMENT ON COLUMN model_drift.drifted IS 'NULL: too few vehicles tell.';

-- 4. What the API asks: makers and data scientists are told of all models; nobody else of any. What few
-- vehicles have shown is withheld as it is in datasets.

CREATE FUNCTION knows_models(principal bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM party
                   WHERE party_id = principal AND kind IN ('maker', 'data_science'))
$$;

CREATE FUNCTION served.models(
    principal bigint, wanted_kind text, before_id bigint, max_rows integer
)
RETURNS TABLE (
    model_id bigint, kind text, stage text, created_at timestamptz, data_from date, data_to date,
    code_version text, checksum text, vehicles integer, rows bigint, error_percent double precision,
    bias_percent double precision, coverage_percent double precision, drifted integer,
    drift_week date
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT m.model_id, m.kind, m.stage, m.created_at, m.data_from, m.data_to, m.code_version,
           m.checksum, (m.dataset ->> 'vehicles')::integer, (m.dataset ->> 'rows')::bigint,
           CASE WHEN told.enough THEN (told.of_all ->> 'error_percent')::double precision END,
           CASE WHEN told.enough THEN (told.of_all ->> 'bias_percent')::double precision END,
           CASE WHEN told.enough THEN (told.of_all ->> 'coverage_percent')::double precision END,
           last.drifted, last.week
    FROM model AS m
    CROSS JOIN LATERAL (
        SELECT m.evaluation -> 'all',
               (m.evaluation -> 'all' ->> 'vehicles')::integer
                   >= (SELECT min_vehicles FROM dataset_rule)
    ) AS told (of_all, enough)
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

CREATE FUNCTION served.model_drift(
    principal bigint, wanted_model bigint, first_week date, max_rows integer
)
RETURNS TABLE (
    week date, of_what text, name text, value double precision, low double precision,
    high double precision, reference double precision, limit_value double precision,
    drifted boolean, vehicles integer, rows integer, computed_at timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    IF NOT knows_models(principal)
       OR NOT EXISTS (SELECT FROM model WHERE model_id = wanted_model) THEN
        RAISE EXCEPTION 'no model % that party % may know', wanted_model, principal
            USING ERRCODE = 'no_data_found', TABLE = 'model';
    END IF;
    RETURN QUERY
    SELECT d.week, d.of_what, d.name, d.value, d.low, d.high, d.reference, d.limit_value,
           d.drifted, d.vehicles, d.rows, d.computed_at
    FROM model_drift AS d
    WHERE d.model_id = wanted_model AND d.vehicles >= (SELECT min_vehicles FROM dataset_rule)
      AND d.week >= first_week
    ORDER BY d.week DESC, d.of_what, d.name LIMIT max_rows;
END $$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
