"""How vehicles are driven: trips, events, scores, counters; by driver, and by fleet."""
