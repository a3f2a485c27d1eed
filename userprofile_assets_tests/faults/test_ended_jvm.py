"""Spark's JVM, or the group of its run, is ended while the rules of a table are measured."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from userprofile_assets.locks import exclusive_lock
from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import read_quality
from userprofile_assets_tests.support.project import CHECKOUT, wait_until

pytestmark = [pytest.mark.xdist_group("spark_processes"), pytest.mark.timeout(900)]

TABLE = "ods_raw_log_d_spark"


def java_below(pid):
    """Return the JVM that a process has started, whatever group it is in."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and b"java" in (status.parent / "cmdline").read_bytes()[:200]:
                return int(status.parent.name)
        except (OSError, IndexError):
            continue
    return None


@pytest.fixture
def measuring(project):
    """A run that measures an endless rule, and its JVM."""
    script = CHECKOUT / "userprofile_assets_tests" / "support" / "endless_rule.py"
    child = project.start("python", str(script), str(project.root))

    def measures():
        child.check_alive()
        return f"SELECT dt, COUNT(*) FROM {TABLE}" in child.printed()

    wait_until(measures, "the rows to be counted, which is the last before the rules")
    return child, java_below(child.pid)


def test_rules_are_not_measured_on_a_jvm_that_is_killed_and_the_next_run_gets_another(measuring):
    child, java = measuring
    os.kill(java, signal.SIGKILL)
    done = child.wait()
    assert done.code == 0, done.output
    killed, again = map(json.loads, done.stdout.splitlines())
    assert killed["said"].startswith(
        f"rules of {TABLE}: published, but its rules were not measured: "
        "Spark's JVM ended by SIGKILL\nIts last words:\n"
    )
    # Of its rules nothing is told.
    assert killed["checks"] == ["rows_equal_manifest"]
    assert (killed["success"], killed["quality"]) == (False, "failed")
    # A first day has nothing to be compared with.
    assert (again["success"], again["quality"]) == (True, "unknown")


def test_a_group_that_is_told_to_end_ends_without_results_of_rules(project, measuring):
    child, java = measuring
    os.killpg(child.pid, signal.SIGTERM)
    done = child.wait(60)
    assert done.code != 0
    assert not Path(f"/proc/{java}").exists()
    with exclusive_lock(project.home / "locks" / "metastore.lock", purpose="test", timeout=0):
        pass
    with open_records(None, project.home) as records:
        assert read_quality(records, TABLE, ["20240805"]) == {}
