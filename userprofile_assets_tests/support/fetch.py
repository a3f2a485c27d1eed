"""Gets the servers that tests use and no package has, ahead of the tests.

`python -m userprofile_assets_tests.support.fetch` is for CI, which runs it beside what needs one
core only. A test that finds nothing here gets what it needs itself, and says what is missing.
"""

from __future__ import annotations

import sys

import pytest

from userprofile_assets_tests.support.mysql import mysql_home
from userprofile_assets_tests.support.versitygw import versitygw_program


def main() -> int:
    """Get each; tell what is missing. Returns 1 if anything is."""
    code = 0
    for get in (versitygw_program, mysql_home):
        try:
            sys.stdout.write(f"{get()}\n")
        except (pytest.fail.Exception, pytest.skip.Exception) as missing:
            sys.stdout.write(f"{missing}\n")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
