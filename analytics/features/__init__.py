"""Features: what models, scores and notebooks are told of driving, each a named function.

    feature.py    what a feature is
    segments.py   of a stretch of road: what the fuel model's trees depend on
    driving.py    of a trip's part: the metrics of scores, and how hard the work was
    registry.py   all of them by name

A feature is computed by the same function wherever it is used.
"""
