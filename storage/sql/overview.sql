-- :name overview
-- Vehicles, trips (an estimate from a million on), vehicle-days that wait for analysis and for
-- rollups, and when ingest wrote last.
SELECT (SELECT count(*) FROM vehicle),
       CASE WHEN trips.estimate > 1000000 THEN trips.estimate ELSE (SELECT count(*) FROM trip) END,
       (SELECT count(*) FROM touched_day WHERE analysed < touched),
       (SELECT count(*) FROM touched_day WHERE rolled_up < touched),
       (SELECT max(updated_at) FROM ingest_offset)
FROM (SELECT reltuples::bigint AS estimate FROM pg_class WHERE oid = 'trip'::regclass) AS trips

-- :name newest_by_group
-- The newest frame of each group, where the signal tables have no index by time.
SELECT signal_group, max(time) FROM vehicle_state GROUP BY signal_group

-- :name ingest_counts
-- The exact counts of ingest, over all days and partitions.
SELECT measure, key, sum(count)
FROM ingest_count
GROUP BY measure, key
ORDER BY measure, sum(count) DESC

-- :name ingest_sample
-- What of a topic was counted since a day, when it was written last, and the database's clock.
SELECT coalesce(sum(count) FILTER (WHERE measure = 'messages'), 0),
       coalesce(sum(count) FILTER (WHERE measure = 'frames'), 0),
       coalesce(sum(count) FILTER (WHERE measure = 'values'), 0),
       (SELECT max(updated_at) FROM ingest_offset WHERE topic = %(topic)s),
       clock_timestamp()
FROM ingest_count
WHERE day >= %(first)s AND topic = %(topic)s AND measure IN ('messages', 'frames', 'values')

-- :name hypertable_sizes
-- Of each hypertable: rows (an estimate), bytes, chunks, how many of them are columnstore and what
-- those took before and take now [bytes], oldest and newest day.
SELECT wanted.name,
       greatest(approximate_row_count(relation.oid), chunk.live),
       coalesce(hypertable_size(relation.oid), 0),
       chunk.parts, chunk.compressed, stats.before, stats.after, chunk.oldest, chunk.newest
FROM unnest(%(tables)s::text[]) AS wanted (name),
     LATERAL (SELECT to_regclass(wanted.name) AS oid) AS relation,
     LATERAL (
         SELECT count(*) AS parts, count(*) FILTER (WHERE is_compressed) AS compressed,
                coalesce(sum(n_live_tup), 0)::bigint AS live,
                min(range_start)::date AS oldest, max(range_start)::date AS newest
         FROM timescaledb_information.chunks
         LEFT JOIN pg_stat_user_tables ON schemaname = chunk_schema AND relname = chunk_name
         WHERE hypertable_schema = 'telemetry' AND hypertable_name = wanted.name
     ) AS chunk,
     LATERAL (
         SELECT coalesce(sum(before_compression_total_bytes), 0)::bigint AS before,
                coalesce(sum(after_compression_total_bytes), 0)::bigint AS after
         FROM hypertable_columnstore_stats(relation.oid)
     ) AS stats
ORDER BY wanted.name

-- :name partition_sizes
-- The same of each table that is partitioned by day; nothing of it is columnstore.
SELECT wanted.name,
       coalesce(sum(greatest(child.reltuples, n_live_tup, 0)), 0)::bigint,
       coalesce(sum(pg_total_relation_size(child.oid)), 0)::bigint,
       count(child.oid), 0, 0, 0,
       min(to_date(right(child.relname, 8), 'YYYYMMDD')),
       max(to_date(right(child.relname, 8), 'YYYYMMDD'))
FROM unnest(%(tables)s::text[]) AS wanted (name)
LEFT JOIN pg_inherits ON inhparent = to_regclass(wanted.name)
LEFT JOIN pg_class AS child ON child.oid = inhrelid AND child.relname ~ '_p\d{8}$'
LEFT JOIN pg_stat_user_tables ON relid = child.oid
GROUP BY wanted.name
ORDER BY wanted.name

-- :name aggregate_sizes
-- Bytes of each continuous aggregate.
SELECT view_name,
       coalesce(hypertable_size(format('%%I.%%I', materialization_hypertable_schema,
                                       materialization_hypertable_name)::regclass), 0)
FROM timescaledb_information.continuous_aggregates
WHERE view_schema = 'telemetry'
ORDER BY view_name

-- :name rollup_sizes
-- Bytes of each rollup that is a table.
SELECT name, pg_total_relation_size(to_regclass(name))
FROM unnest(%(relations)s::text[]) AS wanted (name)
ORDER BY name

-- :name database_size
-- Bytes of the whole database.
SELECT pg_database_size(current_database())
