"""Vehicles: which there are, how each is and what it is doing, as it changes, and its service."""
