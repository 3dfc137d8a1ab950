-- :name served_report_horizon
-- Up to when, not included, all that was received is there to be read.
SELECT horizon FROM served.report_horizon() AS horizon

-- :name served_rfms_vehicles
-- Vehicles by VIN.
SELECT vin, model FROM served.rfms_vehicles(%(principal)s, %(after_vin)s, %(max_rows)s)

-- :name served_reports
-- Reports in the order they were received.
SELECT vin, trigger_type, detail, created_time, received_time, position_time, driver1_card_id,
       driver2_card_id, reported, layout_version, counters
FROM served.reports(
    %(principal)s, %(vin)s, %(first_received)s, %(before_received)s, %(created_from)s,
    %(created_before)s, %(triggers)s, %(contents)s, %(with_position)s, %(with_counters)s,
    %(max_rows)s)

-- :name served_latest_reports
-- Each vehicle's latest report, by VIN.
SELECT vin, trigger_type, detail, created_time, received_time, position_time, driver1_card_id,
       driver2_card_id, reported, layout_version, counters
FROM served.latest_reports(
    %(principal)s, %(vin)s, %(after_vin)s, %(by_received)s, %(before_received)s, %(triggers)s,
    %(contents)s, %(with_position)s, %(with_counters)s, %(max_rows)s)
