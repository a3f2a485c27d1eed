"""Asset checks: what must hold of a day before anything is built on it.

Belongs here: specs and results for Dagster, and the gate that keeps a refused day from going on.
Does not belong here: measuring and judging (`quality/`), the steps (`assets/`).
"""
