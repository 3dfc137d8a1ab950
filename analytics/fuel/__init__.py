"""Fuel: what a vehicle burnt, what it should have, which causes lie between, and their litres."""
