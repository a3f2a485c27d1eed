"""The `userprofile` command, one module per subcommand.

Belongs here: arguments, what is printed, exit codes. Does not belong here: the work itself. Dagster
and Spark are imported by the subcommand that needs them, so `--help` answers at once.
"""
