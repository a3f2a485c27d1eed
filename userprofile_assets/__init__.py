"""User profile analysis as Dagster software-defined assets.

Start at `definitions.py`, or read docs/architecture.md. Nothing is imported here, so that a room
can be used alone: `ingestion`, `warehouse` and `demo` know no Dagster.
"""
