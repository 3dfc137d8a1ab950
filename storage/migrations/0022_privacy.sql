-- Erasing people and places: what was erased stays erased, also where it comes late. A person is known
-- from then on by a keyed hash alone, a place by the vehicle and the span it was erased in.
--
-- Whoever erases says so first, alone (an exclusive advisory lock); whoever writes of people or places
-- asks under a shared one. So what was begun before is found by the erasure, and what begins after it
-- finds that it was erased.
-- works with: 6

-- 1. What is known of erasures.

CREATE TABLE erasure_key (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    key  bytea NOT NULL CHECK (octet_length(key) = 32)
);
COMMENT ON TABLE erasure_key IS 'What hashes of erased people are keyed by: without it they say nothing.';
INSERT INTO erasure_key (key)
SELECT sha256(convert_to(string_agg(gen_random_uuid()::text, ''), 'UTF8')) FROM generate_series(1, 4);

CREATE TABLE erasure (
    erasure_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL CHECK (kind IN ('driver', 'positions')),
    subject_hash  bytea CHECK (octet_length(subject_hash) = 32),
    asked_by      text NOT NULL CHECK (asked_by <> ''),
    began_at      timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz,
    counts        jsonb NOT NULL DEFAULT '{}',
    CHECK ((ended_at IS NULL) = (subject_hash IS NOT NULL))
);
CREATE UNIQUE INDEX erasure_unfinished ON erasure (subject_hash) WHERE ended_at IS NULL;
COMMENT ON TABLE erasure IS 'What was erased, when and by whom, in numbers; not of whom.';
COMMENT ON COLUMN erasure.subject_hash IS 'By which one that was broken off is gone on with.';
COMMENT ON COLUMN erasure.counts IS 'Rows changed, and rows deleted, by table.';

CREATE TABLE erased_person (
    person_hash  bytea PRIMARY KEY CHECK (octet_length(person_hash) = 32),
    erased_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE erased_person IS 'Cards and numbers of drivers that must not come back, hashed.';

CREATE TABLE erased_span (
    vehicle_id  bigint NOT NULL,
    span        tstzrange NOT NULL CHECK (NOT isempty(span)),
    erasure_id  bigint NOT NULL REFERENCES erasure,
    done        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (vehicle_id, span)
);
CREATE INDEX erased_span_waiting ON erased_span (erasure_id) WHERE NOT done;
COMMENT ON TABLE erased_span IS 'Where a vehicle was within these spans must not come back.';

CREATE FUNCTION person_hash(kind text, name text) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(key || sha256(key || convert_to(kind || ':' || name, 'UTF8'))) FROM erasure_key
$$;

CREATE FUNCTION is_erased(kind text, name text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('telemetry.erasure'));
    RETURN EXISTS (SELECT FROM erased_person AS erased
                   WHERE erased.person_hash = person_hash(kind, name));
END $$;

CREATE FUNCTION is_place_erased(of_vehicle bigint, at timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('telemetry.erasure'));
    RETURN EXISTS (SELECT FROM erased_span WHERE vehicle_id = of_vehicle AND span @> at);
END $$;

-- 2. People do not come back.

CREATE FUNCTION refuse_erased_driver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN is_erased('card', NEW.card_id) THEN NULL ELSE NEW END;
END $$;
CREATE TRIGGER erased_stays_erased BEFORE INSERT ON driver
    FOR EACH ROW EXECUTE FUNCTION refuse_erased_driver();

-- That somebody drove stays, or the hours would be counted for whoever had driven before.
CREATE FUNCTION forget_erased_card() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_erased('card', NEW.card_id) THEN NEW.card_id := NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erased_stays_erased BEFORE INSERT OR UPDATE OF card_id ON driver_change
    FOR EACH ROW WHEN (NEW.card_id IS NOT NULL) EXECUTE FUNCTION forget_erased_card();

CREATE FUNCTION forget_erased_detail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_erased('card', NEW.detail) THEN NEW.detail := ''; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erased_stays_erased BEFORE INSERT OR UPDATE OF detail ON vehicle_event
    FOR EACH ROW WHEN (NEW.detail <> '') EXECUTE FUNCTION forget_erased_detail();
CREATE TRIGGER erased_detail_stays_erased BEFORE INSERT OR UPDATE OF detail ON vehicle_report
    FOR EACH ROW WHEN (NEW.detail <> '') EXECUTE FUNCTION forget_erased_detail();

CREATE FUNCTION forget_erased_cards() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_erased('card', NEW.driver1_card_id) THEN
        NEW.driver1_card_id := NULL;
        NEW.driver1_working_state := NULL;
    END IF;
    IF is_erased('card', NEW.driver2_card_id) THEN
        NEW.driver2_card_id := NULL;
        NEW.driver2_working_state := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erased_cards_stay_erased
    BEFORE INSERT OR UPDATE OF driver1_card_id, driver2_card_id ON vehicle_report
    FOR EACH ROW WHEN (num_nonnulls(NEW.driver1_card_id, NEW.driver2_card_id) > 0)
    EXECUTE FUNCTION forget_erased_cards();

-- What was driven stays, by nobody who is known.
CREATE FUNCTION forget_erased_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_erased('driver', NEW.driver_id::text) THEN NEW.driver_id := NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erased_stays_erased BEFORE INSERT OR UPDATE OF driver_id ON trip
    FOR EACH ROW WHEN (NEW.driver_id IS NOT NULL) EXECUTE FUNCTION forget_erased_number();
CREATE TRIGGER erased_stays_erased BEFORE INSERT OR UPDATE OF driver_id ON trip_part
    FOR EACH ROW WHEN (NEW.driver_id IS NOT NULL) EXECUTE FUNCTION forget_erased_number();
CREATE TRIGGER erased_stays_erased BEFORE INSERT OR UPDATE OF driver_id ON drive_span
    FOR EACH ROW WHEN (NEW.driver_id IS NOT NULL) EXECUTE FUNCTION forget_erased_number();
CREATE TRIGGER erased_stays_erased BEFORE INSERT OR UPDATE OF driver_id ON fuel_part
    FOR EACH ROW WHEN (NEW.driver_id IS NOT NULL) EXECUTE FUNCTION forget_erased_number();
CREATE TRIGGER erased_stays_erased BEFORE INSERT OR UPDATE OF driver_id ON driving_event
    FOR EACH ROW WHEN (NEW.driver_id IS NOT NULL AND NOT starts_with(NEW.kind, 'fatigue_'))
    EXECUTE FUNCTION forget_erased_number();

-- What is of the person alone is not stored at all.
CREATE FUNCTION refuse_erased_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN is_erased('driver', NEW.driver_id::text) THEN NULL ELSE NEW END;
END $$;
CREATE TRIGGER erased_fatigue_stays_erased BEFORE INSERT OR UPDATE OF driver_id ON driving_event
    FOR EACH ROW WHEN (NEW.driver_id IS NOT NULL AND starts_with(NEW.kind, 'fatigue_'))
    EXECUTE FUNCTION refuse_erased_number();
CREATE TRIGGER erased_stays_erased BEFORE INSERT ON advice
    FOR EACH ROW WHEN (NEW.driver_id IS NOT NULL) EXECUTE FUNCTION refuse_erased_number();
CREATE TRIGGER erased_stays_erased BEFORE INSERT ON touched_duty
    FOR EACH ROW WHEN (NEW.driver_id IS NOT NULL) EXECUTE FUNCTION refuse_erased_number();

CREATE FUNCTION refuse_erased_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN is_erased('driver', NEW.subject_id::text) THEN NULL ELSE NEW END;
END $$;
CREATE TRIGGER erased_stays_erased BEFORE INSERT ON score
    FOR EACH ROW WHEN (NEW.subject_kind = 'driver') EXECUTE FUNCTION refuse_erased_subject();
CREATE TRIGGER erased_stays_erased BEFORE INSERT ON score_part
    FOR EACH ROW WHEN (NEW.subject_kind = 'driver') EXECUTE FUNCTION refuse_erased_subject();

CREATE FUNCTION forget_erased_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.driver_ids := ARRAY(SELECT number FROM unnest(NEW.driver_ids) AS number
                            WHERE NOT is_erased('driver', number::text));
    RETURN NEW;
END $$;
CREATE TRIGGER erased_stays_erased BEFORE INSERT ON access_log
    FOR EACH ROW WHEN (NEW.driver_ids <> '{}') EXECUTE FUNCTION forget_erased_numbers();

-- 3. Nor do places, where they are derived. Raw rows ask once a batch, see storage/erased.py.

CREATE FUNCTION forget_erased_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_place_erased(NEW.vehicle_id, NEW.start_time) THEN
        NEW.latitude := NULL;
        NEW.longitude := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erased_place_stays_erased BEFORE INSERT ON driving_event
    FOR EACH ROW WHEN (NEW.latitude IS NOT NULL OR NEW.longitude IS NOT NULL)
    EXECUTE FUNCTION forget_erased_place();
CREATE TRIGGER erased_place_stays_erased BEFORE INSERT ON tank_event
    FOR EACH ROW WHEN (NEW.latitude IS NOT NULL OR NEW.longitude IS NOT NULL)
    EXECUTE FUNCTION forget_erased_place();

CREATE FUNCTION forget_erased_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_place_erased(NEW.vehicle_id, NEW.start_time) THEN
        NEW.start_latitude := NULL;
        NEW.start_longitude := NULL;
    END IF;
    IF is_place_erased(NEW.vehicle_id, NEW.end_time) THEN
        NEW.end_latitude := NULL;
        NEW.end_longitude := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erased_place_stays_erased BEFORE INSERT ON trip
    FOR EACH ROW WHEN (num_nonnulls(NEW.start_latitude, NEW.start_longitude, NEW.end_latitude,
                                    NEW.end_longitude) > 0)
    EXECUTE FUNCTION forget_erased_ends();

CREATE FUNCTION forget_erased_corridor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_place_erased(NEW.vehicle_id, NEW.part_start)
       OR is_place_erased(NEW.vehicle_id, NEW.end_time) THEN
        NEW.corridor := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erased_place_stays_erased BEFORE INSERT ON fuel_part
    FOR EACH ROW WHEN (NEW.corridor IS NOT NULL) EXECUTE FUNCTION forget_erased_corridor();

CREATE FUNCTION forget_erased_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_place_erased(NEW.vehicle_id, coalesce(NEW.position_time, NEW.created_time)) THEN
        NEW.latitude := NULL;
        NEW.longitude := NULL;
        NEW.altitude := NULL;
        NEW.heading := NULL;
        NEW.position_time := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erased_place_stays_erased BEFORE INSERT ON vehicle_report
    FOR EACH ROW WHEN (num_nonnulls(NEW.latitude, NEW.longitude, NEW.altitude, NEW.heading) > 0)
    EXECUTE FUNCTION forget_erased_position();

-- 4. Late frames that would have brought somebody or somewhere back are counted.
ALTER TABLE ingest_count
    DROP CONSTRAINT ingest_count_measure_check,
    ADD CONSTRAINT ingest_count_measure_check CHECK (measure IN
        ('frames', 'messages', 'values', 'refused', 'out_of_limits', 'unknown_signal', 'repeated',
         'merged', 'erased'));

-- 5. What an auditor and the maker may read of erasures, the newest first; to others there are none.
CREATE FUNCTION served.erasures(principal bigint, before_id bigint, max_rows integer)
RETURNS TABLE (
    erasure_id bigint, kind text, asked_by text, began_at timestamptz, ended_at timestamptz,
    counts jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT e.erasure_id, e.kind, e.asked_by, e.began_at, e.ended_at, e.counts
    FROM erasure AS e
    WHERE (SELECT party.kind FROM party WHERE party_id = principal) IN ('auditor', 'maker')
      AND e.erasure_id < before_id
    ORDER BY e.erasure_id DESC
    LIMIT max_rows
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;

-- 6. Data stay in the cell of their region. Without a row here there is one cell for everything.
CREATE TABLE cell (
    cell     integer PRIMARY KEY CHECK (cell BETWEEN 0 AND 4194303),
    regions  text[] NOT NULL DEFAULT '{}',
    is_here  boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX cell_here ON cell (is_here) WHERE is_here;
COMMENT ON TABLE cell IS 'Databases, which regions each holds (ISO 3166-2; a country is all of its).';

CREATE TABLE vehicle_elsewhere (
    vin   text PRIMARY KEY CHECK (vin ~ '^[A-HJ-NPR-Z0-9]{17}$'),
    cell  integer NOT NULL REFERENCES cell
);
COMMENT ON TABLE vehicle_elsewhere IS 'Vehicles that are kept in another cell and must not be here.';

CREATE FUNCTION is_region_of(region text, regions text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT region = ANY (regions) OR split_part(region, '-', 1) = ANY (regions)
$$;

CREATE FUNCTION refuse_other_cells() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    here cell;
    other integer;
BEGIN
    SELECT elsewhere.cell INTO other FROM vehicle_elsewhere AS elsewhere WHERE elsewhere.vin = NEW.vin;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'vehicle % is kept in cell %', NEW.vin, other
            USING ERRCODE = 'check_violation', CONSTRAINT = 'vehicle_is_of_this_cell';
    END IF;
    SELECT * INTO here FROM cell WHERE is_here;
    IF NEW.region IS NULL OR here.cell IS NULL OR cardinality(here.regions) = 0
       OR is_region_of(NEW.region, here.regions) THEN
        RETURN NEW;
    END IF;
    SELECT known.cell INTO other FROM cell AS known
    WHERE NOT known.is_here AND is_region_of(NEW.region, known.regions) LIMIT 1;
    RAISE EXCEPTION 'vehicle % is of region %, which %', NEW.vin, NEW.region,
        coalesce('is kept in cell ' || other, 'no cell of the directory holds')
        USING ERRCODE = 'check_violation', CONSTRAINT = 'vehicle_is_of_this_cell';
END $$;
CREATE TRIGGER refuse_other_cells BEFORE INSERT OR UPDATE OF region, vin ON vehicle
    FOR EACH ROW EXECUTE FUNCTION refuse_other_cells();
