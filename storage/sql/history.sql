-- :name direct_compress_copy
-- Whether this TimescaleDB can write COPY straight into the columnstore, in the client's order.
SELECT current_setting('timescaledb.enable_direct_compress_copy', true) IS NOT NULL
   AND current_setting('timescaledb.enable_direct_compress_copy_client_sorted', true) IS NOT NULL

-- :name switch_on_direct_compress
-- For this transaction: COPY into the columnstore, rows ordered by us.
SELECT set_config('timescaledb.enable_direct_compress_copy', 'on', true),
       set_config('timescaledb.enable_direct_compress_copy_client_sorted', 'on', true)

-- :name find_chunk
-- The chunk that holds a table's rows of a time.
SELECT chunk_schema, chunk_name
FROM timescaledb_information.chunks
WHERE hypertable_schema = current_schema() AND hypertable_name = %(table)s
  AND range_start <= %(time)s AND range_end > %(time)s

-- :name create_chunk
-- A chunk from one instant to another [µs since 1970]; not created where another was first.
SELECT schema_name, table_name, created
FROM _timescaledb_functions.create_chunk(
    %(table)s::regclass,
    jsonb_build_object('time', jsonb_build_array(%(start_us)s::bigint, %(stop_us)s::bigint)))

-- :name primary_key
-- Name and definition of a table's primary key.
SELECT conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE conrelid = %(relation)s::regclass AND contype = 'p'

-- :name row_store_bytes
-- What a chunk holds outside the columnstore [bytes].
SELECT pg_relation_size(%(relation)s::regclass)

-- :name chunk_bytes
-- All that a chunk takes, in rows and in the columnstore, with indexes [bytes].
SELECT total_bytes
FROM chunks_detailed_size(%(table)s::regclass)
WHERE chunk_schema = %(chunk_schema)s AND chunk_name = %(chunk_name)s

-- :name compress_chunk
-- Move what a chunk holds as rows into its columnstore.
SELECT compress_chunk(%(relation)s::regclass, if_not_compressed => true)

-- :name vehicles_between
-- Vehicles of which a day's rows hold any between two times of their own [µs since 1970].
SELECT vehicle_id
FROM unnest(%(vehicle_ids)s::bigint[], %(first_us)s::bigint[], %(last_us)s::bigint[])
     AS span (vehicle_id, first_us, last_us)
WHERE EXISTS (
    SELECT FROM {table} AS row
    WHERE row.vehicle_id = span.vehicle_id AND row.time >= {start} AND row.time < {stop}
      AND row.time >= timestamptz 'epoch' + span.first_us * interval '1 microsecond'
      AND row.time <= timestamptz 'epoch' + span.last_us * interval '1 microsecond')

-- :name keep_memory
-- Let the C library of this backend keep what is freed, up to some ten megabytes. glibc gives the heap
-- back by twice the largest mapped block that was freed, 32 MB at the most; with less, each columnstore
-- batch returns its memory to the kernel, and the next one has every page cleared anew.
SELECT length(repeat('-', 30000000))
