-- :name served_webhooks
-- A party's webhooks by their numbers.
SELECT * FROM served.webhooks(%(principal)s, %(after_id)s, %(max_rows)s)

-- :name served_webhook
-- One of them.
SELECT * FROM served.webhook(%(principal)s, %(webhook_id)s)

-- :name served_create_webhook
-- Make a webhook; its number, or why not.
SELECT webhook_id, refusal FROM served.create_webhook(
    %(principal)s, %(webhook_name)s, %(url)s, %(kinds)s, %(least_severity)s, %(fleet_id)s,
    %(vins)s, %(language)s, %(secret)s, %(most)s)

-- :name served_change_webhook
-- Change what is not NULL, and the filters that are given; its number, or why not.
SELECT webhook_id, refusal FROM served.change_webhook(
    %(principal)s, %(webhook_id)s, %(webhook_name)s, %(url)s, %(kinds)s, %(least_severity)s,
    %(fleet_given)s, %(fleet_id)s, %(vins_given)s, %(vins)s, %(language)s, %(enabled)s)

-- :name served_delete_webhook
-- Delete a webhook and what waits for it.
SELECT webhook_id FROM served.delete_webhook(%(principal)s, %(webhook_id)s)

-- :name served_rotate_webhook_secret
-- Sign with a new secret, and for a while with the one before, too.
SELECT webhook_id, old_secret_until FROM served.rotate_webhook_secret(
    %(principal)s, %(webhook_id)s, %(secret)s, %(overlap)s)

-- :name served_test_webhook
-- Let a test be sent.
SELECT * FROM served.test_webhook(%(principal)s, %(webhook_id)s)

-- :name served_webhook_deliveries
-- Deliveries of a webhook, the newest first.
SELECT * FROM served.webhook_deliveries(
    %(principal)s, %(webhook_id)s, %(state)s, %(before_id)s, %(max_rows)s)

-- :name served_redeliver_webhook
-- Let a message be sent once more.
SELECT * FROM served.redeliver_webhook(%(principal)s, %(webhook_id)s, %(delivery_id)s)
