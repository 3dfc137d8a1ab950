-- Whom the maker makes known, what is told of a vehicle whose today is not open, why a write is refused,
-- and in which steps a research party is told of many vehicles.
-- works with: 6

-- 1. Who may be made known over HTTP: a research party too, for whom datasets are defined. Makers see
-- everything, and auditors must not be chosen by whom they watch over: both are made by command.

CREATE OR REPLACE FUNCTION served.create_party(principal bigint, new_kind text, new_name text)
RETURNS TABLE (party_id bigint, kind text, name text, created_at timestamptz, is_own boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    made bigint;
BEGIN
    PERFORM require_kind(principal, 'maker');
    IF new_kind NOT IN ('owner', 'dealer', 'service_provider', 'data_science') THEN
        PERFORM refuse(422, 'invalid_parameter', format('A party of kind %s is not made here.', new_kind),
                       'Makers and auditors are made by command: telemetry identity parties create.',
                       'kind');
    END IF;
    INSERT INTO party (kind, name) VALUES (new_kind, new_name)
    ON CONFLICT (name) DO NOTHING RETURNING party_id INTO made;
    IF made IS NULL THEN
        PERFORM refuse(409, 'already_there', 'There is a party of this name already.',
                       'Choose a name that tells the two apart.', 'name');
    END IF;
    RETURN QUERY SELECT party_id, kind, name, created_at, false FROM party WHERE party_id = made;
END $$;

-- 2. What a vehicle does now whose today is not open (after a sale): not silent, but nothing one may know.

-- What a vehicle does, to somebody to whom `data` of it are open. api/activity.py says the same.
CREATE FUNCTION activity_now(activity text, data tstzmultirange) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN activity = 'silent' AND NOT data @> now() THEN 'past' ELSE activity END
$$;

DROP FUNCTION served.vehicle_contact(bigint, text);
DROP FUNCTION served.search_vehicles(
    bigint, integer, text[], text, double precision, text, text, text, text, text, bigint, text[],
    jsonb, timestamptz, double precision, double precision, double precision, double precision,
    double precision, double precision, double precision);
DROP FUNCTION served.changed_states(bigint, text[], bigint[], timestamptz, text, text[]);

-- One vehicle of the register, when it was last heard (by its own clock and by ours), and whether
-- today is open.
CREATE FUNCTION served.vehicle_contact(principal bigint, wanted_vin text)
RETURNS TABLE (
    vin text, model text, plate text, region text, registered_at timestamptz,
    last_seen timestamptz, received_at timestamptz, is_current boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT v.vin, v.model, of_today(v.plate, visible.data), of_today(v.region, visible.data),
           v.registered_at, heard.last_seen, heard.received_at,
           visible.data @> now()
    FROM visible_vehicle(principal, wanted_vin) AS visible
    JOIN vehicle AS v USING (vehicle_id)
    CROSS JOIN LATERAL (
        SELECT max(state.time) AS last_seen, max(state.updated_at) AS received_at
        FROM vehicle_state AS state
        WHERE state.vehicle_id = v.vehicle_id AND visible.data @> state.time
    ) AS heard
$$;

-- As in 0012; is_current: whether today is open.
CREATE FUNCTION served.search_vehicles(
    principal bigint, max_rows integer, names text[], after_vin text, after_m double precision,
    vin_part text, plate_part text, model_part text, of_region text, of_dealer text,
    of_fleet bigint, doing text[], rules jsonb, asked_at timestamptz,
    west double precision, south double precision, east double precision, north double precision,
    near_latitude double precision, near_longitude double precision, radius_m double precision
)
RETURNS TABLE (
    vin text, model text, plate text, region text, registered_at timestamptz,
    last_seen timestamptz, distance_m double precision,
    "values" double precision[], times timestamptz[], is_current boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    is_near boolean := near_latitude IS NOT NULL;
    by_state boolean := doing IS NOT NULL OR west IS NOT NULL OR is_near;
    all_of_them boolean := NOT by_state AND vin_part IS NULL AND plate_part IS NULL
        AND model_part IS NULL AND of_region IS NULL AND of_dealer IS NULL AND of_fleet IS NULL;
    is_maker boolean := (SELECT kind = 'maker' FROM party WHERE party_id = principal);
    place jsonb;
BEGIN
    IF of_fleet IS NOT NULL THEN
        PERFORM visible_fleet(principal, of_fleet);
    END IF;
    IF by_state THEN
        SELECT jsonb_object_agg(signal.name, signal.position) INTO place
        FROM signal
        WHERE signal.name IN ('wheel_speed', 'gnss_speed', 'engine_running', 'engine_speed',
                              'latitude', 'longitude');
    END IF;
    RETURN QUERY
    WITH candidate AS (
        SELECT v.vehicle_id, v.vin, visible.data
        FROM visible_vehicles(
                principal, CASE WHEN is_near THEN '' ELSE after_vin END,
                CASE WHEN all_of_them THEN max_rows ELSE 2147483647 END) AS visible
        JOIN vehicle AS v USING (vehicle_id)
        WHERE (vin_part IS NULL OR strpos(v.vin, vin_part) > 0)
          AND (plate_part IS NULL
               OR strpos(plain_plate(of_today(v.plate, visible.data)), plain_plate(plate_part)) > 0)
          AND (model_part IS NULL OR strpos(lower(v.model), lower(model_part)) > 0)
          AND (of_region IS NULL OR of_today(v.region, visible.data) = of_region
               OR starts_with(of_today(v.region, visible.data), of_region || '-'))
          AND (of_fleet IS NULL OR v.vehicle_id IN (
                  SELECT member.vehicle_id FROM fleet_vehicle AS member
                  WHERE member.fleet_id = of_fleet AND member.member @> now()))
          AND (of_dealer IS NULL OR v.vehicle_id IN (
                  SELECT sold.vehicle_id
                  FROM vehicle_access AS sold JOIN party AS dealer USING (party_id)
                  WHERE dealer.name = of_dealer AND dealer.kind = 'dealer'
                    AND sold.purpose = 'sale' AND sold.valid @> now()
                    AND (is_maker OR sold.party_id = principal OR EXISTS (
                            SELECT FROM vehicle_access AS own
                            WHERE own.party_id = principal AND own.vehicle_id = sold.vehicle_id
                              AND own.purpose = 'ownership' AND own.valid @> now()
                              AND own.data @> now()))))
    ), placed AS (
        SELECT candidate.*, NULL::double precision AS distance_m
        FROM candidate WHERE NOT by_state
        UNION ALL
        SELECT candidate.*, found.distance_m
        FROM candidate
        LEFT JOIN vehicle_state AS motion
          ON motion.vehicle_id = candidate.vehicle_id AND motion.signal_group = 'motion'
        LEFT JOIN vehicle_state AS location
          ON location.vehicle_id = candidate.vehicle_id AND location.signal_group = 'location'
        CROSS JOIN LATERAL (
            SELECT opened_value(location.values, location.times,
                                (place ->> 'latitude')::smallint, candidate.data),
                   opened_value(location.values, location.times,
                                (place ->> 'longitude')::smallint, candidate.data)
        ) AS at (latitude, longitude)
        CROSS JOIN LATERAL (
            SELECT distance_m(at.latitude, at.longitude, near_latitude, near_longitude)
        ) AS found (distance_m)
        WHERE by_state
          AND (west IS NULL OR (
                  at.latitude BETWEEN south AND north
                  -- A box whose west lies east of its east goes over the 180th meridian.
                  AND CASE WHEN west <= east THEN at.longitude BETWEEN west AND east
                           ELSE at.longitude >= west OR at.longitude <= east END))
          AND (NOT is_near OR found.distance_m <= coalesce(radius_m, 'Infinity'))
          AND (doing IS NULL OR activity_now(activity(
                  opened_value(motion.values, motion.times,
                               (place ->> 'wheel_speed')::smallint, candidate.data),
                  opened_value(location.values, location.times,
                               (place ->> 'gnss_speed')::smallint, candidate.data),
                  opened_value(motion.values, motion.times,
                               (place ->> 'engine_running')::smallint, candidate.data),
                  opened_value(motion.values, motion.times,
                               (place ->> 'engine_speed')::smallint, candidate.data),
                  asked_at - (SELECT max(state.time) FROM vehicle_state AS state
                              WHERE state.vehicle_id = candidate.vehicle_id
                                AND candidate.data @> state.time),
                  rules), candidate.data) = ANY (doing))
    ), page AS (
        SELECT placed.* FROM placed
        WHERE NOT is_near OR (placed.distance_m, placed.vin) > (coalesce(after_m, -1), after_vin)
        ORDER BY placed.distance_m, placed.vin
        LIMIT max_rows
    )
    SELECT v.vin, v.model, of_today(v.plate, page.data), of_today(v.region, page.data),
           v.registered_at,
           (SELECT max(state.time) FROM vehicle_state AS state
            WHERE state.vehicle_id = v.vehicle_id AND page.data @> state.time),
           page.distance_m, latest.values, latest.times, page.data @> now()
    FROM page
    JOIN vehicle AS v USING (vehicle_id)
    CROSS JOIN LATERAL latest_named(v.vehicle_id, page.data, names) AS latest
    ORDER BY page.distance_m, v.vin;
END $$;

-- As in 0012; is_current: whether today is open.
CREATE FUNCTION served.changed_states(
    principal bigint, vins text[], fleets bigint[], since timestamptz, seen text, names text[]
)
RETURNS TABLE (
    snapshot text, answered_at timestamptz, vin text, of_fleets bigint[], model text, plate text,
    region text, registered_at timestamptz, last_seen timestamptz,
    "values" double precision[], times timestamptz[], is_current boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    WITH subject AS (
        SELECT wanted.vehicle_id,
               array_agg(wanted.fleet_id) FILTER (WHERE wanted.fleet_id IS NOT NULL) AS of_fleets
        FROM (
            SELECT v.vehicle_id, NULL::bigint AS fleet_id FROM vehicle AS v WHERE v.vin = ANY (vins)
            UNION
            SELECT member.vehicle_id, member.fleet_id
            FROM fleet_vehicle AS member JOIN fleet AS f USING (fleet_id)
            WHERE member.fleet_id = ANY (fleets) AND member.member @> now()
              AND (f.party_id = principal
                   OR (SELECT kind FROM party WHERE party_id = principal) = 'maker')
        ) AS wanted
        GROUP BY wanted.vehicle_id
    ), changed AS MATERIALIZED (
        SELECT subject.*
        FROM subject
        WHERE EXISTS (
            SELECT FROM vehicle_state AS state
            CROSS JOIN LATERAL (
                -- xmin has lost its upper half; what is visible is older than the snapshot's end.
                SELECT (newest & ~4294967295) | state.xmin::text::bigint AS maybe, newest
                FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint) AS s (newest)
            ) AS writer
            WHERE state.vehicle_id = subject.vehicle_id AND state.updated_at > since
              AND (seen IS NULL OR NOT pg_visible_in_snapshot(
                      (CASE WHEN maybe > newest THEN maybe - 4294967296 ELSE maybe END)::text::xid8,
                      seen::pg_snapshot)))
    )
    SELECT pg_current_snapshot()::text, statement_timestamp(), NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, NULL, NULL
    UNION ALL
    SELECT NULL, NULL, v.vin, changed.of_fleets, v.model, of_today(v.plate, opened.data),
           of_today(v.region, opened.data), v.registered_at,
           (SELECT max(state.time) FROM vehicle_state AS state
            WHERE state.vehicle_id = v.vehicle_id AND opened.data @> state.time),
           latest.values, latest.times, opened.data @> now()
    FROM changed
    JOIN vehicle AS v USING (vehicle_id)
    CROSS JOIN LATERAL opened(principal, v.vehicle_id) AS opened
    CROSS JOIN LATERAL latest_named(v.vehicle_id, opened.data, names) AS latest
    WHERE NOT isempty(opened.data)
$$;

-- As in 0024, but for vehicles whose today is not open: somebody else looks after these.
CREATE OR REPLACE FUNCTION served.care(
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
        WHERE (wanted_vin IS NULL OR v.vin = wanted_vin) AND visible.data @> now()
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

-- 3. What is refused says why, also when it is only tried.

-- Why a vehicle must not be in this cell; NULL: it may.
CREATE FUNCTION why_elsewhere(of_vin text, of_region text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    here cell;
    other integer;
BEGIN
    SELECT elsewhere.cell INTO other FROM vehicle_elsewhere AS elsewhere WHERE elsewhere.vin = of_vin;
    IF other IS NOT NULL THEN
        RETURN format('vehicle %s is kept in cell %s', of_vin, other);
    END IF;
    SELECT * INTO here FROM cell WHERE is_here;
    IF of_region IS NULL OR here.cell IS NULL OR cardinality(here.regions) = 0
       OR is_region_of(of_region, here.regions) THEN
        RETURN NULL;
    END IF;
    SELECT known.cell INTO other FROM cell AS known
    WHERE NOT known.is_here AND is_region_of(of_region, known.regions) LIMIT 1;
    RETURN format('vehicle %s is of region %s, which %s', of_vin, of_region,
                  coalesce('is kept in cell ' || other, 'no cell of the directory holds'));
END $$;

CREATE FUNCTION refuse_elsewhere(why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF why IS NOT NULL THEN
        RAISE EXCEPTION '%', why
            USING ERRCODE = 'check_violation', CONSTRAINT = 'vehicle_is_of_this_cell';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION refuse_other_cells() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_elsewhere(why_elsewhere(NEW.vin, NEW.region));
    RETURN NEW;
END $$;

-- As in 0017; a list with a vehicle of another cell is refused before it is written, or only tried.
CREATE OR REPLACE FUNCTION import_vehicles(lines jsonb, writes boolean)
RETURNS TABLE (registered bigint, changed bigint, unchanged bigint)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    elsewhere text;
BEGIN
    IF writes THEN
        -- One list at a time, and each vehicle's row in the order of VINs: nobody waits in a circle.
        PERFORM pg_advisory_xact_lock(hashtext('telemetry.import_vehicles'));
        PERFORM FROM vehicle WHERE vin IN (SELECT value ->> 'vin' FROM jsonb_array_elements(lines))
        ORDER BY vin FOR NO KEY UPDATE;
    END IF;
    IF EXISTS (SELECT FROM cell) OR EXISTS (SELECT FROM vehicle_elsewhere) THEN
        SELECT found.why INTO elsewhere
        FROM jsonb_to_recordset(lines) AS given (vin text, region text)
        LEFT JOIN vehicle AS v USING (vin)
        CROSS JOIN LATERAL (
            SELECT why_elsewhere(given.vin, coalesce(given.region, v.region))
        ) AS found (why)
        WHERE found.why IS NOT NULL
        ORDER BY given.vin LIMIT 1;
        PERFORM refuse_elsewhere(elsewhere);
    END IF;
    RETURN QUERY
    WITH line AS MATERIALIZED (
        SELECT v.vehicle_id, given.vin, given.check_digit_ok, wanted.*,
               (wanted.*) IS DISTINCT FROM (v.model, v.plate, v.region, v.vehicle_class) AS is_news,
               wanted.vehicle_class IS DISTINCT FROM v.vehicle_class AS is_of_another_class
        FROM jsonb_to_recordset(lines) AS given (
            vin text, check_digit_ok boolean, model text, plate text, region text,
            vehicle_class text)
        LEFT JOIN vehicle AS v USING (vin)
        CROSS JOIN LATERAL (
            SELECT coalesce(given.model, v.model), coalesce(given.plate, v.plate),
                   coalesce(given.region, v.region),
                   coalesce(given.vehicle_class, v.vehicle_class, 'heavy_truck')
        ) AS wanted (model, plate, region, vehicle_class)
    ), redone AS (
        UPDATE touched_day SET analysed_by = 0
        FROM line
        WHERE writes AND touched_day.vehicle_id = line.vehicle_id AND line.is_of_another_class
    ), changed AS (
        UPDATE vehicle AS v
        SET model = line.model, plate = line.plate, region = line.region,
            vehicle_class = line.vehicle_class
        FROM line
        WHERE writes AND v.vehicle_id = line.vehicle_id AND line.is_news
    ), made AS (
        INSERT INTO vehicle (vin, check_digit_ok, registered_by, model, plate, region, vehicle_class)
        SELECT vin, check_digit_ok, 'register', model, plate, region, vehicle_class
        FROM line
        WHERE writes AND vehicle_id IS NULL
        ORDER BY vin
        -- Ingest may have registered one meanwhile: then it gets what its line says.
        ON CONFLICT (vin) DO UPDATE SET model = EXCLUDED.model, plate = EXCLUDED.plate,
            region = EXCLUDED.region, vehicle_class = EXCLUDED.vehicle_class
    )
    SELECT count(*) FILTER (WHERE vehicle_id IS NULL),
           count(*) FILTER (WHERE vehicle_id IS NOT NULL AND is_news),
           count(*) FILTER (WHERE vehicle_id IS NOT NULL AND NOT is_news)
    FROM line;
END $$;

-- As in 0017; a card that was erased is refused as such.
CREATE OR REPLACE FUNCTION served.employ_driver(
    principal bigint, of_card text, new_name text, begins timestamptz, ends timestamptz
) RETURNS SETOF served.driver_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    span tstzrange := span_of(coalesce(begins, now()), ends, 'employed_until');
    found driver;
BEGIN
    PERFORM require_kind(principal, 'maker', 'owner');
    INSERT INTO driver (card_id, party_id, name, employed)
    VALUES (of_card, principal, new_name, span)
    ON CONFLICT (card_id) DO NOTHING RETURNING * INTO found;
    IF found.driver_id IS NULL THEN
        SELECT * INTO found FROM driver WHERE card_id = of_card FOR NO KEY UPDATE;
        IF found.driver_id IS NULL THEN
            PERFORM refuse(409, 'erased', 'The driver of this card was erased.',
                           'If he is to be known again, who runs the platform readmits the card: '
                           'telemetry privacy readmit.', 'card_id');
        END IF;
        IF found.party_id IS NOT NULL AND (found.party_id = principal OR found.employed && span) THEN
            PERFORM refuse(409, 'already_there', 'A driver of this card is registered already.',
                           'If he is yours, change him with PATCH; else let the employer before end '
                           'the employment.', 'card_id');
        END IF;
        PERFORM require_employment(principal, found.driver_id, '{}', span);
        UPDATE driver SET party_id = principal, name = new_name, employed = span
        WHERE driver_id = found.driver_id RETURNING * INTO found;
    END IF;
    RETURN QUERY SELECT * FROM driver_entry(found);
END $$;

-- 4. What is told of many vehicles is told a research party in steps of the fewest it is told of: from
-- one question to the next, a single vehicle makes no difference, nor does a share of them give it back.

CREATE FUNCTION in_steps(number bigint, step integer) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT number / step * step $$;

-- To two digits, for who is told of steps.
CREATE FUNCTION in_digits(number bigint, step integer) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN step = 1 OR number < 100 THEN number
                ELSE round(number, 1 - floor(log(number))::integer)::bigint END
$$;

ALTER FUNCTION served.signal_spread(bigint, text) SET SCHEMA telemetry;
ALTER FUNCTION telemetry.signal_spread(bigint, text) RENAME TO exact_spread;
ALTER FUNCTION served.dataset_choices(bigint) SET SCHEMA telemetry;
ALTER FUNCTION telemetry.dataset_choices(bigint) RENAME TO exact_choices;
ALTER FUNCTION served.dataset_preview(
    bigint, text[], text[], timestamptz, timestamptz, text[], integer) SET SCHEMA telemetry;
ALTER FUNCTION telemetry.dataset_preview(
    bigint, text[], text[], timestamptz, timestamptz, text[], integer) RENAME TO exact_preview;
REVOKE ALL ON FUNCTION telemetry.exact_spread, telemetry.exact_choices, telemetry.exact_preview
    FROM PUBLIC, telemetry_api;

-- As in 0026.
CREATE FUNCTION served.signal_spread(principal bigint, wanted_name text)
RETURNS TABLE (
    told text, vehicles bigint, with_it bigint, "rows" bigint, rows_with bigint,
    p1 double precision, p50 double precision, p99 double precision, bins jsonb, models jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT found.told, in_steps(found.vehicles, step), in_steps(found.with_it, step),
           in_digits(found.rows, step), in_digits(found.rows_with, step),
           found.p1, found.p50, found.p99, found.bins,
           coalesce((
               SELECT jsonb_agg(model || jsonb_build_object(
                          'vehicles', in_steps((model ->> 'vehicles')::bigint, step),
                          'with_it', in_steps((model ->> 'with_it')::bigint, step),
                          'rows', in_digits((model ->> 'rows')::bigint, step),
                          'rows_with', in_digits((model ->> 'rows_with')::bigint, step))
                      ORDER BY place)
               FROM jsonb_array_elements(found.models) WITH ORDINALITY AS one (model, place)), '[]')
    FROM exact_spread(principal, wanted_name) AS found CROSS JOIN fewest_told(principal) AS step
$$;

-- As in 0026.
CREATE FUNCTION served.dataset_choices(principal bigint)
RETURNS TABLE (kind text, name text, vehicles bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT found.kind, found.name, in_steps(found.vehicles, step)
    FROM exact_choices(principal) AS found CROSS JOIN fewest_told(principal) AS step
    ORDER BY 1, 3 DESC, 2
$$;

-- As in 0026. A share is of at most 200 vehicles.
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
    SELECT found.told, found.vehicles, found.vehicle_days, found.steps,
           CASE WHEN step = 1 OR found.availability IS NULL THEN found.availability ELSE coalesce((
               SELECT jsonb_object_agg(signal, round(
                          floor(share::numeric * looked_at / step) * step / looked_at, 2))
               FROM jsonb_each_text(found.availability) AS one (signal, share)), '{}') END
    FROM exact_preview(principal, of_models, of_regions, data_from, data_until, of_signals,
                       of_resolution_s) AS found
    CROSS JOIN fewest_told(principal) AS step
    CROSS JOIN LATERAL (SELECT least(found.vehicles, 200)) AS sample (looked_at)
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
