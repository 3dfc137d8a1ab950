-- What driving cost, why, what to change and whether it helped: fuel of parts of trips with what was
-- to be expected and the causes of the rest, what happened to the tank, the models behind it, advice
-- and its results, and what of these waits to be worked up. 0010 serves them.
-- works with: 6

-- 1. What analysis finds of a vehicle's weeks. A week is that of trip_part: it has what began in it.

CREATE TABLE fuel_stats (
    vehicle_id      bigint NOT NULL,
    day             date NOT NULL,
    stats           double precision[] NOT NULL,
    stats_version   integer NOT NULL,
    PRIMARY KEY (vehicle_id, day),
    CHECK (array_position(stats, NULL) IS NULL AND 'Infinity' > ALL (stats)
           AND '-Infinity' < ALL (stats))
);
COMMENT ON TABLE fuel_stats IS
    'Sums that add up over days, from which a vehicle is calibrated and a reference is learnt.';
COMMENT ON COLUMN fuel_stats.day IS 'The local day, by the trip''s time zone, its trips began on.';

CREATE TABLE fuel_part (
    vehicle_id            bigint NOT NULL,
    trip_start            timestamptz NOT NULL,
    part_start            timestamptz NOT NULL,
    end_time              timestamptz NOT NULL,
    driver_id             bigint,
    time_zone             text NOT NULL,
    day                   date NOT NULL GENERATED ALWAYS AS
        ((trip_start AT TIME ZONE time_zone)::date) STORED,
    week                  date NOT NULL GENERATED ALWAYS AS
        (date_trunc('week', trip_start AT TIME ZONE time_zone)::date) STORED,
    distance_km           double precision,
    fuel_l                double precision,
    fuel_source           text CHECK (fuel_source IN ('counter', 'rate', 'tank')),
    counter_l             double precision,
    rate_l                double precision,
    tank_l                double precision,
    disagreement_percent  double precision,
    idle_fuel_l           double precision,
    pto_fuel_l            double precision,
    moving_fuel_l         double precision,
    regeneration_fuel_l   double precision,
    mass_t_km             double precision,
    payload_t_km          double precision,
    empty_km              double precision NOT NULL DEFAULT 0,
    loaded_km             double precision NOT NULL DEFAULT 0,
    load_known_km         double precision NOT NULL DEFAULT 0,
    engine_s              double precision NOT NULL DEFAULT 0,
    idle_s                double precision NOT NULL DEFAULT 0,
    driving_s             double precision NOT NULL DEFAULT 0,
    stops                 integer NOT NULL DEFAULT 0,
    ascent_m              double precision,
    corridor              text,
    expected_l            double precision,
    expected_low_l        double precision,
    expected_high_l       double precision,
    expected_by           text CHECK (expected_by IN ('model', 'physics')),
    missing               text[] NOT NULL DEFAULT '{}',
    model_id              bigint,
    method_version        integer NOT NULL,
    PRIMARY KEY (vehicle_id, part_start),
    CHECK (trip_start <= part_start AND part_start <= end_time),
    CHECK ((fuel_l IS NULL) = (fuel_source IS NULL)),
    CHECK (num_nulls(expected_l, expected_low_l, expected_high_l, expected_by) IN (0, 4)),
    CHECK (expected_low_l <= expected_high_l)
);
CREATE INDEX fuel_part_by_week ON fuel_part (week, vehicle_id);
CREATE INDEX fuel_part_by_driver ON fuel_part (driver_id, part_start) WHERE driver_id IS NOT NULL;
COMMENT ON TABLE fuel_part IS 'Fuel of what one driver drove of one trip; NULL: not known.';
COMMENT ON COLUMN fuel_part.day IS 'The local day, in time_zone, on which the trip began.';
COMMENT ON COLUMN fuel_part.disagreement_percent IS
    'How far the counter and the integrated rate are apart, of the counter.';
COMMENT ON COLUMN fuel_part.load_known_km IS
    'The distance over which the load is known: of it empty_km were empty, loaded_km loaded.';
COMMENT ON COLUMN fuel_part.expected_l IS
    'What was to be expected with this load, on this road, in this traffic, whoever drove.';
COMMENT ON COLUMN fuel_part.missing IS
    'What could not be taken into account: load, gradient, counter, rate, speed_limit, ….';
COMMENT ON COLUMN fuel_part.model_id IS 'The fuel_model of the time; NULL: built-in values.';

CREATE TABLE fuel_cause (
    vehicle_id  bigint NOT NULL,
    part_start  timestamptz NOT NULL,
    cause       text NOT NULL CHECK (cause IN ('idling', 'speed', 'harsh', 'gears', 'coasting',
                                               'cruise', 'tyres', 'auxiliary', 'fault', 'rest')),
    litres      double precision NOT NULL,
    low_l       double precision NOT NULL,
    high_l      double precision NOT NULL,
    PRIMARY KEY (vehicle_id, part_start, cause),
    CHECK (low_l <= high_l)
);
COMMENT ON TABLE fuel_cause IS
    'What a part needed beyond a good reference, by cause: the litres add up to it.';

CREATE TABLE tank_event (
    vehicle_id      bigint NOT NULL,
    start_time      timestamptz NOT NULL,
    end_time        timestamptz NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('refuelling', 'theft', 'loss')),
    litres          double precision NOT NULL,
    low_l           double precision NOT NULL,
    high_l          double precision NOT NULL,
    level_before_l  double precision,
    level_after_l   double precision,
    latitude        double precision,
    longitude       double precision,
    method_version  integer NOT NULL,
    PRIMARY KEY (vehicle_id, start_time),
    CHECK (end_time >= start_time),
    CHECK (low_l <= high_l)
);
COMMENT ON COLUMN tank_event.litres IS 'That came or went, above 0 in either case.';
COMMENT ON COLUMN tank_event.start_time IS
    'When the level was last as before; end_time: when it was first as after.';

CREATE TABLE fuel_segment (
    vehicle_id      bigint NOT NULL,
    day             date NOT NULL,
    start_time      timestamptz NOT NULL,
    cells           double precision[] NOT NULL,
    layout_version  integer NOT NULL,
    PRIMARY KEY (vehicle_id, day, start_time)
);
COMMENT ON TABLE fuel_segment IS
    'Stretches of road that a model is trained on; kept as long as raw rows are.';
COMMENT ON COLUMN fuel_segment.day IS 'That of fuel_part.';
COMMENT ON COLUMN fuel_segment.cells IS 'NaN: not known. Which is which says layout_version.';

-- 2. What is learnt from vehicles.

CREATE TABLE fuel_model (
    model_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    data_from     date,
    data_to       date,
    code_version  text NOT NULL,
    note          text,
    metrics       jsonb NOT NULL,
    reference     jsonb NOT NULL,
    checksum      text NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$'),
    body          bytea NOT NULL,
    active        boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX fuel_model_active ON fuel_model (kind) WHERE active;
COMMENT ON COLUMN fuel_model.data_from IS 'With data_to: the days it was trained on.';
COMMENT ON COLUMN fuel_model.reference IS 'What a good vehicle and driver need, learnt from peers.';
COMMENT ON COLUMN fuel_model.checksum IS 'SHA-256 of body: another body is not loaded.';
COMMENT ON COLUMN fuel_model.active IS 'The one that is used; an older one may be made it again.';

-- 3. Advice. Who has reacted to it finds it again: what is given anew keeps its number and status.

CREATE TABLE advice (
    advice_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id      bigint NOT NULL,
    driver_id       bigint,
    week            date NOT NULL CHECK (extract(isodow FROM week) = 1),
    time_zone       text NOT NULL,
    start_time      timestamptz NOT NULL GENERATED ALWAYS AS
        (week::timestamp AT TIME ZONE time_zone) STORED,
    end_time        timestamptz NOT NULL GENERATED ALWAYS AS
        ((week::timestamp + interval '7 days') AT TIME ZONE time_zone) STORED,
    cause           text NOT NULL,
    variant         smallint NOT NULL,
    saving_l        double precision,
    low_l           double precision,
    high_l          double precision,
    distance_km     double precision,
    fuel_l          double precision,
    confidence      text NOT NULL CHECK (confidence IN ('low', 'medium', 'high')),
    effort          text NOT NULL CHECK (effort IN ('low', 'medium', 'high')),
    facts           jsonb NOT NULL DEFAULT '{}',
    evidence        jsonb NOT NULL DEFAULT '{}',
    status          text NOT NULL DEFAULT 'given'
        CHECK (status IN ('given', 'seen', 'accepted', 'dismissed')),
    status_at       timestamptz NOT NULL DEFAULT now(),
    given_at        timestamptz NOT NULL DEFAULT now(),
    method_version  integer NOT NULL,
    UNIQUE NULLS NOT DISTINCT (vehicle_id, driver_id, week, cause),
    CHECK (low_l <= high_l)
);
CREATE INDEX advice_by_driver ON advice (driver_id, week) WHERE driver_id IS NOT NULL;
COMMENT ON COLUMN advice.driver_id IS 'Whom it is for; NULL: whoever is responsible for the vehicle.';
COMMENT ON COLUMN advice.start_time IS 'Monday 00:00 in time_zone; end_time: the next.';
COMMENT ON COLUMN advice.variant IS 'Which of the texts on its cause tells it.';
COMMENT ON COLUMN advice.saving_l IS 'With low_l and high_l: of that week''s driving.';

CREATE TABLE advice_result (
    advice_id           bigint PRIMARY KEY REFERENCES advice ON DELETE CASCADE,
    weeks_before        integer NOT NULL,
    weeks_after         integer NOT NULL,
    saved_l_per_100km   double precision NOT NULL,
    low                 double precision NOT NULL,
    high                double precision NOT NULL,
    saved_l             double precision NOT NULL,
    low_l               double precision NOT NULL,
    high_l              double precision NOT NULL,
    verdict             text NOT NULL CHECK (verdict IN ('helped', 'no clear change', 'worse')),
    measured_at         timestamptz NOT NULL DEFAULT now(),
    CHECK (low <= high AND low_l <= high_l)
);
COMMENT ON TABLE advice_result IS
    'Whether advice helped: the weeks after it against those before, like with like.';
COMMENT ON COLUMN advice_result.saved_l_per_100km IS 'With low and high; below 0: more was needed.';
COMMENT ON COLUMN advice_result.saved_l IS 'Over what was driven since; low_l and high_l likewise.';

-- 4. What waits, as in 0007. Weeks that the releases before analysed wait from the start.

CREATE TABLE touched_fuel_week (
    vehicle_id    bigint NOT NULL,
    week          date NOT NULL,
    touched       bigint NOT NULL DEFAULT 1,
    worked        bigint NOT NULL DEFAULT 0,
    worked_by     integer NOT NULL DEFAULT 0,
    advised       bigint NOT NULL DEFAULT 0,
    advised_days  smallint NOT NULL DEFAULT 0 CHECK (advised_days BETWEEN 0 AND 7),
    PRIMARY KEY (vehicle_id, week),
    CHECK (advised <= worked AND worked <= touched)
) WITH (fillfactor = 70);
CREATE INDEX touched_fuel_week_waiting ON touched_fuel_week (week, vehicle_id)
    WHERE advised < touched OR advised_days < 7;
CREATE INDEX touched_fuel_week_by_method ON touched_fuel_week (worked_by, week) WHERE worked > 0;
COMMENT ON COLUMN touched_fuel_week.worked IS 'The touch whose fuel and causes are stored.';
COMMENT ON COLUMN touched_fuel_week.advised IS 'The touch that advice has seen.';
COMMENT ON COLUMN touched_fuel_week.advised_days IS
    'How many days of the week were over by then: a week waits again when it is.';
COMMENT ON COLUMN touched_fuel_week.worked_by IS 'Version of the method that worked it up.';

INSERT INTO touched_fuel_week (vehicle_id, week) SELECT vehicle_id, week FROM touched_week;
