-- :name served_begin_write
-- Begin a write under a key, or find what was answered to it.
SELECT is_first, is_same, begun_at, status, headers, body
FROM served.begin_write(%(key_hash)s, %(request_hash)s, %(kept_for)s, %(wait)s)

-- :name served_keep_answer
-- Put down what was answered to a write.
SELECT kept FROM served.keep_answer(
    %(key_hash)s, %(status)s::smallint, %(headers)s::jsonb, %(body)s::bytea)
