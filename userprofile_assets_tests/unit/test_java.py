"""Which Java is found, and which one is refused."""

import os
from pathlib import Path

import pytest

from userprofile_assets.errors import SparkError
from userprofile_assets.warehouse.java import Java, find_java


def fake_java(home: Path, said: str, exit_code: int = 0) -> None:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit {exit_code}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "major"),
    [("17.0.15", 17), ("21", 21), ("1.8.0_402", 8), ("25.0.1", 25)],
    ids=["17", "21 without minor", "8 by its old name", "25"],
)
def test_the_feature_release_is_read_from_a_version(version, major):
    assert Java(program=Path("java"), version=version).major == major


def test_the_java_of_java_home_is_used(tmp_path, monkeypatch):
    fake_java(tmp_path, 'openjdk version "21.0.3" 2024-04-16')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() == Java(program=tmp_path / "bin/java", version="21.0.3")


def test_the_release_file_is_believed_without_starting_java(tmp_path, monkeypatch):
    fake_java(tmp_path, "never asked", exit_code=9)
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.9"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java().version == "17.0.9"


def test_a_java_that_is_too_old_is_refused_with_what_to_install(tmp_path, monkeypatch):
    fake_java(tmp_path, 'openjdk version "11.0.2" 2019-01-15')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SparkError) as caught:
        find_java()
    assert "Java 11.0.2 is too old for Spark 4, which needs 17" in str(caught.value)
    assert "install Java 17 or newer" in str(caught.value)


def test_a_java_home_without_java_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SparkError, match=f"JAVA_HOME={tmp_path}: no Java found"):
        find_java()


def test_no_java_on_the_path_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SparkError, match="PATH: no Java found"):
        find_java()


@pytest.mark.parametrize(
    ("said", "exit_code"), [("broken", 1), ("no version here", 0)], ids=["fails", "says nothing"]
)
def test_a_java_that_does_not_tell_its_version_is_refused(tmp_path, monkeypatch, said, exit_code):
    fake_java(tmp_path, said, exit_code)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SparkError, match=f"did not tell its version .exit code {exit_code}"):
        find_java()


def test_a_program_that_cannot_be_run_is_refused(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.write_text("")
    os.chmod(program, 0o644)  # noqa: PTH101 - the mode is the point
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SparkError, match="no Java found"):
        find_java()
