-- :name served_signal_spread
-- How far a signal spreads over the vehicles one may know of, and who has it.
SELECT told, vehicles, with_it, "rows", rows_with, p1, p50, p99, bins, models
FROM served.signal_spread(%(principal)s, %(signal)s)

-- :name served_dataset_choices
-- Models and regions that a dataset may be of.
SELECT kind, name, vehicles FROM served.dataset_choices(%(principal)s)

-- :name served_dataset_preview
-- How much a dataset would hold.
SELECT told, vehicles, vehicle_days, steps, availability
FROM served.dataset_preview(
    %(principal)s, %(models)s, %(regions)s, %(data_from)s, %(data_until)s, %(signals)s,
    %(resolution_s)s)

-- :name served_define_dataset_of
-- Define a dataset over vehicles of some models and regions; says what is refused.
SELECT dataset_id, refusal, about
FROM served.define_dataset_of(
    %(principal)s, %(new_name)s, %(purpose)s, %(party)s, %(valid_from)s, %(valid_until)s,
    %(data_from)s, %(data_until)s, %(models)s, %(regions)s, %(signals)s, %(resolution_s)s,
    %(grid_deg)s, %(with_trips)s, %(with_events)s)

-- :name served_dataset_first_rows
-- The first rows that such a dataset would tell.
SELECT vehicle, time, "values"
FROM served.dataset_first_rows(
    %(principal)s, %(party)s, %(data_from)s, %(data_until)s, %(models)s, %(regions)s, %(signals)s,
    %(resolution_s)s, %(max_rows)s)
