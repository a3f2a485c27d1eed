"""The JVM of a driver of our own: whether it has ended, and what is said of that.

Does not belong here: starting and ending it (`session.py`), finding out by a call (`classic.py`).
"""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.errors import SparkEndedError, SparkUnavailableError
from userprofile_assets.warehouse.driver_log import last_lines

if TYPE_CHECKING:
    from pathlib import Path

    from userprofile_assets.errors import UserProfileError


@dataclass(frozen=True)
class Driver:
    """A JVM that this process started.

    Args:
        process: The JVM.
        log_file: What it prints.
        is_shared: Whether it stays for others, so that nobody here can start another.
    """

    process: subprocess.Popen[bytes]
    log_file: Path
    is_shared: bool = False

    def has_ended(self) -> bool:
        """Tell whether it is gone; one that is told to end is not, for a while."""
        return self.process.poll() is not None


def ended_error(driver: Driver | None, *, address: str, seconds: float = 0) -> UserProfileError:
    """Return the error of a driver whose Spark has stopped.

    Args:
        driver: The JVM; None where this process did not start it.
        address: Where Spark is.
        seconds: How long the JVM is waited for, to say how it ended.

    Returns:
        A transient one only where the next step gets another JVM.
    """
    if driver is None:
        return SparkEndedError(
            "Spark's JVM ended, or was stopped", where=address, remedy="start this process anew"
        )
    with suppress(subprocess.TimeoutExpired):
        driver.process.wait(seconds)
    tail = last_lines(driver.log_file)
    if "OutOfMemoryError" in tail:
        return SparkEndedError(
            "Spark's JVM ran out of memory and ended",
            where=address,
            remedy="raise spark.driver.memory in USERPROFILE_SPARK_CONF",
        )
    kind = SparkEndedError if driver.is_shared else SparkUnavailableError
    return kind(
        f"Spark's JVM ended{_how(driver.process.poll())}\nIts last words:\n{tail}",
        where=address,
        remedy=f"read {driver.log_file}; without an error there, something else ended it, such as "
        "the kernel when memory is short",
    )


def _how(code: int | None) -> str:
    if code is None:
        return ""
    if code < 0:
        return f" by {signal.Signals(-code).name}"
    return f" with code {code}"
