-- What a party's administrator does over the API: accounts, clients and keys of that party alone. And
-- writes that are sent twice under one idempotency key: done once, answered twice.
-- works with: 6

-- People -------------------------------------------------------------------------------------------

CREATE TYPE served.account_entry AS (
    account_id bigint, name text, role text, driver_id bigint, created_at timestamptz, disabled_at timestamptz
);

CREATE FUNCTION account_entry(found account) RETURNS served.account_entry
LANGUAGE sql STABLE AS $$
    SELECT found.account_id, found.name, found.role, found.driver_id, found.created_at, found.disabled_at
$$;

CREATE FUNCTION served.account_entries(principal bigint, after_id bigint, max_rows integer)
RETURNS SETOF served.account_entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT (account_entry(account)).* FROM account
    WHERE party_id = principal AND account_id > after_id
    ORDER BY account_id LIMIT max_rows
$$;

CREATE FUNCTION require_role(principal bigint, wanted_role text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT role_fits(wanted_role, kind_of(principal)) THEN
        PERFORM refuse(422, 'invalid_parameter',
                       format('Your party has nobody in the role %s.', wanted_role),
                       'A role is what the party is, or driver or administrator.', 'role');
    END IF;
END $$;

CREATE FUNCTION served.create_account(
    principal bigint, new_name text, new_role text, new_hash text, of_driver bigint
) RETURNS SETOF served.account_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    made account;
BEGIN
    PERFORM require_role(principal, new_role);
    IF of_driver IS NOT NULL AND NOT EXISTS (
        SELECT FROM driver WHERE driver_id = of_driver AND party_id = principal) THEN
        PERFORM refuse(422, 'invalid_parameter', 'You employ no driver of this number.',
                       '/v1/registers/drivers lists those whom you employ.', 'driver_id');
    END IF;
    INSERT INTO account (party_id, role, name, password_hash, driver_id)
    VALUES (principal, new_role, new_name, new_hash, of_driver)
    ON CONFLICT (name) DO NOTHING RETURNING * INTO made;
    IF made.account_id IS NULL THEN
        PERFORM refuse(409, 'already_there', 'There is an account of this name already.',
                       'Choose another name.', 'name');
    END IF;
    RETURN QUERY SELECT * FROM account_entry(made);
END $$;

-- An account of the principal's, held until the end of the transaction.
CREATE FUNCTION own_account(principal bigint, wanted_name text) RETURNS account
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found account;
BEGIN
    SELECT * INTO found FROM account
    WHERE party_id = principal AND name = wanted_name FOR NO KEY UPDATE;
    IF found.account_id IS NULL THEN
        PERFORM not_there('account');
    END IF;
    RETURN found;
END $$;

CREATE FUNCTION end_sign_ins(of_account bigint) RETURNS void
LANGUAGE sql VOLATILE AS $$
    UPDATE sign_in SET ended_at = now(), ended_by = 'administrator'
    WHERE account_id = of_account AND ended_at IS NULL
$$;

CREATE FUNCTION served.change_password(principal bigint, wanted_name text, new_hash text)
RETURNS SETOF served.account_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    found account := own_account(principal, wanted_name);
BEGIN
    UPDATE account SET password_hash = new_hash WHERE account_id = found.account_id;
    PERFORM end_sign_ins(found.account_id);
    RETURN QUERY SELECT * FROM account_entry(found);
END $$;

-- Nobody locks his party out: its last administrator stays.
CREATE FUNCTION served.disable_account(principal bigint, wanted_name text)
RETURNS SETOF served.account_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    found account;
BEGIN
    PERFORM FROM account
    WHERE party_id = principal AND role = 'administrator' ORDER BY account_id FOR NO KEY UPDATE;
    found := own_account(principal, wanted_name);
    IF found.role = 'administrator' AND NOT EXISTS (
        SELECT FROM account
        WHERE party_id = principal AND role = 'administrator' AND disabled_at IS NULL
          AND account_id <> found.account_id) THEN
        PERFORM refuse(409, 'last_administrator', 'This is the last administrator of your party.',
                       'Make another one first.');
    END IF;
    UPDATE account SET disabled_at = coalesce(disabled_at, now())
    WHERE account_id = found.account_id RETURNING * INTO found;
    PERFORM end_sign_ins(found.account_id);
    RETURN QUERY SELECT * FROM account_entry(found);
END $$;

-- The role that a machine of a party has.
CREATE FUNCTION served.machine_role(principal bigint) RETURNS TABLE (role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT CASE kind WHEN 'data_science' THEN 'data_scientist' ELSE kind END
    FROM party WHERE party_id = principal
$$;

-- Clients ------------------------------------------------------------------------------------------

CREATE TYPE served.client_entry AS (
    client_id text, name text, role text, scopes text[], created_at timestamptz,
    disabled_at timestamptz, secrets bigint
);

CREATE FUNCTION served.client_entries(principal bigint, after_client text, max_rows integer)
RETURNS SETOF served.client_entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT client.client_id, client.name, client.role, client.scopes, client.created_at,
           client.disabled_at,
           (SELECT count(*) FROM client_secret AS secret
            WHERE secret.client_id = client.client_id
              AND (secret.expires_at IS NULL OR secret.expires_at > now()))
    FROM client
    WHERE client.party_id = principal AND client.client_id > after_client
    ORDER BY client.client_id LIMIT max_rows
$$;

CREATE FUNCTION client_entry(principal bigint, wanted_client text) RETURNS SETOF served.client_entry
LANGUAGE sql STABLE AS $$
    SELECT * FROM served.client_entries(principal, '', 2147483647) WHERE client_id = wanted_client
$$;

CREATE FUNCTION served.create_client(
    principal bigint, new_client text, new_hash bytea, new_role text, new_name text,
    new_scopes text[]
) RETURNS SETOF served.client_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    PERFORM require_role(principal, new_role);
    INSERT INTO client (client_id, party_id, role, name, scopes)
    VALUES (new_client, principal, new_role, new_name, new_scopes);
    INSERT INTO client_secret (secret_hash, client_id) VALUES (new_hash, new_client);
    RETURN QUERY SELECT * FROM client_entry(principal, new_client);
END $$;

CREATE FUNCTION served.rotate_client(
    principal bigint, wanted_client text, new_hash bytea, overlap interval
) RETURNS SETOF served.client_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    PERFORM FROM client
    WHERE client_id = wanted_client AND party_id = principal AND disabled_at IS NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM not_there('client');
    END IF;
    UPDATE client_secret SET expires_at = least(expires_at, now() + overlap)
    WHERE client_id = wanted_client;
    INSERT INTO client_secret (secret_hash, client_id) VALUES (new_hash, wanted_client);
    RETURN QUERY SELECT * FROM client_entry(principal, wanted_client);
END $$;

CREATE FUNCTION served.disable_client(principal bigint, wanted_client text)
RETURNS SETOF served.client_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    UPDATE client SET disabled_at = coalesce(disabled_at, now())
    WHERE client_id = wanted_client AND party_id = principal;
    IF NOT FOUND THEN
        PERFORM not_there('client');
    END IF;
    RETURN QUERY SELECT * FROM client_entry(principal, wanted_client);
END $$;

-- Keys ---------------------------------------------------------------------------------------------

CREATE TYPE served.key_entry AS (
    prefix text, name text, role text, scopes text[], created_at timestamptz,
    expires_at timestamptz, revoked_at timestamptz
);

CREATE FUNCTION key_entry(found api_key) RETURNS served.key_entry
LANGUAGE sql STABLE AS $$
    SELECT found.prefix, found.name, found.role, found.scopes, found.created_at, found.expires_at,
           found.revoked_at
$$;

CREATE FUNCTION served.key_entries(principal bigint, after_prefix text, max_rows integer)
RETURNS SETOF served.key_entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT (key_entry(api_key)).* FROM api_key
    WHERE party_id = principal AND prefix > after_prefix
    ORDER BY prefix LIMIT max_rows
$$;

CREATE FUNCTION served.create_key(
    principal bigint, new_hash bytea, new_prefix text, new_role text, new_name text,
    new_scopes text[], lifetime interval
) RETURNS SETOF served.key_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    made api_key;
BEGIN
    PERFORM require_role(principal, new_role);
    INSERT INTO api_key (key_hash, prefix, party_id, role, name, scopes, expires_at)
    VALUES (new_hash, new_prefix, principal, new_role, new_name, new_scopes, now() + lifetime)
    RETURNING * INTO made;
    RETURN QUERY SELECT * FROM key_entry(made);
END $$;

CREATE FUNCTION served.rotate_key(
    principal bigint, old_prefix text, new_hash bytea, new_prefix text, lifetime interval,
    overlap interval
) RETURNS SETOF served.key_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    found api_key;
BEGIN
    UPDATE api_key SET expires_at = least(expires_at, now() + overlap)
    WHERE prefix = old_prefix AND party_id = principal AND revoked_at IS NULL
      AND expires_at > now()
    RETURNING * INTO found;
    IF found.prefix IS NULL THEN
        PERFORM not_there('key');
    END IF;
    RETURN QUERY SELECT * FROM served.create_key(
        principal, new_hash, new_prefix, found.role, found.name, found.scopes, lifetime);
END $$;

CREATE FUNCTION served.revoke_key(principal bigint, wanted_prefix text)
RETURNS SETOF served.key_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    found api_key;
BEGIN
    UPDATE api_key SET revoked_at = coalesce(revoked_at, now())
    WHERE prefix = wanted_prefix AND party_id = principal RETURNING * INTO found;
    IF found.prefix IS NULL THEN
        PERFORM not_there('key');
    END IF;
    RETURN QUERY SELECT * FROM key_entry(found);
END $$;

-- Writes under a key -------------------------------------------------------------------------------

-- The row is made, the write done and its answer put down in one transaction: there is never a write
-- without its answer, and a twin waits at the row. Of the request and its key there are only hashes
-- (that of the request is made with the key), of an answer that holds a secret only that it was given.
CREATE TABLE kept_answer (
    key_hash     bytea PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    begun_at     timestamptz NOT NULL DEFAULT now(),
    status       smallint,
    headers      jsonb,
    body         bytea
);
COMMENT ON TABLE kept_answer IS 'Answers to writes by their idempotency key, for a day.';
COMMENT ON COLUMN kept_answer.body IS 'NULL: it is not kept, for it holds a secret or is long.';
CREATE INDEX kept_answer_by_time ON kept_answer (begun_at);

-- Begin a write under a key. `is_first`: it is to be done; else what was answered to it.
CREATE FUNCTION served.begin_write(of_key bytea, of_request bytea, kept_for interval, wait interval)
RETURNS TABLE (is_first boolean, is_same boolean, begun_at timestamptz, status smallint,
               headers jsonb, body bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    -- Old ones go a few at a time; those that somebody else is at are left to him.
    DELETE FROM kept_answer WHERE key_hash IN (
        SELECT key_hash FROM kept_answer
        WHERE begun_at < now() - kept_for AND key_hash <> of_key
        ORDER BY begun_at LIMIT 20 FOR UPDATE SKIP LOCKED);
    PERFORM set_config('lock_timeout', (extract(epoch FROM wait) * 1000)::integer::text, true);
    INSERT INTO kept_answer AS kept (key_hash, request_hash) VALUES (of_key, of_request)
    ON CONFLICT (key_hash) DO UPDATE
        SET request_hash = EXCLUDED.request_hash, begun_at = now(), status = NULL, headers = NULL,
            body = NULL
        WHERE kept.begun_at < now() - kept_for;
    is_first := FOUND;
    PERFORM set_config('lock_timeout', '0', true);
    RETURN QUERY
    SELECT is_first, kept.request_hash = of_request, kept.begun_at, kept.status, kept.headers,
           kept.body
    FROM kept_answer AS kept WHERE kept.key_hash = of_key;
END $$;

CREATE FUNCTION served.keep_answer(
    of_key bytea, with_status smallint, with_headers jsonb, with_body bytea
) RETURNS TABLE (kept boolean)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    UPDATE kept_answer SET status = with_status, headers = with_headers, body = with_body
    WHERE key_hash = of_key
    RETURNING true
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
