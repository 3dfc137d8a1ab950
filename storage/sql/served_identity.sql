-- :name served_caller_of_key
-- Who asks with an API key of this hash.
SELECT party_id, role, subject, scopes, driver_id, expires_at
FROM served.caller_of_key(%(key_hash)s)

-- :name served_caller_of_client
-- The client that asks with an access token, while it may.
SELECT party_id, role, subject, scopes, driver_id, expires_at
FROM served.caller_of_client(%(client_id)s, %(token_id)s)

-- :name served_caller_of_sign_in
-- The person who asks with an access token, while signed in.
SELECT party_id, role, subject, scopes, driver_id, expires_at
FROM served.caller_of_sign_in(%(family_id)s, %(token_id)s)

-- :name served_caller_of_party
-- Somebody in that role of the party of that name.
SELECT party_id, role, subject, scopes, driver_id, expires_at
FROM served.caller_of_party(%(party)s, %(role)s, %(driver_id)s)

-- :name served_client_of_secret
-- The client that has this secret.
SELECT client_id, role, scopes FROM served.client_of_secret(%(client_id)s, %(secret_hash)s)

-- :name served_account_to_sign_in
-- What the password of an account is checked against.
SELECT account_id, role, password_hash FROM served.account_to_sign_in(%(account_name)s)

-- :name served_begin_sign_in
-- Sign a person in: a family with its first refresh token.
SELECT family_id FROM served.begin_sign_in(
    %(account_id)s, %(client_id)s, %(scopes)s, %(family_id)s, %(token_hash)s, %(lifetime)s,
    %(token_lifetime)s)

-- :name served_sign_in_of_token
-- The sign-in of a refresh token; one that was used ends it.
SELECT family_id, account_id, role, client_id, scopes
FROM served.sign_in_of_token(%(token_hash)s)

-- :name served_rotate_refresh_token
-- Put the next refresh token in the place of one.
SELECT family_id FROM served.rotate_refresh_token(
    %(token_hash)s, %(new_hash)s, %(token_lifetime)s)

-- :name served_end_sign_in
-- Sign a person out.
SELECT family_id FROM served.end_sign_in(%(family_id)s)

-- :name served_revoke_token
-- Let an access token be worth nothing before it expires.
SELECT token_id FROM served.revoke_token(%(token_id)s, %(expires_at)s)

-- :name served_log_accesses
-- Write down reads of personal data, and how many could not be.
SELECT written FROM served.log_accesses(%(entries)s, %(lost)s, %(lost_since)s)

-- :name served_accesses
-- A page of the log of reads, the newest first.
SELECT entry_id, at, party, subject, role, method, route, vins, driver_ids, fleet_id, dataset_id,
       purpose, address, status, reads
FROM served.accesses(
    %(principal)s, %(vin)s, %(driver_id)s, %(dataset_id)s, %(start)s, %(stop)s, %(before_id)s,
    %(max_rows)s)

-- :name served_access_losses
-- How many reads of a span could not be written down.
SELECT since, until, reads FROM served.access_losses(%(principal)s, %(start)s, %(stop)s)

-- :name served_erasures
-- A page of erasures of personal data, the newest first.
SELECT erasure_id, kind, asked_by, began_at, ended_at, counts
FROM served.erasures(%(principal)s, %(before_id)s, %(max_rows)s)

-- :name served_begin_session
-- Sign a person in, in a browser.
SELECT family_id FROM served.begin_session(
    %(account_id)s, %(client_id)s, %(scopes)s, %(family_id)s, %(session_hash)s, %(lifetime)s,
    %(idle)s)

-- :name served_caller_of_session
-- Who has the session of this hash, while it holds.
SELECT party_id, role, subject, scopes, driver_id, expires_at, is_due
FROM served.caller_of_session(%(session_hash)s)

-- :name served_use_session
-- Write down that a session is used.
SELECT family_id FROM served.use_session(%(session_hash)s)

-- :name served_end_session
-- Sign a person out: of this browser, or everywhere.
SELECT family_id FROM served.end_session(%(session_hash)s, %(everywhere)s)

-- :name served_begin_provider_session
-- Sign a person in, in a browser, whom the identity provider knows.
SELECT subject FROM served.begin_provider_session(
    %(subject)s, %(party)s, %(role)s, %(driver_id)s, %(scopes)s, %(session_hash)s, %(lifetime)s,
    %(idle)s)

-- :name served_use_provider_session
-- Write down that a session is used.
SELECT subject FROM served.use_provider_session(%(session_hash)s)

-- :name served_end_provider_session
-- Sign such a person out: of this browser, or everywhere.
SELECT subject FROM served.end_provider_session(%(session_hash)s, %(everywhere)s)
