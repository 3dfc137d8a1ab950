-- What the API may read of fuel and advice, and the one thing it may write: what became of a piece
-- of advice. The rules are those of 0005 and 0008: a principal (a party) sees what its grants open,
-- and who drove where it may know him. Fuel of several parts adds up what of them is opened. Advice
-- speaks of a whole week: it is there where the week is opened as a whole, and that for a driver where
-- the principal may know him in all of it. What is not there is not there (P0002, with its table).
-- works with: 6

-- 1. Fuel.

-- The parts of trips that a principal may see, of a vehicle, a driver or a fleet (one of them is not
-- NULL), that start between start and stop. Of an employee's driving it sees neither VIN nor corridor
-- where the vehicle is not opened. A vehicle is the fleet's that was in it when the part began.
CREATE FUNCTION visible_fuel(
    principal bigint, wanted_vin text, wanted_driver bigint, wanted_fleet bigint,
    start timestamptz, stop timestamptz
)
RETURNS TABLE (vehicle_id bigint, part fuel_part, driver_id bigint, vin text, corridor text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    visible record;
BEGIN
    IF wanted_vin IS NOT NULL THEN
        SELECT found.vehicle_id, opened.data, opened.drivers INTO visible
        FROM visible_vehicle(principal, wanted_vin) AS found
        CROSS JOIN LATERAL opened(principal, found.vehicle_id);
        RETURN QUERY
        SELECT fuel.vehicle_id, fuel,
               known_driver(principal, visible.drivers, fuel.driver_id, its.span), wanted_vin,
               fuel.corridor
        FROM fuel_part AS fuel
        CROSS JOIN LATERAL (SELECT tstzrange(fuel.part_start, fuel.end_time, '[]') AS span) AS its
        WHERE fuel.vehicle_id = visible.vehicle_id
          AND fuel.part_start >= start AND fuel.part_start < stop AND visible.data @> its.span;
    ELSIF wanted_driver IS NOT NULL THEN
        SELECT found.driver_id, found.everything INTO visible
        FROM visible_driver(principal, wanted_driver) AS found;
        RETURN QUERY
        WITH driven AS MATERIALIZED (
            SELECT vehicle.vehicle_id, vehicle.vin, opened.data, opened.drivers
            FROM (SELECT DISTINCT fuel.vehicle_id FROM fuel_part AS fuel
                  WHERE fuel.driver_id = visible.driver_id
                    AND fuel.part_start >= start AND fuel.part_start < stop) AS found
            JOIN vehicle USING (vehicle_id)
            CROSS JOIN LATERAL opened(principal, found.vehicle_id)
        )
        SELECT fuel.vehicle_id, fuel, fuel.driver_id,
               CASE WHEN driven.data @> its.span THEN driven.vin END,
               CASE WHEN driven.data @> its.span THEN fuel.corridor END
        FROM fuel_part AS fuel
        JOIN driven USING (vehicle_id)
        CROSS JOIN LATERAL (SELECT tstzrange(fuel.part_start, fuel.end_time, '[]') AS span) AS its
        WHERE fuel.driver_id = visible.driver_id
          AND fuel.part_start >= start AND fuel.part_start < stop
          AND (visible.everything @> its.span OR driven.drivers @> its.span);
    ELSE
        SELECT found.fleet_id INTO visible FROM visible_fleet(principal, wanted_fleet) AS found;
        RETURN QUERY
        WITH member AS MATERIALIZED (
            SELECT vehicle.vehicle_id, vehicle.vin, found.member, opened.data, opened.drivers
            FROM (SELECT belongs.vehicle_id, range_agg(belongs.member) AS member
                  FROM fleet_vehicle AS belongs
                  WHERE belongs.fleet_id = visible.fleet_id
                    AND belongs.member && tstzrange(start, stop)
                  GROUP BY belongs.vehicle_id) AS found
            JOIN vehicle USING (vehicle_id)
            CROSS JOIN LATERAL opened(principal, found.vehicle_id)
        )
        SELECT fuel.vehicle_id, fuel,
               known_driver(principal, member.drivers, fuel.driver_id, its.span), member.vin,
               fuel.corridor
        FROM member
        JOIN fuel_part AS fuel USING (vehicle_id)
        CROSS JOIN LATERAL (SELECT tstzrange(fuel.part_start, fuel.end_time, '[]') AS span) AS its
        WHERE fuel.part_start >= start AND fuel.part_start < stop
          AND member.member @> fuel.part_start AND member.data @> its.span;
    END IF;
END $$;

-- The sums over parts, by their keys. Where an interval is summed up, the errors of one vehicle are
-- taken to be of one sign (they come from what is believed of that vehicle, its mass above all) and
-- add up, those of several vehicles to be independent: they add up as squares.
CREATE FUNCTION fuel_sums(vehicles bigint[], starts timestamptz[]) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    WITH part AS MATERIALIZED (
        SELECT part.*,
               CASE WHEN part.fuel_l IS NOT NULL THEN part.expected_l END AS compared_l
        FROM unnest(vehicles, starts) AS wanted (vehicle_id, part_start)
        JOIN fuel_part AS part USING (vehicle_id, part_start)
    ), compared AS (
        SELECT sum(vehicle.expected_l) AS expected_l, sum(vehicle.fuel_l) AS fuel_l,
               sqrt(sum(vehicle.below_l ^ 2)) AS below_l, sqrt(sum(vehicle.above_l ^ 2)) AS above_l
        FROM (
            SELECT sum(expected_l) AS expected_l, sum(fuel_l) AS fuel_l,
                   sum(expected_l - expected_low_l) AS below_l,
                   sum(expected_high_l - expected_l) AS above_l
            FROM part WHERE compared_l IS NOT NULL GROUP BY vehicle_id
        ) AS vehicle
    )
    SELECT jsonb_build_object(
        'parts', count(*),
        'distance_km', sum(part.distance_km),
        'fuel_l', sum(part.fuel_l),
        'fuel_parts', count(part.fuel_l),
        'fuel_km', sum(part.distance_km) FILTER (WHERE part.fuel_l IS NOT NULL),
        'fuel_of_km_l', sum(part.fuel_l) FILTER (WHERE part.distance_km IS NOT NULL),
        'fuel_sources', array_agg(DISTINCT part.fuel_source ORDER BY part.fuel_source)
            FILTER (WHERE part.fuel_source IS NOT NULL),
        'counter_l', sum(part.counter_l), 'rate_l', sum(part.rate_l), 'tank_l', sum(part.tank_l),
        'disagreement_percent',
            sum(part.disagreement_percent * part.fuel_l)
            / nullif(sum(part.fuel_l) FILTER (WHERE part.disagreement_percent IS NOT NULL), 0),
        'idle_fuel_l', sum(part.idle_fuel_l), 'pto_fuel_l', sum(part.pto_fuel_l),
        'moving_fuel_l', sum(part.moving_fuel_l),
        'regeneration_fuel_l', sum(part.regeneration_fuel_l),
        'mass_t_km', sum(part.mass_t_km), 'payload_t_km', sum(part.payload_t_km),
        'payload_fuel_l', sum(part.fuel_l) FILTER (WHERE part.payload_t_km IS NOT NULL),
        'fuelled_t_km', sum(part.payload_t_km) FILTER (WHERE part.fuel_l IS NOT NULL),
        'empty_km', sum(part.empty_km), 'loaded_km', sum(part.loaded_km),
        'load_known_km', sum(part.load_known_km),
        'engine_s', sum(part.engine_s), 'idle_s', sum(part.idle_s),
        'driving_s', sum(part.driving_s), 'stops', sum(part.stops), 'ascent_m', sum(part.ascent_m),
        'compared_l', (SELECT fuel_l FROM compared),
        'expected_l', (SELECT expected_l FROM compared),
        'expected_low_l', (SELECT expected_l - below_l FROM compared),
        'expected_high_l', (SELECT expected_l + above_l FROM compared),
        'expected_by', array_agg(DISTINCT part.expected_by ORDER BY part.expected_by)
            FILTER (WHERE part.compared_l IS NOT NULL),
        'attributed_l', sum(part.fuel_l) FILTER (
            WHERE EXISTS (SELECT FROM fuel_cause AS cause
                          WHERE cause.vehicle_id = part.vehicle_id
                            AND cause.part_start = part.part_start)),
        'missing', (SELECT coalesce(array_agg(DISTINCT name ORDER BY name), '{}')
                    FROM part CROSS JOIN LATERAL unnest(part.missing) AS name))
    FROM part
$$;

-- What those parts needed beyond a good reference, by cause, the dearest first; as above.
CREATE FUNCTION fuel_causes(vehicles bigint[], starts timestamptz[]) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'cause', total.cause, 'litres', total.litres, 'low_l', total.litres - total.below_l,
               'high_l', total.litres + total.above_l)
               ORDER BY total.litres DESC, total.cause), '[]')
    FROM (
        SELECT vehicle.cause, sum(vehicle.litres) AS litres,
               sqrt(sum(vehicle.below_l ^ 2)) AS below_l, sqrt(sum(vehicle.above_l ^ 2)) AS above_l
        FROM (
            SELECT part.vehicle_id, part.cause, sum(part.litres) AS litres,
                   sum(part.litres - part.low_l) AS below_l,
                   sum(part.high_l - part.litres) AS above_l
            FROM unnest(vehicles, starts) AS wanted (vehicle_id, part_start)
            JOIN fuel_cause AS part USING (vehicle_id, part_start)
            GROUP BY part.vehicle_id, part.cause
        ) AS vehicle
        GROUP BY vehicle.cause
    ) AS total
$$;

-- The period that a part is of: itself, the day or the week its trip began in, or all that was asked.
CREATE FUNCTION fuel_period(part fuel_part, by_period text, asked tstzrange) RETURNS tstzrange
LANGUAGE sql STABLE AS $$
    SELECT CASE by_period
        WHEN 'part' THEN tstzrange(part.part_start, part.end_time, '[]')
        WHEN 'day' THEN tstzrange(part.day::timestamp AT TIME ZONE part.time_zone,
                                  (part.day + 1)::timestamp AT TIME ZONE part.time_zone)
        WHEN 'week' THEN tstzrange(part.week::timestamp AT TIME ZONE part.time_zone,
                                   (part.week + 7)::timestamp AT TIME ZONE part.time_zone)
        WHEN 'total' THEN CASE WHEN asked @> part.part_start THEN asked END
    END
$$;

-- Fuel of a vehicle or a driver (the other is NULL) by periods that start between start and stop: of
-- each the sums over those of its parts that are opened. Of a single part also what it was of.
CREATE FUNCTION served.fuel(
    principal bigint, wanted_vin text, wanted_driver bigint, by_period text,
    start timestamptz, stop timestamptz, newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    start_time timestamptz, end_time timestamptz, time_zone text, vin text, driver_id bigint,
    trip_start timestamptz, corridor text, sums jsonb, causes jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT lower(found.period), upper(found.period), found.time_zone, found.vin, found.driver_id,
           found.trip_start, found.corridor, fuel_sums(found.vehicles, found.starts),
           fuel_causes(found.vehicles, found.starts)
    FROM (
        SELECT its.period, its.time_zone, its.vehicle_id,
               CASE WHEN by_period = 'part' THEN min(visible.vin) END AS vin,
               CASE WHEN by_period = 'part' THEN min(visible.driver_id) END AS driver_id,
               CASE WHEN by_period = 'part' THEN min((visible.part).trip_start) END AS trip_start,
               CASE WHEN by_period = 'part' THEN min(visible.corridor) END AS corridor,
               array_agg(visible.vehicle_id) AS vehicles,
               array_agg((visible.part).part_start) AS starts
        -- A week that begins just before stop has parts after it; trips last a week at the most.
        FROM visible_fuel(principal, wanted_vin, wanted_driver, NULL, start,
                          CASE WHEN by_period IN ('part', 'total') THEN stop
                               ELSE stop + interval '15 days' END) AS visible
        CROSS JOIN LATERAL (
            SELECT fuel_period(visible.part, by_period, tstzrange(start, stop)) AS period,
                   CASE WHEN by_period <> 'total' THEN (visible.part).time_zone END AS time_zone,
                   CASE WHEN by_period = 'part' THEN visible.vehicle_id END AS vehicle_id
        ) AS its
        WHERE lower(its.period) >= start AND lower(its.period) < stop
        GROUP BY its.period, its.time_zone, its.vehicle_id
        ORDER BY CASE WHEN newest_first THEN lower(its.period) END DESC, lower(its.period),
                 its.time_zone, its.vehicle_id
        OFFSET skipped LIMIT max_rows
    ) AS found
    ORDER BY CASE WHEN newest_first THEN lower(found.period) END DESC, lower(found.period),
             found.time_zone, found.vehicle_id
$$;

-- Fuel of a fleet over a span, by vehicle, driver or corridor, or in total; those that needed most
-- come first. Parts whose driver (or corridor) is not known, or not to be known, are one row.
CREATE FUNCTION served.fleet_fuel(
    principal bigint, wanted_fleet bigint, by_subject text, start timestamptz, stop timestamptz,
    skipped bigint, max_rows integer
)
RETURNS TABLE (
    vin text, driver_id bigint, card_id text, name text, corridor text, sums jsonb, causes jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT found.vin, found.driver_id, driver.card_id,
           CASE WHEN driver.party_id = principal
                     OR (SELECT kind FROM party WHERE party_id = principal) = 'maker'
                THEN driver.name END,
           found.corridor, fuel_sums(found.vehicles, found.starts),
           fuel_causes(found.vehicles, found.starts)
    FROM (
        SELECT its.vin, its.driver_id, its.corridor, sum((visible.part).fuel_l) AS fuel_l,
               array_agg(visible.vehicle_id) AS vehicles,
               array_agg((visible.part).part_start) AS starts
        FROM visible_fuel(principal, NULL, NULL, wanted_fleet, start, stop) AS visible
        CROSS JOIN LATERAL (
            SELECT CASE WHEN by_subject = 'vehicle' THEN visible.vin END AS vin,
                   CASE WHEN by_subject = 'driver' THEN visible.driver_id END AS driver_id,
                   CASE WHEN by_subject = 'corridor' THEN visible.corridor END AS corridor
        ) AS its
        GROUP BY its.vin, its.driver_id, its.corridor
        ORDER BY fuel_l DESC NULLS LAST, its.vin, its.driver_id, its.corridor
        OFFSET skipped LIMIT max_rows
    ) AS found
    LEFT JOIN driver USING (driver_id)
    ORDER BY found.fuel_l DESC NULLS LAST, found.vin, found.driver_id, found.corridor
$$;

-- What happened to a vehicle's tank, by its start (kinds NULL: of every kind).
CREATE FUNCTION served.tank_events(
    principal bigint, wanted_vin text, kinds text[], start timestamptz, stop timestamptz,
    newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    kind text, start_time timestamptz, end_time timestamptz, litres double precision,
    low_l double precision, high_l double precision, level_before_l double precision,
    level_after_l double precision, latitude double precision, longitude double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT event.kind, event.start_time, event.end_time, event.litres, event.low_l, event.high_l,
           event.level_before_l, event.level_after_l, event.latitude, event.longitude
    FROM visible_vehicle(principal, wanted_vin) AS visible
    JOIN tank_event AS event USING (vehicle_id)
    WHERE event.start_time >= start AND event.start_time < stop
      AND (kinds IS NULL OR event.kind = ANY (kinds))
      AND visible.data @> tstzrange(event.start_time, event.end_time, '[]')
    ORDER BY CASE WHEN newest_first THEN event.start_time END DESC, event.start_time
    OFFSET skipped LIMIT max_rows
$$;

-- 2. Advice.

-- All the time a piece of advice speaks of: its week, and what of a trip that began in it came later.
CREATE FUNCTION advice_span(piece advice) RETURNS tstzmultirange
LANGUAGE sql STABLE AS $$
    SELECT coalesce(range_agg(tstzrange(part.part_start, part.end_time, '[]')), '{}')
           + tstzmultirange(tstzrange(piece.start_time, piece.end_time))
    FROM fuel_part AS part
    WHERE part.vehicle_id = piece.vehicle_id AND part.week = piece.week
      -- For the index: a trip that began in the week lasts one more at the most.
      AND part.part_start >= piece.start_time
      AND part.part_start < piece.end_time + interval '8 days'
      AND (piece.driver_id IS NULL OR part.driver_id = piece.driver_id)
$$;

-- Whether a principal may see advice on a time of a vehicle, whether it may see the vehicle then, and
-- whether it is on the owner's side, which alone may say what becomes of it: the owner then, whose
-- fleet the vehicle was in, where that is a maker, and the driver's employer.
CREATE FUNCTION advice_access(
    principal bigint, of_vehicle bigint, for_driver bigint, span tstzmultirange,
    OUT is_visible boolean, OUT is_open boolean, OUT may_answer boolean
)
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN for_driver IS NULL THEN opened.data @> span
                ELSE opened.drivers @> span OR employs.yes END,
           opened.data @> span,
           owned.data @> span OR employs.yes
               OR is_maker.yes AND EXISTS (
                   SELECT FROM fleet_vehicle AS belongs JOIN fleet USING (fleet_id)
                   WHERE belongs.vehicle_id = of_vehicle AND fleet.party_id = principal
                     AND tstzmultirange(belongs.member) && span)
    FROM opened(principal, of_vehicle)
    CROSS JOIN (SELECT coalesce(bool_or(kind = 'maker'), false) AS yes
                FROM party WHERE party_id = principal) AS is_maker
    CROSS JOIN (SELECT EXISTS (
                    SELECT FROM driver
                    WHERE driver_id = for_driver AND party_id = principal AND employed @> span)
                    AS yes) AS employs
    CROSS JOIN (SELECT coalesce(range_agg(access.data), '{}') AS data
                FROM vehicle_access AS access
                WHERE access.party_id = principal AND access.vehicle_id = of_vehicle
                  AND access.valid @> now() AND access.purpose = 'ownership') AS owned
$$;

-- The weeks that a result compares: that of the advice and three before it with eight after it, as
-- far as they were over when it was measured.
CREATE FUNCTION result_span(piece advice, result advice_result) RETURNS tstzmultirange
LANGUAGE sql STABLE AS $$
    SELECT tstzmultirange(tstzrange(
        (piece.week - 21)::timestamp AT TIME ZONE piece.time_zone,
        greatest(piece.end_time,
                 least(result.measured_at,
                       (piece.week + 63)::timestamp AT TIME ZONE piece.time_zone))))
$$;

-- Whether it helped, for those who may see all the weeks that are compared.
CREATE FUNCTION told_result(principal bigint, piece advice) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'verdict', result.verdict, 'weeks_before', result.weeks_before,
        'weeks_after', result.weeks_after, 'saved_l_per_100km', result.saved_l_per_100km,
        'low', result.low, 'high', result.high, 'saved_l', result.saved_l, 'low_l', result.low_l,
        'high_l', result.high_l, 'measured_at', result.measured_at)
    FROM advice_result AS result
    CROSS JOIN LATERAL advice_access(
        principal, piece.vehicle_id, piece.driver_id, result_span(piece, result)) AS access
    WHERE result.advice_id = piece.advice_id AND access.is_visible
$$;

-- A piece of advice as a principal may see it; no row where it may not.
CREATE FUNCTION told_advice(principal bigint, piece advice)
RETURNS TABLE (
    advice_id bigint, vin text, driver_id bigint, week date, time_zone text,
    start_time timestamptz, end_time timestamptz, cause text, variant smallint,
    saving_l double precision, low_l double precision, high_l double precision,
    distance_km double precision, fuel_l double precision, confidence text, effort text,
    facts jsonb, evidence jsonb, status text, status_at timestamptz, given_at timestamptz,
    may_answer boolean, result jsonb
)
LANGUAGE sql STABLE AS $$
    SELECT piece.advice_id,
           CASE WHEN access.is_open
                THEN (SELECT vin FROM vehicle WHERE vehicle_id = piece.vehicle_id) END,
           piece.driver_id, piece.week, piece.time_zone, piece.start_time, piece.end_time,
           piece.cause, piece.variant, piece.saving_l, piece.low_l, piece.high_l,
           piece.distance_km, piece.fuel_l, piece.confidence, piece.effort, piece.facts,
           piece.evidence, piece.status, piece.status_at, piece.given_at, access.may_answer,
           told_result(principal, piece)
    FROM advice_access(
        principal, piece.vehicle_id, piece.driver_id, advice_span(piece)) AS access
    WHERE access.is_visible
$$;

-- Advice of the weeks of a vehicle, or of a driver, that start between start and stop.
CREATE FUNCTION served.advice_of(
    principal bigint, wanted_vin text, wanted_driver bigint, statuses text[],
    start timestamptz, stop timestamptz, newest_first boolean, skipped integer, max_rows integer
)
RETURNS TABLE (
    advice_id bigint, vin text, driver_id bigint, week date, time_zone text,
    start_time timestamptz, end_time timestamptz, cause text, variant smallint,
    saving_l double precision, low_l double precision, high_l double precision,
    distance_km double precision, fuel_l double precision, confidence text, effort text,
    facts jsonb, evidence jsonb, status text, status_at timestamptz, given_at timestamptz,
    may_answer boolean, result jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    of_vehicle bigint;
    of_driver bigint;
BEGIN
    IF wanted_driver IS NULL THEN
        SELECT visible.vehicle_id INTO of_vehicle
        FROM visible_vehicle(principal, wanted_vin) AS visible;
    ELSE
        SELECT visible.driver_id INTO of_driver
        FROM visible_driver(principal, wanted_driver) AS visible;
    END IF;
    RETURN QUERY
    SELECT told.*
    FROM advice AS piece CROSS JOIN LATERAL told_advice(principal, piece) AS told
    WHERE (piece.vehicle_id = of_vehicle OR piece.driver_id = of_driver)
      AND piece.start_time >= start AND piece.start_time < stop
      AND (statuses IS NULL OR piece.status = ANY (statuses))
    ORDER BY CASE WHEN newest_first THEN piece.start_time END DESC, piece.start_time,
             piece.saving_l DESC NULLS LAST, piece.advice_id
    OFFSET skipped LIMIT max_rows;
END $$;

-- The advice on a fleet's vehicles and their drivers, of a week or (NULL) all that has a result. A
-- vehicle is the fleet's that was in it that week.
CREATE FUNCTION fleet_pieces(principal bigint, wanted_fleet bigint, of_week date)
RETURNS SETOF advice
LANGUAGE plpgsql STABLE AS $$
DECLARE
    visible record;
BEGIN
    SELECT * INTO visible FROM visible_fleet(principal, wanted_fleet);
    RETURN QUERY
    SELECT found.*
    FROM advice AS found
    WHERE (found.week = of_week
           OR of_week IS NULL AND EXISTS (SELECT FROM advice_result AS result
                                          WHERE result.advice_id = found.advice_id))
      AND EXISTS (SELECT FROM fleet_vehicle AS belongs
                  WHERE belongs.fleet_id = visible.fleet_id
                    AND belongs.vehicle_id = found.vehicle_id
                    AND belongs.member && tstzrange(found.start_time, found.end_time));
END $$;

-- That of a week of a fleet, the greatest saving first.
CREATE FUNCTION served.fleet_advice(
    principal bigint, wanted_fleet bigint, of_week date, statuses text[],
    skipped bigint, max_rows integer
)
RETURNS TABLE (
    advice_id bigint, vin text, driver_id bigint, week date, time_zone text,
    start_time timestamptz, end_time timestamptz, cause text, variant smallint,
    saving_l double precision, low_l double precision, high_l double precision,
    distance_km double precision, fuel_l double precision, confidence text, effort text,
    facts jsonb, evidence jsonb, status text, status_at timestamptz, given_at timestamptz,
    may_answer boolean, result jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT told.*
    FROM fleet_pieces(principal, wanted_fleet, of_week) AS piece
    CROSS JOIN LATERAL told_advice(principal, piece) AS told
    WHERE (statuses IS NULL OR piece.status = ANY (statuses))
    ORDER BY told.saving_l DESC NULLS LAST, told.advice_id
    OFFSET skipped LIMIT max_rows
$$;

-- What came of the advice on a fleet's vehicles and their drivers, as far as the principal may see it.
-- What was dismissed has saved nothing.
CREATE FUNCTION served.fleet_results(principal bigint, wanted_fleet bigint)
RETURNS TABLE (
    vehicle_id bigint, driver_id bigint, cause text, week date, saved_l double precision,
    low_l double precision, high_l double precision, verdict text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT piece.vehicle_id, piece.driver_id, piece.cause, piece.week, told.saved_l, told.low_l,
           told.high_l, told.verdict
    FROM fleet_pieces(principal, wanted_fleet, NULL) AS piece
    CROSS JOIN LATERAL jsonb_to_record(told_result(principal, piece)) AS told (
        saved_l double precision, low_l double precision, high_l double precision, verdict text)
    WHERE piece.status <> 'dismissed' AND told.verdict IS NOT NULL  -- NULL: there is no result
    ORDER BY piece.advice_id
$$;

-- One piece of advice.
CREATE FUNCTION served.advice(principal bigint, wanted_advice bigint)
RETURNS TABLE (
    advice_id bigint, vin text, driver_id bigint, week date, time_zone text,
    start_time timestamptz, end_time timestamptz, cause text, variant smallint,
    saving_l double precision, low_l double precision, high_l double precision,
    distance_km double precision, fuel_l double precision, confidence text, effort text,
    facts jsonb, evidence jsonb, status text, status_at timestamptz, given_at timestamptz,
    may_answer boolean, result jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT told.*
    FROM advice AS piece CROSS JOIN LATERAL told_advice(principal, piece) AS told
    WHERE piece.advice_id = wanted_advice;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no advice % that party % may see', wanted_advice, principal
            USING ERRCODE = 'no_data_found', TABLE = 'advice';
    END IF;
END $$;

-- Say what became of a piece of advice: it was seen, accepted or dismissed. One may change one's mind,
-- but what was answered has been seen and stays answered. Returns what it is afterwards; to say it
-- again changes nothing, and who may only look changes nothing either.
CREATE FUNCTION served.answer_advice(principal bigint, wanted_advice bigint, new_status text)
RETURNS TABLE (may_answer boolean, status text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF new_status IS NULL OR new_status NOT IN ('seen', 'accepted', 'dismissed') THEN
        RAISE EXCEPTION 'advice is seen, accepted or dismissed, not %', new_status
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT told.may_answer INTO may_answer FROM served.advice(principal, wanted_advice) AS told;
    IF may_answer THEN
        UPDATE advice AS piece
        SET status = new_status, status_at = now()
        WHERE piece.advice_id = wanted_advice AND piece.status <> new_status
          AND (new_status <> 'seen' OR piece.status = 'given');
    END IF;
    SELECT piece.status INTO status FROM advice AS piece WHERE piece.advice_id = wanted_advice;
    RETURN NEXT;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
