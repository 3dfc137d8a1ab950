"""Advice: what there is for a vehicle, a driver and a fleet, its words, and the evidence for it."""
