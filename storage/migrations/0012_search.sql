-- Finding vehicles: by what the register knows of them, by what they are doing and by where they are;
-- and what has changed of them since one last looked. All of it under the rule of 0005.
--
-- Latest positions are not indexed: an index on what every frame changes would cost each of those
-- updates its place in the page (HOT). They are read by the key of vehicle_state, a step a vehicle.
-- works with: 6

ALTER TABLE vehicle
    ADD COLUMN plate text CHECK (plate <> ''),
    ADD COLUMN region text CHECK (region ~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$');
COMMENT ON COLUMN vehicle.plate IS 'Registration number as it is written, such as 沪A12345.';
COMMENT ON COLUMN vehicle.region IS 'Where the vehicle is at home, ISO 3166-2: CN-31, or CN alone.';

-- A plate without what people write or leave out in it.
CREATE FUNCTION plain_plate(plate text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT translate(upper(plate), ' -·.•', '')
$$;

-- Great-circle distance on a sphere of the Earth's mean radius [m]; 0.5 % off at the most.
CREATE FUNCTION distance_m(
    lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision
) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT 2 * 6371008.8 * asin(least(1, sqrt(
        sind((lat2 - lat1) / 2) ^ 2 + cosd(lat1) * cosd(lat2) * sind((lon2 - lon1) / 2) ^ 2)))
$$;

-- What a vehicle is doing; the rules come with the question. api/vehicles/activity.py says the same.
CREATE FUNCTION activity(
    wheel_speed double precision, gnss_speed double precision, engine_running double precision,
    engine_speed double precision, unheard interval, rules jsonb
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
               WHEN unheard IS NULL THEN 'silent'
               WHEN unheard > make_interval(secs => CASE
                        WHEN moving OR running THEN (rules ->> 'silent_while_running_s')::double precision
                        ELSE (rules ->> 'silent_while_parked_s')::double precision END) THEN 'silent'
               WHEN moving THEN 'moving'
               WHEN running THEN 'idling'
               ELSE 'parked'
           END
    FROM (SELECT coalesce(coalesce(wheel_speed, gnss_speed)
                          >= (rules ->> 'moving_km_h')::double precision, false),
                 coalesce(engine_running <> 0,
                          engine_speed >= (rules ->> 'running_rpm')::double precision, false)
         ) AS found (moving, running)
$$;

-- The latest values of named signals, as far as `data` opens them; NULL where there is none.
-- (As a set it becomes part of the statement that asks, and is planned with it.)
CREATE FUNCTION latest_named(of_vehicle bigint, data tstzmultirange, names text[])
RETURNS TABLE ("values" double precision[], times timestamptz[])
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT array_agg(CASE WHEN is_opened THEN value END ORDER BY place),
           array_agg(CASE WHEN is_opened THEN time END ORDER BY place)
    FROM (
        SELECT wanted.place, state.values[signal.position], state.times[signal.position],
               state.values[signal.position] <> 'NaN' AND data @> state.times[signal.position]
        FROM unnest(names) WITH ORDINALITY AS wanted (name, place)
        LEFT JOIN signal ON signal.name = wanted.name
        LEFT JOIN vehicle_state AS state
          ON state.vehicle_id = of_vehicle AND state.signal_group = signal.signal_group
    ) AS cell (place, value, time, is_opened)
$$;

-- A latest value out of a row of vehicle_state, NULL where it is absent or not opened.
CREATE FUNCTION opened_value(
    "values" double precision[], times timestamptz[], place smallint, data tstzmultirange
) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN data @> times[place] THEN nullif("values"[place], 'NaN') END
$$;

-- What the register says of a vehicle today (plate, region), for those to whom today is open: who has
-- sold it keeps the past.
CREATE FUNCTION of_today(told text, data tstzmultirange) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT CASE WHEN data @> now() THEN told END $$;

-- One vehicle of the register, and when it was last heard: by its own clock and by ours.
CREATE FUNCTION served.vehicle_contact(principal bigint, wanted_vin text)
RETURNS TABLE (
    vin text, model text, plate text, region text, registered_at timestamptz,
    last_seen timestamptz, received_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT v.vin, v.model, of_today(v.plate, visible.data), of_today(v.region, visible.data),
           v.registered_at, heard.last_seen, heard.received_at
    FROM visible_vehicle(principal, wanted_vin) AS visible
    JOIN vehicle AS v USING (vehicle_id)
    CROSS JOIN LATERAL (
        SELECT max(state.time) AS last_seen, max(state.updated_at) AS received_at
        FROM vehicle_state AS state
        WHERE state.vehicle_id = v.vehicle_id AND visible.data @> state.time
    ) AS heard
$$;

-- The vehicles of a principal that are as asked for (NULL: whatever), each with the latest values of
-- the named signals. By VIN; with a point (near_*) by their distance to it, the nearest first.
-- The dealer who sold a vehicle is known to the maker, to the vehicle's owner and to itself.
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
    "values" double precision[], times timestamptz[]
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
          AND (doing IS NULL OR activity(
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
                  rules) = ANY (doing))
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
           page.distance_m, latest.values, latest.times
    FROM page
    JOIN vehicle AS v USING (vehicle_id)
    CROSS JOIN LATERAL latest_named(v.vehicle_id, page.data, names) AS latest
    ORDER BY page.distance_m, v.vin;
END $$;

-- The states of vehicles, by VIN or as those of fleets, that were written since: after a moment of
-- the database's clock, and, where the snapshot of an earlier answer is given, not yet seen in it.
-- (Rows appear when their transaction ends and carry the time at which it began: only the snapshot
-- says exactly what is new. `since` must then lie further back than any of them takes.)
-- There is one row without a VIN: the snapshot and the time of this answer. What a principal may not
-- see never changes for it.
CREATE FUNCTION served.changed_states(
    principal bigint, vins text[], fleets bigint[], since timestamptz, seen text, names text[]
)
RETURNS TABLE (
    snapshot text, answered_at timestamptz, vin text, of_fleets bigint[], model text, plate text,
    region text, registered_at timestamptz, last_seen timestamptz,
    "values" double precision[], times timestamptz[]
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
           NULL, NULL, NULL
    UNION ALL
    SELECT NULL, NULL, v.vin, changed.of_fleets, v.model, of_today(v.plate, opened.data),
           of_today(v.region, opened.data), v.registered_at,
           (SELECT max(state.time) FROM vehicle_state AS state
            WHERE state.vehicle_id = v.vehicle_id AND opened.data @> state.time),
           latest.values, latest.times
    FROM changed
    JOIN vehicle AS v USING (vehicle_id)
    CROSS JOIN LATERAL opened(principal, v.vehicle_id) AS opened
    CROSS JOIN LATERAL latest_named(v.vehicle_id, opened.data, names) AS latest
    WHERE NOT isempty(opened.data)
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
