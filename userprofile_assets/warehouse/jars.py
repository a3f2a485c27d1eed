"""The jars by which Spark reads object storage: where they are kept, and how they are got once.

Belongs here: fetching what `jar_list.py` names, checking each file, finding it again. Does not
belong here: what Spark is told about the store (`storage_conf.py`).

They come by the Ivy that Spark brings, so that neither Maven nor a network is needed when a run
starts. Every version is pinned and nothing is fetched beyond the list; each file has to have the
SHA-256 of the list, so it does not matter which mirror it comes from. The directory's name holds a
digest of the list and it appears whole, by one rename.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from userprofile_assets.errors import (
    SettingsError,
    SourceUnavailableError,
    SparkError,
    StorageError,
)
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.redaction import redact_text
from userprofile_assets.warehouse.jar_list import HADOOP, LISTS, Jar

if TYPE_CHECKING:
    from userprofile_assets.warehouse.java import Java

# 35 s were measured for the 37 jars of s3a and the descriptions that Ivy reads with them.
_FETCH_SECONDS = 600

# Whoever has one of these beside Spark has a client of that scheme already.
_OWN_CLIENTS = {
    "s3a": ("hadoop-aws-*.jar",),
    "oss": ("hadoop-aliyun-*.jar", "jindo-sdk-*.jar", "jindosdk-*.jar"),
}

# What Ivy prints: `:: group#artifact;version!artifact.jar` for each jar it did not get, and on
# lines of their own the places where it looked.
_BLAMED = re.compile(r"^\s*:: ([^#\s]+)#([^;\s]+);([^!:\s]+)(?=[!:])", re.MULTILINE)
_URL_LINE = re.compile(r"\s*[a-z]+:/\S+\s*$")

# Ivy runs for seconds: the compiler's last tier and a parallel collector would only cost.
_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def jars_directory(home: Path, scheme: str = "s3a") -> Path:
    """Return where the jars of a scheme are, or would be."""
    lines = "\n".join(f"{jar.coordinates} {jar.sha256}" for jar in LISTS[scheme])
    digest = hashlib.sha256(lines.encode("utf-8")).hexdigest()[:12]
    return home / "spark" / f"jars-{digest}"


def find_jars(home: Path, scheme: str = "s3a") -> tuple[Path, ...]:
    """Return the jars that Spark has to be given; none when it has that client itself.

    Raises:
        SettingsError: They have not been fetched.
        SparkError: This Spark has another Hadoop than the jars are for.
    """
    if has_own_client(scheme):
        return ()
    _check_hadoop()
    directory = jars_directory(home, scheme)
    found = tuple(directory / jar.file_name for jar in LISTS[scheme])
    if not all(path.is_file() for path in found):
        raise SettingsError(
            f"Spark has no client for {scheme}:// yet",
            where=str(directory),
            remedy="run `userprofile spark jars` once, with access to Maven Central or a mirror",
        )
    return found


def fetch_jars(
    home: Path, java: Java, *, scheme: str = "s3a", ivy_settings: Path | None = None
) -> Path:
    """Fetch the jars of a scheme, unless they are there, and return their directory.

    Args:
        home: USERPROFILE_HOME.
        java: Runs Ivy.
        scheme: `s3a` or `oss`.
        ivy_settings: Ivy's settings file, for a mirror; without it Ivy asks Maven Central.

    Raises:
        SourceUnavailableError: The repository did not answer.
        SparkError: The repository lacks a jar, one has other bytes than the list says, or this
            Spark has another Hadoop.
        StorageError: The directory cannot be written.
    """
    _check_hadoop()
    target = jars_directory(home, scheme)
    lock = home / "locks" / "spark-jars.lock"
    with exclusive_lock(lock, purpose="fetching Spark's jars", timeout=_FETCH_SECONDS + 60):
        if target.is_dir():
            return target
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            for left in target.parent.glob("_tmp.jars.*"):  # of a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix="_tmp.jars.", dir=target.parent) as scratch:
                _fetch(LISTS[scheme], Path(scratch), java, ivy_settings)
                (Path(scratch) / "jars").rename(target)
        except OSError as error:
            raise StorageError(
                f"the jars cannot be written ({error.strerror})",
                where=str(target),
                remedy="make USERPROFILE_HOME a directory with 50 MB free, writable for this user",
            ) from error
    return target


def has_own_client(scheme: str) -> bool:
    """Tell whether Spark's own directory holds a client of that scheme."""
    directory = _spark_jars()
    return any(any(directory.glob(pattern)) for pattern in _OWN_CLIENTS[scheme])


def _spark_jars() -> Path:
    """Return the directory of Spark's own jars, without importing pyspark (0.3 s)."""
    home = os.environ.get("SPARK_HOME")
    if home:
        return Path(home, "jars")
    spec = importlib.util.find_spec("pyspark")
    if spec is None or not spec.submodule_search_locations:
        raise SparkError("pyspark is not installed", remedy="make install")
    return Path(spec.submodule_search_locations[0], "jars")


def _check_hadoop() -> None:
    directory = _spark_jars()
    names = sorted(path.stem for path in directory.glob("hadoop-client-api-*.jar"))
    versions = [name.removeprefix("hadoop-client-api-") for name in names]
    if versions and HADOOP not in versions:
        raise SparkError(
            f"this Spark has Hadoop {versions[0]}, and the jars are for {HADOOP}",
            where=str(directory),
            remedy="use pyspark 4.2 or newer, or put hadoop-aws of Spark's own Hadoop version, "
            "with its AWS SDK, into that directory",
        )


def _fetch(jars: tuple[Jar, ...], scratch: Path, java: Java, settings: Path | None) -> None:
    """Fetch the jars into `scratch/jars` and check every one."""
    (scratch / "ivy.xml").write_text(_ivy_module(jars), encoding="utf-8")
    said = _run_ivy(scratch, java, settings)
    for jar in jars:
        path = scratch / "jars" / jar.file_name
        if not path.is_file():
            raise _missing(jar, said)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != jar.sha256:
            raise SparkError(
                f"the repository gave other bytes: SHA-256 {digest}, not {jar.sha256}",
                where=jar.coordinates,
                remedy="nothing was kept; find out what stands between here and Maven Central",
            )


def _ivy_module(jars: tuple[Jar, ...]) -> str:
    """Return Ivy's description of the list; nothing is followed beyond it."""
    dependencies = "".join(
        f"<dependency org={quoteattr(jar.group)} name={quoteattr(jar.artifact)} "
        f'rev={quoteattr(jar.version)} transitive="false" conf="default->default"/>'
        for jar in jars
    )
    return (
        '<ivy-module version="2.0"><info organisation="userprofile" module="jars"/>'
        f"<dependencies>{dependencies}</dependencies></ivy-module>"
    )


def _run_ivy(scratch: Path, java: Java, settings: Path | None) -> str:
    """Run Ivy to its end and return what it printed."""
    ivy = sorted(_spark_jars().glob("ivy-*.jar"))
    if not ivy:
        raise SparkError(
            "Spark brings no ivy-*.jar",
            where=str(_spark_jars()),
            remedy="put the client's jars into that directory by hand",
        )
    if settings is not None and not settings.is_file():
        raise SettingsError(
            "there is no such file", where=f"USERPROFILE_SPARK_IVY_SETTINGS={settings}"
        )
    command: list[str | Path] = [
        *(java.program, *_QUICK, "-jar", ivy[-1]),
        *("-cache", scratch / "cache", "-ivy", scratch / "ivy.xml", "-confs", "default"),
        *("-retrieve", f"{scratch}/jars/[artifact]-[revision].[ext]"),
        *(("-settings", settings) if settings is not None else ()),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - the Java the user configured, and Spark's own jar
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceUnavailableError(
            f"Ivy did not end within {_FETCH_SECONDS} seconds",
            where="the jars of Spark",
            remedy="look at the way to Maven Central, or set USERPROFILE_SPARK_IVY_SETTINGS",
        ) from error
    return redact_text(done.stdout + done.stderr)


def _missing(jar: Jar, said: str) -> SourceUnavailableError | SparkError:
    """Return the error for what did not arrive: whether a server answered decides.

    Ivy copies nothing at all when one jar is missing, so the first one is not always to blame.
    """
    blamed = {":".join(found) for found in _BLAMED.findall(said)} or {jar.coordinates}
    where = ", ".join(sorted(blamed)[:3]) + (" and others" if len(blamed) > 3 else "")
    refused = [line.strip() for line in said.splitlines() if "Server access error" in line]
    if refused:
        return SourceUnavailableError(
            f"the repository did not answer: {refused[0]}",
            where=where,
            remedy="look at the network; behind a proxy set JAVA_TOOL_OPTIONS to -Dhttps.proxyHost "
            "and -Dhttps.proxyPort; for a mirror set USERPROFILE_SPARK_IVY_SETTINGS",
        )
    tried = dict.fromkeys(line.strip() for line in said.splitlines() if _URL_LINE.match(line))
    return SparkError(
        f"no repository has it; Ivy tried {', '.join(list(tried)[-2:]) or 'none'}",
        where=where,
        remedy="set USERPROFILE_SPARK_IVY_SETTINGS to a settings file that names a repository "
        "which has it",
    )
