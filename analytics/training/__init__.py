"""Training of models, the product's and one's own: datasets, recipes, evaluation, drift, cards.

Nothing here knows a database: `analytics.runner.training` stores what comes of it.
"""
