"""The only part of analytics that knows the database: it reads what changed, calls, and writes.

First the vehicle-days that changed (`days`), then the hours of the drivers they were of (`duties`),
then the fuel of the weeks they lie in and advice on it (`fuel`, `advice`), then the scores of these
weeks (`weeks`): `run` has the order. What a step has seen is written down in the
transaction that stores its results, so a run may be killed anywhere and repeated. What the data of
one vehicle make fail (`failures`) stops no other.
"""
