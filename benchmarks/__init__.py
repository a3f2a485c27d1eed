"""Measurements of time and memory; docs/performance.md has goals and figures.

`python -m benchmarks` runs all of them, `python -m benchmarks NAME` one. One module for each
measurement; `measure.py` runs a child process, `rounds.py` repeats, `project.py` gives each side a
home of its own, `report.py` writes Markdown. Linux only: memory is read from /proc.
"""
