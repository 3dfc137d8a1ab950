-- The signal catalogue as the database knows it: a mirror of schemas/catalogue.csv, written by
-- migrate alone, so that SQL and functions can resolve a signal's name.

CREATE TABLE signal (
    signal_id     integer PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    path          text NOT NULL UNIQUE,
    signal_group  text NOT NULL,
    position      smallint NOT NULL CHECK (position >= 1),
    kind          text NOT NULL CHECK (kind IN ('sample', 'state', 'counter')),
    type          text NOT NULL,
    unit          text NOT NULL,
    since         integer NOT NULL,
    UNIQUE (signal_group, position)
);
COMMENT ON COLUMN signal.position IS
    'Place (from 1) in vehicle_state''s arrays; a signal keeps it for ever, a new one is appended.';
