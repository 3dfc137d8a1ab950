-- :name claim_webhooks
-- Be the one that sends for some webhooks which have something due and nobody sends for; the one that
-- was longest without comes first. Tests are sent to a disabled webhook too, and while it fails. What
-- analysis is writing again at this moment (its row is locked) is not due yet.
-- They are chosen in a query of its own: as a subquery it may be asked anew for every row, and finds
-- another one each time.
WITH due AS MATERIALIZED (
    SELECT hook.webhook_id
    FROM webhook AS hook
    WHERE coalesce(hook.leased_until < now(), true)
      AND (hook.answered_in_s > %(slow_s)s) = %(slow)s
      AND EXISTS (
          SELECT FROM webhook_delivery AS delivery
          WHERE delivery.webhook_id = hook.webhook_id
            AND delivery.state IN ('waiting', 'sending') AND delivery.due_at <= now()
            AND (delivery.source = 'test'
                 OR hook.disabled_at IS NULL AND hook.retry_at <= now())
          LIMIT 1
          FOR NO KEY UPDATE OF delivery SKIP LOCKED)
    ORDER BY hook.leased_until NULLS FIRST, hook.webhook_id
    LIMIT %(max_rows)s
    FOR NO KEY UPDATE OF hook SKIP LOCKED)
UPDATE webhook SET leased_by = %(sender)s, leased_until = now() + %(lease)s
FROM due
WHERE webhook.webhook_id = due.webhook_id
RETURNING webhook.webhook_id

-- :name next_webhook_delivery
-- The next message of a webhook one sends for, with what it takes to send it; renews the lease. The
-- webhook is locked first, as where it is deleted; a message that is being written again waits.
WITH held AS MATERIALIZED (
    SELECT webhook_id, disabled_at IS NULL AND retry_at <= now() AS may_send
    FROM webhook
    WHERE webhook_id = %(webhook_id)s AND leased_by = %(sender)s AND leased_until > now()
    FOR NO KEY UPDATE
), next AS (
    SELECT delivery.delivery_id
    FROM held JOIN webhook_delivery AS delivery USING (webhook_id)
    WHERE delivery.state IN ('waiting', 'sending') AND delivery.due_at <= now()
      AND (delivery.source = 'test' OR held.may_send)
    ORDER BY delivery.source = 'test' DESC, delivery.delivery_id
    LIMIT 1
    FOR NO KEY UPDATE OF delivery SKIP LOCKED
), hook AS (
    UPDATE webhook SET leased_until = now() + %(lease)s
    FROM next
    WHERE webhook.webhook_id = %(webhook_id)s
    RETURNING webhook.*
)
UPDATE webhook_delivery AS delivery
SET state = 'sending'
FROM next CROSS JOIN hook JOIN party USING (party_id)
WHERE delivery.delivery_id = next.delivery_id
RETURNING delivery.delivery_id, delivery.webhook_id, delivery.message_id, delivery.source,
          delivery.kind, delivery.at, delivery.number, delivery.tries,
          now() - delivery.queued_at AS age,
          (SELECT vin FROM vehicle WHERE vehicle.vehicle_id = delivery.vehicle_id) AS vin,
          hook.party_id, party.kind AS party_kind, hook.name, hook.url, hook.language, hook.secret,
          CASE WHEN hook.old_secret_until > now() THEN hook.old_secret END AS old_secret,
          hook.failures, now() - hook.failing_since AS failing_for

-- :name hold_webhook
-- Keep a webhook one sends for until the transaction ends; no row where somebody else does by now.
SELECT webhook_id FROM webhook
WHERE webhook_id = %(webhook_id)s AND leased_by = %(sender)s
FOR NO KEY UPDATE

-- :name webhook_attempted
-- Write down how an attempt ended.
UPDATE webhook_delivery
SET state = %(state)s, attempts = attempts + 1, tries = tries + 1,
    due_at = now() + %(delay)s, attempted_at = now(),
    delivered_at = CASE WHEN %(state)s = 'delivered' THEN now() ELSE delivered_at END,
    last_status = %(status)s, last_error = %(error)s
WHERE delivery_id = %(delivery_id)s AND state = 'sending'

-- :name webhook_succeeded
-- Of an attempt that succeeded, on the webhook's side.
UPDATE webhook
SET failures = 0, failing_since = NULL, last_error = NULL, last_success_at = now(),
    answered_in_s = %(took_s)s
WHERE webhook_id = %(webhook_id)s

-- :name webhook_failed
-- Of one that failed; the webhook rests, or is disabled.
UPDATE webhook
SET failures = failures + 1, failing_since = coalesce(failing_since, now()),
    last_error = %(error)s, answered_in_s = %(took_s)s, retry_at = now() + %(rest)s,
    disabled_at = CASE WHEN %(disabled_by)s::text IS NULL THEN disabled_at
                       ELSE coalesce(disabled_at, now()) END,
    disabled_by = coalesce(disabled_by, %(disabled_by)s)
WHERE webhook_id = %(webhook_id)s

-- :name webhook_withheld
-- A message that the party may not see now, or that is about what is no longer there.
UPDATE webhook_delivery SET state = 'withheld'
WHERE delivery_id = %(delivery_id)s AND state = 'sending'

-- :name postpone_webhook
-- Let a webhook rest, for a reason that is not its own: leased, and to nobody.
UPDATE webhook SET leased_by = NULL, leased_until = now() + %(rest)s
WHERE webhook_id = %(webhook_id)s AND leased_by = %(sender)s

-- :name release_webhook
-- Send for a webhook no longer.
UPDATE webhook SET leased_by = NULL, leased_until = now()
WHERE webhook_id = %(webhook_id)s AND leased_by = %(sender)s

-- :name log_webhook_read
-- What was sent is a read of personal data, as any other.
INSERT INTO access_log (at, party_id, subject, role, method, route, vins, driver_ids, purpose, status,
                        reads)
VALUES (now(), %(party_id)s, %(subject)s, %(role)s, 'POST', '/v1/webhooks/{webhook_id}', %(vins)s,
        %(driver_ids)s, %(purpose)s, %(status)s, 1)

-- :name forget_webhook_deliveries
-- Messages of long ago; what was sent is known for longer than anything is news.
WITH old AS MATERIALIZED (
    SELECT delivery_id FROM webhook_delivery
    WHERE queued_at < now() - webhook_news_age() - interval '5 days'
    ORDER BY queued_at LIMIT %(max_rows)s FOR UPDATE SKIP LOCKED)
DELETE FROM webhook_delivery USING old
WHERE webhook_delivery.delivery_id = old.delivery_id

-- :name webhooks_waiting
-- How many messages are due, and since when the first of them [s].
SELECT count(*), coalesce(extract(epoch FROM now() - min(delivery.due_at)), 0)::double precision
FROM webhook AS hook JOIN webhook_delivery AS delivery USING (webhook_id)
WHERE hook.disabled_at IS NULL AND delivery.state IN ('waiting', 'sending')
  AND delivery.due_at <= now()
