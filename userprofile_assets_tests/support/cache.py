"""Where servers and jars for tests are kept between runs, outside of the checkout.

`$XDG_CACHE_HOME/userprofile-assets-tests` (`~/.cache` without it). Nothing removes what is there;
a directory's name holds its version, so another version is fetched beside it.
"""

from __future__ import annotations

import os
from pathlib import Path


def cache() -> Path:
    """Return the directory, which exists."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    directory = Path(base) / "userprofile-assets-tests"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
