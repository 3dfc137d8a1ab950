-- :name policies
-- TimescaleDB's retention and compression: kind, relation (a rollup by its own name), and span.
SELECT CASE proc_name WHEN 'policy_retention' THEN 'retention' ELSE 'compression' END,
       coalesce(aggregate.view_name, job.hypertable_name),
       coalesce(job.config ->> 'compress_after', job.config ->> 'drop_after')::interval
FROM timescaledb_information.jobs AS job
LEFT JOIN timescaledb_information.continuous_aggregates AS aggregate
    ON aggregate.materialization_hypertable_schema = job.hypertable_schema
    AND aggregate.materialization_hypertable_name = job.hypertable_name
WHERE job.proc_name IN ('policy_compression', 'policy_retention')
  AND coalesce(aggregate.view_schema, job.hypertable_schema) = 'telemetry'

-- :name forget_reports
-- Reports that are past their time; a vehicle's last one stays, and the last with a position.
DELETE FROM vehicle_report AS old
WHERE old.received_time < %(oldest)s
  AND EXISTS (SELECT FROM vehicle_report AS newer
              WHERE newer.vehicle_id = old.vehicle_id AND newer.created_time > old.created_time
                AND newer.received_time IS NOT NULL
                AND (old.latitude IS NULL OR newer.latitude IS NOT NULL))
