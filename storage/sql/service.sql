-- :name known_service_points
-- The places of these codes as they are kept.
SELECT place.code, party.name, party.kind, place.name, place.latitude, place.longitude,
       place.address, place.phone, place.opening_hours, place.services
FROM service_point AS place JOIN party USING (party_id)
WHERE place.code = ANY (%(codes)s)

-- :name party_kinds
-- What the parties of these names are.
SELECT name, kind FROM party WHERE name = ANY (%(names)s)

-- :name put_service_point
-- A place by its code; what was known of it before is replaced.
INSERT INTO service_point (code, party_id, name, latitude, longitude, address, phone, opening_hours,
                           services)
VALUES (%(code)s, %(party_id)s, %(name)s, %(latitude)s, %(longitude)s, %(address)s, %(phone)s,
        %(opening_hours)s, %(services)s)
ON CONFLICT (code) DO UPDATE
SET party_id = excluded.party_id, name = excluded.name, latitude = excluded.latitude,
    longitude = excluded.longitude, address = excluded.address, phone = excluded.phone,
    opening_hours = excluded.opening_hours, services = excluded.services, updated_at = now()

-- :name put_service_plan
-- The plan of a class or model, in place of the one it had.
INSERT INTO service_plan (vehicle_class, model, every_km, every_h, every_days)
VALUES (%(vehicle_class)s, %(model)s, %(every_km)s, %(every_h)s, %(every_days)s)
ON CONFLICT (vehicle_class, model) DO UPDATE
SET every_km = excluded.every_km, every_h = excluded.every_h, every_days = excluded.every_days

-- :name service_plans
-- All plans.
SELECT vehicle_class, model, every_km, every_h, every_days
FROM service_plan ORDER BY vehicle_class, model NULLS FIRST

-- :name put_service_done
-- A service of a vehicle; said again about the same moment it is corrected.
INSERT INTO service_done (vehicle_id, done_at, odometer_km, engine_h)
VALUES (%(vehicle_id)s, %(done_at)s, %(odometer_km)s, %(engine_h)s)
ON CONFLICT (vehicle_id, done_at) DO UPDATE
SET odometer_km = excluded.odometer_km, engine_h = excluded.engine_h, noted_at = now()
