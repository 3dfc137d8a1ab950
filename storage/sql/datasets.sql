-- :name set_dataset_rule
-- What datasets may be defined; no row where that is no news.
UPDATE dataset_rule
SET min_vehicles = %(min_vehicles)s, finest_grid_deg = %(finest_grid_deg)s
WHERE (min_vehicles, finest_grid_deg) IS DISTINCT FROM (%(min_vehicles)s, %(finest_grid_deg)s)
RETURNING min_vehicles
