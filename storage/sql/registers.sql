-- :name register_vehicle
-- A VIN seen for the first time; no row comes back where another was first.
INSERT INTO vehicle (vin, check_digit_ok, registered_by, model)
VALUES (%(vin)s, %(check_digit_ok)s, %(registered_by)s, %(model)s)
ON CONFLICT (vin) DO NOTHING
RETURNING vehicle_id

-- :name find_vehicle
-- The number of a VIN.
SELECT vehicle_id FROM vehicle WHERE vin = %(vin)s

-- :name ensure_party
-- A party by its name, made if need be; what it is stays as it was.
INSERT INTO party (name, kind) VALUES (%(name)s, %(kind)s)
ON CONFLICT (name) DO UPDATE SET name = EXCLUDED.name
RETURNING party_id

-- :name grant_access
-- Let a party see a vehicle: how long the grant holds, and which span of data it opens.
INSERT INTO vehicle_access (party_id, vehicle_id, purpose, valid, data)
VALUES (%(party_id)s, %(vehicle_id)s, %(purpose)s,
        tstzrange(coalesce(%(valid_from)s, now()), %(valid_until)s),
        tstzrange(%(data_from)s, %(data_until)s))
