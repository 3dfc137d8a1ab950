-- :name create_account
-- A person of a party, in a role.
INSERT INTO account (party_id, role, name, password_hash, driver_id)
VALUES (%(party_id)s, %(role)s, %(name)s, %(password_hash)s, %(driver_id)s)
ON CONFLICT (name) DO NOTHING
RETURNING account_id

-- :name count_administrators
-- How many administrators may sign in.
SELECT count(*) FROM account WHERE role = 'administrator' AND disabled_at IS NULL

-- :name set_password
-- Another password for an account; whoever is signed in by the old one is no longer.
WITH changed AS (
    UPDATE account SET password_hash = %(password_hash)s WHERE name = %(name)s
    RETURNING account_id
), ended AS (
    UPDATE sign_in SET ended_at = now(), ended_by = 'administrator'
    FROM changed WHERE sign_in.account_id = changed.account_id AND sign_in.ended_at IS NULL
)
SELECT account_id FROM changed

-- :name disable_account
-- Let an account sign in no more; whoever is signed in by it is no longer.
WITH changed AS (
    UPDATE account SET disabled_at = coalesce(disabled_at, now()) WHERE name = %(name)s
    RETURNING account_id
), ended AS (
    UPDATE sign_in SET ended_at = now(), ended_by = 'administrator'
    FROM changed WHERE sign_in.account_id = changed.account_id AND sign_in.ended_at IS NULL
)
SELECT account_id FROM changed

-- :name list_accounts
-- Every account by party and name.
SELECT account.name, party.name AS party, account.role, account.driver_id, account.created_at,
       account.disabled_at
FROM account JOIN party USING (party_id)
ORDER BY party.name, account.name

-- :name create_client
-- A machine of a party that gets tokens by client credentials.
INSERT INTO client (client_id, party_id, role, name, scopes)
VALUES (%(client_id)s, %(party_id)s, %(role)s, %(name)s, %(scopes)s)

-- :name add_client_secret
-- One more secret of a client.
INSERT INTO client_secret (secret_hash, client_id) VALUES (%(secret_hash)s, %(client_id)s)

-- :name retire_client_secrets
-- Let the secrets that a client has end soon.
UPDATE client_secret SET expires_at = least(expires_at, now() + %(overlap)s)
FROM client
WHERE client_secret.client_id = client.client_id AND client.client_id = %(client_id)s
  AND client.disabled_at IS NULL
RETURNING client_secret.client_id

-- :name disable_client
-- Let a client get no tokens any more; those it has are worth nothing.
UPDATE client SET disabled_at = coalesce(disabled_at, now()) WHERE client_id = %(client_id)s
RETURNING client_id

-- :name list_clients
-- Every client by party and name.
SELECT client.client_id, party.name AS party, client.role, client.name, client.scopes,
       client.created_at, client.disabled_at,
       (SELECT count(*) FROM client_secret AS secret
        WHERE secret.client_id = client.client_id
          AND (secret.expires_at IS NULL OR secret.expires_at > now())) AS secrets
FROM client JOIN party USING (party_id)
ORDER BY party.name, client.name, client.created_at

-- :name create_api_key
-- A key of a party.
INSERT INTO api_key (key_hash, prefix, party_id, role, name, scopes, expires_at)
VALUES (%(key_hash)s, %(prefix)s, %(party_id)s, %(role)s, %(name)s, %(scopes)s,
        now() + %(lifetime)s)
RETURNING expires_at

-- :name rotate_api_key
-- A new key that opens what an old one does, which goes on for a while.
WITH old AS (
    UPDATE api_key SET expires_at = least(expires_at, now() + %(overlap)s)
    WHERE prefix = %(old_prefix)s AND revoked_at IS NULL AND expires_at > now()
    RETURNING party_id, role, name, scopes
)
INSERT INTO api_key (key_hash, prefix, party_id, role, name, scopes, expires_at)
SELECT %(key_hash)s, %(prefix)s, party_id, role, name, scopes, now() + %(lifetime)s FROM old
RETURNING expires_at

-- :name revoke_api_key
-- Let a key open nothing any more.
UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE prefix = %(prefix)s
RETURNING prefix

-- :name list_api_keys
-- Every key by party and name.
SELECT key.prefix, party.name AS party, key.role, key.name, key.scopes, key.created_at,
       key.expires_at, key.revoked_at
FROM api_key AS key JOIN party USING (party_id)
ORDER BY party.name, key.name, key.created_at

-- :name forget_accesses
-- Take reads before a time out of the log.
WITH gone AS (DELETE FROM access_log WHERE at < %(before)s RETURNING 1),
     lost AS (DELETE FROM access_log_loss WHERE until < %(before)s)
SELECT count(*) FROM gone

-- :name forget_sign_ins
-- Take out sign-ins, secrets and revocations that ended before a time.
WITH families AS (
    DELETE FROM sign_in WHERE least(ended_at, expires_at) < %(before)s RETURNING 1
), secrets AS (
    DELETE FROM client_secret WHERE expires_at < %(before)s
), tokens AS (
    DELETE FROM revoked_token WHERE expires_at < %(before)s
), sessions AS (
    DELETE FROM provider_session WHERE least(expires_at, used_at + idle) < %(before)s
)
SELECT count(*) FROM families
