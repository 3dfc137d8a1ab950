"""The command line: each subcommand is a module that calls one room of the platform."""
