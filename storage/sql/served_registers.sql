-- :name served_vehicle_entries
-- A page of the register of vehicles by VIN.
SELECT vin, model, plate, region, vehicle_class, check_digit_ok, registered_by, registered_at,
       owner, tag
FROM served.vehicle_entries(%(principal)s, %(after_vin)s, %(max_rows)s)

-- :name served_vehicle_entry
-- A vehicle of the register.
SELECT vin, model, plate, region, vehicle_class, check_digit_ok, registered_by, registered_at,
       owner, tag
FROM served.vehicle_entry(%(principal)s, %(vin)s)

-- :name served_register_vehicle
-- A new vehicle.
SELECT vin, model, plate, region, vehicle_class, check_digit_ok, registered_by, registered_at,
       owner, tag
FROM served.register_vehicle(
    %(principal)s, %(vin)s, %(check_digit_ok)s, %(model)s, %(plate)s, %(region)s,
    %(vehicle_class)s)

-- :name served_change_vehicle
-- Change what a register says of a vehicle.
SELECT vin, model, plate, region, vehicle_class, check_digit_ok, registered_by, registered_at,
       owner, tag
FROM served.change_vehicle(%(principal)s, %(vin)s, %(changes)s, %(expected)s)

-- :name served_import_vehicles
-- Lines of a list of vehicles: counted, and written where they are to be.
SELECT registered, changed, unchanged
FROM served.import_vehicles(%(principal)s, %(lines)s, %(writes)s)

-- :name import_vehicles
-- The same, by command.
SELECT registered, changed, unchanged FROM import_vehicles(%(lines)s, %(writes)s)

-- :name served_sell_vehicle
-- Sell a vehicle.
SELECT vin, buyer, at, ended_grants, ended_members
FROM served.sell_vehicle(%(principal)s, %(vin)s, %(buyer)s, %(at)s)

-- :name served_parties
-- A page of the parties one may know.
SELECT party_id, kind, name, created_at, is_own
FROM served.parties(%(principal)s, %(kind)s, %(after_id)s, %(max_rows)s)

-- :name served_create_party
-- A new owner, dealer or service provider.
SELECT party_id, kind, name, created_at, is_own
FROM served.create_party(%(principal)s, %(kind)s, %(party_name)s)

-- :name served_driver_entries
-- A page of the drivers whom one employs.
SELECT driver_id, card_id, name, employer, employed_from, employed_until, tag
FROM served.driver_entries(%(principal)s, %(after_id)s, %(max_rows)s)

-- :name served_driver_entry
-- A driver whom one employs.
SELECT driver_id, card_id, name, employer, employed_from, employed_until, tag
FROM served.driver_entry(%(principal)s, %(driver_id)s)

-- :name served_employ_driver
-- Employ a driver, known or new.
SELECT driver_id, card_id, name, employer, employed_from, employed_until, tag
FROM served.employ_driver(
    %(principal)s, %(card_id)s, %(driver_name)s, %(begins)s, %(ends)s)

-- :name served_change_driver
-- Change a driver's name or employment.
SELECT driver_id, card_id, name, employer, employed_from, employed_until, tag
FROM served.change_driver(%(principal)s, %(driver_id)s, %(changes)s, %(expected)s)

-- :name served_fleet_entry
-- A fleet.
SELECT fleet_id, name, party, time_zone, vehicles, tag
FROM served.fleet_entry(%(principal)s, %(fleet_id)s)

-- :name served_create_fleet
-- A new fleet.
SELECT fleet_id, name, party, time_zone, vehicles, tag
FROM served.create_fleet(%(principal)s, %(fleet_name)s, %(time_zone)s)

-- :name served_change_fleet
-- Change a fleet's name or time zone.
SELECT fleet_id, name, party, time_zone, vehicles, tag
FROM served.change_fleet(
    %(principal)s, %(fleet_id)s, %(fleet_name)s, %(time_zone)s, %(expected)s)

-- :name served_fleet_members
-- A page of a fleet's vehicles, with when they are in it.
SELECT vin, member_from, member_until
FROM served.fleet_members(%(principal)s, %(fleet_id)s, %(skipped)s, %(max_rows)s)

-- :name served_put_fleet_member
-- Let a vehicle be one of a fleet.
SELECT vin, member_from, member_until
FROM served.put_fleet_member(%(principal)s, %(fleet_id)s, %(vin)s, %(begins)s, %(ends)s)

-- :name served_end_fleet_member
-- Let a vehicle be one of a fleet no more.
SELECT ended FROM served.end_fleet_member(%(principal)s, %(fleet_id)s, %(vin)s)

-- :name served_grant_entries
-- A page of grants one gave, got, or finds on one's vehicles.
SELECT grant_id, vin, party, party_kind, purpose, valid_from, valid_until, data_from, data_until,
       granted_by, ended_at, holds, may_end
FROM served.grant_entries(
    %(principal)s, %(vin)s, %(purpose)s, %(only_holding)s, %(after_id)s, %(max_rows)s)

-- :name served_grant_entry
-- One of them.
SELECT grant_id, vin, party, party_kind, purpose, valid_from, valid_until, data_from, data_until,
       granted_by, ended_at, holds, may_end
FROM served.grant_entry(%(principal)s, %(grant_id)s)

-- :name served_grant_access
-- Let a party see a vehicle for a time.
SELECT grant_id, vin, party, party_kind, purpose, valid_from, valid_until, data_from, data_until,
       granted_by, ended_at, holds, may_end
FROM served.grant_access(
    %(principal)s, %(vin)s, %(party)s, %(purpose)s, %(valid_from)s, %(valid_until)s,
    %(data_from)s, %(data_until)s)

-- :name served_grant_access_to_many
-- Let a party see vehicles, or a fleet's, for a time.
SELECT grant_id, vin
FROM served.grant_access_to_many(
    %(principal)s, %(vins)s, %(fleet_id)s, %(party)s, %(purpose)s, %(valid_from)s, %(valid_until)s,
    %(data_from)s, %(data_until)s, %(most)s)

-- :name served_end_grant
-- End a grant now.
SELECT grant_id, vin, party, party_kind, purpose, valid_from, valid_until, data_from, data_until,
       granted_by, ended_at, holds, may_end
FROM served.end_grant(%(principal)s, %(grant_id)s)
