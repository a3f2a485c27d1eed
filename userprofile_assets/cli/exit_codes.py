"""How an error ends a command: what is printed, and the exit code.

Belongs here: what all commands share, with or without typer. Does not belong here: codes that a
command returns by itself (`check`, `doctor`, ...).
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.errors import NotInCatalogError, SettingsError, UserProfileError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Print an error of this project without a traceback, and exit with its code.

    2 if the command or a setting is wrong, 1 if it failed.
    """
    try:
        yield
    except UserProfileError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False)
        sys.exit(2 if isinstance(error, (SettingsError, NotInCatalogError)) else 1)
    except BrokenPipeError:
        # The reader went away, as in `userprofile query ... | head`. Python would complain again
        # when it flushes standard output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
