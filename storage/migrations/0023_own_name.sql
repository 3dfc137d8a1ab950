-- A driver's own page begins with his name: who signs in as a driver is told himself in the listing of
-- drivers, and nobody else.
-- works with: 6

CREATE OR REPLACE FUNCTION served.drivers(principal bigint, after_id bigint, max_rows integer)
RETURNS TABLE (driver_id bigint, card_id text, name text, is_employee boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT d.driver_id, d.card_id,
           CASE WHEN d.party_id = principal
                     OR (SELECT kind FROM party WHERE party_id = principal) = 'maker'
                THEN d.name END,
           coalesce(d.party_id = principal AND d.employed @> now(), false)
    FROM visible_drivers(principal, after_id, max_rows) AS visible (driver_id)
    JOIN driver AS d USING (driver_id)
    WHERE principal >= 0
    UNION ALL
    SELECT d.driver_id, d.card_id, d.name, d.employed @> now()
    FROM driver AS d
    WHERE principal < 0 AND d.driver_id = -principal AND d.driver_id > after_id
      AND d.party_id IS NOT NULL AND max_rows > 0
    ORDER BY driver_id
$$;
