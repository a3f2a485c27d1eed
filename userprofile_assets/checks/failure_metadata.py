"""Names in the metadata of a step's failure: what a step writes there and a sensor reads."""

BAD_DAYS = "bad days"
"""The days that failed, as partition keys."""

REFUSED_DAYS = "refused days"
"""Those of them that a strong rule refuses."""
