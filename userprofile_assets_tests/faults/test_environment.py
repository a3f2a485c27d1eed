"""A machine or a setting that is wrong: a short message that says what, where and what to do.

No Spark starts here: each process stops before it would.
"""

from __future__ import annotations

import pytest

from userprofile_assets_tests.support.project import scratch_project

pytestmark = pytest.mark.timeout(1800)

DAY = "2015-05-18"
OLD_JAVA = """\
#!/bin/sh
echo 'openjdk version "11.0.2" 2019-01-15' >&2
"""


@pytest.fixture
def project(tmp_path):
    with scratch_project(tmp_path / "project") as made:
        yield made


@pytest.fixture(params=["no Java", "Java 11"])
def java_error(request, project, tmp_path):
    """Point JAVA_HOME to what Spark cannot use; return what has to be said about it."""
    home = tmp_path / "java"
    project.environment["JAVA_HOME"] = str(home)
    if request.param == "no Java":
        return f"JAVA_HOME={home}: no Java found What to do: install Java 17 or newer"
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(OLD_JAVA)
    program.chmod(0o755)
    return f"{program}: Java 11.0.2 is too old for Spark 4, which needs 17"


def test_the_demo_ends_at_once_when_java_is_of_no_use(project, java_error):
    done = project.run("userprofile", "demo", "--dt", DAY)
    assert done.code == 1
    assert java_error in done.output
    assert "Traceback" not in done.output
    assert not (project.home / "sources").exists()


def test_a_run_copies_the_objects_and_says_what_is_wrong_with_java(project, java_error):
    done = project.materialize(DAY)
    assert done.code == 1
    assert f"Failure: {java_error}" in done.output
    assert [noise for noise in ("py4j", "JAVA_GATEWAY_EXITED") if noise in done.output] == []
    assert project.materialized("raw_log_oss") == {DAY}
    assert project.materialized("ods_raw_log_d_spark") == set()


def test_a_storage_that_cannot_be_written_is_named_with_its_setting(project, tmp_path):
    file = tmp_path / "file"
    file.write_text("no directory")
    project.configure(STORAGE_URI=f"{file.as_uri()}/storage")
    done = project.materialize(DAY, select="raw_log_oss")
    assert done.code == 1
    assert f"Failure: {file}/storage/" in done.output
    assert "Not a directory" in done.output
    assert "make USERPROFILE_STORAGE_URI a directory that this user may write to" in done.output
    doctor = project.run("userprofile", "doctor")
    assert doctor.code == 1
    assert f"FAIL object storage: {file}/storage/" in doctor.output


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("userprofile", "doctor"), 1),
        (("userprofile", "demo"), 2),
        (
            (
                *("dagster", "asset", "materialize", "--select", "*", "--partition", DAY),
                *("-m", "userprofile_assets.definitions"),
            ),
            1,
        ),
    ],
    ids=["doctor", "demo", "dagster asset materialize"],
)
def test_an_unknown_setting_is_named_with_the_nearest_one(project, command, code):
    project.configure(LOG_URI="http://127.0.0.1/log")
    done = project.run(*command)
    assert done.code == code
    assert (
        "USERPROFILE_LOG_URI is not a setting; the nearest one is USERPROFILE_LOG_URL"
        in done.output
    )


DAYS_THAT_ARE_NONE = pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2999-12-31", "2999-12-31 is not over yet in Asia/Shanghai"),
        ("2015-04-30", "2015-04-30 is before the first day, 2015-05-01"),
    ],
    ids=["in the future", "before START_DATE"],
)


@DAYS_THAT_ARE_NONE
def test_a_partition_that_does_not_exist_is_refused(project, day, why):
    done = project.materialize(day)
    assert done.code == 1
    assert f"PartitionsDefinition containing the passed partition key `{day}`" in done.output
    assert not (project.home / "storage").exists()


@DAYS_THAT_ARE_NONE
def test_the_demo_refuses_a_day_that_is_no_partition_and_says_why(project, day, why):
    done = project.run("userprofile", "demo", "--dt", day)
    assert done.code == 2
    assert f"error: --dt: {why}" in done.output
    assert "Traceback" not in done.output
    assert not (project.home / "sources").exists()
