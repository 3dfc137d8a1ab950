-- What the API may read of how vehicles were driven. To the rule of 0005 comes one on drivers: who
-- drove is known to the maker, to the party that owned the vehicle then, and to the driver's employer.
-- To all others a vehicle's driver is not known, and a driver they may not know is one that is not
-- there (P0002, with the table that lacks it).
-- works with: 6

-- What a principal may see of a vehicle, and in which of it who drove.
CREATE FUNCTION opened(
    principal bigint, of_vehicle bigint, OUT data tstzmultirange, OUT drivers tstzmultirange
)
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN party.kind = 'maker' THEN '{(,)}' ELSE granted.data END,
           CASE WHEN party.kind = 'maker' THEN '{(,)}' ELSE granted.drivers END
    FROM (
        SELECT coalesce(range_agg(access.data), '{}') AS data,
               coalesce(range_agg(access.data) FILTER (WHERE access.purpose = 'ownership'), '{}')
                   AS drivers
        FROM vehicle_access AS access
        WHERE access.party_id = principal AND access.vehicle_id = of_vehicle
          AND access.valid @> now()
    ) AS granted
    LEFT JOIN party ON party.party_id = principal
$$;

-- The driver, if the principal may know that it was this one.
CREATE FUNCTION known_driver(
    principal bigint, drivers tstzmultirange, wanted_driver bigint, span tstzrange
) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN drivers @> span OR EXISTS (
                    SELECT FROM driver
                    WHERE driver_id = wanted_driver AND party_id = principal AND employed @> span)
                THEN wanted_driver END
$$;

-- Whether a driver drove a vehicle in what a principal may know of its drivers.
CREATE FUNCTION drove(of_driver bigint, of_vehicle bigint, drivers tstzmultirange) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM trip_part AS part
        WHERE part.vehicle_id = of_vehicle AND part.driver_id = of_driver
          AND drivers @> tstzrange(part.part_start, part.end_time, '[]'))
$$;

-- Those who ever drove a vehicle, each by one step in the index.
CREATE FUNCTION drivers_of(of_vehicle bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE ROWS 5 AS $$
    WITH RECURSIVE found AS (
        SELECT (SELECT min(driver_id) FROM trip_part WHERE vehicle_id = of_vehicle) AS driver_id
        UNION ALL
        SELECT (SELECT min(part.driver_id) FROM trip_part AS part
                WHERE part.vehicle_id = of_vehicle AND part.driver_id > found.driver_id)
        FROM found WHERE found.driver_id IS NOT NULL
    )
    SELECT driver_id FROM found WHERE driver_id IS NOT NULL
$$;

-- The drivers a principal may know, by their numbers.
CREATE FUNCTION visible_drivers(principal bigint, after_id bigint, max_rows integer)
RETURNS SETOF bigint
LANGUAGE sql STABLE AS $$
    (SELECT driver_id FROM driver
     WHERE driver_id > after_id AND (SELECT kind FROM party WHERE party_id = principal) = 'maker'
     ORDER BY driver_id LIMIT max_rows)
    UNION
    (SELECT driver_id FROM driver
     WHERE driver_id > after_id AND party_id = principal
     ORDER BY driver_id LIMIT max_rows)
    UNION
    (SELECT DISTINCT found.driver_id
     FROM (SELECT DISTINCT vehicle_id FROM vehicle_access
           WHERE party_id = principal AND purpose = 'ownership' AND valid @> now()) AS owned
     CROSS JOIN LATERAL opened(principal, owned.vehicle_id)
     CROSS JOIN LATERAL drivers_of(owned.vehicle_id) AS found (driver_id)
     WHERE found.driver_id > after_id AND drove(found.driver_id, owned.vehicle_id, opened.drivers)
     ORDER BY found.driver_id LIMIT max_rows)
    ORDER BY driver_id LIMIT max_rows
$$;

-- One of them, and the time of which the principal may know all that the driver did.
CREATE FUNCTION visible_driver(
    principal bigint, wanted_driver bigint, OUT driver_id bigint, OUT everything tstzrange
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT d.driver_id,
           CASE WHEN p.kind = 'maker' THEN tstzrange(NULL, NULL)
                WHEN d.party_id = principal THEN d.employed
                WHEN EXISTS (
                    SELECT FROM (SELECT DISTINCT part.vehicle_id FROM trip_part AS part
                                 WHERE part.driver_id = wanted_driver) AS driven
                    CROSS JOIN LATERAL opened(principal, driven.vehicle_id)
                    WHERE drove(wanted_driver, driven.vehicle_id, opened.drivers))
                THEN 'empty'
           END
    INTO driver_id, everything
    FROM driver AS d, party AS p
    WHERE d.driver_id = wanted_driver AND p.party_id = principal;
    IF everything IS NULL THEN
        RAISE EXCEPTION 'no driver % that party % may know', wanted_driver, principal
            USING ERRCODE = 'no_data_found', TABLE = 'driver';
    END IF;
END $$;

-- A fleet is its party's, and the maker's.
CREATE FUNCTION visible_fleet(
    principal bigint, wanted_fleet bigint, OUT fleet_id bigint, OUT name text, OUT time_zone text
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT f.fleet_id, f.name, f.time_zone INTO fleet_id, name, time_zone
    FROM fleet AS f, party AS p
    WHERE f.fleet_id = wanted_fleet AND p.party_id = principal
      AND (p.kind = 'maker' OR f.party_id = principal);
    IF fleet_id IS NULL THEN
        RAISE EXCEPTION 'no fleet % that party % may see', wanted_fleet, principal
            USING ERRCODE = 'no_data_found', TABLE = 'fleet';
    END IF;
END $$;

-- Trips of a vehicle that start between start and stop, by their start, upwards or downwards.
DROP FUNCTION served.trips(bigint, text, timestamptz, timestamptz, boolean, integer);
CREATE FUNCTION served.trips(
    principal bigint, wanted_vin text, start timestamptz, stop timestamptz,
    newest_first boolean, max_rows integer
)
RETURNS TABLE (
    start_time timestamptz, end_time timestamptz, kind text, driver_id bigint,
    distance_km double precision, duration_s double precision, driving_s double precision,
    idle_s double precision, stop_count integer, fuel_l double precision,
    idle_fuel_l double precision, l_per_100km double precision, max_speed_kmh real,
    start_latitude double precision, start_longitude double precision,
    end_latitude double precision, end_longitude double precision,
    distance_source text, fuel_source text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT trip.start_time, trip.end_time, trip.kind,
           known_driver(principal, opened.drivers, trip.driver_id,
                        tstzrange(trip.start_time, trip.end_time, '[]')),
           trip.distance_km, trip.duration_s, trip.driving_s, trip.idle_s, trip.stop_count,
           trip.fuel_l, trip.idle_fuel_l, trip.l_per_100km, trip.max_speed_kmh,
           trip.start_latitude, trip.start_longitude, trip.end_latitude, trip.end_longitude,
           trip.distance_source, trip.fuel_source
    FROM visible_vehicle(principal, wanted_vin) AS visible
    CROSS JOIN LATERAL opened(principal, visible.vehicle_id)
    JOIN trip USING (vehicle_id)
    WHERE trip.start_time >= start AND trip.start_time < stop
      AND opened.data @> tstzrange(trip.start_time, trip.end_time, '[]')
    ORDER BY CASE WHEN newest_first THEN trip.start_time END DESC, trip.start_time
    LIMIT max_rows
$$;

-- Driving events of a vehicle that start between start and stop (kinds NULL: of every kind). Those
-- that start at the same moment stand in a fixed order, so that a page may begin after some of them.
-- Fatigue speaks of the driver alone: it is not there for those who may not know who drove. It sums
-- up hours from the start of its window on: that must be opened, too.
CREATE FUNCTION served.vehicle_events(
    principal bigint, wanted_vin text, kinds text[], least_severity integer,
    start timestamptz, stop timestamptz, newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    vin text, kind text, start_time timestamptz, end_time timestamptz, driver_id bigint,
    trip_start timestamptz, peak double precision, peak_time timestamptz,
    limit_value double precision, severity smallint, speed_km_h double precision,
    distance_km double precision, fuel_l double precision, latitude double precision,
    longitude double precision, window_start timestamptz, window_end timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT wanted_vin, event.kind, event.start_time, event.end_time, known.driver_id,
           event.trip_start, event.peak, event.peak_time, event.limit_value, event.severity,
           event.speed_km_h, event.distance_km, event.fuel_l, event.latitude, event.longitude,
           event.window_start, event.window_end
    FROM visible_vehicle(principal, wanted_vin) AS visible
    CROSS JOIN LATERAL opened(principal, visible.vehicle_id)
    JOIN driving_event AS event USING (vehicle_id)
    CROSS JOIN LATERAL (
        SELECT tstzrange(CASE WHEN starts_with(event.kind, 'fatigue_') THEN event.window_start
                              ELSE event.start_time END, event.end_time, '[]') AS span
    ) AS its
    CROSS JOIN LATERAL (
        SELECT known_driver(principal, opened.drivers, event.driver_id, its.span) AS driver_id
    ) AS known
    WHERE event.start_time >= start AND event.start_time < stop
      AND (kinds IS NULL OR event.kind = ANY (kinds)) AND event.severity >= least_severity
      AND opened.data @> its.span
      AND (NOT starts_with(event.kind, 'fatigue_') OR opened.drivers @> its.span
           OR known.driver_id IS NOT NULL)
    ORDER BY CASE WHEN newest_first THEN event.start_time END DESC, event.start_time, event.kind
    OFFSET skipped LIMIT max_rows
$$;

-- Those of a driver, whatever the vehicle; one the principal may not see has no VIN and no place.
CREATE FUNCTION served.driver_events(
    principal bigint, wanted_driver bigint, kinds text[], least_severity integer,
    start timestamptz, stop timestamptz, newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    vin text, kind text, start_time timestamptz, end_time timestamptz, driver_id bigint,
    trip_start timestamptz, peak double precision, peak_time timestamptz,
    limit_value double precision, severity smallint, speed_km_h double precision,
    distance_km double precision, fuel_l double precision, latitude double precision,
    longitude double precision, window_start timestamptz, window_end timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    WITH visible AS MATERIALIZED (
        SELECT * FROM visible_driver(principal, wanted_driver)
    ), driven AS MATERIALIZED (
        SELECT vehicle.vehicle_id, vehicle.vin, opened.data, opened.drivers
        FROM (SELECT DISTINCT event.vehicle_id
              FROM visible JOIN driving_event AS event USING (driver_id)
              WHERE event.start_time >= start AND event.start_time < stop) AS found
        JOIN vehicle USING (vehicle_id)
        CROSS JOIN LATERAL opened(principal, found.vehicle_id)
    )
    SELECT CASE WHEN at.is_open THEN driven.vin END, event.kind, event.start_time, event.end_time,
           event.driver_id, event.trip_start, event.peak, event.peak_time, event.limit_value,
           event.severity, event.speed_km_h, event.distance_km, event.fuel_l,
           CASE WHEN at.is_open THEN event.latitude END,
           CASE WHEN at.is_open THEN event.longitude END, event.window_start, event.window_end
    FROM visible
    JOIN driving_event AS event USING (driver_id)
    JOIN driven USING (vehicle_id)
    CROSS JOIN LATERAL (
        SELECT tstzrange(CASE WHEN starts_with(event.kind, 'fatigue_') THEN event.window_start
                              ELSE event.start_time END, event.end_time, '[]') AS span
    ) AS its
    CROSS JOIN LATERAL (SELECT driven.data @> its.span AS is_open) AS at
    WHERE event.start_time >= start AND event.start_time < stop
      AND (kinds IS NULL OR event.kind = ANY (kinds)) AND event.severity >= least_severity
      AND (visible.everything @> its.span OR driven.drivers @> its.span)
    ORDER BY CASE WHEN newest_first THEN event.start_time END DESC, event.start_time, event.kind,
             event.vehicle_id
    OFFSET skipped LIMIT max_rows
$$;

-- What a driver drove of trips, by the start of that part; likewise without the VIN where it is not
-- for the principal. Fuel is NULL where it was measured on less than 95 % of the way.
CREATE FUNCTION served.driver_trips(
    principal bigint, wanted_driver bigint, start timestamptz, stop timestamptz,
    newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    vin text, trip_start timestamptz, start_time timestamptz, end_time timestamptz, kind text,
    distance_km double precision, driving_s double precision, idle_s double precision,
    fuel_l double precision, stops double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    WITH visible AS MATERIALIZED (
        SELECT * FROM visible_driver(principal, wanted_driver)
    ), driven AS MATERIALIZED (
        SELECT vehicle.vehicle_id, vehicle.vin, opened.data, opened.drivers
        FROM (SELECT DISTINCT part.vehicle_id
              FROM visible JOIN trip_part AS part USING (driver_id)
              WHERE part.part_start >= start AND part.part_start < stop) AS found
        JOIN vehicle USING (vehicle_id)
        CROSS JOIN LATERAL opened(principal, found.vehicle_id)
    )
    SELECT CASE WHEN driven.data @> its.span THEN driven.vin END, part.trip_start, part.part_start,
           part.end_time, coalesce(trip.kind, 'drive'), part.distance_km, part.driving_s,
           part.idle_s,
           CASE WHEN (part.fuel_known_km > 0 OR part.fuel_l > 0)
                     AND part.fuel_known_km >= 0.95 * part.distance_km
                THEN part.fuel_l END,
           part.stops
    FROM visible
    JOIN trip_part AS part USING (driver_id)
    JOIN driven USING (vehicle_id)
    LEFT JOIN trip ON trip.vehicle_id = part.vehicle_id AND trip.start_time = part.trip_start
    CROSS JOIN LATERAL (SELECT tstzrange(part.part_start, part.end_time, '[]') AS span) AS its
    WHERE part.part_start >= start AND part.part_start < stop
      AND (visible.everything @> its.span OR driven.drivers @> its.span)
    ORDER BY CASE WHEN newest_first THEN part.part_start END DESC, part.part_start,
             part.vehicle_id
    OFFSET skipped LIMIT max_rows
$$;

-- What moved a score, that which cost most first.
CREATE FUNCTION score_parts(kind text, id bigint, start timestamptz) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'metric', part.metric, 'value', part.value, 'value_low', part.value_low,
               'value_high', part.value_high, 'worst', part.worst, 'best', part.best,
               'reference', part.reference, 'peers', part.peers,
               'metric_score', part.metric_score, 'weight', part.weight, 'points', part.points,
               'points_lost', part.points_lost)
               ORDER BY part.points_lost DESC, part.metric), '[]')
    FROM score_part AS part
    WHERE part.subject_kind = kind AND part.subject_id = id AND part.start_time = start
$$;

-- How a week compares with the subject's four before it, where all five are opened.
CREATE FUNCTION score_trend(of_week score, opened tstzmultirange) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN of_week.trend IS NOT NULL
         AND opened @> tstzrange((of_week.week - 28)::timestamp AT TIME ZONE of_week.time_zone,
                                 of_week.end_time)
        THEN jsonb_build_object(
            'word', of_week.trend, 'past_score', of_week.past_score,
            'past_weeks', of_week.past_weeks, 'change', of_week.change,
            'change_low', of_week.change_low, 'change_high', of_week.change_high)
    END
$$;

-- A vehicle's scores, by week or by trip. A week that is not opened as a whole is not told: its score
-- would speak of what is not.
CREATE FUNCTION served.vehicle_scores(
    principal bigint, wanted_vin text, of_trips boolean, start timestamptz, stop timestamptz,
    newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    start_time timestamptz, end_time timestamptz, week date, time_zone text, driver_id bigint,
    vehicle_class text, band text, score double precision, low double precision,
    high double precision, grade text, reason text, missing text, difficulty double precision,
    difficulty_missing text, reference text, distance_km double precision, n_trips integer,
    trend jsonb, parts jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT score.start_time, score.end_time, score.week, score.time_zone,
           known_driver(principal, opened.drivers, trip.driver_id,
                        tstzrange(score.start_time, score.end_time, '[]')),
           score.vehicle_class, score.band, score.score, score.low, score.high, score.grade,
           score.reason, score.missing, score.difficulty, score.difficulty_missing,
           score.reference, score.distance_km, score.n_trips, score_trend(score.*, opened.data),
           score_parts(score.subject_kind, score.subject_id, score.start_time)
    FROM visible_vehicle(principal, wanted_vin) AS visible
    CROSS JOIN LATERAL opened(principal, visible.vehicle_id)
    JOIN score ON score.subject_id = visible.vehicle_id
        AND score.subject_kind = CASE WHEN of_trips THEN 'trip' ELSE 'vehicle' END
    LEFT JOIN trip ON of_trips AND trip.vehicle_id = visible.vehicle_id
        AND trip.start_time = score.start_time
    WHERE score.start_time >= start AND score.start_time < stop
      AND opened.data @> tstzrange(score.start_time, score.end_time)
    ORDER BY CASE WHEN newest_first THEN score.start_time END DESC, score.start_time
    OFFSET skipped LIMIT max_rows
$$;

-- Whether a principal may know of all that made a driver's score of a week.
CREATE FUNCTION whole_week_visible(principal bigint, of_driver bigint, of_week date)
RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_and(opened.drivers @> driven.spans), false)
    FROM (
        SELECT part.vehicle_id,
               range_agg(tstzrange(part.part_start, part.end_time, '[]')) AS spans
        FROM trip_part AS part
        WHERE part.driver_id = of_driver AND part.week = of_week
          -- For the index: a week begins 26 hours apart around the earth.
          AND part.part_start >= of_week::timestamp AT TIME ZONE 'UTC' - interval '1 day'
        GROUP BY part.vehicle_id
    ) AS driven
    CROSS JOIN LATERAL opened(principal, driven.vehicle_id)
$$;

-- A driver's scores by week, of weeks of which the principal may know the whole.
CREATE FUNCTION served.driver_scores(
    principal bigint, wanted_driver bigint, start timestamptz, stop timestamptz,
    newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    start_time timestamptz, end_time timestamptz, week date, time_zone text, driver_id bigint,
    vehicle_class text, band text, score double precision, low double precision,
    high double precision, grade text, reason text, missing text, difficulty double precision,
    difficulty_missing text, reference text, distance_km double precision, n_trips integer,
    trend jsonb, parts jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT score.start_time, score.end_time, score.week, score.time_zone, score.subject_id,
           score.vehicle_class, score.band, score.score, score.low, score.high, score.grade,
           score.reason, score.missing, score.difficulty, score.difficulty_missing,
           score.reference, score.distance_km, score.n_trips,
           score_trend(score.*, visible.everything::tstzmultirange),
           score_parts(score.subject_kind, score.subject_id, score.start_time)
    FROM visible_driver(principal, wanted_driver) AS visible
    JOIN score ON score.subject_kind = 'driver' AND score.subject_id = visible.driver_id
    WHERE score.start_time >= start AND score.start_time < stop
      AND (visible.everything @> tstzrange(score.start_time, score.end_time)
           OR whole_week_visible(principal, visible.driver_id, score.week))
    ORDER BY CASE WHEN newest_first THEN score.start_time END DESC, score.start_time
    OFFSET skipped LIMIT max_rows
$$;

-- A vehicle's counters as of the newest day in them; none where that day is not opened.
CREATE FUNCTION served.accumulated(principal bigint, wanted_vin text)
RETURNS TABLE (
    layout_version integer, newest_day date, counters double precision[],
    corrections bigint, corrected double precision, updated_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = telemetry, pg_temp SET timezone = 'UTC' AS $$
    SELECT counted.layout_version, counted.newest_day, counted.served, counted.corrections,
           counted.corrected, counted.updated_at
    FROM visible_vehicle(principal, wanted_vin) AS visible
    JOIN accumulated AS counted USING (vehicle_id)
    WHERE visible.data @> tstzrange(counted.newest_day, counted.newest_day + 1)
$$;

-- The drivers of a principal by their numbers. Names are the employer's to know.
CREATE FUNCTION served.drivers(principal bigint, after_id bigint, max_rows integer)
RETURNS TABLE (driver_id bigint, card_id text, name text, is_employee boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT d.driver_id, d.card_id,
           CASE WHEN d.party_id = principal
                     OR (SELECT kind FROM party WHERE party_id = principal) = 'maker'
                THEN d.name END,
           coalesce(d.party_id = principal AND d.employed @> now(), false)
    FROM visible_drivers(principal, after_id, max_rows) AS visible (driver_id)
    JOIN driver AS d USING (driver_id)
    ORDER BY d.driver_id
$$;

-- The fleets of a principal by their numbers.
CREATE FUNCTION served.fleets(principal bigint, after_id bigint, max_rows integer)
RETURNS TABLE (fleet_id bigint, name text, party text, time_zone text, vehicles bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT f.fleet_id, f.name, owner.name, f.time_zone,
           (SELECT count(DISTINCT vehicle_id) FROM fleet_vehicle AS member
            WHERE member.fleet_id = f.fleet_id AND member.member @> now())
    FROM fleet AS f
    JOIN party AS owner USING (party_id)
    WHERE f.fleet_id > after_id
      AND (f.party_id = principal
           OR (SELECT kind FROM party WHERE party_id = principal) = 'maker')
    ORDER BY f.fleet_id
    LIMIT max_rows
$$;

CREATE FUNCTION served.fleet(principal bigint, wanted_fleet bigint)
RETURNS TABLE (fleet_id bigint, name text, time_zone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT * FROM visible_fleet(principal, wanted_fleet)
$$;

-- A week's scores of a fleet's vehicles, or of those who drove them, each with the one of the week
-- before; as far as the principal may see them. A vehicle is the fleet's that was in it that week.
CREATE FUNCTION served.fleet_scores(
    principal bigint, wanted_fleet bigint, of_week date, of_drivers boolean
)
RETURNS TABLE (
    vin text, driver_id bigint, card_id text, name text, vehicle_class text, band text,
    score double precision, low double precision, high double precision, grade text, reason text,
    difficulty double precision, distance_km double precision, n_trips integer,
    score_before double precision, trend jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    WITH fleet AS MATERIALIZED (
        SELECT fleet_id,
               tstzrange(of_week::timestamp AT TIME ZONE time_zone,
                         (of_week::timestamp + interval '7 days') AT TIME ZONE time_zone) AS week
        FROM visible_fleet(principal, wanted_fleet)
    ), member AS MATERIALIZED (
        SELECT DISTINCT vehicle_id
        FROM fleet JOIN fleet_vehicle USING (fleet_id)
        WHERE fleet_vehicle.member && fleet.week
    ), subject AS (
        SELECT 'vehicle' AS kind, member.vehicle_id AS id, vehicle.vin, NULL::bigint AS driver_id,
               NULL::text AS card_id, NULL::text AS name, opened.data
        FROM member
        JOIN vehicle USING (vehicle_id)
        CROSS JOIN LATERAL opened(principal, member.vehicle_id)
        WHERE NOT of_drivers
        UNION ALL
        SELECT 'driver', driver.driver_id, NULL, driver.driver_id, driver.card_id,
               CASE WHEN is_maker.yes OR driver.party_id = principal THEN driver.name END,
               CASE WHEN is_maker.yes THEN '{(,)}'
                    WHEN driver.party_id = principal THEN tstzmultirange(driver.employed)
                    ELSE '{}' END
        FROM (SELECT DISTINCT part.driver_id
              FROM member JOIN trip_part AS part USING (vehicle_id)
              WHERE part.week = of_week AND of_drivers) AS drove
        JOIN driver USING (driver_id)
        CROSS JOIN (SELECT coalesce(bool_or(kind = 'maker'), false) AS yes
                    FROM party WHERE party_id = principal) AS is_maker
    )
    SELECT subject.vin, subject.driver_id, subject.card_id, subject.name, score.vehicle_class,
           score.band, score.score, score.low, score.high, score.grade, score.reason,
           score.difficulty, score.distance_km, score.n_trips, before.score,
           score_trend(score.*, subject.data)
    FROM subject
    JOIN score ON score.week = of_week AND score.subject_kind = subject.kind
        AND score.subject_id = subject.id
    LEFT JOIN score AS before
        ON before.week = of_week - 7 AND before.subject_kind = subject.kind
        AND before.subject_id = subject.id
        AND (subject.data @> tstzrange(before.start_time, before.end_time)
             OR of_drivers AND whole_week_visible(principal, subject.id, before.week))
    WHERE subject.data @> tstzrange(score.start_time, score.end_time)
       OR of_drivers AND whole_week_visible(principal, subject.id, score.week)
    ORDER BY score.score DESC NULLS LAST, subject.id
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
