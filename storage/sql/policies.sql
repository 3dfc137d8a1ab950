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
