-- rFMS 4.0 as the API reads it: reports hold what its blocks tell, counters stand as of a moment, and
-- functions list reports by the time they were received or created, or each vehicle's latest.
-- works with: 6

-- 1. What a report holds. Switches are 0 and 1; units are the catalogue's.
ALTER TABLE vehicle_report
    ADD COLUMN derived boolean NOT NULL DEFAULT false,
    ADD COLUMN detail text NOT NULL DEFAULT '',
    ADD COLUMN position_time timestamptz,
    ADD COLUMN values_from timestamptz,
    ADD COLUMN driver2_card_id text,
    ADD COLUMN tachograph_speed real,
    ADD COLUMN fuel_level_2 real,
    ADD COLUMN reagent_level real,
    ADD COLUMN fuel_range real,
    ADD COLUMN driver1_working_state real,
    ADD COLUMN driver2_working_state real,
    ADD COLUMN park_brake real,
    ADD COLUMN axle1_weight real,
    ADD COLUMN axle2_weight real,
    ADD COLUMN axle3_weight real,
    ADD COLUMN trailer_connected real,
    ADD COLUMN trailer_axle1_weight real,
    ADD COLUMN trailer_axle2_weight real,
    ADD COLUMN trailer_axle3_weight real,
    ADD COLUMN service_distance real,
    ADD COLUMN coolant_temperature real,
    ADD COLUMN brake_circuit_1_pressure real,
    ADD COLUMN brake_circuit_2_pressure real,
    ADD COLUMN alternator_charging real,
    ADD COLUMN bellow_pressure_front_left real,
    ADD COLUMN bellow_pressure_front_right real,
    ADD COLUMN bellow_pressure_rear_left real,
    ADD COLUMN bellow_pressure_rear_right real,
    ADD COLUMN tell_tale_red real,
    ADD COLUMN tell_tale_amber real,
    ADD COLUMN tell_tale_mil real,
    ADD COLUMN tell_tale_protect real,
    ADD COLUMN fuel_level_low real,
    ADD COLUMN reagent_level_low real,
    ADD COLUMN service_due real,
    ADD COLUMN dpf_lamp real,
    ADD COLUMN trailer_abs_warning real,
    ADD COLUMN light_high_beam real,
    ADD COLUMN light_low_beam real,
    ADD COLUMN light_hazard real,
    ADD COLUMN light_fog_front real,
    ADD COLUMN light_fog_rear real,
    ADD COLUMN light_parking real,
    ADD COLUMN parking_heater real;
COMMENT ON COLUMN vehicle_report.derived IS
    'Whether the trigger was seen in the signals; if not, the vehicle or the timer gave it.';
COMMENT ON COLUMN vehicle_report.detail IS 'What the trigger leaves open, such as a tell-tale.';
COMMENT ON COLUMN vehicle_report.position_time IS
    'When the position was taken; NULL in reports from before there was this column: when created.';
COMMENT ON COLUMN vehicle_report.values_from IS
    'Time of the oldest other value the report holds; NULL: none is older than the report.';

CREATE INDEX vehicle_report_by_received ON vehicle_report (vehicle_id, received_time);
CREATE INDEX vehicle_report_by_trigger ON vehicle_report (vehicle_id, trigger_type, created_time);

-- 2. Counters as of a moment, for the reports that were created from then on. Analysis brings the
-- counters up to a vehicle's newest data now and then; what they were is kept for as long as reports.
CREATE TABLE accumulated_at (
    vehicle_id      bigint NOT NULL,
    until           timestamptz NOT NULL,
    layout_version  integer NOT NULL,
    counters        double precision[] NOT NULL,
    PRIMARY KEY (vehicle_id, until)
);
COMMENT ON TABLE accumulated_at IS
    'The counters of rFMS as they were told of all data up to a moment; none falls from one to the next.';

CREATE FUNCTION keep_counters() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    reached timestamptz;
    known accumulated_at;
    midnight date;
    first_day timestamptz := (SELECT min(day) FROM accumulated_day WHERE vehicle_id = NEW.vehicle_id);
BEGIN
    SELECT least(max(time), (NEW.newest_day + 1)::timestamptz) INTO reached
    FROM vehicle_state WHERE vehicle_id = NEW.vehicle_id;
    reached := coalesce(reached, (NEW.newest_day + 1)::timestamptz);
    SELECT * INTO known FROM accumulated_at
    WHERE vehicle_id = NEW.vehicle_id ORDER BY until DESC LIMIT 1;
    reached := greatest(reached, known.until);
    -- Midnights that have passed since: what was told less what later days have brought, and never
    -- less than what was told before them.
    FOR midnight IN
        SELECT day::date FROM generate_series(
            greatest(coalesce(known.until, first_day, reached), reached - interval '15 days')::date + 1,
            reached::date, interval '1 day') AS day
        WHERE day < reached
    LOOP
        INSERT INTO accumulated_at (vehicle_id, until, layout_version, counters)
        SELECT NEW.vehicle_id, midnight::timestamptz, NEW.layout_version,
               array_agg(greatest(told - coalesce(later.amount, 0), before, 0) ORDER BY position)
        FROM unnest(NEW.served,
                    CASE WHEN known.layout_version = NEW.layout_version THEN known.counters END)
             WITH ORDINALITY AS cell (told, before, position)
        LEFT JOIN (
            SELECT part.position, sum(part.amount) AS amount
            FROM accumulated_day AS worked
            CROSS JOIN unnest(worked.increments) WITH ORDINALITY AS part (amount, position)
            WHERE worked.vehicle_id = NEW.vehicle_id AND worked.day >= midnight
            GROUP BY part.position
        ) AS later USING (position)
        ON CONFLICT DO NOTHING;
    END LOOP;
    INSERT INTO accumulated_at (vehicle_id, until, layout_version, counters)
    VALUES (NEW.vehicle_id, reached, NEW.layout_version, NEW.served)
    ON CONFLICT (vehicle_id, until) DO UPDATE
    SET layout_version = EXCLUDED.layout_version, counters = EXCLUDED.counters;
    DELETE FROM accumulated_at
    WHERE vehicle_id = NEW.vehicle_id AND until < reached - interval '16 days';
    RETURN NULL;
END $$;
CREATE TRIGGER accumulated_is_kept AFTER INSERT OR UPDATE ON accumulated
    FOR EACH ROW EXECUTE FUNCTION keep_counters();
UPDATE accumulated SET updated_at = updated_at;  -- those of today are kept from now on

-- 3. What a principal may see of a report. Nothing older than what is opened to it: a new owner's first
-- report does not tell where the old one had left the vehicle.

-- Whether who drove may be known: by the rule of 0008, or because an employee's card was in the slot.
CREATE FUNCTION knows_drivers(
    principal bigint, drivers tstzmultirange, report vehicle_report, card_id text
) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT drivers @> report.created_time OR EXISTS (
        SELECT FROM driver
        WHERE driver.card_id = $4 AND party_id = principal AND employed @> report.created_time)
$$;

-- The counters a report carries: of all data up to its creation. Reports come a minute apart, so they
-- may be ahead by a minute.
CREATE FUNCTION counters_of(
    report vehicle_report, data tstzmultirange,
    OUT layout_version integer, OUT counters double precision[]
) RETURNS SETOF record
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT counted.layout_version, counted.counters
    FROM (SELECT * FROM accumulated_at AS kept
          WHERE kept.vehicle_id = report.vehicle_id
            AND kept.until <= report.created_time + interval '1 minute'
          ORDER BY kept.until DESC LIMIT 1) AS counted
    WHERE data @> (counted.until - interval '1 microsecond')
$$;

-- Whether a report is opened to a principal and is of the kind that is asked for. A driver's coming,
-- going and doing is told to those who may know who it was.
CREATE FUNCTION is_wanted(
    principal bigint, data tstzmultirange, drivers tstzmultirange, report vehicle_report,
    triggers text[], contents text[], with_position boolean
) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT data @> report.created_time
       AND (triggers IS NULL OR report.trigger_type = ANY (triggers))
       AND (report.trigger_type NOT LIKE 'DRIVER\_%'
            OR knows_drivers(principal, drivers, report, report.driver1_card_id)
            OR knows_drivers(principal, drivers, report, report.driver2_card_id))
       AND (NOT with_position
            OR report.latitude IS NOT NULL AND report.longitude IS NOT NULL
               AND data @> coalesce(report.position_time, report.created_time))
       AND (contents IS NULL
            OR 'SNAPSHOT' = ANY (contents) AND (
                report.latitude IS NOT NULL AND report.longitude IS NOT NULL
                    AND data @> coalesce(report.position_time, report.created_time)
                OR data @> coalesce(report.values_from, report.created_time) AND num_nonnulls(
                    report.wheel_speed, report.tachograph_speed, report.engine_speed,
                    report.fuel_level_1, report.fuel_level_2, report.reagent_level,
                    report.fuel_range, report.ambient_temperature, report.park_brake,
                    report.axle1_weight, report.axle2_weight, report.axle3_weight,
                    nullif(report.trailer_connected, 0)) > 0)
            OR 'UPTIME' = ANY (contents)
                AND data @> coalesce(report.values_from, report.created_time)
                AND num_nonnulls(
                    report.service_distance, report.coolant_temperature,
                    report.brake_circuit_1_pressure, report.brake_circuit_2_pressure,
                    report.alternator_charging, report.bellow_pressure_front_left,
                    report.bellow_pressure_front_right, report.bellow_pressure_rear_left,
                    report.bellow_pressure_rear_right, report.tell_tale_red,
                    report.tell_tale_amber, report.tell_tale_mil, report.tell_tale_protect,
                    report.fuel_level_low, report.reagent_level_low, report.service_due,
                    report.dpf_lamp, report.trailer_abs_warning, report.light_high_beam,
                    report.light_low_beam, report.light_hazard, report.light_fog_front,
                    report.light_fog_rear, report.light_parking, report.parking_heater) > 0
            OR 'ACCUMULATED' = ANY (contents)
                AND EXISTS (SELECT FROM counters_of(report, data)))
$$;

-- A report as a principal may read it.
CREATE FUNCTION tell_report(
    principal bigint, data tstzmultirange, drivers tstzmultirange, report vehicle_report,
    with_counters boolean,
    OUT vin text, OUT trigger_type text, OUT detail text,
    OUT created_time timestamptz, OUT received_time timestamptz, OUT position_time timestamptz,
    OUT driver1_card_id text, OUT driver2_card_id text, OUT reported jsonb,
    OUT layout_version integer, OUT counters double precision[]
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    knows_1 boolean := knows_drivers(principal, drivers, report, report.driver1_card_id);
    knows_2 boolean := knows_drivers(principal, drivers, report, report.driver2_card_id);
BEGIN
    SELECT v.vin INTO vin FROM vehicle AS v WHERE v.vehicle_id = report.vehicle_id;
    trigger_type := report.trigger_type;
    -- A driver's trigger has the card for its detail, of whichever slot.
    detail := CASE WHEN report.trigger_type LIKE 'DRIVER\_LOG%' AND NOT coalesce(
                        drivers @> report.created_time
                        OR knows_drivers(principal, drivers, report, report.detail), false)
                   THEN '' ELSE report.detail END;
    created_time := report.created_time;
    received_time := report.received_time;
    position_time := coalesce(report.position_time, report.created_time);
    driver1_card_id := CASE WHEN knows_1 THEN report.driver1_card_id END;
    driver2_card_id := CASE WHEN knows_2 THEN report.driver2_card_id END;
    reported := CASE WHEN data @> coalesce(report.values_from, report.created_time)
                     THEN to_jsonb(report) - ARRAY[
                         'report_id', 'vehicle_id', 'trigger_type', 'created_time',
                         'received_time', 'derived', 'detail', 'position_time', 'values_from',
                         'driver1_card_id', 'driver2_card_id']
                     ELSE jsonb_build_object(
                         'latitude', report.latitude, 'longitude', report.longitude,
                         'altitude', report.altitude, 'heading', report.heading,
                         'gnss_speed', report.gnss_speed) END;
    IF NOT data @> position_time THEN
        reported := reported
            - ARRAY['latitude', 'longitude', 'altitude', 'heading', 'gnss_speed'];
    END IF;
    IF NOT knows_1 THEN reported := reported - 'driver1_working_state'; END IF;
    IF NOT knows_2 THEN reported := reported - 'driver2_working_state'; END IF;
    reported := jsonb_strip_nulls(reported);
    IF with_counters THEN
        SELECT told.layout_version, told.counters INTO layout_version, counters
        FROM counters_of(report, data) AS told;
    END IF;
END $$;

-- 4. What the API reads.

-- Up to, not including, when every report that will ever be received is there to be read: published
-- times only grow, so what is received later is received at this moment or after it.
CREATE FUNCTION served.report_horizon() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT coalesce(max(received_time) + interval '1 microsecond', '2000-01-01 00:00:00+00')
    FROM vehicle_report
$$;

-- Reports in the order they were received, from first_received on and before before_received; by
-- created time too, where created_from and created_before are given.
CREATE FUNCTION served.reports(
    principal bigint, wanted_vin text, first_received timestamptz, before_received timestamptz,
    created_from timestamptz, created_before timestamptz, triggers text[], contents text[],
    with_position boolean, with_counters boolean, max_rows integer
)
RETURNS TABLE (
    vin text, trigger_type text, detail text, created_time timestamptz, received_time timestamptz,
    position_time timestamptz, driver1_card_id text, driver2_card_id text, reported jsonb,
    layout_version integer, counters double precision[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = telemetry, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    one bigint;
    vehicles bigint[];
    created tstzrange := tstzrange(created_from, created_before);
BEGIN
    IF wanted_vin IS NOT NULL THEN
        SELECT visible.vehicle_id INTO one FROM visible_vehicle(principal, wanted_vin) AS visible;
        vehicles := ARRAY[one];
    ELSIF (SELECT kind FROM party WHERE party_id = principal) IS DISTINCT FROM 'maker' THEN
        SELECT coalesce(array_agg(DISTINCT vehicle_id), '{}') INTO vehicles FROM vehicle_access
        WHERE party_id = principal AND valid @> now();
        -- Who sees a good part of all vehicles reads the reports of all and leaves out the others'.
        IF cardinality(vehicles) > 100
           AND cardinality(vehicles) * 10 > (SELECT count(*) FROM vehicle) THEN
            vehicles := NULL;
        END IF;
    END IF;
    IF vehicles IS NULL THEN
        RETURN QUERY
        SELECT told.*
        FROM (
            SELECT report, may.data, may.drivers
            FROM vehicle_report AS report
            CROSS JOIN LATERAL opened(principal, report.vehicle_id) AS may
            WHERE report.received_time >= first_received
              AND report.received_time < before_received
              AND created @> report.created_time
              AND is_wanted(principal, may.data, may.drivers, report, triggers, contents,
                            with_position)
            ORDER BY report.received_time LIMIT max_rows
        ) AS found
        CROSS JOIN LATERAL tell_report(
            principal, found.data, found.drivers, found.report, with_counters) AS told
        ORDER BY told.received_time;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT told.*
    FROM (
        SELECT theirs.report, may.data, may.drivers
        FROM unnest(vehicles) AS mine (vehicle_id)
        CROSS JOIN LATERAL opened(principal, mine.vehicle_id) AS may
        CROSS JOIN LATERAL (
            SELECT report FROM vehicle_report AS report
            WHERE report.vehicle_id = mine.vehicle_id
              AND report.received_time >= first_received
              AND report.received_time < before_received
              AND created @> report.created_time
              AND is_wanted(principal, may.data, may.drivers, report, triggers, contents,
                            with_position)
            ORDER BY report.received_time LIMIT max_rows
        ) AS theirs
        ORDER BY (theirs.report).received_time LIMIT max_rows
    ) AS found
    CROSS JOIN LATERAL tell_report(
        principal, found.data, found.drivers, found.report, with_counters) AS told
    ORDER BY told.received_time;
END $$;

-- A vehicle's latest report of a kind: the newest by created time, or by received time.
CREATE FUNCTION latest_report(
    principal bigint, of_vehicle bigint, data tstzmultirange, drivers tstzmultirange,
    by_received boolean, before_received timestamptz, triggers text[], contents text[],
    with_position boolean
) RETURNS SETOF vehicle_report
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    IF by_received THEN
        RETURN QUERY
        SELECT report.* FROM vehicle_report AS report
        WHERE report.vehicle_id = of_vehicle AND report.received_time < before_received
          AND is_wanted(principal, data, drivers, report, triggers, contents, with_position)
        ORDER BY report.received_time DESC LIMIT 1;
    ELSIF triggers IS NULL THEN
        RETURN QUERY
        SELECT report.* FROM vehicle_report AS report
        WHERE report.vehicle_id = of_vehicle AND report.received_time < before_received
          AND is_wanted(principal, data, drivers, report, triggers, contents, with_position)
        ORDER BY report.created_time DESC, report.trigger_type DESC LIMIT 1;
    ELSE
        RETURN QUERY
        SELECT newest.* FROM unnest(triggers) AS wanted (kind)
        CROSS JOIN LATERAL (
            SELECT report.* FROM vehicle_report AS report
            WHERE report.vehicle_id = of_vehicle AND report.trigger_type = wanted.kind
              AND report.received_time < before_received
              AND is_wanted(principal, data, drivers, report, triggers, contents, with_position)
            ORDER BY report.created_time DESC LIMIT 1
        ) AS newest
        ORDER BY newest.created_time DESC, newest.trigger_type DESC LIMIT 1;
    END IF;
END $$;

-- Each vehicle's latest report, by VIN after after_vin.
CREATE FUNCTION served.latest_reports(
    principal bigint, wanted_vin text, after_vin text, by_received boolean,
    before_received timestamptz, triggers text[], contents text[], with_position boolean,
    with_counters boolean, max_rows integer
)
RETURNS TABLE (
    vin text, trigger_type text, detail text, created_time timestamptz, received_time timestamptz,
    position_time timestamptz, driver1_card_id text, driver2_card_id text, reported jsonb,
    layout_version integer, counters double precision[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    seen record;
    latest vehicle_report;
    told integer := 0;
BEGIN
    FOR seen IN
        SELECT visible.vehicle_id FROM visible_vehicle(principal, wanted_vin) AS visible
        WHERE wanted_vin IS NOT NULL
    LOOP
        -- Nothing else is asked of one vehicle; its absence has been told by an error.
        RETURN QUERY
        SELECT one.* FROM opened(principal, seen.vehicle_id) AS may
        CROSS JOIN LATERAL latest_report(
            principal, seen.vehicle_id, may.data, may.drivers, by_received, before_received,
            triggers, contents, with_position) AS report
        CROSS JOIN LATERAL tell_report(
            principal, may.data, may.drivers, report, with_counters) AS one;
        RETURN;
    END LOOP;
    FOR seen IN
        SELECT visible.vehicle_id, may.data, may.drivers
        FROM visible_vehicles(principal, after_vin, 2147483647) AS visible
        JOIN vehicle AS v USING (vehicle_id)
        CROSS JOIN LATERAL opened(principal, visible.vehicle_id) AS may
        ORDER BY v.vin
    LOOP
        SELECT * INTO latest FROM latest_report(
            principal, seen.vehicle_id, seen.data, seen.drivers, by_received, before_received,
            triggers, contents, with_position);
        CONTINUE WHEN latest.report_id IS NULL;
        RETURN QUERY SELECT one.* FROM tell_report(
            principal, seen.data, seen.drivers, latest, with_counters) AS one;
        told := told + 1;
        EXIT WHEN told >= max_rows;
    END LOOP;
END $$;

-- Vehicles by VIN, as rFMS lists them.
CREATE FUNCTION served.rfms_vehicles(principal bigint, after_vin text, max_rows integer)
RETURNS TABLE (vin text, model text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT v.vin, v.model
    FROM visible_vehicles(principal, after_vin, max_rows) AS visible
    JOIN vehicle AS v USING (vehicle_id)
    ORDER BY v.vin
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
