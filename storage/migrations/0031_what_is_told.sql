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

-- What a vehicle does, to somebody to whom `data` of it are open. api/vehicles/activity.py says the same.
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

-- 4. What a research party is told of many vehicles is told as if there were a whole number of steps of
-- them, a step being the fewest that a dataset has: not only their number, but also what is summed over
-- them, and every share. Shares of exact numbers would give the numbers back.

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
