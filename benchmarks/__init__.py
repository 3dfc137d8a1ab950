"""How fast it is here: figures taken in one run on one machine, to be read as ratios."""
