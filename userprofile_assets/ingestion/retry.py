"""Retrying of what may go away by itself: which errors, how often, how long.

Belongs here: the retry rules of the ingestion room: from zero (`retrying`), from where it broke off
(`Patience`), and the deadline that both stand under. Does not belong here: deciding what is
transient (the type of the error says it, `errors.py`), Dagster's own retries of a step.

stamina is used for its defaults: exponential backoff with jitter, a limit of attempts and a
deadline, and a switch that lets tests run without waiting (`stamina.set_testing`).
"""

from __future__ import annotations

import random
import time
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import stamina

from userprofile_assets.errors import SourceUnavailableError, TransientError

if TYPE_CHECKING:
    import threading
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


class DeadlineError(SourceUnavailableError):
    """The time for all tries of one copy is over, or a wait that is asked for would pass it."""


class GaveUpError(SourceUnavailableError):
    """Every try to go on where a transfer broke off has failed."""


class Deadline:
    """A moment by which all tries together have to be done.

    Args:
        seconds: From now on.
        setting: The variable that sets it, for errors.
    """

    def __init__(self, seconds: float, *, setting: str) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._setting = setting

    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self._end - time.monotonic())

    def check(self, *, where: str) -> None:
        """Raise a DeadlineError when nothing is left."""
        if self.left() <= 0:
            raise self.passed(where=where)

    def passed(self, *, where: str | None, asked: float | None = None) -> DeadlineError:
        """Return the error that says so.

        Args:
            where: What was being read.
            asked: Seconds that the other side asked to wait, when that is what does not fit.
        """
        if asked is None:
            what = f"the copy was not done within {self._seconds:g} seconds"
        else:
            what = (
                f"the server asks to wait {asked:.0f} seconds, "
                f"but only {self.left():.0f} of {self._seconds:g} are left for this copy"
            )
        return DeadlineError(
            what,
            where=where,
            remedy=f"start it again later, or raise {self._setting} if the server is that slow",
        )


def retrying(
    log: Callable[[str], None], *, deadline: Deadline | None = None
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Return a decorator that calls a function again when it raises a TransientError.

    Every call starts from zero, so the function must open what it reads and publish what it writes
    by itself. An error with an attribute `retry_after` (seconds) sets the wait before the next
    call. Every other error passes at once, and so do a DeadlineError and a GaveUpError.

    Args:
        log: Gets one sentence before each wait.
        deadline: When all calls have to be done; a wait that is asked for and would pass it fails
            at once. None: DEADLINE_SECONDS from the first call on, which cut a longer wait. A copy
            that breaks off later than that is then not repeated here: starting a long transfer
            again is the business of the step's own retry policy.
    """

    def decorate(call: Callable[_P, _T]) -> Callable[_P, _T]:
        @wraps(call)
        def with_retries(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            seconds = DEADLINE_SECONDS if deadline is None else max(deadline.left(), 0.001)
            end = time.monotonic() + seconds

            def backoff(error: Exception) -> bool | float:
                if not isinstance(error, TransientError) or _is_final(error):
                    return False
                asked = _asked_wait(error, end=end)
                return True if asked is None else asked

            for attempt in stamina.retry_context(
                on=backoff,
                attempts=ATTEMPTS,
                timeout=seconds,
                wait_initial=_FIRST_WAIT_SECONDS,
                wait_max=_LONGEST_WAIT_SECONDS,
                wait_jitter=_JITTER_SECONDS,
            ):
                with attempt:
                    try:
                        return call(*args, **kwargs)
                    except TransientError as error:
                        if deadline is not None:
                            _check_asked(error, deadline)
                        if (
                            attempt.num < ATTEMPTS
                            and time.monotonic() < end
                            and not _is_final(error)
                        ):
                            asked = _asked_wait(error, end=end)
                            wait = attempt.next_wait if asked is None else asked
                            log(_sentence(error, attempt=attempt.num, wait=wait))
                        raise
            raise AssertionError("stamina ends with a result or with the last error")

        return with_retries

    return decorate


class Patience:
    """Waits between the tries of one transfer that goes on where it broke off.

    A try that brings bytes does not count; ATTEMPTS in a row that bring none are the end.

    Args:
        log: Gets one sentence before each wait.
        deadline: Stands over all waits.
        cancelled: Ends a wait early, for the threads of a transfer that has failed elsewhere.
    """

    def __init__(
        self,
        log: Callable[[str], None],
        *,
        deadline: Deadline,
        cancelled: threading.Event | None = None,
    ) -> None:
        self._log = log
        self._deadline = deadline
        self._cancelled = cancelled
        self._failures = 0

    def progress(self) -> None:
        """Say that the try that has just failed brought bytes."""
        self._failures = -1

    def wait(self, error: TransientError, *, offset: int) -> None:
        """Wait before the next try.

        Args:
            error: Why another one is needed.
            offset: Where it begins, for the log.

        Raises:
            GaveUpError: There have been enough.
            DeadlineError: There is no time for another one.
        """
        if _is_final(error):
            raise error
        self._failures += 1
        if self._failures >= ATTEMPTS:
            raise GaveUpError(
                f"{error.what}; {ATTEMPTS} tries in a row brought no byte from {offset:,} on",
                where=error.where,
                remedy=error.remedy,
            ) from error
        _check_asked(error, self._deadline)
        seconds = getattr(error, "retry_after", None)
        if seconds is None:
            doubled = _FIRST_WAIT_SECONDS * 2.0 ** max(0, self._failures - 1)
            spread = random.uniform(0, _JITTER_SECONDS)  # noqa: S311 - no secret hangs on it
            seconds = min(_LONGEST_WAIT_SECONDS, doubled) + spread
        if seconds > self._deadline.left():
            raise self._deadline.passed(where=error.where) from error
        first_line = str(error).partition("\n")[0]
        self._log(f"Going on from byte {offset:,} in about {seconds:.0f} s: {first_line}")
        if stamina.is_testing():
            return
        if self._cancelled is None:
            time.sleep(seconds)
        else:
            self._cancelled.wait(seconds)


def _is_final(error: TransientError) -> bool:
    return isinstance(error, (DeadlineError, GaveUpError))


def _check_asked(error: TransientError, deadline: Deadline) -> None:
    asked = getattr(error, "retry_after", None)
    if asked is not None and asked > deadline.left():
        raise deadline.passed(where=error.where, asked=asked) from error


def _asked_wait(error: TransientError, *, end: float) -> float | None:
    """Return the seconds that the other side asked for, cut at the end; None without any."""
    asked = getattr(error, "retry_after", None)
    if asked is None:
        return None
    return max(0.0, min(float(asked), end - time.monotonic()))


def _sentence(error: TransientError, *, attempt: int, wait: float) -> str:
    first_line = str(error).partition("\n")[0]
    return (
        f"Attempt {attempt} of {ATTEMPTS} failed, starting again from zero "
        f"in about {wait:.0f} s: {first_line}"
    )
