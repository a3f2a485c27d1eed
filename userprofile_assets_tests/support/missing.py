"""What a test does when a real part is missing: skip on a laptop, fail in CI."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing_part(part: str, install: str) -> NoReturn:
    """Skip the test and say what to install; with CI=true fail instead."""
    message = f"{part} is missing; install it: {install}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message)
    pytest.skip(message)
