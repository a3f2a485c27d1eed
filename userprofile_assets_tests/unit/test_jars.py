"""Fetching Spark's jars by the real Ivy from a small repository on the disk."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.cli.spark_jars import run_spark_jars
from userprofile_assets.errors import (
    SettingsError,
    SourceUnavailableError,
    SparkError,
    StorageError,
)
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse import jars
from userprofile_assets.warehouse.jar_list import HADOOP, LISTS, Jar
from userprofile_assets.warehouse.java import find_java
from userprofile_assets_tests.support.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("java")

SPARK_JARS = jars._spark_jars()
CONTENT = {"client": b"bytes of the client", "sdk": b"bytes of the sdk"}
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>org.example.store</groupId><artifactId>{name}</artifactId><version>1.0</version>
<dependencies><dependency><groupId>org.example.store</groupId><artifactId>bundle</artifactId>
<version>9</version></dependency></dependencies></project>"""


class Repository:
    """A Maven repository in a directory, and the settings file that leads Ivy to it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "repository"
        self.settings = root / "ivysettings.xml"
        for name, content in CONTENT.items():
            self.path(name).parent.mkdir(parents=True)
            self.path(name).write_bytes(content)
            # Asks for a bundle that is nowhere: nothing beyond the list may be followed.
            self.path(name).with_suffix(".pom").write_text(POM.format(name=name))
        self.lead_to(self.root.as_uri())

    def path(self, name: str) -> Path:
        return self.root / "org/example/store" / name / "1.0" / f"{name}-1.0.jar"

    def lead_to(self, url: str) -> None:
        self.settings.write_text(
            '<ivysettings><settings defaultResolver="only"/><resolvers>'
            f'<ibiblio name="only" m2compatible="true" root="{url}"/>'
            "</resolvers></ivysettings>"
        )


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository that has the two jars of a list that is put in place of the real one."""
    made = tuple(
        Jar("org.example.store", name, "1.0", hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    )
    monkeypatch.setitem(LISTS, "s3a", made)
    return Repository(tmp_path)


@pytest.fixture
def spark_home(tmp_path, monkeypatch):
    """The jars' directory of a Spark of one's own; holds Ivy alone."""
    directory = tmp_path / "spark" / "jars"
    directory.mkdir(parents=True)
    (ivy,) = SPARK_JARS.glob("ivy-*.jar")
    (directory / ivy.name).symlink_to(ivy)
    monkeypatch.setenv("SPARK_HOME", str(directory.parent))
    return directory


def fetch(home, repository):
    return jars.fetch_jars(home, find_java(), ivy_settings=repository.settings)


def left_in(home):
    """Return what there is beside the lock."""
    return sorted(path.name for path in (home / "spark").iterdir())


def test_the_jars_of_the_list_arrive_and_nothing_beyond_it(tmp_path, repository):
    home = tmp_path / "home"
    directory = fetch(home, repository)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == {
        "client-1.0.jar": b"bytes of the client",
        "sdk-1.0.jar": b"bytes of the sdk",
    }
    assert left_in(home) == [directory.name]
    assert jars.find_jars(home) == (directory / "client-1.0.jar", directory / "sdk-1.0.jar")


def put_by_hand(home, scheme="s3a"):
    """Make the directory that a fetch would have made."""
    directory = jars.jars_directory(home, scheme)
    directory.mkdir(parents=True)
    for jar in LISTS[scheme]:
        (directory / jar.file_name).touch()
    return directory


def test_jars_that_are_there_are_not_fetched_again(tmp_path, repository):
    directory = put_by_hand(tmp_path)
    repository.settings.unlink()
    assert fetch(tmp_path, repository) == directory


@pytest.mark.parametrize(
    ("storage", "scheme", "named"),
    [
        ("s3://bucket/p", None, "s3a"),
        ("file:///p", None, "s3a"),
        ("s3://bucket/p", "oss", "oss"),
    ],
    ids=["of the storage", "not needed", "named"],
)
def test_the_command_says_that_they_are_there(tmp_path, capsys, storage, scheme, named):
    put_by_hand(tmp_path, named)
    run_spark_jars(Settings(home=tmp_path, storage_uri=storage), scheme=scheme)
    assert f"The jars for {named}:// are there: {tmp_path}" in " ".join(
        capsys.readouterr().out.split()
    )


def test_the_command_fetches_what_is_missing(tmp_path, capsys, repository):
    settings = Settings(home=tmp_path, spark_ivy_settings=repository.settings)
    run_spark_jars(settings)
    assert "Fetched 2 jars for s3a://, 0 MB" in capsys.readouterr().out
    assert len(jars.find_jars(tmp_path)) == 2


def test_another_list_is_another_directory(tmp_path, repository, monkeypatch):
    directory = jars.jars_directory(tmp_path)
    changed = (*LISTS["s3a"][:-1], Jar("org.example.store", "sdk", "1.0", "0" * 64))
    monkeypatch.setitem(LISTS, "s3a", changed)
    assert jars.jars_directory(tmp_path) != directory
    assert jars.jars_directory(tmp_path, "oss") != directory


def test_other_bytes_than_the_list_says_are_an_error_and_nothing_is_kept(tmp_path, repository):
    repository.path("sdk").write_bytes(b"bytes of somebody else")
    home = tmp_path / "home"
    with pytest.raises(SparkError, match=r"org.example.store:sdk:1.0.*other bytes"):
        fetch(home, repository)
    assert left_in(home) == []


def test_a_jar_that_the_repository_lacks_is_named(tmp_path, repository):
    repository.path("sdk").unlink()
    home = tmp_path / "home"
    with pytest.raises(
        SparkError, match=r"^org.example.store:sdk:1.0: no repository has it"
    ) as caught:
        fetch(home, repository)
    assert str(repository.path("sdk")) in str(caught.value)
    assert "USERPROFILE_SPARK_IVY_SETTINGS" in str(caught.value)
    assert left_in(home) == []


def test_a_repository_that_does_not_answer_is_a_transient_error_without_its_password(
    tmp_path, repository
):
    repository.lead_to(f"http://user:canary@127.0.0.1:{free_port()}/maven")
    home = tmp_path / "home"
    with pytest.raises(SourceUnavailableError, match="did not answer") as caught:
        fetch(home, repository)
    assert "canary" not in str(caught.value)
    assert left_in(home) == []


def test_a_settings_file_that_is_not_there_is_named(tmp_path, repository):
    repository.settings.unlink()
    with pytest.raises(SettingsError, match=r"ivysettings\.xml: there is no such file"):
        fetch(tmp_path, repository)


def test_what_a_killed_fetch_left_is_removed_by_the_next_one(tmp_path, repository):
    left = tmp_path / "spark" / "_tmp.jars.killed"
    left.mkdir(parents=True)
    (left / "half.jar").write_bytes(b"ha")
    repository.settings.unlink()
    with pytest.raises(SettingsError):
        fetch(tmp_path, repository)
    assert left_in(tmp_path) == []


def test_a_home_that_cannot_be_written_is_a_storage_error(tmp_path, repository):
    (tmp_path / "spark").write_text("a file where a directory should be")
    with pytest.raises(StorageError, match="the jars cannot be written") as caught:
        fetch(tmp_path, repository)
    assert "USERPROFILE_HOME" in str(caught.value)


def test_before_they_are_fetched_the_command_is_named(tmp_path):
    with pytest.raises(SettingsError, match="no client for s3a://") as caught:
        jars.find_jars(tmp_path)
    assert "userprofile spark jars" in str(caught.value)


def test_half_a_directory_counts_as_none(tmp_path, repository):
    directory = put_by_hand(tmp_path)
    assert len(jars.find_jars(tmp_path)) == 2
    (directory / "sdk-1.0.jar").unlink()
    with pytest.raises(SettingsError, match="userprofile spark jars"):
        jars.find_jars(tmp_path)


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        ("s3a", "hadoop-aws-3.4.1.jar"),
        ("oss", "hadoop-aliyun-3.5.0.jar"),
        ("oss", "jindo-sdk-6.jar"),
    ],
)
def test_a_spark_that_has_the_client_is_given_nothing(tmp_path, spark_home, scheme, name):
    assert not jars.has_own_client(scheme)
    (spark_home / name).touch()
    assert jars.has_own_client(scheme)
    assert jars.find_jars(tmp_path, scheme) == ()


def test_a_spark_with_another_hadoop_is_refused(tmp_path, repository, spark_home):
    (spark_home / "hadoop-client-api-3.4.1.jar").touch()
    expected = re.escape(f"this Spark has Hadoop 3.4.1, and the jars are for {HADOOP}")
    with pytest.raises(SparkError, match=expected):
        jars.find_jars(tmp_path)
    with pytest.raises(SparkError, match=expected):
        fetch(tmp_path, repository)


def test_a_spark_without_ivy_says_what_to_do(tmp_path, repository, spark_home):
    for path in spark_home.iterdir():
        path.unlink()
    with pytest.raises(SparkError, match=r"no ivy-\*.jar") as caught:
        fetch(tmp_path, repository)
    assert "by hand" in str(caught.value)


def test_the_lists_are_for_the_hadoop_of_the_spark_that_is_installed(tmp_path):
    names = {path.name for path in SPARK_JARS.iterdir()}
    assert f"hadoop-client-api-{HADOOP}.jar" in names
    for scheme, artifact in (("s3a", "hadoop-aws"), ("oss", "hadoop-aliyun")):
        (client,) = (jar for jar in LISTS[scheme] if jar.artifact == artifact)
        assert client.version == HADOOP


@pytest.mark.parametrize(("scheme", "count"), [("s3a", 37), ("oss", 17)])
def test_every_jar_of_a_list_is_pinned_once(scheme, count):
    assert len({jar.file_name for jar in LISTS[scheme]}) == count
    assert len({jar.sha256 for jar in LISTS[scheme]}) == count
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in LISTS[scheme])


def test_no_jar_is_one_that_spark_brings():
    brought = {re.sub(r"-\d.*", "", path.name) for path in SPARK_JARS.iterdir()}
    for scheme, known in LISTS.items():
        assert not {jar.artifact for jar in known} & brought, scheme
