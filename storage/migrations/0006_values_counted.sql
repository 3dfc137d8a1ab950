-- Values are counted beside frames: a frame holds 1 to 444 of them.
ALTER TABLE ingest_count
    DROP CONSTRAINT ingest_count_measure_check,
    ADD CONSTRAINT ingest_count_measure_check CHECK (measure IN
        ('frames', 'messages', 'values', 'refused', 'out_of_limits', 'unknown_signal', 'repeated',
         'merged'));
