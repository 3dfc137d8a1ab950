-- :name cells
-- The directory of cells.
SELECT cell, regions, is_here FROM cell ORDER BY NOT is_here, cell

-- :name forget_cells
-- Forget the directory of cells, but for those that vehicles are known to be in.
DELETE FROM cell WHERE cell NOT IN (SELECT cell FROM vehicle_elsewhere)

-- :name set_cell
-- A cell and the regions it holds.
INSERT INTO cell (cell, regions, is_here) VALUES (%(cell)s, %(regions)s, %(is_here)s)
ON CONFLICT (cell) DO UPDATE SET regions = EXCLUDED.regions, is_here = EXCLUDED.is_here

-- :name vehicles_of_other_regions
-- Vehicles here whose region the cell does not hold.
SELECT count(*) FROM vehicle
WHERE region IS NOT NULL AND NOT is_region_of(region, %(regions)s::text[])

-- :name put_elsewhere
-- Say that vehicles are kept in another cell.
INSERT INTO vehicle_elsewhere (vin, cell)
SELECT vin, %(cell)s FROM unnest(%(vins)s::text[]) AS vin
ON CONFLICT (vin) DO UPDATE SET cell = EXCLUDED.cell

-- :name cell_of
-- The other cell that keeps a vehicle.
SELECT cell FROM vehicle_elsewhere WHERE vin = %(vin)s
