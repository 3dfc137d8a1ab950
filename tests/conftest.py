"""Fixtures for every test: they start nothing until a test asks for them."""

import os

from hypothesis import HealthCheck, settings

# Threads that wait for each other on busy cores make numpy and scikit-learn many times slower;
# said before these are imported.
for _library in ("OMP", "OPENBLAS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# A run says something of the change that it was made for: its examples are the same every time,
# and how busy the machine was is no part of the answer. `make explore` looks for new ones.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore", settings.get_profile("same"), derandomize=False, max_examples=500
)
settings.load_profile("same")

pytest_plugins = [
    "tests.servers.servers_fixture",
    "tests.servers.secure_kafka_fixture",
    "tests.servers.database_fixture",
    "tests.servers.cluster_fixture",
    "tests.samples.behaviour_fixture",
    "tests.asking.command_line",
    "tests.asking.real_browser",
    "tests.servers.ingest_fixture",
    "tests.worlds.access_world",
    "tests.worlds.care_world",
    "tests.worlds.pages_fixture",
    "tests.worlds.dataset_fixture",
    "tests.worlds.webhook_fixture",
]
