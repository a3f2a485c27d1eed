"""Telling people of failures: messages, when they are due, channels.

One message a cause, at most so many and so far apart, nothing in quiet hours; what was told is
kept in the records, so that a restart neither forgets nor repeats. What counts as a failure is seen
by the sensors in `automation/`. No Dagster in here.
"""
