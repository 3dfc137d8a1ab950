-- What analysis derives. Every row names the version of the method that made it.

CREATE TABLE trip (
    vehicle_id        bigint NOT NULL,
    start_time        timestamptz NOT NULL,
    end_time          timestamptz NOT NULL,
    distance_km       double precision NOT NULL,
    duration_s        double precision NOT NULL,
    idle_s            double precision NOT NULL,
    fuel_l            double precision,
    idle_fuel_l       double precision,
    l_per_100km       double precision,
    max_speed_kmh     real,
    start_latitude    double precision,
    start_longitude   double precision,
    end_latitude      double precision,
    end_longitude     double precision,
    distance_source   text NOT NULL,
    fuel_source       text,
    method_version    integer NOT NULL,
    PRIMARY KEY (vehicle_id, start_time),
    CHECK (end_time >= start_time)
);
COMMENT ON COLUMN trip.fuel_source IS
    'fuel_used_total (the counter), fuel_rate (integrated), or NULL where neither was there.';
