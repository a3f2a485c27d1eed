"""Find the Java that Spark will start, and refuse one that is too old before Spark tries.

Spark 4 needs Java 17 (https://spark.apache.org/docs/latest/, Downloading). Without this check the
person at the terminal gets `JAVA_GATEWAY_EXITED` or a class file version instead of a reason.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from userprofile_assets.errors import SparkError

MINIMUM_JAVA = 17
_INSTALL = (
    f"install Java {MINIMUM_JAVA} or newer (Debian: apt-get install openjdk-17-jre-headless) "
    "and, if it is not the first on PATH, set JAVA_HOME"
)


@dataclass(frozen=True)
class Java:
    """A Java installation: its program and its full version, such as `17.0.15`."""

    program: Path
    version: str

    @property
    def major(self) -> int:
        """The feature release: 17 for `17.0.15`, 8 for `1.8.0_402`."""
        numbers = [int(n) for n in re.findall(r"\d+", self.version)]
        return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def find_java() -> Java:
    """Return the Java that Spark's scripts will use: JAVA_HOME's, else the first on PATH.

    Raises:
        SparkError: There is none, it does not run, or it is older than 17.
    """
    home = os.environ.get("JAVA_HOME")
    found = Path(home, "bin", "java") if home else _on_path()
    if found is None or not os.access(found, os.X_OK):
        where = f"JAVA_HOME={home}" if home else "PATH"
        raise SparkError("no Java found", where=where, remedy=_INSTALL)
    version = _version_from_release_file(found) or _version_from_program(found)
    java = Java(program=found, version=version)
    if java.major < MINIMUM_JAVA:
        raise SparkError(
            f"Java {version} is too old for Spark 4, which needs {MINIMUM_JAVA}",
            where=str(found),
            remedy=_INSTALL,
        )
    return java


def _on_path() -> Path | None:
    found = shutil.which("java")
    return Path(found) if found else None


def _version_from_release_file(program: Path) -> str | None:
    """Read the version without starting a JVM, which would cost 0.1 s and more."""
    release = program.resolve().parent.parent / "release"
    try:
        match = re.search(r'^JAVA_VERSION="(\d[^"]*)"', release.read_text("utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return None
    return match.group(1) if match else None


def _version_from_program(program: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the program is the Java the user configured
            [program, "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SparkError("Java does not run", where=str(program), remedy=_INSTALL) from error
    match = re.search(r'version "(\d[^"]*)"', done.stderr)
    if match is None:
        raise SparkError(
            f"Java did not tell its version (exit code {done.returncode})",
            where=str(program),
            remedy=_INSTALL,
        )
    return match.group(1)
