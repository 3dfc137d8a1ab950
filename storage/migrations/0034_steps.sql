-- Measurements as whole steps, in databases whose signal tables are made from now on; those that are
-- there stay as they are, and so does the code that writes them.
-- works with: 33

CREATE TABLE signal_step (
    name          text PRIMARY KEY,
    signal_group  text NOT NULL,
    step          double precision NOT NULL CHECK (step > 0)
);
COMMENT ON TABLE signal_step IS
    'Signals that table steps_<group> keeps in steps, and what a step is in the signal''s unit.';
