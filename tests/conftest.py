"""Fixtures for every test: they start nothing until a test asks for them."""

import os

# Threads that wait for each other on busy cores make numpy and scikit-learn many times slower;
# said before these are imported.
for _library in ("OMP", "OPENBLAS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

pytest_plugins = [
    "tests.servers_fixture",
    "tests.secure_kafka_fixture",
    "tests.database_fixture",
    "tests.behaviour_fixture",
    "tests.command_line",
    "tests.ingest_fixture",
    "tests.access_world",
    "tests.care_world",
]
