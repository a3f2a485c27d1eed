"""A Spark start that fails, without Spark: what is told, and that the next call tries anew."""

import pytest

from userprofile_assets.errors import LockTimeoutError, SparkError
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.warehouse import session as session_module
from userprofile_assets.warehouse.open_engine import BackgroundEngine
from userprofile_assets.warehouse.session_options import SessionOptions


@pytest.fixture
def options(tmp_path, monkeypatch):
    # Another test of this process may have a session, which would be used as it is.
    monkeypatch.setattr(session_module, "running_session", lambda: None)
    return SessionOptions(home=tmp_path / "home", master="local[1]", timezone="UTC", lock_seconds=0)


@pytest.fixture
def usable_java(tmp_path):
    home = tmp_path / "java"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text('JAVA_VERSION="17.0.15"\n')
    return home


def test_a_second_process_gives_up_with_the_name_of_the_holder(options, usable_java, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(usable_java))
    told: list[str] = []
    background = BackgroundEngine(options)
    with (
        exclusive_lock(options.metastore_lock, purpose="another run", timeout=0),
        pytest.raises(LockTimeoutError, match=r"still held by process \d+ \(another run\)"),
    ):
        background.get(told.append)
    background.close()
    assert told == [] or "held by process" in told[0]


def test_a_start_that_failed_is_tried_anew_by_the_next_call(
    options, usable_java, monkeypatch, tmp_path
):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing here"))
    background = BackgroundEngine(options)
    background.start()
    with pytest.raises(SparkError, match="no Java found"):
        background.get(lambda _: None)
    monkeypatch.setenv("JAVA_HOME", str(usable_java))
    with (
        exclusive_lock(options.metastore_lock, purpose="another run", timeout=0),
        pytest.raises(LockTimeoutError),
    ):
        background.get(lambda _: None)
    background.close()


def test_closing_gives_up_a_wait_for_the_metastore(options, usable_java, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(usable_java))
    patient = SessionOptions(
        home=options.home, master="local[1]", timezone="UTC", lock_seconds=3600
    )
    background = BackgroundEngine(patient)
    with exclusive_lock(patient.metastore_lock, purpose="another run", timeout=0):
        background.start()
        background.close()
