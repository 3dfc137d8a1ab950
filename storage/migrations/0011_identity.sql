-- Who asks, and who has read what: accounts of people, clients and keys of machines, what they are
-- signed in with, and the log of reads of personal data. Of every secret only a hash is stored.
-- works with: 6

-- Whether a party of that kind may have somebody in that role. Drivers and administrators are
-- anybody's; every other role is what its party is, so that nobody reads as more than his party.
CREATE FUNCTION role_fits(role text, kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT role IN ('driver', 'administrator') OR role = kind
        OR (role = 'data_scientist' AND kind = 'data_science')
$$;

CREATE FUNCTION refuse_unfit_role() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT role_fits(NEW.role, (SELECT kind FROM party WHERE party_id = NEW.party_id)) THEN
        RAISE EXCEPTION 'a party of kind % has nobody in the role %',
            (SELECT kind FROM party WHERE party_id = NEW.party_id), NEW.role
            USING ERRCODE = 'check_violation', CONSTRAINT = 'role_fits_party';
    END IF;
    RETURN NEW;
END $$;

CREATE TABLE account (
    account_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id      bigint NOT NULL REFERENCES party,
    role          text NOT NULL CHECK (role IN
                      ('maker', 'dealer', 'service_provider', 'owner', 'driver', 'data_scientist',
                       'auditor', 'administrator')),
    name          text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._@+-]{0,127}$'),
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    driver_id     bigint REFERENCES driver,
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz,
    CHECK ((role = 'driver') = (driver_id IS NOT NULL))
);
COMMENT ON TABLE account IS 'A person of a party; `name` is what they sign in by.';
CREATE INDEX account_by_party ON account (party_id);
CREATE TRIGGER refuse_unfit_role BEFORE INSERT OR UPDATE OF role, party_id ON account
    FOR EACH ROW EXECUTE FUNCTION refuse_unfit_role();

CREATE TABLE client (
    client_id   text PRIMARY KEY CHECK (client_id ~ '^vtc_[a-z0-9]{16}$'),
    party_id    bigint NOT NULL REFERENCES party,
    role        text NOT NULL CHECK (role IN
                    ('maker', 'dealer', 'service_provider', 'owner', 'data_scientist', 'auditor')),
    name        text NOT NULL CHECK (name <> ''),
    scopes      text[] NOT NULL CHECK (scopes <> '{}'),
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);
COMMENT ON TABLE client IS 'A machine of a party that gets access tokens by OAuth 2 client credentials.';
CREATE TRIGGER refuse_unfit_role BEFORE INSERT OR UPDATE OF role, party_id ON client
    FOR EACH ROW EXECUTE FUNCTION refuse_unfit_role();

-- A client has two secrets while it changes over from one to the next.
CREATE TABLE client_secret (
    secret_hash bytea PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
    client_id   text NOT NULL REFERENCES client,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz
);
CREATE INDEX client_secret_by_client ON client_secret (client_id);

CREATE TABLE api_key (
    key_hash    bytea PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    prefix      text NOT NULL UNIQUE CHECK (prefix ~ '^vtk_[a-z0-9]{8}$'),
    party_id    bigint NOT NULL REFERENCES party,
    role        text NOT NULL CHECK (role IN
                    ('maker', 'dealer', 'service_provider', 'owner', 'data_scientist', 'auditor')),
    name        text NOT NULL CHECK (name <> ''),
    scopes      text[] NOT NULL CHECK (scopes <> '{}'),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);
COMMENT ON COLUMN api_key.prefix IS 'How the key begins: what people tell it by. It opens nothing.';
CREATE TRIGGER refuse_unfit_role BEFORE INSERT OR UPDATE OF role, party_id ON api_key
    FOR EACH ROW EXECUTE FUNCTION refuse_unfit_role();

-- A person who is signed in: a family of refresh tokens, each used once for the next. One that comes
-- a second time was stolen, by the first who used it or by the second: the whole family ends.
CREATE TABLE sign_in (
    family_id  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id bigint NOT NULL REFERENCES account,
    client_id  text NOT NULL,
    scopes     text[] NOT NULL,
    began_at   timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    ended_by   text CHECK (ended_by IN ('signed_out', 'reuse', 'administrator'))
);
CREATE INDEX sign_in_by_account ON sign_in (account_id) WHERE ended_at IS NULL;

CREATE TABLE refresh_token (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    family_id  uuid NOT NULL REFERENCES sign_in ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX refresh_token_by_family ON refresh_token (family_id);

-- Access tokens that were revoked before they expire.
CREATE TABLE revoked_token (
    token_id   uuid PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- Reads of personal data. Equal reads within a second are one row with their number.
CREATE TABLE access_log (
    entry_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    party_id   bigint NOT NULL,
    subject    text NOT NULL,
    role       text NOT NULL,
    method     text NOT NULL,
    route      text NOT NULL,
    vins       text[] NOT NULL,
    driver_ids bigint[] NOT NULL,
    fleet_id   bigint,
    purpose    text,
    address    inet,
    status     smallint NOT NULL,
    reads      integer NOT NULL CHECK (reads > 0)
);
COMMENT ON TABLE access_log IS 'Who has read what of whom, when, from where and what for.';
CREATE INDEX access_log_by_time ON access_log (at);
CREATE INDEX access_log_by_vin ON access_log USING gin (vins);
CREATE INDEX access_log_by_driver ON access_log USING gin (driver_ids);

-- Reads that could not be written down, so that the log says itself where it is not whole.
CREATE TABLE access_log_loss (
    since  timestamptz NOT NULL,
    until  timestamptz NOT NULL DEFAULT now(),
    reads  bigint NOT NULL CHECK (reads > 0)
);
CREATE INDEX access_log_loss_by_time ON access_log_loss (until);

-- What the API may ask. Each of these takes a secret's hash, or a token's numbers after its signature
-- was verified, and answers with the one who asks, or with no row.

CREATE TYPE served.caller AS (
    party_id bigint, role text, subject text, scopes text[], driver_id bigint, expires_at timestamptz
);

CREATE FUNCTION served.caller_of_key(wanted_hash bytea) RETURNS SETOF served.caller
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT party_id, role, 'key:' || prefix, scopes, NULL::bigint, expires_at
    FROM api_key
    WHERE key_hash = wanted_hash AND revoked_at IS NULL AND expires_at > now()
$$;

CREATE FUNCTION served.caller_of_client(wanted_client text, wanted_token uuid)
RETURNS SETOF served.caller
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT party_id, role, 'client:' || client_id, scopes, NULL::bigint, NULL::timestamptz
    FROM client
    WHERE client_id = wanted_client AND disabled_at IS NULL
      AND NOT EXISTS (SELECT FROM revoked_token WHERE token_id = wanted_token)
$$;

CREATE FUNCTION served.caller_of_sign_in(wanted_family uuid, wanted_token uuid)
RETURNS SETOF served.caller
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT account.party_id, account.role, 'account:' || account.name, sign_in.scopes,
           account.driver_id, sign_in.expires_at
    FROM sign_in JOIN account USING (account_id)
    WHERE family_id = wanted_family AND ended_at IS NULL AND expires_at > now()
      AND account.disabled_at IS NULL
      AND NOT EXISTS (SELECT FROM revoked_token WHERE token_id = wanted_token)
$$;

-- Somebody whom an identity provider vouches for, by the names it gives.
CREATE FUNCTION served.caller_of_party(party_name text, wanted_role text, wanted_driver bigint)
RETURNS SETOF served.caller
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT party_id, wanted_role, '', '{}'::text[], wanted_driver, NULL::timestamptz
    FROM party
    WHERE name = party_name AND role_fits(wanted_role, kind)
      AND (wanted_role = 'driver') = (wanted_driver IS NOT NULL)
$$;

CREATE FUNCTION served.client_of_secret(wanted_client text, wanted_hash bytea)
RETURNS TABLE (client_id text, role text, scopes text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT client.client_id, client.role, client.scopes
    FROM client_secret AS secret JOIN client USING (client_id)
    WHERE secret.secret_hash = wanted_hash AND client.client_id = wanted_client
      AND client.disabled_at IS NULL
      AND (secret.expires_at IS NULL OR secret.expires_at > now())
$$;

CREATE FUNCTION served.account_to_sign_in(wanted_name text)
RETURNS TABLE (account_id bigint, role text, password_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT account_id, role, password_hash FROM account
    WHERE name = wanted_name AND disabled_at IS NULL
$$;

CREATE FUNCTION served.begin_sign_in(
    of_account bigint, by_client text, with_scopes text[], new_family uuid, first_token bytea,
    lifetime interval, token_lifetime interval
) RETURNS TABLE (family_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    INSERT INTO sign_in (family_id, account_id, client_id, scopes, expires_at)
    VALUES (new_family, of_account, by_client, with_scopes, now() + lifetime);
    INSERT INTO refresh_token (token_hash, family_id, expires_at)
    VALUES (first_token, new_family, now() + least(lifetime, token_lifetime))
    RETURNING family_id
$$;

-- The sign-in that a refresh token goes on with; one that was used ends it.
CREATE FUNCTION served.sign_in_of_token(wanted_hash bytea)
RETURNS TABLE (family_id uuid, account_id bigint, role text, client_id text, scopes text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    UPDATE sign_in SET ended_at = now(), ended_by = 'reuse'
    FROM refresh_token AS token
    WHERE token.token_hash = wanted_hash AND token.used_at IS NOT NULL
      AND sign_in.family_id = token.family_id AND sign_in.ended_at IS NULL;
    RETURN QUERY
    SELECT family_id, account_id, account.role, sign_in.client_id, sign_in.scopes
    FROM refresh_token AS token JOIN sign_in USING (family_id) JOIN account USING (account_id)
    WHERE token.token_hash = wanted_hash AND token.used_at IS NULL AND token.expires_at > now()
      AND sign_in.ended_at IS NULL AND sign_in.expires_at > now() AND account.disabled_at IS NULL;
END $$;

-- Put the next refresh token in the place of one. Two who do it at once: the second one loses, and the
-- family ends, for one of them is not who he says.
CREATE FUNCTION served.rotate_refresh_token(old_hash bytea, new_hash bytea, token_lifetime interval)
RETURNS TABLE (family_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    rotated uuid;
BEGIN
    UPDATE refresh_token SET used_at = now()
    WHERE token_hash = old_hash AND used_at IS NULL AND expires_at > now()
    RETURNING family_id INTO rotated;
    IF rotated IS NULL THEN
        UPDATE sign_in SET ended_at = now(), ended_by = 'reuse'
        FROM refresh_token AS token
        WHERE token.token_hash = old_hash AND sign_in.family_id = token.family_id
          AND sign_in.ended_at IS NULL;
        RETURN;
    END IF;
    RETURN QUERY
    INSERT INTO refresh_token (token_hash, family_id, expires_at)
    SELECT new_hash, family_id, least(expires_at, now() + token_lifetime)
    FROM sign_in WHERE family_id = rotated AND ended_at IS NULL
    RETURNING family_id;
END $$;

CREATE FUNCTION served.end_sign_in(wanted_family uuid) RETURNS TABLE (family_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    UPDATE sign_in SET ended_at = now(), ended_by = 'signed_out'
    WHERE family_id = wanted_family AND ended_at IS NULL
    RETURNING family_id
$$;

CREATE FUNCTION served.revoke_token(wanted_token uuid, expiry timestamptz)
RETURNS TABLE (token_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    DELETE FROM revoked_token WHERE expires_at < now() - interval '1 day';
    INSERT INTO revoked_token (token_id, expires_at) VALUES (wanted_token, expiry)
    ON CONFLICT DO NOTHING
    RETURNING token_id
$$;

CREATE FUNCTION served.log_accesses(entries jsonb, lost bigint, lost_since timestamptz)
RETURNS TABLE (written bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    INSERT INTO access_log_loss (since, reads) SELECT lost_since, lost WHERE lost > 0;
    WITH kept AS (
        INSERT INTO access_log (at, party_id, subject, role, method, route, vins, driver_ids,
                                fleet_id, purpose, address, status, reads)
        SELECT * FROM jsonb_to_recordset(entries) AS entry (
            at timestamptz, party_id bigint, subject text, role text, method text, route text,
            vins text[], driver_ids bigint[], fleet_id bigint, purpose text, address inet,
            status smallint, reads integer)
        RETURNING 1
    )
    SELECT count(*) FROM kept
$$;

-- The log, the newest first, for an auditor and the maker; to others it is empty.
CREATE FUNCTION served.accesses(
    principal bigint, of_vin text, of_driver bigint, start timestamptz, stop timestamptz,
    before_id bigint, max_rows integer
)
RETURNS TABLE (
    entry_id bigint, "at" timestamptz, party text, subject text, role text, method text, route text,
    vins text[], driver_ids bigint[], fleet_id bigint, purpose text, address text, status smallint,
    reads integer
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT entry.entry_id, entry.at, party.name, entry.subject, entry.role, entry.method, entry.route,
           entry.vins, entry.driver_ids, entry.fleet_id, entry.purpose, host(entry.address),
           entry.status, entry.reads
    FROM access_log AS entry LEFT JOIN party USING (party_id)
    WHERE (SELECT kind FROM party WHERE party_id = principal) IN ('auditor', 'maker')
      AND entry.entry_id < before_id AND entry.at >= start AND entry.at < stop
      AND (of_vin IS NULL OR entry.vins @> ARRAY[of_vin])
      AND (of_driver IS NULL OR entry.driver_ids @> ARRAY[of_driver])
    ORDER BY entry.entry_id DESC
    LIMIT max_rows
$$;

CREATE FUNCTION served.access_losses(principal bigint, start timestamptz, stop timestamptz)
RETURNS TABLE (since timestamptz, until timestamptz, reads bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT loss.since, loss.until, loss.reads
    FROM access_log_loss AS loss
    WHERE (SELECT kind FROM party WHERE party_id = principal) IN ('auditor', 'maker')
      AND loss.until >= start AND loss.since < stop
    ORDER BY loss.until DESC
    LIMIT 100
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
