-- Registers as the API changes them. To the rules of 0005 and 0008 come those on who may write: the
-- maker keeps vehicles and parties, an owner its fleets, drivers and grants, and nobody gives more
-- than he has. What one may not see is not there (P0002); what one may see and not change is refused
-- (VT403), and so is what cannot be (VT409, VT412, VT422: the HTTP status that fits).
-- works with: 6

ALTER TABLE vehicle_access
    ADD COLUMN granted_by bigint REFERENCES party,
    ADD COLUMN ended_at timestamptz;
COMMENT ON COLUMN vehicle_access.granted_by IS 'Who gave it over the API; NULL: by command, or a sale.';
COMMENT ON COLUMN vehicle_access.ended_at IS 'When somebody ended it, or a sale did, before its time.';
CREATE INDEX vehicle_access_by_giver ON vehicle_access (granted_by) WHERE granted_by IS NOT NULL;

-- Refuse, with what happened, what to do, and the field where it is one.
CREATE FUNCTION refuse(
    status integer, reason text, detail text, way_out text, field text DEFAULT ''
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'VT' || status, MESSAGE = detail, HINT = way_out,
        CONSTRAINT = reason, COLUMN = field;
END $$;

CREATE FUNCTION not_there(of_table text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'no_data_found', TABLE = of_table,
        MESSAGE = format('no %s that the principal may see', of_table);
END $$;

CREATE FUNCTION kind_of(principal bigint) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT coalesce((SELECT kind FROM party WHERE party_id = principal), '') $$;

CREATE FUNCTION require_kind(principal bigint, VARIADIC kinds text[]) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF kind_of(principal) <> ALL (kinds) THEN
        PERFORM refuse(403, 'not_yours', 'This register is not yours to change.',
                       format('Let a party change it that is %s.', array_to_string(kinds, ' or ')));
    END IF;
END $$;

-- The tag of a row as it is now, which a change may be made to depend on.
CREATE FUNCTION require_tag(expected text[], tag text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF tag <> ALL (expected) THEN
        PERFORM refuse(412, 'changed_meanwhile', 'This was changed since you have read it.',
                       'Read it again, and send its new ETag in If-Match.');
    END IF;
END $$;

-- Whether a party owns a vehicle now, and since when its data are that party's.
CREATE FUNCTION owned_since(principal bigint, of_vehicle bigint, OUT is_owner boolean, OUT since timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT count(*) > 0, coalesce(min(lower(data)) FILTER (WHERE NOT lower_inf(data)), '-infinity')
    FROM (SELECT data FROM vehicle_access
          WHERE party_id = principal AND vehicle_id = of_vehicle AND purpose = 'ownership'
            AND valid @> now() AND upper_inf(data)
          ORDER BY lower(data) NULLS FIRST LIMIT 1) AS own
$$;

-- Vehicles -----------------------------------------------------------------------------------------

CREATE TYPE served.vehicle_entry AS (
    vin text, model text, plate text, region text, vehicle_class text, check_digit_ok boolean,
    registered_by text, registered_at timestamptz, owner text, tag text
);

-- Plate and region are those of today: told to whom today is open. Who owns a vehicle is known to the
-- maker and to its owner.
CREATE FUNCTION vehicle_entry(principal bigint, of_vehicle bigint, data tstzmultirange)
RETURNS SETOF served.vehicle_entry
LANGUAGE sql STABLE AS $$
    SELECT v.vin, v.model, told.plate, told.region, v.vehicle_class, v.check_digit_ok,
           v.registered_by, v.registered_at, told.owner,
           left(md5(row(v.model, v.plate, v.region, v.vehicle_class, told.owner)::text), 16)
    FROM vehicle AS v
    CROSS JOIN LATERAL (
        SELECT of_today(v.plate, data), of_today(v.region, data),
               CASE WHEN kind_of(principal) = 'maker' OR (owned_since(principal, of_vehicle)).is_owner
                    THEN (SELECT string_agg(DISTINCT party.name, ', ' ORDER BY party.name)
                          FROM vehicle_access AS own JOIN party USING (party_id)
                          WHERE own.vehicle_id = of_vehicle AND own.purpose = 'ownership'
                            AND own.valid @> now() AND upper_inf(own.data)) END
    ) AS told (plate, region, owner)
    WHERE v.vehicle_id = of_vehicle
$$;

CREATE FUNCTION served.vehicle_entries(principal bigint, after_vin text, max_rows integer)
RETURNS SETOF served.vehicle_entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT entry.*
    FROM visible_vehicles(principal, after_vin, max_rows) AS visible
    CROSS JOIN LATERAL vehicle_entry(principal, visible.vehicle_id, visible.data) AS entry
    ORDER BY entry.vin
$$;

CREATE FUNCTION served.vehicle_entry(principal bigint, wanted_vin text)
RETURNS SETOF served.vehicle_entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT entry.*
    FROM visible_vehicle(principal, wanted_vin) AS visible
    CROSS JOIN LATERAL vehicle_entry(principal, visible.vehicle_id, visible.data) AS entry
$$;

CREATE FUNCTION served.register_vehicle(
    principal bigint, new_vin text, check_digit_fits boolean, new_model text, new_plate text,
    new_region text, new_class text
) RETURNS SETOF served.vehicle_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    PERFORM require_kind(principal, 'maker');
    INSERT INTO vehicle (vin, check_digit_ok, registered_by, model, plate, region, vehicle_class)
    VALUES (new_vin, check_digit_fits, 'register', new_model, new_plate, new_region,
            coalesce(new_class, 'heavy_truck'))
    ON CONFLICT (vin) DO NOTHING;
    IF NOT FOUND THEN
        PERFORM refuse(409, 'already_there', 'A vehicle of this VIN is registered already.',
                       'Change it with PATCH.', 'vin');
    END IF;
    RETURN QUERY SELECT * FROM served.vehicle_entry(principal, new_vin);
END $$;

-- Another class lets the days of a vehicle be analysed again.
CREATE FUNCTION set_vehicle(
    of_vehicle bigint, new_model text, new_plate text, new_region text, new_class text
) RETURNS void
LANGUAGE sql VOLATILE AS $$
    UPDATE touched_day SET analysed_by = 0
    FROM vehicle
    WHERE touched_day.vehicle_id = of_vehicle AND vehicle.vehicle_id = of_vehicle
      AND vehicle.vehicle_class <> new_class;
    UPDATE vehicle
    SET model = new_model, plate = new_plate, region = new_region, vehicle_class = new_class
    WHERE vehicle_id = of_vehicle
$$;

-- Change what `changes` names; null takes out what was known.
CREATE FUNCTION served.change_vehicle(
    principal bigint, wanted_vin text, changes jsonb, expected text[]
) RETURNS SETOF served.vehicle_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    found vehicle;
BEGIN
    PERFORM visible_vehicle(principal, wanted_vin);
    PERFORM require_kind(principal, 'maker');
    SELECT * INTO found FROM vehicle WHERE vin = wanted_vin FOR NO KEY UPDATE;
    IF expected IS NOT NULL THEN
        PERFORM require_tag(expected, tag) FROM served.vehicle_entry(principal, wanted_vin);
    END IF;
    found := jsonb_populate_record(found, changes - '{vehicle_id,vin}'::text[]);
    PERFORM set_vehicle(
        found.vehicle_id, found.model, found.plate, found.region, found.vehicle_class);
    RETURN QUERY SELECT * FROM served.vehicle_entry(principal, wanted_vin);
END $$;

-- Lines of a list of vehicles: new ones are registered, of others what a line says is changed and
-- what it leaves empty stays. Without `writes` it is only counted what would happen.
CREATE FUNCTION import_vehicles(lines jsonb, writes boolean)
RETURNS TABLE (registered bigint, changed bigint, unchanged bigint)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    IF writes THEN
        -- One list at a time, and each vehicle's row in the order of VINs: nobody waits in a circle.
        PERFORM pg_advisory_xact_lock(hashtext('telemetry.import_vehicles'));
        PERFORM FROM vehicle WHERE vin IN (SELECT value ->> 'vin' FROM jsonb_array_elements(lines))
        ORDER BY vin FOR NO KEY UPDATE;
    END IF;
    RETURN QUERY
    WITH line AS MATERIALIZED (
        SELECT v.vehicle_id, given.vin, given.check_digit_ok, wanted.*,
               (wanted.*) IS DISTINCT FROM (v.model, v.plate, v.region, v.vehicle_class) AS is_news,
               wanted.vehicle_class IS DISTINCT FROM v.vehicle_class AS is_of_another_class
        FROM jsonb_to_recordset(lines) AS given (
            vin text, check_digit_ok boolean, model text, plate text, region text,
            vehicle_class text)
        LEFT JOIN vehicle AS v USING (vin)
        CROSS JOIN LATERAL (
            SELECT coalesce(given.model, v.model), coalesce(given.plate, v.plate),
                   coalesce(given.region, v.region),
                   coalesce(given.vehicle_class, v.vehicle_class, 'heavy_truck')
        ) AS wanted (model, plate, region, vehicle_class)
    ), redone AS (
        UPDATE touched_day SET analysed_by = 0
        FROM line
        WHERE writes AND touched_day.vehicle_id = line.vehicle_id AND line.is_of_another_class
    ), changed AS (
        UPDATE vehicle AS v
        SET model = line.model, plate = line.plate, region = line.region,
            vehicle_class = line.vehicle_class
        FROM line
        WHERE writes AND v.vehicle_id = line.vehicle_id AND line.is_news
    ), made AS (
        INSERT INTO vehicle (vin, check_digit_ok, registered_by, model, plate, region, vehicle_class)
        SELECT vin, check_digit_ok, 'register', model, plate, region, vehicle_class
        FROM line
        WHERE writes AND vehicle_id IS NULL
        ORDER BY vin
        -- Ingest may have registered one meanwhile: then it gets what its line says.
        ON CONFLICT (vin) DO UPDATE SET model = EXCLUDED.model, plate = EXCLUDED.plate,
            region = EXCLUDED.region, vehicle_class = EXCLUDED.vehicle_class
    )
    SELECT count(*) FILTER (WHERE vehicle_id IS NULL),
           count(*) FILTER (WHERE vehicle_id IS NOT NULL AND is_news),
           count(*) FILTER (WHERE vehicle_id IS NOT NULL AND NOT is_news)
    FROM line;
END $$;

CREATE FUNCTION served.import_vehicles(principal bigint, lines jsonb, writes boolean)
RETURNS TABLE (registered bigint, changed bigint, unchanged bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    PERFORM require_kind(principal, 'maker');
    RETURN QUERY SELECT * FROM import_vehicles(lines, writes);
END $$;

-- Parties ------------------------------------------------------------------------------------------

-- The maker knows all; others themselves, and those whom one may grant something.
CREATE FUNCTION served.parties(principal bigint, of_kind text, after_id bigint, max_rows integer)
RETURNS TABLE (party_id bigint, kind text, name text, created_at timestamptz, is_own boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT party.party_id, party.kind, party.name, party.created_at, party.party_id = principal
    FROM party
    WHERE party.party_id > after_id AND (of_kind IS NULL OR party.kind = of_kind)
      AND (kind_of(principal) = 'maker' OR party.party_id = principal
           OR party.kind IN ('dealer', 'service_provider', 'data_science'))
    ORDER BY party.party_id LIMIT max_rows
$$;

CREATE FUNCTION served.create_party(principal bigint, new_kind text, new_name text)
RETURNS TABLE (party_id bigint, kind text, name text, created_at timestamptz, is_own boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    made bigint;
BEGIN
    PERFORM require_kind(principal, 'maker');
    IF new_kind NOT IN ('owner', 'dealer', 'service_provider') THEN
        PERFORM refuse(422, 'invalid_parameter', format('A party of kind %s is not made here.', new_kind),
                       'Makers, auditors and data scientists are made by command.', 'kind');
    END IF;
    INSERT INTO party (kind, name) VALUES (new_kind, new_name)
    ON CONFLICT (name) DO NOTHING RETURNING party_id INTO made;
    IF made IS NULL THEN
        PERFORM refuse(409, 'already_there', 'There is a party of this name already.',
                       'Choose a name that tells the two apart.', 'name');
    END IF;
    RETURN QUERY SELECT party_id, kind, name, created_at, false FROM party WHERE party_id = made;
END $$;

-- Drivers ------------------------------------------------------------------------------------------

CREATE TYPE served.driver_entry AS (
    driver_id bigint, card_id text, name text, employer text, employed_from timestamptz,
    employed_until timestamptz, tag text
);

CREATE FUNCTION driver_entry(found driver) RETURNS served.driver_entry
LANGUAGE sql STABLE AS $$
    SELECT found.driver_id, found.card_id, found.name,
           (SELECT name FROM party WHERE party_id = found.party_id),
           lower(found.employed), upper(found.employed),
           left(md5(row(found.name, found.party_id, found.employed)::text), 16)
$$;

CREATE FUNCTION served.driver_entries(principal bigint, after_id bigint, max_rows integer)
RETURNS SETOF served.driver_entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT entry.*
    FROM (SELECT * FROM driver
          WHERE driver_id > after_id AND (party_id = principal OR kind_of(principal) = 'maker')
          ORDER BY driver_id LIMIT max_rows) AS found
    CROSS JOIN LATERAL driver_entry(found::driver) AS entry
    ORDER BY entry.driver_id
$$;

CREATE FUNCTION employed_driver(principal bigint, wanted_driver bigint) RETURNS driver
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found driver;
BEGIN
    SELECT * INTO found FROM driver
    WHERE driver_id = wanted_driver AND (party_id = principal OR kind_of(principal) = 'maker');
    IF found.driver_id IS NULL THEN
        PERFORM not_there('driver');
    END IF;
    RETURN found;
END $$;

CREATE FUNCTION served.driver_entry(principal bigint, wanted_driver bigint)
RETURNS SETOF served.driver_entry
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT entry.*
    FROM employed_driver(principal, wanted_driver) AS found
    CROSS JOIN LATERAL driver_entry(found) AS entry
$$;

-- An employer sees all that a driver does while employed. So that nobody makes himself the employer
-- of a time that he has not seen, a time that is past is only added where all the driver is known to
-- have driven then was in vehicles that were the party's own.
CREATE FUNCTION require_employment(
    principal bigint, of_driver bigint, before tstzmultirange, wanted tstzrange
) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
    added tstzmultirange := (tstzmultirange(wanted) - before) * tstzmultirange(tstzrange(NULL, now()));
BEGIN
    IF kind_of(principal) <> 'maker' AND EXISTS (
        SELECT FROM trip_part AS part
        CROSS JOIN LATERAL opened(principal, part.vehicle_id) AS may
        CROSS JOIN LATERAL tstzrange(part.part_start, part.end_time, '[]') AS span
        WHERE part.driver_id = of_driver AND span && added AND NOT may.drivers @> span) THEN
        PERFORM refuse(422, 'invalid_parameter',
                       'The employment begins before now, and not all of that time is yours to see.',
                       'Leave employed_from out, or let it begin from now on.', 'employed_from');
    END IF;
END $$;

CREATE FUNCTION span_of(begins timestamptz, ends timestamptz, field text) RETURNS tstzrange
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF ends <= begins THEN
        PERFORM refuse(422, 'invalid_parameter', 'It ends before it begins.',
                       format('Let %s be later.', field), field);
    END IF;
    RETURN tstzrange(begins, ends);
END $$;

CREATE FUNCTION served.employ_driver(
    principal bigint, of_card text, new_name text, begins timestamptz, ends timestamptz
) RETURNS SETOF served.driver_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    span tstzrange := span_of(coalesce(begins, now()), ends, 'employed_until');
    found driver;
BEGIN
    PERFORM require_kind(principal, 'maker', 'owner');
    INSERT INTO driver (card_id, party_id, name, employed)
    VALUES (of_card, principal, new_name, span)
    ON CONFLICT (card_id) DO NOTHING RETURNING * INTO found;
    IF found.driver_id IS NULL THEN
        SELECT * INTO found FROM driver WHERE card_id = of_card FOR NO KEY UPDATE;
        IF found.party_id IS NOT NULL AND (found.party_id = principal OR found.employed && span) THEN
            PERFORM refuse(409, 'already_there', 'A driver of this card is registered already.',
                           'If he is yours, change him with PATCH; else let the employer before end '
                           'the employment.', 'card_id');
        END IF;
        PERFORM require_employment(principal, found.driver_id, '{}', span);
        UPDATE driver SET party_id = principal, name = new_name, employed = span
        WHERE driver_id = found.driver_id RETURNING * INTO found;
    END IF;
    RETURN QUERY SELECT * FROM driver_entry(found);
END $$;

CREATE FUNCTION served.change_driver(
    principal bigint, wanted_driver bigint, changes jsonb, expected text[]
) RETURNS SETOF served.driver_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    found driver;
    span tstzrange;
BEGIN
    PERFORM require_kind(principal, 'maker', 'owner');
    PERFORM FROM driver WHERE driver_id = wanted_driver FOR NO KEY UPDATE;
    found := employed_driver(principal, wanted_driver);
    IF expected IS NOT NULL THEN
        PERFORM require_tag(expected, (driver_entry(found)).tag);
    END IF;
    span := span_of(
        CASE WHEN changes ? 'employed_from' THEN (changes ->> 'employed_from')::timestamptz
             ELSE lower(found.employed) END,
        CASE WHEN changes ? 'employed_until' THEN (changes ->> 'employed_until')::timestamptz
             ELSE upper(found.employed) END,
        'employed_until');
    PERFORM require_employment(principal, wanted_driver, tstzmultirange(found.employed), span);
    UPDATE driver
    SET name = CASE WHEN changes ? 'name' THEN changes ->> 'name' ELSE name END, employed = span
    WHERE driver_id = wanted_driver RETURNING * INTO found;
    RETURN QUERY SELECT * FROM driver_entry(found);
END $$;

-- Fleets -------------------------------------------------------------------------------------------

CREATE TYPE served.fleet_entry AS (
    fleet_id bigint, name text, party text, time_zone text, vehicles bigint, tag text
);

CREATE FUNCTION served.fleet_entry(principal bigint, wanted_fleet bigint)
RETURNS SETOF served.fleet_entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT fleet.fleet_id, fleet.name, party.name, fleet.time_zone,
           (SELECT count(DISTINCT vehicle_id) FROM fleet_vehicle AS belongs
            WHERE belongs.fleet_id = fleet.fleet_id AND belongs.member @> now()),
           left(md5(row(fleet.name, fleet.time_zone)::text), 16)
    FROM visible_fleet(principal, wanted_fleet) AS visible
    JOIN fleet USING (fleet_id) JOIN party USING (party_id)
$$;

CREATE FUNCTION own_fleet(principal bigint, wanted_fleet bigint) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM visible_fleet(principal, wanted_fleet);
    IF NOT EXISTS (SELECT FROM fleet WHERE fleet_id = wanted_fleet AND party_id = principal) THEN
        PERFORM refuse(403, 'not_yours', 'This fleet is another party''s.',
                       'Let that party change it.');
    END IF;
END $$;

CREATE FUNCTION served.create_fleet(principal bigint, new_name text, new_zone text)
RETURNS SETOF served.fleet_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM require_kind(principal, 'maker', 'owner');
    INSERT INTO fleet (party_id, name, time_zone) VALUES (principal, new_name, new_zone)
    ON CONFLICT (party_id, name) DO NOTHING RETURNING fleet_id INTO made;
    IF made IS NULL THEN
        PERFORM refuse(409, 'already_there', 'You have a fleet of this name already.',
                       'Choose another name, or change that fleet.', 'name');
    END IF;
    RETURN QUERY SELECT * FROM served.fleet_entry(principal, made);
END $$;

CREATE FUNCTION served.change_fleet(
    principal bigint, wanted_fleet bigint, new_name text, new_zone text, expected text[]
) RETURNS SETOF served.fleet_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
BEGIN
    PERFORM own_fleet(principal, wanted_fleet);
    PERFORM FROM fleet WHERE fleet_id = wanted_fleet FOR NO KEY UPDATE;
    IF expected IS NOT NULL THEN
        PERFORM require_tag(expected, tag) FROM served.fleet_entry(principal, wanted_fleet);
    END IF;
    UPDATE fleet SET name = coalesce(new_name, name), time_zone = coalesce(new_zone, time_zone)
    WHERE fleet_id = wanted_fleet;
    RETURN QUERY SELECT * FROM served.fleet_entry(principal, wanted_fleet);
EXCEPTION WHEN unique_violation THEN
    PERFORM refuse(409, 'already_there', 'You have a fleet of this name already.',
                   'Choose another name.', 'name');
END $$;

-- Who is, was or will be in a fleet, as far as the principal may see the vehicle.
CREATE FUNCTION served.fleet_members(
    principal bigint, wanted_fleet bigint, skipped integer, max_rows integer
)
RETURNS TABLE (vin text, member_from timestamptz, member_until timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM visible_fleet(principal, wanted_fleet);
    RETURN QUERY
    SELECT v.vin, lower(belongs.member), upper(belongs.member)
    FROM fleet_vehicle AS belongs JOIN vehicle AS v USING (vehicle_id)
    CROSS JOIN LATERAL opened(principal, v.vehicle_id) AS may
    WHERE belongs.fleet_id = wanted_fleet AND NOT isempty(may.data)
    ORDER BY v.vin, lower(belongs.member)
    OFFSET skipped LIMIT max_rows;
END $$;

-- A vehicle that is in the principal's own fleet, or may be: its number, held until the end of the
-- transaction, so that no sale comes in between.
CREATE FUNCTION fleet_candidate(principal bigint, wanted_fleet bigint, wanted_vin text) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found bigint;
BEGIN
    PERFORM own_fleet(principal, wanted_fleet);
    SELECT visible.vehicle_id INTO found FROM visible_vehicle(principal, wanted_vin) AS visible;
    PERFORM FROM vehicle WHERE vehicle_id = found FOR SHARE;
    RETURN found;
END $$;

-- Let a vehicle be one of a fleet from when to when; what overlaps is replaced. (NULL from: since when
-- it is, else from now on.)
CREATE FUNCTION served.put_fleet_member(
    principal bigint, wanted_fleet bigint, wanted_vin text, begins timestamptz, ends timestamptz
) RETURNS TABLE (vin text, member_from timestamptz, member_until timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    of_vehicle bigint := fleet_candidate(principal, wanted_fleet, wanted_vin);
    own record;
    span tstzrange;
BEGIN
    SELECT * INTO own FROM owned_since(principal, of_vehicle);
    IF NOT own.is_owner AND kind_of(principal) <> 'maker' THEN
        PERFORM refuse(403, 'not_yours', 'This vehicle is not yours now.',
                       'Only own vehicles join a fleet.');
    END IF;
    begins := coalesce(begins, (SELECT lower(member) FROM fleet_vehicle
                                WHERE fleet_id = wanted_fleet AND vehicle_id = of_vehicle
                                  AND member @> now() ORDER BY 1 LIMIT 1), now());
    IF begins < own.since AND own.is_owner THEN
        PERFORM refuse(422, 'invalid_parameter', 'The vehicle was not yours then.',
                       'Let it join from when on it is yours.', 'member_from');
    END IF;
    span := span_of(begins, ends, 'member_until');
    DELETE FROM fleet_vehicle
    WHERE fleet_id = wanted_fleet AND vehicle_id = of_vehicle AND member && span;
    INSERT INTO fleet_vehicle (fleet_id, vehicle_id, member) VALUES (wanted_fleet, of_vehicle, span);
    RETURN QUERY SELECT wanted_vin, lower(span), upper(span);
END $$;

-- What is past of memberships stays; what begins later is gone. Returns how many ended.
CREATE FUNCTION end_members(of_party bigint, of_fleet bigint, of_vehicle bigint, at timestamptz)
RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ended integer;
    gone integer;
BEGIN
    DELETE FROM fleet_vehicle AS belongs USING fleet
    WHERE fleet.fleet_id = belongs.fleet_id AND fleet.party_id = of_party
      AND (of_fleet IS NULL OR fleet.fleet_id = of_fleet)
      AND belongs.vehicle_id = of_vehicle AND lower(belongs.member) >= at;
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE fleet_vehicle AS belongs SET member = belongs.member * tstzrange(NULL, at)
    FROM fleet
    WHERE fleet.fleet_id = belongs.fleet_id AND fleet.party_id = of_party
      AND (of_fleet IS NULL OR fleet.fleet_id = of_fleet)
      AND belongs.vehicle_id = of_vehicle AND belongs.member @> at;
    GET DIAGNOSTICS ended = ROW_COUNT;
    RETURN ended + gone;
END $$;

CREATE FUNCTION served.end_fleet_member(principal bigint, wanted_fleet bigint, wanted_vin text)
RETURNS TABLE (ended integer)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT end_members(principal, wanted_fleet,
                       fleet_candidate(principal, wanted_fleet, wanted_vin), now())
$$;

-- Grants -------------------------------------------------------------------------------------------

CREATE TYPE served.grant_entry AS (
    grant_id bigint, vin text, party text, party_kind text, purpose text, valid_from timestamptz,
    valid_until timestamptz, data_from timestamptz, data_until timestamptz, granted_by text,
    ended_at timestamptz, holds boolean, may_end boolean
);

-- Who may see whose vehicle: what one gave and what one got; all of it for the maker; and for an owner
-- whatever others have of the vehicle since it is his, but for who else owned it.
CREATE FUNCTION grant_entries(principal bigint) RETURNS SETOF served.grant_entry
LANGUAGE sql STABLE AS $$
    SELECT access.access_id, v.vin, party.name, party.kind, access.purpose,
           lower(access.valid), upper(access.valid), lower(access.data), upper(access.data),
           giver.name, access.ended_at, access.valid @> now(),
           access.purpose <> 'ownership' AND (access.granted_by IS NOT DISTINCT FROM principal
               OR is_maker.yes AND access.purpose = 'sale'
               OR own.is_owner AND access.purpose IN ('service', 'research'))
    FROM vehicle_access AS access JOIN vehicle AS v USING (vehicle_id) JOIN party USING (party_id)
    LEFT JOIN party AS giver ON giver.party_id = access.granted_by
    CROSS JOIN (SELECT kind_of(principal) = 'maker' AS yes) AS is_maker
    CROSS JOIN LATERAL owned_since(principal, access.vehicle_id) AS own
    WHERE is_maker.yes OR access.party_id = principal OR access.granted_by = principal
       OR own.is_owner AND access.purpose <> 'ownership' AND access.valid && tstzrange(
              (SELECT min(lower(mine.valid)) FROM vehicle_access AS mine
               WHERE mine.party_id = principal AND mine.vehicle_id = access.vehicle_id
                 AND mine.purpose = 'ownership' AND mine.valid @> now() AND upper_inf(mine.data)),
              NULL)
$$;

CREATE FUNCTION served.grant_entries(
    principal bigint, of_vin text, of_purpose text, only_holding boolean, after_id bigint,
    max_rows integer
) RETURNS SETOF served.grant_entry
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF of_vin IS NOT NULL THEN
        PERFORM visible_vehicle(principal, of_vin);
    END IF;
    RETURN QUERY
    SELECT entry.* FROM grant_entries(principal) AS entry
    WHERE entry.grant_id > after_id AND (of_vin IS NULL OR entry.vin = of_vin)
      AND (of_purpose IS NULL OR entry.purpose = of_purpose)
      AND (NOT only_holding OR entry.holds)
    ORDER BY entry.grant_id LIMIT max_rows;
END $$;

CREATE FUNCTION served.grant_entry(principal bigint, wanted_grant bigint)
RETURNS SETOF served.grant_entry
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT entry.* FROM grant_entries(principal) AS entry
                 WHERE entry.grant_id = wanted_grant;
    IF NOT FOUND THEN
        PERFORM not_there('grant');
    END IF;
END $$;

CREATE FUNCTION served.grant_access(
    principal bigint, wanted_vin text, to_party text, for_purpose text,
    begins timestamptz, ends timestamptz, data_begins timestamptz, data_ends timestamptz
) RETURNS SETOF served.grant_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    of_vehicle bigint;
    recipient party;
    own record;
    made bigint;
BEGIN
    SELECT visible.vehicle_id INTO of_vehicle FROM visible_vehicle(principal, wanted_vin) AS visible;
    PERFORM FROM vehicle WHERE vehicle_id = of_vehicle FOR SHARE;  -- no sale comes in between
    SELECT * INTO own FROM owned_since(principal, of_vehicle);
    IF NOT (CASE WHEN for_purpose = 'sale' THEN kind_of(principal) = 'maker'
                 ELSE own.is_owner END) THEN
        PERFORM refuse(403, 'not_yours', 'You may see this vehicle, and not let others see it so.',
                       'Its owner grants service and research, the maker assigns a dealer (sale).');
    END IF;
    SELECT * INTO recipient FROM party
    WHERE name = to_party AND kind = ANY (CASE for_purpose
        WHEN 'sale' THEN '{dealer}'::text[] WHEN 'research' THEN '{data_science}'
        WHEN 'service' THEN '{service_provider,dealer}' END);
    IF recipient.party_id IS NULL THEN
        PERFORM refuse(422, 'invalid_parameter', 'There is no party of this name to grant this.',
                       '/v1/registers/parties lists dealers, service providers and data scientists; '
                       'a sale is for a dealer, service for a provider or dealer.', 'party');
    END IF;
    begins := greatest(begins, now());
    IF own.is_owner THEN
        IF data_begins < own.since THEN
            PERFORM refuse(422, 'invalid_parameter', 'The data of that time are not yours.',
                           'Leave data_from out, or let it begin when the vehicle became yours.',
                           'data_from');
        END IF;
        data_begins := coalesce(data_begins, nullif(own.since, '-infinity'));
    END IF;
    INSERT INTO vehicle_access (party_id, vehicle_id, purpose, valid, data, granted_by)
    VALUES (recipient.party_id, of_vehicle, for_purpose, span_of(begins, ends, 'valid_until'),
            span_of(data_begins, data_ends, 'data_until'), principal)
    RETURNING access_id INTO made;
    RETURN QUERY SELECT * FROM served.grant_entry(principal, made);
END $$;

-- End grants now; one that has not begun stays as one that never held (a moment that is past).
CREATE FUNCTION end_grants(grants bigint[]) RETURNS void
LANGUAGE sql VOLATILE AS $$
    UPDATE vehicle_access
    SET valid = CASE WHEN coalesce(lower(valid), '-infinity') < now()
                     THEN valid * tstzrange(NULL, now())
                     ELSE tstzrange(now() - interval '1 microsecond', now()) END,
        ended_at = now()
    WHERE access_id = ANY (grants) AND (upper_inf(valid) OR upper(valid) > now())
$$;

CREATE FUNCTION served.end_grant(principal bigint, wanted_grant bigint)
RETURNS SETOF served.grant_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM vehicle_access WHERE access_id = wanted_grant FOR NO KEY UPDATE;
    IF NOT (SELECT may_end FROM served.grant_entry(principal, wanted_grant)) THEN
        PERFORM refuse(403, 'not_yours', 'This grant is not yours to end.',
                       'Who gave it ends it, and the vehicle''s owner; an ownership ends with a sale.');
    END IF;
    PERFORM end_grants(ARRAY[wanted_grant]);
    RETURN QUERY SELECT * FROM served.grant_entry(principal, wanted_grant);
END $$;

-- Sell a vehicle, all at once: the one who sells keeps what was recorded until then, the buyer has what
-- is recorded from then on, and what the seller let others see and his fleets end. The maker sells for
-- whoever owns it, and what nobody owns yet.
CREATE FUNCTION served.sell_vehicle(
    principal bigint, wanted_vin text, to_owner text, sold_at timestamptz
)
RETURNS TABLE (vin text, buyer text, "at" timestamptz, ended_grants integer, ended_members integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    of_vehicle bigint;
    buying bigint;
    sellers bigint[];
    moment timestamptz := coalesce(sold_at, now());
    grants bigint[];
    members integer := 0;
BEGIN
    SELECT visible.vehicle_id INTO of_vehicle FROM visible_vehicle(principal, wanted_vin) AS visible;
    PERFORM FROM vehicle WHERE vehicle_id = of_vehicle FOR NO KEY UPDATE;
    SELECT array_agg(access_id) INTO sellers FROM vehicle_access
    WHERE vehicle_id = of_vehicle AND purpose = 'ownership' AND valid @> now() AND upper_inf(data)
      AND (party_id = principal OR kind_of(principal) = 'maker');
    IF sellers IS NULL AND kind_of(principal) <> 'maker' THEN
        PERFORM refuse(403, 'not_yours', 'You may see this vehicle, and not sell it.',
                       'Its owner sells it, or the maker.');
    END IF;
    SELECT party_id INTO buying FROM party WHERE name = to_owner AND kind = 'owner';
    IF buying IS NULL OR EXISTS (SELECT FROM vehicle_access
                                 WHERE access_id = ANY (sellers) AND party_id = buying) THEN
        PERFORM refuse(422, 'invalid_parameter', 'There is no owner of this name who could buy it.',
                       'Write the name as it is registered; the maker registers new owners.', 'buyer');
    END IF;
    IF moment > now() OR EXISTS (SELECT FROM vehicle_access
                                 WHERE access_id = ANY (sellers) AND lower(data) >= moment) THEN
        PERFORM refuse(422, 'invalid_parameter',
                       'A sale lies between the one before and now.',
                       'Leave `at` out to sell it now.', 'at');
    END IF;
    UPDATE vehicle_access SET data = data * tstzrange(NULL, moment) WHERE access_id = ANY (sellers);
    INSERT INTO vehicle_access (party_id, vehicle_id, purpose, data)
    VALUES (buying, of_vehicle, 'ownership', tstzrange(moment, NULL));
    SELECT coalesce(array_agg(access_id), '{}') INTO grants FROM vehicle_access
    WHERE vehicle_id = of_vehicle AND purpose IN ('service', 'research')
      AND (upper_inf(valid) OR upper(valid) > now())
      AND (granted_by IS NULL OR granted_by IN (
              SELECT party_id FROM vehicle_access WHERE access_id = ANY (sellers)));
    PERFORM end_grants(grants);
    SELECT coalesce(sum(end_members(party_id, NULL, of_vehicle, moment)), 0) INTO members
    FROM (SELECT DISTINCT party_id FROM vehicle_access WHERE access_id = ANY (sellers)) AS seller;
    RETURN QUERY SELECT wanted_vin, to_owner, moment, cardinality(grants), members;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
