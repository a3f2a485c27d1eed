"""Turn this project's errors into Dagster failures.

A permanent error must not be retried, neither by the step's retry policy nor by run retries: the
same 404 five thousand times helps nobody. A transient one may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg

from userprofile_assets.errors import TransientError, UserProfileError


@contextmanager
def failing_as_dagster() -> Iterator[None]:
    """Turn an error of this project that concerns a whole step into a Dagster failure.

    Raises:
        dagster.Failure: Instead of the error; retried only if that is transient.
    """
    try:
        yield
    except UserProfileError as error:
        raise dg.Failure(
            description=str(error), allow_retries=isinstance(error, TransientError)
        ) from error


def failure_of_days(bad: Mapping[str, UserProfileError], *, of: int) -> dg.Failure:
    """Return the failure of a step that names its bad days.

    Args:
        bad: Partition key -> what went wrong that day.
        of: How many days the step had in all.
    """
    first = next(iter(bad.values()))
    if of == 1:
        description = str(first)
    else:
        lines = [f"{len(bad)} of {of} days failed; the others are published and recorded."]
        lines += [f"{key}: {error}" for key, error in bad.items()]
        lines.append("Materialize the missing days again.")
        description = "\n".join(lines)
    return dg.Failure(
        description=description,
        metadata={"bad days": dg.MetadataValue.json(sorted(bad))},
        # All of them permanent: another try gives the same. One transient: it may help.
        allow_retries=any(isinstance(error, TransientError) for error in bad.values()),
    )
