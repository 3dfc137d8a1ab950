-- Grants of several vehicles, or of a fleet's, in one go: all of them or none, by the rules of one.
-- works with: 6

-- Who may be let see vehicles for a purpose.
CREATE FUNCTION grantee(to_party text, for_purpose text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found bigint;
BEGIN
    SELECT party_id INTO found FROM party
    WHERE name = to_party AND kind = ANY (CASE for_purpose
        WHEN 'sale' THEN '{dealer}'::text[] WHEN 'research' THEN '{data_science}'
        WHEN 'service' THEN '{service_provider,dealer}' END);
    IF found IS NULL THEN
        PERFORM refuse(422, 'invalid_parameter', 'There is no party of this name to grant this.',
                       '/v1/registers/parties lists dealers, service providers and data scientists; '
                       'a sale is for a dealer, service for a provider or dealer.', 'party');
    END IF;
    RETURN found;
END $$;

-- Let a party see vehicles, which are held until the end of the transaction, so that no sale comes in
-- between. What is refused of one is refused of all, and the refusal names it.
CREATE FUNCTION grant_vehicles(
    principal bigint, wanted bigint[], to_party text, for_purpose text,
    begins timestamptz, ends timestamptz, data_begins timestamptz, data_ends timestamptz
) RETURNS TABLE (access_id bigint, vehicle_id bigint)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    recipient bigint;
    refused text;
BEGIN
    PERFORM FROM vehicle WHERE vehicle.vehicle_id = ANY (wanted) ORDER BY vehicle.vehicle_id FOR SHARE;
    SELECT min(v.vin) INTO refused
    FROM vehicle AS v CROSS JOIN LATERAL owned_since(principal, v.vehicle_id) AS own
    WHERE v.vehicle_id = ANY (wanted)
      AND NOT (CASE WHEN for_purpose = 'sale' THEN kind_of(principal) = 'maker'
                    ELSE own.is_owner END);
    IF refused IS NOT NULL THEN
        PERFORM refuse(403, 'not_yours',
                       format('You may see vehicle %s, and not let others see it so.', refused),
                       'Its owner grants service and research, the maker assigns a dealer (sale).');
    END IF;
    recipient := grantee(to_party, for_purpose);
    SELECT min(v.vin) INTO refused
    FROM vehicle AS v CROSS JOIN LATERAL owned_since(principal, v.vehicle_id) AS own
    WHERE v.vehicle_id = ANY (wanted) AND own.is_owner AND data_begins < own.since;
    IF refused IS NOT NULL THEN
        PERFORM refuse(422, 'invalid_parameter',
                       format('The data that %s had then are not yours.', refused),
                       'Leave data_from out, or let it begin when the vehicle became yours.',
                       'data_from');
    END IF;
    RETURN QUERY
    INSERT INTO vehicle_access (party_id, vehicle_id, purpose, valid, data, granted_by)
    SELECT recipient, v.vehicle_id, for_purpose,
           span_of(greatest(begins, now()), ends, 'valid_until'),
           span_of(CASE WHEN own.is_owner THEN coalesce(data_begins, nullif(own.since, '-infinity'))
                        ELSE data_begins END, data_ends, 'data_until'),
           principal
    FROM vehicle AS v CROSS JOIN LATERAL owned_since(principal, v.vehicle_id) AS own
    WHERE v.vehicle_id = ANY (wanted)
    ORDER BY v.vin
    RETURNING vehicle_access.access_id, vehicle_access.vehicle_id;
END $$;

CREATE OR REPLACE FUNCTION served.grant_access(
    principal bigint, wanted_vin text, to_party text, for_purpose text,
    begins timestamptz, ends timestamptz, data_begins timestamptz, data_ends timestamptz
) RETURNS SETOF served.grant_entry
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
DECLARE
    of_vehicle bigint;
    made bigint;
BEGIN
    SELECT visible.vehicle_id INTO of_vehicle FROM visible_vehicle(principal, wanted_vin) AS visible;
    SELECT given.access_id INTO made
    FROM grant_vehicles(principal, ARRAY[of_vehicle], to_party, for_purpose, begins, ends,
                        data_begins, data_ends) AS given;
    RETURN QUERY SELECT * FROM served.grant_entry(principal, made);
END $$;

-- The vehicles of these VINs, or (NULL) those that are in a fleet now.
CREATE FUNCTION served.grant_access_to_many(
    principal bigint, wanted_vins text[], wanted_fleet bigint, to_party text, for_purpose text,
    begins timestamptz, ends timestamptz, data_begins timestamptz, data_ends timestamptz,
    most integer
) RETURNS TABLE (grant_id bigint, vin text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    wanted bigint[];
    field text := CASE WHEN wanted_fleet IS NULL THEN 'vins' ELSE 'fleet_id' END;
BEGIN
    IF wanted_fleet IS NULL THEN
        wanted := ARRAY(SELECT DISTINCT (visible_vehicle(principal, one.vin)).vehicle_id
                        FROM unnest(wanted_vins) AS one (vin));
    ELSE
        PERFORM visible_fleet(principal, wanted_fleet);
        wanted := ARRAY(SELECT DISTINCT belongs.vehicle_id FROM fleet_vehicle AS belongs
                        CROSS JOIN LATERAL opened(principal, belongs.vehicle_id) AS may
                        WHERE belongs.fleet_id = wanted_fleet AND belongs.member @> now()
                          AND NOT isempty(may.data));
    END IF;
    IF cardinality(wanted) = 0 THEN
        PERFORM refuse(422, 'invalid_parameter', 'There is no vehicle in it now.',
                       'Name vehicles, or a fleet that has some.', field);
    ELSIF cardinality(wanted) > most THEN
        PERFORM refuse(422, 'invalid_parameter',
                       format('These are %s vehicles.', cardinality(wanted)),
                       format('Grant at most %s in one go.', most), field);
    END IF;
    RETURN QUERY
    SELECT given.access_id, v.vin
    FROM grant_vehicles(principal, wanted, to_party, for_purpose, begins, ends,
                        data_begins, data_ends) AS given
    JOIN vehicle AS v USING (vehicle_id)
    ORDER BY v.vin;
END $$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
