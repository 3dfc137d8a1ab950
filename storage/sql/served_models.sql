-- :name served_models
-- A page of models, the newest first.
SELECT model_id, kind, stage, created_at, data_from, data_to, code_version, checksum, vehicles, rows,
       error_percent, error_low, error_high, bias_percent, coverage_percent, drifted, drift_week
FROM served.models(
    principal => %(principal)s, wanted_kind => %(kind)s, before_id => %(before_id)s,
    max_rows => %(max_rows)s)

-- :name served_model_groups
-- How good a model is, by class of vehicle and by region.
SELECT grouped_by, name, vehicles, rows, error_percent, error_low, error_high, bias_percent,
       coverage_percent
FROM served.model_groups(principal => %(principal)s, wanted_model => %(model_id)s)

-- :name served_model_drift
-- What has drifted since a model learnt.
SELECT week, of_what, name, value, low, high, reference, limit_value, drifted, vehicles, rows,
       computed_at
FROM served.model_drift(
    principal => %(principal)s, wanted_model => %(model_id)s, first_week => %(first)s,
    max_rows => %(max_rows)s)
