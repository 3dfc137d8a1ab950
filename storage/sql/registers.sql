-- :name register_vehicle
-- A VIN seen for the first time; no row comes back where another was first.
INSERT INTO vehicle (vin, check_digit_ok, registered_by, model)
VALUES (%(vin)s, %(check_digit_ok)s, %(registered_by)s, %(model)s)
ON CONFLICT (vin) DO NOTHING
RETURNING vehicle_id

-- :name find_vehicle
-- The number of a VIN.
SELECT vehicle_id FROM vehicle WHERE vin = %(vin)s

-- :name find_vehicles
-- The numbers of those of these VINs that are registered.
SELECT vin, vehicle_id FROM vehicle WHERE vin = ANY (%(vins)s)

-- :name vin_of
-- The VIN of a number.
SELECT vin FROM vehicle WHERE vehicle_id = %(vehicle_id)s

-- :name ensure_party
-- A party by its name, made if need be; what it is stays as it was.
INSERT INTO party (name, kind) VALUES (%(name)s, %(kind)s)
ON CONFLICT (name) DO UPDATE SET name = EXCLUDED.name
RETURNING party_id

-- :name create_party
-- A new party; no row comes back where another has the name.
INSERT INTO party (name, kind) VALUES (%(name)s, %(kind)s)
ON CONFLICT (name) DO NOTHING
RETURNING party_id

-- :name list_parties
-- All parties, and how many people of each may sign in.
SELECT party.name, party.kind, party.created_at,
       (SELECT count(*) FROM account
        WHERE account.party_id = party.party_id AND account.disabled_at IS NULL) AS users
FROM party ORDER BY party.party_id

-- :name grant_access
-- Let a party see a vehicle: how long the grant holds, and which span of data it opens.
INSERT INTO vehicle_access (party_id, vehicle_id, purpose, valid, data)
VALUES (%(party_id)s, %(vehicle_id)s, %(purpose)s,
        tstzrange(coalesce(%(valid_from)s, now()), %(valid_until)s),
        tstzrange(%(data_from)s, %(data_until)s))

-- :name set_vehicle_class
-- By which thresholds and peers a vehicle is judged; where that is news, its days are out of date.
WITH changed AS (
    UPDATE vehicle SET vehicle_class = %(vehicle_class)s
    WHERE vehicle_id = %(vehicle_id)s AND vehicle_class <> %(vehicle_class)s
    RETURNING vehicle_id
)
UPDATE touched_day SET analysed_by = 0 FROM changed
WHERE touched_day.vehicle_id = changed.vehicle_id

-- :name ensure_fleet
-- A party's fleet by its name, made if need be; the time zone is the one given last.
INSERT INTO fleet (party_id, name, time_zone) VALUES (%(party_id)s, %(name)s, %(time_zone)s)
ON CONFLICT (party_id, name) DO UPDATE SET time_zone = EXCLUDED.time_zone
RETURNING fleet_id

-- :name add_to_fleet
-- Let a vehicle be one of a fleet for some time, unless it is one all that time.
INSERT INTO fleet_vehicle (fleet_id, vehicle_id, member)
SELECT %(fleet_id)s, %(vehicle_id)s, span
FROM tstzrange(coalesce(%(from)s, now()), %(until)s) AS span
WHERE NOT EXISTS (SELECT FROM fleet_vehicle
                  WHERE fleet_id = %(fleet_id)s AND vehicle_id = %(vehicle_id)s AND member @> span)

-- :name employ_driver
-- A driver by the tachograph card, with name and employer.
INSERT INTO driver (card_id, party_id, name, employed)
VALUES (%(card_id)s, %(party_id)s, %(name)s, tstzrange(%(from)s, %(until)s))
ON CONFLICT (card_id) DO UPDATE
SET party_id = EXCLUDED.party_id, name = EXCLUDED.name, employed = EXCLUDED.employed
RETURNING driver_id

-- :name find_party
-- The number of a party.
SELECT party_id FROM party WHERE name = %(name)s

-- :name party_kind
-- What a party is.
SELECT kind FROM party WHERE party_id = %(party_id)s

-- :name set_vehicle_home
-- A vehicle's plate and region; what is NULL stays as it was.
UPDATE vehicle SET plate = coalesce(%(plate)s, plate), region = coalesce(%(region)s, region)
WHERE vin = %(vin)s
RETURNING vehicle_id

-- :name driver_name
-- What a driver is called.
SELECT name FROM driver WHERE driver_id = %(driver_id)s
