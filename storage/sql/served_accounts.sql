-- :name served_account_entries
-- A page of a party's accounts by their numbers.
SELECT account_id, name, role, driver_id, created_at, disabled_at
FROM served.account_entries(%(principal)s, %(after_id)s, %(max_rows)s)

-- :name served_create_account
-- A new account.
SELECT account_id, name, role, driver_id, created_at, disabled_at
FROM served.create_account(
    %(principal)s, %(account_name)s, %(role)s, %(password_hash)s, %(driver_id)s)

-- :name served_change_password
-- Another password for an account, which is signed out.
SELECT account_id, name, role, driver_id, created_at, disabled_at
FROM served.change_password(%(principal)s, %(account_name)s, %(password_hash)s)

-- :name served_disable_account
-- Let an account sign in no more.
SELECT account_id, name, role, driver_id, created_at, disabled_at
FROM served.disable_account(%(principal)s, %(account_name)s)

-- :name served_machine_role
-- The role that a machine of a party has.
SELECT role FROM served.machine_role(%(principal)s)

-- :name served_client_entries
-- A page of a party's clients by their ids.
SELECT client_id, name, role, scopes, created_at, disabled_at, secrets
FROM served.client_entries(%(principal)s, %(after)s, %(max_rows)s)

-- :name served_create_client
-- A new client with its first secret.
SELECT client_id, name, role, scopes, created_at, disabled_at, secrets
FROM served.create_client(
    %(principal)s, %(client_id)s, %(secret_hash)s, %(role)s, %(client_name)s, %(scopes)s)

-- :name served_rotate_client
-- Another secret for a client.
SELECT client_id, name, role, scopes, created_at, disabled_at, secrets
FROM served.rotate_client(
    %(principal)s, %(client_id)s, %(secret_hash)s, %(overlap)s)

-- :name served_disable_client
-- Let a client get no tokens any more.
SELECT client_id, name, role, scopes, created_at, disabled_at, secrets
FROM served.disable_client(%(principal)s, %(client_id)s)

-- :name served_key_entries
-- A page of a party's keys by how they begin.
SELECT prefix, name, role, scopes, created_at, expires_at, revoked_at
FROM served.key_entries(%(principal)s, %(after)s, %(max_rows)s)

-- :name served_create_key
-- A new key.
SELECT prefix, name, role, scopes, created_at, expires_at, revoked_at
FROM served.create_key(
    %(principal)s, %(key_hash)s, %(prefix)s, %(role)s, %(key_name)s, %(scopes)s, %(lifetime)s)

-- :name served_rotate_key
-- A new key in the place of one.
SELECT prefix, name, role, scopes, created_at, expires_at, revoked_at
FROM served.rotate_key(
    %(principal)s, %(old_prefix)s, %(key_hash)s, %(prefix)s, %(lifetime)s, %(overlap)s)

-- :name served_revoke_key
-- Let a key open nothing any more.
SELECT prefix, name, role, scopes, created_at, expires_at, revoked_at
FROM served.revoke_key(%(principal)s, %(prefix)s)
