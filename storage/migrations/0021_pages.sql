-- What the pages for people need: sessions in a browser, and a fleet's fuel week by week.
-- works with: 6

-- 1. A session is a sign-in whose secret a cookie carries: of the secret there is only a hash. It ends
-- with its sign-in, and when it was not used for a while.

CREATE TABLE browser_session (
    session_hash bytea PRIMARY KEY CHECK (octet_length(session_hash) = 32),
    family_id    uuid NOT NULL UNIQUE REFERENCES sign_in ON DELETE CASCADE,
    used_at      timestamptz NOT NULL DEFAULT now(),
    idle         interval NOT NULL CHECK (idle > interval '0')
);
COMMENT ON COLUMN browser_session.used_at IS 'When it was last used, to the minute.';
COMMENT ON COLUMN browser_session.idle IS 'How long it may go unused.';

CREATE FUNCTION served.begin_session(
    of_account bigint, by_client text, with_scopes text[], new_family uuid, new_hash bytea,
    lifetime interval, idle interval
) RETURNS TABLE (family_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    INSERT INTO sign_in (family_id, account_id, client_id, scopes, expires_at)
    VALUES (new_family, of_account, by_client, with_scopes, now() + lifetime);
    INSERT INTO browser_session (session_hash, family_id, idle)
    VALUES (new_hash, new_family, idle)
    RETURNING family_id
$$;

-- Who has this session now; is_due: its use is to be written down.
CREATE FUNCTION served.caller_of_session(wanted_hash bytea)
RETURNS TABLE (
    party_id bigint, role text, subject text, scopes text[], driver_id bigint,
    expires_at timestamptz, is_due boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT principal_of(account.role, account.party_id, account.driver_id), account.role,
           'account:' || account.name, sign_in.scopes, account.driver_id,
           least(sign_in.expires_at, session.used_at + session.idle),
           session.used_at < now() - least(interval '1 minute', session.idle / 4)
    FROM browser_session AS session
    JOIN sign_in USING (family_id)
    JOIN account USING (account_id)
    WHERE session.session_hash = wanted_hash AND session.used_at + session.idle > now()
      AND sign_in.ended_at IS NULL AND sign_in.expires_at > now() AND account.disabled_at IS NULL
      AND (account.driver_id IS NULL OR is_employee(account.party_id, account.driver_id))
$$;

CREATE FUNCTION served.use_session(wanted_hash bytea) RETURNS TABLE (family_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    UPDATE browser_session SET used_at = now()
    WHERE session_hash = wanted_hash AND used_at + idle > now()
    RETURNING family_id
$$;

-- Sign out of one browser, or, everywhere, of every browser and program.
CREATE FUNCTION served.end_session(wanted_hash bytea, everywhere boolean)
RETURNS TABLE (family_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    UPDATE sign_in SET ended_at = now(), ended_by = 'signed_out'
    FROM browser_session AS session JOIN sign_in AS own USING (family_id)
    WHERE session.session_hash = wanted_hash AND sign_in.ended_at IS NULL
      AND (sign_in.family_id = own.family_id
           OR everywhere AND sign_in.account_id = own.account_id
              AND own.ended_at IS NULL AND own.expires_at > now())
    RETURNING sign_in.family_id
$$;

-- 2. Weeks of a fleet.

-- When the newest part of a trip began that a principal may see of a fleet; NULL: there is none.
CREATE FUNCTION served.fleet_newest(principal bigint, wanted_fleet bigint)
RETURNS TABLE (newest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT max(found.part_start)
    FROM visible_fleet(principal, wanted_fleet) AS visible
    JOIN fleet_vehicle AS belongs USING (fleet_id)
    CROSS JOIN LATERAL opened(principal, belongs.vehicle_id) AS opened
    CROSS JOIN LATERAL (
        SELECT part.part_start
        FROM fuel_part AS part
        WHERE part.vehicle_id = belongs.vehicle_id
          AND belongs.member @> part.part_start
          AND opened.data @> tstzrange(part.part_start, part.end_time, '[]')
        ORDER BY part.part_start DESC
        LIMIT 1
    ) AS found
$$;

-- Fuel of a fleet by week, of the fleet's clock, in which parts of trips began: each week is what
-- served.fleet_fuel has in total over the same span.
CREATE FUNCTION served.fleet_weeks(
    principal bigint, wanted_fleet bigint, start timestamptz, stop timestamptz
)
RETURNS TABLE (week date, sums jsonb, causes jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT found.week, fuel_sums(found.vehicles, found.starts),
           fuel_causes(found.vehicles, found.starts)
    FROM (
        SELECT date_trunc('week', (visible.part).part_start AT TIME ZONE fleet.time_zone)::date
                   AS week,
               array_agg(visible.vehicle_id) AS vehicles,
               array_agg((visible.part).part_start) AS starts
        FROM visible_fuel(principal, NULL, NULL, wanted_fleet, start, stop) AS visible
        CROSS JOIN (SELECT time_zone FROM fleet WHERE fleet_id = wanted_fleet) AS fleet
        GROUP BY 1
    ) AS found
    ORDER BY found.week
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
