"""`/v1/registers`: vehicles, parties, drivers, fleets and grants, and a party's own accounts."""
