-- What an owner sets by himself, what a litre costs him; and sessions of people whom an identity
-- provider has signed in.
-- works with: 6

-- 1. Prices.

CREATE TABLE fuel_price (
    party_id  bigint PRIMARY KEY REFERENCES party,
    price     double precision NOT NULL CHECK (price >= 0 AND price <= 1000000),
    currency  text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    set_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE fuel_price IS 'What a litre costs a party that has said so; for all others there is a setting.';
COMMENT ON COLUMN fuel_price.currency IS 'ISO 4217.';

-- What the principal counts by; a driver by what his employer does.
CREATE FUNCTION served.fuel_price(principal bigint)
RETURNS TABLE (price double precision, currency text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT fuel_price.price, fuel_price.currency
    FROM fuel_price
    WHERE fuel_price.party_id = CASE
        WHEN principal >= 0 THEN principal
        ELSE (SELECT driver.party_id FROM driver WHERE driver_id = -principal)
    END
$$;

-- Count by another one from now on; new_price NULL: by the setting again.
CREATE FUNCTION served.set_fuel_price(
    principal bigint, new_price double precision, new_currency text
) RETURNS TABLE (price double precision, currency text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF new_price IS NULL THEN
        DELETE FROM fuel_price WHERE party_id = principal;
        RETURN;
    END IF;
    RETURN QUERY
    INSERT INTO fuel_price (party_id, price, currency)
    SELECT party.party_id, new_price, new_currency FROM party WHERE party.party_id = principal
    ON CONFLICT (party_id) DO UPDATE
    SET price = EXCLUDED.price, currency = EXCLUDED.currency, set_at = now()
    RETURNING fuel_price.price, fuel_price.currency;
END $$;

-- 2. Sessions of people whom an identity provider (OIDC) knows, and we do not: there is no account.

CREATE TABLE provider_session (
    session_hash  bytea PRIMARY KEY CHECK (octet_length(session_hash) = 32),
    subject       text NOT NULL CHECK (subject <> ''),
    party_id      bigint NOT NULL REFERENCES party,
    role          text NOT NULL,
    driver_id     bigint REFERENCES driver,
    scopes        text[] NOT NULL,
    began_at      timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz NOT NULL DEFAULT now(),
    idle          interval NOT NULL CHECK (idle > interval '0'),
    CHECK ((role = 'driver') = (driver_id IS NOT NULL))
);
CREATE INDEX provider_session_subject ON provider_session (subject);
CREATE INDEX provider_session_driver ON provider_session (driver_id) WHERE driver_id IS NOT NULL;
COMMENT ON TABLE provider_session IS 'Who signed in in a browser through the identity provider. Signing out deletes it.';
COMMENT ON COLUMN provider_session.subject IS 'Who it is to the provider.';
COMMENT ON COLUMN provider_session.used_at IS 'When it was last used, to the minute.';

-- Begin one; no row: there is no such party, or it has no such role.
CREATE FUNCTION served.begin_provider_session(
    of_subject text, party_name text, with_role text, with_driver bigint, with_scopes text[],
    new_hash bytea, lifetime interval, idle_for interval
) RETURNS TABLE (subject text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    INSERT INTO provider_session AS made
        (session_hash, subject, party_id, role, driver_id, scopes, expires_at, idle)
    SELECT new_hash, of_subject, party.party_id, with_role, with_driver, with_scopes,
           now() + lifetime, idle_for
    FROM party
    WHERE party.name = party_name
      AND EXISTS (SELECT FROM served.caller_of_party(party_name, with_role, with_driver))
    RETURNING made.subject
$$;

-- As before, and those of the provider; a session holds as long as its party has that role.
CREATE OR REPLACE FUNCTION served.caller_of_session(wanted_hash bytea)
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
    UNION ALL
    SELECT caller.party_id, session.role, 'oidc:' || session.subject, session.scopes,
           session.driver_id, least(session.expires_at, session.used_at + session.idle),
           session.used_at < now() - least(interval '1 minute', session.idle / 4)
    FROM provider_session AS session
    JOIN party ON party.party_id = session.party_id
    CROSS JOIN LATERAL
        served.caller_of_party(party.name, session.role, session.driver_id) AS caller
    WHERE session.session_hash = wanted_hash AND session.used_at + session.idle > now()
      AND session.expires_at > now()
$$;

CREATE FUNCTION served.use_provider_session(wanted_hash bytea) RETURNS TABLE (subject text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    UPDATE provider_session SET used_at = now()
    WHERE session_hash = wanted_hash AND used_at + idle > now()
    RETURNING subject
$$;

-- Sign out of one browser, or, everywhere, of every one.
CREATE FUNCTION served.end_provider_session(wanted_hash bytea, everywhere boolean)
RETURNS TABLE (subject text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    DELETE FROM provider_session USING provider_session AS own
    WHERE own.session_hash = wanted_hash
      AND (provider_session.session_hash = own.session_hash
           OR everywhere AND provider_session.subject = own.subject AND own.expires_at > now())
    RETURNING provider_session.subject
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
