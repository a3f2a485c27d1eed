"""A Spark session for a command: started in the background, its waits told on standard error."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.warehouse.session import BackgroundSession
from userprofile_assets.warehouse.session_options import SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from userprofile_assets.settings import Settings


def session_options(settings: Settings, command: str) -> SessionOptions:
    """Return the options of a command's session."""
    conf = settings.spark_conf.get_secret_value() if settings.spark_conf else "{}"
    return SessionOptions(
        home=settings.home,
        master=settings.spark_master,
        timezone=settings.timezone,
        conf=json.loads(conf),
        app_name=f"userprofile-{command}-{os.getpid()}",
        lock_seconds=settings.spark_lock_seconds,
    )


@contextmanager
def background_session(settings: Settings, command: str) -> Iterator[BackgroundSession]:
    """Give a session that is starting; it ends with the block."""
    background = BackgroundSession(session_options(settings, command))
    background.start()
    try:
        yield background
    finally:
        background.close()


def tell(sentence: str) -> None:
    """Print a sentence on standard error."""
    Console(stderr=True).print(sentence, style="yellow", markup=False, highlight=False)
