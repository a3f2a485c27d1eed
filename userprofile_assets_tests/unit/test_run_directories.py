from __future__ import annotations

import pytest

from userprofile_assets.warehouse.places import is_under, key_under, same_place
from userprofile_assets.warehouse.run_directories import (
    Attempt,
    attempt_of,
    is_writer,
    read_run_path,
)

RUN = "5f0c1f1e-6f6b-4c0e-9a3e-8f1f4d0f6a11"
ATTEMPT = Attempt("20240808T003000123456Z", RUN)
NAME = f"run={RUN}.20240808T003000123456Z"


def test_an_attempt_names_its_directory_its_days_and_its_table():
    assert ATTEMPT.name == NAME
    assert ATTEMPT.directory("s3a://b/t/") == f"s3a://b/t/{NAME}"
    assert ATTEMPT.day("s3a://b/t", "20240807") == f"s3a://b/t/{NAME}/dt=20240807"
    assert is_writer("words", ATTEMPT.writer("words"))


def test_no_two_attempts_of_a_process_are_alike_and_they_sort_by_age():
    attempts = [Attempt.begin("b" if number % 2 else "a") for number in range(1000)]
    assert sorted(set(attempts)) == attempts


def test_the_name_of_a_run_cannot_lead_out_of_the_directory():
    attempt = Attempt.begin("../a b/c.d")
    assert attempt.run_id == "---a-b-c-d"
    assert attempt_of(attempt.day("/t", "20240807")) == attempt


@pytest.mark.parametrize(
    ("path", "bizdate"),
    [
        (NAME, None),
        (f"{NAME}/_SUCCESS", None),
        (f"{NAME}/_temporary/0/dt=20240807/x", None),
        (f"{NAME}/dt=20240807", "20240807"),
        (f"{NAME}/dt=20240807/", "20240807"),
        (f"{NAME}/dt=20240807/part-0.parquet", "20240807"),
        (f"{NAME}/dt=2024080712/x", None),
    ],
)
def test_a_path_of_a_run_is_read_back(path, bizdate):
    read = read_run_path(path)
    assert read is not None
    assert (read.attempt, read.bizdate) == (ATTEMPT, bizdate)


@pytest.mark.parametrize("path", ["run=1", "run=a.b/x", "x/" + NAME, "dt=20240807/x", NAME + "x"])
def test_another_path_is_none_of_a_run(path):
    assert read_run_path(path) is None


@pytest.mark.parametrize(
    ("location", "found"),
    [
        (f"file:/t/{NAME}/dt=20240807", ATTEMPT),
        (f"s3a://b/run=old/t/{NAME}/", ATTEMPT),
        ("file:/t/dt=20240807", None),
        ("file:/t/run=x/dt=20240807", None),
    ],
)
def test_the_attempt_of_a_location_is_found(location, found):
    assert attempt_of(location) == found


@pytest.mark.parametrize(
    "name",
    ["words", "words__", "words__0123456789a", "words__0123456789AB", "a_words__0123456789ab"],
)
def test_a_table_of_another_name_is_no_writer(name):
    assert not is_writer("words", name)


@pytest.mark.parametrize(
    ("location", "root", "key"),
    [
        ("s3a://b/p/dwd/t", "s3a://b/p", "dwd/t"),
        ("s3a://b/p//t/", "s3a://b/p/", "t"),
        ("file:/a/b%20#?/t", "file:///a/b%20#?", "t"),
        ("file://localhost/a/t", "/a", None),
        ("file://localhost/a/t", "file:/a", "t"),
        ("s3a://b/p", "s3a://b/p", None),
        ("s3a://b/p2/t", "s3a://b/p", None),
        ("s3a://c/p/t", "s3a://b/p", None),
    ],
)
def test_the_key_below_a_root(location, root, key):
    assert key_under(location, root) == key
    assert is_under(location, root) is (key is not None)


def test_one_place_is_one_place_whatever_its_slashes():
    assert same_place("file:/a/b", "file:///a//b/")
    assert not same_place("file:/a/b", "file:/a/B")
