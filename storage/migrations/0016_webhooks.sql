-- Webhooks: what a party wants to be told as it happens, and the outbox of what waits to be sent.
--
-- The outbox holds references and no data: what they say is read when it is sent, as the party may see
-- it then (storage.webhooks, api.webhooks). It is filled in the transaction that writes events, advice
-- and trouble codes, so that nothing is told that was rolled back and nothing is forgotten.
-- works with: 6

-- 1. Who wants to be told what, and where.

CREATE INDEX party_makers ON party (party_id) WHERE kind = 'maker';

CREATE TABLE webhook (
    webhook_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id          bigint NOT NULL REFERENCES party,
    name              text NOT NULL CHECK (name <> ''),
    url               text NOT NULL CHECK (url ~ '^https?://'),
    kinds             text[] NOT NULL CHECK (kinds <> '{}'),
    least_severity    smallint NOT NULL DEFAULT 1 CHECK (least_severity BETWEEN 1 AND 3),
    fleet_id          bigint REFERENCES fleet ON DELETE CASCADE,
    vehicle_ids       bigint[] CHECK (vehicle_ids <> '{}'),
    language          text NOT NULL DEFAULT 'en',
    secret            bytea NOT NULL,
    old_secret        bytea,
    old_secret_until  timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    disabled_at       timestamptz,
    disabled_by       text CHECK (disabled_by IN ('party', 'gone', 'failing')),
    failures          integer NOT NULL DEFAULT 0,
    failing_since     timestamptz,
    last_error        text,
    last_success_at   timestamptz,
    retry_at          timestamptz NOT NULL DEFAULT now(),
    answered_in_s     real NOT NULL DEFAULT 0,
    leased_by         uuid,
    leased_until      timestamptz,
    UNIQUE (party_id, name),
    CHECK ((disabled_at IS NULL) = (disabled_by IS NULL)),
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL))
) WITH (fillfactor = 50);
COMMENT ON COLUMN webhook.kinds IS 'source.kind, or source.* for all of a source: tank_event.theft.';
COMMENT ON COLUMN webhook.secret IS
    'What messages are signed with, sealed by a key that the database does not have.';
COMMENT ON COLUMN webhook.old_secret IS 'The one before, with which they are signed too for a while.';
COMMENT ON COLUMN webhook.failures IS 'Attempts that failed since the last that did not.';
COMMENT ON COLUMN webhook.retry_at IS 'Nothing but a test is sent before.';
COMMENT ON COLUMN webhook.leased_by IS
    'The sender that sends for it until leased_until: one at a time, one message after the other.';

CREATE TABLE webhook_delivery (
    delivery_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id    bigint NOT NULL REFERENCES webhook ON DELETE CASCADE,
    message_id    text NOT NULL,
    subject       text NOT NULL,
    source        text NOT NULL CHECK (source IN
                      ('driving_event', 'tank_event', 'trouble_code', 'advice', 'test')),
    kind          text NOT NULL,
    vehicle_id    bigint,
    at            timestamptz NOT NULL,
    number        bigint,
    state         text NOT NULL DEFAULT 'waiting' CHECK (state IN
                      ('waiting', 'sending', 'delivered', 'failed', 'withheld')),
    attempts      integer NOT NULL DEFAULT 0,
    tries         integer NOT NULL DEFAULT 0,
    queued_at     timestamptz NOT NULL DEFAULT now(),
    due_at        timestamptz NOT NULL DEFAULT now(),
    attempted_at  timestamptz,
    delivered_at  timestamptz,
    last_status   smallint,
    last_error    text
) WITH (fillfactor = 70);
CREATE INDEX webhook_delivery_to_send ON webhook_delivery (webhook_id, delivery_id)
    WHERE state IN ('waiting', 'sending');
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook_id, delivery_id);
CREATE INDEX webhook_delivery_by_subject ON webhook_delivery (webhook_id, subject);
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (queued_at);
COMMENT ON COLUMN webhook_delivery.subject IS
    'What it is about: the same for an event that was found again, whatever is now known of it.';
COMMENT ON COLUMN webhook_delivery.message_id IS
    'Made of the subject and what it says: the same for an event that was found again unchanged.';
COMMENT ON COLUMN webhook_delivery.number IS
    'Of the advice; of a trouble code its SPN, FMI and source address: spn << 16 | fmi << 8 | source.';
COMMENT ON COLUMN webhook_delivery.tries IS 'Attempts since it was queued, or queued again.';
COMMENT ON COLUMN webhook_delivery.state IS
    'withheld: when it was to be sent, the party might not see it, or it was no longer there.';

-- 2. Filling the outbox. A matter is something that was written and may be told.

CREATE TYPE webhook_matter AS (
    source text, kind text, severity smallint, vehicle_id bigint, driver_id bigint,
    at timestamptz, span tstzrange, personal boolean, news_at timestamptz, number bigint,
    subject text, content text
);
COMMENT ON COLUMN webhook_matter.personal IS 'Whether it speaks of a driver and of nothing else.';
COMMENT ON COLUMN webhook_matter.news_at IS 'Webhooks that were made later are not told.';

-- Older matters are no news, whoever finds them; senders keep what was sent for longer than that, and
-- so know it again.
CREATE FUNCTION webhook_news_age() RETURNS interval LANGUAGE sql IMMUTABLE AS
$$ SELECT interval '30 days' $$;

-- Put matters before the webhooks that want them, whose parties may see them now. (Once more, and down
-- to the last rule, that is asked when they are sent.) A matter that waits already waits on with what
-- is now known; one that was told and has changed is told again, but not every minute: of an event
-- that still goes on each analysis knows more than the one before. Those of one vehicle are written by
-- one transaction at a time.
CREATE FUNCTION queue_webhooks(matters webhook_matter[]) RETURNS void
LANGUAGE sql VOLATILE SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
    WITH matter AS MATERIALIZED (
        SELECT * FROM unnest(matters) WHERE news_at >= now() - webhook_news_age()
    ), pair AS MATERIALIZED (
        SELECT matter.vehicle_id, access.party_id
        FROM matter JOIN vehicle_access AS access USING (vehicle_id)
        WHERE access.valid @> now()
        UNION
        SELECT matter.vehicle_id, party.party_id
        FROM matter CROSS JOIN party WHERE party.kind = 'maker'
        UNION
        SELECT matter.vehicle_id, driver.party_id
        FROM matter JOIN driver USING (driver_id)
        WHERE matter.source = 'advice' AND driver.party_id IS NOT NULL
    ), hook AS MATERIALIZED (
        SELECT hook.*, pair.vehicle_id, opened.data, opened.drivers
        FROM pair
        JOIN webhook AS hook USING (party_id)
        CROSS JOIN LATERAL opened(hook.party_id, pair.vehicle_id)
        WHERE hook.disabled_at IS NULL
          AND (hook.vehicle_ids IS NULL OR pair.vehicle_id = ANY (hook.vehicle_ids))
    ), wanted AS MATERIALIZED (
        SELECT hook.webhook_id, matter.*,
               'msg_' || left(encode(sha256(convert_to(
                   concat_ws(' ', hook.webhook_id, matter.subject, matter.content), 'UTF8')),
                   'hex'), 32) AS message_id
        FROM hook JOIN matter USING (vehicle_id)
        CROSS JOIN LATERAL (SELECT EXISTS (
            SELECT FROM driver
            WHERE driver.driver_id = matter.driver_id AND driver.party_id = hook.party_id
              AND driver.employed @> matter.span) AS employs) AS its
        WHERE hook.kinds && ARRAY[matter.source || '.*', matter.source || '.' || matter.kind]
          AND coalesce(matter.severity >= hook.least_severity, true)
          AND matter.news_at >= hook.created_at
          AND (hook.data @> matter.span OR matter.source = 'advice' AND matter.personal)
          AND (NOT matter.personal OR hook.drivers @> matter.span OR its.employs)
          AND (hook.fleet_id IS NULL OR EXISTS (
              SELECT FROM fleet_vehicle AS belongs
              WHERE belongs.fleet_id = hook.fleet_id AND belongs.vehicle_id = matter.vehicle_id
                AND belongs.member && matter.span))
    ), changed AS (
        UPDATE webhook_delivery AS delivery
        SET message_id = wanted.message_id, number = wanted.number
        FROM wanted
        WHERE delivery.webhook_id = wanted.webhook_id AND delivery.subject = wanted.subject
          AND delivery.state = 'waiting'
          AND (delivery.message_id <> wanted.message_id
               OR delivery.number IS DISTINCT FROM wanted.number)
        RETURNING delivery.webhook_id, delivery.subject
    )
    INSERT INTO webhook_delivery (
        webhook_id, message_id, subject, source, kind, vehicle_id, at, number, due_at)
    SELECT wanted.webhook_id, wanted.message_id, wanted.subject, wanted.source, wanted.kind,
           wanted.vehicle_id, wanted.at, wanted.number,
           now() + CASE WHEN EXISTS (
                       SELECT FROM webhook_delivery AS told
                       WHERE told.webhook_id = wanted.webhook_id
                         AND told.subject = wanted.subject AND told.attempts > 0)
                   THEN interval '10 minutes' ELSE interval '0' END
    FROM wanted
    WHERE NOT EXISTS (SELECT FROM changed
                      WHERE changed.webhook_id = wanted.webhook_id
                        AND changed.subject = wanted.subject)
      AND NOT EXISTS (SELECT FROM webhook_delivery AS known
                      WHERE known.webhook_id = wanted.webhook_id
                        AND known.subject = wanted.subject
                        AND known.message_id = wanted.message_id AND known.state <> 'withheld')
    ORDER BY wanted.at, wanted.subject
$$;

-- Where nobody listens, a statement costs one look.
CREATE FUNCTION anybody_listens(to_source text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = telemetry, pg_temp AS $$
    SELECT EXISTS (SELECT FROM webhook
                   WHERE disabled_at IS NULL
                     AND EXISTS (SELECT FROM unnest(kinds) AS kind
                                 WHERE starts_with(kind, to_source || '.')))
$$;

CREATE FUNCTION queue_driving_events() RETURNS trigger
LANGUAGE plpgsql SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF anybody_listens('driving_event') THEN
        PERFORM queue_webhooks(array_agg(ROW(
            'driving_event', kind, severity, vehicle_id, driver_id, start_time,
            tstzrange(CASE WHEN starts_with(kind, 'fatigue_') THEN window_start
                           ELSE start_time END, end_time, '[]'),
            starts_with(kind, 'fatigue_'), end_time, NULL,
            concat_ws(' ', 'driving_event', vehicle_id, kind, extract(epoch FROM start_time)),
            concat_ws(' ', extract(epoch FROM end_time), severity,
                      coalesce(driver_id::text, '-'), round(peak::numeric, 2))
        )::webhook_matter))
        FROM written WHERE end_time >= now() - webhook_news_age();
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_webhooks AFTER INSERT ON driving_event REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION queue_driving_events();

CREATE FUNCTION queue_tank_events() RETURNS trigger
LANGUAGE plpgsql SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF anybody_listens('tank_event') THEN
        PERFORM queue_webhooks(array_agg(ROW(
            'tank_event', kind, NULL, vehicle_id, NULL, start_time,
            tstzrange(start_time, end_time, '[]'), false, end_time, NULL,
            concat_ws(' ', 'tank_event', vehicle_id, kind, extract(epoch FROM start_time)),
            concat_ws(' ', extract(epoch FROM end_time), round(litres::numeric, 1))
        )::webhook_matter))
        FROM written WHERE end_time >= now() - webhook_news_age();
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_webhooks AFTER INSERT ON tank_event REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION queue_tank_events();

-- Advice is told when it is given first: what is given anew for the same is the same piece.
CREATE FUNCTION queue_advice() RETURNS trigger
LANGUAGE plpgsql SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF anybody_listens('advice') THEN
        PERFORM queue_webhooks(array_agg(ROW(
            'advice', cause, NULL, vehicle_id, driver_id, given_at,
            tstzrange(start_time, end_time), driver_id IS NOT NULL, given_at, advice_id,
            concat_ws(' ', 'advice', vehicle_id, coalesce(driver_id::text, '-'), week, cause), ''
        )::webhook_matter))
        FROM written WHERE end_time >= now() - webhook_news_age();
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_webhooks AFTER INSERT ON advice REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION queue_advice();

-- Trouble codes that came up, by the lamp they light.
CREATE FUNCTION queue_trouble_codes() RETURNS trigger
LANGUAGE plpgsql SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF anybody_listens('trouble_code') THEN
        PERFORM queue_webhooks(array_agg(ROW(
            'trouble_code', lower(lamp), NULL, vehicle_id, NULL, time,
            tstzrange(time, time, '[]'), false, time,
            spn::bigint << 16 | (fmi::bigint << 8) | source_address::bigint,
            concat_ws(' ', 'trouble_code', vehicle_id, spn, fmi, source_address,
                      extract(epoch FROM time)), lamp
        )::webhook_matter))
        FROM written WHERE active AND time >= now() - webhook_news_age();
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_webhooks AFTER INSERT ON trouble_code REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION queue_trouble_codes();

-- 3. What the API may ask and change: a party's own webhooks, and never what they are signed with.

CREATE TYPE served.webhook AS (
    webhook_id bigint, name text, url text, kinds text[], least_severity smallint, fleet_id bigint,
    vins text[], language text, created_at timestamptz, disabled_at timestamptz, disabled_by text,
    failures integer, failing_since timestamptz, last_error text, last_success_at timestamptz,
    old_secret_until timestamptz, waiting bigint
);

CREATE TYPE served.webhook_delivery AS (
    delivery_id bigint, message_id text, source text, kind text, state text, attempts integer,
    queued_at timestamptz, due_at timestamptz, attempted_at timestamptz, delivered_at timestamptz,
    last_status smallint, last_error text
);

CREATE FUNCTION told_webhook(hook webhook) RETURNS served.webhook
LANGUAGE sql STABLE AS $$
    SELECT ROW(
        hook.webhook_id, hook.name, hook.url, hook.kinds, hook.least_severity, hook.fleet_id,
        (SELECT array_agg(vin ORDER BY vin) FROM vehicle
         WHERE vehicle_id = ANY (hook.vehicle_ids)),
        hook.language, hook.created_at, hook.disabled_at, hook.disabled_by, hook.failures,
        hook.failing_since, hook.last_error, hook.last_success_at,
        CASE WHEN hook.old_secret_until > now() THEN hook.old_secret_until END,
        (SELECT count(*) FROM webhook_delivery AS delivery
         WHERE delivery.webhook_id = hook.webhook_id AND state IN ('waiting', 'sending'))
    )::served.webhook
$$;

-- What was withheld and never sent is not told of: that it was there is for nobody to know.
CREATE FUNCTION told_delivery(delivery webhook_delivery) RETURNS SETOF served.webhook_delivery
LANGUAGE sql IMMUTABLE AS $$
    SELECT delivery.delivery_id, delivery.message_id, delivery.source, delivery.kind,
           delivery.state, delivery.attempts, delivery.queued_at,
           CASE WHEN delivery.state = 'waiting' THEN delivery.due_at END, delivery.attempted_at,
           delivery.delivered_at, delivery.last_status, delivery.last_error
    WHERE delivery.state <> 'withheld' OR delivery.attempts > 0
$$;

CREATE FUNCTION own_webhook(principal bigint, wanted_webhook bigint) RETURNS webhook
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found webhook;
BEGIN
    SELECT * INTO found FROM webhook
    WHERE webhook_id = wanted_webhook AND party_id = principal;
    IF found.webhook_id IS NULL THEN
        RAISE EXCEPTION 'no webhook % of party %', wanted_webhook, principal
            USING ERRCODE = 'no_data_found', TABLE = 'webhook';
    END IF;
    RETURN found;
END $$;

-- The numbers of vehicles a principal may see.
CREATE FUNCTION visible_numbers(principal bigint, vins text[]) RETURNS bigint[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(DISTINCT visible.vehicle_id)
    FROM unnest(vins) AS wanted (vin)
    CROSS JOIN LATERAL visible_vehicle(principal, wanted.vin) AS visible
$$;

CREATE FUNCTION served.webhooks(principal bigint, after_id bigint, max_rows integer)
RETURNS SETOF served.webhook
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT told.*
    FROM (SELECT * FROM webhook WHERE party_id = principal AND webhook_id > after_id
          ORDER BY webhook_id LIMIT max_rows) AS hook
    CROSS JOIN LATERAL told_webhook(hook::webhook) AS told
    ORDER BY told.webhook_id
$$;

CREATE FUNCTION served.webhook(principal bigint, wanted_webhook bigint)
RETURNS SETOF served.webhook
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT told.* FROM own_webhook(principal, wanted_webhook) AS hook
    CROSS JOIN LATERAL told_webhook(hook) AS told
$$;

-- The webhook that is made, or (its number is NULL) why not: name_taken, too_many.
CREATE FUNCTION served.create_webhook(
    principal bigint, new_name text, new_url text, new_kinds text[], new_severity integer,
    of_fleet bigint, of_vins text[], new_language text, sealed bytea, most integer,
    OUT webhook_id bigint, OUT refusal text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    -- A party's webhooks are made and named one after the other.
    PERFORM pg_advisory_xact_lock(hashtextextended('telemetry.webhooks', principal));
    IF of_fleet IS NOT NULL THEN
        PERFORM visible_fleet(principal, of_fleet);
    END IF;
    IF EXISTS (SELECT FROM webhook WHERE party_id = principal AND name = new_name) THEN
        refusal := 'name_taken';
    ELSIF (SELECT count(*) >= most FROM webhook WHERE party_id = principal) THEN
        refusal := 'too_many';
    ELSE
        INSERT INTO webhook (party_id, name, url, kinds, least_severity, fleet_id, vehicle_ids,
                             language, secret)
        VALUES (principal, new_name, new_url, new_kinds, new_severity, of_fleet,
                visible_numbers(principal, of_vins), new_language, sealed)
        RETURNING webhook.webhook_id INTO webhook_id;
    END IF;
END $$;

-- Change what is not NULL; the filters where it is said that they are given. To enable it again is to
-- begin anew with what waits.
CREATE FUNCTION served.change_webhook(
    principal bigint, wanted_webhook bigint, new_name text, new_url text, new_kinds text[],
    new_severity integer, fleet_given boolean, of_fleet bigint, vins_given boolean, of_vins text[],
    new_language text, enable boolean, OUT webhook_id bigint, OUT refusal text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('telemetry.webhooks', principal));
    PERFORM own_webhook(principal, wanted_webhook);
    IF fleet_given AND of_fleet IS NOT NULL THEN
        PERFORM visible_fleet(principal, of_fleet);
    END IF;
    IF EXISTS (SELECT FROM webhook AS other
               WHERE other.party_id = principal AND other.name = new_name
                 AND other.webhook_id <> wanted_webhook) THEN
        refusal := 'name_taken';
        RETURN;
    END IF;
    UPDATE webhook AS hook
    SET name = coalesce(new_name, name), url = coalesce(new_url, url),
        kinds = coalesce(new_kinds, kinds),
        least_severity = coalesce(new_severity, least_severity),
        fleet_id = CASE WHEN fleet_given THEN of_fleet ELSE fleet_id END,
        vehicle_ids = CASE WHEN vins_given THEN visible_numbers(principal, of_vins)
                           ELSE vehicle_ids END,
        language = coalesce(new_language, language),
        disabled_at = CASE WHEN enable THEN NULL
                           WHEN NOT enable THEN coalesce(disabled_at, now())
                           ELSE disabled_at END,
        disabled_by = CASE WHEN enable THEN NULL
                           WHEN NOT enable THEN coalesce(disabled_by, 'party')
                           ELSE disabled_by END
    WHERE hook.webhook_id = wanted_webhook
    RETURNING hook.webhook_id INTO webhook_id;
    IF enable OR new_url IS NOT NULL THEN
        UPDATE webhook AS hook
        SET failures = 0, failing_since = NULL, last_error = NULL, retry_at = now()
        WHERE hook.webhook_id = wanted_webhook;
        UPDATE webhook_delivery AS delivery SET due_at = least(due_at, now())
        WHERE delivery.webhook_id = wanted_webhook AND state = 'waiting';
    END IF;
END $$;

CREATE FUNCTION served.delete_webhook(principal bigint, wanted_webhook bigint)
RETURNS TABLE (webhook_id bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM own_webhook(principal, wanted_webhook);
    RETURN QUERY DELETE FROM webhook WHERE webhook_id = wanted_webhook RETURNING webhook_id;
END $$;

-- Sign with a new secret, and for a while with the one before, too.
CREATE FUNCTION served.rotate_webhook_secret(
    principal bigint, wanted_webhook bigint, sealed bytea, overlap interval
)
RETURNS TABLE (webhook_id bigint, old_secret_until timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM own_webhook(principal, wanted_webhook);
    RETURN QUERY
    UPDATE webhook SET old_secret = secret, old_secret_until = now() + overlap, secret = sealed
    WHERE webhook_id = wanted_webhook
    RETURNING webhook_id, old_secret_until;
END $$;

-- Send a test: one at a time, and not more often than every five seconds, for whoever answers there
-- need not be a friend of who asks.
CREATE FUNCTION served.test_webhook(principal bigint, wanted_webhook bigint)
RETURNS SETOF served.webhook_delivery
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    PERFORM own_webhook(principal, wanted_webhook);
    PERFORM FROM webhook WHERE webhook_id = wanted_webhook FOR NO KEY UPDATE;
    INSERT INTO webhook_delivery (webhook_id, message_id, subject, source, kind, at, due_at)
    SELECT wanted_webhook, 'msg_' || replace(gen_random_uuid()::text, '-', ''), 'test', 'test',
           'ping', now(),
           greatest(now(), max(delivery.attempted_at) + interval '5 seconds')
    FROM webhook_delivery AS delivery
    WHERE delivery.webhook_id = wanted_webhook AND delivery.subject = 'test'
    HAVING NOT coalesce(bool_or(delivery.state IN ('waiting', 'sending')), false);
    RETURN QUERY
    SELECT told.* FROM webhook_delivery AS delivery
    CROSS JOIN LATERAL told_delivery(delivery) AS told
    WHERE delivery.webhook_id = wanted_webhook AND delivery.subject = 'test'
    ORDER BY delivery.delivery_id DESC LIMIT 1;
END $$;

-- The deliveries of a webhook, the newest first (wanted_state NULL: in any state).
CREATE FUNCTION served.webhook_deliveries(
    principal bigint, wanted_webhook bigint, wanted_state text, before_id bigint, max_rows integer
)
RETURNS SETOF served.webhook_delivery
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT told.*
    FROM own_webhook(principal, wanted_webhook) AS hook
    JOIN webhook_delivery AS delivery ON delivery.webhook_id = hook.webhook_id
    CROSS JOIN LATERAL told_delivery(delivery) AS told
    WHERE delivery.delivery_id < before_id AND (wanted_state IS NULL OR told.state = wanted_state)
    ORDER BY told.delivery_id DESC
    LIMIT max_rows
$$;

-- Send a message once more, with the id it has; what waits is due now.
CREATE FUNCTION served.redeliver_webhook(
    principal bigint, wanted_webhook bigint, wanted_delivery bigint
)
RETURNS SETOF served.webhook_delivery
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    delivery webhook_delivery;
BEGIN
    PERFORM own_webhook(principal, wanted_webhook);
    UPDATE webhook_delivery AS one
    SET due_at = now(), queued_at = now(), tries = 0,
        state = CASE WHEN one.state = 'sending' THEN one.state ELSE 'waiting' END
    WHERE one.delivery_id = wanted_delivery AND one.webhook_id = wanted_webhook
      AND EXISTS (SELECT FROM told_delivery(one))
    RETURNING one.* INTO delivery;
    IF delivery.delivery_id IS NULL THEN
        RAISE EXCEPTION 'no delivery % of webhook %', wanted_delivery, wanted_webhook
            USING ERRCODE = 'no_data_found', TABLE = 'webhook_delivery';
    END IF;
    RETURN QUERY SELECT told.* FROM told_delivery(delivery) AS told;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
