-- :name searched_columns
-- Every column of every table that holds rows of its own: not views, nor the parts of what is read by
-- a table they belong to (partitions, chunks, compressed rows). What a column holds says its type's
-- category, of an array that of its elements.
SELECT relation.oid::regclass::text, namespace.nspname, relation.relname, attname,
       coalesce(element.typcategory, type.typcategory)::text,
       coalesce(element.typname, type.typname)::text, element.oid IS NOT NULL,
       EXISTS (SELECT FROM pg_constraint
               WHERE conrelid = relation.oid AND contype = 'f' AND conkey = ARRAY[attnum]
                 AND confrelid = to_regclass('telemetry.driver')),
       has_table_privilege(relation.oid, 'SELECT')
FROM pg_class AS relation
JOIN pg_namespace AS namespace ON namespace.oid = relation.relnamespace
JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
JOIN pg_type AS type ON type.oid = atttypid
LEFT JOIN pg_type AS element ON element.oid = type.typelem AND type.typcategory = 'A'
WHERE relation.relkind IN ('r', 'p', 'm', 'f')
  AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND NOT starts_with(nspname, 'pg_temp_') AND NOT starts_with(nspname, 'pg_toast_temp_')
  AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relation.oid)
  AND NOT EXISTS (SELECT FROM pg_attribute AS other JOIN pg_type ON pg_type.oid = other.atttypid
                  WHERE other.attrelid = relation.oid AND typname = 'compressed_data')
ORDER BY 2, 3, attnum

-- :name signals_of_drivers
-- Signals that say something of a driver; none tells which one it is.
SELECT name FROM signal WHERE name ~ 'driver|person'

-- :name searched_samples
-- Columns of which the planner has kept a sample that names somebody.
SELECT schemaname || '.' || tablename, attname, count(*)
FROM pg_stats
WHERE strpos(concat(most_common_vals::text, histogram_bounds::text,
                    most_common_elems::text), %(text)s) > 0
GROUP BY 1, 2
