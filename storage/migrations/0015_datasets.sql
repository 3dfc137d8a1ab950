-- Datasets: what a data scientist reads. Each is defined by whoever may open the vehicles' data (the
-- maker, or their owner), for one research party, one purpose and a time. Its vehicles have pseudonyms
-- that are this dataset's alone; its positions, times and counters are coarsened here, so that no
-- question, however it is put, gets at what is finer. Whether a dataset still holds, whose vehicles
-- are still the definer's, and whether they are enough of them, is looked at for every statement.
-- works with: 6

-- 1. What may be defined. Written by migrate from the settings, so that the API cannot lower it.
CREATE TABLE dataset_rule (
    only_row         boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    min_vehicles     integer NOT NULL DEFAULT 5 CHECK (min_vehicles >= 2),
    finest_grid_deg  double precision NOT NULL DEFAULT 0.01 CHECK (finest_grid_deg BETWEEN 1e-4 AND 10)
);
INSERT INTO dataset_rule DEFAULT VALUES;

CREATE TABLE dataset (
    dataset_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    defined_by    bigint NOT NULL REFERENCES party,
    for_party     bigint NOT NULL REFERENCES party,
    name          text NOT NULL CHECK (name ~ '\S' AND length(name) <= 100),
    purpose       text NOT NULL CHECK (purpose ~ '\S' AND length(purpose) <= 200),
    valid         tstzrange NOT NULL CHECK (NOT isempty(valid) AND upper(valid) IS NOT NULL),
    data          tstzrange NOT NULL CHECK (
        NOT isempty(data) AND lower(data) IS NOT NULL AND upper(data) IS NOT NULL),
    signals       text[] NOT NULL CHECK (signals <> '{}'),
    resolution_s  integer NOT NULL CHECK (
        resolution_s BETWEEN 1 AND 86400 AND 86400 % resolution_s = 0),
    grid_deg      double precision NOT NULL CHECK (grid_deg BETWEEN 1e-4 AND 10),
    with_trips    boolean NOT NULL,
    with_events   boolean NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz
);
COMMENT ON COLUMN dataset.valid IS 'When it may be read.';
COMMENT ON COLUMN dataset.data IS 'What span of data it opens.';
CREATE INDEX dataset_by_definer ON dataset (defined_by, dataset_id);
CREATE INDEX dataset_by_party ON dataset (for_party, dataset_id);

-- Who has this key can tell the vehicle of a pseudonym: it stays here.
CREATE TABLE dataset_key (
    dataset_id  bigint PRIMARY KEY REFERENCES dataset ON DELETE CASCADE,
    key         bytea NOT NULL CHECK (octet_length(key) = 32)
);

CREATE TABLE dataset_vehicle (
    dataset_id  bigint NOT NULL REFERENCES dataset ON DELETE CASCADE,
    pseudonym   text NOT NULL CHECK (pseudonym ~ '^[0-9a-f]{32}$'),
    vehicle_id  bigint NOT NULL REFERENCES vehicle ON DELETE CASCADE,
    PRIMARY KEY (dataset_id, pseudonym),
    UNIQUE (dataset_id, vehicle_id)
);
CREATE INDEX dataset_vehicle_by_vehicle ON dataset_vehicle (vehicle_id);

-- HMAC-SHA256 [RFC 2104] with a key of 32 bytes.
CREATE FUNCTION keyed_hash(key bytea, message text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    inner_key bytea := decode(repeat('36', 64), 'hex');
    outer_key bytea := decode(repeat('5c', 64), 'hex');
BEGIN
    FOR place IN 0..31 LOOP
        inner_key := set_byte(inner_key, place, get_byte(key, place) # 54);
        outer_key := set_byte(outer_key, place, get_byte(key, place) # 92);
    END LOOP;
    RETURN sha256(outer_key || sha256(inner_key || convert_to(message, 'UTF8')));
END $$;

-- How a signal is told in a dataset: refused (it speaks of who drives, or draws the way), coarse (not
-- in steps of less than a minute: from these the way could be drawn), on a grid, by tens of metres,
-- shifted (a counter: only its differences are told), or as it is (NULL).
CREATE FUNCTION dataset_signal_rule(of_signal signal) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN of_signal.name ~ '^driver[12]?_' OR of_signal.name = 'heading' THEN 'refused'
        WHEN of_signal.name IN ('yaw_rate', 'steering_angle', 'lateral_acceleration',
                                'articulation_angle') THEN 'coarse'
        WHEN of_signal.name IN ('latitude', 'longitude') THEN 'grid'
        WHEN of_signal.name = 'altitude' THEN 'tens'
        WHEN of_signal.kind = 'counter' THEN 'shifted'
    END
$$;

-- The middle of the cell of a grid in which a coordinate lies. (Divided by the cells in a degree: the
-- nearest double to 31.235 is then told as 31.235.)
CREATE FUNCTION cell_middle(degrees double precision, grid_deg double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (floor(degrees / grid_deg) + 0.5) / round((1 / grid_deg)::numeric, 9)::double precision
$$;

CREATE FUNCTION whole_steps(moment timestamptz, step_s integer) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT date_bin(make_interval(secs => step_s), moment, timestamptz 'epoch')
$$;

CREATE FUNCTION rounded(number double precision, unit numeric) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT round(number / (unit::double precision))::numeric * unit
$$;

-- By how much a counter of a vehicle is shifted in a dataset: below 2^32, whole, and known to nobody.
CREATE FUNCTION counter_shift(wanted_dataset bigint, vin text, name text) RETURNS double precision
LANGUAGE sql STABLE AS $$
    SELECT ('x' || encode(substr(keyed_hash(key, 'shift ' || vin || ' ' || name), 1, 4), 'hex')
           )::bit(32)::bigint::double precision
    FROM dataset_key WHERE dataset_id = wanted_dataset
$$;

-- 2. Who may read one, and what of it.

-- Its vehicles that are still the definer's to open, with the span of data that is.
CREATE FUNCTION dataset_members(wanted_dataset bigint)
RETURNS TABLE (pseudonym text, vehicle_id bigint, data tstzmultirange)
LANGUAGE sql STABLE ROWS 1000 AS $$
    SELECT member.pseudonym, member.vehicle_id, owned.drivers * tstzmultirange(of_it.data)
    FROM dataset AS of_it
    JOIN dataset_vehicle AS member USING (dataset_id)
    CROSS JOIN LATERAL opened(of_it.defined_by, member.vehicle_id) AS owned
    WHERE of_it.dataset_id = wanted_dataset AND owned.drivers && of_it.data
$$;

CREATE FUNCTION holds(of_it dataset) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT of_it.ended_at IS NULL AND of_it.valid @> now()
$$;

-- Whether it has too few vehicles to be told: among few, one is easily recognised.
CREATE FUNCTION is_withheld(wanted_dataset bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT count(*) < (SELECT min_vehicles FROM dataset_rule)
    FROM (SELECT FROM dataset_members(wanted_dataset)
          LIMIT (SELECT min_vehicles FROM dataset_rule)) AS enough
$$;

CREATE FUNCTION no_dataset(principal bigint, wanted_dataset bigint) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RAISE EXCEPTION 'no dataset % that party % may read', wanted_dataset, principal
        USING ERRCODE = 'no_data_found', TABLE = 'dataset';
END $$;

-- A dataset that a principal may read now: the party it is for, and who defined it.
CREATE FUNCTION readable_dataset(principal bigint, wanted_dataset bigint) RETURNS dataset
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found_it dataset;
BEGIN
    SELECT * INTO found_it FROM dataset AS one
    WHERE one.dataset_id = wanted_dataset AND principal IN (one.for_party, one.defined_by)
      AND holds(one);
    IF found_it.dataset_id IS NULL THEN
        PERFORM no_dataset(principal, wanted_dataset);
    END IF;
    IF is_withheld(wanted_dataset) THEN
        RAISE EXCEPTION 'dataset % has too few vehicles', wanted_dataset
            USING ERRCODE = 'cardinality_violation', TABLE = 'dataset';
    END IF;
    RETURN found_it;
END $$;

-- 3. What the API asks. The definer is told for whom a dataset is; nobody is told whose vehicles.

CREATE TYPE served.dataset_row AS (
    dataset_id bigint, name text, purpose text, for_party text, is_yours boolean,
    valid_from timestamptz, valid_until timestamptz, ended_at timestamptz, created_at timestamptz,
    data_from timestamptz, data_until timestamptz, signals text[], resolution_s integer,
    grid_deg double precision, with_trips boolean, with_events boolean, holds boolean,
    is_withheld boolean
);

CREATE FUNCTION told_dataset(principal bigint, of_it dataset) RETURNS served.dataset_row
LANGUAGE sql STABLE AS $$
    SELECT of_it.dataset_id, of_it.name, of_it.purpose,
           CASE WHEN of_it.defined_by = principal
                THEN (SELECT name FROM party WHERE party_id = of_it.for_party) END,
           of_it.defined_by = principal, lower(of_it.valid), upper(of_it.valid), of_it.ended_at,
           of_it.created_at, lower(of_it.data), upper(of_it.data), of_it.signals,
           of_it.resolution_s,
           greatest(of_it.grid_deg, (SELECT finest_grid_deg FROM dataset_rule)),
           of_it.with_trips, of_it.with_events, holds(of_it), is_withheld(of_it.dataset_id)
$$;

CREATE FUNCTION served.datasets(principal bigint, after_id bigint, max_rows integer)
RETURNS SETOF served.dataset_row
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT told.*
    FROM (SELECT * FROM dataset AS one
          WHERE one.dataset_id > after_id
            AND (one.defined_by = principal OR one.for_party = principal AND holds(one))
          ORDER BY one.dataset_id LIMIT max_rows) AS listed
    CROSS JOIN LATERAL told_dataset(principal, listed::dataset) AS told
    ORDER BY told.dataset_id
$$;

CREATE FUNCTION served.dataset(principal bigint, wanted_dataset bigint)
RETURNS SETOF served.dataset_row
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT told.*
    FROM dataset AS one CROSS JOIN LATERAL told_dataset(principal, one) AS told
    WHERE one.dataset_id = wanted_dataset
      AND (one.defined_by = principal OR one.for_party = principal AND holds(one));
    IF NOT FOUND THEN
        PERFORM no_dataset(principal, wanted_dataset);
    END IF;
END $$;

-- Whether a vehicle has told a signal since the data begin, for each of some signals.
CREATE FUNCTION has_told(of_vehicle bigint, begins timestamptz, names text[])
RETURNS TABLE (name text)
LANGUAGE sql STABLE ROWS 20 AS $$
    SELECT signal.name
    FROM vehicle_state AS state
    JOIN signal USING (signal_group)
    WHERE state.vehicle_id = of_vehicle AND signal.name = ANY (names)
      AND state.values[signal.position] <> 'NaN' AND state.times[signal.position] >= begins
$$;

-- How much there is: vehicles, days with data, trips, events (NULL: not in it), and of each signal how
-- many vehicles have it.
CREATE FUNCTION served.dataset_counts(principal bigint, wanted_dataset bigint)
RETURNS TABLE (
    vehicles bigint, vehicle_days bigint, trips bigint, events bigint, availability jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
    WITH of_it AS MATERIALIZED (
        SELECT * FROM readable_dataset(principal, wanted_dataset)
    ), member AS MATERIALIZED (
        SELECT found.* FROM of_it CROSS JOIN LATERAL dataset_members(of_it.dataset_id) AS found
    )
    SELECT (SELECT count(*) FROM member),
           (SELECT count(*) FROM of_it CROSS JOIN member JOIN touched_day AS day USING (vehicle_id)
            WHERE day.day BETWEEN lower(of_it.data)::date AND upper(of_it.data)::date
              AND member.data && tstzrange(day.day, day.day + 1)),
           CASE WHEN of_it.with_trips THEN (
               SELECT count(*) FROM member JOIN trip USING (vehicle_id)
               WHERE of_it.data @> trip.start_time
                 AND member.data @> tstzrange(trip.start_time, trip.end_time, '[]')) END,
           CASE WHEN of_it.with_events THEN (
               SELECT count(*) FROM member JOIN driving_event AS event USING (vehicle_id)
               WHERE of_it.data @> event.start_time AND NOT starts_with(event.kind, 'fatigue_')
                 AND member.data @> tstzrange(event.start_time, event.end_time, '[]')) END,
           (SELECT coalesce(jsonb_object_agg(has.name, has.vehicles), '{}')
            FROM (SELECT told.name, count(*) AS vehicles
                  FROM member CROSS JOIN LATERAL has_told(
                      member.vehicle_id, lower(of_it.data), of_it.signals) AS told
                  GROUP BY told.name) AS has)
    FROM of_it
$$;

-- Its vehicles by their pseudonyms. Class and model are told where enough of them share both.
CREATE FUNCTION served.dataset_vehicles(
    principal bigint, wanted_dataset bigint, after_vehicle text, max_rows integer
)
RETURNS TABLE (vehicle text, vehicle_class text, model text, signals text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    WITH of_it AS MATERIALIZED (
        SELECT * FROM readable_dataset(principal, wanted_dataset)
    ), member AS MATERIALIZED (
        SELECT found.pseudonym, found.vehicle_id, v.vehicle_class, v.model,
               count(*) OVER (PARTITION BY v.vehicle_class) AS of_class,
               count(*) OVER (PARTITION BY v.vehicle_class, v.model) AS of_model
        FROM of_it
        CROSS JOIN LATERAL dataset_members(of_it.dataset_id) AS found
        JOIN vehicle AS v USING (vehicle_id)
    )
    SELECT page.pseudonym,
           CASE WHEN page.of_class >= rule.min_vehicles THEN page.vehicle_class END,
           CASE WHEN page.of_model >= rule.min_vehicles THEN page.model END,
           ARRAY(SELECT told.name
                 FROM has_told(page.vehicle_id, lower(of_it.data), of_it.signals) AS told
                 ORDER BY array_position(of_it.signals, told.name))
    FROM of_it
    CROSS JOIN dataset_rule AS rule
    CROSS JOIN (SELECT * FROM member WHERE pseudonym > after_vehicle
                ORDER BY pseudonym LIMIT max_rows) AS page
    ORDER BY page.pseudonym
$$;

-- The pseudonyms alone, from one on.
CREATE FUNCTION served.dataset_pseudonyms(
    principal bigint, wanted_dataset bigint, from_vehicle text, max_rows integer
)
RETURNS TABLE (vehicle text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT member.pseudonym
    FROM readable_dataset(principal, wanted_dataset) AS of_it
    CROSS JOIN LATERAL dataset_members(of_it.dataset_id) AS member
    WHERE member.pseudonym >= from_vehicle
    ORDER BY member.pseudonym LIMIT max_rows
$$;

-- Signals of one of its vehicles in steps, as served.signals tells them to who defined it, coarsened.
-- A step is a multiple of the dataset's resolution, and only whole steps are told: of overlapping
-- spans or steps the difference would be finer than either.
CREATE FUNCTION served.dataset_signals(
    principal bigint, wanted_dataset bigint, wanted_vehicle text, names text[],
    start timestamptz, stop timestamptz, step_s integer, max_rows integer
)
RETURNS TABLE (
    "time" timestamptz, "values" double precision[],
    minima double precision[], maxima double precision[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
    of_it dataset := readable_dataset(principal, wanted_dataset);
    grid_deg double precision := greatest(
        of_it.grid_deg, (SELECT finest_grid_deg FROM dataset_rule));
    member record;
    told text;
    piece tstzrange;
    first_step timestamptz;
    got bigint;
    wanted_rows integer := max_rows;
BEGIN
    IF step_s IS NULL OR step_s % of_it.resolution_s <> 0 OR 86400 % step_s <> 0
       OR NOT names <@ of_it.signals THEN
        RAISE EXCEPTION 'dataset % has no % in steps of % s', wanted_dataset, names, step_s
            USING ERRCODE = 'check_violation', TABLE = 'dataset';
    END IF;
    SELECT found.vehicle_id, found.data, v.vin INTO member
    FROM dataset_members(wanted_dataset) AS found JOIN vehicle AS v USING (vehicle_id)
    WHERE found.pseudonym = wanted_vehicle;
    IF member.vehicle_id IS NULL THEN
        RAISE EXCEPTION 'dataset % has no vehicle %', wanted_dataset, wanted_vehicle
            USING ERRCODE = 'no_data_found', TABLE = 'dataset_vehicle';
    END IF;
    SELECT 'SELECT told.time, ' || string_agg(column_of.told, ', ' ORDER BY column_of.place)
           || ' FROM served.signals($1, $2, $3, $4, $5, $6, $7) AS told'
    INTO told
    FROM (
        SELECT field.place,
               'ARRAY[' || string_agg(
                   CASE dataset_signal_rule(signal)
                       WHEN 'grid' THEN format(
                           'cell_middle(told.%I[%s], %L::double precision)',
                           field.name, wanted.place, grid_deg)
                       WHEN 'tens' THEN format(
                           'round(told.%I[%s] / 10) * 10', field.name, wanted.place)
                       WHEN 'shifted' THEN format(
                           'told.%I[%s] + %L::double precision', field.name, wanted.place,
                           counter_shift(wanted_dataset, member.vin, signal.name))
                       ELSE format('told.%I[%s]', field.name, wanted.place)
                   END, ', ' ORDER BY wanted.place) || ']' AS told
        FROM (VALUES (1, 'values'), (2, 'minima'), (3, 'maxima')) AS field (place, name)
        CROSS JOIN unnest(names) WITH ORDINALITY AS wanted (name, place)
        JOIN signal ON signal.name = wanted.name
        GROUP BY field.place
    ) AS column_of;
    FOREACH piece IN ARRAY ARRAY(
        SELECT part FROM unnest(member.data * tstzmultirange(tstzrange(start, stop))) AS part
        ORDER BY part
    ) LOOP
        EXIT WHEN wanted_rows <= 0;
        first_step := whole_steps(
            lower(piece) + make_interval(secs => step_s) - interval '1 microsecond', step_s);
        CONTINUE WHEN first_step >= whole_steps(upper(piece), step_s);
        RETURN QUERY EXECUTE told USING of_it.defined_by, member.vin, names, first_step,
            whole_steps(upper(piece), step_s), step_s, wanted_rows;
        GET DIAGNOSTICS got = ROW_COUNT;
        wanted_rows := wanted_rows - got;
    END LOOP;
END $$;

-- Trips by vehicle and start, from a vehicle and a start on. Times are the beginnings of steps of the
-- dataset's resolution, also in the question; places are on its grid; ways, times and litres are
-- rounded to 0.1 km, a minute and 0.1 L.
CREATE FUNCTION served.dataset_trips(
    principal bigint, wanted_dataset bigint, start timestamptz, stop timestamptz,
    from_vehicle text, from_start timestamptz, skipped integer, max_rows integer
)
RETURNS TABLE (
    vehicle text, start_time timestamptz, end_time timestamptz, kind text,
    distance_km double precision, duration_s double precision, driving_s double precision,
    idle_s double precision, stop_count integer, fuel_l double precision,
    idle_fuel_l double precision, max_speed_kmh double precision,
    start_latitude double precision, start_longitude double precision,
    end_latitude double precision, end_longitude double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT member.pseudonym, at.start_time, whole_steps(trip.end_time, of_it.resolution_s),
           trip.kind, rounded(trip.distance_km, 0.1), rounded(trip.duration_s, 60),
           rounded(trip.driving_s, 60), rounded(trip.idle_s, 60), trip.stop_count,
           rounded(trip.fuel_l, 0.1), rounded(trip.idle_fuel_l, 0.1),
           rounded(trip.max_speed_kmh, 1),
           cell_middle(trip.start_latitude, grid.deg), cell_middle(trip.start_longitude, grid.deg),
           cell_middle(trip.end_latitude, grid.deg), cell_middle(trip.end_longitude, grid.deg)
    FROM readable_dataset(principal, wanted_dataset) AS of_it
    CROSS JOIN LATERAL (
        SELECT greatest(of_it.grid_deg, finest_grid_deg) AS deg FROM dataset_rule) AS grid
    CROSS JOIN LATERAL dataset_members(of_it.dataset_id) AS member
    JOIN trip ON trip.vehicle_id = member.vehicle_id
    CROSS JOIN LATERAL (
        SELECT whole_steps(trip.start_time, of_it.resolution_s) AS start_time) AS at
    WHERE of_it.with_trips
      AND member.pseudonym >= from_vehicle
      AND (member.pseudonym > from_vehicle OR from_start IS NULL OR at.start_time >= from_start)
      AND trip.start_time >= whole_steps(start, of_it.resolution_s)
      AND at.start_time < stop
      AND trip.start_time < stop + interval '1 day'  -- for the index: no step is longer
      AND member.data @> tstzrange(trip.start_time, trip.end_time, '[]')
    ORDER BY member.pseudonym, at.start_time, trip.start_time
    OFFSET skipped LIMIT max_rows
$$;

-- Driving events likewise; fatigue, which speaks of the driver alone, is none of them.
CREATE FUNCTION served.dataset_events(
    principal bigint, wanted_dataset bigint, kinds text[], start timestamptz, stop timestamptz,
    from_vehicle text, from_start timestamptz, skipped integer, max_rows integer
)
RETURNS TABLE (
    vehicle text, kind text, start_time timestamptz, trip_start timestamptz,
    duration_s double precision, severity smallint, peak double precision,
    limit_value double precision, speed_km_h double precision, distance_km double precision,
    fuel_l double precision, latitude double precision, longitude double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT member.pseudonym, event.kind, at.start_time,
           whole_steps(event.trip_start, of_it.resolution_s),
           rounded(extract(epoch FROM event.end_time - event.start_time)::double precision, 1),
           event.severity, event.peak, event.limit_value, rounded(event.speed_km_h, 1),
           rounded(event.distance_km, 0.01), rounded(event.fuel_l, 0.01),
           cell_middle(event.latitude, grid.deg), cell_middle(event.longitude, grid.deg)
    FROM readable_dataset(principal, wanted_dataset) AS of_it
    CROSS JOIN LATERAL (
        SELECT greatest(of_it.grid_deg, finest_grid_deg) AS deg FROM dataset_rule) AS grid
    CROSS JOIN LATERAL dataset_members(of_it.dataset_id) AS member
    JOIN driving_event AS event ON event.vehicle_id = member.vehicle_id
    CROSS JOIN LATERAL (
        SELECT whole_steps(event.start_time, of_it.resolution_s) AS start_time) AS at
    WHERE of_it.with_events AND NOT starts_with(event.kind, 'fatigue_')
      AND (kinds IS NULL OR event.kind = ANY (kinds))
      AND member.pseudonym >= from_vehicle
      AND (member.pseudonym > from_vehicle OR from_start IS NULL OR at.start_time >= from_start)
      AND event.start_time >= whole_steps(start, of_it.resolution_s)
      AND at.start_time < stop
      AND event.start_time < stop + interval '1 day'
      AND member.data @> tstzrange(event.start_time, event.end_time, '[]')
    ORDER BY member.pseudonym, at.start_time, event.start_time, event.kind
    OFFSET skipped LIMIT max_rows
$$;

-- 4. Defining one.

-- What is refused is said by a word, with what it speaks of; then there is no number.
CREATE FUNCTION served.define_dataset(
    principal bigint, new_name text, new_purpose text, party_name text,
    valid_from timestamptz, valid_until timestamptz, data_from timestamptz, data_until timestamptz,
    vins text[], of_fleet bigint, new_signals text[], new_resolution_s integer,
    new_grid_deg double precision, trips boolean, events boolean
)
RETURNS TABLE (dataset_id bigint, refusal text, about text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    rule dataset_rule := (SELECT rule FROM dataset_rule AS rule);
    research bigint := (SELECT party_id FROM party
                        WHERE name = party_name AND kind = 'data_science');
    new_data tstzrange := tstzrange(data_from, data_until);
    members bigint[];
    new_key bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                            || uuid_send(gen_random_uuid()));
BEGIN
    IF coalesce((SELECT kind FROM party WHERE party_id = principal), '')
       NOT IN ('maker', 'owner') THEN
        RETURN QUERY VALUES (NULL::bigint, 'not_yours', NULL::text);
        RETURN;
    END IF;
    -- Asked twice, by mistake or because the first answer was lost, it is defined once.
    PERFORM pg_advisory_xact_lock(hashtextextended(new_name, principal));
    IF EXISTS (SELECT FROM dataset AS one
               WHERE one.defined_by = principal AND one.name = new_name
                 AND one.ended_at IS NULL AND upper(one.valid) > now()) THEN
        RETURN QUERY VALUES (NULL::bigint, 'name', new_name);
        RETURN;
    END IF;
    IF research IS NULL THEN
        RETURN QUERY VALUES (NULL::bigint, 'party', party_name);
        RETURN;
    END IF;
    IF new_grid_deg < rule.finest_grid_deg THEN
        RETURN QUERY VALUES (NULL::bigint, 'grid', rule.finest_grid_deg::text);
        RETURN;
    END IF;
    RETURN QUERY
    SELECT NULL::bigint, 'signals', string_agg(wanted.name, ', ' ORDER BY wanted.name)
    FROM unnest(new_signals) AS wanted (name)
    LEFT JOIN signal USING (name)
    WHERE signal.name IS NULL OR dataset_signal_rule(signal) = 'refused'
       OR dataset_signal_rule(signal) = 'coarse' AND new_resolution_s < 60
    HAVING count(*) > 0;
    IF FOUND THEN
        RETURN;
    END IF;
    IF of_fleet IS NOT NULL THEN
        SELECT array_agg(DISTINCT belongs.vehicle_id) INTO members
        FROM visible_fleet(principal, of_fleet) AS fleet
        JOIN fleet_vehicle AS belongs USING (fleet_id)
        CROSS JOIN LATERAL opened(principal, belongs.vehicle_id) AS owned
        WHERE belongs.member && new_data AND owned.drivers && new_data;
    ELSE
        -- A foreign vehicle is one that is not there.
        RETURN QUERY
        SELECT NULL::bigint, 'vins', string_agg(wanted.vin, ', ' ORDER BY wanted.vin)
        FROM unnest(vins) AS wanted (vin)
        LEFT JOIN vehicle AS v USING (vin)
        LEFT JOIN LATERAL opened(principal, v.vehicle_id) AS owned ON v.vehicle_id IS NOT NULL
        WHERE coalesce(NOT owned.drivers && new_data, true)
        HAVING count(*) > 0;
        IF FOUND THEN
            RETURN;
        END IF;
        SELECT array_agg(DISTINCT v.vehicle_id) INTO members
        FROM vehicle AS v WHERE v.vin = ANY (vins);
    END IF;
    IF coalesce(cardinality(members), 0) < rule.min_vehicles THEN
        RETURN QUERY VALUES (
            NULL::bigint, CASE WHEN of_fleet IS NULL THEN 'few' ELSE 'few_of_fleet' END,
            rule.min_vehicles::text);
        RETURN;
    END IF;
    IF cardinality(members) > 100000 THEN
        RETURN QUERY VALUES (NULL::bigint, 'many', '100000');
        RETURN;
    END IF;
    INSERT INTO dataset (defined_by, for_party, name, purpose, valid, data, signals, resolution_s,
                         grid_deg, with_trips, with_events)
    VALUES (principal, research, new_name, new_purpose,
            tstzrange(coalesce(valid_from, now()), valid_until), new_data, new_signals,
            new_resolution_s, coalesce(new_grid_deg, rule.finest_grid_deg), trips, events)
    RETURNING dataset.dataset_id INTO dataset_id;
    INSERT INTO dataset_key (dataset_id, key) VALUES (dataset_id, new_key);
    INSERT INTO dataset_vehicle (dataset_id, pseudonym, vehicle_id)
    SELECT dataset_id, encode(substr(keyed_hash(new_key, 'vehicle ' || v.vin), 1, 16), 'hex'),
           v.vehicle_id
    FROM vehicle AS v WHERE v.vehicle_id = ANY (members);
    RETURN NEXT;
END $$;

-- The definer's, ended or not.
CREATE FUNCTION own_dataset(principal bigint, wanted_dataset bigint) RETURNS dataset
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found_it dataset;
BEGIN
    SELECT * INTO found_it FROM dataset AS one
    WHERE one.dataset_id = wanted_dataset AND one.defined_by = principal;
    IF found_it.dataset_id IS NULL THEN
        PERFORM no_dataset(principal, wanted_dataset);
    END IF;
    RETURN found_it;
END $$;

-- Another name or end, NULL for none; what it is for and what it opens never change. One that has
-- ended stays so: no row.
CREATE FUNCTION served.change_dataset(
    principal bigint, wanted_dataset bigint, new_name text, new_until timestamptz
)
RETURNS SETOF served.dataset_row
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    UPDATE dataset AS one
    SET name = coalesce(new_name, one.name),
        valid = tstzrange(lower(one.valid), coalesce(new_until, upper(one.valid)))
    FROM own_dataset(principal, wanted_dataset) AS own
    WHERE one.dataset_id = own.dataset_id AND own.ended_at IS NULL AND upper(own.valid) > now();
    SELECT told.*
    FROM own_dataset(principal, wanted_dataset) AS own
    CROSS JOIN LATERAL told_dataset(principal, own) AS told
    WHERE own.ended_at IS NULL AND (upper(own.valid) > now() OR new_until <= now())
$$;

-- To end it again changes nothing.
CREATE FUNCTION served.end_dataset(principal bigint, wanted_dataset bigint)
RETURNS TABLE (ended_at timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    UPDATE dataset AS one
    SET ended_at = coalesce(one.ended_at, now())
    FROM own_dataset(principal, wanted_dataset) AS own
    WHERE one.dataset_id = own.dataset_id
    RETURNING one.ended_at
$$;

-- 5. The log of reads names the dataset that was read, and tells it.

ALTER TABLE access_log ADD COLUMN dataset_id bigint;
CREATE INDEX access_log_by_dataset ON access_log (dataset_id) WHERE dataset_id IS NOT NULL;

CREATE OR REPLACE FUNCTION served.log_accesses(entries jsonb, lost bigint, lost_since timestamptz)
RETURNS TABLE (written bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    INSERT INTO access_log_loss (since, reads) SELECT lost_since, lost WHERE lost > 0;
    WITH kept AS (
        INSERT INTO access_log (at, party_id, subject, role, method, route, vins, driver_ids,
                                fleet_id, dataset_id, purpose, address, status, reads)
        SELECT * FROM jsonb_to_recordset(entries) AS entry (
            at timestamptz, party_id bigint, subject text, role text, method text, route text,
            vins text[], driver_ids bigint[], fleet_id bigint, dataset_id bigint, purpose text,
            address inet, status smallint, reads integer)
        RETURNING 1
    )
    SELECT count(*) FROM kept
$$;

DROP FUNCTION served.accesses(
    bigint, text, bigint, timestamptz, timestamptz, bigint, integer);
CREATE FUNCTION served.accesses(
    principal bigint, of_vin text, of_driver bigint, of_dataset bigint, start timestamptz,
    stop timestamptz, before_id bigint, max_rows integer
)
RETURNS TABLE (
    entry_id bigint, "at" timestamptz, party text, subject text, role text, method text, route text,
    vins text[], driver_ids bigint[], fleet_id bigint, dataset_id bigint, purpose text,
    address text, status smallint, reads integer
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT entry.entry_id, entry.at, party.name, entry.subject, entry.role, entry.method, entry.route,
           entry.vins, entry.driver_ids, entry.fleet_id, entry.dataset_id, entry.purpose,
           host(entry.address), entry.status, entry.reads
    FROM access_log AS entry LEFT JOIN party USING (party_id)
    WHERE (SELECT kind FROM party WHERE party_id = principal) IN ('auditor', 'maker')
      AND entry.entry_id < before_id AND entry.at >= start AND entry.at < stop
      AND (of_vin IS NULL OR entry.vins @> ARRAY[of_vin])
      AND (of_driver IS NULL OR entry.driver_ids @> ARRAY[of_driver])
      AND (of_dataset IS NULL OR entry.dataset_id = of_dataset)
    ORDER BY entry.entry_id DESC
    LIMIT max_rows
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
