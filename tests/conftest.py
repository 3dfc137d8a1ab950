"""Fixtures for every test: they start nothing until a test asks for them."""

pytest_plugins = [
    "tests.servers_fixture",
    "tests.secure_kafka_fixture",
    "tests.database_fixture",
    "tests.behaviour_fixture",
    "tests.command_line",
    "tests.ingest_fixture",
]
