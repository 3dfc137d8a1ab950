"""`python -m cli` is `telemetry`."""

from cli.app import main

main()
