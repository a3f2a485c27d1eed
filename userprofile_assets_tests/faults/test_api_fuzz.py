"""Every operation of the API is asked what its description allows, and what it does not.

schemathesis generates requests from /openapi.json with a fixed seed, and checks each answer: no
5xx, described status, type, headers and body, no bad value taken, no good value refused, other
methods refused, keys not ignored.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from userprofile_assets.records.database import open_records
from userprofile_assets_tests.support.api_server import ApiServer, api_server
from userprofile_assets_tests.support.served_days import profile, serve_day

DAYS = ("20240805", "20240806", "20240807")

# Uids that look like parts of SQL, of a path, of a URL; and texts of several bytes a character.
UIDS = (
    "0016359810821",
    "a/b",
    "..",
    "a?b=c",
    "' OR 1=1 --",
    "100%",
    "\u7528\u6237",
    "a b",
    "a\nb",
)
CHECKOUT = Path(__file__).resolve().parents[2]

# Statuses with which a bad request may be refused, besides those that schemathesis knows.
CONFIG = """\
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 410, 413, 414, 421]
"""


@pytest.fixture
def home(tmp_path):
    """A USERPROFILE_HOME whose database serves three small days."""
    home = tmp_path / "home"
    with open_records(None, home) as records:
        for dt in DAYS:
            profiles = [
                profile(
                    uid,
                    pv=number * 7,
                    device=("iphone", "android", None)[number % 3],
                    country="China",
                    region=("Beijing", "Zhejiang")[number % 2],
                    city=("Beijing", "Hangzhou")[number % 2],
                    gender=("male", "female", None)[number % 3],
                    age_range="30-40",
                    zodiac="Leo",
                    is_registered=number % 2 == 0,
                )
                for number, uid in enumerate(UIDS)
            ]
            serve_day(records, dt, profiles)
    return home


def fuzz(server: ApiServer, *options: str) -> None:
    """Run schemathesis against a server, and fail with what it found."""
    directory = server.home.parent
    (directory / "schemathesis.toml").write_text(CONFIG)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    done = subprocess.run(
        [
            *command,
            "--seed=20240807",
            "--generation-deterministic",
            "--max-examples=25",
            "--request-timeout=20",
            "--continue-on-failure",
            "--no-color",
            "--suppress-health-check=all",
            *options,
        ],
        cwd=directory,
        # An installed project has no tests: its hooks are found in the checkout.
        env=os.environ
        | {
            "SCHEMATHESIS_HOOKS": "userprofile_assets_tests.support.api_fuzz_hooks",
            "PYTHONPATH": str(CHECKOUT),
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-400_000:] + done.stderr[-2000:]
    assert " failed: " not in server.log


def test_nothing_that_is_asked_without_keys_breaks_the_description(home):
    with api_server(home) as server:
        # Here no key is needed.
        fuzz(
            server,
            "--exclude-checks=ignored_auth,missing_required_header",
            "--generation-with-security-parameters=false",
        )


def test_nothing_that_is_asked_with_a_key_breaks_the_description(home):
    with api_server(home, {"API_RATE": "1000000"}) as server:
        key = server.create_key("users", "pii")
        fuzz(server, f"--header=Authorization: Bearer {key}")
