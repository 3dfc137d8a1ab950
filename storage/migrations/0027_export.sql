-- Exports: what `telemetry export` writes for a purpose. A purpose has a key of its own, as a dataset
-- has, so that vehicles exported for two purposes cannot be joined by their pseudonyms. What a trip
-- and an event tell, coarsened, is said once, for datasets and exports.
-- works with: 6

-- Who has this key can tell the vehicle of a pseudonym: it stays here.
CREATE TABLE export_purpose (
    purpose     text PRIMARY KEY CHECK (purpose ~ '\S' AND length(purpose) <= 200),
    key         bytea NOT NULL CHECK (octet_length(key) = 32),
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE export_purpose IS 'What exports were written for, each with the key of its pseudonyms.';

CREATE FUNCTION vehicle_pseudonym(key bytea, vin text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT encode(substr(keyed_hash(key, 'vehicle ' || vin), 1, 16), 'hex')
$$;

-- By how much a counter of a vehicle is shifted: below 2^32, whole, and known to nobody.
CREATE FUNCTION counter_shift(key bytea, vin text, name text) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT ('x' || encode(substr(keyed_hash(key, 'shift ' || vin || ' ' || name), 1, 4), 'hex')
           )::bit(32)::bigint::double precision
$$;

CREATE OR REPLACE FUNCTION counter_shift(wanted_dataset bigint, vin text, name text)
RETURNS double precision
LANGUAGE sql STABLE AS $$
    SELECT counter_shift(key, vin, name) FROM dataset_key WHERE dataset_id = wanted_dataset
$$;

-- A trip as it is told of a vehicle that is not to be known: times are the beginnings of steps, places
-- the middles of cells; ways, times and litres are rounded to 0.1 km, a minute and 0.1 L.
CREATE FUNCTION told_trip(one trip, step_s integer, grid_deg double precision)
RETURNS TABLE (
    start_time timestamptz, end_time timestamptz, kind text,
    distance_km double precision, duration_s double precision, driving_s double precision,
    idle_s double precision, stop_count integer, fuel_l double precision,
    idle_fuel_l double precision, max_speed_kmh double precision,
    start_latitude double precision, start_longitude double precision,
    end_latitude double precision, end_longitude double precision
)
LANGUAGE sql IMMUTABLE ROWS 1 AS $$
    SELECT whole_steps(one.start_time, step_s), whole_steps(one.end_time, step_s), one.kind,
           rounded(one.distance_km, 0.1), rounded(one.duration_s, 60), rounded(one.driving_s, 60),
           rounded(one.idle_s, 60), one.stop_count, rounded(one.fuel_l, 0.1),
           rounded(one.idle_fuel_l, 0.1), rounded(one.max_speed_kmh, 1),
           cell_middle(one.start_latitude, grid_deg), cell_middle(one.start_longitude, grid_deg),
           cell_middle(one.end_latitude, grid_deg), cell_middle(one.end_longitude, grid_deg)
$$;

-- An event likewise; fatigue, which speaks of the driver alone, is told of nobody.
CREATE FUNCTION told_event(one driving_event, step_s integer, grid_deg double precision)
RETURNS TABLE (
    kind text, start_time timestamptz, trip_start timestamptz,
    duration_s double precision, severity smallint, peak double precision,
    limit_value double precision, speed_km_h double precision, distance_km double precision,
    fuel_l double precision, latitude double precision, longitude double precision
)
LANGUAGE sql IMMUTABLE ROWS 1 AS $$
    SELECT one.kind, whole_steps(one.start_time, step_s), whole_steps(one.trip_start, step_s),
           rounded(extract(epoch FROM one.end_time - one.start_time)::double precision, 1),
           one.severity, one.peak, one.limit_value, rounded(one.speed_km_h, 1),
           rounded(one.distance_km, 0.01), rounded(one.fuel_l, 0.01),
           cell_middle(one.latitude, grid_deg), cell_middle(one.longitude, grid_deg)
    WHERE NOT starts_with(one.kind, 'fatigue_')
$$;

CREATE OR REPLACE FUNCTION served.dataset_trips(
    principal bigint, wanted_dataset bigint, start timestamptz, stop timestamptz,
    from_vehicle text, from_start timestamptz, skipped integer, max_rows integer
)
RETURNS TABLE (
    vehicle text, start_time timestamptz, end_time timestamptz, kind text,
    distance_km double precision, duration_s double precision, driving_s double precision,
    idle_s double precision, stop_count integer, fuel_l double precision,
    idle_fuel_l double precision, max_speed_kmh double precision,
    start_latitude double precision, start_longitude double precision,
    end_latitude double precision, end_longitude double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT member.pseudonym, told.*
    FROM readable_dataset(principal, wanted_dataset) AS of_it
    CROSS JOIN LATERAL (
        SELECT greatest(of_it.grid_deg, finest_grid_deg) AS deg FROM dataset_rule) AS grid
    CROSS JOIN LATERAL dataset_members(of_it.dataset_id) AS member
    JOIN trip ON trip.vehicle_id = member.vehicle_id
    CROSS JOIN LATERAL told_trip(trip, of_it.resolution_s, grid.deg) AS told
    WHERE of_it.with_trips
      AND member.pseudonym >= from_vehicle
      AND (member.pseudonym > from_vehicle OR from_start IS NULL OR told.start_time >= from_start)
      AND trip.start_time >= whole_steps(start, of_it.resolution_s)
      AND told.start_time < stop
      AND trip.start_time < stop + interval '1 day'  -- for the index: no step is longer
      AND member.data @> tstzrange(trip.start_time, trip.end_time, '[]')
    ORDER BY member.pseudonym, told.start_time, trip.start_time
    OFFSET skipped LIMIT max_rows
$$;

CREATE OR REPLACE FUNCTION served.dataset_events(
    principal bigint, wanted_dataset bigint, kinds text[], start timestamptz, stop timestamptz,
    from_vehicle text, from_start timestamptz, skipped integer, max_rows integer
)
RETURNS TABLE (
    vehicle text, kind text, start_time timestamptz, trip_start timestamptz,
    duration_s double precision, severity smallint, peak double precision,
    limit_value double precision, speed_km_h double precision, distance_km double precision,
    fuel_l double precision, latitude double precision, longitude double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT member.pseudonym, told.*
    FROM readable_dataset(principal, wanted_dataset) AS of_it
    CROSS JOIN LATERAL (
        SELECT greatest(of_it.grid_deg, finest_grid_deg) AS deg FROM dataset_rule) AS grid
    CROSS JOIN LATERAL dataset_members(of_it.dataset_id) AS member
    JOIN driving_event AS event ON event.vehicle_id = member.vehicle_id
    CROSS JOIN LATERAL told_event(event, of_it.resolution_s, grid.deg) AS told
    WHERE of_it.with_events
      AND (kinds IS NULL OR event.kind = ANY (kinds))
      AND member.pseudonym >= from_vehicle
      AND (member.pseudonym > from_vehicle OR from_start IS NULL OR told.start_time >= from_start)
      AND event.start_time >= whole_steps(start, of_it.resolution_s)
      AND told.start_time < stop
      AND event.start_time < stop + interval '1 day'
      AND member.data @> tstzrange(event.start_time, event.end_time, '[]')
    ORDER BY member.pseudonym, told.start_time, event.start_time, event.kind
    OFFSET skipped LIMIT max_rows
$$;
