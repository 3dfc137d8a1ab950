-- The registers: who there is (parties, drivers), what there is (vehicles, fleets), and who may see
-- what, for how long. Everything the access rule needs is here.

CREATE TABLE party (
    party_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN
                    ('maker', 'dealer', 'service_provider', 'owner', 'data_science', 'auditor')),
    name        text NOT NULL UNIQUE CHECK (name <> ''),
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE party IS 'A company or authority that uses the platform.';

-- vehicle_id is unique across cells (a cell is a region's database), so that cells can be merged
-- and split: the cell's number stands in the upper bits. migrate moves the sequence to its cell.
CREATE SEQUENCE vehicle_id_seq AS bigint;

CREATE TABLE vehicle (
    vehicle_id      bigint PRIMARY KEY DEFAULT nextval('vehicle_id_seq'),
    vin             text NOT NULL UNIQUE CHECK (vin ~ '^[A-HJ-NPR-Z0-9]{17}$'),
    check_digit_ok  boolean NOT NULL,
    model           text,
    registered_by   text NOT NULL CHECK (registered_by IN ('register', 'ingest')),
    registered_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN vehicle.check_digit_ok IS
    'Whether position 9 is the check digit of ISO 3779 / 49 CFR 565. A warning, never a refusal: '
    'Chinese and European VINs often do without.';

CREATE TABLE fleet (
    fleet_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id   bigint NOT NULL REFERENCES party,
    name       text NOT NULL,
    time_zone  text NOT NULL DEFAULT 'Asia/Shanghai',
    UNIQUE (party_id, name)
);
COMMENT ON COLUMN fleet.time_zone IS 'IANA name; the fleet''s own days and weeks are cut by it.';

CREATE TABLE fleet_vehicle (
    fleet_id    bigint NOT NULL REFERENCES fleet,
    vehicle_id  bigint NOT NULL REFERENCES vehicle,
    member      tstzrange NOT NULL DEFAULT tstzrange(now(), NULL) CHECK (NOT isempty(member)),
    PRIMARY KEY (fleet_id, vehicle_id, member)
);
CREATE INDEX fleet_vehicle_by_vehicle ON fleet_vehicle (vehicle_id);

CREATE TABLE driver (
    driver_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    card_id    text NOT NULL UNIQUE,
    party_id   bigint REFERENCES party,
    name       text,
    first_seen timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE driver IS
    'A person at the wheel, known by the tachograph card; name and employer where a party gave them.';

-- How long a grant holds and which span of data it opens are two things: a dealer may look for one
-- month (valid) at all that was recorded since the sale (data).
CREATE TABLE vehicle_access (
    access_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id    bigint NOT NULL REFERENCES party,
    vehicle_id  bigint NOT NULL REFERENCES vehicle,
    purpose     text NOT NULL CHECK (purpose IN ('ownership', 'sale', 'service', 'research')),
    valid       tstzrange NOT NULL DEFAULT tstzrange(now(), NULL) CHECK (NOT isempty(valid)),
    data        tstzrange NOT NULL DEFAULT tstzrange(NULL, NULL) CHECK (NOT isempty(data)),
    granted_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX vehicle_access_by_party ON vehicle_access (party_id, vehicle_id);
CREATE INDEX vehicle_access_by_vehicle ON vehicle_access (vehicle_id);
