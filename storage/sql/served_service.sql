-- :name served_service_points
-- A page of places, by their distance to a point or by number.
SELECT service_point_id, code, kind, party, name, latitude, longitude, address, phone,
       opening_hours, services, distance_m
FROM served.service_points(
    principal => %(principal)s, near_latitude => %(latitude)s, near_longitude => %(longitude)s,
    radius_m => %(radius_m)s, wanted_services => %(services)s, wanted_kind => %(kind)s,
    after_m => %(after_m)s, after_id => %(after_id)s, max_rows => %(max_rows)s)

-- :name served_vehicle_place
-- Where a vehicle was last.
SELECT latitude, longitude, time FROM served.vehicle_place(%(principal)s, %(vin)s)

-- :name served_service_plan
-- A vehicle's service plan and its last service.
SELECT every_km, every_h, every_days, of_model, done_at, odometer_km, engine_h
FROM served.service_plan(%(principal)s, %(vin)s)
