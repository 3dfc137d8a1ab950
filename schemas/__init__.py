"""What a signal is: the catalogue, and everything derived from it."""
