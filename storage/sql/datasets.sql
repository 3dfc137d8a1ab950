-- :name set_dataset_rule
-- What datasets may be defined; no row where that is no news.
UPDATE dataset_rule
SET min_vehicles = %(min_vehicles)s, finest_grid_deg = %(finest_grid_deg)s
WHERE (min_vehicles, finest_grid_deg) IS DISTINCT FROM (%(min_vehicles)s, %(finest_grid_deg)s)
RETURNING min_vehicles

-- :name every_dataset
-- All datasets by number, whoever defined them, for an administrator.
SELECT dataset_id, one.name, purpose, definer.name AS defined_by, research.name AS for_party,
       lower(valid) AS valid_from, least(upper(valid), ended_at) AS valid_until,
       lower(data) AS data_from, upper(data) AS data_until,
       (SELECT count(*) FROM dataset_members(dataset_id)) AS vehicles, holds(one) AS holds,
       is_withheld(dataset_id) AS is_withheld
FROM dataset AS one
JOIN party AS definer ON definer.party_id = defined_by
JOIN party AS research ON research.party_id = for_party
ORDER BY dataset_id

-- :name end_any_dataset
-- End a dataset, whoever defined it; no row: there is none.
UPDATE dataset SET ended_at = coalesce(ended_at, now()) WHERE dataset_id = %(dataset_id)s
RETURNING name
