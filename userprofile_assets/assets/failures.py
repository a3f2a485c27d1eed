"""Turn this project's errors into Dagster failures.

A permanent error must not be retried, neither by the step's retry policy nor by run retries: the
same 404 five thousand times helps nobody. A transient one may.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import dagster as dg

from userprofile_assets.checks.failure_metadata import BAD_DAYS, REFUSED_DAYS
from userprofile_assets.errors import RefusedDayError, TransientError, UserProfileError

_P = ParamSpec("_P")
_T = TypeVar("_T")


class RunTerminatedError(dg.DagsterError, dg.DagsterExecutionInterruptedError):
    """Somebody ended the run in the UI.

    An error of the framework besides being an interrupt: Dagster 1.13 repeats a step that was
    interrupted after its retry policy, so that a run which is to end goes on after 30 seconds.
    """


def ends_when_terminated(
    step: Callable[_P, Iterator[_T]],
) -> Callable[_P, Generator[_T, None, None]]:
    """Decorate a step so that a terminated run ends there, and the step is not repeated."""

    @wraps(step)
    def ending(*args: _P.args, **kwargs: _P.kwargs) -> Generator[_T, None, None]:
        try:
            yield from step(*args, **kwargs)
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as error:
            raise RunTerminatedError("the run was terminated") from error

    return ending


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
        metadata={
            BAD_DAYS: dg.MetadataValue.json(sorted(bad)),
            REFUSED_DAYS: dg.MetadataValue.json(
                sorted(key for key, error in bad.items() if isinstance(error, RefusedDayError))
            ),
        },
        # All of them permanent: another try gives the same. One transient: it may help.
        allow_retries=any(isinstance(error, TransientError) for error in bad.values()),
    )
