-- :name served_vehicle_contact
-- One vehicle of the register, and when it was last heard.
SELECT vin, model, plate, region, registered_at, last_seen, received_at, is_current
FROM served.vehicle_contact(%(principal)s, %(vin)s)

-- :name served_search_vehicles
-- A page of the vehicles that are as asked for, each with the latest values of the named signals.
SELECT vin, model, plate, region, registered_at, last_seen, distance_m, "values", times,
       is_current
FROM served.search_vehicles(
    principal => %(principal)s, max_rows => %(max_rows)s, names => %(names)s,
    after_vin => %(after_vin)s, after_m => %(after_m)s, vin_part => %(vin_part)s,
    plate_part => %(plate_part)s, model_part => %(model_part)s, of_region => %(region)s,
    of_dealer => %(dealer)s, of_fleet => %(fleet)s, doing => %(doing)s, rules => %(rules)s,
    asked_at => %(asked_at)s, west => %(west)s, south => %(south)s, east => %(east)s,
    north => %(north)s, near_latitude => %(near_latitude)s, near_longitude => %(near_longitude)s,
    radius_m => %(radius_m)s)

-- :name served_changed_states
-- The states that were written since, and the snapshot to go on from.
SELECT snapshot, answered_at, vin, of_fleets, model, plate, region, registered_at, last_seen,
       "values", times, is_current
FROM served.changed_states(
    %(principal)s, %(vins)s, %(fleets)s, %(since)s, %(seen)s, %(names)s)
