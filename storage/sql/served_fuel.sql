-- :name served_fuel
-- Fuel of a vehicle or a driver by periods.
SELECT start_time, end_time, time_zone, vin, driver_id, trip_start, corridor, sums, causes
FROM served.fuel(
    %(principal)s, %(vin)s, %(driver_id)s, %(by)s, %(start)s, %(stop)s, %(newest_first)s,
    %(skipped)s, %(max_rows)s)

-- :name served_fleet_fuel
-- Fuel of a fleet by vehicle, driver, corridor, or in total; those that needed most come first.
SELECT vin, driver_id, card_id, name, corridor, sums, causes
FROM served.fleet_fuel(
    %(principal)s, %(fleet_id)s, %(by)s, %(start)s, %(stop)s, %(skipped)s, %(max_rows)s)

-- :name served_tank_events
-- What happened to a vehicle's tank, by its start.
SELECT kind, start_time, end_time, litres, low_l, high_l, level_before_l, level_after_l, latitude,
       longitude
FROM served.tank_events(
    %(principal)s, %(vin)s, %(kinds)s, %(start)s, %(stop)s, %(newest_first)s, %(skipped)s,
    %(max_rows)s)

-- :name served_advice_of
-- Advice on a vehicle, or for a driver, by its week.
SELECT advice_id, vin, driver_id, week, time_zone, start_time, end_time, cause, variant, saving_l,
       low_l, high_l, distance_km, fuel_l, confidence, effort, facts, evidence, status, status_at,
       given_at, may_answer, result
FROM served.advice_of(
    %(principal)s, %(vin)s, %(driver_id)s, %(statuses)s, %(start)s, %(stop)s, %(newest_first)s,
    %(skipped)s, %(max_rows)s)

-- :name served_fleet_advice
-- Advice of a week of a fleet, the greatest saving first.
SELECT advice_id, vin, driver_id, week, time_zone, start_time, end_time, cause, variant, saving_l,
       low_l, high_l, distance_km, fuel_l, confidence, effort, facts, evidence, status, status_at,
       given_at, may_answer, result
FROM served.fleet_advice(
    %(principal)s, %(fleet_id)s, %(week)s, %(statuses)s, %(skipped)s, %(max_rows)s)

-- :name served_fleet_results
-- What came of advice to a fleet, as far as it was measured.
SELECT vehicle_id, driver_id, cause, week, saved_l, low_l, high_l, verdict
FROM served.fleet_results(%(principal)s, %(fleet_id)s)

-- :name served_advice
-- One piece of advice.
SELECT advice_id, vin, driver_id, week, time_zone, start_time, end_time, cause, variant, saving_l,
       low_l, high_l, distance_km, fuel_l, confidence, effort, facts, evidence, status, status_at,
       given_at, may_answer, result
FROM served.advice(%(principal)s, %(advice_id)s)

-- :name answer_advice
-- Say what became of a piece of advice.
SELECT may_answer, status
FROM served.answer_advice(%(principal)s, %(advice_id)s, %(status)s)

-- :name served_fleet_newest
-- When the newest part of a trip of a fleet began.
SELECT newest FROM served.fleet_newest(%(principal)s, %(fleet_id)s)

-- :name served_fleet_weeks
-- Fuel of a fleet by week of its clock.
SELECT week, sums, causes
FROM served.fleet_weeks(%(principal)s, %(fleet_id)s, %(start)s, %(stop)s)

-- :name served_fuel_price
-- What a litre costs the principal, where it has said so.
SELECT price, currency FROM served.fuel_price(%(principal)s)

-- :name served_set_fuel_price
-- Say what a litre costs, or take that back.
SELECT price, currency
FROM served.set_fuel_price(%(principal)s, %(price)s, %(currency)s)
