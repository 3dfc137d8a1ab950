"""Everything that knows SQL: the tables, how they are made, written and read."""
