"""Fuel: litres by period, fleet and driver, their causes, what a litre costs, and the tank."""
