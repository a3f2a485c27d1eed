"""A class archive (AppCDS) that halves the start of local Spark.

Spark loads some 20,000 classes before its first answer. A JVM that maps them from an archive skips
parsing and verifying them; docs/performance.md has the figures. The archive is made once, by a
training session of its own process, and named after everything it depends on: another Java or
Spark finds no archive and starts as it always did.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from userprofile_assets.errors import SparkError, StorageError

if TYPE_CHECKING:
    from userprofile_assets.warehouse.java import Java

_TRAINING_SECONDS = 600


def archive_path(home: Path, java: Java) -> Path:
    """Return where the archive for this Java and this Spark is, or would be."""
    key = f"{java.program.resolve()} {java.version} pyspark {version('pyspark')}"
    digest = hashlib.sha256(key.encode("utf-8")).hexdigest()[:12]
    return home / "spark" / f"classes-{digest}.jsa"


def make_archive(home: Path, java: Java) -> Path:
    """Make the class archive and return its path; takes a minute or two and 230 MB of disk.

    Archives of other versions in the same directory are removed. Two processes may do this at once;
    the last one to finish leaves its archive.

    Raises:
        SparkError: The training session failed; shows the end of what it printed.
        StorageError: The archive cannot be written.
    """
    target = archive_path(home, java)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="_tmp.", dir=target.parent) as scratch:
            made = Path(scratch, target.name)
            _train(Path(scratch), made)
            for old in target.parent.glob("classes-*.jsa"):
                if old != target:
                    old.unlink(missing_ok=True)
            made.replace(target)
    except OSError as error:
        raise StorageError(
            f"the class archive cannot be written ({error.strerror})",
            where=str(target),
            remedy="make USERPROFILE_HOME a directory with 300 MB free that this user may write to",
        ) from error
    return target


def _train(scratch: Path, made: Path) -> None:
    command = [sys.executable, "-m", "userprofile_assets.warehouse.class_archive_training"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [*command, str(scratch), str(made)],
            capture_output=True,
            text=True,
            timeout=_TRAINING_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SparkError(
            f"the training session did not end within {_TRAINING_SECONDS} seconds",
            where="class archive",
            remedy="go on without it; Spark only starts more slowly",
        ) from error
    if done.returncode != 0 or not made.is_file():
        raise SparkError(
            f"the training session failed:\n{(done.stdout + done.stderr)[-2000:]}",
            where="class archive",
            remedy="go on without it; Spark only starts more slowly",
        )
