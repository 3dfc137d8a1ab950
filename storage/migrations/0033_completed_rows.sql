-- A frame comes in as many rows as its message has blocks: rows that only complete each other are
-- counted apart from those that say otherwise than what came before.
-- works with: 6

ALTER TABLE ingest_count
    DROP CONSTRAINT ingest_count_measure_check,
    ADD CONSTRAINT ingest_count_measure_check CHECK (measure IN
        ('frames', 'messages', 'values', 'refused', 'out_of_limits', 'unknown_signal', 'repeated',
         'merged', 'completed', 'erased'));
