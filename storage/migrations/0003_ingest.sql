-- What one batch of frames leaves behind besides its signal rows: how far the topic was read, the
-- latest values, the reports, typed events, touched days, and an account of what was not taken.

-- Offsets live in the transaction that writes the rows. They advance by compare-and-set: a worker
-- that lost its partition finds another next_offset than it expects, and its batch rolls back.
CREATE TABLE ingest_offset (
    cluster_id   text NOT NULL,
    topic_id     uuid NOT NULL,
    partition    integer NOT NULL,
    topic        text NOT NULL,
    next_offset  bigint NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cluster_id, topic_id, partition)
);

-- Latest values: one row a vehicle and group. Every value has its own time (NaN and -infinity
-- where it was never seen), so that a late or partial frame neither overwrites nor erases a newer
-- one. Half-full pages keep the updates in place (HOT).
CREATE TABLE vehicle_state (
    vehicle_id    bigint NOT NULL,
    signal_group  text NOT NULL,
    time          timestamptz NOT NULL,
    "values"      double precision[] NOT NULL,
    times         timestamptz[] NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vehicle_id, signal_group)
) WITH (fillfactor = 50);
COMMENT ON COLUMN vehicle_state.time IS 'Time of the newest value in the row.';

-- rFMS reads by received time. It is stamped by publish_reports alone, after the writing commit,
-- strictly increasing: a reader that continues from the last one it saw misses nothing.
CREATE TABLE vehicle_report (
    report_id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id              bigint NOT NULL,
    trigger_type            text NOT NULL,
    created_time            timestamptz NOT NULL,
    received_time           timestamptz UNIQUE,
    latitude                double precision,
    longitude               double precision,
    altitude                real,
    heading                 real,
    gnss_speed              real,
    wheel_speed             real,
    engine_speed            real,
    odometer                double precision,
    fuel_used_total         double precision,
    engine_hours            double precision,
    gross_combination_weight real,
    fuel_level_1            real,
    ambient_temperature     real,
    driver1_card_id         text,
    UNIQUE (vehicle_id, created_time, trigger_type)
);
CREATE INDEX vehicle_report_unpublished ON vehicle_report (report_id) WHERE received_time IS NULL;
COMMENT ON TABLE vehicle_report IS
    'A vehicle''s report in the sense of rFMS: units are the catalogue''s, columns its names.';

CREATE TABLE vehicle_event (
    vehicle_id    bigint NOT NULL,
    time          timestamptz NOT NULL,
    trigger_type  text NOT NULL,
    detail        text NOT NULL DEFAULT '',
    PRIMARY KEY (vehicle_id, time, trigger_type)
);
COMMENT ON TABLE vehicle_event IS 'Typed events a vehicle reported, by their rFMS trigger name.';

CREATE TABLE driver_change (
    vehicle_id  bigint NOT NULL,
    time        timestamptz NOT NULL,
    slot        smallint NOT NULL CHECK (slot IN (1, 2)),
    card_id     text,
    PRIMARY KEY (vehicle_id, time, slot)
);
COMMENT ON COLUMN driver_change.card_id IS 'The tachograph card now in the slot; NULL: taken out.';

CREATE TABLE trouble_code (
    vehicle_id      bigint NOT NULL,
    time            timestamptz NOT NULL,
    spn             integer NOT NULL,
    fmi             smallint NOT NULL,
    source_address  smallint NOT NULL,
    lamp            text NOT NULL,
    count           smallint,
    active          boolean NOT NULL,
    PRIMARY KEY (vehicle_id, time, spn, fmi, source_address)
);
COMMENT ON TABLE trouble_code IS 'J1939 trouble codes as they came up (active) and went (not active).';

-- A writer raises touched; a reader that has worked up a day writes down which touch it saw. A day
-- touched meanwhile stays to be done.
CREATE TABLE touched_day (
    vehicle_id  bigint NOT NULL,
    day         date NOT NULL,
    touched     bigint NOT NULL DEFAULT 1,
    analysed    bigint NOT NULL DEFAULT 0,
    rolled_up   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (vehicle_id, day)
) WITH (fillfactor = 70);
CREATE INDEX touched_day_to_analyse ON touched_day (day, vehicle_id) WHERE analysed < touched;
CREATE INDEX touched_day_to_roll_up ON touched_day (day, vehicle_id) WHERE rolled_up < touched;
CREATE INDEX touched_day_by_day ON touched_day USING brin (day);

-- Values out of the catalogue's limits: stored as absent, kept here, the oldest making room.
CREATE TABLE refused_value (
    refused_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id  bigint NOT NULL,
    time        timestamptz NOT NULL,
    signal_id   integer NOT NULL,
    value       double precision NOT NULL
);

-- Exact counts, raised in the batch's own transaction. One row a partition: two workers never wait
-- for each other here.
CREATE TABLE ingest_count (
    day        date NOT NULL,
    topic      text NOT NULL,
    partition  integer NOT NULL,
    measure    text NOT NULL CHECK (measure IN
                   ('frames', 'messages', 'refused', 'out_of_limits', 'unknown_signal',
                    'repeated', 'merged')),
    key        text NOT NULL DEFAULT '',
    count      bigint NOT NULL,
    PRIMARY KEY (day, topic, partition, measure, key)
);
COMMENT ON COLUMN ingest_count.key IS
    'What is counted within the measure: the reason of a refusal, the name of a signal or group.';

-- Stamps what was committed and not yet published. One publisher at a time; a second returns 0.
CREATE FUNCTION publish_reports() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    published bigint;
    latest timestamptz;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('telemetry.publish_reports')) THEN
        RETURN 0;
    END IF;
    SELECT max(received_time) INTO latest FROM vehicle_report;
    WITH waiting AS (
        SELECT report_id,
               row_number() OVER (ORDER BY report_id) AS place
        FROM vehicle_report WHERE received_time IS NULL
    )
    UPDATE vehicle_report AS report
    SET received_time = greatest(clock_timestamp_at_start, latest)
                        + waiting.place * interval '1 microsecond'
    FROM waiting, (SELECT clock_timestamp() AS clock_timestamp_at_start) AS clock
    WHERE report.report_id = waiting.report_id;
    GET DIAGNOSTICS published = ROW_COUNT;
    RETURN published;
END $$;
COMMENT ON FUNCTION publish_reports IS
    'Gives committed reports their received time, strictly increasing. Returns how many.';
