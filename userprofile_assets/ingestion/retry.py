"""Retrying of what may go away by itself: which errors, how often, how long.

Belongs here: the one retry rule of the ingestion room. Does not belong here: deciding what is
transient (the type of the error says it, `errors.py`), Dagster's own retries of a step.

stamina is used for its defaults: exponential backoff with jitter, a limit of attempts and a
deadline, and a switch that lets tests run without waiting (`stamina.set_testing`).
"""

from __future__ import annotations

import time
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import stamina

from userprofile_assets.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 5
"""Most calls, the first one included."""

DEADLINE_SECONDS = 120.0
"""No further call is begun when this long has gone since the first one began."""

# 1, 2, 4, 8 seconds plus up to 1 of jitter: a server that restarts gets about 15 seconds.
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 30.0
_JITTER_SECONDS = 1.0

# stamina would announce each retry a second time: on stdout if structlog is there, which Dagster
# brings, and stdout is the output of the command line.
stamina.instrumentation.set_on_retry_hooks(())

_P = ParamSpec("_P")
_T = TypeVar("_T")


def retrying(log: Callable[[str], None]) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Return a decorator that calls a function again when it raises a TransientError.

    Every call starts from zero, so the function must open what it reads and publish what it writes
    by itself. An error with an attribute `retry_after` (seconds) sets the wait before the next
    call; it is cut at the deadline. Every other error passes at once.

    A copy that breaks off after more than DEADLINE_SECONDS is not repeated here: starting a long
    transfer again is the business of the step's own retry policy.

    Args:
        log: Gets one sentence before each wait.
    """

    def decorate(call: Callable[_P, _T]) -> Callable[_P, _T]:
        @wraps(call)
        def with_retries(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            deadline = time.monotonic() + DEADLINE_SECONDS

            def backoff(error: Exception) -> bool | float:
                if not isinstance(error, TransientError):
                    return False
                asked = _asked_wait(error, deadline=deadline)
                return True if asked is None else asked

            for attempt in stamina.retry_context(
                on=backoff,
                attempts=ATTEMPTS,
                timeout=DEADLINE_SECONDS,
                wait_initial=_FIRST_WAIT_SECONDS,
                wait_max=_LONGEST_WAIT_SECONDS,
                wait_jitter=_JITTER_SECONDS,
            ):
                with attempt:
                    try:
                        return call(*args, **kwargs)
                    except TransientError as error:
                        if attempt.num < ATTEMPTS and time.monotonic() < deadline:
                            asked = _asked_wait(error, deadline=deadline)
                            wait = attempt.next_wait if asked is None else asked
                            log(_sentence(error, attempt=attempt.num, wait=wait))
                        raise
            raise AssertionError("stamina ends with a result or with the last error")

        return with_retries

    return decorate


def _asked_wait(error: TransientError, *, deadline: float) -> float | None:
    """Return the seconds that the other side asked for, cut at the deadline; None without any."""
    asked = getattr(error, "retry_after", None)
    if asked is None:
        return None
    return max(0.0, min(float(asked), deadline - time.monotonic()))


def _sentence(error: TransientError, *, attempt: int, wait: float) -> str:
    first_line = str(error).partition("\n")[0]
    return (
        f"Attempt {attempt} of {ATTEMPTS} failed, starting again from zero "
        f"in about {wait:.0f} s: {first_line}"
    )
