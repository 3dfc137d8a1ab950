-- How vehicles were driven: parts of trips by driver, driving events, spans at the wheel, the
-- counters of rFMS, scores, and what of these waits to be worked up. 0008 serves them.
-- works with: 6

-- 1. What analysis derives of a vehicle's days. Every row names the version of the method.

-- Where neither odometer nor speed tells how far it was, nobody knows.
ALTER TABLE trip
    ALTER COLUMN distance_km DROP NOT NULL,
    ALTER COLUMN distance_source DROP NOT NULL,
    ADD COLUMN kind text NOT NULL DEFAULT 'drive'
        CHECK (kind IN ('drive', 'idle', 'tow', 'ferry')),
    ADD COLUMN driving_s double precision,
    ADD COLUMN stop_count integer,
    ADD COLUMN driver_id bigint;
COMMENT ON COLUMN trip.driver_id IS 'Who drove most of it; NULL: not known.';

CREATE TABLE trip_part (
    vehicle_id           bigint NOT NULL,
    trip_start           timestamptz NOT NULL,
    part_start           timestamptz NOT NULL,
    end_time             timestamptz NOT NULL,
    driver_id            bigint,
    time_zone            text NOT NULL,
    week                 date NOT NULL GENERATED ALWAYS AS
        (date_trunc('week', trip_start AT TIME ZONE time_zone)::date) STORED,
    driving_s            double precision NOT NULL DEFAULT 0,
    distance_km          double precision NOT NULL DEFAULT 0,
    engine_s             double precision NOT NULL DEFAULT 0,
    idle_s               double precision NOT NULL DEFAULT 0,
    pto_s                double precision NOT NULL DEFAULT 0,
    cruise_s             double precision NOT NULL DEFAULT 0,
    cruise_known_s       double precision NOT NULL DEFAULT 0,
    coasting_s           double precision NOT NULL DEFAULT 0,
    coasting_known_s     double precision NOT NULL DEFAULT 0,
    high_torque_s        double precision NOT NULL DEFAULT 0,
    high_torque_known_s  double precision NOT NULL DEFAULT 0,
    green_band_s         double precision NOT NULL DEFAULT 0,
    green_band_known_s   double precision NOT NULL DEFAULT 0,
    brakings             double precision NOT NULL DEFAULT 0,
    late_brakings        double precision NOT NULL DEFAULT 0,
    overspeed_s          double precision NOT NULL DEFAULT 0,
    overspeed_known_s    double precision NOT NULL DEFAULT 0,
    harsh_brakings       double precision NOT NULL DEFAULT 0,
    harsh_accelerations  double precision NOT NULL DEFAULT 0,
    harsh_cornerings     double precision NOT NULL DEFAULT 0,
    harsh_known_km       double precision NOT NULL DEFAULT 0,
    retarder_s           double precision NOT NULL DEFAULT 0,
    service_brake_s      double precision NOT NULL DEFAULT 0,
    fuel_l               double precision NOT NULL DEFAULT 0,
    fuel_known_km        double precision NOT NULL DEFAULT 0,
    mass_t_km            double precision NOT NULL DEFAULT 0,
    mass_known_km        double precision NOT NULL DEFAULT 0,
    ascent_m             double precision NOT NULL DEFAULT 0,
    ascent_known_km      double precision NOT NULL DEFAULT 0,
    stops                double precision NOT NULL DEFAULT 0,
    night_s              double precision NOT NULL DEFAULT 0,
    method_version       integer NOT NULL,
    PRIMARY KEY (vehicle_id, part_start),
    CHECK (trip_start <= part_start AND part_start <= end_time)
);
CREATE INDEX trip_part_by_week ON trip_part (week, vehicle_id);
CREATE INDEX trip_part_by_driver ON trip_part (driver_id, part_start) WHERE driver_id IS NOT NULL;
CREATE INDEX trip_part_by_vehicle_and_driver ON trip_part (vehicle_id, driver_id, part_start)
    WHERE driver_id IS NOT NULL;
COMMENT ON TABLE trip_part IS
    'What one driver drove of one trip, in sums: those of any period and subject add up from these.';
COMMENT ON COLUMN trip_part.week IS
    'The Monday, in time_zone (of the vehicle''s fleet), of the week in which the trip began.';

CREATE TABLE driving_event (
    vehicle_id      bigint NOT NULL,
    kind            text NOT NULL,
    start_time      timestamptz NOT NULL,
    end_time        timestamptz NOT NULL,
    driver_id       bigint,
    trip_start      timestamptz,
    peak            double precision,
    peak_time       timestamptz,
    limit_value     double precision,
    severity        smallint NOT NULL CHECK (severity BETWEEN 1 AND 3),
    speed_km_h      double precision,
    distance_km     double precision,
    fuel_l          double precision,
    latitude        double precision,
    longitude       double precision,
    window_start    timestamptz NOT NULL,
    window_end      timestamptz NOT NULL,
    method_version  integer NOT NULL,
    PRIMARY KEY (vehicle_id, start_time, kind),
    CHECK (end_time >= start_time)
);
CREATE INDEX driving_event_by_driver ON driving_event (driver_id, start_time)
    WHERE driver_id IS NOT NULL;
COMMENT ON COLUMN driving_event.severity IS '1 low, 2 medium, 3 high.';
COMMENT ON COLUMN driving_event.limit_value IS 'What was crossed, in the unit of the peak.';

CREATE TABLE drive_span (
    vehicle_id      bigint NOT NULL,
    start_time      timestamptz NOT NULL,
    end_time        timestamptz NOT NULL,
    driving_s       double precision NOT NULL,
    driver_id       bigint,
    method_version  integer NOT NULL,
    PRIMARY KEY (vehicle_id, start_time),
    CHECK (end_time >= start_time)
);
CREATE INDEX drive_span_by_driver ON drive_span (driver_id, start_time) WHERE driver_id IS NOT NULL;
COMMENT ON TABLE drive_span IS
    'Spans at the wheel, from which a driver''s hours are counted, whatever vehicle he drove.';

-- 2. The counters of rFMS. A day's share of them is worked out anew whenever the day changes; what
-- is served is the sum of the days, and never falls.

CREATE TABLE accumulated_day (
    vehicle_id      bigint NOT NULL,
    day             date NOT NULL,
    increments      double precision[] NOT NULL,
    method_version  integer NOT NULL,
    PRIMARY KEY (vehicle_id, day),
    -- NaN is greater than infinity here.
    CHECK (0 <= ALL (increments) AND 'Infinity' > ALL (increments)
           AND array_position(increments, NULL) IS NULL)
);
COMMENT ON COLUMN accumulated_day.increments IS 'By how much each counter rose that day.';

CREATE TABLE accumulated (
    vehicle_id      bigint PRIMARY KEY,
    layout_version  integer NOT NULL,
    newest_day      date NOT NULL,
    total           double precision[] NOT NULL,
    served          double precision[] NOT NULL,
    corrections     bigint NOT NULL DEFAULT 0,
    corrected       double precision NOT NULL DEFAULT 0,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CHECK (cardinality(served) = cardinality(total))
);
COMMENT ON COLUMN accumulated.total IS 'Sum of the vehicle''s days as they are known now.';
COMMENT ON COLUMN accumulated.served IS
    'What is told: the greatest total there ever was, so that a counter never falls.';
COMMENT ON COLUMN accumulated.corrections IS
    'How often a counter''s total fell below what had been told of it.';
COMMENT ON COLUMN accumulated.corrected IS
    'By how much the counters, added up, are told beyond their totals; 0: what is told is true.';

CREATE FUNCTION refuse_falling_counters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(OLD.served, NEW.served) AS cell (before, now)
               WHERE before IS NOT NULL AND (now IS NULL OR now < before)) THEN
        RAISE EXCEPTION 'a counter of vehicle % would fall: what was told is not taken back',
            OLD.vehicle_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accumulated_never_falls BEFORE UPDATE ON accumulated
    FOR EACH ROW EXECUTE FUNCTION refuse_falling_counters();

-- Bring a vehicle's counters up to days that changed by so much, cell by cell. Increments are
-- multiples of a binary fraction, whose sums are exact: adding the changes gives what adding up all
-- days would give. That less than a millionth is missing (of a second, a metre, a millilitre) is no
-- correction.
CREATE FUNCTION change_counters(
    of_vehicle bigint, layout integer, changes double precision[], last_day date
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    old accumulated;
    new_total double precision[];
    new_served double precision[];
    fallen bigint;
    carried double precision;
BEGIN
    SELECT * INTO old FROM accumulated WHERE vehicle_id = of_vehicle FOR UPDATE;
    IF old.layout_version <> layout OR cardinality(old.total) <> cardinality(changes) THEN
        RAISE EXCEPTION 'the counters of vehicle % are laid out by version %, not %: a new layout'
            ' comes with a migration that moves the cells', of_vehicle, old.layout_version, layout
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT array_agg(cell.now ORDER BY position), array_agg(greatest(told, cell.now) ORDER BY position),
           count(*) FILTER (WHERE told - cell.now > 1e-6 AND told - before <= 1e-6),
           coalesce(sum(told - cell.now) FILTER (WHERE told - cell.now > 1e-6), 0)
    INTO new_total, new_served, fallen, carried
    FROM (
        SELECT coalesce(before, 0) + change AS now, before, told, position
        FROM unnest(old.total, changes, old.served)
            WITH ORDINALITY AS change (before, change, told, position)
    ) AS cell;
    INSERT INTO accumulated AS counters (
        vehicle_id, layout_version, newest_day, total, served, corrections, corrected)
    VALUES (of_vehicle, layout, last_day, new_total, new_served, fallen, carried)
    ON CONFLICT (vehicle_id) DO UPDATE
    SET newest_day = greatest(counters.newest_day, EXCLUDED.newest_day), total = EXCLUDED.total,
        served = EXCLUDED.served, corrections = counters.corrections + EXCLUDED.corrections,
        corrected = EXCLUDED.corrected, updated_at = now();
END $$;

-- 3. Scores. A subject is a vehicle or a driver over a week, or one trip of a vehicle.

CREATE TABLE score (
    subject_kind        text NOT NULL CHECK (subject_kind IN ('vehicle', 'driver', 'trip')),
    subject_id          bigint NOT NULL,
    start_time          timestamptz NOT NULL,
    end_time            timestamptz NOT NULL,
    week                date NOT NULL,
    time_zone           text NOT NULL,
    vehicle_class       text NOT NULL,
    band                text,
    score               double precision,
    low                 double precision,
    high                double precision,
    grade               text CHECK (grade IN ('A', 'B', 'C', 'D', 'E')),
    reason              text,
    missing             text,
    difficulty          double precision,
    difficulty_missing  text,
    reference           text,
    distance_km         double precision NOT NULL,
    n_trips             integer NOT NULL,
    past_score          double precision,
    change              double precision,
    change_low          double precision,
    change_high         double precision,
    past_weeks          integer,
    trend               text CHECK (trend IN ('better', 'worse', 'no clear change')),
    method_version      integer NOT NULL,
    PRIMARY KEY (subject_kind, subject_id, start_time),
    CHECK ((score IS NULL) = (reason IS NOT NULL)),
    CHECK ((score IS NULL) = (grade IS NULL))
);
CREATE INDEX score_by_week ON score (week, subject_kind, subject_id);
COMMENT ON COLUMN score.subject_id IS 'A driver''s number; of a vehicle or a trip the vehicle''s.';
COMMENT ON COLUMN score.start_time IS
    'Of a trip its start, of a week its Monday 00:00 in time_zone; end_time likewise.';
COMMENT ON COLUMN score.low IS 'With high: where the score lies, given how little was driven.';
COMMENT ON COLUMN score.reason IS 'Why there is no score.';
COMMENT ON COLUMN score.past_score IS
    'Of a week: the score, by the same reference, of the four weeks before it; change is from it.';
COMMENT ON COLUMN score.missing IS 'Metrics that the vehicle''s signals could not tell.';
COMMENT ON COLUMN score.reference IS 'What it was compared with: peers, published or mixed.';

CREATE TABLE score_part (
    subject_kind   text NOT NULL,
    subject_id     bigint NOT NULL,
    start_time     timestamptz NOT NULL,
    metric         text NOT NULL,
    value          double precision NOT NULL,
    value_low      double precision,
    value_high     double precision,
    worst          double precision NOT NULL,
    best           double precision NOT NULL,
    reference      text NOT NULL,
    peers          integer NOT NULL,
    metric_score   double precision NOT NULL,
    weight         double precision NOT NULL,
    points         double precision NOT NULL,
    points_lost    double precision NOT NULL,
    PRIMARY KEY (subject_kind, subject_id, start_time, metric)
);
COMMENT ON TABLE score_part IS
    'What moved a score: its points sum to it. worst and best are the values that score 0 and 100.';

CREATE TABLE score_reference (
    week            date NOT NULL,
    vehicle_class   text NOT NULL,
    band            text NOT NULL,
    metric          text NOT NULL,
    worst           double precision NOT NULL,
    best            double precision NOT NULL,
    source          text NOT NULL,
    peers           integer NOT NULL,
    method_version  integer NOT NULL,
    PRIMARY KEY (week, vehicle_class, band, metric)
);
COMMENT ON TABLE score_reference IS
    'What those were compared with that have a score of the week, so that it can be explained later.';

-- 4. What waits. A writer raises touched; a reader writes down which touch it has seen.

CREATE TABLE touched_week (
    vehicle_id  bigint NOT NULL,
    week        date NOT NULL,
    touched     bigint NOT NULL DEFAULT 1,
    scored      bigint NOT NULL DEFAULT 0,
    scored_by   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (vehicle_id, week)
) WITH (fillfactor = 70);
CREATE INDEX touched_week_to_score ON touched_week (week) WHERE scored < touched;
CREATE INDEX touched_week_by_week ON touched_week (week);
CREATE INDEX touched_week_by_method ON touched_week (scored_by);
COMMENT ON COLUMN touched_week.scored_by IS 'Version of the method that scored the week.';

-- Taken off once the hours are counted; touched is never given twice, so that a change in between
-- is not taken for the one that was seen.
CREATE TABLE touched_duty (
    driver_id   bigint,
    vehicle_id  bigint,
    start_time  timestamptz NOT NULL,
    end_time    timestamptz NOT NULL,
    touched     bigint GENERATED ALWAYS AS IDENTITY,
    UNIQUE NULLS NOT DISTINCT (driver_id, vehicle_id),
    CHECK (num_nonnulls(driver_id, vehicle_id) = 1)
);
COMMENT ON TABLE touched_duty IS
    'Drivers, and vehicles without a known one, whose spans at the wheel changed, and when these lie.';

-- 5. Registers, last: ingest reads and writes these.

ALTER TABLE fleet ADD CHECK (timestamptz 'epoch' AT TIME ZONE time_zone IS NOT NULL);

ALTER TABLE driver ADD COLUMN employed tstzrange NOT NULL DEFAULT '(,)';
COMMENT ON COLUMN driver.employed IS
    'When the party employs the driver: it may see what was recorded of the driver then.';
CREATE INDEX driver_by_party ON driver (party_id) WHERE party_id IS NOT NULL;

ALTER TABLE touched_day ADD COLUMN analysed_by integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN touched_day.analysed_by IS 'Version of the method that analysed the day.';

ALTER TABLE vehicle ADD COLUMN vehicle_class text NOT NULL DEFAULT 'heavy_truck'
    CHECK (vehicle_class IN ('heavy_truck', 'medium_truck', 'light_truck', 'bus', 'car'));
