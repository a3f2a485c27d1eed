"""Waits until a part of `userprofile up` answers for the first time.

Belongs here: waiting, and the error of a part that ended or is late. Does not belong here: how a
part is asked, or started (`api_process.py`, `dagster_dev.py`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.errors import PermanentError
from userprofile_assets.warehouse.driver_log import last_lines

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from userprofile_assets.child_process import ChildProcess

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Part:
    """What is told of a part that does not come up.

    Args:
        command: The command that it is, such as `dagster dev`.
        where: Its address.
        log_file: What it prints.
        remedy: What a person can do beside reading that.
    """

    command: str
    where: str
    log_file: Path
    remedy: str


def wait_for_answer(
    part: Part,
    process: ChildProcess,
    answers: Callable[[], bool],
    *,
    seconds: float,
    stop_event: threading.Event,
) -> bool:
    """Wait until a part answers.

    Args:
        part: The part.
        process: Its process.
        answers: Asks it once.
        seconds: For how long at most.
        stop_event: Ends the waiting.

    Returns:
        Whether it answers; not if the event came first.

    Raises:
        PermanentError: It ended, or took too long.
    """
    deadline = time.monotonic() + seconds
    while not answers():
        code = process.exit_code()
        if code is not None or time.monotonic() > deadline:
            what = "does not answer in time" if code is None else f"ended with {code}"
            raise PermanentError(
                f"`{part.command}` {what}; the end of its log:\n{last_lines(part.log_file)}",
                where=part.where,
                remedy=f"read {part.log_file}; {part.remedy}",
            )
        if stop_event.wait(_LOOK_SECONDS):
            return False
    return True
