-- What is foreign and what does not exist are refused alike, and after the same work. To look into
-- whether a party may know a driver or a piece of advice takes longer the more there is of them;
-- where there is nothing, another one is looked into in its place: for the same number always the
-- same one, so that to ask again tells nothing either.
-- works with: 6

-- The number itself where there is such a driver, and the number of the one who stands in for it.
CREATE FUNCTION driver_or_other(wanted_driver bigint, OUT is_there boolean, OUT looked_into bigint)
LANGUAGE sql STABLE AS $$
    SELECT found.is_there, CASE WHEN found.is_there THEN wanted_driver ELSE found.other END
    FROM (
        -- Both are looked up, whether needed or not.
        SELECT EXISTS (SELECT FROM driver WHERE driver_id = wanted_driver) AS is_there,
               (SELECT driver_id FROM driver
                WHERE driver_id >= wanted_driver % (SELECT max(driver_id) + 1 FROM driver)
                ORDER BY driver_id LIMIT 1) AS other
        OFFSET 0
    ) AS found
$$;

CREATE FUNCTION advice_or_other(wanted_advice bigint, OUT is_there boolean, OUT looked_into bigint)
LANGUAGE sql STABLE AS $$
    SELECT found.is_there, CASE WHEN found.is_there THEN wanted_advice ELSE found.other END
    FROM (
        SELECT EXISTS (SELECT FROM advice WHERE advice_id = wanted_advice) AS is_there,
               (SELECT advice_id FROM advice
                WHERE advice_id >= wanted_advice % (SELECT max(advice_id) + 1 FROM advice)
                ORDER BY advice_id LIMIT 1) AS other
        OFFSET 0
    ) AS found
$$;

CREATE OR REPLACE FUNCTION visible_driver(
    principal bigint, wanted_driver bigint, OUT driver_id bigint, OUT everything tstzrange
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    which record;
BEGIN
    SELECT * INTO which FROM driver_or_other(wanted_driver);
    SELECT CASE WHEN p.kind = 'maker' THEN tstzrange(NULL, NULL)
                WHEN d.party_id = principal AND which.is_there THEN d.employed
                -- Every vehicle is looked at, even where the first would say it; its trips, where
                -- any of its time is open.
                WHEN (SELECT bool_or(opened.drivers <> '{}' AND drove(
                          which.looked_into, driven.vehicle_id, opened.drivers))
                      FROM (SELECT DISTINCT part.vehicle_id FROM trip_part AS part
                            WHERE part.driver_id = which.looked_into) AS driven
                      CROSS JOIN LATERAL opened(principal, driven.vehicle_id))
                THEN 'empty'
           END
    INTO everything
    FROM driver AS d, party AS p
    WHERE d.driver_id = which.looked_into AND p.party_id = principal;
    IF everything IS NULL OR NOT which.is_there THEN
        RAISE EXCEPTION 'no driver % that party % may know', wanted_driver, principal
            USING ERRCODE = 'no_data_found', TABLE = 'driver';
    END IF;
    driver_id := wanted_driver;
END $$;

CREATE OR REPLACE FUNCTION served.advice(principal bigint, wanted_advice bigint)
RETURNS TABLE (
    advice_id bigint, vin text, driver_id bigint, week date, time_zone text,
    start_time timestamptz, end_time timestamptz, cause text, variant smallint,
    saving_l double precision, low_l double precision, high_l double precision,
    distance_km double precision, fuel_l double precision, confidence text, effort text,
    facts jsonb, evidence jsonb, status text, status_at timestamptz, given_at timestamptz,
    may_answer boolean, result jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    which record;
    is_visible boolean;
BEGIN
    SELECT * INTO which FROM advice_or_other(wanted_advice);
    SELECT access.is_visible INTO is_visible
    FROM advice AS piece
    CROSS JOIN LATERAL advice_access(
        principal, piece.vehicle_id, piece.driver_id, advice_span(piece)) AS access
    WHERE piece.advice_id = which.looked_into;
    IF which.is_there AND is_visible THEN
        RETURN QUERY
        SELECT told.*
        FROM advice AS piece CROSS JOIN LATERAL told_advice(principal, piece) AS told
        WHERE piece.advice_id = wanted_advice;
    ELSE
        RAISE EXCEPTION 'no advice % that party % may see', wanted_advice, principal
            USING ERRCODE = 'no_data_found', TABLE = 'advice';
    END IF;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
