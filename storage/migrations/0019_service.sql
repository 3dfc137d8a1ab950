-- Where a vehicle is looked after, and when it is due: places of dealers and service providers, service
-- plans by class and model, services that were done. And a vehicle's state as the arrays it is kept in.
-- works with: 6

-- 1. Places. They are found by latitude: a box of it around a point holds few of some ten thousand.
CREATE TABLE service_point (
    service_point_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code              text NOT NULL UNIQUE CHECK (code <> ''),
    party_id          bigint NOT NULL REFERENCES party,
    name              text NOT NULL CHECK (name <> ''),
    latitude          double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude         double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    address           text,
    phone             text,
    opening_hours     text,
    services          text[] NOT NULL DEFAULT '{}',
    updated_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX service_point_by_place ON service_point (latitude, longitude);
CREATE INDEX service_point_by_party ON service_point (party_id);
COMMENT ON COLUMN service_point.code IS 'By which whoever keeps the list knows the place.';
COMMENT ON COLUMN service_point.services IS 'What is done there, in words of the list''s own.';

-- Those within a distance of a point [m], each with it. The box of latitudes is what the index takes;
-- 111 km a degree is a little less than there is on the sphere of distance_m, so that none is missed.
CREATE FUNCTION service_points_within(
    near_latitude double precision, near_longitude double precision, radius_m double precision,
    wanted_services text[], wanted_kind text
)
RETURNS TABLE (service_point_id bigint, distance_m double precision)
LANGUAGE sql STABLE AS $$
    SELECT place.service_point_id, found.distance_m
    FROM service_point AS place
    CROSS JOIN LATERAL (
        SELECT distance_m(place.latitude, place.longitude, near_latitude, near_longitude)
    ) AS found (distance_m)
    WHERE place.latitude BETWEEN near_latitude - radius_m / 111000
                             AND near_latitude + radius_m / 111000
      AND found.distance_m <= radius_m
      AND (wanted_services IS NULL OR place.services @> wanted_services)
      AND (wanted_kind IS NULL OR (SELECT kind FROM party WHERE party_id = place.party_id)
                                  = wanted_kind)
$$;

-- Places by their distance to a point, or all of them by number. They are no secret to those who work
-- with vehicles. The circle grows until it holds enough: what is outside of it is further away.
CREATE FUNCTION served.service_points(
    principal bigint, near_latitude double precision, near_longitude double precision,
    radius_m double precision, wanted_services text[], wanted_kind text,
    after_m double precision, after_id bigint, max_rows integer
)
RETURNS TABLE (
    service_point_id bigint, code text, kind text, party text, name text,
    latitude double precision, longitude double precision, address text, phone text,
    opening_hours text, services text[], distance_m double precision
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    furthest double precision := coalesce(radius_m, 20100000);
    circle double precision := 25000;
    found bigint;
BEGIN
    IF (SELECT kind FROM party WHERE party_id = principal)
       NOT IN ('maker', 'dealer', 'service_provider', 'owner') THEN
        RETURN;
    END IF;
    IF near_latitude IS NULL THEN
        RETURN QUERY
        SELECT place.service_point_id, place.code, party.kind, party.name, place.name,
               place.latitude, place.longitude, place.address, place.phone, place.opening_hours,
               place.services, NULL::double precision
        FROM service_point AS place JOIN party USING (party_id)
        WHERE place.service_point_id > after_id
          AND (wanted_services IS NULL OR place.services @> wanted_services)
          AND (wanted_kind IS NULL OR party.kind = wanted_kind)
        ORDER BY place.service_point_id LIMIT max_rows;
        RETURN;
    END IF;
    LOOP
        circle := least(circle, furthest);
        EXIT WHEN circle >= furthest;
        SELECT count(*) INTO found
        FROM service_points_within(
            near_latitude, near_longitude, circle, wanted_services, wanted_kind) AS within
        WHERE (within.distance_m, within.service_point_id) > (coalesce(after_m, -1), after_id);
        EXIT WHEN found >= max_rows;
        circle := circle * 3;
    END LOOP;
    RETURN QUERY
    SELECT place.service_point_id, place.code, party.kind, party.name, place.name, place.latitude,
           place.longitude, place.address, place.phone, place.opening_hours, place.services,
           within.distance_m
    FROM service_points_within(
        near_latitude, near_longitude, circle, wanted_services, wanted_kind) AS within
    JOIN service_point AS place USING (service_point_id)
    JOIN party USING (party_id)
    WHERE (within.distance_m, within.service_point_id) > (coalesce(after_m, -1), after_id)
    ORDER BY within.distance_m, within.service_point_id
    LIMIT max_rows;
END $$;

-- Where a vehicle was last, as far as the principal may see it; NULL where it is not known.
CREATE FUNCTION served.vehicle_place(principal bigint, wanted_vin text)
RETURNS TABLE (latitude double precision, longitude double precision, "time" timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT latest.values[1], latest.values[2], least(latest.times[1], latest.times[2])
    FROM visible_vehicle(principal, wanted_vin) AS visible
    CROSS JOIN LATERAL latest_named(
        visible.vehicle_id, visible.data, ARRAY['latitude', 'longitude']) AS latest
$$;

-- 2. Plans: after how much of what a vehicle of a class, or of one of its models, is to be serviced.
CREATE TABLE service_plan (
    service_plan_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_class    text NOT NULL
        CHECK (vehicle_class IN ('heavy_truck', 'medium_truck', 'light_truck', 'bus', 'car')),
    model            text CHECK (model <> ''),
    every_km         double precision CHECK (every_km > 0),
    every_h          double precision CHECK (every_h > 0),
    every_days       integer CHECK (every_days > 0),
    UNIQUE NULLS NOT DISTINCT (vehicle_class, model),
    CHECK (num_nonnulls(every_km, every_h, every_days) > 0)
);
COMMENT ON COLUMN service_plan.model IS 'NULL: every model of the class that has no plan of its own.';

CREATE TABLE service_done (
    vehicle_id    bigint NOT NULL REFERENCES vehicle,
    done_at       timestamptz NOT NULL,
    odometer_km   double precision CHECK (odometer_km >= 0),
    engine_h      double precision CHECK (engine_h >= 0),
    noted_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vehicle_id, done_at)
);
COMMENT ON TABLE service_done IS 'Services of a vehicle, with the counters'' readings at the time.';

-- A vehicle's plan and its last service, as far as the principal may see it; always one row.
CREATE FUNCTION served.service_plan(principal bigint, wanted_vin text)
RETURNS TABLE (
    every_km double precision, every_h double precision, every_days integer, of_model boolean,
    done_at timestamptz, odometer_km double precision, engine_h double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT plan.every_km, plan.every_h, plan.every_days, plan.model IS NOT NULL, last.done_at,
           last.odometer_km, last.engine_h
    FROM visible_vehicle(principal, wanted_vin) AS visible
    JOIN vehicle AS v USING (vehicle_id)
    LEFT JOIN LATERAL (
        SELECT * FROM service_plan AS plan
        WHERE plan.vehicle_class = v.vehicle_class AND (plan.model = v.model OR plan.model IS NULL)
        ORDER BY plan.model NULLS LAST LIMIT 1
    ) AS plan ON true
    LEFT JOIN LATERAL (
        SELECT * FROM service_done AS done
        WHERE done.vehicle_id = v.vehicle_id AND visible.data @> done.done_at
        ORDER BY done.done_at DESC LIMIT 1
    ) AS last ON true
$$;

-- 3. All that is known of a vehicle now, in one row: the arrays of its signal groups one after the
-- other, with the groups' names and lengths; values in the order of the catalogue's positions. What is
-- not opened is NaN, and its time -infinity, as if it had never been there. An answer is made of it
-- without a row a signal, nor a row a group.
CREATE FUNCTION served.vehicle_now(principal bigint, wanted_vin text, max_codes integer)
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
BEGIN
    SELECT * INTO visible FROM visible_vehicle(principal, wanted_vin);
    whole := visible.data @> tstzrange(NULL, NULL);
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
            SELECT array_agg(CASE WHEN is_opened THEN cell.value ELSE 'NaN' END ORDER BY cell.place),
                   array_agg(CASE WHEN is_opened THEN cell.time ELSE '-infinity' END
                             ORDER BY cell.place)
            INTO part."values", part.times
            FROM unnest(part."values", part.times) WITH ORDINALITY AS cell (value, time, place)
            CROSS JOIN LATERAL (SELECT visible.data @> cell.time) AS rule (is_opened);
        END IF;
        groups := groups || part.signal_group;
        sizes := sizes || cardinality(part."values");
        "values" := "values" || part."values";
        times := times || part.times;
    END LOOP;
    RETURN NEXT;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
