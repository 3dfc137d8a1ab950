-- A driver sees what is his own, and the rule is kept here, not only by who asks: whoever signs in as
-- a driver is told to the API by a principal that is no party's number but his own with a minus, and
-- what it opens is what his employer may know of him. As no party has such a number, every function
-- that is not named here answers it as a stranger, those that come later included.
-- works with: 6

ALTER TABLE party ADD CHECK (party_id > 0);
ALTER TABLE driver ADD CHECK (driver_id > 0);

-- As whom somebody reads.
CREATE FUNCTION principal_of(role text, party_id bigint, driver_id bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN role = 'driver' THEN -driver_id ELSE party_id END
$$;

-- The party whose knowledge of a driver a principal is told: its own or, for that driver himself, his
-- employer's. For a driver who asks about another one, there is no other one (P0002).
CREATE FUNCTION reading_as(principal bigint, wanted_driver bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    employer bigint;
BEGIN
    IF principal >= 0 THEN
        RETURN principal;
    END IF;
    SELECT party_id INTO employer FROM driver
    WHERE driver_id = wanted_driver AND driver_id = -principal;
    IF employer IS NULL THEN
        RAISE EXCEPTION 'no driver % that driver % may know', wanted_driver, -principal
            USING ERRCODE = 'no_data_found', TABLE = 'driver';
    END IF;
    RETURN employer;
END $$;

-- 1. Who signs in as a driver is one of the party's own people, or it would be a way to look at others'.

CREATE FUNCTION is_employee(of_party bigint, wanted_driver bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM driver WHERE driver_id = wanted_driver AND party_id = of_party)
$$;

CREATE FUNCTION refuse_foreign_driver() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT is_employee(NEW.party_id, NEW.driver_id) THEN
        RAISE EXCEPTION 'driver % is not employed by party %: employ the driver first',
            NEW.driver_id, NEW.party_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'driver_is_employee';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_foreign_driver BEFORE INSERT OR UPDATE OF driver_id, party_id ON account
    FOR EACH ROW WHEN (NEW.driver_id IS NOT NULL) EXECUTE FUNCTION refuse_foreign_driver();

CREATE OR REPLACE FUNCTION served.caller_of_sign_in(wanted_family uuid, wanted_token uuid)
RETURNS SETOF served.caller
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT principal_of(account.role, account.party_id, account.driver_id), account.role,
           'account:' || account.name, sign_in.scopes, account.driver_id, sign_in.expires_at
    FROM sign_in JOIN account USING (account_id)
    WHERE family_id = wanted_family AND ended_at IS NULL AND expires_at > now()
      AND account.disabled_at IS NULL
      AND (account.driver_id IS NULL OR is_employee(account.party_id, account.driver_id))
      AND NOT EXISTS (SELECT FROM revoked_token WHERE token_id = wanted_token)
$$;

CREATE OR REPLACE FUNCTION served.caller_of_party(
    party_name text, wanted_role text, wanted_driver bigint
)
RETURNS SETOF served.caller
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT principal_of(wanted_role, party_id, wanted_driver), wanted_role, '', '{}'::text[],
           wanted_driver, NULL::timestamptz
    FROM party
    WHERE name = party_name AND role_fits(wanted_role, kind)
      AND (wanted_role = 'driver') = (wanted_driver IS NOT NULL)
      AND (wanted_driver IS NULL OR is_employee(party_id, wanted_driver))
$$;

-- The log of reads names parties.
CREATE FUNCTION name_party_of_driver() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.party_id := coalesce(
        (SELECT party_id FROM driver WHERE driver_id = -NEW.party_id), NEW.party_id);
    RETURN NEW;
END $$;
CREATE TRIGGER name_party_of_driver BEFORE INSERT ON access_log
    FOR EACH ROW WHEN (NEW.party_id < 0) EXECUTE FUNCTION name_party_of_driver();

-- 2. What a driver may ask. What tells it is as it was, and serves nobody directly any more.

ALTER FUNCTION served.driver_events(
    bigint, bigint, text[], integer, timestamptz, timestamptz, boolean, integer, integer
) SET SCHEMA telemetry;
ALTER FUNCTION served.driver_trips(
    bigint, bigint, timestamptz, timestamptz, boolean, integer, integer
) SET SCHEMA telemetry;
ALTER FUNCTION served.driver_scores(
    bigint, bigint, timestamptz, timestamptz, boolean, integer, integer
) SET SCHEMA telemetry;
ALTER FUNCTION served.fuel(
    bigint, text, bigint, text, timestamptz, timestamptz, boolean, integer, integer
) SET SCHEMA telemetry;
ALTER FUNCTION served.advice_of(
    bigint, text, bigint, text[], timestamptz, timestamptz, boolean, integer, integer
) SET SCHEMA telemetry;
REVOKE ALL ON FUNCTION driver_events, driver_trips, driver_scores, fuel, advice_of
    FROM telemetry_api;

CREATE FUNCTION served.driver_events(
    principal bigint, wanted_driver bigint, kinds text[], least_severity integer,
    start timestamptz, stop timestamptz, newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    vin text, kind text, start_time timestamptz, end_time timestamptz, driver_id bigint,
    trip_start timestamptz, peak double precision, peak_time timestamptz,
    limit_value double precision, severity smallint, speed_km_h double precision,
    distance_km double precision, fuel_l double precision, latitude double precision,
    longitude double precision, window_start timestamptz, window_end timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT * FROM driver_events(
        reading_as(principal, wanted_driver), wanted_driver, kinds, least_severity, start, stop,
        newest_first, skipped, max_rows)
$$;

CREATE FUNCTION served.driver_trips(
    principal bigint, wanted_driver bigint, start timestamptz, stop timestamptz,
    newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    vin text, trip_start timestamptz, start_time timestamptz, end_time timestamptz, kind text,
    distance_km double precision, driving_s double precision, idle_s double precision,
    fuel_l double precision, stops double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT * FROM driver_trips(
        reading_as(principal, wanted_driver), wanted_driver, start, stop, newest_first, skipped,
        max_rows)
$$;

CREATE FUNCTION served.driver_scores(
    principal bigint, wanted_driver bigint, start timestamptz, stop timestamptz,
    newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    start_time timestamptz, end_time timestamptz, week date, time_zone text, driver_id bigint,
    vehicle_class text, band text, score double precision, low double precision,
    high double precision, grade text, reason text, missing text, difficulty double precision,
    difficulty_missing text, reference text, distance_km double precision, n_trips integer,
    trend jsonb, parts jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT * FROM driver_scores(
        reading_as(principal, wanted_driver), wanted_driver, start, stop, newest_first, skipped,
        max_rows)
$$;

CREATE FUNCTION served.fuel(
    principal bigint, wanted_vin text, wanted_driver bigint, by_period text,
    start timestamptz, stop timestamptz, newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    start_time timestamptz, end_time timestamptz, time_zone text, vin text, driver_id bigint,
    trip_start timestamptz, corridor text, sums jsonb, causes jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT * FROM fuel(
        CASE WHEN wanted_vin IS NULL THEN reading_as(principal, wanted_driver) ELSE principal END,
        wanted_vin, wanted_driver, by_period, start, stop, newest_first, skipped, max_rows)
$$;

-- Advice is answered by the employer: a driver is told that he may not.
CREATE FUNCTION served.advice_of(
    principal bigint, wanted_vin text, wanted_driver bigint, statuses text[],
    start timestamptz, stop timestamptz, newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    advice_id bigint, vin text, driver_id bigint, week date, time_zone text,
    start_time timestamptz, end_time timestamptz, cause text, variant smallint,
    saving_l double precision, low_l double precision, high_l double precision,
    distance_km double precision, fuel_l double precision, confidence text, effort text,
    facts jsonb, evidence jsonb, status text, status_at timestamptz, given_at timestamptz,
    may_answer boolean, result jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT told.advice_id, told.vin, told.driver_id, told.week, told.time_zone, told.start_time,
           told.end_time, told.cause, told.variant, told.saving_l, told.low_l, told.high_l,
           told.distance_km, told.fuel_l, told.confidence, told.effort, told.facts, told.evidence,
           told.status, told.status_at, told.given_at, told.may_answer AND principal > 0,
           told.result
    FROM advice_of(
        CASE WHEN wanted_driver IS NULL THEN principal
             ELSE reading_as(principal, wanted_driver) END,
        wanted_vin, wanted_driver, statuses, start, stop, newest_first, skipped, max_rows) AS told
$$;

-- His own page begins with his name: the listing of drivers tells him himself, and nobody else.
CREATE OR REPLACE FUNCTION served.drivers(principal bigint, after_id bigint, max_rows integer)
RETURNS TABLE (driver_id bigint, card_id text, name text, is_employee boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT d.driver_id, d.card_id,
           CASE WHEN d.party_id = principal
                     OR (SELECT kind FROM party WHERE party_id = principal) = 'maker'
                THEN d.name END,
           coalesce(d.party_id = principal AND d.employed @> now(), false)
    FROM visible_drivers(principal, after_id, max_rows) AS visible (driver_id)
    JOIN driver AS d USING (driver_id)
    WHERE principal >= 0
    UNION ALL
    SELECT d.driver_id, d.card_id, d.name, d.employed @> now()
    FROM driver AS d
    WHERE principal < 0 AND d.driver_id = -principal AND d.driver_id > after_id
      AND d.party_id IS NOT NULL AND max_rows > 0
    ORDER BY driver_id
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
